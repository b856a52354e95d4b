"""Between the words of the order service and those of the simulated broker."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.drill.core.orders import AccountState, DrillOrder, News, NewsKind
from stockpulse_engine.drill.core.statements import fill_of

_K = OrderEventKind
KINDS: Final = {
    NewsKind.ACCEPT: _K.ACCEPT,
    NewsKind.REJECT: _K.REJECT,
    NewsKind.TRIGGER: _K.TRIGGER,
    NewsKind.FILL: _K.FILL,
    NewsKind.CANCEL: _K.CANCEL,
    NewsKind.CANCEL_REJECT: _K.CANCEL_REJECT,
    NewsKind.REPLACE: _K.UPDATE,
    NewsKind.REPLACE_REJECT: _K.UPDATE_REJECT,
    NewsKind.EXPIRE: _K.EXPIRE,
    NewsKind.BUST: _K.BUST,
    NewsKind.CORRECT: _K.CORRECT,
    NewsKind.ACTION: _K.ACCEPT,
    NewsKind.STRANGE: _K.SUSPEND,
}


def drill_order(order: Order) -> DrillOrder:
    """Ours as the venue takes it."""
    terms = order.terms
    return DrillOrder(
        client_order_id=order.client_order_id,
        instrument_id=terms.instrument_id,
        side=terms.side,
        quantity=terms.quantity,
        order_type=terms.order_type,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        time_in_force=terms.time_in_force,
        session=terms.session,
        role=order.role,
        parent_id=order.parent_id,
    )


def terms_of(order: DrillOrder) -> OrderTerms:
    """The venue's as ours."""
    return OrderTerms(
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        time_in_force=order.time_in_force,
        session=order.session,
        is_reduce_only=order.is_leg,
    )


def venue_order(order: DrillOrder) -> VenueOrder:
    """The answer to a question about one order."""
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        terms=terms_of(order),
        status=order.status,
        filled_quantity=order.filled,
        parent_id=order.parent_id,
        role=order.role.value,
        ts_event=order.changed_ns,
    )


def report_of(news: News, *, reads_time: bool = False) -> ExecutionReport:
    """One frame of the stream. `reads_time`: a broker that numbers nothing tells the time of its facts instead."""
    order = news.order
    return ExecutionReport(
        client_order_id=order.client_order_id if order else "",
        venue_order_id=order.venue_order_id if order else "",
        kind=KINDS[news.kind],
        ts_event=news.ts_ns,
        report_seq=news.ts_ns if reads_time else news.seq,
        fill=fill_of(news.execution) if news.execution else None,
        terms=terms_of(order) if order and news.kind in (NewsKind.REPLACE, NewsKind.ACCEPT) else None,
        reason=news.reason,
        code=news.code,
        action=news.action,
    )


def venue_account(state: AccountState, last_seq: int) -> VenueAccount:
    """Cash and holdings."""
    return VenueAccount(
        account_id=state.account_id,
        cash=state.cash,
        positions={key: one.quantity for key, one in state.positions.items()},
        last_report_seq=last_seq,
        ts_event=0,
    )
