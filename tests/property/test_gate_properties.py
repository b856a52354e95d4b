"""The gate is pure, total, denies what it can not check, and offers only what it would let through."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.portfolio.invariants import check_reducing
from stockpulse_engine.portfolio.reservations import ClaimCache
from stockpulse_engine.risk.gate import CHECKS, check, passes
from stockpulse_engine.risk.preview import build_preview
from stockpulse_engine.risk.verdict import DENIED
from stockpulse_engine.risk.view import GateView
from tests.fakes.portfolio_build import AAPL, D, order, quote, terms
from tests.unit.risk.build import CASH, LIMITS, VIEW, phase

odd = st.sampled_from(
    [
        D("NaN"),
        D("sNaN"),
        D("Infinity"),
        D("-Infinity"),
        D(0),
        D(-1),
        D("1e-30"),
        D("1e19"),
        D("1e30"),
        D("-1e30"),
        None,
    ]
)
sane = st.decimals("0.01", "2000000", places=2)
numbers = st.one_of(sane, sane, sane, odd)
instructions = st.builds(
    OrderTerms,
    account_id=st.just("main"),
    instrument_id=st.just(AAPL),
    side=st.sampled_from(Side),
    quantity=st.one_of(st.integers(1, 5000).map(D), numbers),
    order_type=st.sampled_from(OrderType),
    limit_price=st.one_of(st.none(), numbers),
    stop_price=st.one_of(st.none(), numbers),
    time_in_force=st.sampled_from(TimeInForce),
    session=st.sampled_from(SessionHours),
    is_reduce_only=st.booleans(),
)
working = st.lists(
    st.tuples(st.integers(-300, 300).filter(bool), st.booleans()).map(
        lambda pair: terms(str(pair[0]), "100", reduce_only=pair[1])
    ),
    max_size=4,
)


@st.composite
def views(draw: st.DrawFn) -> GateView:
    """The good view with a few things changed, missing or not a number."""
    orders = tuple(order(f"w{number}", each) for number, each in enumerate(draw(working)))
    changes: dict[str, object] = {
        "orders": orders,
        "claims": tuple(ClaimCache(LIMITS.collar_fraction).claims(orders)),
        "held": D(draw(st.integers(-500, 500))),
        "cash": draw(sane),
        "equity": draw(sane),
        "status": phase(draw(st.sampled_from(MarketPhase))),
        "account": draw(st.sampled_from([VIEW.account, CASH, None])),
        "trading_state": draw(st.sampled_from(TradingState)),
        "quote": draw(st.sampled_from([quote(), quote("90", "110"), quote("101", "100", last=None), None])),
    }
    if draw(st.booleans()):
        hostile = draw(
            st.sampled_from(("brake", "refusals", "wall_ns", "sent_today", "strategy_today", "quote_age_ns"))
        )
        changes[hostile] = draw(st.sampled_from([None, "x", -1, D("NaN"), float("inf")]))
    for name in draw(
        st.lists(st.sampled_from(("held", "cash", "equity", "day_pnl", "gross", "bound", "net", "peak")), max_size=2)
    ):
        changes[name] = draw(odd)
    return msgspec.structs.replace(VIEW, **changes)


@given(instructions, views(), numbers, numbers)
def test_whatever_comes_the_gate_answers_the_same_twice_and_never_raises(
    instruction: OrderTerms, view: GateView, take: object, stop: object
) -> None:
    legs = (take, stop)
    first = check(instruction, view, LIMITS, bracket=legs)  # type: ignore[arg-type] # any two values
    assert len(first.rows) == len(CHECKS)
    assert first == check(instruction, view, LIMITS, bracket=legs)  # type: ignore[arg-type] # the same
    assert first.is_allowed == all(row.verdict != DENIED for row in first.rows)
    assert passes(instruction, view, LIMITS, bracket=legs) == first.is_allowed  # type: ignore[arg-type] # the same
    preview = build_preview(instruction, first, view, LIMITS, bracket=legs)  # type: ignore[arg-type] # the same
    assert preview.is_allowed == first.is_allowed
    assert preview.rows[-1].name == "checks"


@given(
    st.integers(1, 400),
    st.integers(9_950, 10_050),
    st.sampled_from(Side),
    st.integers(-300, 300),
    st.integers(1, 200_000),
)
def test_an_order_that_may_well_leave_is_answered_the_same_in_silence(
    quantity: int, cents: int, side: Side, held: int, equity: int
) -> None:
    instruction = msgspec.structs.replace(terms(str(quantity), f"{D(cents) / 100:.2f}"), side=side)
    view = msgspec.structs.replace(VIEW, held=D(held), equity=D(equity), cash=D(equity), gross=abs(D(held)) * 100)
    assert passes(instruction, view, LIMITS) == check(instruction, view, LIMITS).is_allowed


@given(instructions, views())
def test_a_suggested_quantity_is_smaller_and_passes(instruction: OrderTerms, view: GateView) -> None:
    verdict = check(instruction, view, LIMITS)
    if verdict.nearest_quantity is not None:
        assert 0 < verdict.nearest_quantity < instruction.quantity
        smaller = msgspec.structs.replace(instruction, quantity=verdict.nearest_quantity)
        assert check(smaller, view, LIMITS).is_allowed


@given(st.integers(-500, 500), st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_reduce_only_orders_let_through_one_by_one_never_exceed_the_position(held: int, sizes: list[int]) -> None:
    """L10, with every accepted exit left working."""
    orders: list[Order] = []
    for number, size in enumerate(sizes):
        instruction = terms(str(-size if held > 0 else size), "100.00", reduce_only=True)
        claims = tuple(ClaimCache(LIMITS.collar_fraction).claims(orders))
        view = msgspec.structs.replace(VIEW, held=D(held), orders=tuple(orders), claims=claims)
        if check(instruction, view, LIMITS).is_allowed:
            orders.append(order(f"r{number}", instruction))
    check_reducing(ClaimCache(LIMITS.collar_fraction).claims(orders), D(held))


@given(st.integers(0, 100_000), st.lists(st.tuples(st.integers(1, 200), st.integers(9500, 10500)), max_size=8))
def test_a_cash_account_never_promises_more_than_it_has(cash: int, wishes: list[tuple[int, int]]) -> None:
    """L9: what all accepted orders could cost at worst stays within the cash."""
    orders: list[Order] = []
    cost = D(0)
    for number, (quantity, cents) in enumerate(wishes):
        instruction = terms(str(quantity), f"{D(cents) / 100:.2f}")
        view = msgspec.structs.replace(VIEW, account=CASH, cash=D(cash), reserved=cost, orders=tuple(orders))
        if check(instruction, view, LIMITS).is_allowed:
            orders.append(order(f"b{number}", instruction))
            cost += D(quantity) * D(cents) / 100
    assert cost <= cash
