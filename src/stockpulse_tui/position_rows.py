"""The rows of positions, lots and totals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.views import AccountView, LotView, PositionView
from stockpulse_engine.render.bar import thin_bar
from stockpulse_engine.render.format import (
    format_date,
    format_money,
    format_number,
    format_percent,
    format_price,
    format_quantity,
)
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row

COMPACT = 100
BAR = 7
BAR_TOKEN = "accent"
DAY_NS = 86_400 * 1_000_000_000
LONG_TERM_DAYS = 365
"""Held longer than this is long-term."""
ZERO = Decimal(0)
SORTS: dict[str, Callable[[PositionView], Decimal] | None] = {
    "value": lambda p: abs(p.value or ZERO),
    "day": lambda p: abs(p.day_pnl or ZERO),
    "open P&L": lambda p: p.unrealized or ZERO,
    "instrument": None,
}
"""What `s` goes through, the largest first."""


def tone(value: Decimal | None) -> str:
    """`up`, `down`, or `muted` for nothing."""
    return "muted" if not value else "up" if value > 0 else "down"


def sorted_positions(
    positions: Collection[PositionView], sort: str, *, is_reversed: bool = False
) -> list[PositionView]:
    """In the order of a column."""
    by = SORTS[sort]
    if by is None:
        return sorted(positions, key=lambda p: p.instrument_id, reverse=is_reversed)
    return sorted(positions, key=by, reverse=not is_reversed)


def columns() -> tuple[Column, ...]:
    """Columns with the drop order of SCREENS."""
    return (
        Column(title="instrument", width=10, is_right=False),
        Column(title="qty", width=6),
        Column(title="avg cost", width=8, drop=3),
        Column(title="mark", width=8),
        Column(title="day", width=9),
        Column(title="open P&L", width=10),
        Column(title="open %", width=7, drop=4),
        Column(title="value", width=10, drop=5),
        Column(title="weight", width=BAR + 6, drop=6),
        Column(title="at stop", width=7),
        Column(title="term", width=7, is_right=False, drop=2),
        Column(title="fees", width=7, drop=1),
    )


def row_of(position: PositionView, tick: Decimal, scale: Decimal, now_ns: int, glyphs: Glyphs = FULL) -> Row:
    """The cells of one position; `scale` is the weight a full bar stands for."""
    cost = position.average_cost
    gain = position.unrealized
    basis = None if cost is None else abs(cost * position.quantity)
    ratio = gain / basis if gain is not None and basis else None
    quantity_token = "text" if position.quantity > 0 else "sell"
    return Row(
        cells=(
            Cell(symbol_of(position.instrument_id), "strong", bold=True),
            Cell(format_quantity(position.quantity, signed=True), quantity_token),
            Cell(format_price(cost, tick), "muted"),
            Cell(format_price(position.mark, tick) if position.mark is not None else "?"),
            Cell(format_money(position.day_pnl, signed=True), tone(position.day_pnl)),
            Cell(format_money(gain, signed=True), tone(gain), bold=True),
            Cell(format_percent(ratio), tone(ratio)),
            Cell(format_money(position.value)),
            _weight(position.weight, scale, glyphs),
            _at_stop(position),
            Cell(term_words(position.opened_at, now_ns), "muted"),
            Cell(format_money(position.fees), "muted"),
        )
    )


def _weight(weight: Decimal | None, scale: Decimal, glyphs: Glyphs) -> Cell:
    if weight is None:
        return Cell("·", "faint")
    bar = thin_bar(float(weight / scale), BAR, token=BAR_TOKEN, glyphs=glyphs)
    return Cell("", parts=(*bar, Span(format_percent(weight, places=1, signed=False).rjust(6))))


def _at_stop(position: PositionView) -> Cell:
    if position.stop_price is None:
        return Cell("no stop", "warn")
    return Cell("?" if position.at_stop is None else format_number(position.at_stop, 0, signed=True))


def term_words(opened_at: int, now_ns: int) -> str:
    """`ST 118d` or `LT`: how long it has been held."""
    if not opened_at:
        return "·"
    days = max(0, now_ns - opened_at) // DAY_NS
    return "LT" if days > LONG_TERM_DAYS else f"ST {days}d"


def total_row(positions: Sequence[PositionView]) -> Row:
    """The sums under their columns, on `raised`."""
    day = sum((p.day_pnl or ZERO for p in positions), ZERO)
    gain = sum((p.unrealized or ZERO for p in positions), ZERO)
    value = sum((p.value or ZERO for p in positions), ZERO)
    stops = sum((p.at_stop or ZERO for p in positions), ZERO)
    nothing = Cell("")
    return Row(
        cells=(
            Cell("total", "text", bold=True),
            nothing,
            nothing,
            nothing,
            Cell(format_money(day, signed=True), tone(day), bold=True),
            Cell(format_money(gain, signed=True), tone(gain), bold=True),
            nothing,
            Cell(format_money(value), "strong", bold=True),
            nothing,
            Cell(format_number(stops, 0, signed=True), "text"),
            nothing,
            nothing,
        ),
        bg="raised",
    )


def cash_line(account: AccountView, width: int) -> Line:
    """Cash, what may be bought, what was realised, what it cost; as much as fits."""
    parts: list[tuple[str, Decimal, bool]] = [
        ("cash", account.cash, False),
        ("buying power", account.buying_power, False),
        ("reserved", account.reserved, False),
        ("realized", account.realized, True),
        ("fees", account.fees, False),
    ]
    spans: list[Span] = [Span(" ")]
    if account.margin_call > 0:
        words = f"! margin call {format_money(account.margin_call)}   "
        spans.append(Span(words, "danger", bold=True))
    for name, value, signed in parts:
        own = (
            Span(f"{name} ", "muted"),
            Span(format_money(value, signed=signed), tone(value) if signed else "text"),
            Span("   "),
        )
        if sum(len(span.text) for span in (*spans, *own)) > width:
            break
        spans += own
    return tuple(spans)


LOT_COLUMNS = (
    Column(title="", width=1, is_right=False),
    Column(title="opened", width=10, is_right=False),
    Column(title="open", width=8),
    Column(title="price", width=9),
    Column(title="gain", width=10),
    Column(title="term", width=8, is_right=False, drop=1),
)


def lot_row(view: LotView, tick: Decimal, zone: str, *, is_ticked: bool, glyphs: Glyphs = FULL) -> Row:
    """The cells of one lot."""
    lot = view.lot
    box = glyphs.ticked if is_ticked else glyphs.unticked
    term = "LT" if view.days_held > LONG_TERM_DAYS else f"ST {view.days_held}d"
    return Row(
        cells=(
            Cell(box if len(box) == 1 else box[1], "accent" if is_ticked else "muted"),
            Cell(format_date(lot.opened_at, zone), "text"),
            Cell(format_quantity(lot.quantity, signed=True), "strong", bold=is_ticked),
            Cell(format_price(lot.price, tick), "muted"),
            Cell(format_money(view.unrealized, signed=True), tone(view.unrealized)),
            Cell(term, "muted"),
        )
    )
