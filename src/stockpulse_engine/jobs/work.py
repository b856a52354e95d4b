"""What each job does. What it works on is handed in as ports, so that this page knows no store and no socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.jobs.runner import JobContext, Outcome

DAY_NS = 86_400 * SECOND_NS
HOURLY_KEPT, DAILY_KEPT = 24, 14


class HistoryUpkeep(Protocol):
    """The history store, as jobs work on it. Each call may take long and leaves nothing half done."""

    def compact(self) -> int:
        """Turn what was recorded live into segments; rows."""
        ...

    def roll_up(self, session_date: str) -> int:
        """Make hourly and daily bars of a session's minutes where nobody sold us any; bars."""
        ...

    def merge(self) -> int:
        """Merge small segments and sweep files nobody knows; files."""
        ...

    def prune(self) -> int:
        """Drop ticks older than the settings keep them; segments."""
        ...

    def damaged(self) -> Sequence[str]:
        """Segments that are not what was committed, in words."""
        ...

    def held(self) -> Sequence[tuple[str, ...]]:
        """A table of what is held, with its heading first."""
        ...


class JournalCheck(NamedTuple):
    """What walking one world's journal found."""

    world: str
    entries: int
    problem: str


class Books(Protocol):
    """Journals, backups and the trading day, as jobs see them, the engine being up or down."""

    def check_journals(self) -> Sequence[JournalCheck]:
        """Walk the chain of every world's journal."""
        ...

    def backup(self, directory: Path) -> tuple[Path, int]:
        """Write a checked backup into a directory; its file and size."""
        ...

    def verify_backup(self, file: Path, *, is_deep: bool) -> int:
        """Check a backup, with `is_deep` every file of its history too; files in it.

        Raises IntegrityError when something is damaged; damaged copies of history are removed, to be made again.
        """
        ...

    def drop_backups(self, files: Sequence[Path]) -> None:
        """Remove backups and what only they need."""
        ...

    def tail(self, directory: Path) -> tuple[str, int]:
        """Write what changed since the newest backup: its name ("" where there is none) and bytes."""
        ...

    def review(self, session_date: str) -> str:
        """The session as Markdown; "" while no engine can tell it."""
        ...


class Work:
    """The jobs' functions over one home."""

    def __init__(self, history: HistoryUpkeep, books: Books, *, backups: Path, reports: Path, clock: Clock) -> None:
        self._history = history
        self._books = books
        self._backups = backups
        self._reports = reports
        self._clock = clock

    def eod(self, context: JobContext) -> Outcome:
        """The end of a day: take in, roll up, check, back up, report. Each step may be done again without harm."""
        steps: tuple[tuple[str, Callable[[], int]], ...] = (
            ("take in what was recorded", self._history.compact),
            ("roll up bars", lambda: self._history.roll_up(context.key)),
            ("merge files", self._history.merge),
            ("verify journals", self._verify),
            ("back up", lambda: self._back_up(context, is_deep=True).wrote),
            ("write the report", lambda: self.report(context).wrote),
        )
        rows = 0
        for number, (words, step) in enumerate(steps):
            context.progress(number, len(steps), words)
            done = step()
            context.say(f"{words}: {done:,}")
            rows += done if step == self._history.compact or words == "roll up bars" else 0
        context.progress(len(steps), len(steps))
        return Outcome(rows, f"{rows:,} rows taken in and rolled up; journals verified, backed up, reported")

    def backup(self, context: JobContext) -> Outcome:
        """A full backup that was read again and checked; the newest of each hour, then of each day, are kept."""
        return self._back_up(context, is_deep=False)

    def _back_up(self, context: JobContext, *, is_deep: bool) -> Outcome:
        """Hourly the history's kept files are looked for, once a day they are read: they do not change."""
        ensure_private(self._backups)
        file, size = self._books.backup(self._backups)
        context.check()
        files = self._books.verify_backup(file, is_deep=is_deep)
        archives = sorted(self._backups.glob("stockpulse-*.tar.gz"))
        self._books.drop_backups(backups_to_drop(archives, self._clock.now_ns()))
        return Outcome(size, f"{file.name}: {size:,} bytes, {files} files, verified")

    def tail(self, context: JobContext) -> Outcome:
        """What changed since the newest full copy, beside it: a restore comes back to this minute."""
        name, size = self._books.tail(ensure_private(self._backups))
        if not name:
            return Outcome(0, "no full copy to add to yet; the job backup makes it")
        return Outcome(size, f"{name}: {size:,} bytes")

    def prune(self, context: JobContext) -> Outcome:
        """Old ticks go as the settings say, and files nobody needs."""
        dropped = self._history.prune()
        context.check()
        swept = self._history.merge()
        return Outcome(dropped, f"{dropped:,} segments of old ticks dropped, {swept:,} files merged or swept")

    def report(self, context: JobContext) -> Outcome:
        """The session on a page: how it was traded, what the journals say, what history holds."""
        date = context.key[:10]
        lines = [f"# {date}", ""]
        review = self._books.review(date)
        lines += [review or "No engine was running that could tell how the session was traded.", ""]
        lines += ["## Journals", ""]
        checks = self._books.check_journals()
        lines += [f"- {one.world}: {one.entries:,} entries, {one.problem or 'verified'}" for one in checks]
        lines += [] if checks else ["None yet."]
        lines += ["", "## History held", "", *_markdown_table(self._history.held())]
        damaged = self._history.damaged()
        lines += ["", "Damaged: " + "; ".join(damaged) if damaged else "", ""]
        ensure_private(self._reports)
        file = self._reports / f"{date}.md"
        body = "\n".join(lines).rstrip().encode() + b"\n"
        atomic_write(file, body)
        return Outcome(len(body), f"reports/{file.name}")

    def _verify(self) -> int:
        checks = self._books.check_journals()
        broken = [one for one in checks if one.problem]
        if broken:
            raise IntegrityError(
                "; ".join(f"journal of {one.world}: {one.problem}" for one in broken),
                fix="Do not trade on it. Restore a backup: sp restore FILE.",
            )
        return sum(one.entries for one in checks)


def backups_to_drop(files: Sequence[Path], now_ns: int) -> list[Path]:
    """All but the newest of each of the last hours, and the newest of each of the last days. Names carry their time.

    The newest file is never dropped, whatever the clock says.
    """
    kept: dict[tuple[str, int], Path] = {}
    stamped = sorted((stamp, file) for file in files if (stamp := _stamp_of(file)))
    for stamp, file in stamped:
        age = max(0, now_ns // SECOND_NS - stamp)
        if age < HOURLY_KEPT * 3600:
            kept["hour", stamp // 3600] = file
        if age < DAILY_KEPT * 86_400:
            kept["day", stamp // 86_400] = file
    safe = set(kept.values()) | {file for _, file in stamped[-1:]}
    return [file for _, file in stamped if file not in safe]


def _stamp_of(file: Path) -> int:
    text = file.name.removeprefix("stockpulse-").partition(".")[0]
    return int(text) if text.isdigit() else 0


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        return ["Nothing is stored yet."]
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|" + " --- |" * len(rows[0]), *body]
