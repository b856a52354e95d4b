"""The bars of one instrument and length as a chart knows them: history asked for, live bars joined on. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from stockpulse_engine.domain.market import Bar

MAX_BARS = 10_000
"""Most bars of one series kept, the newest; further history is not asked for then."""


class BarSeries:
    """Bars oldest first, without gaps of our own making."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.version = 0
        """Grows with every change."""
        self.rolled = 0
        """Bars begun since the first load."""
        self.is_asking = False
        self.has_answer = False
        self.is_whole = False
        """Nothing older is to be had."""
        self.problem = ""
        self.is_passing = False
        """Whether the problem may be gone when asked again."""
        self.asked_at = 0
        """Monotonic time of the last question."""

    def take_history(self, bars: Sequence[Bar]) -> bool:
        """Join what was asked for; False when nothing of it was new."""
        before = len(self.bars)
        joined = {bar.ts_event: bar for bar in bars}
        for bar in self.bars:
            other = joined.get(bar.ts_event)
            if other is None or bar.known_at >= other.known_at:
                joined[bar.ts_event] = bar
        self.bars = [joined[ts] for ts in sorted(joined)]
        self.has_answer, self.problem = True, ""
        self.version += 1
        if len(self.bars) >= MAX_BARS:
            self.is_whole = True
        return len(self.bars) > before

    def take_live(self, live: Sequence[Bar]) -> int:
        """Join bars of the stream, newest last; returns how many were begun after the newest known."""
        if not self.bars or not live:
            return 0
        start = bisect_left(live, self.bars[-1].ts_event, key=lambda bar: bar.ts_event)
        new = list(live[start:])
        if not new or (len(new) == 1 and new[0] is self.bars[-1]):
            return 0
        self.version += 1
        if new[0].ts_event == self.bars[-1].ts_event:
            self.bars[-1] = new.pop(0)
        self.bars += new
        del self.bars[:-MAX_BARS]  # a head stands for weeks
        self.rolled += len(new)
        return len(new)

    def index_of(self, ts_ns: int) -> int:
        """The bar a time falls into: the last one that starts at or before it, 0 before all."""
        return max(0, bisect_right(self.bars, ts_ns, key=lambda bar: bar.ts_event) - 1)
