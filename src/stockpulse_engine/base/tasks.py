"""Supervised tasks: a dead one is restarted, or its part is visibly gone. Nothing else may start a task."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from stockpulse_engine.base.retry import Backoff

T = TypeVar("T")
Work = Coroutine[Any, Any, T]
OnChange = Callable[[str, str, str], None]
"""Called with a part's name, its new state and a detail for people."""
OnError = Callable[[str, BaseException], None]

OK, LATE, GONE, OFF = "ok", "late", "gone", "off"
"""Running; failed and waiting to restart; given up; ended or stopped as intended."""


class TooManyTasksError(Exception):
    """The bound on one-shot tasks is reached: something makes them faster than they end."""


@dataclass(frozen=True)
class RestartPolicy:
    """Restart after `backoff`; `failures` within `window_s` make the part gone."""

    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.05, limit_s=5.0))
    failures: int = 6
    window_s: float = 60.0


@dataclass(frozen=True)
class PartState:
    """State of one supervised part: ok, late, gone or off, how often it was restarted, and why last."""

    name: str
    state: str
    restarts: int = 0
    detail: str = ""


def spawn(work: Work[T], *, name: str) -> asyncio.Task[T]:
    """Start a task. The caller keeps the reference and awaits or cancels it."""
    return asyncio.get_running_loop().create_task(work, name=name)


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work on a thread. Canceled, it still waits for that thread: nothing is used after it was closed."""
    task = spawn(asyncio.to_thread(work), name="thread")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        task.exception()  # nobody else will ask for it
        raise


class Supervisor:
    """Starts named parts in order, restarts what dies, stops in reverse order.

    `on_change` hears of every change of state; `on_error` gets the exception behind a failure.
    """

    def __init__(
        self,
        on_change: OnChange,
        *,
        on_error: OnError | None = None,
        policy: RestartPolicy | None = None,
        rng: Random | None = None,
        max_spawned: int = 1024,
    ) -> None:
        self._on_change = on_change
        self._on_error = on_error
        self._policy = policy or RestartPolicy()
        self._rng = rng or Random()
        self._max_spawned = max_spawned
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, PartState] = {}
        self._spawned: set[asyncio.Task[Any]] = set()

    def start(
        self,
        name: str,
        make_work: Callable[[], Work[None]],
        restart: bool = True,
        *,
        policy: RestartPolicy | None = None,
    ) -> None:
        """Start a part. With `restart`, ending is a failure too: a part that should run does not end.

        Raises:
            ValueError: a part of that name is running.
        """
        running = self._tasks.get(name)
        if running is not None and not running.done():
            raise ValueError(f"{name} is already running")
        self._set(name, OK)
        self._tasks.pop(name, None)  # a restarted name moves to the end of the stop order
        run = (
            self._keep_running(name, make_work, policy or self._policy) if restart else self._run_once(name, make_work)
        )
        self._tasks[name] = spawn(run, name=name)

    def spawn(self, work: Work[T], *, name: str) -> asyncio.Task[T]:
        """Start a one-shot. Its failure reaches `on_error`; it is canceled at stop.

        Raises:
            TooManyTasksError: `max_spawned` one-shots are running.
        """
        if len(self._spawned) >= self._max_spawned:
            work.close()
            raise TooManyTasksError(name)
        task = spawn(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._forget)
        return task

    async def stop_part(self, name: str, grace_s: float = 5.0) -> None:
        """Stop one part and wait for its end, at most `grace_s`."""
        task = self._tasks.pop(name, None)
        if task is not None:
            is_over = await _cancel(task, grace_s)
            self._set(name, OFF if is_over else GONE, "" if is_over else f"did not end within {grace_s:g} s")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Stop one-shots, then the parts in reverse order of their start, each given `grace_s`."""
        for task in tuple(self._spawned):
            await _cancel(task, grace_s)
        for name in reversed(tuple(self._tasks)):
            await self.stop_part(name, grace_s)

    def states(self) -> dict[str, PartState]:
        """State of every part ever started, in order of first start."""
        return dict(self._states)

    @property
    def is_degraded(self) -> bool:
        """Whether some part is late or gone."""
        return any(part.state in (LATE, GONE) for part in self._states.values())

    async def _run_once(self, name: str, make_work: Callable[[], Work[None]]) -> None:
        failure = await self._attempt(name, make_work)
        self._set(name, OFF if failure is None else GONE, failure or "")

    async def _keep_running(self, name: str, make_work: Callable[[], Work[None]], policy: RestartPolicy) -> None:
        loop = asyncio.get_running_loop()
        failed_at: deque[float] = deque(maxlen=policy.failures)
        while True:
            failure = await self._attempt(name, make_work) or "ended on its own"
            failed_at.append(loop.time())
            while failed_at[-1] - failed_at[0] > policy.window_s:
                failed_at.popleft()
            if len(failed_at) >= policy.failures:
                self._set(name, GONE, failure)
                return
            self._set(name, LATE, failure)
            await asyncio.sleep(policy.backoff.delay(len(failed_at), self._rng))
            self._set(name, OK, failure, restarted=True)

    async def _attempt(self, name: str, make_work: Callable[[], Work[None]]) -> str | None:
        """Run to the end; None when it ended well, else what went wrong in one line."""
        try:
            await make_work()
        except Exception as error:  # noqa: BLE001 - supervision is the one place that outlives every failure
            if self._on_error is not None:
                self._on_error(name, error)
            return f"{type(error).__name__}: {error}"[:200]
        return None

    def _set(self, name: str, state: str, detail: str = "", *, restarted: bool = False) -> None:
        before = self._states.get(name)
        restarts = (before.restarts if before else 0) + restarted
        self._states[name] = PartState(name, state, restarts, detail)
        if before is None or (before.state, before.detail) != (state, detail):
            self._on_change(name, state, detail)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._spawned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._on_error is not None:
            self._on_error(task.get_name(), error)


async def _cancel(task: asyncio.Task[Any], grace_s: float) -> bool:
    """Cancel and wait; False when the task is still running after `grace_s`."""
    if task is asyncio.current_task():
        return True  # a part that stops the whole cannot wait for itself
    task.cancel()
    await asyncio.wait((task,), timeout=grace_s)
    return task.done()
