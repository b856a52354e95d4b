"""Work that is done only as long as somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError

T = TypeVar("T")


async def while_present(receive: Callable[[], Awaitable[Any]], work: Coroutine[Any, Any, T]) -> T:
    """Do `work`; cancel it when the connection behind `receive` ends first.

    Raises:
        UnavailableError: nobody is there to hear the answer.
    """
    doing = spawn(work, name="answer")
    watching = spawn(_until_gone(receive), name="presence")
    try:
        await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise UnavailableError("Whoever asked has left.")
        return doing.result()
    finally:
        for task in (doing, watching):
            task.cancel()
        await asyncio.wait((doing, watching))
        if not doing.cancelled():
            doing.exception()  # it was raised above, or nobody will ask for it


async def _until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
