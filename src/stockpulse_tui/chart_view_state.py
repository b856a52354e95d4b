"""What part of a series a chart shows, and where its cross-hair stands. Pure; prices and bars come in as values."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.money import round_to_tick

SPECS = ("1m", "5m", "15m", "1h", "1d", "1w")
DEFAULT_SPEC = 1
ZOOMS = (1, 2, 4)
RIBBON_BELOW = 100
STUDIES = ("sma 20", "sma 50", "rsi 14")
"""What a new chart shows."""
MAX_STUDIES = 8
_ROWS = 24
"""A step of the cross-hair is the height of the bars in view over so many."""


class ChartState:
    """Bar length, zoom, place, cross-hair, studies."""

    def __init__(self) -> None:
        self.spec_at = DEFAULT_SPEC
        self.zoom = 0
        self.offset = 0
        """How many of the newest bars are out of sight to the right."""
        self.cursor_ts: int | None = None
        self.cursor_price: Decimal | None = None
        self.studies: list[str] = list(STUDIES)
        self.style = "candles"

    @property
    def spec(self) -> str:
        """The bar length shown."""
        return SPECS[self.spec_at]

    def step_spec(self, step: int) -> None:
        """The next or previous bar length; the cross-hair keeps its time."""
        self.choose_spec(SPECS[(self.spec_at + step) % len(SPECS)])

    def choose_spec(self, spec: str) -> bool:
        """A bar length by name; False for one that is not offered."""
        if spec not in SPECS:
            return False
        self.spec_at, self.offset = SPECS.index(spec), 0
        return True

    def step_zoom(self, step: int, width: int) -> None:
        """Wider or narrower bars."""
        now = self.zoom or (1 if width < RIBBON_BELOW else 2)
        self.zoom = ZOOMS[min(max(0, ZOOMS.index(now) + step), len(ZOOMS) - 1)]

    def index(self, bars: Sequence[Bar], index_of: int) -> int | None:
        """The bar under the cross-hair, None without one."""
        return None if self.cursor_ts is None or not bars else min(index_of, len(bars) - 1)

    def go(self, bars: Sequence[Bar], at: int) -> None:
        """Put the cross-hair on a bar, at its close."""
        if bars:
            self.cursor_ts = bars[min(max(0, at), len(bars) - 1)].ts_event
            self.cursor_price = None

    def leave_bar(self) -> None:
        """No cross-hair, the newest bar in view."""
        self.cursor_ts = self.cursor_price = None
        self.offset = 0

    def move_price(self, bars: Sequence[Bar], price: Decimal, step: int, tick: Decimal) -> None:
        """Move the cross-hair's price by about a row of the screen."""
        height = max((bar.high for bar in bars), default=tick) - min((bar.low for bar in bars), default=tick)
        row = max(tick, round_to_tick(height / _ROWS, tick, up=False))
        self.cursor_price = max(tick, round_to_tick(price + row * step, tick, up=step > 0))
        if self.cursor_ts is None and bars:
            self.cursor_ts = bars[-1].ts_event

    def add_study(self, text: str) -> bool:
        """One more study; False when it is there already or there are too many."""
        if text in self.studies or len(self.studies) >= MAX_STUDIES:
            return False
        self.studies.append(text)
        return True
