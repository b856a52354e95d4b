"""Apple's 7 for 1 of June 2014, played from the store by the real daemon and venue with 100 shares held across it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.storage.history.store import open_history
from tests.system.process import EngineProcess

AAPL = "AAPL.XNAS"
WORLD = "replay:2014-06-05..2014-06-09"
FILES = ("bars_minute/us_equity_trade.parquet", "corporate_actions/derived_events.csv")
SECOND = 1_000_000_000
MONDAY = load_calendar().session("2014-06-09")
WAIT_S = 90.0


def take_in(engine: EngineProcess, shared: Path) -> None:
    """The store of this home gets Apple's minutes, splits and dividends."""
    done = engine.sp("import", *(str(shared / "data" / name) for name in FILES), "--yes")
    assert done.returncode == 0, done.stderr
    with open_history(engine.paths.history, WallClock()) as store:
        assert store.reader.actions(AAPL)


def seek(client: BlockingClient, moment: int) -> None:
    """Play on to a moment and see it reached."""
    client.control_market("seek", to_ns=moment)
    assert wait_until(lambda: client.clock().market_ns >= moment, WAIT_S)


def held(client: BlockingClient) -> list[str]:
    """Quantity and cost of what is held."""
    (position,) = client.positions()
    assert position.average_cost is not None
    return [str(position.quantity), str(round(position.quantity * position.average_cost, 2))]


@pytest.mark.real_data
@pytest.mark.timeout(400)
def test_a_hundred_shares_are_seven_hundred_after_the_split(shared: Path, home: Path) -> None:
    assert MONDAY is not None
    (home / "config").mkdir(mode=0o700)
    (home / "config" / "stockpulse.toml").write_text("[account]\ncash = 1000000\n")
    engine = EngineProcess(home, ("--world", WORLD, "--symbols", "AAPL", "--at", "2014-06-06 15:50"))
    try:
        take_in(engine, shared)
        with engine.start() as client:
            client.control_market("pause")
            bought, resting = buy(engine), rest(engine)
            seek(client, client.clock().market_ns + 120 * SECOND)
            assert wait_until(lambda: client.order(bought).status is OrderStatus.FILLED, WAIT_S)
            assert wait_until(lambda: client.order(resting).status is OrderStatus.ACCEPTED, WAIT_S)
            assert wait_until(lambda: bool(client.positions()), WAIT_S)
            quantity, cost = held(client)
            assert quantity == "100"
            equity = client.account().equity
            seek(client, MONDAY.pre_open - SECOND // 2)
            assert wait_until(lambda: held(client)[0] == "700", WAIT_S), "held as new shares before anything trades"
            assert wait_until(lambda: abs(client.account().equity - equity) < 100, WAIT_S), "no money is made"
            engine.kill_both()
        with engine.start() as client:
            client.control_market("pause")
            assert wait_until(lambda: held(client)[0] == "700", WAIT_S), "held as new shares before anything trades"
            assert held(client)[1] == cost, "and they cost what the old ones did"
            assert wait_until(lambda: client.order(resting).terms.quantity == 350, WAIT_S), "told in new shares"
            changed = client.order(resting)
            assert (changed.status, changed.terms.limit_price) == (OrderStatus.ACCEPTED, Decimal(100))
            account = client.account()
            assert account.differences == (), "the venue holds the same"
            seek(client, MONDAY.open + 300 * SECOND)
            assert held(client) == ["700", cost]
            told = [entry for entry in client.log(limit=1000) if entry.kind == "ACTION_APPLIED"]
            assert [entry.sentence for entry in told] == [
                f"{AAPL}: split 7 for 1: 100 became 700, 1 working order(s) adjusted."
            ], "once, whoever was killed"
            days = client.bars(AAPL, "1d", limit=3)
            assert len(days) == 3
            assert all(80 < bar.close < 110 for bar in days), "the days before are drawn in new shares"
            assert client.verify_log().is_ok
    finally:
        engine.kill_both()


def buy(engine: EngineProcess) -> str:
    """100 at market."""
    return _order(engine, "buy", "AAPL", "100")


def rest(engine: EngineProcess) -> str:
    """A sale far above the market that would live for ever."""
    return _order(engine, "sell", "AAPL", "50", "lmt", "700", "gtc")


def _order(engine: EngineProcess, *words: str) -> str:
    done = engine.sp(*words, "--yes", "--json")
    assert done.returncode == 0, done.stderr or done.stdout
    key: str = json.loads(done.stdout)["orders"][0]["client_order_id"]
    return key
