"""Batch jobs for the API: looked at here, done in processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.lock import Holder
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import ConflictError, UnavailableError
from stockpulse_engine.domain.jobs import JobLog, JobStarted, JobsView

if TYPE_CHECKING:
    from stockpulse_engine.jobs.runner import JobRunner

_TAIL_BYTES = 256 * 1024
_NICE = 10
"""Jobs let trading go first."""


class JobsDesk:
    """Implements the API's JobsPort over one home. Reading happens in a thread: the loop belongs to the market."""

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock
        self._made: JobRunner | None = None
        self._making = threading.Lock()

    async def view(self) -> JobsView:
        """All jobs, and the day they are on."""
        return await asyncio.to_thread(self._view)

    async def log(self, job: str, limit: int) -> JobLog:
        """The last lines a job wrote."""
        return await asyncio.to_thread(self._log, job, limit)

    async def run(self, job: str, *, is_again: bool) -> JobStarted:
        """Start `sp jobs run`; it holds the job's lock itself, so that a crontab beside it does no harm."""
        return await asyncio.to_thread(self._run, job, is_again=is_again)

    async def stop(self, job: str) -> JobStarted:
        """Ask whoever works on it to stop."""
        return await asyncio.to_thread(self._stop, job)

    def _runner(self) -> JobRunner:
        with self._making:
            if self._made is None:
                from stockpulse_engine.bootstrap.jobs import job_runner

                self._made = job_runner(self._paths)
            return self._made

    def _view(self) -> JobsView:
        from stockpulse_engine.jobs.watch import look_at
        from stockpulse_engine.marketdata.calendar import load_calendar

        return look_at(self._runner(), load_calendar("XNYS"), self._clock.now_ns())

    def _log(self, job: str, limit: int) -> JobLog:
        runner = self._runner()
        runner.job(job)
        file = runner.log_file(job)
        try:
            with file.open("rb") as lines:
                lines.seek(max(0, file.stat().st_size - _TAIL_BYTES))
                text = lines.read().decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        return JobLog(job=job, lines=tuple(clean_line(line) for line in text.splitlines()[-limit:]))

    def _run(self, job: str, *, is_again: bool) -> JobStarted:
        runner = self._runner()
        known = runner.job(job)
        holder = runner.holder(job)
        if holder is not None:
            raise _runs(job, holder)
        words = ["jobs", "run", job]
        if not runner.missed(known):
            last = runner.runs(job, limit=1)
            if not is_again or not last:
                raise ConflictError(f"Nothing is due of {job}.", fix="Ask for it again to do its newest run once more.")
            words += ["--key", last[0].key, "--again"]
        return JobStarted(job=job, pid=self._spawn(words))

    def _stop(self, job: str) -> JobStarted:
        runner = self._runner()
        runner.job(job)
        holder = runner.holder(job)
        if holder is None or not holder.pid:
            raise ConflictError(f"{job} does not run.", fix="`sp jobs status` shows the last runs.")
        try:
            os.kill(holder.pid, signal.SIGTERM)
        except ProcessLookupError:
            raise ConflictError(f"{job} has just ended.", fix="`sp jobs status` shows how.") from None
        return JobStarted(job=job, pid=holder.pid)

    def _spawn(self, words: list[str]) -> int:
        home = self._paths.data.parent
        is_one_place = self._paths.data == home / "data" and self._paths.state == home / "state"
        environment = {**os.environ, "STOCKPULSE_HOME": str(home)} if is_one_place else dict(os.environ)
        try:
            child = subprocess.Popen(
                [sys.executable, "-m", "stockpulse_engine.cli", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"The job can not be started: {error.strerror}.", fix="Run `sp doctor`.") from None
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
        threading.Thread(target=child.wait, name="job", daemon=True).start()  # so that none stays a zombie
        return child.pid


def _runs(job: str, holder: Holder) -> ConflictError:
    return ConflictError(f"{job} runs already, in process {holder.pid}.", fix="Wait for it, or stop it.")
