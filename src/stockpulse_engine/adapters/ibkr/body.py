"""Our orders as the gateway's, and its back as ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import structs

from stockpulse_engine.adapters.ibkr.numbers import exact, price, quantity, sent
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.trading.ports import RejectedByBrokerError

if TYPE_CHECKING:
    from ib_async.order import Order as IbOrder

TYPES: Final = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
}
TIMES: Final = {
    TimeInForce.DAY: "DAY",
    TimeInForce.GTC: "GTC",
    TimeInForce.GTD: "GTD",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.AT_THE_OPEN: "OPG",
}
CLOSING: Final = {OrderType.MARKET: "MOC", OrderType.LIMIT: "LOC"}
"""On-close orders are types of their own there."""
LONGEST_REF: Final = 64
_OUR_TYPES = {theirs: ours for ours, theirs in TYPES.items()} | {
    "MOC": OrderType.MARKET,
    "LOC": OrderType.LIMIT,
    "TRAIL LIMIT": OrderType.TRAILING_STOP,
}
_OUR_TIMES = {theirs: ours for ours, theirs in TIMES.items()}
_ONE_CANCELS: Final = 1
"""The rest of a pair is canceled, and the broker holds it back while one executes."""
_HUNDRED = Decimal(100)
_SECOND_NS = 1_000_000_000


def bodies_of(orders: Sequence[Order], numbers: Sequence[int], account: str) -> list[IbOrder]:
    """One order, an entry with its exits, or a pair: only the last one sets the group off, so that none is alone.

    Raises:
        RejectedByBrokerError: the gateway has no word for it.
    """
    made = []
    is_pair = len(orders) > 1 and orders[0].role is not OrderRole.ENTRY
    for place, (order, number) in enumerate(zip(orders, numbers, strict=True)):
        body = body_of(order.terms, order.client_order_id, account)
        body.orderId = number
        body.transmit = place == len(orders) - 1
        if is_pair:
            body.ocaGroup, body.ocaType, body.transmit = orders[0].client_order_id, _ONE_CANCELS, True
        elif place:
            body.parentId = numbers[0]
        made.append(body)
    return made


def body_of(terms: OrderTerms, ref: str, account: str) -> IbOrder:
    """One order without its number. Raises RejectedByBrokerError."""
    from ib_async.order import Order as IbOrder

    if not ref.isascii() or not ref.isprintable() or len(ref) > LONGEST_REF:
        raise RejectedByBrokerError(f"the id {ref[:32]!r} can not be an order reference there", "BAD_ID")
    body = IbOrder(
        action=terms.side.value,
        orderRef=ref,
        account=account,
        outsideRth=terms.session is SessionHours.EXTENDED,
        openClose="",
        totalQuantity=sent(terms.quantity),  # type: ignore[arg-type]  # sent as it is spelled
    )
    body.orderType, body.tif = _words(terms)
    if terms.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and terms.limit_price is not None:
        body.lmtPrice = sent(terms.limit_price)
    if terms.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and terms.stop_price is not None:
        body.auxPrice = sent(terms.stop_price)
    if terms.is_trailing:
        _trail(body, terms)
    if terms.time_in_force is TimeInForce.GTD:
        body.goodTillDate = _end(terms)
    return body


def terms_of(theirs: IbOrder, account_id: str, instrument_id: str, known: OrderTerms | None) -> OrderTerms:
    """What works there now. Of an order of ours everything but the numbers is as we said it."""
    kind = _OUR_TYPES.get(theirs.orderType, OrderType.MARKET)
    stop = price(theirs.trailStopPrice) if kind is OrderType.TRAILING_STOP else price(theirs.auxPrice)
    has_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    has_stop = kind in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
    numbers = {
        "quantity": quantity(theirs.totalQuantity) or quantity(theirs.filledQuantity),
        "limit_price": price(theirs.lmtPrice) if has_limit else None,
        "stop_price": stop if has_stop else None,
    }
    if known is not None:
        if not quantity(theirs.totalQuantity):  # an order that is over says 0 and what was filled
            numbers["quantity"] = known.quantity
        return structs.replace(known, **numbers)
    is_closing = theirs.orderType in ("MOC", "LOC")
    percent = exact(theirs.trailingPercent)
    is_trailing = kind is OrderType.TRAILING_STOP
    return OrderTerms(
        account_id=account_id,
        instrument_id=instrument_id,
        side=Side(theirs.action) if theirs.action in ("BUY", "SELL") else Side.SELL,
        order_type=kind,
        time_in_force=TimeInForce.AT_THE_CLOSE if is_closing else _OUR_TIMES.get(theirs.tif, TimeInForce.DAY),
        session=SessionHours.EXTENDED if theirs.outsideRth else SessionHours.REGULAR,
        trail_amount=price(theirs.auxPrice) if is_trailing and percent is None else None,
        trail_fraction=percent / _HUNDRED if is_trailing and percent is not None else None,
        quantity=numbers["quantity"] or Decimal(0),
        limit_price=numbers["limit_price"],
        stop_price=numbers["stop_price"],
    )


def is_same(terms: OrderTerms, other: OrderTerms) -> bool:
    """Whether two instructions ask for the same trade."""
    names = ("instrument_id", "side", "quantity", "order_type", "limit_price", "stop_price", "time_in_force")
    return all(getattr(terms, name) == getattr(other, name) for name in names)


def _words(terms: OrderTerms) -> tuple[str, str]:
    if terms.time_in_force is TimeInForce.AT_THE_CLOSE:
        kind = CLOSING.get(terms.order_type)
        if kind is None:
            raise RejectedByBrokerError("only market and limit orders execute at the close there", "BAD_TIME")
        return kind, "DAY"
    if terms.time_in_force is TimeInForce.AT_THE_OPEN and terms.order_type not in CLOSING:
        raise RejectedByBrokerError("only market and limit orders execute at the open there", "BAD_TIME")
    return TYPES[terms.order_type], TIMES[terms.time_in_force]


def _trail(body: IbOrder, terms: OrderTerms) -> None:
    if terms.trail_amount is not None:
        body.auxPrice = sent(terms.trail_amount)
    elif terms.trail_fraction is not None:
        body.trailingPercent = sent((terms.trail_fraction * _HUNDRED).normalize())
    if terms.limit_offset is not None:
        raise RejectedByBrokerError("a trailing stop becomes a market order there, as we send it", "BAD_TYPE")


def _end(terms: OrderTerms) -> str:
    """The last moment in UTC: a dash between day and time says so."""
    end_ns = terms.expires_at
    if terms.expires_on:
        session = load_calendar().session(terms.expires_on)
        if session is None:
            raise RejectedByBrokerError(f"{terms.expires_on[:10]} is no session", "BAD_TIME")
        end_ns = session.close
    if not end_ns:
        raise RejectedByBrokerError("an order until a date needs the date", "BAD_TIME")
    return dt.datetime.fromtimestamp(end_ns // _SECOND_NS, dt.UTC).strftime("%Y%m%d-%H:%M:%S")
