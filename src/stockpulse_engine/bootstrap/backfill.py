"""What the job `backfill` works on: gaps of the store, the inbox, the server and Yahoo."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.adapters.yahoo.rest import INTERVALS, days_back
from stockpulse_engine.adapters.yahoo.symbols import symbol_of
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.bootstrap.history import history_of
from stockpulse_engine.bootstrap.importing import YAHOO_BARS, Hooks, ImportDesk, ImportOptions, import_desk
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import BarSpec, parse_bar_spec
from stockpulse_engine.jobs.backfill import Backfill, GapSource, SeriesGaps
from stockpulse_engine.jobs.runner import JobContext
from stockpulse_engine.jobs.schedule import DAY_NS
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.history import BARS, Gap, SeriesInfo
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.settings import Settings, load_settings

YAHOO: Final = "yahoo"
_MADE: Final = ("sim:", "replay:")
_DERIVED: Final = "/rolled"
_MAX_REMEMBERED: Final = 10_000


def backfill_of(paths: Paths, clock: Clock) -> Backfill:
    """The job over one home, with the sources its settings name."""
    settings = load_settings(paths, os.environ)
    sources: list[GapSource] = []
    if settings.storage.url:
        sources.append(ServerGaps(paths))
    if settings.market.yahoo:
        sources.append(YahooGaps(paths, clock))
    inbox = Inbox(paths, settings)
    memory = ensure_private(paths.state / "jobs") / "backfill.json"
    return Backfill(lambda check: find_gaps(paths, clock, check), inbox.take_in, sources, memory=memory, clock=clock)


def find_gaps(paths: Paths, clock: Clock, check: Callable[[], None]) -> Iterator[SeriesGaps]:
    """Bar series with gaps: inside what is held, and for what Yahoo told up to now.

    Hours are left out (whether they begin at the clock's or the session's, a calendar does not say), and so is what we
    made ourselves.
    """
    with history_of(paths) as store:
        for one in store.reader.series(table=BARS):
            check()
            spec, calendar = parse_bar_spec(one.spec), calendar_of(one.instrument_id)
            if calendar is None or spec.unit == "h" or one.source.startswith(_MADE) or one.source.endswith(_DERIVED):
                continue
            (found,) = store.reader.coverage(one.instrument_id, spec, source=one.source)
            gaps = found.gaps
            if one.source == YAHOO:
                gaps += _since(one, spec, calendar, clock.now_ns())
            if gaps:
                yield SeriesGaps(one.instrument_id, one.spec, one.source, gaps)


def _since(series: SeriesInfo, spec: BarSpec, calendar: Calendar, now_ns: int) -> tuple[Gap, ...]:
    """Bars that ended after the last one held."""
    from stockpulse_engine.storage.history.coverage import expected_starts

    if spec.step > 1 and not spec.is_intraday:
        return ()
    closed = now_ns - spec.duration_ns
    if not spec.is_intraday:
        session = calendar.current_or_previous(now_ns)
        closed = session.open if session.close <= now_ns else session.open - 1
    starts, _ = expected_starts(calendar, spec, series.last_ts + 1, closed)
    return (Gap(int(starts[0]), int(starts[-1]), len(starts)),) if len(starts) else ()


class Inbox:
    """A folder of files; each is taken in once, and again when it changed. The files stay where they are."""

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self._paths = paths
        chosen = settings.history.inbox
        self._folder = Path(chosen).expanduser().absolute() if chosen else paths.data / "inbox"
        self._memory = paths.state / "jobs" / "inbox.json"

    def take_in(self, context: JobContext) -> int:
        """Import what is new; what is refused is said once and remembered."""
        if not self._folder.is_dir():
            return 0
        seen = self._seen()
        new = [file for file in sorted(self._folder.iterdir()) if file.is_file() and seen.get(str(file)) != _mark(file)]
        rows = 0
        with import_desk(self._paths) as desk:
            for number, file in enumerate(new):
                context.progress(number, len(new), file.name)
                rows += _take(desk, file, context)
                seen[str(file)] = _mark(file)
                kept = dict(list(seen.items())[-_MAX_REMEMBERED:])
                atomic_write(self._memory, msgspec.json.encode(kept))
        return rows

    def _seen(self) -> dict[str, str]:
        ensure_private(self._memory.parent)
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=dict[str, str])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}


class YahooGaps:
    """Implements GapSource with Yahoo's charts, for what came from there."""

    name = YAHOO

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock

    def refusal(self, series: SeriesGaps) -> str:
        """By source, symbol, length and reach."""
        spec = parse_bar_spec(series.spec)
        if series.source != YAHOO:
            return f"tells nothing of {series.source}"
        if series.spec not in INTERVALS or not (spec.is_intraday or series.spec == "1d"):
            return f"has no bars of {series.spec}"
        if not symbol_of(series.instrument_id):
            return "has no symbol that we know for it"
        reach = days_back(spec, YAHOO_BARS)
        if series.gaps[-1].last_ns < self._clock.now_ns() - reach * DAY_NS:
            return f"is asked for {reach:,} days back at most"
        return ""

    def fill(self, series: SeriesGaps, context: JobContext) -> int:
        """Its chart as `sp import yahoo:SYMBOL` takes it in."""
        options = ImportOptions(spec=series.spec, source=YAHOO)
        with import_desk(self._paths) as desk, desk.yahoo(symbol_of(series.instrument_id), options) as planned:
            report = desk.run(planned, _hooks(context))
        context.check()
        return report.added


class ServerGaps:
    """Implements GapSource with the PostgreSQL of the settings: what this home lost and the copy still has."""

    name = "server"

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def refusal(self, series: SeriesGaps) -> str:
        """It may have anything."""
        return ""

    def fill(self, series: SeriesGaps, context: JobContext) -> int:
        """Every version the server has of the series; what is held already is nothing."""
        from stockpulse_engine.bootstrap.serverstore import bring_series

        return bring_series(self._paths, series.instrument_id, series.spec, series.source)


def _take(desk: ImportDesk, file: Path, context: JobContext) -> int:
    try:
        report = desk.run(desk.plan(file, ImportOptions()), _hooks(context))
    except (InvalidValueError, NotFoundError) as error:
        context.say(f"inbox {file.name}: refused as a whole: {error}")
        return 0
    context.check()
    context.say(f"inbox {file.name}: {report.added:,} rows added, {report.refused:,} refused")
    return report.added


def _hooks(context: JobContext) -> Hooks:
    return Hooks(should_stop=lambda: context.is_canceled)


def _mark(file: Path) -> str:
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns}"
