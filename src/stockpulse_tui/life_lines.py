"""The life of an order as rows: steps to the microsecond, where the milliseconds went, the price since. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.views import OrderLife, WhyStep
from stockpulse_engine.render.canvas import CANDLE, CHIP, CROSS, Canvas
from stockpulse_engine.render.format import format_age, format_clock, format_price, format_quantity
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.scale import Scale
from stockpulse_engine.render.sentence import describe_condition
from stockpulse_engine.render.span import Line, Span, fit
from stockpulse_engine.render.strokes import draw_line
from stockpulse_tui.order_words import price_of
from stockpulse_tui.painter import cells

HOPS = {"gate": "gate", "fsync": "journal", "sent": "out", "ack": "wire and broker"}
"""Hops of the bar → what they are called."""
_HOP_TOKENS = {"gate": "series4", "fsync": "series2", "sent": "series1", "ack": "line"}
_MARK_WIDTH = 14
_LABEL = 17
_LEAST_BAR = 20
_CHART_ROWS = 3
"""Rows below which the price since is not drawn."""
_BAD = ("DENY", "REJECT", "MARK_UNKNOWN", "BUST", "CANCEL_REJECT", "UPDATE_REJECT", "SUSPEND")
_FILLS = ("FILL", "CORRECT")


class LifeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds the journal's own words."""

    zone: str
    tick: Decimal
    now_ns: int
    """Market time."""
    now_words: str = ""
    bars: Sequence[Bar] = ()
    last: Decimal | None = None
    glyphs: Glyphs = FULL


def now_words(order: Order, ticks: int | None, ahead: Decimal | None) -> str:
    """Where the order stands now, "" when its life is over."""
    if not order.is_open and order.status is not OrderStatus.INITIALIZED:
        return ""
    if order.status is OrderStatus.INITIALIZED:
        if order.is_held:
            until = describe_condition(order.condition) if order.condition is not None else "its trigger is reached"
            return f"held by the engine until {until}"
        return "staged: sent by nobody"
    if order.is_unknown:
        return "not known: the venue is asked until it proves what became of it"
    parts = [f"{format_quantity(order.leaves_quantity)} left"]
    if ticks is not None:
        parts.append(f"{ticks:,} ticks away")
    if ahead is not None:
        parts.append(f"queue est. {format_quantity(ahead)}")
    return ", ".join(parts)


def life_lines(life: OrderLife, facts: LifeFacts, width: int, height: int) -> list[Line]:
    """Steps first, then the bar, then the price; what has no room is left out from the end."""
    tail: list[Line] = [(), *hop_lines(life.hops, width)] if life.hops else []
    steps = [*step_lines(life.steps, facts, width), *_now_line(facts)]
    room = height - 1 - len(tail)
    if len(steps) > room > 1:
        cut = len(steps) - room + 1
        steps = [(Span(f"  {cut} earlier steps", "faint"),), *steps[cut:]]
    lines: list[Line] = [(), *steps, *tail]
    left = height - len(lines) - 3
    if left >= _CHART_ROWS and facts.bars:
        lines += [(), *since_lines(life, facts, width, min(left, 8))]
    if len(lines) < height:
        lines += [()] * (height - 1 - len(lines))
        lines.append((Span(f"  sp why {life.order.client_order_id}", "faint", italic=True),))
    return lines[:height]


def step_lines(steps: Sequence[WhyStep], facts: LifeFacts, width: int) -> list[Line]:
    """Market time, wall time since the step before, mark, step, sentence."""
    lines: list[Line] = []
    for step in steps:
        whole = format_clock(step.ts_event, facts.zone, digits=6)
        glyph, token = _mark(step.step, facts.glyphs)
        gap = "" if not step.gap_ns else _gap(step.gap_ns)
        head = (
            Span(f"  {whole[:8]}", "text"),
            Span(f".{whole[9:12]}.{whole[12:]}", "faint"),
            Span(f"{gap:>11}  ", "muted"),
            Span(f" {glyph} ", token),
            Span(f" {cells(clean_line(step.mark, 20)):<{_MARK_WIDTH}}"[: _MARK_WIDTH + 1], "strong", bold=True),
        )
        room = max(1, width - sum(len(span.text) for span in head) - 1)
        sentence = cells(clean_line(step.sentence, 300))
        lines.append((*head, Span(sentence if len(sentence) <= room else sentence[: room - 1] + "…", "text")))
    return lines


def _now_line(facts: LifeFacts) -> list[Line]:
    if not facts.now_words:
        return []
    clock = format_clock(facts.now_ns, facts.zone)
    return [
        (
            Span(f"  {clock}", "text"),
            Span(" " * 21, "text"),
            Span(f" {facts.glyphs.off} ", "warn"),
            Span(f" {'now':<{_MARK_WIDTH}}", "warn", bold=True),
            Span(facts.now_words, "text"),
        )
    ]


def _mark(step: str, glyphs: Glyphs) -> tuple[str, str]:
    if step in _FILLS:
        return glyphs.ticked[0] if glyphs.has_blocks else "x", "accent"
    return glyphs.on, "danger" if step in _BAD else "accent" if step.endswith("REQUEST") else "up"


def _gap(gap_ns: int) -> str:
    if gap_ns < 1_000_000_000:
        return f"+{gap_ns / 1_000_000:.1f} ms"
    return f"+{format_age(gap_ns)}"


def hop_lines(hops: Mapping[str, int], width: int) -> list[Line]:
    """One bar in true proportion, then its parts in words."""
    parts = [(name, hops[name]) for name in HOPS if name in hops]
    total = sum(value for _, value in parts)
    room = max(_LEAST_BAR, width - _LABEL - 14)
    if not total:
        return []
    label = Span(f"  where {total / 1_000_000:.1f} ms went".ljust(_LABEL + 8), "muted")
    bar: list[Span] = []
    used = 0
    for place, (name, value) in enumerate(parts):
        own = room - used if place == len(parts) - 1 else max(1, round(value / total * room))
        own = min(own, room - used)
        used += own
        text = f"  {HOPS[name]} {value / 1_000_000:.1f} ms"
        text = text if len(text) < own else ""
        bar.append(Span(text.ljust(own), "text" if name == "ack" else "ink", _HOP_TOKENS[name]))
    legend: list[Span] = [Span(" " * (_LABEL + 8))]
    for name, value in parts:
        legend += [Span("■ ", _HOP_TOKENS[name]), Span(f"{HOPS[name]} {value / 1_000_000:.1f}   ", "muted")]
    if "fill" in hops:
        legend.append(Span(f"then {_gap(hops['fill'])[1:]} to the first fill", "faint"))
    return [(label, *bar), fit(tuple(legend), width)]


def since_lines(life: OrderLife, facts: LifeFacts, width: int, rows: int) -> list[Line]:
    """The price since the order was sent, its limit as a line, its fills on it."""
    order, bars = life.order, facts.bars
    own = price_of(order)
    closes = [float(bar.close) for bar in bars] + ([float(facts.last)] if facts.last is not None else [])
    marks = [float(own)] if own is not None else [float(fill.price) for fill in life.fills]
    low, high = min([*closes, *marks]), max([*closes, *marks])
    pad = (high - low) * 0.06 or float(facts.tick)
    scale = Scale(low - pad, high + pad, rows)
    left = _LABEL + 8
    plot = max(_LEAST_BAR, width - left - 6)
    canvas = Canvas(width, rows)
    canvas.text(2, 0, "since sent", ("muted", "panel", False))
    side = "buy" if order.terms.side.sign > 0 else "sell"
    if own is not None:
        _level(canvas, scale.row(float(own)), (left, plot), (format_price(own, facts.tick), side), facts.glyphs)
    span = max(1, facts.now_ns - bars[0].ts_event)
    places = [left + (bar.known_at - bars[0].ts_event) / span * (plot - 1) for bar in bars]
    points = [(min(x, left + plot - 1), scale.place(float(bar.close))) for x, bar in zip(places, bars, strict=True)]
    if facts.last is not None:
        points.append((left + plot - 1, scale.place(float(facts.last))))
    draw_line(canvas, points, "text", facts.glyphs)
    _sent_mark(canvas, left + int((order.created_at - bars[0].ts_event) / span * (plot - 1)), rows, facts.glyphs)
    for fill in life.fills:
        _fill_mark(canvas, fill, left + int((fill.ts_event - bars[0].ts_event) / span * (plot - 1)), scale, facts)
    edge = format_price(bars[-1].close if facts.last is None else facts.last, facts.tick)
    y = min(rows - 1, max(0, scale.row(closes[-1])))
    if canvas.is_free(left - len(edge) - 1, y, len(edge)):
        canvas.text(left - len(edge) - 1, y, edge, ("muted", "panel", False))
    return [fit(line, width) for line in canvas.lines()]


def _level(canvas: Canvas, y: int, where: tuple[int, int], what: tuple[str, str], glyphs: Glyphs) -> None:
    left, plot = where
    text, token = what
    canvas.text(left - len(text) - 1, y, text, (token, "panel", False), CHIP)
    for x in range(left, left + plot):
        canvas.put(x, y, glyphs.horizontal, (token, "panel", False), CROSS)


def _sent_mark(canvas: Canvas, x: int, rows: int, glyphs: Glyphs) -> None:
    for y in range(rows):
        canvas.put(x, y, glyphs.vertical, ("faint", "panel", False), CROSS)


def _fill_mark(canvas: Canvas, fill: Fill, x: int, scale: Scale, facts: LifeFacts) -> None:
    glyph = facts.glyphs.up if fill.sign > 0 else facts.glyphs.down
    text = f"{glyph}{format_quantity(fill.quantity)}"
    x = min(x, canvas.width - len(text) - 1)
    canvas.text(x, scale.row(float(fill.price)), text, ("buy" if fill.sign > 0 else "sell", "panel", True), CANDLE)
