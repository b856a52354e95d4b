"""Which bars of a chart are in view, and in which column each stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.render.chartdata import ChartData

ZOOMS = (1, 2, 4)
_RIBBON_BELOW = 100
"""Panes narrower than this draw one column per bar unless told otherwise."""
_AHEAD_SHARE = 4
"""At most one column in so many is left for bars to come."""


class ChartView(msgspec.Struct, frozen=True):
    """The bars `start` … `end` drawn `step` columns apart from column `shift` of a plot `width` wide.

    To the right of the newest there is room for `ahead` bars to come.
    """

    bars: tuple[Bar, ...]
    start: int
    step: int
    shift: int
    width: int
    ahead: int = 0

    @property
    def body_width(self) -> int:
        """Columns of a candle's body: 1, 1 or 3."""
        return 3 if self.step == 4 else 1

    def column(self, index: int) -> int:
        """The middle column of the bar at `index` of the whole series."""
        return self.shift + (index - self.start) * self.step + self.body_width // 2

    def values(self, known: Sequence[float], ahead: Sequence[float]) -> list[float]:
        """Values of the bars in view, then those of the bars to come that have room."""
        return [*known[self.start : self.start + len(self.bars)], *ahead[: self.ahead]]

    def outside_hours(self) -> list[int]:
        """The columns of bars before and after regular hours, with the gaps between them."""
        width = self.width
        return [
            x
            for i, bar in enumerate(self.bars)
            if bar.hours
            for x in range(self.shift + i * self.step, min(width, self.shift + (i + 1) * self.step))
        ]

    def contains(self, index: int) -> bool:
        """Whether that bar is in view."""
        return self.start <= index < self.start + len(self.bars)

    def index_at(self, ts_ns: int) -> int | None:
        """The bar in view a time falls into, None when it is out of view."""
        if not self.bars or ts_ns < self.bars[0].ts_event:
            return None
        at = bisect_right(self.bars, ts_ns, key=lambda bar: bar.ts_event) - 1
        if at == len(self.bars) - 1 and ts_ns > max(
            self.bars[at].known_at, self.bars[at].ts_event + self.bars[at].spec.duration_ns
        ):
            return None
        return self.start + at


def chart_view(data: ChartData, plot_width: int, pane_width: int) -> ChartView:
    """The window the data asks for, moved where needed so that the cross-hair is inside."""
    step = data.zoom if data.zoom in ZOOMS else (1 if pane_width < _RIBBON_BELOW else 2)
    room = max(1, plot_width // step)
    ahead = min(data.ahead, room // _AHEAD_SHARE)
    start, end = _window(data, room - ahead)
    if end < len(data.bars):  # what comes after the last one in view is no bar to come
        ahead, (start, end) = 0, _window(data, room)
    bars = tuple(data.bars[start:end])
    return ChartView(bars, start, step, plot_width - (len(bars) + ahead) * step, plot_width, ahead)


def _window(data: ChartData, room: int) -> tuple[int, int]:
    end = max(min(len(data.bars), room), len(data.bars) - max(0, data.offset))
    start = max(0, end - room)
    if data.cursor is not None:
        cursor = min(max(0, data.cursor), len(data.bars) - 1)
        start = min(max(start, cursor - room + 1), cursor) if len(data.bars) else 0
        end = min(len(data.bars), start + room)
    return start, end
