"""A leveraged account on a real engine in a market that falls: the call is shown, heard, and only exits are taken."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from tests.system.process import EngineProcess
from tests.system.shell import Shell
from tests.system.test_lives import Head, attached

WAIT_S = 20.0
OPENING = dt.datetime(2013, 12, 10, 14, 30, tzinfo=dt.UTC)
"""Half past nine in New York."""
FALL_AT_S, SECONDS = 60, 600
LIMITS = """
max_order_notional = 1000000
max_position_weight = 3
max_gross = 3
max_net = 3
max_adv_fraction = 1
daily_loss_fraction = 0.99
"""
"""Wide enough to borrow as much as a margin account may."""


@pytest.fixture(scope="module")
def falling(sandbox: Path) -> Iterator[EngineProcess]:
    """Ten minutes of a share at 100.00 that costs 60.00 from its second minute on."""
    file = sandbox / "fall.csv"
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("ts", "symbol", "bid", "bid_size", "ask", "ask_size"))
        for second in range(SECONDS):
            price = 100 if second < FALL_AT_S else 60
            moment = OPENING + dt.timedelta(seconds=second)
            rows.writerow((f"{moment:%Y-%m-%dT%H:%M:%SZ}", "IBM", price, 50_000, f"{price}.01", 50_000))
    home = sandbox / "margin"
    (home / "config").mkdir(parents=True)
    (home / "config" / "limits.toml").write_text(LIMITS)
    arguments = ("--world", "replay:fall", "--from", str(file), "--at", "2013-12-10 09:30:10", "--speed", "0.5")
    with EngineProcess(home, arguments) as engine:
        yield engine


async def test_a_margin_call_is_shown_heard_and_lets_only_exits_through(falling: EngineProcess) -> None:
    sp = Shell(falling.home)
    trade(sp, "LEVER", "buy", "IBM", "1900", "mkt")
    before = sp("account", "--json").data
    assert float(before["margin_call"]) == 0
    assert float(before["gross_exposure"]) > 1.8 * float(before["equity"]), "it owns more than it has"

    async with attached(falling) as head:
        await head.until(lambda: bool(head.sessions))
        assert sp("market", "speed", "20").code == 0
        await head.until(lambda: bool(calls(head)))
        assert sp("market", "speed", "1").code == 0
        (call,) = calls(head)
        assert call.startswith("Margin call of ")
        await head.until(lambda: head.store.accounts["main"].margin_call > 0)

    account = sp("account", "--json").data
    assert float(account["margin_call"]) > 0
    assert float(account["equity"]) < float(account["maintenance_margin"])
    assert "! margin call" in sp("account").out
    entry = sp("buy", "IBM", "1", "mkt", "--yes")
    assert (entry.code, "BUYING_POWER" in entry.err) == (3, True), entry.err

    trade(sp, "LESS", "sell", "IBM", "900", "mkt")
    trade(sp, "OUT", "sell", "IBM", "all", "mkt")
    assert wait_until(lambda: float(sp("account", "--json").data["margin_call"]) == 0, WAIT_S)
    assert sp("positions", "--json").data == []


def trade(sp: Shell, key: str, *words: str) -> None:
    """Send an order and wait until it is filled."""
    done = sp(*words, "--yes", "--id", key)
    assert done.code == 0, done.err
    assert wait_until(lambda: sp("order", key, "--json").data["order"]["status"] == "FILLED", WAIT_S)


def calls(head: Head) -> list[str]:
    """Margin calls this head heard of."""
    return [alert.text for alert in head.store.alerts if alert.level == "danger" and alert.subject == "main"]
