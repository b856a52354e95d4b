"""The server's copy of history through the port that the embedded store answers: same questions, same answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.market import BarSpec, NewsItem
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
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
from stockpulse_engine.storage.history.adjust import adjusted
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.barreads import BarReads
from stockpulse_engine.storage.server.bulkreads import listed, read_frame
from stockpulse_engine.storage.server.cursors import HISTORY
from stockpulse_engine.storage.server.intake import as_ns
from stockpulse_engine.storage.server.link import Connection, connect, said_plainly
from stockpulse_engine.storage.server.pool import PatientConnection, ReadPool
from stockpulse_engine.storage.server.reach import TIER, Reach
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.tickreads import TickReads

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TIER", "Listed", "MirroredRun", "ServerReader"]
DAILY: Final = BarSpec(1, "d")


class Listed(NamedTuple):
    """Everything that is held, and the name of the home it is the copy of."""

    series: tuple[SeriesInfo, ...]
    owner: str


class MirroredRun(NamedTuple):
    """One try of one run of a job, as the server has it; `ended_ns` is 0 while it works. Times to the microsecond."""

    job: str
    key: str
    started_ns: int
    ended_ns: int
    outcome: str
    detail: str


class ServerReader:
    """Implements `marketdata.history.HistoryReader`, for any number of threads.

    What the mirror has not brought yet, and what lies in a live tail, is not there; it has no segments. Statements end
    within `read_timeout_s`, with an answer or an UnavailableError; those of `frame` and `series` may take longer.
    """

    def __init__(self, settings: StorageSettings, clock: Clock, priority: Sequence[str] = ()) -> None:
        self._settings = settings
        self._clock = clock
        self._priority = tuple(priority)
        self._pool = ReadPool(settings)

    def close(self) -> None:
        """Let go of the connections; a later read makes new ones."""
        self._pool.close()

    @property
    def patience_ns(self) -> int:
        """How long one statement may take."""
        return self._settings.read_timeout_s * 1_000_000_000

    @property
    def generation(self) -> int:
        """How far the mirror of history has come."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT seq FROM mirror_cursor WHERE stream = %s", (HISTORY,)).fetchone()
        return int(row[0]) if row is not None else 0

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
        found = self._read([instrument_id], spec, Reach(start_ns, end_ns, limit, as_of), source)
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
        """The last `limit` bars of each instrument."""
        found = self._read(instrument_ids, spec, Reach(limit=limit, as_of=as_of), source)
        return {name: self._adjusted(bars, adjustment, as_of) for name, bars in found.items()}

    def _read(self, names: Sequence[str], spec: BarSpec, reach: Reach, source: str) -> dict[str, BarColumns]:
        with self._pool.connection() as connection:
            return BarReads(connection, spec, reach).read(names, self._priority, source)

    def _adjusted(self, bars: BarColumns, adjustment: Adjustment, as_of: AsOf) -> BarColumns:
        """As the embedded store does it, by the actions that had come into effect by the read's own time."""
        if adjustment is Adjustment.RAW or not len(bars):
            return bars
        until = self._clock.now_ns() if as_of.known_at is None else as_of.known_at
        found = self.actions(bars.instrument_id, as_of=as_of, source=bars.source)
        found = found or self.actions(bars.instrument_id, as_of=as_of)
        return adjusted(
            bars,
            [one for one in found if one.ts_event <= until],
            adjustment,
            lambda ns: self._close_before(bars, ns, as_of),
        )

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
        with self._pool.connection() as connection:
            reads = TickReads(connection, QUOTES, Reach(start_ns, end_ns, limit, as_of))
            name, columns = reads.read(instrument_id, self._priority, source)
        return QuoteColumns(instrument_id=instrument_id, source=name, **columns)

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
        with self._pool.connection() as connection:
            reads = TickReads(connection, TRADES, Reach(start_ns, end_ns, limit, as_of))
            name, columns = reads.read(instrument_id, self._priority, source)
        return TradeColumns(instrument_id=instrument_id, source=name, **columns)

    # --- everything else ----------------------------------------------------------------------------------

    def actions(
        self, instrument_id: str = "", *, as_of: AsOf = LATEST, source: str = ""
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions by ts_event, of all instruments when none is named; one source per instrument."""
        values = {"instrument": instrument_id, "source": source, **Reach(as_of=as_of).values}
        with self._pool.connection() as connection:
            found = [_action(row) for row in connection.execute(_ACTIONS, values).fetchall()]
        best: dict[str, str] = {}
        for action in by_priority(found, self._priority, source):
            best.setdefault(action.instrument_id, action.source)
        return tuple(action for action in found if action.source == best[action.instrument_id])

    def frame(self, query: Query) -> pl.DataFrame:
        """A bulk read as a polars frame, sorted like a stored file; as long as it takes while rows keep coming."""
        with self._unhurried() as connection:
            return read_frame(connection, query, self._priority)

    def series(
        self, instrument_id: str = "", *, table: str = "", spec: BarSpec | None = None
    ) -> tuple[SeriesInfo, ...]:
        """What is held, counted; filters that are empty match everything. Of everything it takes its time."""
        with self._unhurried() as connection:
            return listed(connection, instrument_id, table, spec)

    def spans(self) -> Listed:
        """From when to when each series goes, at once and without counts."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT owner FROM mirror_cursor WHERE stream = %s", (HISTORY,)).fetchone()
            series = listed(connection, "", "", None, is_counted=False)
        return Listed(series, str(row[0]) if row is not None else "")

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
        """None: what lies here are rows, not files."""
        del after_seq, table, limit
        return ()

    # --- what is no history of prices ---------------------------------------------------------------------

    def news(
        self, instrument_id: str = "", *, start_ns: int | None = None, end_ns: int | None = None, limit: int = 50
    ) -> tuple[NewsItem, ...]:
        """The last news lines with start_ns <= ts_event < end_ns, to the microsecond, oldest first."""
        reach = Reach(start_ns, end_ns, limit)
        values = {**reach.values, "low": reach.low, "high": reach.high, "instrument": instrument_id}
        with self._pool.connection() as connection:
            rows = connection.execute(_NEWS, values).fetchall()
        return tuple(
            NewsItem(headline, tuple(names), as_ns(ts), source, tone)
            for headline, names, ts, source, tone in rows[::-1]
        )

    def runs(self, job: str = "", *, limit: int = 50) -> tuple[MirroredRun, ...]:
        """The last runs of a job, or of all, newest first."""
        with self._pool.connection() as connection:
            rows = connection.execute(_RUNS, {"job": job, "limit": limit}).fetchall()
        return tuple(
            MirroredRun(name, key, as_ns(begun), as_ns(ended) if ended is not None else 0, outcome, detail)
            for name, key, begun, ended, outcome, detail in rows
        )

    @contextmanager
    def _unhurried(self) -> Iterator[Connection]:
        """A connection of its own for what may be long; a server that falls silent is given up all the same."""
        with said_plainly():
            connection: Any = connect(self._settings, is_autocommit=True, kind=PatientConnection)
            with connection:
                yield connection


_ACTIONS: Final = (
    "SELECT * FROM (SELECT DISTINCT ON (i.name, k.name, t.ts, t.ts_ns, s.name) i.name AS instrument_id, "
    "k.name AS kind, s.name AS source, t.ts, t.ts_ns, t.known_at, t.numerator, t.denominator, t.amount_e8, "
    "c.name AS currency, t.reference_e8, o.name AS other_id, n.name AS note, t.recorded_at, t.is_retracted "
    "FROM (SELECT * FROM corporate_actions UNION ALL SELECT * FROM corporate_actions_superseded) t "
    "JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source JOIN words k ON k.key = t.kind "
    "JOIN words c ON c.key = t.currency JOIN words o ON o.key = t.other_id JOIN words n ON n.key = t.note "
    "WHERE (%(instrument)s::text = '' OR i.name = %(instrument)s) AND (%(source)s::text = '' OR s.name = %(source)s) "
    "AND t.known_at <= %(known_at)s AND t.recorded_at <= %(recorded_at)s "
    "ORDER BY i.name, k.name, t.ts, t.ts_ns, s.name, t.known_at DESC, t.recorded_at DESC) v "
    "WHERE NOT is_retracted ORDER BY ts, ts_ns, instrument_id, kind, source"
)


_NEWS: Final = (
    "SELECT headline, instruments, ts, source, tone FROM news WHERE ts >= %(low)s AND ts < %(high)s "
    "AND (%(instrument)s::text = '' OR %(instrument)s = ANY(instruments)) "
    "ORDER BY ts DESC, news_id DESC LIMIT %(limit)s"
)
_RUNS: Final = (
    "SELECT job, run_key, started_at, ended_at, outcome, detail FROM jobs WHERE %(job)s::text IN ('', job) "
    "ORDER BY started_at DESC, job, run_key LIMIT %(limit)s"
)


def _action(row: tuple[Any, ...]) -> CorporateAction:
    instrument_id, kind, source, ts, rest, known_at, *values = row
    names = ("numerator", "denominator", "amount_e8", "currency", "reference_e8", "other_id", "note", "recorded_at")
    return CorporateAction(
        instrument_id=instrument_id,
        kind=ActionKind(kind),
        ts_event=as_ns(ts, rest),
        known_at=known_at,
        source=source,
        **dict(zip(names, values, strict=False)),
    )
