"""What a row that is an order can be told: cancel, move by ticks, change, repeat, send, and why it was refused."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import structs
from textual.message import Message

from stockpulse_engine.actions.orderline import terms_line
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.render.format import format_price
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.wire.rest import ModifyBody
from stockpulse_tui.asker import Asker, why_not
from stockpulse_tui.modify_line import modify_text, parse_modify
from stockpulse_tui.order_names import named_order
from stockpulse_tui.order_pick import OrderPick, movable, price_of
from stockpulse_tui.order_words import gone_words, refusal_words, short_terms, state_of, tick_of
from stockpulse_tui.painter import cells
from stockpulse_tui.tickets import open_line
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.overlay import Sheet
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from stockpulse_tui.messages import LineEntered

MOVED_ON = "j or k puts the cursor on a row"
NUDGES = {"j": -1, "Down": -1, "k": 1, "Up": 1, "J": -10, "K": 10}
"""Keys that move a picked price, in ticks."""


class OrderPicked(Message):
    """The cursor is on another order; `is_opened` when Enter asked for its life."""

    def __init__(self, client_order_id: str, *, is_opened: bool = False) -> None:
        self.client_order_id = client_order_id
        self.is_opened = is_opened
        super().__init__()


class OrderActs(Panel):
    """Keys that act on an order. A key acts on the order it was meant for, or says why on none."""

    gone = ""
    """The order that went from under the cursor, "" while the cursor is on one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.pick: OrderPick | None = None
        """What is being moved, None while nothing is picked."""
        self.lost_pick = ""
        """How the order ended that was being moved; its keys do nothing until Esc or another pick."""
        self._modifying = ""

    @cached_property
    def asker(self) -> Asker:
        """Carries requests, each under a key minted once."""
        return Asker(self.shell, self.redraw)

    @property
    def current(self) -> Order | None:
        """The order the pane is about now, None where there is none."""
        raise AssertionError(f"{type(self).__name__} has no orders")

    def meant(self) -> Order | None:
        """The order a key acts on; where it went from under the cursor that is said, and nothing is done."""
        if self.lost_pick:
            self.shell.notify_line(self.lost_pick, "warn")
            return None
        if self.gone:
            order = self.store.orders.get(self.gone)
            self.shell.notify_line(f"nothing was done: {gone_words(order, self.store.orders)}. {MOVED_ON}", "warn")
            return None
        if self.current is None:
            self.shell.notify_line("there is no order here")
        return self.current

    # -- moving the price

    def take_key(self, key: str) -> bool:
        """While an order is picked `j`/`k` move its price, Enter asks for it, Esc restores it."""
        if self.lost_pick:
            return self._after_loss(key)
        if self.pick is None:
            return False
        if key in NUDGES:
            self.pick.move(NUDGES[key])
        elif key == "Enter":
            self.send_pick(self.pick)
        elif key == "Esc":
            self.pick = None
        else:
            return False
        self.redraw()
        return True

    def _after_loss(self, key: str) -> bool:
        if key in NUDGES or key == "Enter":
            self.shell.notify_line(self.lost_pick, "warn")
            return True
        if key == "Esc":
            self.lost_pick = ""
            self.redraw()
        return key == "Esc"

    def do_order_pick(self) -> None:
        """Pick the order under the cursor to move its price."""
        self.lost_pick = ""
        order = self.meant()
        if order is not None and movable([order], order.terms.instrument_id):
            self.pick = OrderPick([order], tick_of(order, self.store.instruments))
            self.redraw()
        elif order is not None:
            self._say_state("its price can not be moved", order)

    def pick_words(self, bg: str) -> Line:
        """What is being moved and to where, or how that came to nothing; empty while nothing is picked."""
        pick = self.pick
        if pick is not None:
            price = format_price(price_of(pick.moved(pick.orders[0]).terms), pick.tick)
            words = f"moving to {price}  {pick.ticks:+d} t   j k ticks  Enter asks  Esc restores"
            return (Span(words, "accent", bg, bold=True),)
        return (Span(self.lost_pick, "warn", bg, bold=True),) if self.lost_pick else ()

    def check_pick(self) -> None:
        """Let go of orders that filled or went away while they were being moved."""
        pick = self.pick
        if pick is None:
            return
        now = [self.store.orders.get(order.client_order_id, order) for order in pick.orders]
        lost = next((order for order in now if not movable([order], order.terms.instrument_id)), None)
        if lost is not None:
            self.pick = None
            self.lost_pick = f"nothing was moved: {gone_words(lost, self.store.orders)}. Esc goes on"
            self.shell.notify_line(self.lost_pick, "warn")

    def send_pick(self, pick: OrderPick) -> None:
        """Ask for the moved prices."""
        if self.is_refused():
            return
        self.pick = None
        for key, body in pick.requests():
            self.ask_change(key, body)

    def is_refused(self) -> bool:
        """Whether a change would be refused by this head now; then it says why."""
        problem = why_not(self.shell)
        if problem:
            self.shell.notify_line(problem, "danger")
        elif not self.shell.status.armed_until():
            problem = "SAFE: nothing is sent. A arms this head; cancels always work"
            self.shell.notify_line(problem, "warn")
        return bool(problem)

    def ask_change(self, client_order_id: str, body: ModifyBody) -> None:
        """Ask for other terms; the row says `changing` until the venue answers."""
        commands = self.shell.link.commands
        intent = (
            "change",
            client_order_id,
            body.quantity,
            body.limit_price,
            body.stop_price,
            body.trail_amount,
            body.trail_fraction,
        )
        self.asker.ask(
            intent, lambda key: commands.modify_order(client_order_id, structs.replace(body, request_id=key))
        )

    # -- changing and canceling

    def do_order_modify(self) -> None:
        """Change quantity or price in one line; of the row, or of the order a command names."""
        order = named_order(self.shell) if self.shell.command else self.meant()
        if order is None:
            return
        tick = tick_of(order, self.store.instruments)
        label = f"change {symbol_of(order.terms.instrument_id)} {short_terms(order, tick)} to"
        self._modifying = order.client_order_id
        self.shell.windows.ask("order.modify", label, initial=modify_text(order, tick))

    def do_order_cancel_many(self) -> None:
        """Ask for the pattern first, unless a command brings it."""
        command = self.shell.command
        if command is not None and (command.symbol or command.arguments):
            self.cancel_matching(command.symbol or command.arguments[0].upper())
            return
        order = self.current
        initial = symbol_of(order.terms.instrument_id) if order else "*"
        self.shell.windows.ask("order.cancel_many", "cancel every working order of", initial=initial)

    def on_line_entered(self, message: LineEntered) -> None:
        """The line of `m`, the pattern of `C`."""
        if message.purpose == "order.modify":
            message.stop()
            self._entered_modify(message.text)
        elif message.purpose == "order.cancel_many":
            message.stop()
            self.cancel_matching(message.text.strip().upper())

    def cancel_matching(self, pattern: str) -> None:
        """Ask to cancel every working order whose symbol matches."""
        if pattern:
            self.asker.ask(("cancel many", pattern), lambda key: self._cancel_many(pattern, key))

    async def _cancel_many(self, pattern: str, key: str) -> None:
        answer = await self.shell.link.commands.cancel_orders(pattern, request_id=key)
        count = len(answer.client_order_ids)
        words = f"asked to cancel {count} order{'' if count == 1 else 's'} of {pattern}; canceling until proven"
        self.shell.notify_line(words if count else f"no working order matches {pattern}")

    def _entered_modify(self, text: str) -> None:
        order = self.store.orders.get(self._modifying)
        if order is None:
            self.shell.notify_line(f"nothing was changed: {gone_words(None, {})}", "warn")
        if order is None or self.is_refused():
            return
        if order.status.is_terminal:
            self._say_state("nothing was changed", order)
            return
        try:
            body = parse_modify(text, order, tick_of(order, self.store.instruments))
        except InvalidValueError as error:
            self.shell.notify_line(f"{error} The order is as it was.", "warn")
            return
        self.ask_change(order.client_order_id, body)

    def do_order_cancel(self) -> None:
        """Ask to cancel the row, or the order a command names; it stays `canceling` until the venue proves it."""
        order = named_order(self.shell) if self.shell.command else self.meant()
        if order is not None:
            self.cancel(order)

    def cancel(self, order: Order) -> None:
        """Cancel at the venue, or throw a staged one away."""
        key, commands = order.client_order_id, self.shell.link.commands
        if order.status is OrderStatus.INITIALIZED and not order.is_unknown:
            root = order.parent_id or key
            self.asker.ask(
                ("cancel", root), lambda asked: commands.discard_order(root, asked), "discarded: nothing was sent"
            )
        elif order.is_open:
            self.asker.ask(("cancel", key), lambda asked: commands.cancel_order(key, asked))
        else:
            self._say_state("nothing is left to cancel", order)

    def _say_state(self, what: str, order: Order) -> None:
        state, _ = state_of(order, self.store.orders)
        self.shell.notify_line(f"{what}: it is {state.removeprefix('! ')}", "warn")

    # -- opening, repeating, explaining

    def do_order_duplicate(self) -> None:
        """A ticket with the same terms."""
        order = self.meant()
        instrument = self.store.instruments.get(order.terms.instrument_id) if order else None
        if order is not None and instrument is not None:
            open_line(self.shell, terms_line(structs.replace(order.terms, lots=()), instrument))

    def do_row_open(self) -> None:
        """The life of the order; a staged one is sent when this head is armed."""
        order = self.meant()
        if order is None:
            return
        is_staged = order.status is OrderStatus.INITIALIZED and not order.parent_id
        if is_staged and self.shell.status.armed_until():
            self.send_staged(order)
            return
        if is_staged:
            self.shell.notify_line("staged and safe: A arms this head, then Enter sends it", "warn")
        self.open_life(order)

    def open_life(self, order: Order) -> None:
        """Show its life, on the orders screen when there is no room for it here."""
        shell, key = self.shell, order.client_order_id
        if "life" in shell.view.panes:
            self.post_message(OrderPicked(key, is_opened=True))
            return
        shell.show_view("screen.orders", then=lambda: self._open_there(key))

    def _open_there(self, client_order_id: str) -> None:
        pane = self.shell.view.panes.get("orders")
        if isinstance(pane, OrderTable):
            pane.select_key(client_order_id)

    def send_staged(self, order: Order) -> None:
        """Send what was staged, once."""
        if self.is_refused():
            return
        key, commands = order.client_order_id, self.shell.link.commands
        self.asker.ask(("send", key), lambda asked: commands.send_order(key, asked))

    def do_order_why(self) -> None:
        """A refusal in words with its fix, else the life of the order; of the row, or of the one a command names."""
        order = named_order(self.shell) if self.shell.command else self.meant()
        if order is None:
            return
        told = refusal_words(order)
        if told:
            self.shell.windows.open(refusal_sheet(order, tick_of(order, self.store.instruments), told))
        else:
            self.open_life(order)


class OrderTable(OrderActs, TablePane):
    """A table of orders; subclasses keep `orders` true, one per row."""

    keeps_gone = goes_stale = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.orders: list[Order] = []

    @property
    def current(self) -> Order | None:
        """The order under the cursor, None where there is none and where it went away."""
        return self.orders[self.at] if self.at < len(self.orders) and not self.gone else None


def refusal_sheet(order: Order, tick: Decimal, told: list[str]) -> Sheet:
    """A window that says why an order was refused and what to do."""
    lines: list[Line] = []
    for text in told:
        is_fix = text.startswith("fix  ")
        lines += [(Span(cells(text), "strong" if is_fix else "text", bold=is_fix),), ()]
    lines.append((Span(f"sp why {order.client_order_id}", "faint", italic=True),))
    return Sheet(f"Why  {symbol_of(order.terms.instrument_id)} {short_terms(order, tick)}", lines)
