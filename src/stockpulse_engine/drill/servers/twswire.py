"""Messages of a TWS as text, at version 176 of its protocol: what `ib_async` reads, field by field.

The layouts follow the recordings of other clients' tests (`openOrder`, `orderStatus`, `execDetails`, `completedOrder`,
`commissionReport`, `contractData`); `position` and `accountSummary` have no recording and follow the library's reader.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

VERSION: Final = 176
NONE: Final = "1.7976931348623157E308"
NO_INTEGER: Final = "2147483647"
CONNECTED_AT: Final = "20261120 16:00:00 EST"
_LENGTH = struct.Struct(">I")
_MOST = 1 << 20
_SECOND_NS = 1_000_000_000
Field = str | int | Decimal


class Share(msgspec.Struct, frozen=True):
    """A contract: its number, symbol and primary exchange."""

    number: int
    symbol: str
    primary: str
    tick: Decimal


class TwsOrder(msgspec.Struct, kw_only=True):
    """An order as a TWS shows it."""

    number: int
    client_id: int
    perm_id: int
    share: Share
    action: str
    quantity: Decimal
    order_type: str
    limit: str = "0.0"
    aux: str = "0.0"
    tif: str = "DAY"
    account: str = ""
    ref: str = ""
    oca: str = ""
    parent: int = 0
    is_extended: bool = False
    until: str = ""
    trail_stop: str = ""
    percent: str = ""
    status: str = "PreSubmitted"
    filled: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    completed_ns: int = 0
    transmit: bool = True


def framed(fields: Iterable[Field]) -> bytes:
    """A whole message."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return _LENGTH.pack(len(body)) + body


class TwsReader:
    """Bytes of a client as its greeting and its messages; raises ValueError for what is neither."""

    def __init__(self) -> None:
        self._data = b""
        self._is_greeted = False

    def feed(self, data: bytes) -> list[list[str]]:
        """What is complete by now."""
        self._data += data
        found = []
        if not self._is_greeted:
            if len(self._data) < 4:  # noqa: PLR2004 - of the greeting
                return []
            if not self._data.startswith(b"API\0"):
                raise ValueError("the first bytes are not API\\0")
            self._data, self._is_greeted = self._data[4:], True
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            if length > _MOST:
                raise ValueError(f"a message of {length} bytes")
            if len(self._data) < _LENGTH.size + length:
                break
            body = self._data[_LENGTH.size : _LENGTH.size + length].decode()
            self._data = self._data[_LENGTH.size + length :]
            found.append(body.split("\0")[:-1] if body.endswith("\0") else [body])
        return found


def open_order(order: TwsOrder) -> bytes:
    """Message 5."""
    return framed([5, order.number, *_contract(order.share), *_front(order, order.client_id), *_middle(order)])


def completed_order(order: TwsOrder, zone: dt.tzinfo) -> bytes:
    """Message 101: it has no number and no client; an executed order says quantity 0."""
    is_filled = order.status == "Filled"
    quantity: Field = 0 if is_filled else order.quantity
    front = _front(order, None, quantity)
    middle: list[Field] = [
        *("", order.until, "", "", "", "0", "", "-1"),  # model … exempt code
        *("", "", "", "", "", NO_INTEGER, "0", "0"),  # starting price … all or none
        *("", "3", "0", "", "0", "None", "", "0", "0", "0", ""),  # least quantity … delta neutral
        *("0", "0", order.trail_stop, order.percent, "", "0", "0", "0"),
        *(NO_INTEGER, NO_INTEGER, "", "", "IB", "0", "0", "0", ""),
        *("0", order.status, "0", "0", "0"),
    ]
    words = f"Filled Size: {order.filled}" if is_filled else "Cancelled by Trader"
    tail: list[Field] = [
        *(order.trail_stop or NONE, NONE, "0", "1", "0", "", order.filled, NO_INTEGER, "0", ""),
        *("0", "0", "9223372036854775807", moment(order.completed_ns, zone, name="US/Eastern"), words),
        *(NO_INTEGER, NO_INTEGER, "", "", ""),
    ]
    return framed([101, *_contract(order.share), *front, *middle, *tail])


def order_status(order: TwsOrder) -> bytes:
    """Message 3."""
    last = order.average if order.filled else "0"
    left = max(Decimal(0), order.quantity - order.filled)
    return framed(
        [3, order.number, order.status, order.filled, left, order.average, order.perm_id, order.parent, last,
         order.client_id, "", "0"]
    )  # fmt: skip


def execution(  # noqa: PLR0917 - the fields of one message
    request: int, order: TwsOrder, execution_id: str, at: str, quantity: Decimal, price: Decimal
) -> bytes:
    """Message 11."""
    side = "BOT" if order.action == "BUY" else "SLD"
    share = order.share
    contract: list[Field] = [share.number, share.symbol, "STK", "", "0.0", "", "", "ISLAND", "USD", share.symbol, "NMS"]
    return framed(
        [11, request, order.number, *contract, execution_id, at, order.account, "ISLAND", side, quantity, price,
         order.perm_id, order.client_id, "0", order.filled, order.average, order.ref, "", "", "", "2"]
    )  # fmt: skip


def commission(execution_id: str, fee: Decimal) -> bytes:
    """Message 59; no profit was realized."""
    return framed([59, 1, execution_id, fee, "USD", NONE, NONE, ""])


def contract_data(request: int, share: Share) -> bytes:
    """Message 10."""
    symbol = share.symbol
    return framed(
        [10, request, symbol, "STK", "", "0", "", "SMART", "USD", symbol, "NMS", "NMS", share.number, share.tick, "",
         "LMT,MKT,STP,TRAIL", "SMART,NASDAQ,NYSE", "1", "0", symbol, share.primary, "", "", "", "", "US/Eastern", "",
         "", "", "0", "0", "1", "", "", "26", "", "COMMON", "1", "1", "100"]
    )  # fmt: skip


def position(account: str, share: Share, quantity: Decimal, cost: Decimal) -> bytes:
    """Message 61 (no recording)."""
    contract: list[Field] = [share.number, share.symbol, "STK", "", "0.0", "", "", "", "USD", share.symbol, "NMS"]
    return framed([61, 3, account, *contract, quantity, cost])


def error(request: int, code: int, text: str) -> bytes:
    """Message 4."""
    return framed([4, 2, request, code, text, ""])


def moment(at_ns: int, zone: dt.tzinfo, *, name: str = "") -> str:
    """A time in the TWS's own zone: with its name and one space, or without and with two."""
    told = dt.datetime.fromtimestamp(at_ns // _SECOND_NS, zone)
    return told.strftime(f"%Y%m%d %H:%M:%S {name}" if name else "%Y%m%d  %H:%M:%S")


def _contract(share: Share) -> list[Field]:
    return [share.number, share.symbol, "STK", "", "0", "?", "", "SMART", "USD", share.symbol, "NMS"]


def _front(order: TwsOrder, client_id: int | None, quantity: Field | None = None) -> list[Field]:
    """From the action to the percentage of an allocation; a completed order has no client and one field less."""
    size = order.quantity if quantity is None else quantity
    fields: list[Field] = [
        order.action, size, order.order_type, order.limit, order.aux, order.tif, order.oca, order.account,
        "", "0", order.ref,
    ]  # fmt: skip
    if client_id is not None:
        fields.append(client_id)
    fields += [order.perm_id, int(order.is_extended), "0", "0", ""]
    if client_id is not None:
        fields.append("")
    return [*fields, "", "", "", ""]


def _middle(order: TwsOrder) -> list[Field]:
    return [
        *("", order.until, "", "", "", "0", "", "-1"),  # model … exempt code
        *("0", "", "", "", "", "", NO_INTEGER, "0", "0", "0", "", "3", "0", "0", ""),  # auction … price cap
        *(order.parent, "0", "", "0", "None", "", "0", "", "", "", "?", "0", "0", ""),  # … delta neutral
        *("0", "0", order.trail_stop, order.percent, "", "", ""),  # continuous … legs' words
        *("0", "0", "0", NO_INTEGER, NO_INTEGER, "", ""),  # legs … hedge
        *("0", "", "IB", "0", "0", "", "0", "0", order.status),
        *([NONE] * 9),
        *("", "", "", "", "", "0", "0"),  # commissions … random
        *("0", "None", NONE, order.trail_stop or NONE, NONE, NONE, NONE, NONE, "0"),  # conditions … adjusted
        *("", "", "", "", "0", "0", "0", "0", NO_INTEGER, NO_INTEGER, "0"),
        *(NO_INTEGER, NO_INTEGER, "", "", ""),
    ]
