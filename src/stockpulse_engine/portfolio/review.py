"""The session as its trader would review it: arrival price against fill, costs split, excursions, refusals.

Implementation shortfall of an order, against the mid at arrival, is exactly spread + slippage + fees:
spread is what crossing to the touch costs, slippage what was paid beyond the touch (negative when better).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.views import DayOrder, DayRefusal, DayReview
from stockpulse_engine.marketdata.time import TIME_ZONE
from stockpulse_engine.portfolio.valuation import tidy, tidy_optional
from stockpulse_engine.render.format import format_clock
from stockpulse_engine.render.review import review_page

_REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)


class Costs(msgspec.Struct, frozen=True):
    """What an order cost against the mid at its arrival; None where no quote was there."""

    arrival_mid: Decimal | None
    spread: Decimal | None
    slippage: Decimal | None
    fees: Decimal

    @property
    def shortfall(self) -> Decimal | None:
        """The whole implementation shortfall."""
        if self.spread is None or self.slippage is None:
            return None
        return self.spread + self.slippage + self.fees


def costs_of(order: Order, fills: Sequence[Fill]) -> Costs:
    """Split the cost of an order's fills; a positive number is a cost."""
    fees = sum((fill.fee for fill in fills), ZERO)
    bid, ask = order.arrival_bid, order.arrival_ask
    if bid is None or ask is None:
        return Costs(None, None, None, fees)
    sign, mid = order.terms.side.sign, (bid + ask) / 2
    touch = ask if sign > 0 else bid
    quantity = sum((fill.quantity for fill in fills), ZERO)
    spread = (touch - mid) * sign * quantity
    slippage = sum(((fill.price - touch) * sign * fill.quantity for fill in fills), ZERO)
    return Costs(mid, spread, slippage, fees)


class ReviewSources(msgspec.Struct, frozen=True, kw_only=True):
    """Where a review finds what the ledger does not know.

    Attributes:
        orders: account id → its orders, refused ones included, in any order.
        fills: client order id → fills that stand, oldest first.
        hops: client order id → milestone → nanoseconds.
        bars: (instrument id, start, end) → known bars that touch the time, oldest first.
        session_of: market time → date of its session, of the coming one while the market is closed.
        kill_times: market times at which the engine came back from a stop that nobody ordered.
    """

    orders: Callable[[str], Iterable[Order]]
    fills: Callable[[str], Sequence[Fill]]
    hops: Callable[[str], dict[str, int]]
    bars: Callable[[str, int, int], Sequence[Bar]]
    session_of: Callable[[int], str]
    kill_times: Callable[[], Iterable[int]]


class Span(msgspec.Struct, frozen=True):
    """The time and size of the position an order opened."""

    start: int
    end: int
    sign: int
    quantity: Decimal
    price: Decimal


def opened_span(order: Order, fills: Sequence[Fill], later: Sequence[Fill], now_ns: int) -> Span | None:
    """From the order's first fill until as much was traded back, or now; None for an order that only closed.

    Args:
        order: the order.
        fills: its fills.
        later: all fills of the same instrument and account, oldest first.
        now_ns: end of the span while the position is open.
    """
    if not fills or order.terms.is_reduce_only or order.parent_id:
        return None
    start, sign = fills[0].ts_event, order.terms.side.sign
    quantity = sum((fill.quantity for fill in fills), ZERO)
    price = sum((fill.notional for fill in fills), ZERO) / quantity
    before = sum((fill.signed_quantity for fill in later if fill.ts_event < start), ZERO)
    if before * sign < 0:
        return None
    left = quantity
    for fill in later:
        if fill.ts_event >= start and fill.sign == -sign:
            left -= fill.quantity
            if left <= 0:
                return Span(start, fill.ts_event, sign, quantity, price)
    return Span(start, now_ns, sign, quantity, price)


def excursions(span: Span, bars: Sequence[Bar]) -> tuple[Decimal | None, Decimal | None]:
    """Best and worst P&L the position saw, from the bars inside its span; None without bars.

    A bar that holds the first or last moment is taken whole, so the answer is an outer bound at its edges.
    """
    if not bars:
        return None, None
    high, low = max(bar.high for bar in bars), min(bar.low for bar in bars)
    at_high, at_low = ((price - span.price) * span.sign * span.quantity for price in (high, low))
    return tidy(max(at_high, at_low, ZERO)), tidy(min(at_high, at_low, ZERO))


def review_orders(account_id: str, session_date: str, sources: ReviewSources, now_ns: int) -> tuple[DayOrder, ...]:
    """Every order that was sent or executed in the session, oldest first, with its fills of the session."""
    mine, fills = [], {}
    for order in sources.orders(account_id):
        if order.status in (*_REFUSED, OrderStatus.INITIALIZED):
            continue
        made = _fills_in(order, session_date, sources)
        if made or sources.session_of(order.created_at) == session_date:
            mine.append(order)
            fills[order.client_order_id] = made
    mine.sort(key=lambda order: (order.created_at, order.client_order_id))
    return tuple(_review_order(order, fills, mine, sources, now_ns) for order in mine)


def _fills_in(order: Order, session_date: str, sources: ReviewSources) -> Sequence[Fill]:
    """The order's executions of one session: one that works for days has some in each."""
    if not order.filled_quantity or sources.session_of(order.updated_at) < session_date:
        return ()
    fills = sources.fills(order.client_order_id)
    return [fill for fill in fills if sources.session_of(fill.ts_event) == session_date]


def _review_order(
    order: Order, fills: dict[str, Sequence[Fill]], orders: Sequence[Order], sources: ReviewSources, now_ns: int
) -> DayOrder:
    own = fills[order.client_order_id]
    instrument_id = order.terms.instrument_id
    same = [other.client_order_id for other in orders if other.terms.instrument_id == instrument_id]
    later = sorted((fill for key in same for fill in fills[key]), key=lambda fill: fill.ts_event)
    span = opened_span(order, own, later, now_ns)
    best, worst = (None, None) if span is None else excursions(span, sources.bars(instrument_id, span.start, span.end))
    costs = costs_of(order, own)
    return DayOrder(
        order=order,
        fills=tuple(own),
        arrival_mid=costs.arrival_mid,
        spread_cost=tidy_optional(costs.spread),
        slippage=tidy_optional(costs.slippage),
        fees=tidy(costs.fees),
        hops=sources.hops(order.client_order_id),
        best_excursion=best,
        worst_excursion=worst,
    )


def review_refusals(account_id: str, session_date: str, sources: ReviewSources) -> tuple[DayRefusal, ...]:
    """What our gate or the venue refused in the session, oldest first, with code and sentence."""
    refused = [
        DayRefusal(
            client_order_id=order.client_order_id,
            instrument_id=order.terms.instrument_id,
            ts_event=order.updated_at or order.created_at,
            code=order.code or order.status.value,
            sentence=order.reason,
        )
        for order in sources.orders(account_id)
        if order.status in _REFUSED and sources.session_of(order.created_at) == session_date
    ]
    return tuple(sorted(refused, key=lambda refusal: (refusal.ts_event, refusal.client_order_id)))


def market_clock(ts_event: int) -> str:
    """A market time on the exchange's clock: 10:32:07.412."""
    return format_clock(ts_event, TIME_ZONE, digits=3)


def to_markdown(review: DayReview, time_of: Callable[[int], str] = market_clock) -> str:
    """The review as a Markdown page; `time_of` writes market times."""
    return review_page(review, time_of)
