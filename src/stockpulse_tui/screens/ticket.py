"""The ticket window: opened by `b` and `v` from anywhere, closed by Esc, and kept until its order's state was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.render.span import Line
from stockpulse_tui.screens.slots import Box
from stockpulse_tui.ticket import Ticket
from stockpulse_tui.ticket_session import TicketSession
from stockpulse_tui.widgets.overlay import Overlay
from stockpulse_tui.widgets.ticket import TicketKeys, ticket_facts
from stockpulse_tui.widgets.ticket_lines import SMALL, WINDOW, Look, ticket_body, ticket_title

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

WIDE, TALL = 90, 29
LEAST_WIDTH, LEAST_HEIGHT = 94, 34


class TicketWindow(TicketKeys, Overlay):
    """One ticket above everything."""

    context = Context.TICKET
    is_entry = True

    def __init__(self, shell: StockPulseApp, text: str = "") -> None:
        super().__init__()
        is_large = _has_room(*shell.size)
        self.session = TicketSession(shell, Ticket(text, has_form=is_large), self._changed, keeps_instrument=True)
        self.session.open()  # read at once: an Enter may be right behind the key that opened it

    def on_mount(self) -> None:
        """Keep ages moving."""
        self.set_interval(1.0, self._on_second)

    def on_unmount(self) -> None:
        """Nothing is asked any more."""
        self.session.close()

    def region_for(self, width: int, height: int) -> Box:
        """Centred; in a small terminal the whole body."""
        if not _has_room(width, height):
            return Box(1, 2, width - 2, height - 4)
        return Box((width - WIDE) // 2, max(2, (height - TALL) // 2), WIDE, TALL)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title, body, bar."""
        ticket = self.session.ticket
        ticket.has_form = _has_room(*self.app.size)
        facts = ticket_facts(self.shell, self.session, is_active=True)
        title = ticket_title(facts, width, "overlay" if ticket.has_form else "select")
        return [title, *ticket_body(ticket, facts, width, height - 1, self.look)]

    @property
    def look(self) -> Look:
        """As large as there is room."""
        return WINDOW if self.session.ticket.has_form else SMALL

    def _changed(self) -> None:
        self.redraw()
        self.shell.shell_screen.footer.redraw()

    def _on_second(self) -> None:
        self.session.on_second()
        self.redraw()

    def take_key(self, key: str) -> bool:
        """Typing stays here."""
        return self.session.press(key)

    def do_ticket_discard(self) -> None:
        """Close it: a draft is thrown away, an order lives on."""
        words = self.session.drop_words()
        self.session.close()
        self.shell.windows.close(self)
        if words:
            self.shell.notify_line(words)

    def on_store(self) -> None:
        """Frames were applied."""
        self.session.on_store()
        self.redraw()


def _has_room(width: int, height: int) -> bool:
    return width >= LEAST_WIDTH and height >= LEAST_HEIGHT


def open_ticket(shell: StockPulseApp, text: str) -> TicketWindow:
    """Open a ticket with a line already written: what other panes use to close, reverse or repeat."""
    window = TicketWindow(shell, text)
    shell.windows.open(window)
    return window


def open_order_ticket(shell: StockPulseApp, side: str) -> TicketWindow:
    """A ticket for a side, for the instrument in focus or the one the command line names, with its further words."""
    command = shell.command
    symbol = (command.symbol if command else "") or (symbol_of(shell.instrument_id) if shell.instrument_id else "")
    words = [side, symbol, *(command.arguments if command else ())]
    window = open_ticket(shell, " ".join(word for word in words if word) + " ")
    window.session.awaits_symbol = not symbol
    return window
