"""The price ladder: P&L if flat, own orders, bids, price, asks, own orders, traded here; one row per price."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.market import Depth
from stockpulse_engine.render.depth import bar_text
from stockpulse_engine.render.format import format_number, format_price, format_quantity, format_size
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Line, Span, fit

_SIZE, _PRICE, _MINE, _PROFIT = 12, 11, 10, 9
_NARROW_SIZE, _NARROW_MINE = 8, 8
"""Where the five columns would not fit otherwise."""
_GROUP_LIMIT = 1000


class LadderOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One working order. `text` is what its chip says besides the quantity: `q84`, `take`, `stop`."""

    is_buy: bool
    price: Decimal
    quantity: Decimal
    text: str = ""
    is_picked: bool = False


class LadderData(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a ladder shows.

    Attributes:
        center: the price in the middle row.
        cursor: the price under the cursor; None without.
        last: last trade; `last_is_up` its direction.
        traded: price → volume traded there today; empty drops the column.
        position: signed quantity, with `average_cost`, for P&L if flat at each price.
        multiplier: money per unit of price and quantity.
        group: ticks per row.
        is_frozen: the depth is too old to act on.
    """

    tick: Decimal
    center: Decimal
    depth: Depth | None
    orders: tuple[LadderOrder, ...] = ()
    cursor: Decimal | None = None
    last: Decimal | None = None
    last_is_up: bool = True
    traded: dict[Decimal, Decimal] = {}
    position: Decimal = Decimal(0)
    average_cost: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    group: int = 1
    is_focused: bool = True
    is_frozen: bool = False


def render_ladder(data: LadderData, width: int, height: int, glyphs: Glyphs = FULL) -> list[Line]:
    """The heading and `height - 1` prices, the highest first, each line `width` cells."""
    painter = _Painter(data, width, glyphs)
    prices = ladder_prices(data, height - 1)
    return [painter.heading(), *(painter.row(price) for price in prices)][:height]


def ladder_prices(data: LadderData, rows: int) -> list[Decimal]:
    """The price of each row, the highest first, on the grid of the group."""
    step = row_step(data)
    middle = (data.center / step).to_integral_value() * step
    return [middle + step * (rows // 2 - i) for i in range(max(0, rows))]


def row_step(data: LadderData) -> Decimal:
    """Price difference between two rows."""
    return data.tick * min(_GROUP_LIMIT, max(1, data.group))


class _Painter:
    def __init__(self, data: LadderData, width: int, glyphs: Glyphs) -> None:
        self._data = data
        self._width = width
        self._glyphs = glyphs
        self._step = row_step(data)
        self._bids = self._levels(is_bid=True)
        self._asks = self._levels(is_bid=False)
        sizes = [*self._bids.values(), *self._asks.values()]
        self._largest = float(max(sizes, default=Decimal(1)) or 1)
        self._best_bid = max(self._bids, default=None)
        self._best_ask = min(self._asks, default=None)
        is_narrow = width < 1 + 2 * (_MINE + _SIZE) + _PRICE
        self._mine_width, self._size_width = (_NARROW_MINE, _NARROW_SIZE) if is_narrow else (_MINE, _SIZE)
        core = 1 + 2 * (self._mine_width + self._size_width) + _PRICE
        self._has_profit = bool(data.position) and width >= core + _PROFIT
        used = core + (_PROFIT if self._has_profit else 0)
        self._traded_width = width - used if data.traded and width - used >= 10 else 0
        self._traded_at: dict[Decimal, Decimal] = {}
        for price, volume in data.traded.items() if self._traded_width else ():
            row = self._grid(price, is_down=True)
            self._traded_at[row] = self._traded_at.get(row, Decimal(0)) + volume
        self._most_traded = float(max(self._traded_at.values(), default=Decimal(1)) or 1)

    def _levels(self, *, is_bid: bool) -> dict[Decimal, Decimal]:
        """Displayed size per row, bids rounded down to it and asks up."""
        depth, found = self._data.depth, dict[Decimal, Decimal]()
        for level in () if depth is None else depth.bids if is_bid else depth.asks:
            price = self._grid(level.price, is_down=is_bid)
            found[price] = found.get(price, Decimal(0)) + level.size
        return found

    def _grid(self, price: Decimal, *, is_down: bool) -> Decimal:
        steps = price / self._step
        whole = steps.to_integral_value()
        if whole != steps:
            whole = steps // 1 if is_down else steps // 1 + 1
        return whole * self._step

    def heading(self) -> Line:
        """Column titles over their columns."""
        profit = "P&L".rjust(_PROFIT - 1) + " " if self._has_profit else ""
        mine, size = "mine".center(self._mine_width), self._size_width
        text = f" {profit}{mine}{'bid'.rjust(size)}{'price'.center(_PRICE)}{'ask'.ljust(size)}{mine}"
        text += "traded here"[: self._traded_width].ljust(self._traded_width)
        return fit((Span(text, "muted"),), self._width)

    def row(self, price: Decimal) -> Line:
        """One price."""
        is_cursor = self._is_here(self._data.cursor, price)
        bg = ("select" if self._data.is_focused else "select2") if is_cursor else "panel"
        mark = self._glyphs.focus if is_cursor else " "
        spans = [Span(mark, "accent" if self._data.is_focused else "faint", bg)]
        if self._has_profit:
            spans.append(self._profit(price, bg, is_cursor=is_cursor))
        spans += self._mine(price, bg, is_buy=True)
        spans += self._size(price, bg, is_bid=True)
        spans += self._price(price, bg)
        spans += self._size(price, bg, is_bid=False)
        spans += self._mine(price, bg, is_buy=False)
        spans += self._traded(price, bg)
        return fit(tuple(spans), self._width, bg=bg)

    def _is_here(self, value: Decimal | None, price: Decimal) -> bool:
        return value is not None and price <= value < price + self._step

    def _profit(self, price: Decimal, bg: str, *, is_cursor: bool) -> Span:
        """P&L if flat here: in its hue only at the market, at own orders and at the cursor."""
        data = self._data
        cost = data.average_cost if data.average_cost is not None else price
        amount = (price - cost) * data.position * data.multiplier
        is_loud = (
            is_cursor
            or price in (self._best_bid, self._best_ask)
            or any(self._is_here(o.price, price) for o in data.orders)
        )
        token = "muted" if not is_loud or amount == 0 else "up" if amount > 0 else "down"
        text = format_number(amount, 0, signed=True)
        lead = "avg" if self._is_here(data.average_cost, price) and len(text) < _PROFIT - len("avg ") else ""
        return Span(lead + text.rjust(_PROFIT - 1 - len(lead))[: _PROFIT - 1] + " ", token, bg)

    def _mine(self, price: Decimal, bg: str, *, is_buy: bool) -> list[Span]:
        orders = [o for o in self._data.orders if o.is_buy is is_buy and self._is_here(o.price, price)]
        if not orders:
            return [Span(" " * self._mine_width, "text", bg)]
        quantity = sum((o.quantity for o in orders), Decimal(0))
        told = orders[0].text if len(orders) == 1 else f"{len(orders)} ord"
        room = self._mine_width - 2
        text = f"{format_quantity(quantity)} {told}".strip()
        text = text[:room] if len(text) >= room else f" {text} "[:room]
        token = "accent" if any(o.is_picked for o in orders) else "buy" if is_buy else "sell"
        chip = Span(text.center(room), "ink", token, bold=True)
        return [Span(" ", "text", bg), chip, Span(" ", "text", bg)]

    def _size(self, price: Decimal, bg: str, *, is_bid: bool) -> Line:
        width = self._size_width
        size = (self._bids if is_bid else self._asks).get(price)
        if size is None:
            return (Span(" " * width, "text", bg),)
        is_best = price == (self._best_bid if is_bid else self._best_ask)
        token = "faint" if self._data.is_frozen else ("buy" if is_bid else "sell") if is_best else "text"
        text = format_size(size)
        text = text.rjust(width) if is_bid else text.ljust(width)
        return bar_text(text, float(size) / self._largest, is_bid=is_bid, is_bold=is_best, bg=bg, fg=token)

    def _price(self, price: Decimal, bg: str) -> list[Span]:
        ground = "raised" if bg == "panel" else bg
        is_last = self._is_here(self._data.last, price)
        is_inside = price in (self._best_bid, self._best_ask)
        is_round = price == price.to_integral_value()
        token = "strong" if is_inside or is_last else "text" if is_round else "muted"
        tone = "up" if self._data.last_is_up else "down"
        arrow = self._glyphs.up if self._data.last_is_up else self._glyphs.down
        text = format_price(price, self._data.tick).rjust(_PRICE - 2)
        return [
            Span(self._glyphs.entry if is_last else " ", tone, ground),
            Span(text, token, ground, bold=is_inside or is_last),
            Span(arrow if is_last else " ", tone, ground),
        ]

    def _traded(self, price: Decimal, bg: str) -> list[Span]:
        if not self._traded_width:
            return []
        total = self._traded_at.get(price, Decimal(0))
        text = (format_size(total) if total else self._glyphs.nothing).rjust(self._traded_width - 1) + " "
        filled = min(self._traded_width, round(float(total) / self._most_traded * (self._traded_width - 8)))
        return (
            [Span(text[:filled], "muted", "bar"), Span(text[filled:], "faint", bg)]
            if filled > 0
            else [Span(text, "faint", bg)]
        )
