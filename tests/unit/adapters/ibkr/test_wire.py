"""The stand-in's messages are as long as recorded ones, and the library reads both."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stockpulse_engine.adapters.ibkr.build import capabilities_of
from stockpulse_engine.adapters.ibkr.settings import PORTS, settings_of
from stockpulse_engine.adapters.ibkr.symbols import contract_of, instrument_of
from stockpulse_engine.adapters.registry import adapter_row
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.drill.servers import twswire as w

SHARE = w.Share(265_598, "AAPL", "NASDAQ", Decimal("0.01"))
FIELDS_SINCE_170 = 5
"""Of a completed order; the recording is older."""


def order() -> w.TwsOrder:
    """An executed order."""
    return w.TwsOrder(
        number=5,
        client_id=7,
        perm_id=991,
        share=SHARE,
        action="BUY",
        quantity=Decimal(100),
        order_type="MKT",
        account="DU1234567",
        ref="ours",
        filled=Decimal(100),
        status="Filled",
        completed_ns=1_795_190_400_000_000_000,
    )


def fields_of(message: bytes) -> list[str]:
    (found,) = reader().feed(message)
    return found


def reader() -> w.TwsReader:
    made = w.TwsReader()
    made.feed(b"API\0")
    return made


@pytest.mark.real_data
def test_messages_have_the_fields_of_recorded_ones(shared: Path) -> None:
    rows = (shared / "contracts/ibkr/wire/tws_to_client.jsonl").read_text(encoding="utf-8").splitlines()
    lengths: dict[int, set[int]] = {}
    for row in map(json.loads, rows):
        lengths.setdefault(row["msg_id"], set()).add(len(row["fields"]))
    assert len(fields_of(w.open_order(order()))) in lengths[5]
    assert len(fields_of(w.order_status(order()))) in lengths[3]
    deal = w.execution(-1, order(), "0.1.01", "20261120  12:00:00", Decimal(100), Decimal("99.5"))
    assert len(fields_of(deal)) in lengths[11]
    completed = fields_of(w.completed_order(order(), ZoneInfo("America/New_York")))
    assert len(completed) - FIELDS_SINCE_170 in lengths[101]


def test_bytes_arrive_in_any_pieces() -> None:
    whole = w.framed([71, 2, 7, ""]) + w.framed([49, 1])
    found: list[list[str]] = []
    slow = reader()
    for place in range(len(whole)):
        found += slow.feed(whole[place : place + 1])
    assert found == [["71", "2", "7", ""], ["49", "1"]]


def test_what_does_not_begin_as_a_client_does_is_none() -> None:
    with pytest.raises(ValueError, match="first bytes"):
        w.TwsReader().feed(b"GET / HTTP/1.1\r\n")


def test_shares_have_names_there_and_here() -> None:
    found = contract_of("BRK-B.XNYS", "USD")
    assert found is not None
    assert (found.symbol, found.primaryExchange, found.exchange) == ("BRK B", "NYSE", "SMART")
    assert instrument_of("BRK B", "NYSE") == "BRK-B.XNYS"
    assert instrument_of("AAPL", "NASDAQ") == "AAPL.XNAS"
    assert contract_of("7203.XTKS", "JPY") is None
    assert instrument_of("a\tb", "NYSE") == ""


def test_another_machine_is_not_spoken_to() -> None:
    config = BrokerConfig(name="ib", adapter="ibkr", kind=AccountKind.LIVE, host="10.0.0.5")
    with pytest.raises(ConfigError, match="not encrypted"):
        settings_of(config)
    assert settings_of(BrokerConfig(name="ib", adapter="ibkr", kind=AccountKind.LIVE)).port == PORTS[AccountKind.LIVE]


def test_the_registry_and_the_adapter_say_the_same_of_what_it_can_do() -> None:
    assert adapter_row("ibkr").capabilities("ib") == capabilities_of("ib")


def test_the_library_leaves_the_loop_alone() -> None:
    probe = (
        "import asyncio, sys; run = asyncio.run\n"
        "import stockpulse_engine.adapters.ibkr.build\n"
        "print('nest_asyncio' in sys.modules, asyncio.run is run)"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]
