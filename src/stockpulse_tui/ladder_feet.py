"""The two rows under the ladder: which side is heavier, and where the market and the position stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from stockpulse_engine.domain.market import Depth
from stockpulse_engine.render.format import format_money
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span, fit, line_width

BG = "raised"


def foot_lines(depth: Depth | None, facts: Mapping[str, str], width: int, glyphs: Glyphs = FULL) -> list[Line]:
    """Balance of the visible book, then the facts that fit."""
    return [_balance(depth, width, glyphs), _facts(facts, width, glyphs)]


def _balance(depth: Depth | None, width: int, glyphs: Glyphs) -> Line:
    bids = sum((level.size for level in depth.bids), Decimal(0)) if depth else Decimal(0)
    asks = sum((level.size for level in depth.asks), Decimal(0)) if depth else Decimal(0)
    if not bids + asks:
        return fit((Span("  no sizes are displayed", "muted", BG),), width, bg=BG)
    share = float(bids / (bids + asks))
    room = max(4, width - 24)
    left = round(share * room)
    line = (
        Span("  bid ", "muted", BG),
        Span(f"{share:>4.0%}", "buy", BG, bold=True),
        Span("  ", "text", BG),
        Span(glyphs.thick * left, "buy", BG),
        Span(glyphs.thick * (room - left), "sell", BG),
        Span("  ", "text", BG),
        Span(f"{1 - share:.0%} ask", "sell", BG),
    )
    return fit(line, width, bg=BG)


def _facts(facts: Mapping[str, str], width: int, glyphs: Glyphs) -> Line:
    arrow, tone = (glyphs.up, "up") if facts.get("up") else (glyphs.down, "down")
    spans: list[Span] = [Span("  last ", "muted", BG), Span(facts.get("last", "·"), "strong", BG, bold=True)]
    if "size" in facts:
        spans.append(Span(f" {arrow} {facts['size']}", tone, BG))
    for name in ("spread", "delta", "position", "open"):
        if name not in facts:
            continue
        text, token = facts[name], "text"
        if name == "open":
            amount = Decimal(text)
            text, token = format_money(amount, signed=True), "up" if amount > 0 else "down" if amount < 0 else "muted"
        elif name == "delta":
            token = "up" if text.startswith("+") else "down" if text.startswith("−") else "muted"
        own = (Span(f"   {name} ", "muted", BG), Span(text, token, BG, bold=name == "open"))
        if line_width((*spans, *own)) > width:
            break
        spans += own
    return fit(tuple(spans), width, bg=BG)
