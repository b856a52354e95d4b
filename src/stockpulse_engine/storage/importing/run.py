"""Taking a planned file in: shape a chunk, write its refused rows beside, commit, keep the place, next chunk.

Killed at any moment, nothing is half in: a chunk is one commit of the store per series, and the same import begins
again after the last chunk that was noted. A chunk that was committed and not noted is compared and found unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import polars as pl

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.history import BARS, QUOTES, SCHEMAS, TRADES, HistoryReader, HistoryWriter
from stockpulse_engine.marketdata.venues import CALENDARS
from stockpulse_engine.storage.importing.actionrows import bar_actions, renamed, told_actions
from stockpulse_engine.storage.importing.checks import REASON, REPEATS, split_suspects
from stockpulse_engine.storage.importing.identity import NOWHERE, Maps, is_round_the_clock, listings_of
from stockpulse_engine.storage.importing.mapping import Kind
from stockpulse_engine.storage.importing.order import counted
from stockpulse_engine.storage.importing.plan import ImportPlan
from stockpulse_engine.storage.importing.progress import Progress, State, StateFile
from stockpulse_engine.storage.importing.refusals import Refusals
from stockpulse_engine.storage.importing.report import ImportReport
from stockpulse_engine.storage.importing.shape import Shaper
from stockpulse_engine.storage.importing.spans import Span, Spans, told_by
from stockpulse_engine.storage.importing.table import CHUNK_ROWS, ROW, Table

MAX_WHOLE_ROWS = 1_000_000
"""Events and listings are read whole; nobody has more."""
MAX_COVERED = 50
"""Instruments whose gaps are counted after an import."""
MAX_COVERED_ROWS = 200_000
"""Counting gaps reads what was stored; of more rows `sp coverage` tells."""
DAY_NS = 86_400_000_000_000
MAX_NAMED = 5
MANY = 20
"""More corrections than this, and of most of what is held, are hardly corrections."""
_TABLES = {Kind.TRADES: TRADES, Kind.QUOTES: QUOTES}


class Into(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import goes."""

    writer: HistoryWriter
    reader: HistoryReader
    maps: Maps
    directory: Path
    """The history's own."""
    clock: Clock


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever runs it wants to hear and to say."""

    on_progress: Callable[[Progress], None] = lambda _progress: None
    should_stop: Callable[[], bool] = lambda: False
    """Asked after every chunk."""
    chunk_rows: int = CHUNK_ROWS


def run_import(plan: ImportPlan, table: Table, into: Into, hooks: Hooks | None = None) -> ImportReport:
    """Take a file in by its plan; the same file again adds nothing.

    Raises:
        InvalidValueError: the file as a whole is nothing we store.
        UnavailableError: the disk or the catalog can not be written.
    """
    kind = plan.mapping.kind
    run = _Run(plan, table, into, hooks or Hooks())
    if kind in (Kind.ACTIONS, Kind.FACTORS, Kind.MAPS):
        if table.rows > MAX_WHOLE_ROWS:
            raise InvalidValueError(f"{table.path.name}: too many rows for {kind.value}.", fix="Name another --kind.")
        return run.listings() if kind is Kind.MAPS else run.events()
    return run.chunks()


def import_id_of(plan: ImportPlan, digest: str) -> str:
    """The same bytes read the same way are the same import."""
    plain = msgspec.structs.replace(plan, path="", is_remembered=False, rivals={})
    return hashlib.sha256(digest.encode() + msgspec.json.encode(plain, order="deterministic")).hexdigest()[:16]


class _Run:
    """One import under way."""

    def __init__(self, plan: ImportPlan, table: Table, into: Into, hooks: Hooks) -> None:
        self._plan, self._table, self._into, self._hooks = plan, table, into, hooks
        self._kind = plan.mapping.kind
        self._import_id = import_id_of(plan, table.digest())
        self._state = StateFile(into.directory / "importing", self._import_id)
        self._refusals = Refusals(into.directory / "refused", self._import_id)
        self._spans = Spans()
        self._report = ImportReport(
            path=plan.path,
            import_id=self._import_id,
            what=f"{self._kind.value} {plan.spec or ''}".strip(),
            source=plan.source,
            rows=table.rows,
            repaired=dict(table.repaired),
        )

    def listings(self) -> ImportReport:
        """A map file."""
        found = listings_of(self._table.columns(self._table.names), self._plan.mapping.columns)
        added = self._into.maps.add(found)
        self._report.count(added, len(found) - added, 0)
        self._report.entries = len(found)
        told = renamed(self._into.maps.listings, found, self._plan)
        result = self._into.writer.write_actions(told, import_id=self._import_id)
        self._report.actions = result.added + result.corrected
        return self._finished()

    def events(self) -> ImportReport:
        """A file of corporate actions."""
        actions, refused = told_actions(self._table, self._plan, self._into.maps)
        self._refusals.begin(0)
        bad = pl.DataFrame(refused, schema={ROW: pl.Int64, REASON: pl.String}, orient="row")
        whole = next(iter(self._table.chunks(rows=max(1, self._table.rows))), None)
        if whole is not None:
            self._refuse(whole, bad)
        result = self._into.writer.write_actions(actions, import_id=self._import_id)
        self._report.count(result.added, result.unchanged, result.corrected)
        self._report.entries = len(actions) + len(refused)
        if actions:
            self._report.instruments = tuple(sorted({one.instrument_id for one in actions}))
            self._report.first_ts = min(one.ts_event for one in actions)
            self._report.last_ts = max(one.ts_event for one in actions)
        return self._finished()

    def chunks(self) -> ImportReport:
        """Bars, quotes, trades, closes."""
        since = self._take_up()
        shaper = Shaper(self._plan, self._table, self._into.maps)
        began = self._into.clock.monotonic_ns()
        for chunk in self._table.chunks(since, self._hooks.chunk_rows):
            self._take(chunk, shaper)
            self._report.done += chunk.height
            self._keep_place()
            elapsed = self._into.clock.monotonic_ns() - began
            self._hooks.on_progress(Progress(self._report.done, self._table.rows, elapsed, since))
            if self._report.done < self._table.rows and self._hooks.should_stop():
                self._name_refused()
                return self._report
        return self._finished()

    def _take_up(self) -> int:
        state = self._state.load()
        if state is None or state.done > self._table.rows:
            self._refusals.begin(0)
            return 0
        self._report = state.report
        self._report.path, self._report.resumed_at = self._plan.path, state.done
        self._spans = Spans(state.spans)
        self._refusals.begin(state.refused_bytes)
        return state.done

    def _take(self, chunk: pl.DataFrame, shaper: Shaper) -> None:
        parts = shaper.parts(chunk)
        for part, frame in parts.items():
            told = told_by(frame) if self._table.rows > self._hooks.chunk_rows else {}
            marked = self._spans.marked(part, frame, told, is_ticks=self._kind in _TABLES)
            fit = marked if marked[REASON].null_count() == marked.height else marked.filter(pl.col(REASON).is_null())
            self._count_bad(chunk, part, marked, fit.height)
            if self._kind is Kind.BARS:
                self._actions(marked, shaper)
            self._store(part, fit, told_by(fit) if told and fit.height < frame.height else told)

    def _count_bad(self, chunk: pl.DataFrame, part: str, frame: pl.DataFrame, fit: int) -> None:
        self._report.entries += frame.height
        if fit == frame.height:
            return
        bad = frame.filter(pl.col(REASON).is_not_null()).select(ROW, REASON)
        is_repeat = pl.col(REASON).str.starts_with(REPEATS)
        repeats = bad.filter(is_repeat).height
        self._report.repeats += repeats
        if repeats:
            bad = bad.filter(~is_repeat)
        side = part.strip("/") if self._kind is Kind.QUOTE_BARS else ""
        self._refuse(chunk, bad.with_columns((pl.lit(f"{side} bar, ") + pl.col(REASON)).alias(REASON)) if side else bad)

    def _refuse(self, chunk: pl.DataFrame, bad: pl.DataFrame) -> None:
        if bad.height:
            self._report.refuse(bad)
            self._refusals.write(chunk.drop(self._table.made, strict=False), bad)

    def _store(self, part: str, fit: pl.DataFrame, told: Mapping[str, Span]) -> None:
        if fit.is_empty():
            return
        table = _TABLES.get(self._kind, BARS)
        source = f"{self._plan.source}{part}"
        frame = fit.select(name for name in SCHEMAS[table] if name in fit.columns)
        if table != BARS:
            frame = counted(frame, self._spans.before(part, frame, told))
        if self._plan.spec is not None:
            result = self._into.writer.write_bars(frame, spec=self._plan.spec, source=source, import_id=self._import_id)
            self._suspect(fit)
        elif table == QUOTES:
            result = self._into.writer.write_quotes(frame, source=source, import_id=self._import_id)
        else:
            result = self._into.writer.write_trades(frame, source=source, import_id=self._import_id)
        self._report.count(result.added, result.unchanged, result.corrected)
        self._report.span(frame)
        self._spans.extend(part, told)

    def _actions(self, frame: pl.DataFrame, shaper: Shaper) -> None:
        actions = bar_actions(frame, shaper.columns, self._plan.source, shaper.splits)
        if actions:
            result = self._into.writer.write_actions(actions, import_id=self._import_id)
            self._report.actions += result.added + result.corrected

    def _suspect(self, fit: pl.DataFrame) -> None:
        """Warn of splits nobody told us of: daily prices that jump overnight by a split's ratio."""
        if self._plan.spec is None or self._plan.spec.is_intraday or self._kind is Kind.CLOSES:
            return
        for name, moment, ratio in split_suspects(fit).iter_rows():
            if not is_round_the_clock(name) and not self._is_told(name, moment):
                day = pl.Series([moment]).cast(pl.Datetime("ns")).dt.date()[0]
                times = f"÷{ratio:.3g}" if ratio > 1 else f"×{1 / ratio:.3g}"
                self._report.warn(f"{name} {day}: price {times} overnight; a split that is not adjusted for?")

    def _is_told(self, name: str, moment: int) -> bool:
        return any(abs(one.ts_event - moment) < DAY_NS for one in self._into.reader.actions(name))

    def _keep_place(self) -> None:
        self._state.save(
            State(
                done=self._report.done,
                refused_bytes=self._refusals.size,
                spans=self._spans.known,
                report=self._report,
            )
        )

    def _finished(self) -> ImportReport:
        self._report.done, self._report.is_complete = self._table.rows, True
        lost = [name for name in self._report.instruments if name.endswith(NOWHERE) and not is_round_the_clock(name)]
        if lost:
            names = ", ".join(lost[:MAX_NAMED]) + (" …" if len(lost) > MAX_NAMED else "")
            self._report.warn(f"no venue is known of {names}: days are kept at midnight UTC; --venue names it")
        self._say_unknown_calendars()
        self._say_other_vendor()
        if self._plan.is_adjusted_already:
            self._report.warn("the source has adjusted these prices itself: read them with --adjust raw")
        self._count_missing()
        self._name_refused()
        self._state.clear()
        return self._report

    def _say_other_vendor(self) -> None:
        """One source is one series: another vendor's rows under its name would correct it without end."""
        both = self._report.unchanged + self._report.corrected
        if self._report.corrected > max(MANY, both // 2):
            told = f"{self._report.corrected:,} of {both:,} rows that were held have other values now"
            self._report.warn(f"{told}: another vendor's? --source NAME keeps it apart from {self._plan.source}")

    def _say_unknown_calendars(self) -> None:
        """What keeps hours that we do not know is never said to miss anything; so that has to be said."""
        if self._plan.spec is None:
            return
        venues = {name.rpartition(".")[2] for name in self._report.instruments if not is_round_the_clock(name)}
        unknown = sorted(venue for venue in venues if venue not in (*CALENDARS, NOWHERE))
        if unknown:
            names = ", ".join(unknown[:MAX_NAMED])
            self._report.warn(
                f"no calendar is known of {names}: days are kept at midnight UTC, gaps are not looked for"
            )

    def _count_missing(self) -> None:
        spec = self._plan.spec
        if (
            spec is None
            or self._kind not in (Kind.BARS, Kind.CLOSES)
            or spec.unit == "h"
            or self._table.rows > MAX_COVERED_ROWS
        ):
            return  # hours begin at the clock's or at the session's: which, a calendar does not say
        source = self._plan.source + ("/close" if self._kind is Kind.CLOSES else "")
        named = self._report.instruments[:MAX_COVERED]
        found = [one for name in named for one in self._into.reader.coverage(name, spec, source=source)]
        self._report.missing = sum(one.missing for one in found)

    def _name_refused(self) -> None:
        self._report.refused_file = str(self._refusals.path) if self._refusals.size else ""
