"""The ladder: every price a row, own orders with what is ahead of them, and orders made and moved at the cursor."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import Instrument, symbol_of
from stockpulse_engine.domain.market import Depth, Trade
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.orders import Order, Side
from stockpulse_engine.render.format import for_copy, format_age, format_price, format_quantity
from stockpulse_engine.render.ladder import LadderData, LadderOrder, ladder_prices, render_ladder
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.cell import Cell
from stockpulse_tui.depth_age import FROZEN_NS, depth_age_ns
from stockpulse_tui.ladder_feet import foot_lines
from stockpulse_tui.order_pick import price_of
from stockpulse_tui.order_words import LEGS
from stockpulse_tui.print_log import PrintLog
from stockpulse_tui.queue_watch import QueueWatch, short_size
from stockpulse_tui.widgets.ladder_trade import LadderTrade
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from textual import events

    from stockpulse_tui.store import Changes

GROUPS = (1, 2, 5, 10, 25, 50, 100)
TOP = 2
"""Rows above the first price: title and headings."""
_NO_TRADES: deque[Trade] = deque()


class Ladder(LadderTrade, Panel):
    """The ladder pane."""

    context = Context.LADDER
    title = "Ladder"
    ticks_seconds = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.ready_trading()
        self.cursor: Decimal | None = None
        self.center: Decimal | None = None
        self.follows = True
        self.group = 1
        self.prints = PrintLog()
        self.queues = QueueWatch()
        self._rows = 1

    # -- what it shows

    @property
    def instrument(self) -> Instrument | None:
        """The one on the ladder."""
        return self.store.instruments.get(self.instrument_id)

    @property
    def depth(self) -> Depth | None:
        """The book in view."""
        return self.store.depths.get(self.instrument_id)

    def show_instrument(self, instrument_id: str) -> None:
        """Another instrument: its own prints, cursor and lines."""
        if instrument_id == self.instrument_id:
            return
        self.instrument_id = instrument_id
        self.drop_trade()
        self.cursor, self.center, self.follows, self.sizing = None, None, True, None
        self.prints = PrintLog()
        self.prints.take(self.store.trades.get(instrument_id, _NO_TRADES))
        self.redraw()

    def redraw(self) -> None:
        """What stands beside the cursor goes with it."""
        super().redraw()
        beside = self.shell.view.panes.get("cursor") if self.is_mounted else None
        if beside is not None:
            beside.redraw()

    def topics(self) -> frozenset[str]:
        """The book and the prints, only while shown."""
        name = self.instrument_id
        return frozenset({f"depth:{name}", f"trades:{name}"}) if name else frozenset()

    def on_store(self, changes: Changes) -> None:
        """Book, prints, quotes and orders of this instrument."""
        is_ours = self.instrument_id in changes.quotes
        if not (is_ours or changes.touches("depths", "trades", "orders", "positions", "instruments")):
            return
        depth = self.depth
        for order in self.working():
            if depth is not None:
                self.queues.see_depth(order, depth)
        for trade in self.prints.take(self.store.trades.get(self.instrument_id, _NO_TRADES)):
            for order in self.working():
                self.queues.see_trade(order, trade)
        self.trade_on_store()
        self.watch_aim()
        self.redraw()

    def working(self) -> list[Order]:
        """Own open orders of this instrument, highest price first."""
        found = [
            order
            for order in self.store.orders.values()
            if order.terms.instrument_id == self.instrument_id and order.is_open and price_of(order.terms) is not None
        ]
        return sorted(found, key=lambda order: price_of(order.terms) or Decimal(0), reverse=True)

    def age_ns(self) -> int:
        """Age of the book, -1 without one."""
        lost, depth = self.shell.status.lost_ns(), self.depth
        if depth is None or lost >= 0:
            return lost
        store, clock = self.store, self.store.clock
        own = store.quotes.get(self.instrument_id)
        now = self.shell.status.market_ns()
        return depth_age_ns(depth, own, store.quotes.values(), now, clock.speed if clock else 1.0)

    @property
    def is_frozen(self) -> bool:
        """Whether the book is too old to act on."""
        return self.depth is None or self.age_ns() > FROZEN_NS

    def cursor_price(self) -> Decimal:
        """The price under the cursor."""
        return self.cursor or self._market() or Decimal(1)

    def _market(self) -> Decimal | None:
        """Where the market is: the last print, else the middle."""
        instrument, last = self.instrument, self.store.last(self.instrument_id)
        return None if last is None or instrument is None else round_to_tick(last, instrument.tick_size, up=False)

    @property
    def step(self) -> Decimal:
        """Price between two rows."""
        instrument = self.instrument
        return (instrument.tick_size if instrument else Decimal("0.01")) * self.group

    def _aim(self, rows: int) -> None:
        """Keep the market in the middle half while following, the cursor in sight always."""
        self._rows = rows
        market = self._market()
        if self.cursor is None:
            quote = self.store.quotes.get(self.instrument_id)
            self.cursor = quote.bid if quote is not None else market
        if self.center is None:
            self.center = market
        if self.center is None or market is None:
            return
        if self.follows and abs(market - self.center) > self.step * (rows // 4):
            self.center = market
        if self.cursor is not None:  # what a key would do is never out of sight
            reach = self._reach()
            self.center = min(max(self.center, self.cursor - reach), self.cursor + reach)

    def _reach(self) -> Decimal:
        """How far from the middle a price is still in sight."""
        return self.step * max(1, self._rows // 2 - 1)

    # -- painting

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Prices, then what is about to be sent, then the sums."""
        instrument, size = self.instrument, (width, height)
        if instrument is None:
            return empty_state("…", "Waiting for the market", self.shell.status.words, size)
        if self.depth is None and self.shell.rewind.is_past:
            return empty_state("·", "The book of then is not kept", "Chart and watchlist show what is.", size)
        if self.depth is None and self.store.last(self.instrument_id) is None:
            return empty_state("…", "Waiting for the book", f"{instrument.symbol} was asked for.", size)
        bar = self.trade_bar(width)
        feet = foot_lines(self.depth, self.facts(), width, self.shell.glyphs) if height > 12 else []
        room = max(2, height - len(bar) - len(feet))
        self._aim(room - 1)
        return [*render_ladder(self.data(instrument), width, room, self.shell.glyphs), *bar, *feet]

    def data(self, instrument: Instrument) -> LadderData:
        """What is drawn."""
        position = next((p for p in self.store.positions.values() if p.instrument_id == self.instrument_id), None)
        return LadderData(
            tick=instrument.tick_size,
            center=self.center or Decimal(1),
            depth=self.depth,
            orders=(*self._chips(), *self._draft_chips()),
            cursor=self.cursor,
            last=self._market(),
            last_is_up=self.prints.is_up,
            traded=self.prints.traded,
            position=position.quantity if position else Decimal(0),
            average_cost=position.average_cost if position else None,
            group=self.group,
            is_focused=self.is_active,
            is_frozen=self.is_frozen,
        )

    def facts(self) -> dict[str, str]:
        """What the last row says: name → text."""
        instrument = self.instrument
        quote = self.store.quotes.get(self.instrument_id)
        tick = instrument.tick_size if instrument else Decimal("0.01")
        found = {"last": format_price(self._market(), tick), "up": "1" if self.prints.is_up else ""}
        if self.prints.last is not None:
            found["size"] = format_quantity(self.prints.last.size)
            found["delta"] = format_quantity(self.prints.delta, signed=True)
        if quote is not None:
            found["spread"] = f"{int((quote.ask - quote.bid) / tick)} t"
        position = next((p for p in self.store.positions.values() if p.instrument_id == self.instrument_id), None)
        if position is not None:
            found["position"] = format_quantity(position.quantity, signed=True)
            if position.unrealized is not None:
                found["open"] = str(position.unrealized)
        return found

    def _chips(self) -> list[LadderOrder]:
        chips = []
        for order in self.working():
            is_picked = self.pick is not None and order.client_order_id in self.pick.ids
            shown = self.pick.moved(order) if self.pick is not None and is_picked else order
            price = price_of(shown.terms)
            if price is not None:
                chips.append(
                    LadderOrder(
                        is_buy=order.terms.side is Side.BUY,
                        price=price,
                        quantity=order.leaves_quantity,
                        text=self.chip_text(order),
                        is_picked=is_picked,
                    )
                )
        return chips

    def chip_text(self, order: Order) -> str:
        """What a chip says besides the quantity: its place in a bracket, a stop, or what is ahead of it."""
        if order.is_unknown:
            return "?"
        if order.role in LEGS:
            return LEGS[order.role]
        if order.terms.stop_price is not None:
            return "stop"
        ahead = self.queues.ahead(order)
        return "" if ahead is None else f"q{short_size(ahead)}"

    def _draft_chips(self) -> list[LadderOrder]:
        draft = self.draft
        if draft is None:
            return []
        is_buy = draft.side is Side.BUY
        chips = [LadderOrder(is_buy=is_buy, price=draft.price, quantity=draft.quantity, text="line", is_picked=True)]
        for price, text in ((draft.stop, "stop"), (draft.take, "take")):
            if price is not None:
                chips.append(
                    LadderOrder(is_buy=not is_buy, price=price, quantity=draft.quantity, text=text, is_picked=True)
                )
        return chips

    def title_left(self) -> Line:
        """Instrument, tick, grouping; the size being typed."""
        bg, instrument = self.title_bg, self.instrument
        if instrument is None:
            return ()
        parts = [Span(symbol_of(self.instrument_id), "strong", bg, bold=True)]
        if self.sizing is not None:
            return (*parts, Span(f"   size {self.sizing}▏  Enter sets it", "accent", bg, bold=True))
        words = f"   tick {format_price(instrument.tick_size, instrument.tick_size)}   group {self.group}"
        if self.size.width >= 60:
            parts.append(Span(words + ("" if self.follows else "   still"), "muted", bg))
        return tuple(parts)

    def title_right(self) -> Line:
        """How old the book is."""
        bg, age = self.title_bg, self.age_ns()
        if self.depth is None:
            return (Span("no book yet", "muted", bg),)
        if age > FROZEN_NS:
            return (Span(f"frozen: depth {format_age(age)} old", "danger", bg, bold=True),)
        return (Span(f"depth {format_age(age)}", "muted", bg),)

    # -- moving

    def do_move_down(self) -> None:
        """The cursor, the line or the picked order one step down."""
        self._move(-1)

    def do_move_up(self) -> None:
        """One step up."""
        self._move(1)

    def do_move_page_down(self) -> None:
        """One page down."""
        self._move_cursor(-max(1, self._rows - 2))

    def do_move_page_up(self) -> None:
        """One page up."""
        self._move_cursor(max(1, self._rows - 2))

    def _move(self, ticks: int) -> None:
        if self.pick is not None or (self.draft is not None and self._may_edit()):
            super()._move(ticks * self.group)
            self._follow_line()
        else:
            self._move_cursor(ticks)

    def _follow_line(self) -> None:
        """The cursor goes along with what is moved."""
        if self.pick is not None:
            price = price_of(self.pick.moved(self.pick.orders[0]).terms)
        else:
            price = self.draft.marked if self.draft is not None else None
        if price is not None:
            self.put_cursor(price)

    def _move_cursor(self, rows: int) -> None:
        self.put_cursor(max(self.step, self.cursor_price() + self.step * rows))

    def put_cursor(self, price: Decimal) -> None:
        """Move the cursor; the ladder scrolls when it would leave."""
        self.cursor = price
        self.watch_aim()
        center = self.center
        if center is not None:
            reach = self._reach()
            if price > center + reach:
                self.center, self.follows = price - reach, False
            elif price < center - reach:
                self.center, self.follows = price + reach, False
        self.redraw()

    def do_ladder_center(self) -> None:
        """The market in the middle, the cursor on it."""
        self.center = self.cursor = None
        self.redraw()

    def do_ladder_follow(self) -> None:
        """Keep the market in the middle, or leave the ladder still."""
        self.follows = not self.follows
        if self.follows:
            self.center = self.cursor = None
        self.shell.notify_line("the ladder follows the market" if self.follows else "the ladder stays where it is")
        self.redraw()

    def do_ladder_group(self) -> None:
        """More ticks in one row."""
        self._regroup(1)

    def do_ladder_ungroup(self) -> None:
        """Fewer ticks in one row."""
        self._regroup(-1)

    def _regroup(self, by: int) -> None:
        self.group = GROUPS[max(0, min(len(GROUPS) - 1, GROUPS.index(self.group) + by))]
        self.center = self.cursor = None
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """The mouse puts the cursor on a price."""
        instrument = self.instrument
        if instrument is None or self.center is None:
            return
        prices = ladder_prices(self.data(instrument), self._rows)
        if TOP <= event.y < TOP + len(prices):
            self.cursor = prices[event.y - TOP]
            self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self._move_cursor(-3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self._move_cursor(3)

    def cell(self) -> Cell | None:
        """The price under the cursor."""
        instrument = self.instrument
        if instrument is None:
            return None
        price = for_copy(format_price(self.cursor_price(), instrument.tick_size))
        row = {"price": price, "group": str(self.group)}
        row |= {order.client_order_id: self.chip_text(order) for order in self.at_cursor()}
        depth = self.depth
        return Cell(
            name="price",
            value=price,
            instrument_id=self.instrument_id,
            source=depth.source if depth else "",
            formula="own orders: quantity and what is ahead (displayed when first seen, less prints there since)",
            ts_event=depth.ts_event if depth else 0,
            row=row,
        )
