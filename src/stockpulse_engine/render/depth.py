"""The depth of the book: two columns of sizes with bars that grow from the middle outwards."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.market import Depth, Level
from stockpulse_engine.render.format import format_price, format_size
from stockpulse_engine.render.span import Line, Span, fit


def render_depth(depth: Depth, tick: Decimal, width: int, height: int) -> list[Line]:
    """Bids at the left, asks at the right, best level first, `height` lines."""
    half = width // 2
    largest = max((level.size for level in (*depth.bids, *depth.asks)), default=Decimal(1)) or Decimal(1)
    lines = []
    for row in range(height):
        bid = depth.bids[row] if row < len(depth.bids) else None
        ask = depth.asks[row] if row < len(depth.asks) else None
        left = _side(bid, tick, half, float(largest), is_bid=True, is_best=row == 0)
        right = _side(ask, tick, width - half, float(largest), is_bid=False, is_best=row == 0)
        lines.append(fit((*left, *right), width))
    return lines


def _side(level: Level | None, tick: Decimal, width: int, largest: float, *, is_bid: bool, is_best: bool) -> Line:
    if level is None:
        return (Span(" " * width),)
    price, size = format_price(level.price, tick), format_size(level.size)
    text = f"{size} {price} ".rjust(width) if is_bid else f" {price} {size}".ljust(width)
    return bar_text(text, float(level.size) / largest, is_bid=is_bid, is_bold=is_best)


def bar_text(text: str, share: float, *, is_bid: bool, is_bold: bool = False, bg: str = "panel", fg: str = "") -> Line:
    """Text with a depth bar behind it: from the right edge for bids, from the left for asks."""
    filled = max(0, min(len(text), round(share * len(text))))
    token, tint = fg or ("buy" if is_bid else "sell"), "bid_bg" if is_bid else "ask_bg"
    cut = len(text) - filled if is_bid else filled
    first, second = Span(text[:cut], token, bg, is_bold), Span(text[cut:], token, tint, is_bold)
    if not is_bid:
        first, second = Span(text[:cut], token, tint, is_bold), Span(text[cut:], token, bg, is_bold)
    return tuple(span for span in (first, second) if span.text)
