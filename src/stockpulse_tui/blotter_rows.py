"""The blotter's rows: which orders a tab shows, in which order, and the cells of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.instruments import Instrument, symbol_of
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, Side
from stockpulse_engine.render.bar import thin_bar
from stockpulse_engine.render.format import format_age, format_price, format_quantity, format_size
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Span
from stockpulse_engine.render.table import Cell, Column, Row
from stockpulse_tui.order_words import (
    LEGS,
    TYPES,
    lives_at,
    price_of,
    short_id,
    signed_bp,
    slip_ratio,
    state_of,
    tick_of,
    ticks_away,
)

BAR = 7
COMPACT = 100
"""Below this width the filled column is its count alone and columns stand closer."""
NAMES = (
    *("side", "qty", "instrument", "type", "price", "away", "queue"),
    *("filled", "slip bp", "state", "lives at", "age", "id"),
)
"""What the cells of a row are called when copied."""


class Tab(Enum):
    """Which orders are shown."""

    WORKING = "Working"
    UNKNOWN = "UNKNOWN"
    TODAY = "Today"
    HISTORY = "History"


TABS = tuple(Tab)


class BlotterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are drawn from."""

    orders: Mapping[str, Order]
    instruments: Mapping[str, Instrument]
    last: Callable[[str], Decimal | None]
    ahead: Callable[[Order], Decimal | None]
    now_ns: int
    canceling: Collection[str] = ()
    picked: str = ""
    """The order whose price is being moved, and the price it would get."""
    picked_price: Decimal | None = None
    glyphs: Glyphs = FULL


def is_live(order: Order) -> bool:
    """Whether it belongs under Working: staged, at work, or of unknown outcome."""
    return order.is_open or order.status is OrderStatus.INITIALIZED


SORTS: dict[str, Callable[[Order], str] | None] = {
    "": None,
    "instrument": lambda order: order.terms.instrument_id,
    "side": lambda order: order.terms.side.value,
    "state": lambda order: order.status.value,
}
"""What `s` goes through; "" is newest first."""


def orders_of(
    tab: Tab, orders: Iterable[Order], day_start: int, sort: str = "", *, is_reversed: bool = False
) -> list[Order]:
    """The orders of a tab, families together, newest family first or sorted."""
    if tab is Tab.WORKING:
        chosen = [order for order in orders if is_live(order)]
    elif tab is Tab.UNKNOWN:
        chosen = [order for order in orders if order.is_unknown]
    elif tab is Tab.TODAY:
        chosen = [order for order in orders if is_live(order) or order.updated_at >= day_start]
    else:
        chosen = [order for order in orders if not is_live(order)]
    return in_families(chosen, sort, is_reversed=is_reversed)


def in_families(orders: Iterable[Order], sort: str = "", *, is_reversed: bool = False) -> list[Order]:
    """Entries before their take and stop."""
    by_id = {order.client_order_id: order for order in orders}
    legs: dict[str, list[Order]] = {}
    for order in by_id.values():
        if order.parent_id in by_id:
            legs.setdefault(order.parent_id, []).append(order)
    heads = [order for order in by_id.values() if order.parent_id not in by_id]
    heads.sort(key=lambda order: (order.created_at, order.client_order_id), reverse=True)
    by = SORTS[sort]
    if by is not None:
        heads.sort(key=by)
    if is_reversed:
        heads.reverse()
    found: list[Order] = []
    for head in heads:
        found.append(head)
        found += sorted(legs.get(head.client_order_id, ()), key=lambda leg: leg.role is not OrderRole.TAKE)
    return found


def counts(orders: Iterable[Order], day_start: int) -> dict[Tab, int]:
    """How many a person would count: legs of an entry in sight are part of it."""
    found = list(orders)
    working = [order for order in orders_of(Tab.WORKING, found, day_start) if not order.is_unknown]
    by_id = {order.client_order_id for order in working}
    return {
        Tab.WORKING: sum(order.parent_id not in by_id for order in working),
        Tab.UNKNOWN: sum(order.is_unknown for order in found),
        Tab.TODAY: len(orders_of(Tab.TODAY, found, day_start)),
    }


def columns(width: int) -> tuple[Column, ...]:
    """Columns with their drop order of SCREENS; those without a number stay."""
    is_wide = width >= COMPACT
    return (
        Column(title="side", width=4, is_right=False),
        Column(title="qty", width=6),
        Column(title="instrument", width=10, is_right=False),
        Column(title="type", width=4, is_right=False),
        Column(title="price", width=8),
        Column(title="away", width=6),
        Column(title="queue", width=5, drop=3),
        Column(title="filled", width=BAR + 8 if is_wide else 7),
        Column(title="slip bp", width=7, drop=2),
        Column(title="state", width=10 if is_wide else 9, is_right=False),
        Column(title="lives at", width=9, is_right=False, drop=4),
        Column(title="age", width=6),
        Column(title="client id", width=12, is_right=False, drop=1),
    )


def row_of(order: Order, facts: BlotterFacts, width: int) -> Row:
    """The cells of one order."""
    tick = tick_of(order, facts.instruments)
    is_leg = order.parent_id in facts.orders and is_live(facts.orders[order.parent_id])
    last = facts.last(order.terms.instrument_id)
    away = ticks_away(order, last, tick)
    ahead = facts.ahead(order)
    slip, slip_token = signed_bp(slip_ratio(order))
    state, state_token = state_of(order, facts.orders, is_canceling=order.client_order_id in facts.canceling)
    home, home_token = lives_at(order)
    side = "buy" if order.terms.side is Side.BUY else "sell"
    return Row(
        cells=(
            Cell(order.terms.side.value, "muted" if is_leg else side, bold=not is_leg),
            Cell(format_size(order.terms.quantity)),
            _name(order, facts, is_leg=is_leg),
            Cell(TYPES[order.terms.order_type], "muted"),
            _price(order, facts, tick),
            Cell("·" if away is None else f"{away:,} t", "faint" if away is None else "text"),
            Cell("?" if order.is_unknown else "·" if ahead is None else format_size(ahead), "muted"),
            _filled(order, facts, width),
            Cell(slip, slip_token),
            Cell(state, state_token, "warn_bg" if order.is_unknown else "", bold=order.is_unknown),
            Cell(home, home_token),
            Cell(format_age(facts.now_ns - order.created_at), "muted"),
            Cell(short_id(order.client_order_id), "faint"),
        )
    )


def _name(order: Order, facts: BlotterFacts, *, is_leg: bool) -> Cell:
    if is_leg:
        return Cell(f" {facts.glyphs.corner} {LEGS.get(order.role, 'leg')}", "muted")
    if order.role in LEGS:  # its entry is over: what it belongs to is said, where it hung is gone
        symbol = symbol_of(order.terms.instrument_id)
        return Cell(symbol, parts=(Span(symbol, "strong", bold=True), Span(f" {LEGS[order.role]}", "muted")))
    return Cell(symbol_of(order.terms.instrument_id), "strong", bold=True)


def _price(order: Order, facts: BlotterFacts, tick: Decimal) -> Cell:
    if order.client_order_id == facts.picked and facts.picked_price is not None:
        return Cell(format_price(facts.picked_price, tick), "ink", "accent", bold=True)
    price = price_of(order)
    if price is None:
        return Cell(format_price(order.average_price, tick), "muted")
    return Cell(format_price(price, tick), "strong", bold=not order.parent_id)


def _filled(order: Order, facts: BlotterFacts, width: int) -> Cell:
    done = "?" if order.is_unknown else format_size(order.filled_quantity)
    text = f"{done}/{format_size(order.terms.quantity)}"
    token = "warn" if order.is_unknown else "text"
    if width < COMPACT:
        return Cell(text, token)
    share = float(order.filled_quantity / order.terms.quantity) if order.terms.quantity else 0.0
    side = "buy" if order.terms.side is Side.BUY else "sell"
    bar = thin_bar(share, BAR, token=side, glyphs=facts.glyphs)
    return Cell("", parts=(*bar, Span(text.rjust(8), token)))


def texts(order: Order, facts: BlotterFacts) -> dict[str, str]:
    """Column → text, for copying and explaining."""
    cells = row_of(order, facts, 0).cells
    found = {name: cell.text.strip() for name, cell in zip(NAMES, cells, strict=True)}
    found |= {"id": order.client_order_id, "instrument": order.terms.instrument_id}
    found["qty"] = format_quantity(order.terms.quantity)
    return found
