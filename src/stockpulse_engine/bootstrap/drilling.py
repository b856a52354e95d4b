"""A drill put together: the copied account, the simulated broker on its socket, the real engine, the faults."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import msgspec

from stockpulse_engine import __version__
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bootstrap.drilled import (
    DEFAULTS,
    WORLD,
    Copied,
    EngineMachine,
    Held,
    drill_home,
    plain_instrument,
    read_account,
)
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.report import write_report
from stockpulse_engine.drill.run import SETTLE_S, Drill, Plan, Tell
from stockpulse_engine.drill.scenarios import chosen
from stockpulse_engine.drill.servers.paper import QUOTE_EVERY_S, MarketClock, PaperServer
from stockpulse_engine.drill.stage import Stage
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.settings import Settings
from stockpulse_engine.wire.drill import DrillReport

OPENS = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
"""Market time of a drill: eleven in the morning of an ordinary Friday in New York, with hours to go."""
SIZE = Decimal(1_000_000)
"""Displayed on each side: the simulated market is deep, scenarios make it thin where that is the point."""
MAX_CHUNKS = 40
REORDER_SCALED_S, REORDER_S = 3.0, 30.0


class DrillAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill was asked for."""

    seed: int = 1
    faults: tuple[str, ...] = ()
    account: str = ""
    broker: str = PAPER_BROKER
    is_real_time: bool = False
    """Nothing is scaled: frames are out of order for thirty seconds on the wall."""
    settle_s: float = SETTLE_S
    command: tuple[str, ...] = ()
    """Another engine than ours: a test's."""


async def run_drill(person: Paths, settings: Settings, asked: DrillAsked, tell: Tell) -> DrillReport:
    """Run a drill and write its report into the person's home; nothing else of theirs is written.

    Raises:
        InvalidValueError: a fault that is none, or a broker that no drill speaks for.
        NotFoundError: there is no such account.
    """
    scenarios = chosen(asked.faults)
    if asked.broker != PAPER_BROKER:
        raise InvalidValueError(
            f"The drill does not speak for {asked.broker[:40]!r}.",
            fix=f"Drill {PAPER_BROKER}: --broker {PAPER_BROKER}.",
        )
    clock = WallClock()
    copied = read_account(person, settings, account_id=asked.account, broker=asked.broker)
    cash = copied.copy.cash + sum((one.quantity * _ask(one) for one in copied.holdings), ZERO)
    with drill_home(person, copied, max(cash, Decimal(1)), clock) as paths:
        machine = EngineMachine(paths, clock, asked.command)
        async with _simulated(paths, copied, asked, clock) as server:
            stage = _stage(machine, server, copied, asked, clock)
            await machine.start()
            try:
                left_out = await _take_up(stage, copied, settings.limits)
                account = msgspec.structs.replace(copied.copy, left_out=(*copied.copy.left_out, *left_out))
                plan = Plan(scenarios, asked.seed, asked.broker, __version__, account, _scaled(asked), asked.settle_s)
                report = await Drill(stage, plan, tell).run()
            finally:
                await machine.close()
    return write_report(report, person.drills)


def _scaled(asked: DrillAsked) -> dict[str, str]:
    if asked.is_real_time:
        return {}
    words = f"frames came up to {REORDER_SCALED_S:g} s late, a tenth of {REORDER_S:g} s; --real-time does it in full"
    return {"reordered": words}


def _stage(machine: EngineMachine, server: PaperServer, copied: Copied, asked: DrillAsked, clock: WallClock) -> Stage:
    names = [name for name, _, _ in DEFAULTS]
    stage = Stage(machine, server, copied.copy.account_id, clock, seed=asked.seed, instruments=names)
    stage.window_s = REORDER_S if asked.is_real_time else REORDER_SCALED_S
    return stage


@contextlib.asynccontextmanager
async def _simulated(paths: Paths, copied: Copied, asked: DrillAsked, clock: WallClock) -> AsyncIterator[PaperServer]:
    """The simulated broker on the venue's socket of the drill's home, its market alive."""
    market = MarketClock(clock, round(OPENS.timestamp()) * 1_000_000_000, OPENS.date().isoformat())
    venue = DrillVenue(now=market.now, seed=asked.seed)
    for name, words, price in DEFAULTS:
        venue.list_instrument(plain_instrument(name, words), Decimal(price), Decimal(price) + Decimal("0.01"), SIZE)
    for one in copied.holdings:
        venue.list_instrument(one.instrument, _bid(one), _ask(one), SIZE)
    server = PaperServer(venue, paths.venue_socket(WORLD), market, seed=asked.seed)
    await server.start()
    pulse = spawn(_pulse(server), name="drill market")
    try:
        yield server
    finally:
        pulse.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pulse
        await server.close()


async def _pulse(server: PaperServer) -> None:
    while True:
        server.tell_market()
        await asyncio.sleep(QUOTE_EVERY_S)


def _bid(held: Held) -> Decimal:
    tick = held.instrument.tick_size
    return max(tick, (held.price / tick).to_integral_value(ROUND_DOWN) * tick)


def _ask(held: Held) -> Decimal:
    return _bid(held) + held.instrument.tick_size


async def _take_up(stage: Stage, copied: Copied, limits: Limits) -> list[str]:
    """Buy what the account holds at the simulated broker; what our own gate does not let pass is named."""
    left_out = []
    for one in copied.holdings:
        name = one.instrument.instrument_id
        side, left, chunks = Side.BUY if one.quantity > 0 else Side.SELL, abs(one.quantity), 0
        most = max(one.instrument.lot_size, _chunk(one, limits))
        while left > 0 and chunks < MAX_CHUNKS:
            quantity, chunks = min(left, most), chunks + 1
            key = await stage.send(side, quantity, instrument=name, is_quiet=True)
            if key in stage.intents.denied or not await stage.until_order(key, lambda order: order.status.is_terminal):
                break
            left -= quantity
            await stage.pause(1 / max(1, limits.max_orders_per_second))
        if left:
            left_out.append(f"{left:f} {name}: our own gate would not let it pass, or it takes too many orders")
    return left_out


def _chunk(held: Held, limits: Limits) -> Decimal:
    """The most that one order may be."""
    lot = held.instrument.lot_size
    by_money = limits.max_order_notional / (_ask(held) * Decimal("1.06"))
    volume = held.instrument.average_daily_volume * limits.max_adv_fraction
    most = min(limits.max_order_quantity, by_money, *((volume,) if volume else ()))
    return (most / lot).to_integral_value(ROUND_DOWN) * lot
