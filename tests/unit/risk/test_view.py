"""The view: one picture from plain callables, and the memory of what was sent."""

from __future__ import annotations

import msgspec
import pytest

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.working import Working
from stockpulse_engine.risk import view as module
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.gate import check
from stockpulse_engine.risk.view import SubmissionLog, ViewBuilder, ViewSources
from tests.fakes.portfolio_build import AAPL, MSFT, SECOND, D, fill, filled, opened, order, quote, terms
from tests.unit.risk.build import INSTRUMENT, LIMITS, NOW, phase


class World:
    def __init__(self) -> None:
        self.ledger = Ledger()
        self.void: set[str] = set()
        self.log = SubmissionLog(self.void.__contains__)
        self.orders: list[Order] = []
        self.ledger.apply(opened())
        self.ledger.apply(filled(fill("f1", "10", "100")))
        self.portfolio = PortfolioService(
            self.ledger, orders=lambda: self.orders, quote=lambda _: quote(), clock=lambda: NOW
        )
        self.sources = ViewSources(
            account=self.ledger.account,
            balances=self.portfolio.balances,
            held=self.ledger.quantity,
            working=lambda account_id: Working(LIMITS.collar_fraction, orders=self.of(account_id)),
            instrument=self.find,
            quote=lambda _: quote(),
            quote_age_ns=lambda _: 0,
            status=lambda _: phase(MarketPhase.OPEN),
            trading_state=lambda: TradingState.ACTIVE,
            is_reconciled=lambda _: True,
            now_ns=lambda: NOW,
            wall_ns=lambda: NOW,
            session_date=lambda: "2024-03-08",
            peak=self.portfolio.peak,
        )
        self.builder = ViewBuilder(self.sources, self.log)

    def of(self, account_id: str) -> list[Order]:
        return [each for each in self.orders if each.terms.account_id == account_id]

    def find(self, instrument_id: str) -> Instrument:
        if instrument_id != AAPL:
            raise NotFoundError("no such instrument")
        return INSTRUMENT


def test_the_picture_has_balances_claims_and_orders_of_the_instrument() -> None:
    world = World()
    world.orders = [order("a", terms("5", "100")), order("b", terms("7", "100", instrument_id=MSFT))]
    view = world.builder.build(terms("1", "100.00"))
    assert (view.held, view.cash, view.equity) == (D(10), D(99_000), D(100_000))
    assert (view.reserved, view.pending) == (D(600), D(1200))
    assert [each.client_order_id for each in view.orders] == ["a"]
    assert [claim.client_order_id for claim in view.claims] == ["a"]
    assert view.open_orders == 2
    assert check(terms("1", "100.00"), view, LIMITS).is_allowed


def test_an_order_being_replaced_does_not_stand_in_its_own_way() -> None:
    world = World()
    world.orders = [order("a", terms("5", "100"))]
    view = world.builder.build(terms("6", "100.00"), replacing="a")
    assert (view.reserved, view.claims, view.orders, view.open_orders) == (D(0), (), (), 0)


def test_an_exit_being_moved_does_not_count_the_other_exit_as_closing_too() -> None:
    world = World()
    exit_terms = terms("-10", "101.00", reduce_only=True)
    take, stop = (
        msgspec.structs.replace(order(f"a-{leg}", exit_terms), parent_id="a", role=role)
        for leg, role in (("T", OrderRole.TAKE), ("S", OrderRole.STOP))
    )
    world.orders = [take, stop]
    moved = msgspec.structs.replace(exit_terms, limit_price=D("100.50"))
    assert not check(moved, world.builder.build(moved), LIMITS).is_allowed, "a third exit would close too much"
    assert check(moved, world.builder.build(moved, replacing="a-T"), LIMITS).is_allowed


def bracket(entry_limit: str, *, entry_fields: dict[str, object] | None = None) -> list[Order]:
    """Buy 10 at `entry_limit`, take 120, stop 80, before any of it has filled."""
    entry = order("a", terms("10", entry_limit), role=OrderRole.ENTRY, **(entry_fields or {}))
    take = order("a-T", terms("-10", "120.00", reduce_only=True), role=OrderRole.TAKE, parent_id="a")
    stop = order("a-S", terms("-10", None, stop="80.00", reduce_only=True), role=OrderRole.STOP, parent_id="a")
    return [entry, take, stop]


@pytest.mark.parametrize(
    ("entry_limit", "key", "moved", "code"),
    [
        ("95.00", "a-T", terms("-10", "119.00", reduce_only=True), None),
        ("95.00", "a-S", terms("-10", None, stop="81.00", reduce_only=True), None),
        ("95.00", "a-S", terms("-10", None, stop="96.00", reduce_only=True), DenialCode.PROTECTION_SIDE),
        ("95.00", "a-T", terms("-10", "94.00", reduce_only=True), DenialCode.PROTECTION_SIDE),
        # An entry far below the market: its take is below the market too, and is not a sale for nothing.
        ("85.00", "a-T", terms("-10", "90.00", reduce_only=True), None),
        ("95.00", "a-T", terms("-11", "120.00", reduce_only=True), DenialCode.REDUCE_ONLY),
    ],
    ids=["take", "stop", "stop above entry", "take below entry", "far below the market", "more than the entry"],
)
def test_an_exit_may_be_moved_before_its_entry_has_filled(
    entry_limit: str, key: str, moved: OrderTerms, code: DenialCode | None
) -> None:
    world = World()
    world.ledger = Ledger()
    world.ledger.apply(opened())
    sources = msgspec.structs.replace(world.sources, held=world.ledger.quantity)
    world.orders = bracket(entry_limit)
    view = ViewBuilder(sources, world.log).build(moved, replacing=key)
    assert check(moved, view, LIMITS).code is code


def test_a_moved_entry_is_judged_with_the_exits_it_has() -> None:
    world = World()
    world.orders = bracket("95.00")
    moved = terms("10", "79.00")
    view = world.builder.build(moved, replacing="a")
    assert (view.open_orders, view.entry) == (0, None)
    assert check(moved, view, LIMITS, bracket=(D(120), D(80))).code is DenialCode.PROTECTION_SIDE


def test_what_is_not_known_stays_none_and_is_denied() -> None:
    world = World()
    nobody = world.builder.build(terms("1", "100.00", account_id="nobody"))
    assert (nobody.account, nobody.held, nobody.equity) == (None, None, None)
    assert check(terms("1", "100.00", account_id="nobody"), nobody, LIMITS).code is DenialCode.ACCOUNT_UNKNOWN
    other = terms("1", "100.00", instrument_id=MSFT)
    assert check(other, world.builder.build(other), LIMITS).code is DenialCode.INSTRUMENT_UNKNOWN


@pytest.mark.parametrize("name", [*ViewSources.__struct_fields__])
def test_a_source_that_fails_denies_and_never_raises(name: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(name)

    world = World()
    sources = msgspec.structs.replace(world.sources, **{name: fail})
    view = ViewBuilder(sources, world.log).build(terms("1", "100.00"))
    verdict = check(terms("1", "100.00"), view, LIMITS)
    assert verdict.is_allowed is (name == "now_ns")


def test_the_log_remembers_the_window_and_the_session() -> None:
    world = World()
    buy = terms("1", "100.00")
    for offset in (3 * SECOND, SECOND, 0):
        world.log.note(buy, NOW - offset, "2024-03-08")
    view = world.builder.build(buy)
    assert [sent.wall_ns for sent in view.sent] == [NOW - SECOND, NOW]
    assert view.sent_today == 3
    world.log.note(buy, NOW, "2024-03-11")
    assert world.log.count_today("main", "2024-03-11") == 1
    assert world.log.count_today("main", "2024-03-08") == 3
    assert check(buy, view, LIMITS).code is DenialCode.DUPLICATE


def test_an_order_that_came_to_nothing_is_no_first_of_two() -> None:
    world = World()
    buy = terms("1", "100.00")
    world.log.note(buy, NOW - SECOND, "2024-03-08", "first")
    assert check(buy, world.builder.build(buy), LIMITS).code is DenialCode.DUPLICATE
    world.void.add("first")
    view = world.builder.build(buy)
    assert check(buy, view, LIMITS).is_allowed, "it was canceled unfilled: sent again it is there once"
    assert view.sent_today == 1, "for the rate it counts like any other"


def test_the_last_second_is_counted_over_all_instruments_even_when_the_wall_clock_was_set_back() -> None:
    world = World()
    for wall_ns in (NOW, NOW - SECOND, NOW - SECOND + 1, NOW - 5 * SECOND):
        world.log.note(terms("1", "100.00"), wall_ns, "2024-03-08")
    assert world.log.count_since("main", NOW - SECOND) == 2
    assert world.builder.build(terms("1", "100.00")).sent_last_second == 2


def test_accounts_do_not_see_each_others_submissions() -> None:
    world = World()
    world.log.note(terms("1", "100.00", account_id="second"), NOW, "2024-03-08")
    assert world.builder.build(terms("1", "100.00")).sent == ()


def test_a_view_is_a_value() -> None:
    view = World().builder.build(terms("1", "100.00"))
    assert msgspec.structs.replace(view, held=D(1)).held == 1


def test_the_pace_of_one_strategy_is_counted_beside_its_accounts() -> None:
    log, auto = SubmissionLog(), msgspec.structs.replace(terms("1"), strategy="trend")
    for number, instruction in enumerate((terms("1"), auto, auto)):
        log.note(instruction, NOW + number, "2024-03-08", f"o{number}")
    assert (log.count_since("main", NOW), log.count_since("main", NOW, "trend")) == (2, 2)
    assert (log.count_today("main", "2024-03-08"), log.count_today("main", "2024-03-08", "trend")) == (3, 2)
    assert (log.count_since("main", NOW, "other"), log.count_today("main", "2024-03-08", "other")) == (0, 0)
    assert log.is_void("o1") is False


def test_the_memory_of_submissions_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TIMES", 2)
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    log = SubmissionLog()
    for number in range(6):
        log.note(terms("1"), NOW + number, f"day {number}")
    assert log.count_since("main", 0) <= 4
    assert [log.count_today("main", f"day {number}") for number in range(6)] == [0, 0, 0, 0, 1, 1]
