"""Stored history and SQL over it, for the API: every read on a thread, every statement in a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.bootstrap.universes import Universes, today_in_new_york
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.marketdata.asking import (
    Asked,
    BarsAsked,
    StoredBars,
    StoredCoverage,
    StoredTicks,
    stored_actions,
    stored_bars,
    stored_coverage,
    stored_ticks,
)
from stockpulse_engine.marketdata.history import AsOf, CorporateAction, HistoryReader
from stockpulse_engine.marketdata.moments import as_of as point_in_time
from stockpulse_engine.marketdata.moments import moment_ns
from stockpulse_engine.marketdata.universes import UniverseOnDay, UniverseRow
from stockpulse_engine.wire.sql import MAX_ROWS, MAX_SECONDS, SqlColumn, SqlRequest, SqlView

if TYPE_CHECKING:
    from stockpulse_engine.storage.sql.session import SqlSession

MAX_STATEMENTS: Final = 2
"""Statements that run at a time; each may take a gigabyte and two threads."""
MAX_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of one answer's rows."""
_MIN_SECONDS: Final = 0.1


class EngineQueries:
    """Implements the API's HistoryPort."""

    def __init__(
        self,
        reader: Callable[[], HistoryReader],
        paths: Paths,
        clock: Clock,
        embedded: Callable[[], HistoryReader] | None = None,
    ) -> None:
        """`reader` opens the store of the home `paths` when first called; `embedded` has its files alone, for SQL."""
        self._reader = reader
        self._embedded = embedded or reader
        self._directory = paths.history
        self._universes = Universes(paths, reader, lambda: today_in_new_york(clock.now_ns()))
        self._running: set[_Statement] = set()
        self._threads: ThreadPoolExecutor | None = None

    async def bars(self, asked: BarsAsked) -> StoredBars:
        """Bars, where they are from and what to know about them."""
        return await in_thread(lambda: stored_bars(self._reader(), asked))

    async def ticks(self, asked: Asked, table: str) -> StoredTicks:
        """`trades` or `quotes`."""
        return await in_thread(lambda: stored_ticks(self._reader(), asked, table))

    async def actions(self, instrument: str, as_of: AsOf) -> tuple[CorporateAction, ...]:
        """Corporate actions of one instrument, or of all with ""."""
        return await in_thread(lambda: stored_actions(self._reader(), instrument, as_of))

    async def coverage(self, instrument: str, spec: str, as_of: AsOf, most: int) -> StoredCoverage:
        """What is held and, for one instrument, what is missing; lists end at `most`."""
        return await in_thread(lambda: stored_coverage(self._reader(), instrument, spec, as_of, most=most))

    async def universes(self) -> tuple[UniverseRow, ...]:
        """Every universe of this home."""
        return await in_thread(self._universes.rows)

    async def universe(self, name: str, as_of: str, *, takes_todays: bool) -> UniverseOnDay:
        """Its members on the day of a typed moment, "" for today."""
        day = today_in_new_york(moment_ns(as_of)) if as_of else ""
        return await in_thread(lambda: self._universes.on_day(name, day, takes_todays=takes_todays))

    async def sql_views(self) -> tuple[SqlView, ...]:
        """What a statement can select from."""
        views = await in_thread(lambda: self._session().views())
        return tuple(
            SqlView(
                name=view.name,
                about=view.about,
                columns=tuple(SqlColumn(column.name, column.type) for column in view.columns),
            )
            for view in views
        )

    async def sql(self, asked: SqlRequest) -> bytes:
        """The answer to one statement as the JSON of a `SqlTable`. Canceled, it ends the statement."""
        _check(asked)
        if len(self._running) >= MAX_STATEMENTS:
            raise UnavailableError(
                f"{MAX_STATEMENTS} statements are running already.", fix="Wait for one of them, or cancel it."
            )
        statement = _Statement()
        self._running.add(statement)
        # Threads of their own: two statements of a minute must not keep the market's short reads waiting.
        self._threads = self._threads or ThreadPoolExecutor(MAX_STATEMENTS, thread_name_prefix="sql")
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(self._threads, partial(self._run, asked, statement))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            statement.end()
            await asyncio.wait((answer,))
            answer.exception()  # nobody else will ask for it
            raise
        finally:
            self._running.discard(statement)

    def stop(self) -> None:
        """End what runs."""
        for statement in self._running:
            statement.end()
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def _session(self) -> SqlSession:
        from stockpulse_engine.storage.sql.session import SqlSession

        return SqlSession(self._embedded(), self._directory)

    def _run(self, asked: SqlRequest, statement: _Statement) -> bytes:
        from stockpulse_engine.storage.sql.protocol import SqlLimits

        limits = SqlLimits(seconds=asked.seconds, rows=asked.limit, bytes=MAX_ANSWER)
        moment = point_in_time(asked.as_of, asked.as_recorded)
        return self._session().run_json(asked.statement, limits=limits, as_of=moment, on_start=statement.begin)


class _Statement:
    """One that runs, and how to end it: also before its process is there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_over = False
        self._cancel: Callable[[], None] | None = None

    def begin(self, cancel: Callable[[], None]) -> None:
        """Its process is there."""
        with self._lock:
            self._cancel = cancel
            is_over = self._is_over
        if is_over:
            cancel()

    def end(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._is_over = True
            cancel = self._cancel
        if cancel is not None:
            cancel()


def _check(asked: SqlRequest) -> None:
    if not 1 <= asked.limit <= MAX_ROWS:
        raise InvalidValueError(
            f"limit is {asked.limit}; 1 to {MAX_ROWS:,} rows fit one answer.",
            fix="Ask for the next ones with LIMIT and OFFSET in the statement.",
        )
    if not _MIN_SECONDS <= asked.seconds <= MAX_SECONDS:
        raise InvalidValueError(
            f"seconds is {asked.seconds:g}; {_MIN_SECONDS:g} to {MAX_SECONDS:g} are possible.",
            fix="`sp sql --timeout` waits longer.",
        )
