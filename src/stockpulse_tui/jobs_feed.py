"""What the panes of the jobs screen share: the jobs, the chosen one, its log, and what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.client.jobs import job_log, jobs
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.jobs import JobLog, JobsView, JobView

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

EVERY_S, BUSY_S = 5, 1
"""How often the jobs are read while they are looked at; more often while one works."""
LINES = 400


class JobsFeed:
    """Reads while the screen is in sight; `changed` is called whenever there is something new to show."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self.view: JobsView | None = None
        self.problem = ""
        self.chosen = ""
        self.log: JobLog | None = None
        self.log_problem = ""
        self._seconds = 0
        self._is_asking = False
        self._serial = 0

    @property
    def job(self) -> JobView | None:
        """The chosen one."""
        return next((one for one in self.view.jobs if one.name == self.chosen), None) if self.view else None

    @property
    def now_ns(self) -> int:
        """Wall time: jobs are due by the world's clock, whatever the market's is."""
        return self._shell.clock.now_ns()

    def each_second(self) -> None:
        """Read again when it is time to."""
        self._seconds += 1
        is_busy = self.view is not None and any(one.state == "running" for one in self.view.jobs)
        if self._seconds >= (BUSY_S if is_busy else EVERY_S):
            self.ask()

    def ask(self) -> None:
        """Read the jobs, and the log of the chosen one."""
        self._seconds = 0
        if not self._is_asking:
            self._is_asking = True
            self._shell.in_background(self._read())

    def choose(self, name: str) -> None:
        """Another job's log is wanted."""
        if name != self.chosen:
            self.chosen, self.log, self.log_problem = name, None, ""
            self._shell.in_background(self._read_log())
            self._changed()

    async def _read(self) -> None:
        try:
            self.view = await self._shell.link.commands.send(jobs())
        except StockPulseError as error:
            self.problem = str(error)
        else:
            self.problem = ""
            if not self.chosen and self.view.jobs:
                self.chosen = self.view.jobs[0].name
        finally:
            self._is_asking = False
        self._changed()
        await self._read_log()

    async def _read_log(self) -> None:
        self._serial += 1
        serial, name = self._serial, self.chosen
        if not name:
            return
        try:
            log = await self._shell.link.commands.send(job_log(name, LINES))
        except StockPulseError as error:
            if serial == self._serial:
                self.log_problem = str(error)
        else:
            if serial == self._serial:
                self.log, self.log_problem = log, ""
        if serial == self._serial:
            self._changed()
