"""A drill as its screen knows it: a child process whose progress lines are read, or the last report."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.wire.drill import (
    FAULTS,
    DrillBegan,
    DrillEvent,
    DrillFault,
    DrillLine,
    DrillReport,
    DrillRow,
    EventTold,
    FaultBegan,
    FaultEnded,
    FaultResult,
    RowsTold,
    decode_line,
)

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

COMMAND: Sequence[str] = (sys.executable, "-m", "stockpulse_engine.cli", "drill", "--json")
MAX_LINE = 4 * 1024 * 1024
MAX_EVENTS = 200
STOPPED = 130
"""Its exit code when it was told to end."""
END_S = 20.0
"""How long a drill that was told to end may take to clear up."""


class DrillFeed:
    """Starts, reads and ends a drill; `changed` is called whenever there is something new to show."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self._child: asyncio.subprocess.Process | None = None
        self.faults: tuple[DrillFault, ...] = ()
        self.results: dict[int, FaultResult] = {}
        self.running = 0
        """Number of the fault that runs; 0 while none does."""
        self.events: list[DrillEvent] = []
        self.rows: tuple[DrillRow, ...] = ()
        self.report: DrillReport | None = None
        self.began: DrillBegan | None = None
        self.is_on = False
        self.problem = ""
        self.started_ns = self.fault_ns = 0
        """Monotonic times at which the drill and its running fault began."""

    @property
    def shown(self) -> tuple[DrillFault, ...]:
        """The faults of the drill that runs, else those of the last report, else all there are."""
        if self.faults or self.report is None:
            return self.faults or FAULTS
        return tuple(
            DrillFault(number=one.number, name=one.name, title=one.title, words=one.done) for one in self.report.results
        )

    def read_last(self) -> None:
        """Show the newest report, when no drill runs."""
        if self.is_on:
            return
        report = newest_report(resolve_paths().drills)
        if report is not None:
            self._take(report)
        self._changed()

    def start(self, faults: Sequence[str] = ()) -> None:
        """Begin a drill of these faults, or of all."""
        if self.is_on:
            self._shell.notify_line("a drill runs already", "warn")
            return
        self.is_on, self.problem = True, ""
        self.faults, self.results, self.running = (), {}, 0
        self.events, self.rows, self.report, self.began = [], (), None, None
        self.started_ns = self._shell.clock.monotonic_ns()
        self._shell.status.is_drilling = True
        self._shell.in_background(self._run([*COMMAND, *(word for name in faults for word in ("--fault", name))]))
        self._shell.notify_line("the drill begins: a throw-away home, a simulated broker, the real engine")
        self._tell_all()

    def stop(self) -> None:
        """Ask the running drill to end."""
        if self._child is None:
            self._shell.notify_line("no drill runs", "info")
            return
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)
        self._shell.notify_line("the drill is told to end")

    async def _run(self, command: Sequence[str]) -> None:
        try:
            await self._read_child(command)
        except OSError as error:
            self.problem = f"The drill could not be started: {error.strerror}"
        finally:
            self.is_on, self.running, self._child = False, 0, None
            self._shell.status.is_drilling = False
        if self.report is None and not self.problem:
            self.problem = "The drill was ended before its report."
        self._tell_all()

    async def _read_child(self, command: Sequence[str]) -> None:
        pipe = asyncio.subprocess.PIPE
        self._child = child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, limit=MAX_LINE, start_new_session=True
        )
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            async for line in child.stdout:
                self._take_line(line)
            words = (await child.stderr.read()).decode("utf-8", "replace").strip()
            if await child.wait() not in (0, STOPPED) and self.report is None and words:
                self.problem = words.splitlines()[-1][:300]
        finally:
            if child.returncode is None:
                await _end(child)

    def _take_line(self, line: bytes) -> None:
        try:
            told = decode_line(line)
        except msgspec.DecodeError:
            return  # a line of another version: the report decides
        self._take(told)
        self._changed()

    def _take(self, told: DrillLine) -> None:
        match told:
            case DrillBegan():
                self.began, self.faults = told, told.faults
            case FaultBegan(number=number):
                self.running, self.events, self.rows = number, [], ()
                self.fault_ns = self._shell.clock.monotonic_ns()
            case EventTold(event=event):
                self.events = [*self.events[-MAX_EVENTS:], event]
            case RowsTold(rows=rows):
                self.rows = rows
            case FaultEnded(result=result):
                self.results[result.number] = result
            case DrillReport():
                self.report, self.running = told, 0
                self.results = {one.number: one for one in told.results}

    def _tell_all(self) -> None:
        self._shell.shell_screen.header.redraw()
        self._changed()


async def _end(child: asyncio.subprocess.Process) -> None:
    """The head leaves: the drill clears up, or is killed."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()


def newest_report(directory: Path) -> DrillReport | None:
    """The newest report that can be read; None without one."""
    for path in sorted(directory.glob("drill-*.json"), reverse=True):
        try:
            return msgspec.json.decode(path.read_bytes(), type=DrillReport)
        except (OSError, msgspec.DecodeError):
            continue
    return None
