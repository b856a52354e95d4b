"""Work beside the screen: kept while it runs, heard when it fails, ended in order when the head leaves.

A task here runs its coroutine itself, with nothing around it: canceled before its first step it ends as quietly as at
any later one. (A framework's worker would drop the coroutine it was given, and Python would say so over the prompt.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from stockpulse_engine.base.tasks import spawn

Work = Coroutine[Any, Any, None]
GRACE_S = 3.0
"""How long canceled work may take to end before the head leaves without it."""


class Background:
    """Every task of one head, oldest first. `call_next` runs a function in the application's own turn."""

    def __init__(self, call_next: Callable[[Callable[[], None]], None]) -> None:
        self._call_next = call_next
        self._tasks: dict[asyncio.Task[None], bool] = {}
        """Each with whether it is an intent."""
        self._is_over = False

    def start(self, work: Work, *, is_intent: bool = False) -> None:
        """Begin. An intent asks the engine to change something: a head that leaves waits for its answer."""
        if self._is_over:
            work.close()
            return
        task = spawn(work, name=getattr(work, "__qualname__", "work"))
        self._tasks[task] = is_intent
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._call_next(lambda: _fail(error))

    @property
    def intents(self) -> list[asyncio.Task[None]]:
        """What was asked of the engine and is not answered yet."""
        return [task for task, is_intent in self._tasks.items() if is_intent]

    async def finish_intents(self, seconds: float) -> None:
        """Wait until every intent has its answer, those too that an answer begins; at most so long."""
        try:
            async with asyncio.timeout(seconds):
                while intents := self.intents:
                    await asyncio.wait(intents)
                    await asyncio.sleep(0)  # their callbacks take them off the list
        except TimeoutError:
            return

    async def end(self) -> None:
        """Cancel the newest first and wait for each, so that the link, on which all depend, goes last.

        From then on nothing begins any more.
        """
        self._is_over = True
        try:
            async with asyncio.timeout(GRACE_S):
                for task in reversed(tuple(self._tasks)):
                    task.cancel()
                    await asyncio.wait((task,))
        except TimeoutError:
            for task in self._tasks:
                task.cancel()


def _fail(error: BaseException) -> None:
    """In the application's turn what work throws ends the program with a trace, as a bug should."""
    raise error
