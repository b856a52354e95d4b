"""Orders between a TWS's words and those of the simulated broker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from stockpulse_engine.domain.orders import OrderRole, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.servers.twswire import Share, TwsOrder

_TYPES: Final = {
    "MKT": OrderType.MARKET, "LMT": OrderType.LIMIT, "STP": OrderType.STOP, "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP, "MOC": OrderType.MARKET, "LOC": OrderType.LIMIT,
}  # fmt: skip
_TIMES: Final = {
    "DAY": TimeInForce.DAY, "GTC": TimeInForce.GTC, "GTD": TimeInForce.GTD, "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK, "OPG": TimeInForce.AT_THE_OPEN,
}  # fmt: skip
_WORDS: Final = {
    o.HELD: "PreSubmitted", o.ACCEPTED: "Submitted", o.TRIGGERED: "Submitted", o.PARTIALLY_FILLED: "Submitted",
    o.FILLED: "Filled", o.CANCELED: "Cancelled", o.EXPIRED: "Cancelled", o.REPLACED: "Cancelled",
}  # fmt: skip
_FIELDS: Final = 90
"""A placed order has more than so many."""


class Place(msgspec.Struct):
    """An order as it was sent: `size` is how its quantity was spelled."""

    order: TwsOrder
    size: str

    @property
    def limit(self) -> Decimal | None:
        """Its limit."""
        return _price(self.order.limit) if self.order.order_type in ("LMT", "STP LMT", "LOC") else None

    @property
    def stop(self) -> Decimal | None:
        """Its trigger."""
        return _price(self.order.aux) if self.order.order_type in ("STP", "STP LMT") else None


def parse_place(fields: Sequence[str], client_id: int) -> Place:
    """Message 3 of a client at version 176. Raises ValueError for what is none."""
    if len(fields) < _FIELDS:
        raise ValueError(f"an order of {len(fields)} fields")
    order = TwsOrder(
        number=int(fields[1]),
        client_id=client_id,
        perm_id=0,
        share=Share(int(fields[2]), fields[3], fields[10], Decimal("0.01")),
        action=fields[16],
        quantity=Decimal(fields[17]),
        order_type=fields[18],
        limit=fields[19],
        aux=fields[20],
        tif=fields[21],
        oca=fields[22],
        account=fields[23],
        ref=fields[26],
        transmit=fields[27] == "1",
        parent=int(fields[28] or 0),
        is_extended=fields[33] == "1",
        until=fields[38],
        trail_stop=fields[69],
        percent=fields[70],
    )
    return Place(order, fields[17])


def drill_order(place: Place, group: Sequence[Place], instrument_id: str, zone: dt.tzinfo) -> o.DrillOrder:
    """The order as the simulated broker takes it."""
    order = place.order
    is_closing = order.order_type in ("MOC", "LOC")
    percent, is_trailing = _price(order.percent), order.order_type == "TRAIL"
    return o.DrillOrder(
        client_order_id=order.ref,
        instrument_id=instrument_id,
        side=Side(order.action),
        quantity=order.quantity,
        order_type=_TYPES[order.order_type],
        limit_price=place.limit,
        stop_price=place.stop,
        trail=_price(order.aux) if is_trailing and percent is None else None,
        trail_percent=percent if is_trailing else None,
        time_in_force=TimeInForce.AT_THE_CLOSE if is_closing else _TIMES[order.tif],
        session=SessionHours.EXTENDED if order.is_extended else SessionHours.REGULAR,
        expires_ns=_until(order.until, zone),
        role=_role(place, group),
        parent_id=group[0].order.ref if place is not group[0] else "",
    )


def show(order: TwsOrder, now: o.DrillOrder, at_ns: int) -> None:
    """Bring an order to what the simulated broker says of it."""
    order.status = _WORDS.get(now.status, order.status)
    order.filled, order.average = now.filled, now.average or Decimal(0)
    if order.status in ("Filled", "Cancelled"):
        order.completed_ns = order.completed_ns or at_ns
    order.quantity = now.quantity
    if now.order_type is OrderType.TRAILING_STOP and now.stop_price is not None:
        order.trail_stop = str(now.stop_price)


def _role(place: Place, group: Sequence[Place]) -> OrderRole:
    if len(group) == 1:
        return OrderRole.SINGLE
    if place is group[0] and not place.order.oca:
        return OrderRole.ENTRY
    return OrderRole.TAKE if place.order.order_type == "LMT" else OrderRole.STOP


def _until(text: str, zone: dt.tzinfo) -> int:
    if not text:
        return 0
    is_utc = text[8:9] == "-"
    found = dt.datetime.fromisoformat(f"{text[:8]}T{text[9:17]}").replace(tzinfo=dt.UTC if is_utc else zone)
    return int(found.timestamp()) * 1_000_000_000


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text and Decimal(text) else None
