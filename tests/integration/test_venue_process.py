"""The venue as a process: what survives its death, who may reach it, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest

from stockpulse_engine.adapters.paper import PaperBroker
from stockpulse_engine.adapters.paper.launch import command_of, ensure_venue, start_detached
from stockpulse_engine.adapters.paper.link import VenueLink
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import BarSpec, Quote
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.trading.ports import AmbiguousOutcomeError
from stockpulse_engine.venue import protocol as p
from tests.contract.broker_contract import Watcher
from tests.fakes.venue_process import ACME, WORLD, VenueProcess, is_alive, make_venue

Kind = OrderEventKind
KILLS = 60 if os.environ.get("STOCKPULSE_NIGHT") == "1" else 4
ACCOUNT = Account(
    account_id="A1",
    kind=AccountKind.PAPER,
    account_type=AccountType.MARGIN,
    currency="USD",
    initial_cash=Decimal(100_000),
)


@pytest.fixture
async def venue(home: Path) -> AsyncIterator[VenueProcess]:
    """A running venue that is gone after the test."""
    running = make_venue(home)
    await running.start()
    yield running
    running.kill()


@pytest.fixture
async def broker(venue: VenueProcess) -> AsyncIterator[PaperBroker]:
    """A connected broker with account A1."""
    broker = await connected(venue)
    yield broker
    await broker.close()


async def test_a_killed_venue_comes_back_with_its_orders_and_repeats_no_fill(
    venue: VenueProcess, broker: PaperBroker
) -> None:
    watcher = Watcher(broker)
    await broker.submit([order("filled", "100.02")])
    await broker.submit([order("resting", "99.80", gtc=True)])
    await watcher.until("filled", Kind.FILL)
    before = await broker.fetch_account("A1")
    clock = await clock_of(venue)

    venue.kill()
    first_pid = venue.pid
    assert await venue.start() != first_pid
    again = await connected(venue)

    assert (await clock_of(venue)).market_ns - clock.market_ns < 60 * 1_000_000_000  # the world stood still
    after = await again.fetch_account("A1")
    assert (after.cash, after.positions) == (before.cash, before.positions)
    assert [each.client_order_id for each in await again.fetch_open_orders("A1")] == ["resting"]
    assert len(await again.fetch_fills("A1", 0)) == 1
    later = Watcher(again, watcher.seen[-1].report_seq)
    await venue.swing()
    filled = await later.until("resting", Kind.FILL)
    assert filled.report_seq == before.last_report_seq + 1
    assert filled.fill is not None
    assert filled.fill.fill_id != (await again.fetch_fills("A1", 0))[0].fill_id
    await later.close()
    await watcher.close()
    await again.close()


async def test_a_killed_venue_remembers_what_it_was_asked_for_ever(venue: VenueProcess, broker: PaperBroker) -> None:
    await broker.submit([order("b", "99.00")])
    await broker.submit([order("b", "99.00")])
    venue.kill()
    await venue.start()
    again = await connected(venue)
    await again.submit([order("b", "99.00")])
    assert await again.count_orders("b") == (1, 3)
    assert await again.count_orders("never") == (0, 0)
    await again.close()


async def test_an_acknowledged_cancel_survives_the_kill(venue: VenueProcess, broker: PaperBroker) -> None:
    wanted = order("b", "99.00", gtc=True)
    await broker.submit([wanted])
    await broker.cancel(wanted, "c1")
    venue.kill()
    await venue.start()
    again = await connected(venue)
    watcher = Watcher(again)
    await watcher.until("b", Kind.CANCEL)
    await watcher.close()
    await again.close()


@pytest.mark.timeout(900)  # the night kills more often
async def test_kills_under_order_flow_lose_no_acknowledged_order_and_double_none(venue: VenueProcess) -> None:
    acknowledged: set[str] = set()
    sent: list[str] = []
    random = Random(20240304)
    for _ in range(KILLS):
        broker = await connected(venue)
        callers = [asyncio.ensure_future(_flood(broker, sent, acknowledged)) for _ in range(8)]
        await asyncio.sleep(random.uniform(0.0, 0.05))
        venue.kill()
        await asyncio.gather(*callers)
        await venue.start()
    witness = await connected(venue)
    for order_id in sent:
        made, _ = await witness.count_orders(order_id)
        assert made <= 1
        assert made == 1 or order_id not in acknowledged
    fills = await witness.fetch_fills("A1", 0)
    assert len({fill.fill_id for fill in fills}) == len(fills)
    held = await witness.fetch_account("A1")
    assert held.positions.get(ACME, 0) == sum(fill.signed_quantity for fill in fills)
    paid = sum((fill.signed_quantity * fill.price + fill.fee for fill in fills), Decimal(0))
    assert held.cash == ACCOUNT.initial_cash - paid
    assert len(acknowledged) > KILLS
    await witness.close()


async def _flood(broker: PaperBroker, sent: list[str], acknowledged: set[str]) -> None:
    """Send orders until the venue is gone."""
    while True:
        order_id = f"f{len(sent)}"
        sent.append(order_id)
        try:
            await broker.submit([order(order_id, "100.02" if len(sent) % 3 else "99.00")])
        except (AmbiguousOutcomeError, UnavailableError):
            return
        acknowledged.add(order_id)


async def test_the_death_of_whoever_started_it_does_not_reach_it(venue: VenueProcess) -> None:
    assert os.getsid(venue.pid) == venue.pid
    assert os.getpgid(venue.pid) != os.getpgid(0)


async def test_only_its_owner_can_reach_it(venue: VenueProcess) -> None:
    assert stat.S_IMODE(venue.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(venue.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((venue.directory / "venue.db").stat().st_mode) == 0o600


async def test_a_second_start_says_who_holds_the_directory(venue: VenueProcess) -> None:
    command = command_of(venue.paths, WORLD, venue.options())
    second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert second.returncode == 75
    assert str(venue.pid) in second.stderr
    assert await ensure_venue(venue.paths, WORLD, venue.options()) == venue.pid


async def test_a_store_of_another_seed_is_refused_by_name(venue: VenueProcess) -> None:
    venue.stop()
    with pytest.raises(UnavailableError, match="seed 1, not to replay:script with seed 2"):
        await ensure_venue(venue.paths, WORLD, venue.options(seed=2))


async def test_it_ends_in_order_when_asked_and_takes_its_socket_along(venue: VenueProcess) -> None:
    market = venue.market()
    await market.connect()
    await market.shutdown()
    await market.close()
    assert await asyncio.to_thread(wait_until, lambda: not is_alive(venue.pid), 10.0)
    assert not venue.socket.exists()


async def test_it_ends_by_itself_when_nobody_is_there(home: Path) -> None:
    venue = make_venue(home)
    command = [*command_of(venue.paths, WORLD, venue.options()), "--idle-exit", "0.1"]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, timeout=20)
    assert ended.returncode == 0


async def test_a_request_without_an_answer_has_an_unknown_outcome(venue: VenueProcess, broker: PaperBroker) -> None:
    patient = await connected(venue)
    hasty = PaperBroker(venue.socket, WallClock(), answer_s=0.05)
    await hasty.connect()
    os.kill(venue.pid, signal.SIGSTOP)
    try:
        with pytest.raises(AmbiguousOutcomeError):
            await hasty.submit([order("late", "99.00")])
    finally:
        os.kill(venue.pid, signal.SIGCONT)
    # The venue got it all the same: that is why nothing is ever sent twice without asking.
    await patient.open_account(ACCOUNT)
    assert await patient.count_orders("late") == (1, 1)
    waiting = asyncio.ensure_future(patient.submit([order("lost", "99.00")]))
    os.kill(venue.pid, signal.SIGSTOP)
    await asyncio.sleep(0)
    venue.kill()
    with pytest.raises(AmbiguousOutcomeError):
        await waiting
    assert not patient.is_connected
    await hasty.close()
    await patient.close()


async def test_a_stream_of_reports_ends_when_the_venue_dies(venue: VenueProcess, broker: PaperBroker) -> None:
    stream = broker.reports(0)
    await broker.submit([order("b", "99.00")])
    assert await anext(stream)
    venue.kill()
    assert [batch async for batch in stream] == []


async def test_the_market_is_shown_whole_and_then_as_it_moves(venue: VenueProcess) -> None:
    market = venue.market()
    await market.connect()
    assert [each.instrument_id for each in await market.fetch_instruments()] == [ACME]
    events = market.events()
    snapshot = await anext(events)
    assert isinstance(snapshot[0], ClockState)
    assert [type(each).__name__ for each in snapshot[1:]] == ["InstrumentStatus", "Trade", "Quote"]
    await venue.swing()
    prints: list[Decimal] = []
    async for batch in events:
        prints += [each.price for each in batch if type(each).__name__ == "Trade"]  # type: ignore[union-attr]  # checked by its name
        if len(prints) == 2:
            break
    assert prints == [Decimal("99.50"), Decimal("100.50")]
    await market.close()


async def test_the_clock_obeys_and_refuses_nonsense(venue: VenueProcess) -> None:
    market = venue.market()
    await market.connect()
    paused = await market.pause()
    assert paused.is_paused
    with pytest.raises(InvalidValueError):
        await market.set_speed(5000)
    assert (await market.set_speed(10)).speed == 10
    assert (await market.fetch_clock()).market_ns == paused.market_ns
    running = await market.resume()
    assert not running.is_paused
    with pytest.raises(InvalidValueError, match="paused"):
        await market.step(1)
    with pytest.raises(NotFoundError):
        await market.fetch_bars("NONE.XNAS", BarSpec(1, "m"), limit=10)
    with pytest.raises(UnavailableError, match="makes its own market"):
        await market.feed([])
    await market.close()


async def test_another_version_is_refused_by_name(venue: VenueProcess) -> None:
    link = VenueLink(venue.socket, "old")
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch, pytest.raises(UnavailableError, match="speaks version 1, you speak 99"):
        patch.setattr(p, "VENUE_PROTOCOL", 99)
        await link.connect()
    await link.close()


async def test_garbage_ends_the_connection_and_nothing_else(venue: VenueProcess, broker: PaperBroker) -> None:
    def send(data: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(10)
            raw.connect(str(venue.socket))
            raw.sendall(data)
            return raw.recv(4096)

    assert await asyncio.to_thread(send, b"\xff\xff\xff\xff") == b""
    assert await asyncio.to_thread(send, p.HEADER.pack(3) + b"\xc1\xc1\xc1") == b""
    impolite = p.encode_frame(p.Request(7, p.CancelAll("A1")))
    assert b"Say hello first" in await asyncio.to_thread(send, impolite)
    nonsense = p.encode_frame([9, ["no_such_question"]])
    assert b"bad_request" in await asyncio.to_thread(send, nonsense)
    assert (await broker.fetch_account("A1")).cash == 100_000


async def test_a_live_world_trades_on_what_it_is_fed(home: Path) -> None:
    venue = make_venue(home)
    command = [sys.executable, "-m", "stockpulse_engine.venue", "--world", "live"]
    command += ["--dir", str(venue.directory), "--socket", str(venue.socket)]
    venue.directory.mkdir(parents=True)
    venue.pid = start_detached(command, venue.directory / "venue.out")
    try:
        assert await asyncio.to_thread(wait_until, venue.socket.exists, 20.0)
        market, broker = venue.market(), await connected(venue)
        await market.connect()
        coin = _coin()
        now = WallClock().now_ns()
        quote = Quote("BTCUSD.XXXX", Decimal(100), Decimal(101), Decimal(5), Decimal(5), now)
        await market.feed([quote], [coin])
        terms = OrderTerms(
            account_id="A1",
            instrument_id="BTCUSD.XXXX",
            side=Side.BUY,
            quantity=Decimal(1),
            order_type=OrderType.MARKET,
        )
        await broker.submit([Order(client_order_id="b", terms=terms)])
        watcher = Watcher(broker)
        await watcher.until("b", Kind.FILL)
        with pytest.raises(InvalidValueError, match="cannot be steered"):
            await market.pause()
        resting = Order(client_order_id="r", terms=_resting(terms))
        await broker.submit([resting])
        venue.kill()
        venue.pid = start_detached(command, venue.directory / "venue.out")
        assert await asyncio.to_thread(wait_until, lambda: _answers(venue), 20.0)
        again = await connected(venue)
        await again.cancel(resting, "c")  # its instrument was not fed again yet
        later = Watcher(again)
        await later.until("r", Kind.CANCEL)
        for each in (watcher, market, broker, later, again):
            await each.close()
    finally:
        venue.kill()


def _answers(venue: VenueProcess) -> bool:
    with socket.socket(socket.AF_UNIX) as raw:
        return raw.connect_ex(str(venue.socket)) == 0


def _resting(terms: OrderTerms) -> OrderTerms:
    far = {"order_type": OrderType.LIMIT, "limit_price": Decimal(50), "time_in_force": TimeInForce.GTC}
    return msgspec.structs.replace(terms, **far)


def _coin() -> Instrument:
    return Instrument(
        instrument_id="BTCUSD.XXXX",
        name="Bitcoin",
        asset_class=AssetClass.CRYPTO,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
    )


async def connected(venue: VenueProcess) -> PaperBroker:
    """A broker with account A1."""
    broker = venue.broker()
    await broker.connect()
    await broker.open_account(ACCOUNT)
    return broker


async def clock_of(venue: VenueProcess) -> ClockState:
    """Market time of a venue."""
    market = venue.market()
    await market.connect()
    clock = await market.fetch_clock()
    await market.close()
    return clock


def order(order_id: str, limit: str, *, gtc: bool = False) -> Order:
    """A buy of ten shares."""
    terms = OrderTerms(
        account_id="A1",
        instrument_id=ACME,
        side=Side.BUY,
        quantity=Decimal(10),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(limit),
        time_in_force=TimeInForce.GTC if gtc else TimeInForce.DAY,
    )
    return Order(client_order_id=order_id, terms=terms)
