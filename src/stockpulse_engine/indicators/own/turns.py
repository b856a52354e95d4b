"""ZigZag: straight lines between turns of a given size. They move with the newest bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from stockpulse_engine.indicators.own.lines import Line, Step, Values, price
from stockpulse_engine.indicators.own.study import OVERLAP, choice, own, real

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_HIGH_LOW = 1


class _Swing(msgspec.Struct, frozen=True):
    """The first bar's prices, the side (0 while unknown), the extreme and where it was, turns at highs and at lows."""

    first: tuple[float, float]
    side: int = 0
    extreme: float = 0.0
    at: int = 0
    turns: tuple[int, int] = (0, 0)


_Turn = tuple[int, float, int]
"""Bar, price, +1 for a high or -1 for a low."""


class ZigZag:
    """Straight lines between turns of at least so many percent; the last one ends at the newest bar and may move.

    What it draws over the past is known only afterwards, so nothing may be decided by it; the stream tells the end of
    the last line, which is the bar's own price.
    """

    width = 3

    def __init__(self, percent: float, high: Line, low: Line) -> None:
        self.inputs = (high, low)
        self._threshold = percent / 100

    def start(self, columns: Sequence[FloatArray]) -> tuple[Sequence[FloatArray], Step]:
        """The lines over whole columns."""
        import numpy as np

        highs, lows = (column.tolist() for column in columns)
        state: _Swing | None = None
        turns: list[_Turn] = []
        for at, (high, low) in enumerate(zip(highs, lows, strict=True)):
            state, turn = _swing(state, at, (high, low), self._threshold)
            turns += [turn] if turn is not None else []
        lines = [np.full(len(highs), math.nan) for _ in range(3)]
        if state is not None and state.side:
            end = (len(highs) - 1, (highs if state.side > 0 else lows)[-1])
            _draw(lines, turns, end, state.side)
        return lines, _SwingStep(state, len(highs), self._threshold)


def _draw(lines: list[FloatArray], turns: list[_Turn], end: tuple[int, float], side: int) -> None:
    """The zigzag from its first turn on, and the lines through the highs and through the lows."""
    _join(lines[0], [*((at, value) for at, value, _ in turns), end])
    for line, sign in ((lines[1], 1), (lines[2], -1)):
        ends = [(at, value) for at, value, kind in turns if kind == sign]
        ends += [end] if side == sign else []
        if len(ends) > 1:
            _join(line, ends)


def _join(line: FloatArray, points: list[tuple[int, float]]) -> None:
    import numpy as np

    places = [at for at, _ in points]
    between = np.arange(places[0], places[-1] + 1)
    line[places[0] : places[-1] + 1] = np.interp(between, places, [value for _, value in points])


def _swing(state: _Swing | None, at: int, bar: tuple[float, float], threshold: float) -> tuple[_Swing, _Turn | None]:
    """The state after a bar (its high and low), and the turn it confirmed."""
    if state is None:
        return _Swing(bar), None
    if not state.side:
        return _first_side(state, at, bar, threshold), None
    forward, backward = bar if state.side > 0 else (bar[1], bar[0])
    if (forward - state.extreme) * state.side >= 0:
        return replace(state, extreme=forward, at=at), None
    if state.extreme and (state.extreme - backward) * state.side / state.extreme >= threshold:
        highs, lows = state.turns
        turns = (highs + 1, lows) if state.side > 0 else (highs, lows + 1)
        turn = (state.at, state.extreme, state.side)
        return replace(state, side=-state.side, extreme=backward, at=at, turns=turns), turn
    return state, None


def _first_side(state: _Swing, at: int, bar: tuple[float, float], threshold: float) -> _Swing:
    first_high, first_low = state.first
    up = (bar[0] - first_low) / first_low if first_low else 0.0
    down = (first_high - bar[1]) / first_high if first_high else 0.0
    if up >= threshold and up > down:
        return replace(state, side=1, extreme=bar[0], at=at)
    if down >= threshold and down > up:
        return replace(state, side=-1, extreme=bar[1], at=at)
    return state


class _SwingStep:
    """Tells the ends of the lines at the newest bar."""

    def __init__(self, state: _Swing | None, at: int, threshold: float) -> None:
        self._state = state
        self._at = at
        self._threshold = threshold

    def take(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * 3
        self._state = self._moved(values)
        self._at += 1
        return _ends(self._state, values)

    def peek(self, values: Sequence[float]) -> Values:
        if not all(map(math.isfinite, values)):
            return (math.nan,) * 3
        return _ends(self._moved(values), values)

    def _moved(self, values: Sequence[float]) -> _Swing:
        return _swing(self._state, self._at, (values[0], values[1]), self._threshold)[0]


def _ends(state: _Swing, bar: Sequence[float]) -> Values:
    if not state.side:
        return (math.nan,) * 3
    highs, lows = state.turns
    end = bar[0] if state.side > 0 else bar[1]
    return end, end if state.side > 0 and highs else math.nan, end if state.side < 0 and lows else math.nan


def _zigzag(percent: float, ends: int) -> Sequence[Line]:
    return _zigzag_lines(percent, ends)[:1]


def _zigzag_trends(percent: float, ends: int) -> Sequence[Line]:
    return _zigzag_lines(percent, ends)[1:]


def _zigzag_lines(percent: float, ends: int) -> list[Line]:
    high, low = (price("high"), price("low")) if ends == _HIGH_LOW else (price("close"), price("close"))
    node = ZigZag(percent, high, low)
    return [Line(node, i) for i in range(3)]


_ENDS = (real("percent", 5, 0.01, 99), choice("ends", "close", "highlow"))

STUDIES = (
    own("ZIGZAG", "ZigZag", "high low close", "real", _zigzag, group=OVERLAP, is_overlay=True, repaints=True,
        parameters=_ENDS),
    own("ZIGZAGTRENDS", "Lines through the ZigZag's Highs and Lows", "high low close", "highs lows", _zigzag_trends,
        group=OVERLAP, is_overlay=True, repaints=True, tones=(0, 1), parameters=_ENDS),
)  # fmt: skip
