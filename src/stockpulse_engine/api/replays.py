"""Mutations happen once: the same key and body get the same answer, another body is a conflict (R07).

Orders are deduplicated durably by the order service; this memory covers requests it does not know.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from stockpulse_engine.domain.errors import ConflictError
from stockpulse_engine.wire import codec

T = TypeVar("T")
MAX_KEPT = 1024


class Replays:
    """The last answers by route and key; one that is still being made is waited for."""

    def __init__(self, *, limit: int = MAX_KEPT) -> None:
        self._limit = limit
        self._answers: OrderedDict[tuple[str, str], tuple[bytes, asyncio.Future[Any]]] = OrderedDict()

    async def once(self, route: str, request_id: str, body: object, act: Callable[[], Awaitable[T]]) -> T:
        """Run `act` for a new key; give its earlier answer for a known one.

        A request that failed is forgotten, so that it may be tried again under the same key.

        Raises:
            ConflictError: the key came before with another body.
        """
        key = (route, request_id)
        digest = codec.encode(body)
        known = self._answers.get(key)
        if known is not None:
            if known[0] != digest:
                raise ConflictError(f"{request_id[:40]} was used for another request.", fix="Use a new request_id.")
            answer: T = await asyncio.shield(known[1])
            return answer
        return await self._act(key, digest, act)

    async def _act(self, key: tuple[str, str], digest: bytes, act: Callable[[], Awaitable[T]]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._answers[key] = (digest, future)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)
        try:
            answer = await act()
        except BaseException as error:
            self._answers.pop(key, None)
            if isinstance(error, Exception):
                future.set_exception(error)
                future.exception()  # those who wait raise it themselves; alone it is no news to the loop
            else:
                future.cancel()
            raise
        future.set_result(answer)
        return answer
