"""Ids, symbols and addresses: there and back, and never to the wrong place."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.alpaca.build import build, capabilities_of
from stockpulse_engine.adapters.alpaca.rest import Keys
from stockpulse_engine.adapters.alpaca.settings import settings_of
from stockpulse_engine.adapters.alpaca.symbols import (
    instrument_id_of,
    is_link,
    is_same_place,
    ours_of,
    symbol_for,
    wire_id,
)
from stockpulse_engine.adapters.registry import adapter_row
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError

_PLAIN = re.compile(r"[A-Za-z0-9._:=~-]*")


@pytest.mark.covers("F03")
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(["", "0a1b2c3d4e5f"]))
def test_an_order_id_travels_in_alpacas_alphabet_and_comes_back(key: str, link: str) -> None:
    sent = wire_id(key, link)
    assert _PLAIN.fullmatch(sent)
    assert ours_of(sent) == key
    assert is_link(sent) is bool(link)


def test_our_own_ids_travel_as_they_are() -> None:
    assert wire_id("01HZX3T9QK-T") == "01HZX3T9QK-T"


@pytest.mark.covers("F42")
def test_symbols_and_exchanges_are_the_same_listing_or_not() -> None:
    assert instrument_id_of("AAPL", "NASDAQ") == "AAPL.XNAS"
    assert instrument_id_of("BRK.B", "NYSE") == "BRK.B.XNYS"
    assert instrument_id_of("BTC/USD", "CRYPTO", "crypto") == "BTC-USD.XXXX"
    assert instrument_id_of("AAPL`", "NASDAQ") == ""
    assert [symbol_for(each) for each in ("AAPL.XNAS", "BRK.B.XNYS", "BTC-USD.XXXX", "FB~1999.XNAS")] == [
        "AAPL",
        "BRK.B",
        "BTC/USD",
        "",
    ]
    assert is_same_place("AAPL.XNAS", "NASDAQ")
    assert is_same_place("AAPL.XXXX", "NASDAQ")
    assert not is_same_place("AAPL.XNYS", "NASDAQ")


def config(**changes: object) -> BrokerConfig:
    return BrokerConfig(**{"name": "mine", "adapter": "alpaca", "kind": AccountKind.PAPER, **changes})  # type: ignore[arg-type]  # fields by name


@pytest.mark.covers("F17")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "https://api.alpaca.markets"}, "for LIVE"),
        ({"kind": AccountKind.LIVE, "url": "https://paper-api.alpaca.markets"}, "for PAPER"),
        ({"url": "http://paper-api.alpaca.markets"}, "in the clear"),
        ({"url": "ftp://x"}, "no address"),
        ({"url": "https://me:secret@host"}, "no secrets"),
        ({"stream_url": "ws://elsewhere/stream"}, "in the clear"),
    ],
)
def test_an_address_that_must_not_be_spoken_to_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings_of(config(**changes))


def test_addresses_follow_the_kind_of_money() -> None:
    paper, live = settings_of(config()), settings_of(config(kind=AccountKind.LIVE))
    assert (paper.url, paper.stream_url) == (
        "https://paper-api.alpaca.markets",
        "wss://paper-api.alpaca.markets/stream",
    )
    assert live.stream_url == "wss://api.alpaca.markets/stream"


def test_the_row_of_the_registry_is_what_the_adapter_can_do() -> None:
    assert adapter_row("alpaca").capabilities("mine") == capabilities_of("mine")
    built = build(config(), {"key_id": "k" * 20, "secret_key": "s" * 40}, clock=ManualClock())
    assert built.capabilities.name == "mine"
    assert not built.is_connected


@pytest.mark.covers("R21", "R71")
def test_keys_have_no_text_and_posts_no_retries() -> None:
    keys = Keys("key-id-canary-1", "secret-canary-1")
    assert "canary" not in repr(keys) + str(keys)
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    for url in ("", "http://127.0.0.1:1"):
        built = build(config(url=url), {"key_id": "k" * 20, "secret_key": "s" * 40}, clock=ManualClock())
        rest = built._rest
        rest.open()
        assert rest._client is not None
        transport = rest._client._transport
        assert transport._pool._retries == 0  # type: ignore[attr-defined]  # httpcore's own count of tries
        assert not rest._client.follow_redirects
