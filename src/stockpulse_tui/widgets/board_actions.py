"""What the watchlist does on keys: groups, order, adding and removing; moving is any cursor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_tui.messages import LineEntered
from stockpulse_tui.watchlists import expand
from stockpulse_tui.widgets.cursor_pane import CursorPane

if TYPE_CHECKING:
    from stockpulse_tui.watchlists import Watchlists
    from stockpulse_tui.widgets.board_row import BoardRow

TOP = 2
"""Rows above the first instrument: title and headings."""
SORTS = ("", "instrument", "chg%", "rvol", "bp")


class BoardActions(CursorPane):
    """Cursor, order and groups of the board; `Board` adds values and painting."""

    context = Context.WATCHLIST
    first_column = 1
    title = "Watchlist"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: list[BoardRow] = []
        self.places: dict[str, int] = {}
        """Instrument id → index in `rows`."""
        self.sort = ""
        self.is_reversed = False

    @property
    def count(self) -> int:
        """Instruments of the group."""
        return len(self.rows)

    @property
    def lists(self) -> Watchlists:
        """The groups, shared by all boards of this head."""
        return self.shell.watchlists

    @property
    def current(self) -> BoardRow | None:
        """The row under the cursor."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def reload(self) -> None:
        """Build the rows of the group shown again."""
        raise AssertionError("the board builds its rows")

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

    def text_at(self, place: int) -> str:
        """What `/` searches in a row."""
        return self.rows[place].symbol

    def do_row_open(self) -> None:
        """The chart of the row."""
        row = self.current
        if row is not None and row.id:
            self.shell.open_row("screen.chart", row.id)

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

    def do_watch_add(self) -> None:
        """Ask for instruments."""
        self.shell.windows.ask("watch.add", "add")

    def do_watch_remove(self) -> None:
        """Take the row out."""
        row = self.current
        if row is not None and self.own_lists().remove(row.symbol):
            self._changed(f"{row.symbol} removed, u brings it back")

    def do_watch_undo(self) -> None:
        """Take back the last change."""
        self._changed("undone" if self.own_lists().undo() else "nothing to undo")

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
        self.own_lists().move(row.symbol, step)
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
        new = self.own_lists().add(known)
        words = f"added {', '.join(new)}" if new else "nothing new"
        self._changed(f"{words}; not known here: {', '.join(unknown[:5])}" if unknown else words)

    def own_lists(self) -> Watchlists:
        """The groups as they are to be changed: first with what another head changed."""
        return self.shell.current_watchlists()

    def _changed(self, words: str) -> None:
        self.shell.save_watchlists()
        self.reload()
        if words:
            self.shell.notify_line(words)
