"""The jobs of a home: their schedules, and the stores and the engine they work on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.history import history_of
from stockpulse_engine.bootstrap.offline import backup_directory, backup_to, verify_journal
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.errors import IntegrityError, StockPulseError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.domain.views import DayReview
from stockpulse_engine.jobs.runner import Job, JobContext, JobRunner, Outcome
from stockpulse_engine.jobs.runs import RunStore
from stockpulse_engine.jobs.schedule import AfterClose, CatchUp, Every
from stockpulse_engine.jobs.work import DAY_NS, JournalCheck, Work
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES, Query
from stockpulse_engine.portfolio.review import market_clock, to_markdown
from stockpulse_engine.settings import load_settings
from stockpulse_engine.storage.backup import drop_backups, verify_backup, write_tail
from stockpulse_engine.storage.backup.verify import forget_damaged

MINUTES = BarSpec(1, "m")
LONGER = (BarSpec(1, "h"), BarSpec(1, "d"))
PLOT_SIZE = (72, 14)
MIN_POINTS = 2
ROLLED = "/rolled"
"""After the source's name: bars that we made of its minutes."""


def job_runner(
    paths: Paths,
    *,
    on_progress: Callable[[int, int, str], None] = lambda *_: None,
    on_start: Callable[[JobContext], None] = lambda _: None,
) -> JobRunner:
    """Everything there is to run over one home."""
    clock, calendar = WallClock(), load_calendar("XNYS")
    work = Work(
        _History(paths, calendar, clock),
        _Books(paths),
        backups=backup_directory(paths),
        reports=paths.data / "reports",
        clock=clock,
    )
    jobs = (
        Job(
            name="eod",
            about="after the close: take in what was recorded, roll up, verify the journals, back up, report",
            unit="rows",
            schedule=AfterClose(calendar, 30),
            catch_up=CatchUp.EACH,
            work=work.eod,
        ),
        Job(
            name="backfill",
            about="what the calendar misses in stored bars, from the inbox, the server and Yahoo",
            unit="rows",
            schedule=AfterClose(calendar, 90),
            catch_up=CatchUp.LATEST,
            work=lambda context: _backfill(paths, clock, context),
        ),
        Job(
            name="backup",
            about="a full copy of this home, read again and checked",
            unit="bytes",
            schedule=Every(60),
            catch_up=CatchUp.LATEST,
            work=work.backup,
        ),
        Job(
            name="tail",
            about="what changed since the last full copy, beside it",
            unit="bytes",
            schedule=Every(1),
            catch_up=CatchUp.LATEST,
            work=work.tail,
        ),
        Job(
            name="prune",
            about="old ticks and files nobody needs go, as the settings say",
            unit="segments",
            schedule=AfterClose(calendar, 120),
            catch_up=CatchUp.LATEST,
            work=work.prune,
        ),
        Job(
            name="report",
            about="the session on a page of Markdown",
            unit="bytes",
            schedule=AfterClose(calendar, 45),
            catch_up=CatchUp.LATEST,
            work=work.report,
        ),
    )
    runs = RunStore(paths.state / "jobs", clock)
    return JobRunner(jobs, runs, paths.logs, clock, on_progress=on_progress, on_start=on_start)


def equity_plot(review: DayReview) -> str:
    """The session's equity as a drawing of text, for a page; "" where there are too few points."""
    from stockpulse_engine.render.plot import render_plot
    from stockpulse_engine.render.span import to_plain

    if len(review.curve) < MIN_POINTS:
        return ""
    first, last = review.curve[0], review.curve[-1]
    span = max(1, last.ts_event - first.ts_event)
    lines = render_plot(
        [float(point.equity) for point in review.curve],
        *PLOT_SIZE,
        first=market_clock(first.ts_event),
        last=market_clock(last.ts_event),
        places=[(point.ts_event - first.ts_event) / span for point in review.curve],
    )
    drawn = "\n".join(row.rstrip() for row in to_plain(lines).splitlines())
    return f"## Equity\n\n```\n{drawn}\n```"


def _backfill(paths: Paths, clock: Clock, context: JobContext) -> Outcome:
    from stockpulse_engine.bootstrap.backfill import backfill_of  # loads polars, which whoever looks at jobs needs not

    return backfill_of(paths, clock).run(context)


class _History:
    """Upkeep of the history store; other processes may read and write it meanwhile."""

    def __init__(self, paths: Paths, calendar: Calendar, clock: Clock) -> None:
        self._paths = paths
        self._calendar = calendar
        self._clock = clock

    def compact(self) -> int:
        """Turn what was recorded live into segments."""
        with history_of(self._paths) as store:
            return store.compact().rows

    def roll_up(self, session_date: str) -> int:
        """Hourly and daily bars of one session from each source's minutes."""
        session = self._calendar.session(session_date)
        if session is None:
            return 0
        from stockpulse_engine.storage.history.rollup import rolled_up

        made = 0
        with history_of(self._paths) as store:
            sources = sorted({one.source for one in store.reader.series(table=BARS, spec=MINUTES)})
            for source in sources:
                query = Query(
                    table=BARS, spec=MINUTES, source=source, start_ns=session.pre_open, end_ns=session.post_close
                )
                minutes = store.reader.frame(query)
                for spec in LONGER if minutes.height else ():
                    bars = rolled_up(minutes, MINUTES, spec)
                    written = store.writer.write_bars(bars, spec=spec, source=f"{source}{ROLLED}"[:40])
                    made += written.added + written.corrected
        return made

    def merge(self) -> int:
        """Merge small segments, sweep files nobody knows."""
        with history_of(self._paths) as store:
            return store.upkeep.merge_small() + store.upkeep.sweep().files

    def prune(self) -> int:
        """Drop old ticks."""
        settings = load_settings(self._paths, os.environ).history
        kept = ((QUOTES, settings.keep_quotes_days), (TRADES, settings.keep_trades_days))
        with history_of(self._paths) as store:
            return sum(store.upkeep.prune(table, self._clock.now_ns() - days * DAY_NS) for table, days in kept if days)

    def damaged(self) -> Sequence[str]:
        """Segments that are not what was committed."""
        with history_of(self._paths) as store:
            return tuple(f"{one.path}: {one.problem}" for one in store.upkeep.verify())

    def held(self) -> Sequence[tuple[str, ...]]:
        """What is held, by kind and source."""
        with history_of(self._paths) as store:
            found: dict[tuple[str, str, str], tuple[int, int]] = {}
            for one in store.reader.series():
                key = (one.table, one.spec, one.source)
                names, rows = found.get(key, (0, 0))
                found[key] = (names + 1, rows + one.rows)
        body = [
            (f"{table} {spec}".strip(), source, f"{n:,}", f"{r:,}") for (table, spec, source), (n, r) in found.items()
        ]
        return (("what", "source", "instruments", "rows"), *sorted(body))


class _Books:
    """Journals and backups on their files; the session from the engine while it runs."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def check_journals(self) -> Sequence[JournalCheck]:
        """Every world of this home; the running one is checked by its engine, which writes to it."""
        running = ""
        checks = []
        if lock_holder(self._paths.lock) is not None:
            with BlockingClient(self._paths, role="viewer", timeout_s=600) as engine:
                running = engine.health().world
                found = engine.verify_log()
            checks.append(JournalCheck(running, found.entries, "" if found.is_ok else found.problem or "broken"))
        worlds = self._paths.state / "worlds"
        for directory in sorted(worlds.iterdir()) if worlds.is_dir() else ():
            world = directory.name.replace("replay-", "replay:", 1)
            if world == running or not (directory / "journal.db").exists():
                continue
            found = verify_journal(self._paths, world)
            checks.append(JournalCheck(world, found.entries, "" if found.is_ok else found.problem or "broken"))
        return checks

    def backup(self, directory: Path) -> tuple[Path, int]:
        """A consistent archive; the engine may run."""
        return backup_to(self._paths, directory)

    def verify_backup(self, file: Path, *, is_deep: bool) -> int:
        """Read it again, every file against its digest, journals by their chain."""
        found = verify_backup(file, is_deep=is_deep)
        if found.damaged:
            forget_damaged(found)
            first = found.damaged[0]
            more = f" and {len(found.damaged) - 1} more" if len(found.damaged) > 1 else ""
            raise IntegrityError(
                f"{file.name}: {first.name} {first.problem}{more}.", fix="sp backup verify names all; sp store verify."
            )
        return found.files + found.objects

    def drop_backups(self, files: Sequence[Path]) -> None:
        """Remove backups and what only they need."""
        drop_backups(backup_directory(self._paths), files)

    def tail(self, directory: Path) -> tuple[str, int]:
        """Write what changed since the newest backup."""
        written = write_tail(self._paths, directory, WallClock())
        return (written.archive.name, written.size) if written is not None else ("", 0)

    def review(self, session_date: str) -> str:
        """The session as its engine tells it; none is started for that."""
        if lock_holder(self._paths.lock) is None:
            return ""
        try:
            with BlockingClient(self._paths, role="viewer", timeout_s=120) as engine:
                review = engine.day("", session_date)
                return f"{to_markdown(review)}\n{equity_plot(review)}"
        except StockPulseError as error:
            return f"The engine could not tell the session: {error.message}"
