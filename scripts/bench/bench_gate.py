"""How fast the gate decides: the check alone, and with the view taken first. One JSON line, microseconds.

Usage: python scripts/bench/bench_gate.py [ROUNDS]
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, TradingState
from stockpulse_engine.domain.events import AccountOpened
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote
from stockpulse_engine.domain.orders import (
    Order,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    OrderTerms,
    OrderType,
    Side,
)
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.working import Working
from stockpulse_engine.risk.gate import check
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.view import SubmissionLog, ViewBuilder, ViewSources

D = Decimal
NOW = 1_700_000_000_000_000_000
INSTRUMENTS = [f"S{number}.XNAS" for number in range(30)]
LIMITS = Limits()


def quote(instrument_id: str) -> Quote:
    """A penny-wide market at 100."""
    return Quote(instrument_id, D("99.99"), D("100.00"), D(500), D(500), NOW, last=D("99.99"))


QUOTES = {name: quote(name) for name in INSTRUMENTS}


def terms(instrument_id: str, quantity: int = 10) -> OrderTerms:
    """A limit buy at the bid."""
    return OrderTerms(
        account_id="main",
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=D(quantity),
        order_type=OrderType.LIMIT,
        limit_price=D("99.99"),
    )


def ledger_with_positions(count: int) -> Ledger:
    """One account that holds `count` instruments."""
    ledger = Ledger()
    account = Account(
        account_id="main", kind=AccountKind.PAPER, account_type=AccountType.MARGIN, currency="USD",
        initial_cash=D(1_000_000),
    )  # fmt: skip
    ledger.apply(AccountOpened(account=account, ts_event=1, recorded_at=1))
    for number, name in enumerate(INSTRUMENTS[:count]):
        fill = Fill(
            fill_id=f"f{number}", client_order_id=f"o{number}", account_id="main", instrument_id=name, sign=1,
            quantity=D(20), price=D(98), ts_event=2,
        )  # fmt: skip
        event = OrderEvent(
            client_order_id=fill.client_order_id, kind=OrderEventKind.FILL, ts_event=2, recorded_at=2, fill=fill
        )
        ledger.apply(event)
    return ledger


def builder_with(positions: int, working: int) -> ViewBuilder:
    """A view builder over that many positions and working orders."""
    ledger = ledger_with_positions(positions)
    orders = [
        Order(
            client_order_id=f"w{number}", terms=terms(INSTRUMENTS[number % 30]), status=OrderStatus.ACCEPTED,
            arrival_bid=D("99.99"), arrival_ask=D("100.00"),
        )
        for number in range(working)
    ]  # fmt: skip
    portfolio = PortfolioService(ledger, orders=lambda: orders, quote=QUOTES.get, clock=lambda: NOW)
    binding = Working(LIMITS.collar_fraction, orders=orders)
    known = {
        name: Instrument(
            instrument_id=name, name=name, asset_class=AssetClass.EQUITY, currency="USD", tick_size=D("0.01"),
            average_daily_volume=D(10_000_000),
        )
        for name in INSTRUMENTS
    }  # fmt: skip
    statuses = {name: InstrumentStatus(name, MarketPhase.OPEN, False, NOW) for name in INSTRUMENTS}
    sources = ViewSources(
        account=ledger.account,
        balances=portfolio.balances,
        held=ledger.quantity,
        working=lambda _: binding,
        instrument=known.get,
        quote=QUOTES.get,
        quote_age_ns=lambda _: 0,
        status=statuses.get,
        trading_state=lambda: TradingState.ACTIVE,
        is_reconciled=lambda _: True,
        now_ns=lambda: NOW,
        wall_ns=lambda: NOW,
        session_date=lambda: "2024-03-08",
    )
    return ViewBuilder(sources, SubmissionLog())


def measure(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """p50 and p99 of one call in microseconds."""
    for _ in range(200):
        work()
    gc.collect()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - start)
    taken.sort()
    return {"p50_us": round(taken[rounds // 2] / 1000, 1), "p99_us": round(taken[rounds * 99 // 100] / 1000, 1)}


def main() -> None:
    """Measure and print one JSON line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    order, large = terms(INSTRUMENTS[3]), terms(INSTRUMENTS[3], 5_000)
    small, full = builder_with(3, 5), builder_with(30, 100)
    view = small.build(order)
    if not check(order, view, LIMITS).is_allowed:
        raise AssertionError(check(order, view, LIMITS).sentence)
    row = {
        "bench": "gate",
        "check": measure(lambda: check(order, view, LIMITS), rounds),
        "check_denied_with_nearest": measure(lambda: check(large, view, LIMITS), rounds),
        "view_and_check_3_positions_5_orders": measure(lambda: check(order, small.build(order), LIMITS), rounds),
        "view_and_check_30_positions_100_orders": measure(lambda: check(order, full.build(order), LIMITS), rounds),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
