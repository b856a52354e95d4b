"""The equity curve: bounded, with the fall from the running peak at each point."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.views import EquityPoint

MAX_POINTS = 2_000
FIRST_GAP_NS = 1_000_000_000
"""Closest two points may lie at first; doubled each time the curve is thinned."""


class CurveState(msgspec.Struct, frozen=True):
    """A curve as a value, to be kept between two runs."""

    points: tuple[EquityPoint, ...]
    gap_ns: int
    peak: Decimal
    deposits: Decimal


class EquityCurve:
    """Points in time order. When full, every second point goes and the gap between new ones doubles.

    Deposits and withdrawals move the peak with them, so that taking money out is no drawdown.
    """

    def __init__(self) -> None:
        self._points: list[EquityPoint] = []
        self._gap_ns = FIRST_GAP_NS
        self._peak = ZERO
        self._deposits = ZERO

    @property
    def points(self) -> tuple[EquityPoint, ...]:
        """Every point, oldest first, at most MAX_POINTS."""
        return tuple(self._points)

    def peak(self, deposits: Decimal) -> Decimal:
        """The highest equity so far, moved with what was paid in and out up to now; what was paid in without points."""
        return self._peak + deposits - self._deposits

    def is_due(self, ts_event: int) -> bool:
        """Whether a point at this market time would be a new one."""
        return not self._points or ts_event >= self._points[-1].ts_event + self._gap_ns

    def add(self, ts_event: int, equity: Decimal, deposits: Decimal) -> None:
        """Add a point, or replace the last one when it is closer than the gap; time never goes back."""
        if self._points and ts_event < self._points[-1].ts_event:
            return
        self._peak = max(equity, self._peak + deposits - self._deposits)
        self._deposits = deposits
        drawdown = round(equity / self._peak - 1, 6) if self._peak > 0 else ZERO
        point = EquityPoint(ts_event, equity, drawdown)
        if self.is_due(ts_event):
            self._points.append(point)
        else:
            # The start of the gap is kept as the point's time, or fills in quick succession would never make a new one.
            self._points[-1] = EquityPoint(self._points[-1].ts_event, equity, drawdown)
        if len(self._points) > MAX_POINTS:
            self._points = self._points[:-1:2] + self._points[-1:]
            self._gap_ns *= 2

    def dump(self) -> CurveState:
        """The whole curve as a value."""
        return CurveState(self.points, self._gap_ns, self._peak, self._deposits)

    def take_up(self, state: CurveState, now_ns: int) -> None:
        """Go on from an earlier run; of the points made since its end those that are later stay.

        A state that ends in the future is of another life of this market, and is left alone.
        """
        if not state.points or state.points[-1].ts_event > now_ns:
            return
        newer = [point for point in self._points if point.ts_event > state.points[-1].ts_event]
        deposits = self._deposits
        self._points, self._gap_ns = list(state.points), state.gap_ns
        self._peak, self._deposits = state.peak, state.deposits
        for point in newer:
            self.add(point.ts_event, point.equity, deposits)
