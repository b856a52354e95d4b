"""A queue that has a bound and says what happens at it."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(Enum):
    """What a full queue does with one more item."""

    REFUSE = "refuse"
    """Raise QueueFullError: for what must not be lost."""
    DROP_OLDEST = "drop_oldest"
    """Make room: for values of which only the newest matter."""
    DROP_NEWEST = "drop_newest"
    """Leave the queue as it is: for what is best read in full or not at all."""


class QueueFullError(Exception):
    """A queue that refuses is full."""


class QueueClosedError(Exception):
    """The queue was closed and everything in it has been read."""


class BoundedQueue(Generic[T]):
    """At most `limit` items between one loop's producers and its reader."""

    def __init__(self, limit: int, overflow: Overflow) -> None:
        if limit < 1:
            raise ValueError("a queue needs room for one item")
        self.limit = limit
        self.overflow = overflow
        self.dropped = 0
        """How many items the policy threw away so far."""
        self._items: deque[T] = deque()
        self._ready = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """Add an item without waiting; False when the policy dropped one for it.

        Raises:
            QueueFullError: the queue is full and its policy is REFUSE.
            QueueClosedError: the queue was closed.
        """
        if self._is_closed:
            raise QueueClosedError
        kept_all = len(self._items) < self.limit or self._make_room()
        if kept_all or self.overflow is Overflow.DROP_OLDEST:
            self._items.append(item)
            self._ready.set()
        return kept_all

    async def get(self) -> T:
        """The oldest item, waiting for one; raises QueueClosedError after the last."""
        return (await self.get_batch(1))[0]

    async def get_batch(self, limit: int) -> list[T]:
        """All items there are, at most `limit`, waiting for the first; raises QueueClosedError after the last."""
        while not self._items:
            if self._is_closed:
                raise QueueClosedError
            self._ready.clear()
            await self._ready.wait()
        return self.take(limit)

    def take(self, limit: int) -> list[T]:
        """All items there are now, at most `limit`, without waiting."""
        return [self._items.popleft() for _ in range(min(limit, len(self._items)))]

    def close(self) -> None:
        """Take no more; readers get what is left, then QueueClosedError."""
        self._is_closed = True
        self._ready.set()

    def _make_room(self) -> bool:
        if self.overflow is Overflow.REFUSE:
            raise QueueFullError
        self.dropped += 1
        if self.overflow is Overflow.DROP_OLDEST:
            self._items.popleft()
        return False
