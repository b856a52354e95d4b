"""The review of a session as rows: the summary, each order's costs, what was refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from textwrap import wrap

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import Instrument, symbol_of
from stockpulse_engine.domain.views import DayOrder, DayRefusal, DayReview
from stockpulse_engine.render.bar import join_cells
from stockpulse_engine.render.format import format_clock, format_money, format_number, format_price, format_size
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span, line_width
from stockpulse_engine.render.table import Cell, Column, Row
from stockpulse_tui.life_lines import HOPS
from stockpulse_tui.order_words import signed_bp, slip_ratio, state_of, tick_of
from stockpulse_tui.painter import cells
from stockpulse_tui.position_rows import tone

ZERO = Decimal(0)
_WIDEST_GAP = 3
COLUMNS = (
    Column(title="time", width=8, is_right=False),
    Column(title="side", width=4, is_right=False),
    Column(title="qty", width=5),
    Column(title="instrument", width=10, is_right=False),
    Column(title="average", width=8, drop=3),
    Column(title="cost", width=7),
    Column(title="slip bp", width=7, drop=1),
    Column(title="ms", width=6, drop=2),
)


def cost_of(day: DayOrder) -> Decimal | None:
    """Spread, slippage and fees together; None where no quote was there at its arrival."""
    if day.spread_cost is None or day.slippage is None:
        return None
    return day.spread_cost + day.slippage + day.fees


def cost_token(value: Decimal | None) -> str:
    """A cost is `down`, a gain `up`."""
    return "faint" if value is None else tone(-value)


def summary_lines(review: DayReview, width: int) -> list[Line]:
    """Result, costs, and what the engine survived."""
    result = review.equity_now - review.equity_open
    cost = review.spread_cost + review.slippage + review.fees
    kills = review.kills_survived
    first = [
        ("equity", f"{format_money(review.equity_open)} → {format_money(review.equity_now)}", "text"),
        ("result", format_money(result, signed=True), tone(result)),
    ]
    second = [
        ("cost", format_money(cost, signed=True), cost_token(cost)),
        ("spread", format_money(review.spread_cost, signed=True), "text"),
        ("slip", format_money(review.slippage, signed=True), cost_token(review.slippage)),
        ("fees", format_money(review.fees), "text"),
    ]
    third = [
        ("realized", format_money(review.realized, signed=True), tone(review.realized)),
        ("refused", str(len(review.refusals)), "warn" if review.refusals else "muted"),
        ("kills survived", str(kills), "warn" if kills else "muted"),
    ]
    return [_pairs(pairs, width) for pairs in (first, second, third)]


def _pairs(pairs: list[tuple[str, str, str]], width: int) -> Line:
    spans: list[Span] = [Span("  ")]
    for name, text, token in pairs:
        own = (Span(f"{name} ", "muted"), Span(text, token, bold=name == "result"), Span("   "))
        if line_width((*spans, *own)) > width + 3:
            break
        spans += own
    return tuple(spans)


def order_row(day: DayOrder, instruments: Mapping[str, Instrument], zone: str) -> Row:
    """One order that was sent."""
    order = day.order
    side = order.terms.side.value
    slip, slip_token = signed_bp(slip_ratio(order))
    cost = cost_of(day) if order.filled_quantity else None
    average = format_price(order.average_price, tick_of(order, instruments))
    if order.average_price is None:
        average = state_of(order, {})[0]
    total = sum(value for name, value in day.hops.items() if name in HOPS)
    return Row(
        cells=(
            Cell(format_clock(order.created_at, zone), "muted"),
            Cell(side, side.lower(), bold=True),
            Cell(format_size(order.filled_quantity or order.terms.quantity)),
            Cell(symbol_of(order.terms.instrument_id), "strong", bold=True),
            Cell(average, "text" if order.average_price is not None else "muted"),
            Cell(format_money(cost, signed=True), cost_token(cost)),
            Cell(slip, slip_token),
            Cell(f"{total / 1_000_000:.1f}" if total else "·", "muted"),
        )
    )


def refusal_row(refusal: DayRefusal, zone: str) -> Row:
    """One order that was refused."""
    nothing = Cell("·", "faint")
    return Row(
        cells=(
            Cell(format_clock(refusal.ts_event, zone), "muted"),
            Cell("no", "danger", bold=True),
            nothing,
            Cell(symbol_of(refusal.instrument_id), "text"),
            Cell("refused", "danger"),
            nothing,
            nothing,
            nothing,
        )
    )


def refusal_lines(refusal: DayRefusal, width: int) -> list[Line]:
    """Why it was refused, in words."""
    words = wrap(cells(clean_line(refusal.sentence, 400)), max(20, width - 6))
    return [
        (),
        (Span("  refused by rule ", "muted"), Span(cells(clean_line(refusal.code, 40)), "danger", bold=True)),
        (),
        *((Span(f"  {text}", "text"),) for text in words),
        (),
        (Span("  nothing was sent; it cost nothing", "muted"),),
    ]


def detail_lines(day: DayOrder, tick: Decimal, width: int, glyphs: Glyphs = FULL) -> list[Line]:
    """Arrival against fill, the cost split, the hops, the excursions."""
    order = day.order
    lines: list[Line] = [_arrival(day, tick)]
    if order.filled_quantity:
        lines.append(_split(day, width, glyphs))
    lines.append(_hops(day, width))
    if day.best_excursion is not None and day.worst_excursion is not None:
        lines.append(
            (
                Span("  best ", "muted"),
                Span(format_money(day.best_excursion, signed=True), tone(day.best_excursion)),
                Span("   worst ", "muted"),
                Span(format_money(day.worst_excursion, signed=True), tone(day.worst_excursion)),
                Span("   while it was held", "faint"),
            )
        )
    if order.reason:
        lines.append((Span(f"  {cells(clean_line(order.reason, 200))}"[: width - 1], "warn"),))
    return lines


def _arrival(day: DayOrder, tick: Decimal) -> Line:
    order = day.order
    slip, token = signed_bp(slip_ratio(order))
    middle = "no quote" if day.arrival_mid is None else format_number(day.arrival_mid, 3)
    spans = [Span("  arrived at ", "muted"), Span(middle, "text"), Span("   filled at ", "muted")]
    spans.append(Span(format_price(order.average_price, tick), "strong", bold=True))
    if order.average_price is not None and day.arrival_mid is not None:
        spans += [Span("   ", "muted"), Span(f"{slip} bp", token)]
    return tuple(spans)


def _split(day: DayOrder, width: int, glyphs: Glyphs) -> Line:
    """Spread, slippage and fees in proportion of their sizes, each with its amount."""
    parts = [("spread", day.spread_cost, "series2"), ("slip", day.slippage, "series1"), ("fees", day.fees, "series4")]
    known = [(name, value, token) for name, value, token in parts if value is not None]
    total = sum((abs(value) for _, value, _ in known), ZERO)
    words: list[Span] = []
    for name, value, token in known:
        words += [Span(f"{name} ", token), Span(format_money(value, signed=True), "text"), Span("  ")]
    room = width - line_width(tuple(words)) - 6
    if room < 8 or not total:
        return (Span("  "), *words)
    marks: list[tuple[str, str]] = []
    for _, value, token in known:
        marks += [(glyphs.thick, token)] * round(float(abs(value) / total) * room)
    return (Span("  "), *words, Span(" "), *join_cells(marks[:room], "panel"))


def _hops(day: DayOrder, width: int) -> Line:
    """Milliseconds of each hop; they stand closer together where there is less room, the unit is never cut."""
    told = [
        (words.split()[-1], f"{day.hops[name] / 1_000_000:.1f}") for name, words in HOPS.items() if name in day.hops
    ]
    if not told:
        return (Span("  no milestones are kept for it", "faint"),)
    used = sum(len(word) + 1 + len(number) for word, number in told) + 4
    gap = " " * min(_WIDEST_GAP, max(1, (width - used) // len(told)))
    spans: list[Span] = [Span("  ")]
    for word, number in told:
        spans += [Span(f"{word} ", "muted"), Span(f"{number}{gap}", "text")]
    return (*spans, Span("ms", "muted"))
