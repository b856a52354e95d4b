"""The bracket ruler: what is risked and what may be won, in true proportion, with the prices under it."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.render.format import format_money, format_number, format_price
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span, fit

_LEAST = 9
"""Cells a part keeps however small its share."""


def bracket_ruler(
    prices: tuple[Decimal | None, Decimal, Decimal | None], amounts: tuple[Decimal | None, Decimal | None],
    tick: Decimal, width: int, *, glyphs: Glyphs = FULL,
) -> tuple[Line, Line]:  # fmt: skip
    """Two lines of `width` cells: amounts on coloured grounds, prices below.

    Args:
        prices: stop, entry, take; a missing end draws only the other part.
        amounts: risk and reward in money.
        tick: the instrument's tick, for the decimals.
        width: cells.
        glyphs: the glyph set.
    """
    stop, entry, take = prices
    risk_cells = _risk_cells(prices, width)
    top: list[Span] = []
    if stop is not None:
        top.append(Span(_left_text(" risk ", amounts[0], risk_cells), "strong", "down_bg2", bold=True))
    top.append(Span(glyphs.entry, "strong", "up_bg2" if take is not None else "down_bg2"))
    if take is not None:
        room = width - risk_cells - 1
        top.append(Span(_reward_text(amounts, room), "strong", "up_bg2", bold=True))
    return fit(tuple(top), width), _prices(prices, entry, tick, (risk_cells, width))


def _risk_cells(prices: tuple[Decimal | None, Decimal, Decimal | None], width: int) -> int:
    stop, entry, take = prices
    if stop is None:
        return 0
    if take is None:
        return width - 1
    risk, reward = abs(entry - stop), abs(take - entry)
    share = risk / (risk + reward) if risk + reward else Decimal("0.5")
    least = min(_LEAST, (width - 1) // 2)
    return max(least, min(width - 1 - least, round(share * (width - 1))))


def _left_text(label: str, amount: Decimal | None, room: int) -> str:
    text = format_money(amount)
    for words in (f"{label}{text} ", f" {text} ", text):
        if len(words) <= room:
            return words.ljust(room)
    return " " * room


def _reward_text(amounts: tuple[Decimal | None, Decimal | None], room: int) -> str:
    risk, reward = amounts
    text = format_money(reward)
    ratio = f"   {format_number(reward / risk, 1)} R" if risk and reward is not None else ""
    for words in (f"reward {text}{ratio} ", f"{text}{ratio} ", f"{text} "):
        if len(words) <= room:
            return words.rjust(room)
    return " " * room


def _prices(
    prices: tuple[Decimal | None, Decimal, Decimal | None], entry: Decimal, tick: Decimal, size: tuple[int, int]
) -> Line:
    """Stop at the left, take at the right, the entry under its mark as near as there is room."""
    at, width = size
    stop, _, take = prices
    left = [] if stop is None else [Span(format_price(stop, tick), "down"), Span(" stop", "muted")]
    right = [] if take is None else [Span("take ", "muted"), Span(format_price(take, tick), "up")]
    middle = [Span(format_price(entry, tick), "strong", bold=True), Span(" entry", "muted")]
    used, tail = (sum(len(s.text) for s in part) for part in (left, right))
    length = sum(len(s.text) for s in middle)
    if used + tail + length + 2 > width:
        middle = middle[:1]
        length = len(middle[0].text)
    start = max(used + (1 if left else 0), min(at - len(middle[0].text) // 2, width - tail - length - 1))
    gap = max(0, width - start - length - tail)
    return fit((*left, Span(" " * (start - used)), *middle, Span(" " * gap), *right), width)
