"""The watchlist's columns and cells: pure functions from values to spans.

Prices stay exact decimals up to the text; ratios (change, spread, place in the range) are drawn from floats, as they
are only looked at: the engine explains the exact value on `?`.
"""

from __future__ import annotations

import msgspec

from stockpulse_engine.render.format import MINUS, NOTHING
from stockpulse_engine.render.span import Span
from stockpulse_tui.widgets.flash import HOT, Flash

HEAT_1, HEAT_2 = 0.6, 1.5
"""Percent of change from which the tint starts, and turns strong."""
SESSION_NS = 23_400 * 1_000_000_000
HALF_DAY_NS = 12_600 * 1_000_000_000
FIRST_SHARE = 0.005
"""Before this share of the day a relative volume says nothing."""
RANGE_MIN = 10
SPARK_WIDTH = 8

Cells = tuple[Span, ...]


class ColumnSpec(msgspec.Struct, frozen=True):
    """A column: its heading, its width with the gap before it, and when it gives way (0 never)."""

    name: str
    width: int
    drop: int = 0
    is_left: bool = False


COLUMNS = (
    ColumnSpec("last", 10),
    ColumnSpec("chg%", 9),
    ColumnSpec("today", 2 + SPARK_WIDTH, 5, is_left=True),
    ColumnSpec("rvol", 6, 3),
    ColumnSpec("bp", 6, 2),
    ColumnSpec("day range", 2 + RANGE_MIN, 1, is_left=True),
)
"""In order; the instrument takes what is left, the day range the slack."""
NAME_MIN, NAME_MAX = 8, 12


def visible_columns(width: int) -> tuple[int, tuple[tuple[ColumnSpec, int], ...]]:
    """Width of the instrument column, and each visible column with its own width, for a pane `width` wide."""
    columns = list(COLUMNS)
    while 1 + NAME_MIN + sum(c.width for c in columns) + 1 > width:
        droppable = [c for c in columns if c.drop]
        if not droppable:
            break
        columns.remove(min(droppable, key=lambda c: c.drop))
    slack = max(0, width - 2 - NAME_MIN - sum(c.width for c in columns))
    has_range = any(c.name == "day range" for c in columns)
    name = NAME_MIN + min(slack, NAME_MAX - NAME_MIN)
    slack -= name - NAME_MIN
    return name, tuple((c, c.width + (slack if has_range and c.name == "day range" else 0)) for c in columns)


def signed(value: float, places: int) -> str:
    """A signed number with a true minus; zero has no sign."""
    text = f"{value:+.{places}f}"
    if text[0] == "-":
        return MINUS + text[1:] if text.strip("-0.") else text[1:]
    return text if text.strip("+0.") else text[1:]


def last_cell(text: str, width: int, bg: str, flash: Flash | None) -> Cells:
    """The last price, bold; after a change only the digits that changed are lit."""
    pad = width - len(text)
    if flash is None or flash.at >= len(text):
        return (Span(" " * pad + text, "strong", bg, bold=True),)
    direction = "up" if flash.is_up else "down"
    if flash.stage == HOT:
        lit = Span(text[flash.at :], "strong", f"{direction}_bg2", bold=True)
    else:
        lit = Span(text[flash.at :], direction, f"{direction}_bg", bold=True)
    return (Span(" " * pad + text[: flash.at], "strong", bg, bold=True), lit)


def change_cell(percent: float | None, text: str, width: int, bg: str) -> Cells:
    """Change against the previous close with its heat; the tint is as wide as the column."""
    if percent is None:
        return (Span(NOTHING.rjust(width), "faint", bg),)
    token = "up" if percent > 0 else "down" if percent < 0 else "text"
    size = abs(percent)
    if size >= HEAT_2:
        return (Span("  ", "text", bg), Span(text.rjust(width - 2), "strong", f"{token}_bg2"))
    if size >= HEAT_1:
        return (Span("  ", "text", bg), Span(text.rjust(width - 2), token, f"{token}_bg"))
    return (Span(text.rjust(width), token, bg),)


def number_cell(text: str, width: int, bg: str, *, is_loud: bool = False) -> Cells:
    """A quiet number; `warn` when a person should look."""
    token = "faint" if text == NOTHING else "warn" if is_loud else "muted"
    return (Span(text.rjust(width), token, bg),)


def range_cell(at: int, is_up: bool, width: int, bg: str) -> Cells:
    """Where the last price stands between the day's low and high; `at` -1 where that is not known."""
    room = width - 2
    if at < 0:
        return (Span("  " + NOTHING.ljust(room), "faint", bg),)
    return (
        Span("  " + "─" * at, "line", bg),
        Span("●", "up" if is_up else "down", bg),
        Span("─" * (room - 1 - at), "line", bg),
    )


def spark_text(values: tuple[float, ...], steps: str) -> str:
    """Today in eight columns, at most six eighths high so that rows stay apart; `steps` are the glyph set's eighths."""
    low, high = min(values), max(values)
    scale = 5 / (high - low) if high > low else 0.0
    return "".join(steps[1 + round((value - low) * scale)] for value in values[-SPARK_WIDTH:]).ljust(SPARK_WIDTH)


def spark_cell(text: str, is_up: bool, width: int, bg: str) -> Cells:
    """The sparkline in the wick tone of the day's sign."""
    if not text:
        return (Span("  " + NOTHING.ljust(width - 2), "faint", bg),)
    return (Span("  ", "text", bg), Span(text, "wick_up" if is_up else "wick_down", bg))


def day_share(left_ns: int, is_half_day: bool) -> float:
    """Share of a usual day's volume that has traded by now, `left_ns` before the close: a U over the session."""
    total = HALF_DAY_NS if is_half_day else SESSION_NS
    x = min(1.0, max(0.0, 1 - left_ns / total))
    return 0.6 * x + 0.2 * ((2 * x - 1) ** 3 + 1)
