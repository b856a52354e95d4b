"""What the first screen is made of: candles that fade into the past, the name, and where each part lies.

Standard library only: the splash paints the same cells before anything else is loaded, so that nothing jumps.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

TAGLINE = "The trading desk in your terminal."
WIDE = 76
"""Cells of the middle column."""
NAME_ROWS, NAME_CELLS = 3, 39
_FADES = {
    "up": (("up_bg", "up_bg"), ("vol_up", "up_bg"), ("wick_up", "vol_up"), ("up", "wick_up")),
    "down": (("down_bg", "down_bg"), ("vol_down", "down_bg"), ("wick_down", "vol_down"), ("down", "wick_down")),
}
"""Body and wick, oldest first."""
_HALVES = {"##": "█", "# ": "▀", " #": "▄", "  ": " "}
_S = ("###", "#  ", "###", "  #", "###")
_LETTERS = (
    _S,
    ("###", " # ", " # ", " # ", " # "),
    ("###", "# #", "# #", "# #", "###"),
    ("###", "#  ", "#  ", "#  ", "###"),
    ("# #", "# #", "## ", "# #", "# #"),
    ("###", "# #", "###", "#  ", "#  "),
    ("# #", "# #", "# #", "# #", "###"),
    ("#  ", "#  ", "#  ", "#  ", "###"),
    _S,
    ("###", "#  ", "###", "#  ", "###"),
)


class Cell(NamedTuple):
    """One cell of the sky: a character and the tokens of its two halves, "" for the ground."""

    character: str
    fg: str = ""
    bg: str = ""


class Places(NamedTuple):
    """First rows of the parts, the left edge of the middle column, and how high sky and cards are."""

    left: int
    width: int
    sky: int
    name: int
    cards: int
    card_rows: int
    card_gap: int
    foot: int


def has_demo() -> bool:
    """Whether this installation can tell its story."""
    return Path(__file__).with_name("demo").joinpath("__main__.py").exists()


def count_cards() -> int:
    """How many cards the welcome has: a market made here, recorded days, and the story where there is one."""
    return 2 + has_demo()


def places(width: int, height: int, cards: int) -> Places:
    """Where everything lies on a terminal of this size; the last row is left to the health line."""
    own = min(WIDE, width - 4)
    is_large = height >= 34
    card_rows, gap = (4, 1) if is_large else (2, 1 if height >= 28 else 0)
    below = cards * card_rows + (cards - 1) * gap
    rest = 1 + NAME_ROWS + 1 + below + 1 + 4
    sky = max(2, min(14, height - 3 - rest))
    name = 2 + sky
    top = name + NAME_ROWS + 1
    return Places((width - own) // 2, own, sky, name, top, card_rows, gap, top + below + 1)


def sky(width: int, rows: int) -> list[list[Cell]]:
    """Candles over the whole width, two columns each, faint at the left and full at the right."""
    halves = rows * 2
    grid: list[list[str]] = [[""] * width for _ in range(halves)]
    count, before = width // 2, _height(0.0)
    for place in range(count):
        age = place / count
        after = _height((place + 1) / count)
        top, bottom = sorted((round(before * (halves - 1)), round(after * (halves - 1))))
        body, wick = _FADES["up" if after <= before else "down"][min(3, int(age * 4))]
        over, under = (place * 7) % 3, (place * 5) % 3
        for row in range(max(0, top - over), min(halves, bottom + under + 1)):
            grid[row][place * 2] = body if top <= row <= bottom else wick
        before = after
    return [[_cell(upper, lower) for upper, lower in zip(*grid[y * 2 : y * 2 + 2], strict=True)] for y in range(rows)]


def _height(at: float) -> float:
    """0 at the top: it falls, finds a floor and climbs; the same on every start."""
    slow = 0.42 + 0.4 * math.sin(at * 5.0 - 0.55) - 0.1 * at
    fast = 0.07 * math.sin(at * 31) + 0.05 * math.sin(at * 77 + 1)
    return min(0.98, max(0.0, slow + fast))


def _cell(upper: str, lower: str) -> Cell:
    if not upper and not lower:
        return Cell(" ")
    if upper == lower:
        return Cell("█", upper)
    return Cell("▀", upper, lower) if upper else Cell("▄", lower)


def big_name() -> list[str]:
    """STOCKPULSE in three rows of half blocks, from dots three wide and five high."""
    rows = []
    for upper, lower in ((0, 1), (2, 3), (4, 5)):
        made = []
        for dots in _LETTERS:
            high, low = dots[upper], dots[lower] if lower < len(dots) else "   "
            made.append("".join(_HALVES[a + b] for a, b in zip(high, low, strict=True)))
        rows.append(" ".join(made))
    return rows
