"""Thin bars: use of a limit, before and after, contributions with a sign; and the day's range."""

from __future__ import annotations

from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span

WARN_FROM = 0.85
"""Share of a limit from which a bar asks for a look."""


def thin_bar(share: float, width: int, *, token: str = "", bg: str = "panel", glyphs: Glyphs = FULL) -> Line:
    """`━━━╸───`: how much of a limit is used. `accent`, `warn` from 85 %, `danger` above 100 % unless told a token."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    front = token or use_token(share)
    full, half = divmod(halves, 2)
    filled = glyphs.thick * full + (glyphs.thick_half if half else "")
    return (Span(filled, front, bg), Span(glyphs.thin * (width - len(filled)), "line", bg))


def use_token(share: float) -> str:
    """The colour of a share of a limit: calm, to be looked at, broken."""
    return "danger" if share > 1 else "warn" if share >= WARN_FROM else "accent"


def before_after_bar(
    shares: tuple[float, float, float], width: int, *, is_buy: bool, bg: str = "panel", glyphs: Glyphs = FULL
) -> Line:
    """Before in `strong`, what the order adds in its side's colour, the limit as a danger mark.

    Args:
        shares: before, after and limit, each as a share of the bar's whole width.
        width: cells.
        is_buy: the side that colours the added part.
        bg: background token.
        glyphs: the glyph set.
    """
    before, after, limit = (min(width, max(0, round(share * width))) for share in shares)
    low, high = min(before, after), max(before, after)
    cells = [(glyphs.thick, "strong")] * low
    cells += [(glyphs.thick, "buy" if is_buy else "sell")] * (high - low)
    cells += [(glyphs.thin, "line")] * (width - high)
    if 0 < limit < width:
        cells[limit] = (glyphs.vertical, "danger")
    return join_cells(cells, bg)


def signed_bar(share: float, width: int, *, bg: str = "panel", glyphs: Glyphs = FULL) -> Line:
    """`──│━━─`: a share −1 … 1 from the middle outwards."""
    half = width // 2
    length = round(min(1.0, abs(share)) * half)
    cells = [(glyphs.thin, "line")] * (2 * half + 1)
    for i in range(1, length + 1):
        cells[half + (i if share > 0 else -i)] = (glyphs.thick, "up" if share > 0 else "down")
    cells[half] = (glyphs.vertical, "faint")
    return join_cells(cells[:width], bg)


def range_bar(low: float, high: float, value: float, width: int, *, bg: str = "panel", glyphs: Glyphs = FULL) -> Line:
    """Where a value lies between the day's low and high: a line with a mark on it."""
    at = 0 if high <= low else round(min(1.0, max(0.0, (value - low) / (high - low))) * (width - 1))
    cells = [(glyphs.thin, "line")] * width
    if width:
        cells[at] = (glyphs.vertical, "strong")
    return join_cells(cells, bg)


def join_cells(cells: list[tuple[str, str]], bg: str) -> Line:
    """Single cells as spans, neighbours of one colour joined."""
    spans: list[Span] = []
    for char, token in cells:
        if spans and spans[-1].fg == token:
            spans[-1] = Span(spans[-1].text + char, token, bg)
        else:
            spans.append(Span(char, token, bg))
    return tuple(spans)
