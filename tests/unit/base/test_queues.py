"""A full queue does what its policy says, and says so."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.queues import BoundedQueue, Overflow, QueueClosedError, QueueFullError
from stockpulse_engine.base.tasks import spawn


async def test_items_come_out_in_order() -> None:
    queue = BoundedQueue[int](3, Overflow.REFUSE)
    for item in (1, 2, 3):
        assert queue.put(item)
    assert [await queue.get(), await queue.get()] == [1, 2]
    assert await queue.get_batch(10) == [3]


async def test_a_refusing_queue_loses_nothing() -> None:
    queue = BoundedQueue[int](1, Overflow.REFUSE)
    queue.put(1)
    with pytest.raises(QueueFullError):
        queue.put(2)
    assert (len(queue), queue.dropped) == (1, 0)


async def test_dropping_the_oldest_keeps_the_newest() -> None:
    queue = BoundedQueue[int](2, Overflow.DROP_OLDEST)
    assert [queue.put(item) for item in (1, 2, 3)] == [True, True, False]
    assert await queue.get_batch(9) == [2, 3]
    assert queue.dropped == 1


async def test_dropping_the_newest_keeps_the_oldest() -> None:
    queue = BoundedQueue[int](2, Overflow.DROP_NEWEST)
    assert [queue.put(item) for item in (1, 2, 3)] == [True, True, False]
    assert await queue.get_batch(9) == [1, 2]


async def test_what_is_there_can_be_taken_without_waiting() -> None:
    queue: BoundedQueue[int] = BoundedQueue(5, Overflow.REFUSE)
    assert queue.take(3) == []
    for item in range(4):
        queue.put(item)
    assert (queue.take(3), queue.take(3)) == ([0, 1, 2], [3])


async def test_a_waiting_reader_wakes_for_an_item_and_for_the_end() -> None:
    queue = BoundedQueue[str](4, Overflow.REFUSE)
    reader = spawn(queue.get(), name="reader")
    await asyncio.sleep(0)
    queue.put("news")
    assert await reader == "news"
    reader = spawn(queue.get(), name="reader")
    await asyncio.sleep(0)
    queue.close()
    with pytest.raises(QueueClosedError):
        await reader


async def test_a_closed_queue_is_read_out_and_takes_no_more() -> None:
    queue = BoundedQueue[int](2, Overflow.DROP_OLDEST)
    queue.put(1)
    queue.close()
    with pytest.raises(QueueClosedError):
        queue.put(2)
    assert await queue.get() == 1
    with pytest.raises(QueueClosedError):
        await queue.get()


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        BoundedQueue[int](0, Overflow.REFUSE)


@given(st.lists(st.integers()), st.integers(1, 5), st.sampled_from([Overflow.DROP_OLDEST, Overflow.DROP_NEWEST]))
def test_what_was_put_is_either_held_or_counted_as_dropped(items: list[int], limit: int, policy: Overflow) -> None:
    queue = BoundedQueue[int](limit, policy)
    for item in items:
        queue.put(item)
    assert len(queue) <= limit
    assert len(queue) + queue.dropped == len(items)
