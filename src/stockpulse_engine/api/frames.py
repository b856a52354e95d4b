"""Frames as bytes: each value is encoded once for a moment, and shared by all heads that want it.

A frame is a msgpack map. Its body (what changed) is the same for every head with the same topics; only `seq` and
`sent_at` differ, so the body's bytes are made once and each head's own fields are put in front of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stockpulse_engine.api.pending import Pending
from stockpulse_engine.wire.codec import encode_packed

Topics = frozenset[str]

_FIXED = 16
_SHORT = 1 << 16


@dataclass(frozen=True, slots=True)
class Body:
    """Entries of a msgpack map without its header."""

    entries: int
    data: bytes

    def __bool__(self) -> bool:
        return self.entries > 0


EMPTY = Body(0, b"")


def seal(body: Body, *, seq: int, sent_at: int, **own: object) -> bytes:
    """The whole frame for one head: its own fields in front of the shared body."""
    fields: dict[str, object] = {"seq": seq, "sent_at": sent_at, **own}
    parts = [_map_header(len(fields) + body.entries)]
    for name, value in fields.items():
        parts += (encode_packed(name), encode_packed(value))
    parts.append(body.data)
    return b"".join(parts)


class FrameMaker:
    """Encodes one moment's `Pending` for any number of topic sets."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._items: dict[int, bytes] = {}
        self._fields: dict[str, bytes] = {}
        self._bodies: dict[Topics, Body] = {}
        self.encoded = 0
        """Bodies made; heads with equal topics share one."""

    def body(self, topics: Topics) -> Body:
        """The body for a set of topics, made at the first call and the same object after."""
        made = self._bodies.get(topics)
        if made is None:
            self.encoded += 1
            made = self._bodies[topics] = self._make(topics)
        return made

    def _make(self, topics: Topics) -> Body:
        parts: list[bytes] = []
        for name, select in _SELECTORS:
            values = select(self._pending, topics)
            if values is not None:
                parts.append(
                    self._field(name, values, is_shared=name in _WHOLE or (name in _BY_QUOTES and "quotes" in topics))
                )
        return Body(len(parts), b"".join(parts)) if parts else EMPTY

    def _field(self, name: str, values: Any, *, is_shared: bool) -> bytes:
        """Key and value of one field. Shared ones depend on no per-instrument topic and are made once."""
        if is_shared and name in self._fields:
            return self._fields[name]
        if isinstance(values, list):
            encoded = _array_header(len(values)) + b"".join(map(self._item, values))
        else:
            encoded = encode_packed(values)
        made = encode_packed(name) + encoded
        if is_shared:
            self._fields[name] = made
        return made

    def _item(self, value: object) -> bytes:
        key = id(value)  # every value is held by the pending changes for as long as this maker lives
        made = self._items.get(key)
        if made is None:
            made = self._items[key] = encode_packed(value)
        return made


def _quotes_of(name: str) -> Callable[[Pending, Topics], Any]:
    """Values keyed by instrument that go with `quotes` (all) or `quote:ID`."""

    def select(pending: Pending, topics: Topics) -> Any:
        values: Mapping[str, Any] = getattr(pending, name)
        if not values:
            return None
        if "quotes" not in topics:
            values = {key: values[key] for key in _instruments(topics, "quote:") if key in values}
        return (dict(values) if name in _MAPS else list(values.values())) or None

    return select


def _of_topic(name: str, topic: str) -> Callable[[Pending, Topics], Any]:
    def select(pending: Pending, topics: Topics) -> Any:
        values = getattr(pending, name)
        if topic not in topics or not values:
            return None
        return list(values.values()) if isinstance(values, dict) else list(values)

    return select


def _depths(pending: Pending, topics: Topics) -> Any:
    if not pending.depths:
        return None
    return [pending.depths[key] for key in _instruments(topics, "depth:") if key in pending.depths] or None


def _trades(pending: Pending, topics: Topics) -> Any:
    if not pending.trades:
        return None
    wanted = _instruments(topics, "trades:")
    return [trade for key in wanted for trade in pending.trades.get(key, ())] or None


def _bars(pending: Pending, topics: Topics) -> Any:
    return [bar for (topic, _), bar in pending.bars.items() if topic in topics] or None


def _studies(pending: Pending, topics: Topics) -> Any:
    return [point for (topic, _), point in pending.studies.items() if topic in topics] or None


def _single(name: str, topic: str = "") -> Callable[[Pending, Topics], Any]:
    def select(pending: Pending, topics: Topics) -> Any:
        return getattr(pending, name) if not topic or topic in topics else None

    return select


def _always(name: str) -> Callable[[Pending, Topics], Any]:
    def select(pending: Pending, _: Topics) -> Any:
        values = getattr(pending, name)
        return (list(values.values()) if isinstance(values, dict) else list(values)) or None

    return select


def _instruments(topics: Topics, prefix: str) -> Iterable[str]:
    return (topic[len(prefix) :] for topic in topics if topic.startswith(prefix))


_SELECTORS: tuple[tuple[str, Callable[[Pending, Topics], Any]], ...] = (
    ("instruments", _always("instruments")),
    ("quotes", _quotes_of("quotes")),
    ("trades", _trades),
    ("depths", _depths),
    ("bars", _bars),
    ("studies", _studies),
    ("statuses", _quotes_of("statuses")),
    ("news", _of_topic("news", "news")),
    ("orders", _of_topic("orders", "orders")),
    ("fills", _of_topic("fills", "orders")),
    ("positions", _of_topic("positions", "accounts")),
    ("accounts", _of_topic("accounts", "accounts")),
    ("arms", _single("arms")),
    ("alerts", _always("alerts")),
    ("halt", _single("halt")),
    ("clock", _single("clock")),
    ("health", _single("health", "health")),
    ("references", _quotes_of("references")),
    ("sparks", _quotes_of("sparks")),
)
_MAPS = ("references", "sparks")
_WHOLE = frozenset(
    {"instruments", "news", "orders", "fills", "positions", "accounts", "arms", "alerts", "halt", "clock", "health"}
)
"""Fields that are the same for every head that gets them at all."""
_BY_QUOTES = frozenset({"quotes", "statuses", "references", "sparks"})
"""Fields that are the same for every head that takes all quotes."""


def _map_header(count: int) -> bytes:
    return bytes((0x80 | count,)) if count < _FIXED else b"\xde" + count.to_bytes(2, "big")


def _array_header(count: int) -> bytes:
    if count < _FIXED:
        return bytes((0x90 | count,))
    if count < _SHORT:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")
