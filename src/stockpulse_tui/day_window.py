"""Which bars show an order of the day: long enough for arrival and fills together, with market on both sides. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import DayOrder

SPECS = (BarSpec(1, "m"), BarSpec(5, "m"), BarSpec(15, "m"), BarSpec(1, "h"), BarSpec(1, "d"))
LEAST_AROUND = 8
"""Bars wanted before the arrival and after the last fill."""


class Window(msgspec.Struct, frozen=True):
    """`count` bars of a length that end at `end_ns`; the order lies within `first_ns` … `last_ns`."""

    spec: BarSpec
    count: int
    end_ns: int
    first_ns: int
    last_ns: int


def window_of(day: DayOrder, room: int) -> Window:
    """The shortest bars of which `room` columns hold the order; the order is in their middle."""
    order = day.order
    moments = [order.created_at, *(fill.ts_event for fill in day.fills)]
    if not day.fills:
        moments.append(order.updated_at)
    first, last = min(moments), max(moments)
    spec = next((s for s in SPECS if _bars(s, first, last) + 2 * LEAST_AROUND <= room), SPECS[-1])
    after = max(LEAST_AROUND, (room - _bars(spec, first, last)) // 2)
    return Window(spec, room, last + after * spec.duration_ns, first, last)


def _bars(spec: BarSpec, first: int, last: int) -> int:
    return (last - first) // spec.duration_ns + 1


def in_room(bars: Sequence[Bar], window: Window, room: int) -> Sequence[Bar]:
    """As many of the bars as fit, the order in their middle; its end where not all of it fits."""
    if len(bars) <= room:
        return bars
    starts = [bar.ts_event for bar in bars]
    begin = max(0, bisect_right(starts, window.first_ns) - 1)
    end = max(begin + 1, bisect_left(starts, window.last_ns + 1))
    left = begin - (room - (end - begin)) // 2 if end - begin <= room else end - room
    left = max(0, min(left, len(bars) - room))
    return bars[left : left + room]
