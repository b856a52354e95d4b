"""The watchlist's columns and cells: pure functions from values to spans."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.market import Quote
from stockpulse_engine.render.format import NOTHING, format_number
from stockpulse_engine.render.span import Span
from stockpulse_tui.widgets.flash import HOT, WARM, Flash

HEAT_1, HEAT_2 = Decimal("0.6"), Decimal("1.5")
"""Percent of change from which the tint starts, and turns strong."""
SESSION_NS = 23_400 * 1_000_000_000
HALF_DAY_NS = 12_600 * 1_000_000_000
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
    assert flash.stage in (HOT, WARM)
    return (Span(" " * pad + text[: flash.at], "strong", bg, bold=True), lit)


def change_cell(percent: Decimal | None, width: int, bg: str) -> Cells:
    """Change against the previous close with its heat; the tint is as wide as the column."""
    if percent is None:
        return (Span(NOTHING.rjust(width), "faint", bg),)
    text = format_number(percent, 2, signed=True) + "%"
    gap, own = " " * 2, text.rjust(width - 2)
    size, token = abs(percent), "up" if percent > 0 else "down" if percent < 0 else "text"
    if size >= HEAT_2:
        return (Span(gap, "text", bg), Span(own, "strong", f"{token}_bg2"))
    if size >= HEAT_1:
        return (Span(gap, "text", bg), Span(own, token, f"{token}_bg"))
    return (Span(gap + own, token, bg),)


def spread_bp(quote: Quote) -> Decimal | None:
    """Spread in basis points of the middle; None when a side is missing or the quote is crossed."""
    if not quote.bid_size or not quote.ask_size or quote.ask < quote.bid:
        return None
    middle = quote.ask + quote.bid
    return (quote.ask - quote.bid) * 20_000 / middle if middle else None


def number_cell(value: Decimal | None, width: int, bg: str, *, loud_above: Decimal | None = None) -> Cells:
    """A quiet number with one decimal; `warn` when above the usual."""
    if value is None:
        return (Span(NOTHING.rjust(width), "faint", bg),)
    token = "warn" if loud_above is not None and value >= loud_above else "muted"
    return (Span(format_number(value, 1).rjust(width), token, bg),)


def range_cell(place: float | None, is_up: bool, width: int, bg: str) -> Cells:
    """Where the last price stands between the day's low and high."""
    room = width - 2
    if place is None:
        return (Span("  " + NOTHING.ljust(room), "faint", bg),)
    at = min(room - 1, max(0, round(place * (room - 1))))
    return (
        Span("  " + "─" * at, "line", bg),
        Span("●", "up" if is_up else "down", bg),
        Span("─" * (room - 1 - at), "line", bg),
    )


def day_share(left_ns: int, is_half_day: bool) -> float:
    """Share of a usual day's volume that has traded by now, `left_ns` before the close: a U over the session."""
    total = HALF_DAY_NS if is_half_day else SESSION_NS
    x = min(1.0, max(0.0, 1 - left_ns / total))
    return 0.6 * x + 0.2 * ((2 * x - 1) ** 3 + 1)


def relative_volume(volume: Decimal | None, daily: Decimal, share: float) -> Decimal | None:
    """Volume so far over what is usual by now; None without a volume, a usual one, or in the first minutes."""
    if volume is None or daily <= 0 or share < 0.005:
        return None
    return volume / (daily * Decimal(share))


def spark_cell(values: tuple[float, ...], is_up: bool, bg: str, steps: str) -> Cells:
    """Today in eight columns, at most six eighths high so that rows stay apart; `steps` are the glyph set's eighths."""
    if len(values) < 2:
        return (Span("  " + NOTHING.ljust(SPARK_WIDTH), "faint", bg),)
    low, high = min(values), max(values)
    scale = 5 / (high - low) if high > low else 0.0
    text = "".join(steps[1 + round((value - low) * scale)] for value in values[-SPARK_WIDTH:])
    return (Span("  ", "text", bg), Span(text.ljust(SPARK_WIDTH), "wick_up" if is_up else "wick_down", bg))
