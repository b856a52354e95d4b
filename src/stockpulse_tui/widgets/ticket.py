"""The ticket pane of the desk, and what it shares with the ticket window: one session, its facts, its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.render.format import format_clock
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.ticket import Ticket
from stockpulse_tui.ticket_session import TicketSession
from stockpulse_tui.widgets.header import badge_kind, frame_tokens
from stockpulse_tui.widgets.order_state import outside
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state
from stockpulse_tui.widgets.ticket_lines import PANE, SMALL, Look, spot_at, ticket_body
from stockpulse_tui.widgets.ticket_parts import TicketFacts

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Size

    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.store import Changes

_SHOWN_KEYS = ("ticket.explain", "ticket.nearest", "trading.arm")


def ticket_facts(shell: StockPulseApp, session: TicketSession, *, is_active: bool) -> TicketFacts:
    """What a ticket is drawn from now."""
    header = shell.status.header()
    view = header.account
    instrument = _instrument(shell, session.ticket)
    is_typing = session.ticket.is_typing
    keys = {name: shell.keymap.key_of(name, Context.TICKET, is_typing=is_typing) for name in _SHOWN_KEYS}
    return TicketFacts(
        kind=badge_kind(header),
        account_id=view.account.account_id if view else "",
        currency=view.account.currency if view else "",
        armed_left_ns=max(0, header.armed_until - header.wall_ns) if header.armed_until else 0,
        frame=frame_tokens(header),
        zone=header.clock.time_zone if header.clock else "UTC",
        wall_ns=header.wall_ns,
        quote=shell.store.quotes.get(instrument.instrument_id) if instrument else None,
        instrument=instrument,
        glyphs=shell.glyphs,
        is_active=is_active,
        is_asking=session.is_asking,
        keys=keys,
    )


def _instrument(shell: StockPulseApp, ticket: Ticket) -> Instrument | None:
    """What the order is about: as the line says, else what the desk shows."""
    order = ticket.order
    if order is not None:
        return order.instrument
    return shell.store.by_symbol.get(ticket.form.symbol) or shell.store.instruments.get(shell.instrument_id)


class TicketKeys:
    """The actions of a ticket, for whoever holds a session."""

    session: TicketSession
    shell: StockPulseApp
    size: Size

    if TYPE_CHECKING:

        @property
        def look(self) -> Look:
            """How it is drawn at its size."""

    def on_click(self, event: events.Click) -> None:
        """The mouse points into the line, at a field or a row; a second click explains the row. It never sends."""
        ticket = self.session.ticket
        facts = ticket_facts(self.shell, self.session, is_active=True)
        spot = spot_at(ticket, facts, (self.size.width, self.size.height - 1), self.look, (event.x, event.y - 1))
        if spot is None:
            return
        is_again = event.chain > 1 and spot == (ticket.zone, ticket.row)
        self.session.point_at(*spot)
        if is_again:
            self.do_ticket_explain()

    @property
    def is_typing(self) -> bool:
        """Whether letters are text now; the footer shows other keys then."""
        return self.session.ticket.is_typing

    @property
    def cli_line(self) -> str:
        """The shell twin of the order, for the footer."""
        return outside(self.session.ticket.cli_twin, 120)

    def do_ticket_send(self) -> None:
        """Send when armed, stage when safe; a denied order goes nowhere, and that is said."""
        self.session.enter()

    def take_paste(self, text: str) -> None:
        """Pasted text goes into the line."""
        self.session.paste(text)

    def do_ticket_copy_cli(self) -> None:
        """The shell twin, to the clipboard."""
        twin = self.session.ticket.cli_twin
        if twin:
            self.shell.copy_to_clipboard(twin)
            self.shell.notify_line(f"copied {twin}")
        else:
            self.shell.notify_line("there is no order to copy yet")

    def do_ticket_duplicate(self) -> None:
        """The same order once more."""
        if not self.session.duplicate():
            self.shell.notify_line("there is no whole order to repeat", "warn")

    def do_ticket_nearest(self) -> None:
        """The largest quantity that would pass."""
        if not self.session.take_nearest():
            self.shell.notify_line("no smaller quantity is on offer")

    def do_ticket_explain(self) -> None:
        """Explain the marked row of the preview."""
        from stockpulse_tui.widgets.overlay import Sheet

        ticket = self.session.ticket
        if not ticket.rows:
            self.shell.notify_line("the engine has not answered yet: there is no row to explain")
            return
        row = ticket.rows[min(ticket.row, len(ticket.rows) - 1)]
        lines: list[Line] = [(Span(outside(part, 300), "text"),) for part in _sentences(row.explanation)]
        lines += [(), (Span("inputs", "muted"),)] if row.numbers else []
        lines += [
            (Span(f"  {outside(name, 24):<26}", "muted"), Span(outside(text, 60), "strong"))
            for name, text in list(row.numbers.items())[:24]
        ]
        self.shell.windows.open(Sheet(f"{outside(row.name, 20)}  {outside(row.text, 60)}", lines))


def _sentences(text: str) -> list[str]:
    """An explanation in rows that fit a window."""
    from textwrap import wrap

    return [row for part in text.split("   ") for row in wrap(part, 80) or [""]]


class TicketPane(TicketKeys, Panel):
    """The ticket as a pane: it types while it has the focus."""

    context = Context.TICKET
    title = "Ticket"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._made: TicketSession | None = None

    @property
    def session(self) -> TicketSession:  # type: ignore[override] # made with the first need of a shell
        """The pane's own ticket."""
        if self._made is None:
            self._made = TicketSession(self.shell, Ticket(has_form=False), self.redraw)
        return self._made

    def title_left(self) -> Line:
        """What the order is about."""
        instrument = _instrument(self.shell, self.session.ticket)
        return (Span(outside(instrument.symbol, 24), "muted", self.title_bg),) if instrument else ()

    def title_right(self) -> Line:
        """The time of the market it speaks of."""
        facts = ticket_facts(self.shell, self.session, is_active=self.is_active)
        if facts.quote is None or self.shell.rewind.is_past:
            return ()
        return (Span(f"as of {format_clock(facts.quote.ts_event, facts.zone, digits=1)}", "muted", self.title_bg),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """The ticket, in the look there is room for."""
        if self.shell.rewind.is_past:
            why = "Nothing is sent or changed from the past. `@ now` goes back; cancels and !! work on what is live."
            return empty_state("·", "No order leaves from here", why, (width, height))
        facts = ticket_facts(self.shell, self.session, is_active=self.is_active)
        return ticket_body(self.session.ticket, facts, width, height, self.look)

    @property
    def look(self) -> Look:
        """As wide as there is room."""
        return SMALL if self.size.width >= 70 else PANE

    def take_key(self, key: str) -> bool:
        """Typing goes to the line; there is none in the past."""
        return not self.shell.rewind.is_past and self.session.press(key)

    def take_paste(self, text: str) -> None:
        """Pasted text goes into the line; there is none in the past."""
        if self.shell.rewind.is_past:
            self.shell.notify_line(self.shell.rewind.refuses("ticket.send"), "warn")
        else:
            super().take_paste(text)

    def do_ticket_discard(self) -> None:
        """An empty ticket."""
        words = self.session.drop_words()
        self.session.set_line("")
        if words:
            self.shell.notify_line(words)
        self.shell.shell_screen.footer.redraw()

    def on_store(self, changes: Changes) -> None:
        """Frames were applied."""
        self.session.on_store()
        if changes.touches("arms", "halt", "accounts") or self.follows(changes):
            self.redraw()

    def follows(self, changes: Changes) -> bool:
        """Whether the quote on show changed."""
        instrument = _instrument(self.shell, self.session.ticket)
        return instrument is not None and instrument.instrument_id in changes.quotes

    def on_second(self) -> None:
        """Rules and account move on."""
        self.session.on_second()
        if self.session.ticket.edit.text:
            self.redraw()

    def show_instrument(self, instrument_id: str) -> None:
        """The instrument an empty line means."""
        super().show_instrument(instrument_id)
        self.session.open()
        self.redraw()
