"""Candles from eighth blocks: the body in the full hue, the wick as a darker tone behind it.

A cell holds two colours and one boundary, exact to an eighth of its height, so both ends of body and wick are
exact wherever a cell has at most two zones. With three the body wins and the smaller other zone goes; a thin
body in the middle of a cell is drawn as a heavy line.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from stockpulse_engine.render.canvas import CANDLE, Canvas
from stockpulse_engine.render.glyphs import Glyphs

BACKGROUND, WICK, BODY = range(3)
_UNITS = 8
_COST = {
    (BACKGROUND, WICK): 1,
    (WICK, BACKGROUND): 1,
    (BACKGROUND, BODY): 2,
    (WICK, BODY): 2,
    (BODY, BACKGROUND): 3,
    (BODY, WICK): 3,
}
"""What it costs to show one eighth of the first kind as the second."""

_HEAVY_LINE = (3, 4)
"""The eighths from the top that `━` covers."""


class CellPlan(msgspec.Struct, frozen=True):
    """How to draw a cell: `filled` eighths from below in `front`, the rest in `back`; -1 is the heavy line."""

    filled: int
    front: int
    back: int


class Candle(msgspec.Struct, frozen=True):
    """One bar in eighths of a row from the top of the pane: `top <= body_top < body_bottom <= bottom`."""

    top: int
    body_top: int
    body_bottom: int
    bottom: int
    is_up: bool


@lru_cache(maxsize=8192)
def plan_cell(wick_top: int, body_top: int, body_bottom: int, wick_bottom: int) -> CellPlan:
    """The best picture of one cell, given where in it (0 … 8 from the top) wick and body lie."""
    truth = [
        BODY if body_top <= i < body_bottom else WICK if wick_top <= i < wick_bottom else BACKGROUND
        for i in range(_UNITS)
    ]
    kinds = sorted(set(truth))
    best, plan = 10_000, CellPlan(0, BACKGROUND, BACKGROUND)
    for filled in range(_UNITS + 1):
        for back in kinds:
            for front in kinds:
                cost = _cost(truth, [back] * (_UNITS - filled) + [front] * filled)
                if cost < best:
                    best, plan = cost, CellPlan(filled, front, back)
    if BODY in kinds:
        plan = _with_line(truth, kinds, best, plan)
    return plan


def _cost(truth: list[int], shown: list[int]) -> int:
    if BODY in truth and BODY not in shown:
        return 1000
    return sum(_COST[a, b] for a, b in zip(truth, shown, strict=True) if a != b)


def _with_line(truth: list[int], kinds: list[int], best: int, plan: CellPlan) -> CellPlan:
    """The heavy line instead, where it is nearer to the truth."""
    for back in kinds:
        shown = [BODY if i in _HEAVY_LINE else back for i in range(_UNITS)]
        if back != BODY and _cost(truth, shown) < best:
            best, plan = _cost(truth, shown), CellPlan(-1, BODY, back)
    return plan


@lru_cache(maxsize=8192)
def plan_wide(wick_top: int, body_top: int, body_bottom: int, wick_bottom: int, *, is_middle: bool) -> CellPlan:
    """A cell of a body several columns wide: the body looks the same in each, the middle one shows the wick too."""
    if body_top == body_bottom:
        return plan_cell(wick_top, body_top, body_bottom, wick_bottom)
    plan = plan_cell(body_top, body_top, body_bottom, body_bottom)
    wick = (body_top - wick_top) + (wick_bottom - body_bottom)
    rest = _UNITS - (body_bottom - body_top)
    if not is_middle or wick * 2 <= rest:
        return plan
    front, back = (WICK if kind == BACKGROUND else kind for kind in (plan.front, plan.back))
    return CellPlan(plan.filled, front, back)


def place_candle(prices: tuple[float, float, float, float], *, height: float, is_up: bool) -> Candle:
    """A candle from the rows (from the top, with fractions) of its high, body top, body bottom and low."""
    limit = int(height * _UNITS)
    high, upper, lower, low = (min(limit, max(0, round(place * _UNITS))) for place in prices)
    if upper == lower:
        upper, lower = (upper, lower + 1) if lower < limit else (upper - 1, lower)
    return Candle(min(high, upper), upper, lower, max(low, lower), is_up)


def draw_candle(canvas: Canvas, x: int, candle: Candle, *, body_width: int, glyphs: Glyphs) -> None:
    """Draw a candle whose body starts at column `x`; the wick stands in its middle column."""
    middle = x + body_width // 2
    for row in range(candle.top // _UNITS, (candle.bottom - 1) // _UNITS + 1):
        cut = _cut(candle, row)
        for column in range(x, x + body_width):
            if column != middle and cut[1] == cut[2]:
                continue
            plan = plan_cell(*cut) if body_width == 1 else plan_wide(*cut, is_middle=column == middle)
            _draw_cell(canvas, (column, row), plan, candle.is_up, glyphs)


def _cut(candle: Candle, row: int) -> tuple[int, int, int, int]:
    """The candle's four places within one row, 0 … 8."""
    base = row * _UNITS
    top, upper, lower, bottom = (
        min(_UNITS, max(0, place - base)) for place in (candle.top, candle.body_top, candle.body_bottom, candle.bottom)
    )
    return top, upper, lower, bottom


_TOKENS = {True: ("panel", "wick_up", "up"), False: ("panel", "wick_down", "down")}


def _draw_cell(canvas: Canvas, place: tuple[int, int], plan: CellPlan, is_up: bool, glyphs: Glyphs) -> None:
    tokens = _TOKENS[is_up]
    if not glyphs.has_blocks:
        if plan != _NOTHING:
            shown = (
                {plan.back} if plan.filled == 0 else {plan.front} if plan.filled == _UNITS else {plan.front, plan.back}
            )
            canvas.put(*place, "|" if BODY in shown else ":", (tokens[BODY], "panel", False), CANDLE)
        return
    if plan.filled < 0:
        canvas.put(*place, glyphs.thick, (tokens[plan.front], tokens[plan.back], False), CANDLE)
    elif plan.filled in (0, _UNITS):
        kind = plan.back if plan.filled == 0 else plan.front
        if kind != BACKGROUND:
            canvas.put(*place, " ", (tokens[kind], tokens[kind], False), CANDLE)
    else:
        char = glyphs.eighths_up[plan.filled]
        canvas.put(*place, char, (tokens[plan.front], tokens[plan.back], False), CANDLE)


_NOTHING = CellPlan(0, BACKGROUND, BACKGROUND)
