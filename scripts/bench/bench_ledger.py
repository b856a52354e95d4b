"""How fast the ledger folds: fills, a journal of 10,000 orders, a bust in a long history, a snapshot. One JSON line.

Usage: python scripts/bench/bench_ledger.py [FILLS]
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.events import AccountOpened, Event
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.portfolio.invariants import check_all, snapshot_from, state_bytes
from stockpulse_engine.portfolio.ledger import Ledger

D = Decimal
ACCOUNT = Account(
    account_id="main", kind=AccountKind.PAPER, account_type=AccountType.MARGIN, currency="USD", initial_cash=D(100_000)
)


def make_fill(dice: random.Random, number: int) -> OrderEvent:
    """A fill of one of 20 instruments at a random price and size."""
    fill = Fill(
        fill_id=f"f{number}",
        client_order_id=f"o{number}",
        account_id="main",
        instrument_id=f"S{number % 20}.XNAS",
        sign=dice.choice((1, -1)),
        quantity=D(dice.randint(1, 200)),
        price=D(dice.randint(20_000, 24_000)) / 100,
        fee=D("0.35"),
        ts_event=number + 1,
    )
    return event_of(fill.client_order_id, OrderEventKind.FILL, number, fill=fill)


def event_of(order_id: str, kind: OrderEventKind, number: int, *, fill: Fill | None = None) -> OrderEvent:
    """An order event at `number`."""
    return OrderEvent(client_order_id=order_id, kind=kind, ts_event=number + 1, recorded_at=number + 1, fill=fill)


def journal_of(orders: int) -> list[Event]:
    """Submit, accept and one or two fills for each order, as a journal holds them."""
    dice, events = random.Random(2), list[Event]()
    for number in range(orders):
        filled = make_fill(dice, number)
        fill = filled.fill
        if fill is None:
            raise AssertionError
        terms = OrderTerms(
            account_id="main",
            instrument_id=fill.instrument_id,
            side=Side.BUY if fill.sign > 0 else Side.SELL,
            quantity=fill.quantity,
            order_type=OrderType.MARKET,
        )
        order = Order(client_order_id=fill.client_order_id, terms=terms)
        submit = event_of(order.client_order_id, OrderEventKind.SUBMIT, number)
        events += [msgspec.structs.replace(submit, order=order)]
        events += [event_of(order.client_order_id, OrderEventKind.ACCEPT, number), filled]
    return events


def seconds(ledger: Ledger, events: list[Event]) -> float:
    """Time to fold all events."""
    start = time.perf_counter()
    for event in events:
        ledger.apply(event)
    return time.perf_counter() - start


def fresh() -> Ledger:
    """A ledger with one account."""
    ledger = Ledger()
    ledger.apply(AccountOpened(account=ACCOUNT, ts_event=1, recorded_at=1))
    return ledger


def main() -> None:
    """Measure and print one JSON line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    dice = random.Random(1)
    fills: list[Event] = [make_fill(dice, number) for number in range(count)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ledger = fresh()
    folding = seconds(ledger, fills)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    check_all(ledger)
    replay = min(seconds(fresh(), journal_of(10_000)) for _ in range(3))
    first = fills[0]
    bust = msgspec.structs.replace(first, kind=OrderEventKind.BUST) if isinstance(first, OrderEvent) else first
    busting = seconds(ledger, [bust])
    start = time.perf_counter()
    Ledger.restore(snapshot_from(state_bytes(ledger)))
    row = {
        "bench": "ledger",
        "fills": count,
        "us_per_fill": round(folding / count * 1e6, 2),
        "fills_per_s": round(count / folding),
        "bytes_per_fill": round(grown * 1024 / count),
        "replay_10k_orders_s": round(replay, 3),
        "bust_oldest_of_history_ms": round(busting * 1000, 1),
        "snapshot_and_restore_s": round(time.perf_counter() - start, 3),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
