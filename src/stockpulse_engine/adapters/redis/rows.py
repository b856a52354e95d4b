"""What the mirror's entries hold: plain fields that `redis-cli` shows, and the whole value as msgpack in `data`."""

from __future__ import annotations

import msgspec
from redis.typing import EncodableT, FieldT

from stockpulse_engine.bus.topics import AlertRaised, OrderChanged
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote

Fields = dict[FieldT, EncodableT]
_pack = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


def order_fields(change: OrderChanged) -> Fields:
    """One order event; `data` is the very payload that the journal holds under `seq`."""
    order, event = change.order, change.event
    terms = order.terms
    return {
        "seq": change.seq,
        "kind": event.kind.value,
        "client_order_id": order.client_order_id,
        "account_id": terms.account_id,
        "instrument_id": terms.instrument_id,
        "side": terms.side.value,
        "quantity": str(terms.quantity),
        "filled_quantity": str(order.filled_quantity),
        "status": order.status.value,
        "is_unknown": int(order.is_unknown),
        "ts_event": event.ts_event,
        "recorded_at": event.recorded_at,
        "data": _pack(event),
    }


def fill_fields(fill: Fill, seq: int) -> Fields:
    """One execution that was posted; `seq` is the journal's."""
    return {
        "seq": seq,
        "fill_id": fill.fill_id,
        "client_order_id": fill.client_order_id,
        "account_id": fill.account_id,
        "instrument_id": fill.instrument_id,
        "sign": fill.sign,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "fee": str(fill.fee),
        "currency": fill.currency,
        "ts_event": fill.ts_event,
        "data": _pack(fill),
    }


def alert_fields(alert: AlertRaised) -> Fields:
    """One alert."""
    return {
        "ts_event": alert.ts_event,
        "level": alert.level,
        "subject": alert.subject,
        "text": alert.text,
        "data": _pack(alert),
    }


def quote_json(quote: Quote) -> bytes:
    """The newest quote of an instrument as a JSON object; prices are texts, so that none is rounded."""
    return _json(msgspec.structs.asdict(quote))


def quotes_data(quotes: tuple[Quote, ...]) -> bytes:
    """All quotes of a batch as one msgpack array."""
    return _pack(quotes)
