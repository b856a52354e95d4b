"""Implements `marketdata.history.HistoryReader` over the hot tier, the segments and the live tail.

A read takes one snapshot of the catalog, chooses a source, and asks the hot tier first. What that does not hold comes
from segments and tail together, and leaves a hot file behind for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import Adjustment, CorporateAction
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.columns import BarColumns, QuoteColumns, TradeColumns
from stockpulse_engine.marketdata.history import (
    BARS,
    LATEST,
    QUOTES,
    TRADES,
    AsOf,
    Coverage,
    Query,
    Segment,
    SeriesInfo,
)
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.storage.history.action_rows import standing_actions
from stockpulse_engine.storage.history.barreads import BarReads
from stockpulse_engine.storage.history.catalog import Catalog, Run
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.rows import Columns, Stock, Window, empty_columns, read_rows
from stockpulse_engine.storage.history.segmentgone import SegmentGoneError
from stockpulse_engine.storage.history.sources import by_priority

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
MAX_ATTEMPTS: Final = 5
"""Times a read starts again because a file was merged away under it."""
DAILY: Final = BarSpec(1, "d")


class TickSource(NamedTuple):
    """What is held of one source's ticks."""

    source: str
    runs: tuple[Run, ...]
    tail: Columns | None


class StoreReader:
    """Reads of one history directory. Threads take turns for a moment at the catalog only."""

    def __init__(self, layout: Layout, clock: Clock, priority: Sequence[str] = ()) -> None:
        self._layout = layout
        self._clock = clock
        self._priority = tuple(priority)
        self._catalog = Catalog(layout.root)
        self._bars = BarReads(layout, self._catalog, self._priority)

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    @property
    def generation(self) -> int:
        """Number of commits so far."""
        with self._catalog.snapshot() as generation:
            return generation

    # --- bars ---------------------------------------------------------------------------------------------

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
        window = Window(start_ns, end_ns, limit, as_of)
        found = _persistently(lambda: self._bars.read([instrument_id], spec, window, source))
        return self._adjusted(found[instrument_id], adjustment, as_of)

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
        window = Window(limit=limit, as_of=as_of)
        found = _persistently(lambda: self._bars.read(instrument_ids, spec, window, source))
        if adjustment is Adjustment.RAW:
            return found
        return {name: self._adjusted(bars, adjustment, as_of) for name, bars in found.items()}

    def _adjusted(self, bars: BarColumns, adjustment: Adjustment, as_of: AsOf) -> BarColumns:
        """Adjusted for what had come into effect by the read's own time, as it was known then."""
        if adjustment is Adjustment.RAW or not len(bars):
            return bars
        from stockpulse_engine.storage.history.adjust import adjusted

        until = self._clock.now_ns() if as_of.known_at is None else as_of.known_at
        actions = [one for one in self._actions_for(bars, as_of) if one.ts_event <= until]
        return adjusted(bars, actions, adjustment, lambda ns: self._close_before(bars, ns, as_of))

    def _actions_for(self, bars: BarColumns, as_of: AsOf) -> Sequence[CorporateAction]:
        """Actions of the bars' own source where it has any, else of the best that has."""
        found = self.actions(bars.instrument_id, as_of=as_of, source=bars.source)
        return found or self.actions(bars.instrument_id, as_of=as_of)

    def _close_before(self, bars: BarColumns, ns: int, as_of: AsOf) -> int | None:
        for source in (bars.source, ""):
            daily = self.bars(bars.instrument_id, DAILY, end_ns=ns, limit=1, as_of=as_of, source=source)
            if len(daily):
                return int(daily.close[-1])
        return None

    # --- ticks --------------------------------------------------------------------------------------------

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
        window = Window(start_ns, end_ns, limit, as_of)
        name, rows = _persistently(lambda: self._ticks(QUOTES, instrument_id, window, source))
        values = {key: rows[f"{key}_e8"] for key in ("bid", "bid_size", "ask", "ask_size")}
        return QuoteColumns(instrument_id=instrument_id, source=name, **values, **_tick_rest(rows))

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
        window = Window(start_ns, end_ns, limit, as_of)
        name, rows = _persistently(lambda: self._ticks(TRADES, instrument_id, window, source))
        values = {key: rows[f"{key}_e8"] for key in ("price", "size")}
        return TradeColumns(instrument_id=instrument_id, source=name, **values, **_tick_rest(rows))

    def _ticks(self, table: str, instrument_id: str, window: Window, source: str) -> tuple[str, Columns]:
        for held in by_priority(self._tick_sources(table, instrument_id, window), self._priority, source):
            rows = read_rows(Stock(self._layout.root, table, held.runs, held.tail), window)
            if len(rows["ts_event"]):
                return held.source, rows
        return "", empty_columns(table)

    def _tick_sources(self, table: str, instrument_id: str, window: Window) -> list[TickSource]:
        assert window.start is not None
        assert window.end is not None
        with self._catalog.snapshot():
            series = [one for one in self._catalog.series_of(instrument_id) if one.table == table]
            runs = {one.source: self._catalog.runs_of(one.number) for one in series}
            tails = self._catalog.tails()
        live: dict[str, Columns] = {}
        if any(tail.name.startswith(table) for tail in tails):
            live = self._bars.tail.ticks(tails, table, instrument_id, (window.start, window.end))
        names = [*runs, *(name for name in live if name not in runs)]
        return [TickSource(name, runs.get(name, ()), live.get(name)) for name in names]

    # --- everything else ----------------------------------------------------------------------------------

    def actions(
        self, instrument_id: str = "", *, as_of: AsOf = LATEST, source: str = ""
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions by ts_event, of all instruments when none is named; one source per instrument."""
        with self._catalog.snapshot():
            payloads = self._catalog.actions(instrument_id) if instrument_id else self._catalog.all_actions()
        standing = standing_actions(payloads, as_of, source)
        best: dict[str, str] = {}
        for action in by_priority(standing, self._priority, source):
            best.setdefault(action.instrument_id, action.source)
        return tuple(action for action in standing if action.source == best[action.instrument_id])

    def frame(self, query: Query) -> pl.DataFrame:
        """A bulk read as a polars frame with the columns of a stored file, sorted like one."""
        from stockpulse_engine.storage.history.bulk import read_frame

        return _persistently(lambda: read_frame(self._layout.root, self._catalog, query, self._priority))

    def series(
        self, instrument_id: str = "", *, table: str = "", spec: BarSpec | None = None
    ) -> tuple[SeriesInfo, ...]:
        """What is held, from the catalog alone; filters that are empty match everything."""
        found = self._catalog.list_series(instrument_id, table, str(spec) if spec is not None else "")
        return tuple(one.info() for one in found)

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
        from stockpulse_engine.storage.history.coverage import coverages

        listed = by_priority(self.series(instrument_id, table=BARS, spec=spec), self._priority, source)
        return coverages(self, listed, spec, calendar or calendar_of(instrument_id), (as_of, quiet))

    def segments(self, after_seq: int = 0, *, table: str = "", limit: int = 1000) -> tuple[Segment, ...]:
        """Segments with a higher `seq`, in its order."""
        return self._catalog.segments(after_seq, table, limit)


def _persistently(read: Callable[[], T]) -> T:
    """Read again when a file was merged away between the catalog's answer and the look at it."""
    for _ in range(MAX_ATTEMPTS):
        try:
            return read()
        except SegmentGoneError:
            continue
    raise UnavailableError("The history changes faster than it can be read.", fix="Try again in a moment.")


def _tick_rest(rows: Columns) -> dict[str, Any]:
    return {
        name: rows[name] for name in ("ts_event", "known_at", "recorded_at", "seq", "exchange", "conditions", "flags")
    }
