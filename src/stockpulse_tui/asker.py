"""Requests about orders that must happen once: cancel, change, send what was staged.

The key of a request is minted once per intent. While the answer is awaited a second press does nothing; after a lost
answer the same request is repeated under the same key, so that the engine can tell it from a new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

from stockpulse_engine.base.ids import IdFactory, new_id
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.render.format import format_age

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

MAX_KEPT = 256
"""Requests without an answer that are remembered; the oldest go first."""

Request = Callable[[str], Awaitable[Any]]
"""Makes the request under the key it is given."""


class Asker:
    """Asks the engine and says in words what came of it."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None], ids: IdFactory = new_id) -> None:
        self._shell = shell
        self._changed = changed
        self._ids = ids
        self._keys: dict[Hashable, str] = {}
        self._asking: set[Hashable] = set()

    def is_asking(self, intent: Hashable) -> bool:
        """Whether an answer is awaited."""
        return intent in self._asking

    def ask(self, intent: Hashable, request: Request, done: str = "", then: Callable[[], None] | None = None) -> bool:
        """Ask once. `intent` says what is meant, like `("cancel", order)`; False while its answer is awaited."""
        if intent in self._asking:
            self._shell.notify_line("asked already; the answer is awaited", "info")
            return False
        key = self._keys.setdefault(intent, self._ids())
        while len(self._keys) > MAX_KEPT:
            self._keys.pop(next(iter(self._keys)))
        self._asking.add(intent)
        self._shell.in_background(self._run(intent, partial(request, key), done, then), is_intent=True)
        self._changed()
        return True

    async def _run(
        self, intent: Hashable, request: Callable[[], Awaitable[Any]], done: str, then: Callable[[], None] | None
    ) -> None:
        try:
            await request()
        except UnavailableError as error:
            self._shell.notify_line(f"no answer: {error} The same key asks again, and it still happens once.", "danger")
        except StockPulseError as error:
            self._keys.pop(intent, None)
            self._shell.notify_line(str(error), "danger")
        else:
            self._keys.pop(intent, None)
            if done:
                self._shell.notify_line(done)
            if then is not None:
                then()
        finally:
            self._asking.discard(intent)
            self._changed()


def why_not(shell: StockPulseApp) -> str:
    """Why nothing can be sent now, in words; "" when it can."""
    lost = shell.status.lost_ns()
    if shell.live.before:
        return f"the engine is starting, {shell.status.words}: nothing was sent"
    if lost >= 0:
        return f"the engine has not answered for {format_age(lost)}: nothing was sent"
    if shell.status.header().is_read_only:
        return "this head is read-only: nothing was sent"
    return ""
