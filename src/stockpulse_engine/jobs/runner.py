"""Running jobs: missed runs first, one row and one outcome each, canceled cleanly, never twice.

What a job does is a function of a `JobContext`; what it needs (stores, an engine's client) is bound into that function
by the composition root, so that this page knows neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.lock import Holder
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import NotFoundError, StockPulseError
from stockpulse_engine.jobs.runs import CANCELED, DIED, DONE, FAILED, AlreadyDoneError, Run, RunStore
from stockpulse_engine.jobs.schedule import MINUTE_NS, CatchUp, Due, Schedule, wanted

LOOK_BACK_NS = 31 * 86_400 * 1_000_000_000
"""How far back missed runs are looked for, but never before a job's first run."""
MAX_RETRY_MINUTES = 60
TELL_NS = 300_000_000
"""How often a run's progress is written at most."""
EXIT_FAILED = 1
EXIT_CANCELED = 130


class Outcome(msgspec.Struct, frozen=True):
    """What a run changed (in the job's own unit) and what to say about it."""

    wrote: int
    detail: str


class CanceledError(Exception):
    """Raised inside a job by `JobContext.check` when somebody wants it to stop."""


class JobContext:
    """What a job gets: which run it is, a place to say how far it is, and a question to ask often."""

    def __init__(self, due: Due, log: Callable[[str], None], on_progress: Callable[[int, int, str], None]) -> None:
        self.key = due.key
        self.due_ns = due.at_ns
        self._log = log
        self._on_progress = on_progress
        self._stop = threading.Event()

    def say(self, line: str) -> None:
        """One line for the log."""
        self._log(clean_line(line))

    def progress(self, done: int, total: int, what: str = "") -> None:
        """How far it is, for whoever watches; asks `check` as well."""
        self.check()
        self._on_progress(done, total, what)

    def cancel(self) -> None:
        """Ask the job to stop at its next safe place; callable from a signal handler."""
        self._stop.set()

    @property
    def is_canceled(self) -> bool:
        """Whether somebody wants it to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise CanceledError when the job shall stop. Jobs call it where stopping leaves nothing half done."""
        if self._stop.is_set():
            raise CanceledError


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job: its name, what it is for, when it is due, and the function that does it."""

    name: str
    about: str
    unit: str
    """What `wrote` counts: rows, files, bytes."""
    schedule: Schedule
    catch_up: CatchUp
    work: Callable[[JobContext], Outcome]


class JobRunner:
    """Runs jobs by name. `on_progress(done, total, what)` and `on_start(context)` are for a terminal."""

    def __init__(
        self,
        jobs: Sequence[Job],
        runs: RunStore,
        logs: Path,
        clock: Clock,
        *,
        on_progress: Callable[[int, int, str], None] = lambda *_: None,
        on_start: Callable[[JobContext], None] = lambda _: None,
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._runs = runs
        self._logs = logs
        self._clock = clock
        self._on_progress = on_progress
        self._on_start = on_start

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them, in the order they were given."""
        return tuple(self._jobs.values())

    def job(self, name: str) -> Job:
        """One by its name; raises NotFoundError that names the others."""
        found = self._jobs.get(name)
        if found is None:
            raise NotFoundError(f"There is no job {name[:40]!r}.", fix=f"The jobs are {', '.join(self._jobs)}.")
        return found

    def missed(self, job: Job) -> tuple[Due, ...]:
        """Runs that are due and not done, as the job's policy wants them made up for.

        A job that never ran has missed nothing from before its home was there: only its newest run is due.
        """
        now = self._clock.now_ns()
        first = self._runs.first_due(job.name)
        policy = CatchUp.LATEST if first is None else job.catch_up
        due = wanted(job.schedule, policy, after_ns=max(now - LOOK_BACK_NS, (first or 0) - 1), now_ns=now)
        done = self._runs.done_among(job.name, [one.key for one in due])
        return tuple(one for one in due if one.key not in done)

    def run_missed(self, name: str, *, is_patient: bool = False) -> tuple[Run, ...]:
        """Do everything that is due; nothing due is no error. Stops at the first run that is not DONE.

        With `is_patient` (a timer asks, every minute) what failed waits for its `retry_at`.
        """
        ended: list[Run] = []
        for due in self.missed(self.job(name)):
            earlier = self._runs.run(name, due.key) if is_patient else None
            if earlier is not None and not 0 <= retry_at(earlier) <= self._clock.now_ns():
                break
            try:
                ended.append(self.run(name, due))
            except AlreadyDoneError:  # another process did it between our look and our try
                continue
            if ended[-1].state != DONE:
                break
        return tuple(ended)

    def run_key(self, name: str, key: str, *, again: bool = False) -> Run:
        """Do one run by its key, whenever it was due."""
        return self.run(name, Due(key, self._clock.now_ns()), again=again)

    def run(self, name: str, due: Due, *, again: bool = False) -> Run:
        """Do one run and return its row; a failure is in the row, not raised.

        Raises:
            ConflictError: the job is worked on by another process.
            AlreadyDoneError: this run is done, and `again` was not asked for.
        """
        job = self.job(name)
        run, lock = self._runs.begin(name, due.key, due.at_ns, again=again)
        context = JobContext(due, lambda line: self._log(name, due.key, line), self._telling(run))
        self._on_start(context)
        context.say("begins")
        try:
            outcome = job.work(context)
        except CanceledError:
            return self._runs.end(
                run, lock, state=CANCELED, wrote=0, detail="Canceled.", fix=_again(name, due), exit_code=EXIT_CANCELED
            )
        except StockPulseError as error:
            context.say(f"failed: {error.message}")
            return self._runs.end(
                run, lock, state=FAILED, wrote=0, detail=error.message, fix=error.fix, exit_code=EXIT_FAILED
            )
        except OSError as error:
            words = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
            context.say(f"failed: {words}")
            return self._runs.end(
                run, lock, state=FAILED, wrote=0, detail=words, fix="Check that place.", exit_code=EXIT_FAILED
            )
        except BaseException as error:
            context.say(f"failed: {type(error).__name__}: {error}")
            self._runs.end(
                run,
                lock,
                state=FAILED,
                wrote=0,
                detail=f"{type(error).__name__}: {error}",
                fix=f"sp jobs log {name}",
                exit_code=EXIT_FAILED,
            )
            raise
        context.say(f"done: {outcome.detail}")
        return self._runs.end(run, lock, state=DONE, wrote=outcome.wrote, detail=outcome.detail, fix="", exit_code=0)

    def _telling(self, run: Run) -> Callable[[int, int, str], None]:
        """Progress goes to whoever started it, and now and then to the table, for everybody else."""
        told_at = 0

        def tell(done: int, total: int, what: str) -> None:
            nonlocal told_at
            self._on_progress(done, total, what)
            now = self._clock.monotonic_ns()
            if not told_at or now - told_at >= TELL_NS:
                told_at = now
                self._runs.progress(run, done, total, what)

        return tell

    def holder(self, name: str) -> Holder | None:
        """The process that works on a job now."""
        return self._runs.holder(name)

    def runs(self, name: str = "", *, limit: int = 100) -> tuple[Run, ...]:
        """The newest runs, newest first; of every job when none is named."""
        return self._runs.runs(name, limit=limit)

    def at_once(self) -> AbstractContextManager[None]:
        """Questions asked inside are answered from one connection."""
        return self._runs.at_once()

    def spans(self, name: str, since_ns: int) -> list[tuple[int, int, str, str]]:
        """Start, end, state and key of a job's runs since a moment, oldest first."""
        return self._runs.spans(name, since_ns)

    def first_due(self, name: str) -> int | None:
        """When the oldest run we know of was due."""
        return self._runs.first_due(name)

    def log_file(self, name: str) -> Path:
        """Where a job's lines go."""
        return self._logs / f"job-{name}.log"

    def _log(self, name: str, key: str, line: str) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        file = self.log_file(name)
        if file.exists() and file.stat().st_size > _LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        with file.open("a", encoding="utf-8") as out:
            out.write(f"{_stamp(self._clock.now_ns())} {key} {line}\n")


def retry_at(run: Run) -> int:
    """When a timer tries a run again that failed or died: later each time; 0 at once, -1 never by itself."""
    if run.state == CANCELED:  # a person wanted it to stop
        return -1
    if run.state not in {FAILED, DIED}:
        return 0
    minutes = min(MAX_RETRY_MINUTES, 1 << min(run.tries, MAX_RETRY_MINUTES))
    return (run.ended_ns or run.started_ns) + minutes * MINUTE_NS


_LOG_BYTES = 4_000_000


def _again(name: str, due: Due) -> str:
    return f"sp jobs run {name} --key {due.key}"


def _stamp(ns: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(ns / 1e9, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
