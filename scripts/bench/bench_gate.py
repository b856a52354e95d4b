"""How fast the gate decides: the check alone, and with the view taken first. One JSON line, microseconds.

Usage: python scripts/bench/bench_gate.py [ROUNDS]

Before each view one order, one quote and one holding change, outside the time that is taken: what the gate keeps up
between two orders is not found as it was left. `judge` is what an order that is sent passes, `preview` has the words.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from msgspec import structs

from stockpulse_engine.domain.accounts import Account as TradingAccount
from stockpulse_engine.domain.accounts import AccountKind, AccountType, TradingState
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
from stockpulse_engine.risk.gate import check, passes
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import Policy, Scope
from stockpulse_engine.risk.view import SubmissionLog, ViewBuilder, ViewSources

D = Decimal
NOW = 1_700_000_000_000_000_000
INSTRUMENTS = [f"S{number}.XNAS" for number in range(30)]
LIMITS = Limits()
SECTIONS = Policy(
    LIMITS,
    {
        Scope("account", "main"): {"max_order_notional": D(50_000)},
        Scope("instrument", "S3.XNAS"): {"max_position_weight": D("0.2")},
    },
)
"""The same with sections of the account and the instrument."""


def quote(instrument_id: str) -> Quote:
    """A penny-wide market at 100."""
    return Quote(instrument_id, D("99.99"), D("100.00"), D(500), D(500), NOW, last=D("99.99"))


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


class Account:
    """An account that holds so many instruments and has so many orders open, and where something always happens."""

    def __init__(self, positions: int, working: int) -> None:
        self.quotes = {name: quote(name) for name in INSTRUMENTS}
        self.ledger = ledger_with_positions(positions)
        self._positions = positions
        self._orders = [
            Order(
                client_order_id=f"w{number}", terms=terms(INSTRUMENTS[number % 30]), status=OrderStatus.ACCEPTED,
                arrival_bid=D("99.99"), arrival_ask=D("100.00"),
            )
            for number in range(working)
        ]  # fmt: skip
        self.working = Working(LIMITS.collar_fraction, orders=self._orders)
        self._count = 0

    def stir(self) -> None:
        """One order is another, one quote is new, one share changes hands."""
        count = self._count = self._count + 1
        order, name = self._orders[count % len(self._orders)], INSTRUMENTS[count % self._positions]
        self.working.put(structs.replace(order, terms=structs.replace(order.terms)))
        self.quotes[name] = quote(name)
        self.ledger.apply(filled(f"s{count}", name, -1 if count // self._positions % 2 else 1, D(1)))

    def builder(self) -> ViewBuilder:
        """Takes the gate's picture of it."""
        portfolio = PortfolioService(self.ledger, orders=list, quote=self.quotes.get, clock=lambda: NOW)
        known = {
            name: Instrument(
                instrument_id=name, name=name, asset_class=AssetClass.EQUITY, currency="USD", tick_size=D("0.01"),
                average_daily_volume=D(10_000_000),
            )
            for name in INSTRUMENTS
        }  # fmt: skip
        statuses = {name: InstrumentStatus(name, MarketPhase.OPEN, False, NOW) for name in INSTRUMENTS}
        sources = ViewSources(
            account=self.ledger.account,
            working=lambda _: self.working,
            balances=portfolio.balances,
            held=self.ledger.quantity,
            instrument=known.get,
            quote=self.quotes.get,
            quote_age_ns=lambda _: 0,
            status=statuses.get,
            trading_state=lambda: TradingState.ACTIVE,
            is_reconciled=lambda _: True,
            now_ns=lambda: NOW,
            wall_ns=lambda: NOW,
            session_date=lambda: "2024-03-08",
            peak=portfolio.peak,
        )
        return ViewBuilder(sources, SubmissionLog())


def ledger_with_positions(count: int) -> Ledger:
    """One account that holds `count` instruments."""
    ledger = Ledger()
    account = TradingAccount(
        account_id="main", kind=AccountKind.PAPER, account_type=AccountType.MARGIN, currency="USD",
        initial_cash=D(1_000_000),
    )  # fmt: skip
    ledger.apply(AccountOpened(account=account, ts_event=1, recorded_at=1))
    for number, name in enumerate(INSTRUMENTS[:count]):
        ledger.apply(filled(f"f{number}", name, 1, D(20)))
    return ledger


def filled(fill_id: str, instrument_id: str, sign: int, quantity: Decimal) -> OrderEvent:
    """An execution at 98."""
    fill = Fill(
        fill_id=fill_id, client_order_id=f"o-{fill_id}", account_id="main", instrument_id=instrument_id, sign=sign,
        quantity=quantity, price=D(98), ts_event=2,
    )  # fmt: skip
    return OrderEvent(
        client_order_id=fill.client_order_id, kind=OrderEventKind.FILL, ts_event=2, recorded_at=2, fill=fill
    )


def measure(work: Callable[[], object], rounds: int, before: Callable[[], None] = lambda: None) -> dict[str, float]:
    """p50 and p99 of one call in microseconds, of the wall and of this thread's own time on the processor.

    `before` each one something happens that is not counted. On a machine that others use the thread's time is the
    truer one, and the least of all rounds is nearest to what the code costs.
    """
    for _ in range(200):
        before()
        work()
    gc.collect()
    taken, own = [], []
    for _ in range(rounds):
        before()
        start, own_start = time.perf_counter_ns(), time.thread_time_ns()
        work()
        own.append(time.thread_time_ns() - own_start)
        taken.append(time.perf_counter_ns() - start)
    taken.sort()
    own.sort()
    return {
        "p50_us": round(taken[rounds // 2] / 1000, 1),
        "p99_us": round(taken[rounds * 99 // 100] / 1000, 1),
        "own_least_us": round(own[0] / 1000, 1),
        "own_p50_us": round(own[rounds // 2] / 1000, 1),
        "own_p99_us": round(own[rounds * 99 // 100] / 1000, 1),
    }


def main() -> None:
    """Measure and print one JSON line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    order, large = terms(INSTRUMENTS[3]), terms(INSTRUMENTS[3], 5_000)
    small, full = Account(3, 5), Account(30, 100)
    of_small, of_full = small.builder(), full.builder()
    view = of_full.build(order)
    if not check(order, view, LIMITS).is_allowed:
        raise AssertionError(check(order, view, LIMITS).sentence)
    row = {
        "bench": "gate",
        "check": measure(lambda: check(order, view, LIMITS), rounds),
        "check_denied_with_nearest": measure(lambda: check(large, view, LIMITS), rounds),
        "passes": measure(lambda: passes(order, view, LIMITS), rounds),
        "judge_3_positions_5_orders": measure(lambda: passes(order, of_small.build(order), LIMITS), rounds, small.stir),
        "judge_30_positions_100_orders": measure(
            lambda: passes(order, of_full.build(order), LIMITS), rounds, full.stir
        ),
        "judge_with_sections": measure(
            lambda: passes(order, of_full.build(order), SECTIONS.resolve("main", "manual", INSTRUMENTS[3])),
            rounds,
            full.stir,
        ),
        "preview_30_positions_100_orders": measure(
            lambda: check(order, of_full.build(order), LIMITS), rounds, full.stir
        ),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
