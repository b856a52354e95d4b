"""Candles: both ends exact to an eighth of a row, the body never lost, wicks in the darker tone."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.render.candles import (
    BACKGROUND,
    BODY,
    WICK,
    Candle,
    CellPlan,
    draw_candle,
    place_candle,
    plan_cell,
    plan_wide,
)
from stockpulse_engine.render.canvas import Canvas
from stockpulse_engine.render.glyphs import ASCII, FULL
from stockpulse_engine.render.span import to_plain

places = st.lists(st.integers(0, 8), min_size=4, max_size=4).map(sorted)


def shown(plan: CellPlan) -> list[int]:
    """The eighths of a planned cell from the top down."""
    if plan.filled < 0:
        return [BODY if i in (3, 4) else plan.back for i in range(8)]
    return [plan.back] * (8 - plan.filled) + [plan.front] * plan.filled


def truth(wick_top: int, body_top: int, body_bottom: int, wick_bottom: int) -> list[int]:
    return [
        BODY if body_top <= i < body_bottom else WICK if wick_top <= i < wick_bottom else BACKGROUND for i in range(8)
    ]


@given(places)
def test_two_zones_are_exact(cut: list[int]) -> None:
    wanted = truth(*cut)
    zones = 1 + sum(a != b for a, b in itertools.pairwise(wanted))
    if zones <= 2:
        assert shown(plan_cell(*cut)) == wanted


@given(places)
def test_body_is_never_lost_nor_invented(cut: list[int]) -> None:
    assert (BODY in shown(plan_cell(*cut))) == (BODY in truth(*cut))


@given(places)
def test_wide_bodies_look_the_same_in_every_column(cut: list[int]) -> None:
    side, middle = plan_wide(*cut, is_middle=False), plan_wide(*cut, is_middle=True)
    if cut[1] < cut[2]:
        assert [k == BODY for k in shown(side)] == [k == BODY for k in shown(middle)]


def test_of_three_zones_the_smaller_wick_goes() -> None:
    assert plan_cell(1, 4, 8, 8) == CellPlan(4, BODY, WICK)
    assert plan_cell(3, 4, 8, 8) == CellPlan(4, BODY, BACKGROUND)


def test_thin_body_amid_its_wick_is_a_heavy_line() -> None:
    assert plan_cell(0, 4, 5, 8) == CellPlan(-1, BODY, WICK)


def test_flat_bar_still_has_a_body() -> None:
    candle = place_candle((1.0, 1.0, 1.0, 1.0), height=4, is_up=True)
    assert candle == Candle(8, 8, 9, 9, is_up=True)
    assert place_candle((4.0, 4.0, 4.0, 4.0), height=4, is_up=True).body_top == 31


def test_candle_is_drawn_in_tokens_of_its_direction() -> None:
    canvas = Canvas(1, 3)
    draw_candle(canvas, 0, Candle(4, 12, 20, 24, is_up=False), body_width=1, glyphs=FULL)
    assert to_plain(canvas.lines()) == "▄\n▄\n▄"
    assert [style[:2] for (style,) in canvas.styles] == [
        ("wick_down", "panel"),
        ("down", "wick_down"),
        ("wick_down", "down"),
    ]


def test_wide_candle_has_its_wick_in_the_middle() -> None:
    canvas = Canvas(3, 3)
    draw_candle(canvas, 0, Candle(0, 8, 16, 24, is_up=True), body_width=3, glyphs=FULL)
    assert [style[1] for style in canvas.styles[0]] == ["panel", "wick_up", "panel"]
    assert [style[1] for style in canvas.styles[1]] == ["up", "up", "up"]


def test_ascii_has_bars_and_colons() -> None:
    canvas = Canvas(1, 3)
    draw_candle(canvas, 0, Candle(0, 8, 16, 24, is_up=True), body_width=1, glyphs=ASCII)
    assert to_plain(canvas.lines()) == ":\n|\n:"
