"""The blotter: working, unknown, today's and past orders; cancel, move, change, repeat and send from the row."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order, OrderType
from stockpulse_engine.render.format import for_copy, format_money
from stockpulse_engine.render.span import Line, Span, line_width, spread
from stockpulse_tui.blotter_rows import (
    COMPACT,
    SORTS,
    TABS,
    BlotterFacts,
    Tab,
    columns,
    counts,
    orders_of,
    row_of,
    texts,
)
from stockpulse_tui.cell import Cell
from stockpulse_tui.explain_book import ORDER_FORMULAS, order_inputs
from stockpulse_tui.live_words import money_word
from stockpulse_tui.market_day import day_start, zone_of
from stockpulse_tui.order_words import price_of, tick_of, unknown_words
from stockpulse_tui.queue_watch import QueueWatch
from stockpulse_tui.widgets.order_acts import OrderPicked, OrderTable
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.store import Changes

TALL = 14
"""From this height the tabs have a row of their own, below they are in the title."""
EXPLAINED_FROM = 9
"""Rows of body from which an UNKNOWN order is spelled out under the table."""
MAX_QUEUES = 8
"""Instruments whose book is followed for the queue."""
MAX_HISTORY = 2_000


class Blotter(OrderTable):
    """The orders pane."""

    context = Context.ORDERS
    title = "Orders"
    kinds = frozenset({"orders", "fills", "depths"})
    ticks_seconds = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.tab = Tab.WORKING
        self.sort, self.is_reversed = "", False
        self.history: dict[str, Order] = {}
        self.history_state = ""
        """"" not asked yet, `…` asked, `ok`, else what went wrong."""
        self.queues = QueueWatch()
        self._counts: dict[Tab, int] = {}
        self._watched: frozenset[str] = frozenset()

    def on_mount(self) -> None:
        """Take in what is known already."""
        self.reload()

    # -- what is shown

    def reload(self) -> None:
        """Read the orders of the tab again."""
        store, start = self.store, day_start(self.store.clock)
        known = {**self.history, **store.orders} if self.tab is Tab.HISTORY else store.orders
        self.orders = orders_of(self.tab, known.values(), start, self.sort, is_reversed=self.is_reversed)
        self._counts = counts(store.orders.values(), start)
        if self.history:
            self._counts[Tab.HISTORY] = len(orders_of(Tab.HISTORY, {**self.history, **store.orders}.values(), start))
        self.take_keys([order.client_order_id for order in self.orders])
        self._watch_queues()
        self.check_pick()

    def _watch_queues(self) -> None:
        depths = self.store.depths
        for order in self.orders:
            depth = depths.get(order.terms.instrument_id)
            if depth is not None:
                self.queues.see_depth(order, depth)

    def topics(self) -> frozenset[str]:
        """The books of resting limit orders, for their place in the queue."""
        resting = [o.terms.instrument_id for o in self.orders if o.is_open and o.terms.order_type is OrderType.LIMIT]
        return frozenset(f"depth:{name}" for name in list(dict.fromkeys(resting))[:MAX_QUEUES])

    def on_store(self, changes: Changes) -> None:
        """Orders, fills, books of ours and the prices of rows in sight."""
        if changes.touches("orders", "fills", "clock"):
            self.reload()
            self.redraw()
        elif changes.touches("depths") or not self._watched.isdisjoint(changes.quotes):
            self._watch_queues()
            self.redraw()

    def selected(self) -> None:
        """The desk's instrument and the life pane follow the cursor."""
        order = self.current
        self.post_message(OrderPicked(order.client_order_id if order else ""))
        if order is not None and self.is_front and self.has_focus:
            self.instrument_id = order.terms.instrument_id
            self.shell.pick_instrument(self.instrument_id)

    def find_text(self, key: str) -> str:
        """Orders are found by their instrument."""
        order = self.store.orders.get(key) or self.history.get(key)
        return symbol_of(order.terms.instrument_id) if order else key

    def facts(self) -> BlotterFacts:
        """What rows are drawn from."""
        picked = self.pick.orders[0] if self.pick else None
        return BlotterFacts(
            orders={**self.history, **self.store.orders} if self.tab is Tab.HISTORY else self.store.orders,
            instruments=self.store.instruments,
            last=self.store.last,
            ahead=self.queues.ahead,
            now_ns=self.shell.status.market_ns(),
            canceling={key for key in self.keys if self.asker.is_asking(("cancel", key))},
            picked=picked.client_order_id if picked else "",
            picked_price=price_of(self.pick.moved(picked)) if self.pick and picked else None,
            glyphs=self.shell.glyphs,
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Tabs, table, and UNKNOWN in one sentence."""
        lines: list[Line] = []
        if height >= TALL - 1:
            right = (Span("[ ] tab   / find ", "faint"),)
            lines.append(spread((Span("  "), *self._tabs("panel")), right, width))
        told = self._unknown_lines(width) if height >= EXPLAINED_FROM else []
        room = height - len(lines) - len(told)
        self.list_y = 2 + len(lines)
        if not self.orders:
            return [*lines, *self._empty(width, room), *told]
        facts = self.facts()
        self._watched = frozenset(order.terms.instrument_id for order in self.orders[self.top : self.top + room])
        table = self.table(
            columns(width),
            lambda place: row_of(self.orders[place], facts, width),
            (width, room),
            gap=2 if width >= COMPACT else 1,
        )
        return [*lines, *table, *told]

    def _tabs(self, bg: str) -> Line:
        spans: list[Span] = []
        for tab in TABS:
            count = self._counts.get(tab)
            is_loud = tab is Tab.UNKNOWN and bool(count)
            is_here = tab is self.tab
            name_token = "warn" if is_loud else "strong" if is_here else "muted"
            number = " 0" if count == 0 else f" {count:,}" if count is not None else ""
            spans.append(Span(tab.value, name_token, bg, bold=is_here or is_loud, underline=is_here))
            spans.append(Span(number, "warn" if is_loud else "accent" if is_here else "muted", bg, bold=is_loud))
            spans.append(Span("   ", "text", bg))
        return tuple(spans)

    def _unknown_lines(self, width: int) -> list[Line]:
        unknown = self.store.unknown_orders()
        if not unknown:
            return []
        zone, now = zone_of(self.store.clock), self.shell.status.market_ns()
        current = self.current
        what, told = unknown_words(current if current is not None and current.is_unknown else unknown[0], now, zone)
        head: Line = (Span("  "), Span("! ", "warn", bold=True), Span(what, "strong", bold=True), Span("  "))
        account = self.store.account
        if account is not None and account.unknown_notional and not self.shell.rewind.is_past:
            told += f" May open {format_money(account.unknown_notional)} at worst."
        used = line_width(head)
        first, *more = wrap(told, width - used - 1, subsequent_indent="    ") or [""]
        return [(*head, Span(first, "warn")), *((Span(text[: width - 1], "warn"),) for text in more[:2])]

    def _empty(self, width: int, height: int) -> list[Line]:
        size = (width, height)
        if not self.store.seq:
            return empty_state("…", "Waiting for the engine", self.shell.status.words, size)
        if self.tab is Tab.WORKING:
            is_past = self.shell.rewind.is_past
            keys = () if is_past else (("b", "buy"), ("v", "sell"))
            why = f"Nothing {'was' if is_past else 'is'} at the broker and nothing {'was' if is_past else 'is'} staged."
            return empty_state("·", "No working orders", why, size, keys)
        if self.tab is Tab.UNKNOWN:
            why = "The outcome of every order is proven by the venue's own reports."
            return empty_state("·", "No unknown orders", why, size)
        if self.tab is Tab.TODAY:
            return empty_state("·", "No orders today", "Nothing was ordered since the session's day began.", size)
        if self.history_state == "…":
            return empty_state("…", "Asking for past orders", "The journal is read.", size)
        if self.history_state not in ("", "ok"):
            return empty_state("!", "The past orders could not be read", self.history_state, size)
        return empty_state("·", "No past orders", "No order of this home has ended yet.", size)

    def title_left(self) -> Line:
        """The tabs where they have no row of their own; what is being moved."""
        bg = self.title_bg
        moving = self.pick_words(bg)
        if moving:
            return moving
        return () if self.size.height >= TALL else self._tabs(bg)

    def title_right(self) -> Line:
        """How many there are of what matters; the place in a long list."""
        bg, count = self.title_bg, self._counts
        if self.stale_words(bg):
            return self.stale_words(bg)
        unknown = count.get(Tab.UNKNOWN, 0)
        loud = Span(f"! {unknown} UNKNOWN", "warn", bg, bold=True)
        if self.size.width < COMPACT:
            return (loud,) if unknown else (Span(self.where(), "muted", bg),)
        start = day_start(self.store.clock)
        fills = sum(fill.ts_event >= start for fill in self.store.fills.values())
        place = f"{self.where()}   " if self.where() else ""
        working = Span(f"{place}{count.get(Tab.WORKING, 0)} working  ", "muted", bg)
        middle = loud if unknown else Span("0 UNKNOWN", "muted", bg)
        whose = Span(f"  {money_word(self.shell)}", "muted", bg, bold=True)
        return (working, middle, Span(f"  {fills} fills today", "muted", bg), whose)

    # -- tabs, order

    def do_tab_next(self) -> None:
        """The next tab."""
        self.show_tab(TABS[(TABS.index(self.tab) + 1) % len(TABS)])

    def do_tab_previous(self) -> None:
        """The tab before."""
        self.show_tab(TABS[(TABS.index(self.tab) - 1) % len(TABS)])

    def do_order_unknown(self) -> None:
        """The orders whose outcome is unknown; again goes back."""
        self.show_tab(Tab.WORKING if self.tab is Tab.UNKNOWN else Tab.UNKNOWN)

    def show_tab(self, tab: Tab) -> None:
        """Show a tab; the past is read when it is first wanted."""
        kept = self.key
        self.tab, self.pick, self.lost_pick = tab, None, ""
        self.let_go()
        if tab is Tab.HISTORY and self.history_state != "…":
            self.history_state = "…"
            self.shell.in_background(self._read_history())
        self.reload()
        self.select_key(kept)
        self.redraw()

    async def _read_history(self) -> None:
        try:
            found = await self.shell.link.commands.orders("history", limit=MAX_HISTORY)
        except StockPulseError as error:
            self.history_state = str(error)
        else:
            self.history = {order.client_order_id: order for order in found}
            self.history_state = "ok"
        self.reload()
        self.redraw()

    def do_list_sort(self) -> None:
        """Sort by the next column."""
        names = list(SORTS)
        self.sort, self.is_reversed = names[(names.index(self.sort) + 1) % len(names)], False
        self._show_sorted()

    def do_list_reverse(self) -> None:
        """The other way round."""
        self.is_reversed = not self.is_reversed
        self._show_sorted()

    def _show_sorted(self) -> None:
        self.reload()
        self.redraw()
        if self.sort:
            self.shell.notify_line(f"sorted by {self.sort}{', reversed' if self.is_reversed else ''}")
        else:
            self.shell.notify_line("oldest first" if self.is_reversed else "newest first")

    def cell(self) -> Cell | None:
        """The cell under the cursor: the client id until a cell was chosen."""
        order = self.current
        if order is None:
            return None
        row = {name: for_copy(text) for name, text in texts(order, self.facts()).items()}
        name = self.column_name or "client id"
        value = row.get(name, row["id"]) if name != "client id" else row["id"]
        return Cell(
            name=name,
            value=value,
            instrument_id=order.terms.instrument_id,
            source="the engine's journal",
            formula=ORDER_FORMULAS.get(name, ""),
            inputs=order_inputs(
                name,
                order,
                self.store.last(order.terms.instrument_id),
                tick_of(order, self.store.instruments),
                self.queues.ahead(order),
            ),
            ts_event=order.updated_at,
            row=row,
        )
