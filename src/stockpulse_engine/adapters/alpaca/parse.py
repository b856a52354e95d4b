"""Bytes of Alpaca to plain values: exact numbers, nine digits of time, and no trust in a single field.

Money and quantities come as JSON strings, sometimes as numbers: both become Decimals without ever being a float.
What a field must hold and does not hold is refused by name; what is only shown may be missing or nonsense; fields and
words nobody told us about are kept as text or passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.money import ZERO, parse_decimal

LARGEST: Final = Decimal(10) ** 15
MOST_LEGS: Final = 16
_LONGEST: Final = 64
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_DAY_S: Final = 86_400
_NS: Final = 1_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


class ParseError(Exception):
    """What came is not what Alpaca sends; args[0] names the field."""


class AlpacaOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as Alpaca shows it. Times are UTC ns, 0 where there is none; words are Alpaca's own."""

    order_id: str
    client_order_id: str
    status: str
    symbol: str
    side: str
    order_type: str
    order_class: str = ""
    time_in_force: str = ""
    asset_id: str = ""
    asset_class: str = ""
    quantity: Decimal | None = None
    notional: Decimal | None = None
    filled_quantity: Decimal = ZERO
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    is_extended: bool = False
    replaced_by: str = ""
    replaces: str = ""
    submitted_at: int = 0
    updated_at: int = 0
    filled_at: int = 0
    canceled_at: int = 0
    expired_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    legs: tuple[AlpacaOrder, ...] = ()


class AlpacaUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One message of trade_updates."""

    event: str
    order: AlpacaOrder
    at: int
    execution_id: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    reason: str = ""


class AlpacaFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution from the list of activities. `token` is the activity's id, which pages on from it."""

    token: str
    execution_id: str
    order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    cumulative: Decimal | None
    at: int


class AlpacaAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Cash and what the account may do."""

    number: str
    status: str
    currency: str
    cash: Decimal
    is_blocked: bool
    may_short: bool


class AlpacaPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One holding, signed."""

    symbol: str
    asset_id: str
    asset_class: str
    exchange: str
    quantity: Decimal
    average_price: Decimal | None


class AlpacaAsset(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done with a symbol today."""

    asset_id: str
    symbol: str
    asset_class: str
    exchange: str
    status: str
    is_tradable: bool
    is_shortable: bool
    is_fractionable: bool


class AlpacaClock(msgspec.Struct, frozen=True, kw_only=True):
    """The market's hours as Alpaca tells them."""

    at: int
    is_open: bool
    next_open: int
    next_close: int


class AlpacaError(msgspec.Struct, frozen=True):
    """The words of a refusal; `code` is 0 where a gateway spoke."""

    code: int
    message: str


def decode(body: bytes | str) -> Any:
    """JSON with exact numbers. Raises ParseError for anything else, NaN and Infinity included."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise ParseError(f"no JSON: {clean_line(str(error), 80)}") from None


def parse_order(row: Any, *, depth: int = 0) -> AlpacaOrder:
    """An order with its legs."""
    fields = _object(row, "order")
    legs = fields.get("legs")
    rows = legs[:MOST_LEGS] if isinstance(legs, list) and depth == 0 else []
    return AlpacaOrder(
        order_id=_text(fields, "id"),
        client_order_id=_text(fields, "client_order_id", most=256),
        status=_text(fields, "status"),
        symbol=_word(fields, "symbol"),
        side=_word(fields, "side"),
        order_type=_word(fields, "type") or _word(fields, "order_type"),
        order_class=_word(fields, "order_class"),
        time_in_force=_word(fields, "time_in_force"),
        asset_id=_word(fields, "asset_id"),
        asset_class=_word(fields, "asset_class"),
        quantity=number(fields, "qty"),
        notional=number(fields, "notional"),
        filled_quantity=number(fields, "filled_qty") or ZERO,
        limit_price=number(fields, "limit_price"),
        stop_price=number(fields, "stop_price"),
        trail_price=number(fields, "trail_price"),
        trail_percent=number(fields, "trail_percent"),
        is_extended=fields.get("extended_hours") is True,
        replaced_by=_word(fields, "replaced_by"),
        replaces=_word(fields, "replaces"),
        legs=tuple(parse_order(leg, depth=1) for leg in rows),
        **{name: _time(fields, name) for name in _TIMES},
    )


def parse_orders(rows: Any) -> list[AlpacaOrder]:
    """A list of orders: whole, or refused."""
    return [parse_order(row) for row in _list(rows, "orders")]


def parse_update(data: Any) -> AlpacaUpdate:
    """The `data` of a trade_updates frame."""
    fields = _object(data, "update")
    order = parse_order(fields.get("order"))
    at = _time(fields, "timestamp") or _time(fields, "at") or order.updated_at
    return AlpacaUpdate(
        event=_text(fields, "event"),
        order=order,
        at=at,
        execution_id=_word(fields, "execution_id"),
        quantity=number(fields, "qty"),
        price=number(fields, "price"),
        reason=_word(fields, "reason", most=200),
    )


def parse_fills(rows: Any) -> list[AlpacaFill]:
    """The executions among activities; those of other types are passed over."""
    return [_fill(row) for row in _list(rows, "activities") if _is_fill(row)]


def last_token(rows: Any) -> str:
    """The id of a page's last activity, whatever it is: the next page begins behind it."""
    listed = _list(rows, "activities")
    return _text(_object(listed[-1], "activity"), "id", most=128) if listed else ""


def parse_account(row: Any) -> AlpacaAccount:
    """The account."""
    fields = _object(row, "account")
    return AlpacaAccount(
        number=_word(fields, "account_number") or _word(fields, "id"),
        status=_word(fields, "status"),
        currency=_word(fields, "currency") or "USD",
        cash=_needed(fields, "cash"),
        is_blocked=any(fields.get(name) is True for name in ("account_blocked", "trading_blocked")),
        may_short=fields.get("shorting_enabled") is True,
    )


def parse_positions(rows: Any) -> list[AlpacaPosition]:
    """All holdings: whole, or refused."""
    return [_position(_object(row, "position")) for row in _list(rows, "positions")]


def parse_asset(row: Any) -> AlpacaAsset:
    """One asset."""
    fields = _object(row, "asset")
    return AlpacaAsset(
        asset_id=_word(fields, "id"),
        symbol=_text(fields, "symbol"),
        asset_class=_word(fields, "class"),
        exchange=_word(fields, "exchange"),
        status=_word(fields, "status"),
        is_tradable=fields.get("tradable") is True,
        is_shortable=fields.get("shortable") is True,
        is_fractionable=fields.get("fractionable") is True,
    )


def parse_clock(row: Any) -> AlpacaClock:
    """The market clock."""
    fields = _object(row, "clock")
    if not isinstance(fields.get("is_open"), bool):
        raise ParseError("is_open is no truth value")
    return AlpacaClock(
        at=_time(fields, "timestamp") or _fail("timestamp", None),
        is_open=fields["is_open"],
        next_open=_time(fields, "next_open"),
        next_close=_time(fields, "next_close"),
    )


def parse_error(body: bytes) -> AlpacaError | None:
    """The words of a refusal; None when the body is none of Alpaca's."""
    try:
        fields = decode(body)
    except ParseError:
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("message"), str):
        return None
    code = fields.get("code")
    return AlpacaError(code if isinstance(code, int) else 0, clean_line(fields["message"], 200))


def parse_bulk(rows: Any) -> list[tuple[str, int]]:
    """The items of a 207: each order's id and its own status."""
    items = [_object(row, "item") for row in _list(rows, "items")]
    found = []
    for item in items:
        status = item.get("status")
        if not isinstance(status, int):
            raise ParseError("status of an item is no number")
        found.append((_text(item, "id"), status))
    return found


def time_ns(text: str) -> int:
    """RFC 3339 to UTC nanoseconds, all nine digits kept. Raises ParseError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ParseError(f"{clean_line(text, 40)!r} is no time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        raise ParseError(f"{text[:40]!r} is no time") from None
    if hour > 23 or minute > 59 or second > 60:  # noqa: PLR2004 - the clock's own limits
        raise ParseError(f"{text[:40]!r} is no time")
    seconds = days * _DAY_S + hour * 3600 + minute * 60 + second - _offset_s(match[8])
    return seconds * _NS + int((match[7] or "0").ljust(9, "0"))


def stamp(ns: int) -> str:
    """RFC 3339 with nine digits: `time_ns` backwards."""
    seconds, rest = divmod(max(0, ns), _NS)
    days, second = divmod(seconds, _DAY_S)
    hour, second = divmod(second, 3600)
    minute, second = divmod(second, 60)
    return f"{date.fromordinal(days + _EPOCH).isoformat()}T{hour:02}:{minute:02}:{second:02}.{rest:09}Z"


def number(fields: Mapping[str, Any], name: str) -> Decimal | None:
    """A field as an exact number, None when it is null or missing. Raises ParseError for anything else (F35)."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            found = parse_decimal(value, field=name)
        except InvalidValueError:
            _fail(name, value)
    elif isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        found = Decimal(value)
    else:
        _fail(name, value)
    if not found.is_finite() or abs(found) >= LARGEST or _digits(found) > 12:  # noqa: PLR2004 - as `parse_decimal`
        _fail(name, value)
    return found


_TIMES: Final = (
    "submitted_at", "updated_at", "filled_at", "canceled_at", "expired_at", "failed_at", "replaced_at",
)  # fmt: skip


def _fill(row: Any) -> AlpacaFill:
    fields = _object(row, "activity")
    token = _text(fields, "id", most=128)
    return AlpacaFill(
        token=token,
        execution_id=token.rpartition("::")[2],
        order_id=_text(fields, "order_id"),
        symbol=_text(fields, "symbol"),
        side=_text(fields, "side"),
        quantity=_needed(fields, "qty"),
        price=_needed(fields, "price"),
        cumulative=number(fields, "cum_qty"),
        at=_time(fields, "transaction_time") or _fail("transaction_time", None),
    )


def _is_fill(row: Any) -> bool:
    return _object(row, "activity").get("activity_type") == "FILL"


def _position(fields: Mapping[str, Any]) -> AlpacaPosition:
    quantity = abs(_needed(fields, "qty"))
    return AlpacaPosition(
        symbol=_text(fields, "symbol"),
        asset_id=_word(fields, "asset_id"),
        asset_class=_word(fields, "asset_class"),
        exchange=_word(fields, "exchange"),
        quantity=-quantity if fields.get("side") == "short" or str(fields["qty"]).startswith("-") else quantity,
        average_price=number(fields, "avg_entry_price"),
    )


def _offset_s(text: str) -> int:
    if text in ("Z", "z"):
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds


def _time(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if value is None or value == "":
        return 0
    return time_ns(value) if isinstance(value, str) else _fail(name, value)


def _needed(fields: Mapping[str, Any], name: str) -> Decimal:
    found = number(fields, name)
    return _fail(name, None) if found is None else found


def _text(fields: Mapping[str, Any], name: str, most: int = _LONGEST) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > most:
        _fail(name, value)
    return clean_line(value, most)


def _word(fields: Mapping[str, Any], name: str, most: int = _LONGEST) -> str:
    value = fields.get(name)
    return clean_line(value, most) if isinstance(value, str) else ""


def _object(value: Any, what: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _fail(what, value)


def _list(value: Any, what: str) -> list[Any]:
    return value if isinstance(value, list) else _fail(what, value)


def _digits(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 99


def _fail(name: str, value: Any) -> NoReturn:
    raise ParseError(f"{name} is {clean_line(repr(value), 40)}")


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
