"""The watchlist's columns and cells: pure functions from values to spans.

Prices stay exact decimals up to the text; ratios (change, spread, place in the range) are drawn from floats, as they
are only looked at: the engine explains the exact value on `?`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import structs

from stockpulse_engine.render.format import MINUS, NOTHING
from stockpulse_engine.render.span import Span
from stockpulse_tui.widgets.flash import HOT

HEAT_1, HEAT_2 = 60, 150
"""Hundredths of a percent of change from which the tint starts, and turns strong."""
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
GAP = 2
"""Cells before a column."""
VOLATILE = frozenset({"last", "chg%", "bp", "day range"})
"""Columns that follow every quote."""
TICKED_UP = 2
RVOL_LOUD = 2.0


def visible_columns(width: int, longest: int = 0) -> tuple[int, tuple[tuple[ColumnSpec, int], ...]]:
    """Width of the instrument column, and each visible column with its own width, for a pane `width` wide.

    The prices' column is as wide as the `longest` of them and its gap need.
    """
    columns = list(COLUMNS)
    columns[0] = structs.replace(columns[0], width=max(columns[0].width, longest + 1))
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


def percent_text(hundredths: int | None) -> str:
    """A change as it is shown, from hundredths of a percent."""
    return NOTHING if hundredths is None else signed(hundredths / 100, 2) + "%"


def spread_text(tenths: int | None) -> str:
    """A spread as it is shown, from tenths of a basis point."""
    return NOTHING if tenths is None else f"{tenths / 10:.1f}"


def ratio_text(ratio: float | None) -> str:
    """A relative volume as it is shown."""
    return NOTHING if ratio is None else f"{ratio:.1f}"


def exactly(text: str, width: int) -> str:
    """The number at the right of exactly `width` cells: what is too long for its column loses its decimals."""
    if len(text) > width:
        whole, _, rest = text.partition(".")
        text = whole + rest.lstrip("0123456789")
    return text.rjust(width) if len(text) <= width else text[: width - 1] + "…"


def mark_cell(key: int | Span, bg: str) -> Cells:
    """Before the name: the cursor's own mark, else held or not (`key` by threes) and the last tick."""
    if isinstance(key, Span):
        return (key,)
    held, tick = divmod(key, 3)
    if tick:
        return (Span("▪" if held else "·", "up" if tick == TICKED_UP else "down", bg),)
    return (Span("▪" if held else " ", "muted", bg),)


def name_cell(name: str, is_bold: bool, width: int, bg: str) -> Cells:
    """The instrument; bold when it is held or under the cursor."""
    text = name if len(name) <= width else name[: width - 1] + "…"
    return (Span(text.ljust(width), "strong" if is_bold else "text", bg, bold=is_bold),)


def last_cell(text: str, width: int, bg: str) -> Cells:
    """The last price, bold."""
    return (Span(exactly(text, width), "strong", bg, bold=True),)


def lit_cell(key: tuple[str, int, bool, int], width: int, bg: str) -> Cells:
    """The last price after a change: only the digits that changed are lit."""
    text, at, is_up, stage = key
    if at >= len(text) or len(text) > width:
        return last_cell(text, width, bg)
    direction = "up" if is_up else "down"
    if stage == HOT:
        lit = Span(text[at:], "strong", f"{direction}_bg2", bold=True)
    else:
        lit = Span(text[at:], direction, f"{direction}_bg", bold=True)
    return (Span(" " * (width - len(text)) + text[:at], "strong", bg, bold=True), lit)


def change_cell(hundredths: int | None, width: int, bg: str) -> Cells:
    """Change against the previous close with its heat; the tint is as wide as the column."""
    text = percent_text(hundredths)
    if hundredths is None:
        return (Span(text.rjust(width), "faint", bg),)
    token = "up" if hundredths > 0 else "down" if hundredths < 0 else "text"
    size = abs(hundredths)
    if size >= HEAT_2:
        return (Span("  ", "text", bg), Span(exactly(text, width - GAP), "strong", f"{token}_bg2"))
    if size >= HEAT_1:
        return (Span("  ", "text", bg), Span(exactly(text, width - GAP), token, f"{token}_bg"))
    return (Span(text.rjust(width), token, bg),)


def number_cell(text: str, width: int, bg: str, *, is_loud: bool = False) -> Cells:
    """A quiet number; `warn` when a person should look."""
    token = "faint" if text == NOTHING else "warn" if is_loud else "muted"
    return (Span(exactly(text, width), token, bg),)


def spread_cell(tenths: int | None, width: int, bg: str) -> Cells:
    """The spread in basis points."""
    return number_cell(spread_text(tenths), width, bg)


def volume_cell(key: tuple[str, bool], width: int, bg: str) -> Cells:
    """Relative volume; a large one asks to be looked at."""
    return number_cell(key[0], width, bg, is_loud=key[1])


def range_cell(key: int, width: int, bg: str) -> Cells:
    """Where the last price stands between the day's low and high; `key` is twice the place, plus one on a day up."""
    room = width - GAP
    if key < 0:
        return (Span("  " + NOTHING.ljust(room), "faint", bg),)
    at, is_up = divmod(key, 2)
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


def spark_cell(key: tuple[str, bool], width: int, bg: str) -> Cells:
    """The sparkline in the wick tone of the day's sign."""
    text, is_up = key
    if not text:
        return (Span("  " + NOTHING.ljust(width - GAP), "faint", bg),)
    return (Span("  ", "text", bg), Span(text, "wick_up" if is_up else "wick_down", bg))


def day_share(left_ns: int, is_half_day: bool) -> float:
    """Share of a usual day's volume that has traded by now, `left_ns` before the close: a U over the session."""
    total = HALF_DAY_NS if is_half_day else SESSION_NS
    x = min(1.0, max(0.0, 1 - left_ns / total))
    return 0.6 * x + 0.2 * ((2 * x - 1) ** 3 + 1)


MAKERS: dict[str, Callable[..., Cells]] = {
    "last": last_cell,
    "chg%": change_cell,
    "today": spark_cell,
    "rvol": volume_cell,
    "bp": spread_cell,
    "day range": range_cell,
}
"""Column → its cell from what names it, its width and the background."""
