"""The ports to history, and the values that cross them.

What a row is
    Bars, quotes, trades and corporate actions of instruments named `SYMBOL.MIC` (`AAPL.XNAS`; a reused ticker's earlier
    company is `FB~1999.XNAS`, see `domain.instruments`). Prices and sizes are int64 in 1e-8 ("e8"), times int64 UTC ns.
    A bar's `ts_event` is its start: the clock inside a session for s, m, h; the session's regular open for d; the open
    of the week's first session for w; midnight UTC for d and w of what trades round the clock.
    A quote bar is a bar series of its own whose source names the side: `oanda/bid`, `oanda/ask`, `oanda/mid`.
What a version is
    `known_at` is the first moment a participant could know the row (a bar's end, a day's close, a correction's
    publication), `recorded_at` the wall time of the commit. The key of a row is
        bars     (instrument_id, spec, source, ts_event)
        ticks    (instrument_id, source, ts_event, seq): `seq` counts, from 0 and in the source's order, the rows of one
                 instrument that share a `ts_event`
        actions  (instrument_id, kind, source, ts_event)
    The same key with other values is a new version, never an overwrite; withdrawing a row is a version as well. A read
    sees the versions with `known_at <= as_of.known_at` and `recorded_at <= as_of.recorded_at`, and of those the newest
    by (known_at, recorded_at). It takes one source and names it.
Who writes
    Anybody, several processes at once (`HistoryWriter`); a call returns when its rows are durable and visible, and the
    same call again adds nothing. Who reads holds nobody up. Every commit moves `generation`; every segment has a `seq`
    that never changes and that a consumer downstream can keep as its cursor.

Calls block: on an event loop, anything but `last_bars` belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
from stockpulse_engine.marketdata.columns import BarColumns, QuoteColumns, TradeColumns

if TYPE_CHECKING:
    import polars as pl

    from stockpulse_engine.marketdata.calendar import Calendar

    Frame = pl.DataFrame
else:
    Frame = Any

__all__ = [
    "ACTIONS",
    "BARS",
    "LATEST",
    "QUOTES",
    "SCHEMAS",
    "TRADES",
    "ActionKind",
    "Adjustment",
    "AsOf",
    "BarColumns",
    "CorporateAction",
    "Coverage",
    "Gap",
    "HistoryReader",
    "HistoryWriter",
    "Query",
    "QuoteColumns",
    "Segment",
    "SeriesInfo",
    "TradeColumns",
    "WriteResult",
]

BARS, QUOTES, TRADES, ACTIONS = "bars", "quotes", "trades", "actions"
"""Names of the tables."""

SCHEMAS: Final[Mapping[str, Mapping[str, str]]] = {
    BARS: {
        "instrument_id": "String",
        "ts_event": "Int64",
        "known_at": "Int64",
        "open_e8": "Int64",
        "high_e8": "Int64",
        "low_e8": "Int64",
        "close_e8": "Int64",
        "volume_e8": "Int64",
    },
    QUOTES: {
        "instrument_id": "String",
        "ts_event": "Int64",
        "known_at": "Int64",
        "seq": "Int64",
        "bid_e8": "Int64?",
        "bid_size_e8": "Int64?",
        "ask_e8": "Int64?",
        "ask_size_e8": "Int64?",
        "exchange": "String",
        "conditions": "String",
        "flags": "Int64",
    },
    TRADES: {
        "instrument_id": "String",
        "ts_event": "Int64",
        "known_at": "Int64",
        "seq": "Int64",
        "price_e8": "Int64",
        "size_e8": "Int64",
        "exchange": "String",
        "conditions": "String",
        "flags": "Int64",
    },
    ACTIONS: {
        "instrument_id": "String",
        "ts_event": "Int64",
        "known_at": "Int64",
        "kind": "String",
        "numerator": "Int64",
        "denominator": "Int64",
        "amount_e8": "Int64",
        "currency": "String",
        "reference_e8": "Int64",
        "other_id": "String",
        "note": "String",
    },
}
"""Columns (and their polars types; `?` may be null) of the frame a writer takes, in the order of the stored file.

Two optional columns: `published_at` (Int64?, when the source itself published this version; becomes `known_at` when it
is later) and `is_retracted` (Boolean, the row is withdrawn; its values do not matter). Ticks may leave out `seq` when
no batch ends between rows of one `ts_event`; the writer counts then. Quotes and trades may leave out `exchange`,
`conditions` and `flags`. A key may occur once in a frame. The order of rows does not matter, except for that count.

What becomes `known_at`: the first version of a row takes the frame's; a correction its `published_at`, else the moment
of its commit. So a first import of old data keeps its natural times, and nothing is known before it was.

A stored Parquet file has these columns and then `recorded_at` (Int64) and `is_retracted` (Boolean), sorted by
(instrument_id, ts_event[, seq], known_at). Table, spec, source and import are in its metadata and in `Segment`.
"""


class AsOf(msgspec.Struct, frozen=True):
    """The point in time a read stands at; None means no bound."""

    known_at: int | None = None
    """Market time: nothing that could be known only later is returned."""
    recorded_at: int | None = None
    """Wall time: nothing that we stored only later is returned."""


LATEST = AsOf()
"""Everything held now."""


class WriteResult(msgspec.Struct, frozen=True):
    """What became of the rows of one call: `added` + `unchanged` + `corrected` are all of them."""

    added: int
    unchanged: int
    corrected: int
    """New versions of rows that were held with other values, retractions included."""
    segment_seq: int
    """Sequence number of the last segment written; 0 when nothing was."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable Parquet file.

    `seq` orders segments by commit and is what a consumer keeps as its cursor. Small segments are merged later; the
    merged one takes the highest `seq` of its parts, so a cursor never misses and at most repeats rows, which their key
    and `recorded_at` tell. A merged part's file stays for an hour, then a reader that is slower asks again.
    """

    seq: int
    segment_id: str
    table: str
    spec: str
    """A bar length like `1m`; "" for other tables."""
    source: str
    path: str
    """Absolute."""
    rows: int
    first_ts: int
    last_ts: int
    min_known_at: int
    max_known_at: int
    min_recorded_at: int
    max_recorded_at: int
    import_id: str
    has_versions: bool
    """Whether it holds corrections or retractions. Where no segment of a source does, every row is its only version."""
    sha256: str
    bytes: int


class SeriesInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one instrument in one table, length and source."""

    instrument_id: str
    table: str
    spec: str
    source: str
    rows: int
    """Versions stored, those in the live tail excluded."""
    corrections: int
    """How many of them are corrections or retractions."""
    first_ts: int
    last_ts: int
    last_seq: int
    """The last segment that touched it."""
    tier: str = "here"
    """Where it lies: `here`, `server`, or `here+server`."""


class Gap(msgspec.Struct, frozen=True):
    """Bars the calendar expects and that are not held: starts from `start_ns` up to and including `last_ns`."""

    start_ns: int
    last_ns: int
    missing: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one bar series, and what is missing inside it."""

    series: SeriesInfo
    bars: int
    """Bars a read of everything returns."""
    gaps: tuple[Gap, ...]
    """Oldest first. Intraday: whole sessions, or at least `quiet` bars in a row inside regular hours."""
    missing: int
    """Bars missing in all gaps together."""
    calendar: str
    """Whose sessions were expected; "" when no calendar is known for the venue, and then there are no gaps."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk read: one table, one length, one source, any instruments, resolved to one version per row."""

    table: str
    spec: BarSpec | None = None
    source: str = ""
    instrument_ids: tuple[str, ...] = ()
    """Empty: all."""
    start_ns: int | None = None
    end_ns: int | None = None
    """Exclusive."""
    as_of: AsOf = LATEST


class HistoryReader(Protocol):
    """Reads. `source` "" lets the settings' priority choose among the sources that hold something asked for.

    The live tail is seen by every read but `segments`, `series` and `frame`. Unknown instruments give empty answers.
    """

    @property
    def generation(self) -> int:
        """Number of commits so far; equal numbers mean equal segments."""
        ...

    def bars(
        self,
        instrument_id: str,
        spec: BarSpec,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        as_of: AsOf = LATEST,
        adjustment: Adjustment = Adjustment.RAW,
        source: str = "",
    ) -> BarColumns:
        """Bars with start_ns <= ts_event < end_ns, the last `limit` of them."""
        ...

    def last_bars(
        self,
        instrument_ids: Sequence[str],
        spec: BarSpec,
        limit: int,
        *,
        as_of: AsOf = LATEST,
        adjustment: Adjustment = Adjustment.RAW,
        source: str = "",
    ) -> dict[str, BarColumns]:
        """The last `limit` bars of each instrument, from the hot tier where it holds them."""
        ...

    def quotes(
        self,
        instrument_id: str,
        *,
        start_ns: int,
        end_ns: int,
        limit: int | None = None,
        as_of: AsOf = LATEST,
        source: str = "",
    ) -> QuoteColumns:
        """Quotes with start_ns <= ts_event < end_ns, the last `limit` of them."""
        ...

    def trades(
        self,
        instrument_id: str,
        *,
        start_ns: int,
        end_ns: int,
        limit: int | None = None,
        as_of: AsOf = LATEST,
        source: str = "",
    ) -> TradeColumns:
        """Prints with start_ns <= ts_event < end_ns, the last `limit` of them."""
        ...

    def actions(
        self, instrument_id: str = "", *, as_of: AsOf = LATEST, source: str = ""
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions by ts_event, of all instruments when none is named."""
        ...

    def frame(self, query: Query) -> Frame:
        """A bulk read as a polars frame with the columns of a stored file, sorted like one."""
        ...

    def series(
        self, instrument_id: str = "", *, table: str = "", spec: BarSpec | None = None
    ) -> tuple[SeriesInfo, ...]:
        """What is held, from the catalog alone; filters that are empty match everything."""
        ...

    def coverage(
        self,
        instrument_id: str,
        spec: BarSpec,
        *,
        calendar: Calendar | None = None,
        source: str = "",
        as_of: AsOf = LATEST,
        quiet: int = 15,
    ) -> tuple[Coverage, ...]:
        """What is held and missing, one entry per source (or of `source`); by the venue's calendar if none is given."""
        ...

    def segments(self, after_seq: int = 0, *, table: str = "", limit: int = 1000) -> tuple[Segment, ...]:
        """Segments with a higher `seq`, in its order: for cursors downstream and for views over the files."""
        ...


class HistoryWriter(Protocol):
    """Writes. Every call is one commit: all of its rows are visible afterwards, or none.

    Frames are as in SCHEMAS. `source` is lower case, like `yahoo`, `lean`, `oanda/mid`, `sim:7`; `import_id` is kept
    with the segment. Raises InvalidValueError (naming column and row) for a frame that is not as agreed,
    UnavailableError when the disk or the catalog can not be written.
    """

    def write_bars(self, frame: Frame, *, spec: BarSpec, source: str, import_id: str = "") -> WriteResult:
        """Store bars of one length."""
        ...

    def write_quotes(self, frame: Frame, *, source: str, import_id: str = "") -> WriteResult:
        """Store quotes."""
        ...

    def write_trades(self, frame: Frame, *, source: str, import_id: str = "") -> WriteResult:
        """Store public prints."""
        ...

    def write_actions(self, actions: Sequence[CorporateAction], *, import_id: str = "") -> WriteResult:
        """Store corporate actions; each carries its own source."""
        ...
