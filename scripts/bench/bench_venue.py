"""Orders a second: through the matcher alone, and through the venue's process from 64 callers.

One JSON line each. The process commits every turn to a synced store, so its figure includes the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from decimal import Decimal
from itertools import count
from pathlib import Path
from time import perf_counter

from stockpulse_engine.adapters.paper import PaperBroker, PaperMarket
from stockpulse_engine.adapters.paper.launch import VenueOptions, ensure_venue
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.venue.desk import Desk
from stockpulse_engine.venue.fees import FeeSchedule
from stockpulse_engine.venue.intake import Intake
from stockpulse_engine.venue.matching import MILLISECOND_NS, Matcher, Rules
from stockpulse_engine.venue.orders import NewOrder

CALLERS = 64
AT = 1_709_568_000_000_000_000
ACCOUNT = Account(
    account_id="bench",
    kind=AccountKind.PAPER,
    account_type=AccountType.MARGIN,
    currency="USD",
    initial_cash=Decimal(1_000_000_000),
)
ACME = Instrument(
    instrument_id="ACME.XNAS",
    name="Acme",
    asset_class=AssetClass.EQUITY,
    currency="USD",
    tick_size=Decimal("0.01"),
)


def terms(instrument_id: str, number: int, near: Decimal, far: Decimal) -> OrderTerms:
    """Half the orders take one share at once, half rest far away."""
    is_taking = number % 2 == 0
    return OrderTerms(
        account_id=ACCOUNT.account_id,
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=Decimal(1),
        order_type=OrderType.LIMIT,
        limit_price=near if is_taking else far,
        time_in_force=TimeInForce.DAY,
    )


def bench_matcher(orders: int) -> dict[str, object]:
    """Orders through checks, registration, matching, fees and reports; a quote after every tenth order."""
    desk = Desk(FeeSchedule(), "B")
    matcher = Matcher(desk, Rules(), [ACME], lambda _: "2024-03-04")
    intake = Intake(desk, matcher, lambda _account, _order: None, lambda: False)
    desk.open_account(ACCOUNT)
    now = AT
    matcher.seed([InstrumentStatus(ACME.instrument_id, MarketPhase.OPEN, is_halted=False, ts_event=now)], now)
    near, far = Decimal("100.02"), Decimal("90.00")
    sent = [
        NewOrder(client_order_id=f"b{number}", terms=terms(ACME.instrument_id, number, near, far))
        for number in range(orders)
    ]
    began = perf_counter()
    for number, order in enumerate(sent):
        intake.submit((order,))
        if number % 10 == 0:
            now += 10 * MILLISECOND_NS
            size = Decimal(500 + number % 7)
            matcher.on_event(Quote(ACME.instrument_id, Decimal(100), near, size, size, now))
            desk.take_turn()
    took = perf_counter() - began
    return {
        "bench": "venue_matcher",
        "orders": orders,
        "orders_per_s": round(orders / took),
        "fills": desk.counters.fill,
    }


async def bench_process(orders: int, home: Path) -> dict[str, object]:
    """Orders from 64 callers over the socket, each acknowledged after its commit."""
    paths = resolve_paths(home)
    await ensure_venue(paths, "sim", VenueOptions(idle_exit_s=5.0))
    socket = paths.venue_socket("sim")
    market, broker = PaperMarket(socket, WallClock()), PaperBroker(socket, WallClock())
    await market.connect()
    await broker.connect()
    await broker.open_account(ACCOUNT)
    instrument = (await market.fetch_instruments())[0].instrument_id
    events = market.events()
    quotes = [each for each in await anext(events) if isinstance(each, Quote) and each.instrument_id == instrument]
    near, far = quotes[0].ask, quotes[0].bid - 10
    numbers, waits = count(), list[float]()

    async def call() -> None:
        while (number := next(numbers)) < orders:
            order = Order(client_order_id=f"p{number}", terms=terms(instrument, number, near, far))
            began = perf_counter()
            await broker.submit([order])
            waits.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    took = perf_counter() - began
    await market.shutdown()
    await broker.close()
    await market.close()
    waits.sort()
    return {
        "bench": "venue_process",
        "callers": CALLERS,
        "orders": orders,
        "orders_per_s": round(orders / took),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 2),
    }


def main() -> int:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    orders = parser.parse_args().orders
    sys.stdout.write(json.dumps(bench_matcher(orders)) + "\n")
    with tempfile.TemporaryDirectory(prefix="spb-", dir="/tmp") as home:
        sys.stdout.write(json.dumps(asyncio.run(bench_process(orders, Path(home)))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
