"""A real engine in the live world, on a stand-in for the market outside: it trades what it sees and nothing else.

The symbol traded is a coin, so that the story is the same at every hour of the day.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError, ForbiddenError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderStatus, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.domain.views import PartHealth
from tests.fakes.yahoo_thread import Coin, YahooThread
from tests.system.process import EngineProcess

BTC = "BTC-USD.XXXX"
WAIT_S = 30.0


@pytest.fixture
def coin() -> Coin:
    return Coin("BTC-USD", 100.0, 1_000_000)


@pytest.fixture
def outside(coin: Coin, monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooThread]:
    """The market outside, and the settings that lead there."""
    with YahooThread(coin) as running:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO_URL", running.server.url)
        monkeypatch.setenv("STOCKPULSE__MARKET__SYMBOLS", "BTC-USD, NOPE")
        monkeypatch.setenv("STOCKPULSE__MARKET__POLL_S", "1")
        yield running
    assert running.server.complaints == []


@pytest.fixture
def engine(outside: YahooThread, tmp_path: Path) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path / "home", ["--world", "live"]) as started:
        yield started


def terms(side: Side = Side.BUY, limit: str = "", quantity: int = 5) -> OrderTerms:
    return OrderTerms(
        account_id="main",
        instrument_id=BTC,
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        limit_price=Decimal(limit) if limit else None,
        time_in_force=TimeInForce.GTC if limit else TimeInForce.DAY,
    )


def send(client: BlockingClient, what: OrderTerms) -> str:
    return client.submit_order(SubmitOrder(client_order_id=new_id(), terms=what)).orders[0].client_order_id


def feed(client: BlockingClient) -> PartHealth:
    return next(part for part in client.health().parts if part.name == "feed")


def denial(client: BlockingClient, what: OrderTerms) -> str:
    """The code an order is denied with, "" when it is taken."""
    try:
        send(client, what)
    except DeniedError as error:
        return error.denial
    return ""


def has_price(client: BlockingClient, price: str) -> bool:
    return any(quote.last == Decimal(price) for quote in client.quotes((BTC,)))


def test_quotes_are_shown_and_prints_fill_what_rests(engine: EngineProcess, coin: Coin) -> None:
    with engine.client() as client:
        assert wait_until(lambda: has_price(client, "100"), WAIT_S)
        (quote,) = client.quotes((BTC,))
        assert (quote.bid_size, quote.ask_size, quote.source) == (ZERO, ZERO, "yahoo")
        health, clock = client.health(), client.clock()
        assert (health.world, clock.world, clock.speed) == ("live", "live", 1.0)
        assert feed(client).detail == "yahoo (unofficial), without NOPE"
        assert client.account().account.kind is AccountKind.PAPER
        with pytest.raises(ForbiddenError, match="time can not be changed"):
            client.control_market("speed", speed=10)

        assert denial(client, terms()) == "QUOTE_ONE_SIDED", "no size is told: nothing is sent at any price"
        resting = send(client, terms(limit="98.00"))
        assert wait_until(lambda: client.order(resting).status is OrderStatus.ACCEPTED, WAIT_S)
        coin.price, coin.volume = 97.0, coin.volume + 97 * 3
        assert wait_until(lambda: client.order(resting).filled_quantity == 3, WAIT_S)
        coin.price, coin.volume = 96.0, coin.volume + 96 * 50
        assert wait_until(lambda: client.order(resting).status is OrderStatus.FILLED, WAIT_S)
        assert {fill.price for fill in client.fills()} == {Decimal("98.00")}
        assert client.positions()[0].quantity == 5

        client.set_halt("flatten", word="FLATTEN")

        def is_flat() -> bool:
            coin.volume += 96 * 50
            return not client.positions()

        assert wait_until(is_flat, WAIT_S), "the way out is open: it meets the next prints"


@pytest.mark.covers("F22", "S16")
def test_a_market_that_goes_away_is_missed_and_welcomed_back(
    engine: EngineProcess, outside: YahooThread, coin: Coin
) -> None:
    with engine.client() as client:
        assert wait_until(lambda: has_price(client, "100"), WAIT_S)
        resting = send(client, terms(limit="98.00"))
        outside.go_away()
        assert wait_until(lambda: feed(client).state == "gone", WAIT_S)
        assert "can not be reached" in feed(client).detail
        assert client.health().status == "degraded"
        assert wait_until(lambda: denial(client, terms(limit="97.00", quantity=1)) == "QUOTE_STALE", WAIT_S)
        coin.price, coin.volume = 97.0, coin.volume + 97 * 50
        outside.come_back()
        assert wait_until(lambda: feed(client).state == "ok" and has_price(client, "97"), WAIT_S)
        assert client.order(resting).filled_quantity == 0, "what was traded while nobody looked fills nothing"
        coin.volume += 97 * 50
        assert wait_until(lambda: client.order(resting).status is OrderStatus.FILLED, WAIT_S)


def test_a_late_source_is_seen_to_be_late(outside: YahooThread, coin: Coin, tmp_path: Path) -> None:
    coin.age_s = 900
    with EngineProcess(tmp_path / "home", ["--world", "live"]) as engine, engine.client() as client:
        assert wait_until(lambda: has_price(client, "100"), WAIT_S)
        assert denial(client, terms(limit="98.00")) == "QUOTE_STALE"
        coin.status = 429
        assert wait_until(lambda: feed(client).state == "late", WAIT_S)
        assert "too many requests" in feed(client).detail
        asked = len(outside.server.asked)
        assert not wait_until(lambda: len(outside.server.asked) > asked, 3.0), "not one question more"


def test_without_a_network_it_starts_says_so_and_comes_to_life_later(outside: YahooThread, tmp_path: Path) -> None:
    outside.go_away()
    with EngineProcess(tmp_path / "home", ["--world", "live"]) as engine, engine.client() as client:
        assert (feed(client).state, client.quotes()) == ("gone", [])
        assert client.clock().session_date
        assert client.account().account.kind is AccountKind.PAPER
        assert denial(client, terms(limit="98.00"))
        outside.come_back()
        assert wait_until(lambda: feed(client).state == "ok" and has_price(client, "100"), WAIT_S)
        assert denial(client, terms(limit="98.00", quantity=1)) == ""


def test_an_engine_killed_in_the_live_world_comes_back_there_with_its_orders(engine: EngineProcess) -> None:
    with engine.client() as client:
        assert wait_until(lambda: has_price(client, "100"), WAIT_S)
        resting = send(client, terms(limit="98.00"))
        assert wait_until(lambda: client.order(resting).status is OrderStatus.ACCEPTED, WAIT_S)
    engine.kill_both()
    engine.arguments = ()
    with engine.start() as client:
        assert client.health().world == "live"
        assert wait_until(lambda: client.order(resting).status is OrderStatus.ACCEPTED, WAIT_S)


def test_a_venue_that_dies_is_started_again_and_fed_again(engine: EngineProcess, coin: Coin) -> None:
    with engine.client() as client:
        assert wait_until(lambda: has_price(client, "100"), WAIT_S)
        resting = send(client, terms(limit="98.00"))
        assert wait_until(lambda: client.order(resting).status is OrderStatus.ACCEPTED, WAIT_S)
        (before,) = engine.venue_pids
        os.kill(before, signal.SIGKILL)
        assert wait_until(lambda: engine.venue_pids not in ([], [before]), WAIT_S)

        def is_filled() -> bool:
            coin.price, coin.volume = 97.0, coin.volume + 97 * 50
            return client.order(resting).status is OrderStatus.FILLED

        assert wait_until(is_filled, WAIT_S)


@pytest.mark.covers("F32")
def test_the_journal_of_another_world_is_refused_by_name(engine: EngineProcess) -> None:
    assert engine.sp("engine", "stop").returncode == 0
    paths = engine.paths
    for live, sim in (
        (paths.journal("live"), paths.journal("sim")),
        (paths.journal_head("live"), paths.journal_head("sim")),
    ):
        sim.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(live, sim)
    answer = engine.sp("engine", "start", "--world", "sim")
    assert answer.returncode != 0
    assert "live" in answer.stderr
    assert "sim" in answer.stderr
