"""Trading from the chart: the line at the cursor's price, picked orders, and the bar that tells what became of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.actions.usual_size import usual_size
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import Order, OrderType, Side
from stockpulse_engine.render.format import format_number, format_percent, format_price, format_quantity
from stockpulse_engine.render.span import Line, Span, fit, line_width, spread, wrap_line
from stockpulse_tui.courier import Courier
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.order_pick import OrderPick, bracket_of, movable, price_of
from stockpulse_tui.order_words import gone_words
from stockpulse_tui.trade_draft import ENTRY, TradeDraft
from stockpulse_tui.widgets.header import frame_tokens
from stockpulse_tui.widgets.order_state import intent_lines, outside, with_keys

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.store import Store

BAR_BG = "raised"
NOT_WHOLE = "the line needs a size in whole lots, its stop and its take each on its own side"


class ChartTrade:
    """What a chart does with an order; mixed into the pane."""

    shell: StockPulseApp
    store: Store
    instrument_id: str

    def ready_trading(self) -> None:
        """No line, nothing picked."""
        self.draft: TradeDraft | None = None
        self.pick: OrderPick | None = None
        self.courier: Courier | None = None
        self.lost_pick = ""
        """How the order ended that was being moved; its keys do nothing until Esc or another pick."""
        self._quantities: dict[str, Decimal] = {}

    # -- of the pane

    if TYPE_CHECKING:

        @property
        def instrument(self) -> Instrument | None:
            """What the pane shows."""

        def cursor_price(self) -> Decimal:
            """The price under the cross-hair."""

        def redraw(self) -> None:
            """Draw the pane again."""

        def do_move_up(self) -> None:
            """The cross-hair's price up."""

        def do_move_down(self) -> None:
            """The cross-hair's price down."""

    @property
    def intent(self) -> Intent | None:
        """The intent under way, None without one."""
        return self.courier.intent if self.courier is not None else None

    def drop_trade(self) -> None:
        """Forget line, pick and what was told; orders live on."""
        self.draft = self.pick = self.courier = None
        self.lost_pick = ""

    # -- the line

    def do_order_buy(self) -> None:
        """A line to buy at the cursor's price."""
        self._open_line(Side.BUY)

    def do_order_sell(self) -> None:
        """A line to sell at the cursor's price."""
        self._open_line(Side.SELL)

    def _open_line(self, side: Side) -> None:
        instrument = self.instrument
        if instrument is None or self.shell.command is not None:
            self._open_ticket(side)
            return
        if self.draft is not None and self._may_edit():
            self.draft.turn(side)
        elif self._may_edit() or (self.intent is not None and self.intent.phase is not Phase.ASKING):
            self.pick, self.lost_pick = None, ""
            self.draft = TradeDraft(instrument, side, self.cursor_price(), self._first_quantity(instrument, side))
            self.courier = Courier(self.shell, Intent(), self.redraw)
        self.redraw()

    def _open_ticket(self, side: Side) -> None:
        """A whole order on the command line is the ticket's business."""
        from stockpulse_tui.screens.ticket import open_order_ticket

        open_order_ticket(self.shell, side.value.lower())

    def _may_edit(self) -> bool:
        return self.intent is None or self.intent.is_open

    def _first_quantity(self, instrument: Instrument, side: Side) -> Decimal:
        """As typed last, else the usual size; a sale of what is held never more than that."""
        quantity = self._quantities.get(instrument.instrument_id) or self._usual_size(instrument)
        held = self.store.held(instrument.instrument_id)
        closes = held > 0 if side is Side.SELL else held < 0
        return min(quantity, abs(held)) if closes else quantity

    def _usual_size(self, instrument: Instrument) -> Decimal:
        view, last = self.store.account, self.store.last(instrument.instrument_id)
        return usual_size(instrument, last, view.equity if view else None, reversed(self.store.orders.values()))

    def take_key(self, key: str) -> bool:
        """While a line is open digits are its size, and Tab walks through entry, stop and take."""
        if self.draft is None or not self._may_edit() or not self.draft.press(key):
            return False
        self._edited()
        return True

    def _edited(self) -> None:
        """A refused line that was changed is a new intent."""
        if self.intent is not None and self.intent.phase is Phase.REFUSED:
            self.courier = Courier(self.shell, Intent(), self.redraw)
        self.redraw()

    def do_line_size(self) -> None:
        """Type another size."""
        if self.draft is not None:
            self.take_key("#")
        else:
            self.shell.notify_line("open a line first, then its size is typed")

    def do_line_lower(self) -> None:
        """One tick down; without a line the cross-hair moves."""
        self._move(-1)

    def do_line_raise(self) -> None:
        """One tick up."""
        self._move(1)

    def do_line_lower_ten(self) -> None:
        """Ten ticks down."""
        self._move(-10)

    def do_line_raise_ten(self) -> None:
        """Ten ticks up."""
        self._move(10)

    def _says_lost(self) -> bool:
        """Whether a key was meant for an order that went away while it was being moved; then that is said."""
        if self.lost_pick:
            self.shell.notify_line(f"{self.lost_pick}. Esc goes on", "warn")
        return bool(self.lost_pick)

    def _move(self, ticks: int) -> None:
        if self._says_lost():
            return
        if self.pick is not None:
            self.pick.move(ticks)
            self.redraw()
        elif self.draft is not None and self._may_edit():
            self.draft.move(ticks)
            self._edited()
        elif ticks > 0:
            self.do_move_up()
        else:
            self.do_move_down()

    def do_line_send(self) -> None:
        """Send when armed, stage when safe; move a picked order."""
        if self._says_lost():
            return
        if self.pick is not None:
            self._send_move()
        elif self.courier is None:
            self.shell.notify_line("b or v opens a line at the cursor, o picks an order")
        else:
            self._send_line(self.courier)

    def _send_line(self, courier: Courier) -> None:
        account = self.store.account
        quote = self.store.quotes.get(self.instrument_id)
        account_id = account.account.account_id if account else ""
        body = None
        if self.draft is not None:
            body = self.draft.body(account_id, quote, is_staged=not courier.is_armed)
        words = courier.idle_words()
        if not words and body is None and courier.intent.is_open:
            words = f"not sent: {NOT_WHOLE if account_id else 'no account is known yet'}"
        if words:
            self.shell.notify_line(words, "warn")
        courier.enter(body)

    # -- picked orders

    def do_order_pick(self) -> None:
        """The next working order of this instrument; after the last one none."""
        self._pick_next([(order,) for order in self._movable()])

    def do_order_pick_bracket(self) -> None:
        """The next bracket as a whole."""
        orders = self._movable()
        whole = dict.fromkeys(bracket_of(order, orders) for order in orders)
        self._pick_next([family for family in whole if len(family) > 1])

    def _movable(self) -> list[Order]:
        """Nearest to the market first."""
        last = self.store.last(self.instrument_id) or Decimal(0)
        return movable(self.store.orders.values(), self.instrument_id, last)

    def _pick_next(self, groups: list[tuple[Order, ...]]) -> None:
        instrument = self.instrument
        if instrument is None or (self.pick is not None and self.pick.is_asking):
            return
        if not groups:
            self.shell.notify_line("nothing of yours works here that could be moved")
            return
        ids = [frozenset(order.client_order_id for order in group) for group in groups]
        at = ids.index(self.pick.ids) + 1 if self.pick is not None and self.pick.ids in ids else 0
        self.draft = self.courier = None
        self.lost_pick = ""
        self.pick = OrderPick(groups[at], instrument.tick_size) if at < len(groups) else None
        self.redraw()

    def _send_move(self) -> None:
        pick = self.pick
        if pick is None or pick.is_asking or not pick.requests():
            is_asked = pick is not None and pick.is_asking
            words = "the engine is asked already" if is_asked else "nothing to send: it is where it was"
            self.shell.notify_line(words)
            return
        if not self.shell.status.armed_until():
            key = self.shell.keymap.key_of("trading.arm", self.shell.context)
            pick.problem = f"SAFE: nothing is sent. {key} arms, Esc puts it back."
            self.redraw()
            return
        pick.is_asking = True
        self.shell.in_background(self._ask_move(pick), is_intent=True)
        self.redraw()

    async def _ask_move(self, pick: OrderPick) -> None:
        """Every order of the pick, outermost first; the first refusal stops it and is told."""
        try:
            for order_id, body in pick.requests():
                await self.shell.link.commands.modify_order(order_id, body)
        except UnavailableError as error:
            pick.problem = f"{error} Enter asks again under the same key."
        except StockPulseError as error:
            pick.problem = str(error)
        else:
            self.pick = None if self.pick is pick else self.pick
        pick.is_asking = False
        self.redraw()

    def do_order_cancel(self) -> None:
        """Cancel the picked order, or what the line has sent."""
        if self._says_lost():
            return
        ids = sorted(self.pick.ids) if self.pick is not None else []
        if not ids and self.intent is not None and self.intent.phase in (Phase.SENT, Phase.STAGED):
            ids = [self.intent.order_id]
        if not ids:
            key = self.shell.keymap.key_of("order.pick", self.shell.context)
            self.shell.notify_line(f"pick an order with {key} first")
            return
        if self.pick is not None:
            self.pick.is_asking = True
        self.shell.in_background(self._cancel(ids), is_intent=True)

    async def _cancel(self, ids: list[str]) -> None:
        commands, pick = self.shell.link.commands, self.pick
        for order_id in ids:
            order = self.store.orders.get(order_id)
            is_staged = order is not None and order.status.value == "INITIALIZED"
            try:
                await (commands.discard_order(order_id) if is_staged else commands.cancel_order(order_id))
            except StockPulseError as error:
                self.shell.notify_line(str(error), "danger")
                if pick is not None:
                    pick.is_asking = False
                return
        self.pick = None if self.pick is pick else self.pick
        self.redraw()

    def do_view_back(self) -> None:
        """Esc: the line, the pick or the told order goes; then the zoom; then a moment of the past."""
        if self.pick is not None or self.courier is not None or self.draft is not None or self.lost_pick:
            self.drop_trade()
            self.redraw()
        elif self.shell.view.zoomed:
            self.shell.view.do_pane_zoom()
        elif self.shell.rewind.is_past:
            self.shell.rewind.leave()

    # -- telling

    def trade_on_store(self) -> None:
        """Frames were applied: a sent line is an order now and is drawn as one."""
        if self.courier is not None:
            self.courier.on_store()
        if self.intent is not None and self.intent.phase in (Phase.SENT, Phase.STAGED):
            self.draft = None
        if self.pick is not None and not self.pick.is_asking:
            now = [self.store.orders.get(order.client_order_id, order) for order in self.pick.orders]
            lost = next((order for order in now if not movable([order], self.instrument_id)), None)
            if lost is not None:
                self.pick = None
                self.lost_pick = f"nothing was moved: {gone_words(lost, self.store.orders)}"

    def trade_bar(self, width: int) -> list[Line]:
        """The rows under the chart that belong to the order under way."""
        if self.pick is not None:
            return [_bar(line, width, BAR_BG) for line in self._pick_lines(self.pick, width)]
        if self.lost_pick:
            said = (Span(" GONE ", "warn", "warn_bg", bold=True), Span(f"  {self.lost_pick}", "text", BAR_BG))
            keys = _keys((("Esc", "go on"),), BAR_BG)
            return [_bar(line, width, BAR_BG) for line in with_keys([said], keys, width - 4, BAR_BG)]
        intent, instrument = self.intent, self.instrument
        if intent is None or instrument is None:
            return []
        armed = bool(self.shell.status.armed_until())
        now = self.shell.clock.now_ns()
        told = intent_lines(intent, BAR_BG, tick=instrument.tick_size, now_ns=now, armed=armed)
        if told:
            if intent.phase in (Phase.SENT, Phase.STAGED):
                self.draft = None
            keys = _keys((("Esc", "close"),), BAR_BG)
            return [_bar(line, width, BAR_BG) for line in with_keys(told, keys, width - 4, BAR_BG)]
        return [self._draft_line(self.draft, width)] if self.draft is not None else []

    def _draft_line(self, draft: TradeDraft, width: int) -> Line:
        """The order about to be made, its distance, its risk, and what Enter does with it."""
        quote = self.store.quotes.get(self.instrument_id)
        frame = frame_tokens(self.shell.status.header())
        fg, bg = frame or ("text", BAR_BG)
        side = "buy" if draft.side is Side.BUY else "sell"
        tick = draft.instrument.tick_size
        kind = "stop" if draft.order_type(quote) is OrderType.STOP else "limit"
        words = f" {format_quantity(draft.quantity)} at {format_price(draft.price, tick)} {kind}"
        chip = Span(f" {side.upper()} ", "ink", side, bold=True)
        marked = f"   {draft.handle} {format_price(draft.marked, tick)}" if draft.handle != ENTRY else ""
        parts = [
            Span(words, fg if frame else "strong", bg, bold=True),
            Span(marked, fg if frame else "accent", bg, bold=True),
            Span(f"   {draft.note()}", fg, bg),
            Span(f"   {self._distance(draft.price, tick)}", fg if frame else "muted", bg),
        ]
        keys = self._line_keys(draft, fg, bg, is_framed=bool(frame))
        while len(parts) > 1 and line_width((chip, *parts, *keys)) + 5 > width:
            parts.pop()
        return _bar(spread((chip, *parts), keys, width - 4, bg=bg), width, bg)

    def _line_keys(self, draft: TradeDraft, fg: str, bg: str, *, is_framed: bool) -> Line:
        if not draft.is_whole:
            return (Span("no order yet: a size, and exits on their sides", fg, bg),)
        if not is_framed:
            return _keys((("Enter", "stage"), ("Tab", "stop, take")), bg)
        header = self.shell.status.header()
        whose = "SEND real money" if header.account and header.account.account.kind.value == "LIVE" else "SEND"
        return (Span(f"Enter {whose}", fg, bg, bold=True),)

    def _distance(self, price: Decimal, tick: Decimal) -> str:
        last = self.store.last(self.instrument_id)
        if not last:
            return ""
        return f"{format_number((price - last) / tick, 0, signed=True)} t  {format_percent((price - last) / last)}"

    def _pick_lines(self, pick: OrderPick, width: int) -> list[Line]:
        order = pick.orders[0]
        count = len(pick.orders)
        one = f"{order.terms.side.value.lower()} {format_quantity(order.terms.quantity)}"
        what = one if count == 1 else f"{count} orders"
        old, new = (format_price(price_of(o.terms), pick.tick) for o in (order, pick.moved(order)))
        moved = f"{old} → {new}" if pick.ticks else old
        left = (
            Span(" PICKED ", "ink", "accent", bold=True),
            Span(f"  {what}   {moved}", "strong", BAR_BG, bold=True),
            Span(f"   {format_number(Decimal(pick.ticks), 0, signed=True)} t" if pick.ticks else "", "text", BAR_BG),
        )
        keys = _keys((("j k", "move"), ("Enter", "change"), ("c", "cancel"), ("Esc", "restore")), BAR_BG)
        lines = [spread(left, (Span("… asking", "accent", BAR_BG),) if pick.is_asking else keys, width - 4, bg=BAR_BG)]
        if pick.problem:
            lines += wrap_line((Span(outside(pick.problem), "warn", BAR_BG),), width - 4)
        return lines


def _bar(line: Line, width: int, bg: str) -> Line:
    return fit((Span("  ", "text", bg), *line), width, bg=bg)


def _keys(keys: tuple[tuple[str, str], ...], bg: str) -> Line:
    spans: list[Span] = []
    for key, word in keys:
        spans += [Span(key, "accent", bg, bold=True), Span(f" {word}  ", "muted", bg)]
    return tuple(spans)
