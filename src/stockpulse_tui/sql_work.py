"""The statement at work: what was asked, what came back, and the way to end it. One for all panes of the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.wire.sql import MAX_ROWS, MAX_SECONDS, SqlRequest, SqlTable, SqlView
from stockpulse_tui.sql_words import Past
from stockpulse_tui.text_edit import TextEdit

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

_SECOND = 1_000_000_000


class SqlWork:
    """One statement at a time; `changed` is called whenever there is something new to show."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self.edit = TextEdit()
        self.past = Past(shell.settings.state.statements)
        self.statement = ""
        """The one that runs, or whose answer is shown."""
        self.answer: SqlTable | None = None
        self.problem: StockPulseError | None = None
        self.was_canceled = False
        self.serial = 0
        """Moves with each answer, refusal and end."""
        self.views: tuple[SqlView, ...] = ()
        self.views_problem: StockPulseError | None = None
        self._call: asyncio.Task[SqlTable] | None = None
        self._since_ns = 0
        self._is_reading_views = False

    @property
    def is_running(self) -> bool:
        """Whether an answer is awaited."""
        return self._call is not None

    @property
    def seconds(self) -> float:
        """How long the statement has been running."""
        return (self._shell.clock.monotonic_ns() - self._since_ns) / _SECOND if self.is_running else 0.0

    def run(self) -> None:
        """Run what the editor holds."""
        text = self.edit.text.strip()
        if self.is_running:
            self._shell.notify_line("a statement is running; Ctrl+C ends it")
        elif not text:
            self._shell.notify_line("there is no statement; Up brings one, F3 lists what can be selected from")
        else:
            self.statement, self.was_canceled = text, False
            self.past.add(text)
            self._shell.settings.save()
            self._since_ns = self._shell.clock.monotonic_ns()
            asked = SqlRequest(statement=text, limit=MAX_ROWS, seconds=MAX_SECONDS)
            self._call = spawn(self._shell.link.commands.run_sql(asked), name="sql")
            self._shell.in_background(self._wait(self._call))
            self._changed()

    def cancel(self) -> None:
        """End the statement that runs."""
        if self._call is None:
            self._shell.notify_line("nothing is running")
        else:
            self.was_canceled = True
            self._call.cancel()

    async def _wait(self, call: asyncio.Task[SqlTable]) -> None:
        try:
            await asyncio.wait((call,))
        except asyncio.CancelledError:  # the head leaves
            call.cancel()
            raise
        self._call = None
        self.answer = self.problem = None
        if not call.cancelled():
            error = call.exception()
            if error is None:
                self.answer = call.result()
            elif isinstance(error, StockPulseError):
                self.problem = error
            else:
                raise error
        self.serial += 1
        self._changed()

    def read_views(self) -> None:
        """Ask what can be selected from."""
        if not self._is_reading_views:
            self._is_reading_views = True
            self._shell.in_background(self._read_views())

    async def _read_views(self) -> None:
        try:
            self.views, self.views_problem = tuple(await self._shell.link.commands.sql_views()), None
        except StockPulseError as error:
            self.views_problem = error
        finally:
            self._is_reading_views = False
        self._changed()
