"""Frames are joined while a hand-out waits, and a head that leaves hands out nothing more."""

from __future__ import annotations

import asyncio

from stockpulse_tui.pace import Pace


class Hand:
    """Counts hand-outs; `call_after` keeps what was planned."""

    def __init__(self) -> None:
        self.count = 0
        self.is_leaving = False
        self.planned: list[asyncio.TimerHandle] = []
        self.pace = Pace(self._later, self._work, lambda: self.is_leaving)

    def _later(self, delay: float, work: object) -> asyncio.TimerHandle:
        assert callable(work)
        handle = asyncio.get_running_loop().call_later(delay, work)
        self.planned.append(handle)
        return handle

    def _work(self) -> None:
        self.count += 1


async def test_the_first_is_handed_out_at_once_and_the_rest_join() -> None:
    hand = Hand()
    for _ in range(5):
        hand.pace.ask()
    assert (hand.count, len(hand.planned)) == (1, 1)


async def test_a_head_that_leaves_hands_out_nothing_more() -> None:
    hand = Hand()
    hand.pace.ask()
    hand.pace.ask()
    hand.is_leaving = True
    hand.pace._go()
    hand.pace.ask()
    assert hand.count == 1
    hand.planned[0].cancel()
