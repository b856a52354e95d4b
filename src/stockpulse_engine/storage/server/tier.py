"""Stored history with the server below it: what is here answers, and what is not here is brought from there.

A home may hold a part only: ticks were dropped by age, or the machine is new. Where the server's copy reaches further
than what is here, a read asks it for those stretches alone and puts both together; everything else never leaves the
machine. A server that is away costs nothing but the rows: the answer says what is missing, and why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import Adjustment, CorporateAction
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.columns import BarColumns, QuoteColumns, TradeColumns
from stockpulse_engine.marketdata.history import (
    ACTIONS,
    BARS,
    LATEST,
    QUOTES,
    TRADES,
    AsOf,
    Coverage,
    HistoryReader,
    Query,
    Segment,
    SeriesInfo,
)
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.storage.history.adjust import adjusted
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.joining import (
    Stretch,
    TicksT,
    here_of,
    joined_actions,
    joined_bars,
    joined_series,
    joined_ticks,
    missing,
    reaches_further,
    silences,
)
from stockpulse_engine.storage.server.line import ServerLine

if TYPE_CHECKING:
    import polars as pl

DAILY: Final = BarSpec(1, "d")
QUIET_NS: Final = 3600 * 1_000_000_000
"""For how long a silence that the server has nothing for either is not asked about again."""
MAX_QUIET: Final = 10_000
MAX_SAID: Final = 3
"""Stretches that one answer says it lacks."""


class _Source(NamedTuple):
    """One source of something, here and there."""

    source: str
    here: SeriesInfo | None
    there: SeriesInfo | None


class _Known(NamedTuple):
    """What the server has beyond this home, as of a generation of both."""

    generation: int
    further: dict[str, tuple[SeriesInfo, ...]]


class TieredReader:
    """Implements `marketdata.history.HistoryReader`; segments are those of the embedded store."""

    def __init__(
        self, local: HistoryReader, line: ServerLine, owner: str, clock: Clock, priority: Sequence[str] = ()
    ) -> None:
        """`owner` is the name under which this home's own copy lies on a server: another's may hold anything."""
        self._local = local
        self._owner = owner
        self._line = line
        self._clock = clock
        self._priority = tuple(priority)
        self._known = _Known(-1, {})
        self._quiet: dict[tuple[object, ...], int] = {}
        self._lock = threading.Lock()

    @property
    def generation(self) -> int:
        """Changes with every commit here and with every change seen there."""
        return self._local.generation + (self._line.spans().version << 40)

    def notes(self) -> tuple[str, ...]:
        """What a reader of any answer should know: that the server is not heard, and since what is shown is less."""
        problem = self._line.problem
        if not problem:
            return ()
        count = sum(len(series) for series in self._further().values())
        more = f" {count:,} series reach further there." if count else ""
        return (f"Shown is what lies in this home; the server does not answer: {problem}.{more}",)

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
        window: dict[str, Any] = {"start_ns": start_ns, "end_ns": end_ns, "limit": limit, "as_of": as_of}
        if not _concerns_bars(self._further().get(instrument_id, ()), spec, adjustment):
            found = self._local.bars(instrument_id, spec, adjustment=adjustment, source=source, **window)
            is_known = not self._line.problem or self._line.spans().version > 0
            return found if is_known else msgspec.structs.replace(found, warnings=(*found.warnings, *self.notes()))
        here = self._local.bars(instrument_id, spec, source=source, **window)
        best = here
        for one in self._sources(instrument_id, BARS, str(spec), source or here.source, wanted=source):
            best = self._bars_of(instrument_id, spec, one, window)
            if len(best):
                break
        return self._adjusted(best, adjustment, as_of)

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
        """The last `limit` bars of each instrument; those of which nothing is here come in one answer."""
        asked: dict[str, Any] = {"as_of": as_of, "adjustment": adjustment, "source": source}
        found = self._local.last_bars(instrument_ids, spec, limit, **asked)
        further = self._further()
        concerned = [name for name in instrument_ids if _concerns_bars(further.get(name, ()), spec, adjustment)]
        bare = [name for name in concerned if not len(found[name]) and not self._local.series(name)]
        if bare:
            found |= self._line.ask(lambda server: server.last_bars(bare, spec, limit, **asked)) or {}
        for name in concerned:
            if name not in bare:
                found[name] = self.bars(name, spec, limit=limit, **asked)
        return found

    def _bars_of(self, instrument_id: str, spec: BarSpec, one: _Source, window: dict[str, Any]) -> BarColumns:
        start, end, limit = window["start_ns"], window["end_ns"], window["limit"]
        ours = self._local.bars(instrument_id, spec, source=one.source, **window)
        if one.there is None:
            return ours
        here = here_of(one.here, ours.ts_event)
        if limit is not None and here is not None and len(ours) >= limit:
            start = int(ours.ts_event[0])  # what is older is not wanted
        outside = missing(here, one.there, start, end)
        inside = silences(here, one.there, spec, start, end)
        parts, lost = [ours], []
        for stretch in (*outside[:1], *inside, *outside[1:]):
            key = (instrument_id, str(spec), one.source, stretch)
            is_inside = stretch in inside
            if is_inside and self._is_quiet(key):
                continue
            bars = self._ask_bars(instrument_id, spec, one.source, stretch, window)
            if bars is None:
                lost.append(f"{spec} bars of {stretch} may lie on the server: {self._line.problem}.")
                continue
            if is_inside and not len(bars) and window["as_of"] == LATEST:
                self._note_quiet(key)
            parts.append(bars)
        return joined_bars(parts, limit, tuple(lost[:MAX_SAID]))

    def _ask_bars(
        self, instrument_id: str, spec: BarSpec, source: str, stretch: Stretch, window: dict[str, Any]
    ) -> BarColumns | None:
        asked = {**window, "start_ns": stretch.start, "end_ns": stretch.end, "source": source}
        return self._line.ask(lambda server: server.bars(instrument_id, spec, **asked))

    def _adjusted(self, bars: BarColumns, adjustment: Adjustment, as_of: AsOf) -> BarColumns:
        """As the embedded store does it, by the actions of both."""
        if adjustment is Adjustment.RAW or not len(bars):
            return bars
        until = self._clock.now_ns() if as_of.known_at is None else as_of.known_at
        found = self.actions(bars.instrument_id, as_of=as_of, source=bars.source)
        found = found or self.actions(bars.instrument_id, as_of=as_of)
        standing = [one for one in found if one.ts_event <= until]
        return adjusted(bars, standing, adjustment, lambda ns: self._close_before(bars, ns, as_of))

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
        window: dict[str, Any] = {"start_ns": start_ns, "end_ns": end_ns, "limit": limit, "as_of": as_of}
        return self._ticks(
            QUOTES, instrument_id, window, source, lambda asked, reader: reader.quotes(instrument_id, **asked)
        )

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
        window: dict[str, Any] = {"start_ns": start_ns, "end_ns": end_ns, "limit": limit, "as_of": as_of}
        return self._ticks(
            TRADES, instrument_id, window, source, lambda asked, reader: reader.trades(instrument_id, **asked)
        )

    def _ticks(
        self,
        table: str,
        instrument_id: str,
        window: dict[str, Any],
        source: str,
        read: Callable[[dict[str, Any], HistoryReader], TicksT],
    ) -> TicksT:
        found = read({**window, "source": source}, self._local)
        for one in self._tick_sources(table, instrument_id, found.source, source):
            ours = read({**window, "source": one.source}, self._local)
            parts = [ours]
            for stretch in self._tick_stretches(one, ours.ts_event, window):
                asked = {**window, "start_ns": stretch.start, "end_ns": stretch.end, "source": one.source}
                ticks = self._line.ask(partial(read, asked))
                parts += [] if ticks is None else [ticks]
            found = joined_ticks(parts, window["limit"])
            if len(found):
                break
        return found

    def _tick_sources(self, table: str, instrument_id: str, local: str, wanted: str) -> list[_Source]:
        """Nothing where everything is here."""
        if not any(one.table == table for one in self._further().get(instrument_id, ())):
            return []
        return self._sources(instrument_id, table, "", local, wanted=wanted)

    @staticmethod
    def _tick_stretches(one: _Source, found: Any, window: dict[str, Any]) -> list[Stretch]:
        """Rows of one moment may lie on both sides of where a store begins: that moment is asked for too."""
        if one.there is None:
            return []
        here, limit = here_of(one.here, found), window["limit"]
        start = window["start_ns"]
        if limit is not None and len(found) >= limit:
            start = int(found[0])
        stretches = missing(here, one.there, start, window["end_ns"])
        if here is None:
            return stretches
        last = min(window["end_ns"], here.first + 1)
        return [one._replace(end=last) if one.end == here.first else one for one in stretches]

    # --- everything else ----------------------------------------------------------------------------------

    def actions(
        self, instrument_id: str = "", *, as_of: AsOf = LATEST, source: str = ""
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions by ts_event, of all instruments when none is named; one source per instrument."""
        ours = self._local.actions(instrument_id, as_of=as_of, source=source)
        further = self._further()
        named = further.get(instrument_id, ()) if instrument_id else [one for each in further.values() for one in each]
        if not any(one.table == ACTIONS for one in named):
            return ours
        theirs = self._line.ask(lambda server: server.actions(instrument_id, as_of=as_of, source=source))
        return joined_actions(ours, theirs or (), self._priority, source)

    def frame(self, query: Query) -> pl.DataFrame:
        """A bulk read as a polars frame with the columns of a stored file, sorted like one."""
        spec = str(query.spec) if query.spec is not None else ""
        names = query.instrument_ids or tuple(self._further())
        further = [
            one
            for name in names
            for one in self._further().get(name, ())
            if (one.table, one.spec) == (query.table, spec)
        ]
        if not further:
            return self._local.frame(query)
        ours = [one for one in self._local.series(table=query.table) if one.spec == spec]
        sources = {one.source: one for one in (*ours, *further)}
        frame = self._local.frame(query)
        for one in by_priority(sources.values(), self._priority, query.source):
            asked = msgspec.structs.replace(query, source=one.source)
            frame = self._joined_frame(asked)
            if frame.height:
                break
        return frame

    def _joined_frame(self, query: Query) -> pl.DataFrame:
        import polars as pl

        from stockpulse_engine.storage.history.frames import KEYS
        from stockpulse_engine.storage.history.order import newest_index

        ours, theirs = self._local.frame(query), self._line.ask(lambda server: server.frame(query))
        if theirs is None or not theirs.height:
            return ours
        both = pl.concat([ours, theirs])
        return both[newest_index(both, KEYS[query.table])]

    def series(
        self, instrument_id: str = "", *, table: str = "", spec: BarSpec | None = None
    ) -> tuple[SeriesInfo, ...]:
        """What is held on either side; what lies on the server only is not counted."""
        ours = self._local.series(instrument_id, table=table, spec=spec)
        spans = self._line.spans().series
        named = spans.get(instrument_id, ()) if instrument_id else [one for each in spans.values() for one in each]
        text = str(spec) if spec is not None else ""
        theirs = [one for one in named if table in ("", one.table) and text in ("", one.spec)]
        return joined_series(ours, theirs) if theirs else ours

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
        """What is held and missing on both sides together, one entry per source (or of `source`)."""
        from stockpulse_engine.storage.history.coverage import coverages

        listed = by_priority(self.series(instrument_id, table=BARS, spec=spec), self._priority, source)
        return coverages(self, listed, spec, calendar or calendar_of(instrument_id), (as_of, quiet))

    def segments(self, after_seq: int = 0, *, table: str = "", limit: int = 1000) -> tuple[Segment, ...]:
        """Segments of the embedded store: the server has rows, not files."""
        return self._local.segments(after_seq, table=table, limit=limit)

    # --- what is where ------------------------------------------------------------------------------------

    def _further(self) -> dict[str, tuple[SeriesInfo, ...]]:
        """Series that reach further on the server than here, by instrument."""
        spans = self._line.spans()
        generation = self._local.generation + (spans.version << 40)
        known = self._known
        if known.generation == generation:
            return known.further
        ours = {(one.instrument_id, one.table, one.spec, one.source): one for one in self._local.series()}
        further: dict[str, tuple[SeriesInfo, ...]] = {}
        for name, series in spans.series.items():
            more = tuple(
                one
                for one in series
                if spans.owner != self._owner or reaches_further(one, ours.get((name, one.table, one.spec, one.source)))
            )
            if more:
                further[name] = more
        self._known = _Known(generation, further)
        return further

    def _sources(self, instrument_id: str, table: str, spec: str, local: str, *, wanted: str) -> list[_Source]:
        """Where rows may be, best first; `local` is a source that only the live tail may know."""
        ours = {one.source: one for one in self._local.series(instrument_id, table=table) if one.spec == spec}
        theirs = {
            one.source: one for one in self._further().get(instrument_id, ()) if (one.table, one.spec) == (table, spec)
        }
        names = dict.fromkeys([*ours, *theirs, *([local] if local else [])])
        found = []
        for name in names:
            here = ours.get(name)
            found.append(_Source(name, here if here is not None and here.rows else None, theirs.get(name)))
        return by_priority(found, self._priority, wanted)

    def _is_quiet(self, key: tuple[object, ...]) -> bool:
        return self._quiet.get(key, 0) > self._clock.monotonic_ns()

    def _note_quiet(self, key: tuple[object, ...]) -> None:
        with self._lock:
            if len(self._quiet) >= MAX_QUIET:
                self._quiet.clear()
            self._quiet[key] = self._clock.monotonic_ns() + QUIET_NS


def _concerns_bars(further: Sequence[SeriesInfo], spec: BarSpec, adjustment: Adjustment) -> bool:
    """Whether the server may have bars that are wanted, or what they are adjusted by."""
    text = str(spec)
    return any(
        (one.table == BARS and one.spec == text)
        or (adjustment is not Adjustment.RAW and (one.table == ACTIONS or one.spec == str(DAILY)))
        for one in further
    )
