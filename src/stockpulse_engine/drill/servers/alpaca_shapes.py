"""The JSON of Alpaca's trading API, made from the simulated broker's values.

Field names, types and spellings follow the recordings and the published schemas; the frames of a replaced, rejected,
restated or busted order have no recording and are synthetic.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.orders import OrderType, SessionHours, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Execution, Holding, NewsKind

_NS: Final = 1_000_000_000
_SPACE: Final = uuid.UUID("904837e3-3b76-47ec-b432-046db621571b")
EXCHANGES: Final = {"XNAS": "NASDAQ", "XNYS": "NYSE", "XASE": "AMEX", "ARCX": "ARCA", "BATS": "BATS", "OOTC": "OTC"}
STATUSES: Final = {
    o.HELD: "held",
    o.ACCEPTED: "new",
    o.TRIGGERED: "new",
    o.PARTIALLY_FILLED: "partially_filled",
    o.FILLED: "filled",
    o.CANCELED: "canceled",
    o.EXPIRED: "expired",
    o.REJECTED: "rejected",
    o.REPLACED: "replaced",
}
TYPES: Final = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
    "trailing_stop": OrderType.TRAILING_STOP,
}
TIMES: Final = {
    "day": TimeInForce.DAY,
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "opg": TimeInForce.AT_THE_OPEN,
    "cls": TimeInForce.AT_THE_CLOSE,
}
_TYPE_WORDS: Final = {each: word for word, each in TYPES.items()}
_TIME_WORDS: Final = {each: word for word, each in TIMES.items()}
EVENTS: Final = {
    NewsKind.ACCEPT: "new",
    NewsKind.CANCEL: "canceled",
    NewsKind.EXPIRE: "expired",
    NewsKind.BUST: "trade_bust",
    NewsKind.CORRECT: "trade_correct",
}
"""News → event; fills, changes and strange words are told apart by hand."""


def uuid_of(name: str) -> str:
    """The UUID under which the outside knows one of the venue's ids."""
    return str(uuid.uuid5(_SPACE, name))


def text(value: Decimal | None) -> str | None:
    """A number as Alpaca sends it in trading: a string."""
    return None if value is None else format(value.normalize() + 0, "f")


def stamp(ns: int, *, digits: int = 9) -> str:
    """RFC 3339 with so many digits of the second."""
    seconds, rest = divmod(ns, _NS)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{f'{rest:09}'[:digits]}Z"


def local_stamp(ns: int) -> str:
    """The same moment as written in New York's summer: some fields are recorded so."""
    return stamp(ns - 4 * 3600 * _NS).replace("Z", "-04:00")


def symbol_of(instrument: Instrument) -> str:
    """What Alpaca calls it."""
    return instrument.symbol.replace("-", "/") if instrument.asset_class is AssetClass.CRYPTO else instrument.symbol


def class_of(instrument: Instrument) -> str:
    """Its asset class there."""
    return "crypto" if instrument.asset_class is AssetClass.CRYPTO else "us_equity"


def asset_json(instrument: Instrument) -> dict[str, Any]:
    """An asset."""
    return {
        "id": uuid_of(instrument.instrument_id),
        "class": class_of(instrument),
        "exchange": EXCHANGES.get(instrument.venue, "CRYPTO"),
        "symbol": symbol_of(instrument),
        "name": instrument.name,
        "status": "active",
        "tradable": True,
        "marginable": True,
        "shortable": instrument.shortable,
        "easy_to_borrow": instrument.shortable,
        "fractionable": instrument.lot_size < 1,
        "attributes": [],
    }


def order_json(
    order: DrillOrder, instrument: Instrument, family: Sequence[DrillOrder] = (), *, is_nested: bool = False
) -> dict[str, Any]:
    """An order; with `is_nested` the legs of its family hang on its first."""
    kind = _TYPE_WORDS[order.order_type]
    legs = [one for one in family if one.is_leg and one is not family[0]] if is_nested else []
    ended = {
        "filled_at": order.filled_ns if order.status == o.FILLED else 0,
        "expired_at": order.changed_ns if order.status == o.EXPIRED else 0,
        "canceled_at": order.changed_ns if order.status == o.CANCELED else 0,
        "failed_at": order.changed_ns if order.status == o.REJECTED else 0,
        "replaced_at": order.changed_ns if order.status == o.REPLACED else 0,
    }
    percent = order.trail_percent
    return {
        "id": uuid_of(order.venue_order_id),
        "client_order_id": order.client_order_id,
        "created_at": local_stamp(order.received_ns),
        "updated_at": stamp(order.changed_ns),
        "submitted_at": local_stamp(order.received_ns),
        **{name: stamp(at) if at else None for name, at in ended.items()},
        "replaced_by": uuid_of(order.replaced_by) if order.replaced_by else None,
        "replaces": uuid_of(order.replaces) if order.replaces else None,
        "asset_id": uuid_of(order.instrument_id),
        "symbol": symbol_of(instrument),
        "asset_class": class_of(instrument),
        "notional": None,
        "qty": text(order.quantity),
        "filled_qty": text(order.filled),
        "filled_avg_price": text(order.average),
        "order_class": group_of(family) if len(family) > 1 else "",
        "order_type": kind,
        "type": kind,
        "side": order.side.value.lower(),
        "time_in_force": _TIME_WORDS[order.time_in_force],
        "limit_price": text(order.limit_price),
        "stop_price": text(order.stop_price),
        "status": STATUSES[order.status],
        "extended_hours": order.session is SessionHours.EXTENDED,
        "legs": [order_json(one, instrument, family) for one in legs] or None,
        "trail_percent": text(percent),
        "trail_price": text(order.trail),
        "hwm": None,
        "subtag": None,
        "source": None,
    }


def group_of(family: Sequence[DrillOrder]) -> str:
    """The class of a group."""
    if family[0].is_leg:
        return "oco"
    return "bracket" if len(family) > 2 else "oto"  # noqa: PLR2004 - an entry with one exit, or with both


def update_json(event: str, order: dict[str, Any], at: int, **more: Any) -> dict[str, Any]:
    """A frame of trade_updates."""
    return {
        "stream": "trade_updates",
        "data": {"event": event, "order": order, "timestamp": stamp(at), "at": stamp(at, digits=6), **more},
    }


def fill_fields(execution: Execution, held: Decimal) -> dict[str, Any]:
    """What a fill adds to its frame: this execution alone, and the position after it."""
    return {
        "execution_id": uuid_of(execution.execution_id),
        "qty": text(execution.quantity),
        "price": text(execution.price),
        "position_qty": text(held),
    }


def activity_id(execution: Execution) -> str:
    """Time to the millisecond and the execution: sorts by time, pages from one to the next."""
    digits = stamp(execution.ts_ns, digits=3)
    return f"{''.join(each for each in digits if each.isdigit())}::{uuid_of(execution.execution_id)}"


def activity_json(execution: Execution, order: DrillOrder, total: Decimal, symbol: str) -> dict[str, Any]:
    """An execution in the list of activities; `total` is what the order had executed after it."""
    left = max(Decimal(0), order.quantity - total)
    return {
        "id": activity_id(execution),
        "activity_type": "FILL",
        "transaction_time": stamp(execution.ts_ns, digits=6),
        "type": "partial_fill" if left else "fill",
        "price": text(execution.price),
        "qty": text(execution.quantity),
        "side": execution.side.value.lower(),
        "symbol": symbol,
        "leaves_qty": text(left),
        "order_id": uuid_of(execution.venue_order_id),
        "cum_qty": text(total),
        "order_status": "partially_filled" if left else "filled",
    }


def position_json(held: Holding, instrument: Instrument, price: Decimal) -> dict[str, Any]:
    """A holding. Crypto is spelt without its slash here, as recorded."""
    return {
        "asset_id": uuid_of(instrument.instrument_id),
        "symbol": symbol_of(instrument).replace("/", ""),
        "exchange": EXCHANGES.get(instrument.venue, "CRYPTO"),
        "asset_class": class_of(instrument),
        "asset_marginable": True,
        "avg_entry_price": text(held.cost),
        "qty": text(held.quantity),
        "qty_available": text(held.quantity),
        "side": "long" if held.quantity > 0 else "short",
        "market_value": text(held.quantity * price),
        "cost_basis": text(held.quantity * held.cost),
        "unrealized_pl": text(held.quantity * (price - held.cost)),
        "current_price": text(price),
    }


def account_json(number: str, cash: Decimal, equity: Decimal, buying_power: Decimal) -> dict[str, Any]:
    """The account."""
    return {
        "id": uuid_of(number),
        "account_number": number,
        "status": "ACTIVE",
        "currency": "USD",
        "cash": text(cash),
        "buying_power": text(buying_power),
        "equity": text(equity),
        "portfolio_value": text(equity),
        "multiplier": "2",
        "pattern_day_trader": False,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "shorting_enabled": True,
        "accrued_fees": "0",
    }
