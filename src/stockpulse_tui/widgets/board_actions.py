"""What the watchlist does on keys and mouse: moving, groups, order, search, adding and removing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_tui.messages import LineEntered
from stockpulse_tui.watchlists import expand
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

    from stockpulse_tui.watchlists import Watchlists
    from stockpulse_tui.widgets.board_row import BoardRow

TOP = 2
"""Rows above the first instrument: title and headings."""
SORTS = ("", "instrument", "chg%", "rvol", "bp")


class BoardActions(Panel):
    """Cursor, order and groups of the board; `Board` adds values and painting."""

    context = Context.WATCHLIST
    title = "Watchlist"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: list[BoardRow] = []
        self.places: dict[str, int] = {}
        """Instrument id → index in `rows`."""
        self.at = 0
        self.top = 0
        self.column = 0
        self.column_count = 1
        self.has_cell_cursor = False
        self.sort = ""
        self.is_reversed = False

    @property
    def lists(self) -> Watchlists:
        """The groups, shared by all boards of this head."""
        return self.shell.watchlists

    @property
    def current(self) -> BoardRow | None:
        """The row under the cursor."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    @property
    def room(self) -> int:
        """Rows that fit under the headings."""
        return max(0, self.size.height - TOP)

    def reload(self) -> None:
        """Build the rows of the group shown again."""
        raise AssertionError("the board builds its rows")

    def _keep_in_sight(self, room: int) -> None:
        self.at = max(0, min(self.at, len(self.rows) - 1))
        self.top = max(0, min(self.top, len(self.rows) - room))
        if self.at < self.top:
            self.top = self.at
        elif self.at >= self.top + room:
            self.top = self.at - room + 1

    def go_to(self, place: int) -> None:
        """Move the cursor to a row."""
        if not self.rows:
            return
        self.at = max(0, min(len(self.rows) - 1, place))
        self.redraw()
        self._announce()

    def _announce(self) -> None:
        row = self.current
        if row is not None and row.id and row.id != self.instrument_id:
            self.instrument_id = row.id
            self.shell.pick_instrument(row.id)  # in this turn: a key right behind it is about this instrument

    def show_instrument(self, instrument_id: str) -> None:
        """Follow a choice made elsewhere, when the instrument is in the group."""
        self.instrument_id = instrument_id
        place = self.places.get(instrument_id)
        if place is not None and place != self.at:
            self.at = place
            self.redraw()

    def do_move_down(self) -> None:
        """One row down."""
        self.go_to(self.at + 1)

    def do_move_up(self) -> None:
        """One row up."""
        self.go_to(self.at - 1)

    def do_move_page_down(self) -> None:
        """One page down."""
        self.go_to(self.at + max(1, self.room - 1))

    def do_move_page_up(self) -> None:
        """One page up."""
        self.go_to(self.at - max(1, self.room - 1))

    def do_move_first(self) -> None:
        """The first row."""
        self.go_to(0)

    def do_move_last(self) -> None:
        """The last row."""
        self.go_to(len(self.rows) - 1)

    def do_move_left(self) -> None:
        """One cell to the left."""
        self._move_cell(-1)

    def do_move_right(self) -> None:
        """One cell to the right."""
        self._move_cell(1)

    def _move_cell(self, step: int) -> None:
        count = self.column_count
        self.column = (self.column + step) % count if self.has_cell_cursor else min(1, count - 1)
        self.has_cell_cursor = True
        self.redraw()

    def do_row_open(self) -> None:
        """The chart of the row."""
        row = self.current
        if row is not None and row.id:
            self.shell.open_row("screen.chart", row.id)

    def on_click(self, event: events.Click) -> None:
        """The mouse moves the cursor; a second click opens."""
        place = self.top + event.y - TOP
        if event.y >= TOP and place < len(self.rows):
            is_again = place == self.at and event.chain > 1
            self.go_to(place)
            if is_again:
                self.do_row_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at - 3)

    # -- groups, order, search

    def do_tab_next(self) -> None:
        """The next group."""
        self.lists.show(1)
        self.reload()

    def do_tab_previous(self) -> None:
        """The previous group."""
        self.lists.show(-1)
        self.reload()

    def do_list_sort(self) -> None:
        """Sort by the next column."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.is_reversed = False
        self._resort()
        self.shell.notify_line(f"sorted by {self.sort}" if self.sort else "in your own order")

    def do_list_reverse(self) -> None:
        """The other way round."""
        self.is_reversed = not self.is_reversed
        self._resort()

    def _resort(self) -> None:
        kept = self.current
        if not self.sort:
            self.reload()
        self._sort()
        if kept is not None:
            self.at = next((i for i, row in enumerate(self.rows) if row.symbol == kept.symbol), 0)
        self.redraw()

    def _sort(self) -> None:
        kept = self.current
        if self.sort == "instrument":
            self.rows.sort(key=lambda row: row.symbol, reverse=self.is_reversed)
        elif self.sort:
            name = {"chg%": "change", "rvol": "rvol", "bp": "bp"}[self.sort]
            known = [row for row in self.rows if getattr(row, name) is not None]
            rest = [row for row in self.rows if getattr(row, name) is None]
            self.rows = [*sorted(known, key=lambda row: getattr(row, name), reverse=not self.is_reversed), *rest]
        elif self.is_reversed:
            self.rows.reverse()
        self.places = {row.id: place for place, row in enumerate(self.rows)}
        if kept is not None and kept.id in self.places:
            self.at = self.places[kept.id]

    def do_list_find(self) -> None:
        """Ask for the first letters; the cursor moves as they are typed."""
        self.shell.windows.ask("find", "/", on_change=self._find)

    def _find(self, text: str) -> None:
        wanted = text.strip().upper()
        place = next((i for i, row in enumerate(self.rows) if row.symbol.startswith(wanted)), -1)
        if wanted and place >= 0:
            self.go_to(place)

    def do_watch_add(self) -> None:
        """Ask for instruments."""
        self.shell.windows.ask("watch.add", "add")

    def do_watch_remove(self) -> None:
        """Take the row out."""
        row = self.current
        if row is not None and self.lists.remove(row.symbol):
            self._changed(f"{row.symbol} removed, u brings it back")

    def do_watch_undo(self) -> None:
        """Take back the last change."""
        self._changed("undone" if self.lists.undo() else "nothing to undo")

    def do_watch_lower(self) -> None:
        """The row one place down."""
        self._move_row(1)

    def do_watch_raise(self) -> None:
        """The row one place up."""
        self._move_row(-1)

    def _move_row(self, step: int) -> None:
        row = self.current
        if row is None or self.sort:
            self.shell.notify_line("rows are moved in your own order only: s until it is back", "warn")
            return
        self.lists.move(row.symbol, step)
        self._changed("")

    def on_line_entered(self, message: LineEntered) -> None:
        """What was asked for by `a`."""
        if message.purpose != "watch.add":
            return
        message.stop()
        asked, by_symbol = expand(message.text), self.store.by_symbol
        names = {symbol: symbol if symbol in by_symbol else symbol.rpartition(".")[0] for symbol in asked}
        known = [name for name in names.values() if name in by_symbol]
        unknown = [symbol for symbol, name in names.items() if name not in by_symbol]
        new = self.lists.add(known)
        words = f"added {', '.join(new)}" if new else "nothing new"
        self._changed(f"{words}; not known here: {', '.join(unknown[:5])}" if unknown else words)

    def _changed(self, words: str) -> None:
        self.shell.save_watchlists()
        self.reload()
        if words:
            self.shell.notify_line(words)
