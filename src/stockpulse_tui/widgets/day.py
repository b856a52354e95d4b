"""The day as its trader would review it: the list of what was sent and refused, with what each cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.views import DayOrder, DayRefusal, DayReview
from stockpulse_engine.render.format import format_clock, format_money
from stockpulse_engine.render.review import review_page
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Row
from stockpulse_tui.cell import Cell
from stockpulse_tui.day_lines import COLUMNS, order_row, refusal_row, summary_lines
from stockpulse_tui.market_day import zone_of
from stockpulse_tui.position_rows import tone
from stockpulse_tui.widgets.list_pane import TablePane
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.store import Changes

EVERY_S = 20
"""How often the review is read again while it is looked at."""


class DayPicked(Message):
    """The cursor of the review is on another entry; `is_opened` when Enter was pressed."""

    def __init__(self, entry: DayOrder | DayRefusal | None, *, is_opened: bool = False) -> None:
        self.entry = entry
        self.is_opened = is_opened
        super().__init__()


class Day(TablePane):
    """The list pane of the review."""

    context = Context.POSITIONS
    title = "Day"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.session_date = ""
        """Which session, "" for the newest."""
        self.review: DayReview | None = None
        self.entries: list[DayOrder | DayRefusal] = []
        self.problem = ""
        self._is_asking = False
        self._seconds = 0

    def on_store(self, changes: Changes) -> None:
        """A fill or a refusal is worth a new reading."""
        if changes.is_reset or changes.touches("fills"):
            self.ask()

    def on_second(self) -> None:
        """Read again now and then."""
        self._seconds += 1
        if self._seconds >= EVERY_S:
            self.ask()

    def show_session(self, session_date: str) -> None:
        """Review another session."""
        self.session_date, self.review, self.problem = session_date, None, ""
        self._is_asking = False
        self.ask()
        self.redraw()

    def ask(self) -> None:
        """Read the review."""
        if not self._is_asking:
            self._is_asking, self._seconds = True, 0
            self.shell.in_background(self._read(self.session_date))

    async def _read(self, session_date: str) -> None:
        try:
            review = await self.shell.link.commands.day(session_date=session_date)
        except StockPulseError as error:
            self.problem = str(error)
        else:
            if session_date == self.session_date:
                self.review, self.problem = review, ""
                self.entries = [*review.orders, *review.refusals]
                self.take_keys([_key(entry) for entry in self.entries])
                self.selected()
        finally:
            self._is_asking = False
        self.redraw()

    @property
    def current(self) -> DayOrder | DayRefusal | None:
        """The entry under the cursor."""
        return self.entries[self.at] if self.at < len(self.entries) else None

    def selected(self) -> None:
        """The pane beside it follows."""
        self.post_message(DayPicked(self.current))

    def find_text(self, key: str) -> str:
        """Entries are found by their symbol."""
        entry = next((entry for entry in self.entries if _key(entry) == key), None)
        return symbol_of(_instrument_of(entry)) if entry is not None else key

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Summary, then the table."""
        review, size = self.review, (width, height)
        if review is None:
            if self.problem:
                return empty_state("!", "The day could not be read", self.problem, size)
            return empty_state("…", "Reading the day", "Orders, fills and bars of the session are put together.", size)
        head = [*summary_lines(review, width), ()]
        if not self.entries:
            why = "No order was sent in this session and none was refused."
            return [*head, *empty_state("·", "A day without orders", why, (width, height - len(head)))]
        zone = zone_of(self.store.clock)
        self.list_y = 2 + len(head)

        def row(place: int) -> Row:
            entry = self.entries[place]
            if isinstance(entry, DayRefusal):
                return refusal_row(entry, zone)
            return order_row(entry, self.store.instruments, zone)

        return [*head, *self.table(COLUMNS, row, (width, height - len(head)), gap=1)]

    def title_left(self) -> Line:
        """Which session and account."""
        review, bg = self.review, self.title_bg
        words = self.session_date if review is None else f"{review.session_date}  {clean_line(review.account_id, 24)}"
        return (Span(words, "muted", bg),)

    def title_right(self) -> Line:
        """The result."""
        review, bg = self.review, self.title_bg
        if review is None:
            return ()
        result = review.equity_now - review.equity_open
        return (Span(self.where() + "  ", "muted", bg), Span(format_money(result, signed=True), tone(result), bg))

    def do_row_open(self) -> None:
        """Its chart."""
        self.post_message(DayPicked(self.current, is_opened=True))

    def do_day_write(self) -> None:
        """Write the Markdown page."""
        if self.review is not None:
            write_page(self.shell, self.review)
        else:
            self.shell.notify_line("the day is not read yet")

    def do_view_back(self) -> None:
        """Back to the positions."""
        self.shell.show_view("screen.positions")

    def cell(self) -> Cell | None:
        """The order's id."""
        entry = self.current
        if entry is None:
            return None
        return Cell(
            name="client id",
            value=_key(entry),
            instrument_id=_instrument_of(entry),
            source="journal, fills and bars of the session",
            formula="cost against the middle at arrival = spread + slippage + fees; positive is a cost",
        )


def write_page(shell: StockPulseApp, review: DayReview) -> None:
    """Write the review as Markdown into the current directory; the footer says where or why not."""
    zone = zone_of(shell.store.clock)
    file = Path.cwd() / f"stockpulse-day-{review.session_date}.md"
    try:
        file.write_text(review_page(review, lambda ts: format_clock(ts, zone)), encoding="utf-8")
    except OSError as error:
        shell.notify_line(f"the page could not be written: {error}", "danger")
    else:
        shell.notify_line(f"written: {file}")


def _key(entry: DayOrder | DayRefusal) -> str:
    return entry.client_order_id if isinstance(entry, DayRefusal) else entry.order.client_order_id


def _instrument_of(entry: DayOrder | DayRefusal) -> str:
    return entry.instrument_id if isinstance(entry, DayRefusal) else entry.order.terms.instrument_id
