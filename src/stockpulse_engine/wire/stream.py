"""The stream between engine and head: one hello, then frames with sequence numbers.

Frames are msgpack maps with defaults omitted. The first frame is a `snapshot` (seq 1), then `delta` frames
follow with seq +1 each; a gap, or a `resync` frame, means: reconnect and take a new snapshot. Quotes, depth,
bars and views are conflated (latest wins, at the head's rate); orders, fills, alerts and news are lossless.
"""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, InstrumentStatus, NewsItem, Quote, Trade
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import (
    AccountView,
    ArmView,
    ClockView,
    HaltView,
    HealthView,
    PositionView,
    StudyPoint,
)
from stockpulse_engine.wire.version import PROTOCOL_VERSION

DEFAULT_TOPICS = ("quotes", "orders", "accounts", "health", "news")
"""What a head follows unless it says otherwise."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """First message of a head. `rate_ms` is its conflation period (10 … 1000), `topics` as in `wire.topics`."""

    head_id: str
    kind: str
    protocol: int = PROTOCOL_VERSION
    rate_ms: int = 33
    topics: tuple[str, ...] = DEFAULT_TOPICS


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, tag="subscribe"):
    """Replace the set of topics; answered by the missing snapshots inside the next delta."""

    topics: tuple[str, ...]


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong"):
    """Answer to a heartbeat: the last seq applied and its tick-to-cell latency for the metrics."""

    seq: int
    tick_to_cell_ns: int = 0


ClientMessage = Hello | Subscribe | Pong


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must see: `level` info, warn, danger."""

    ts_event: int
    level: str
    text: str
    subject: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One wire unit: everything that changed since the frame before."""

    seq: int
    sent_at: int
    """Wall time at encoding."""
    kind: str = "delta"
    """snapshot, delta, heartbeat, resync."""
    instruments: tuple[Instrument, ...] = ()
    quotes: tuple[Quote, ...] = ()
    trades: tuple[Trade, ...] = ()
    depths: tuple[Depth, ...] = ()
    bars: tuple[Bar, ...] = ()
    studies: tuple[StudyPoint, ...] = ()
    statuses: tuple[InstrumentStatus, ...] = ()
    news: tuple[NewsItem, ...] = ()
    """Oldest first."""
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    """Oldest first."""
    positions: tuple[PositionView, ...] = ()
    """Those that changed; quantity 0 says that the position is closed."""
    accounts: tuple[AccountView, ...] = ()
    arms: tuple[ArmView, ...] | None = None
    alerts: tuple[Alert, ...] = ()
    """In a snapshot: the last 20, for those who come late."""
    halt: HaltView | None = None
    clock: ClockView | None = None
    health: HealthView | None = None
    references: dict[str, tuple[str, str, str]] = {}
    """instrument id → (previous close, day low, day high) as decimal text; what chg% is measured against."""
    sparks: dict[str, tuple[float, ...]] = {}
    """instrument id → today's closes at 8 even steps, for drawing only."""
    reason: str = ""
    """Why a resync or a read-only session, in words."""
    is_read_only: bool = False
