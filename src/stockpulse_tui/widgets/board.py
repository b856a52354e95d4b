"""The watchlist: one widget for the whole board, painting only the rows that changed.

Quotes come in per frame, not one by one; a row is drawn from cached values as a line of spans and baked once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.render.format import for_copy
from stockpulse_engine.render.span import Line, Span, fit, line_width
from stockpulse_tui.cell import Cell
from stockpulse_tui.messages import InstrumentPicked, LineEntered, PaneOpened
from stockpulse_tui.painter import cells
from stockpulse_tui.watchlists import expand
from stockpulse_tui.widgets.board_cells import day_share, visible_columns
from stockpulse_tui.widgets.board_row import BoardRow, RowLook
from stockpulse_tui.widgets.flash import Flashes
from stockpulse_tui.widgets.panel import Panel
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from textual import events

    from stockpulse_tui.store import Changes
    from stockpulse_tui.watchlists import Watchlists

TOP = 2
"""Rows above the first instrument: title and headings."""
STALE_NS = 60_000_000_000
"""Market time without a new quote after which a row is stale, while its market is open."""
FLASH_STEP_S = 0.06
SORTS = ("", "instrument", "chg%", "rvol", "bp")


class Board(Panel):
    """The watchlist pane."""

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
        self.has_cell_cursor = False
        self.sort = ""
        self.is_reversed = False
        self.flashes = Flashes()
        self._look = RowLook(8, (), " " * 9)
        self._flash_timer: TimerHandle | None = None

    @property
    def lists(self) -> Watchlists:
        """The groups, shared by all boards of this head."""
        return self.shell.watchlists

    def on_mount(self) -> None:
        """Take in what is known already."""
        self.reload()

    def reload(self) -> None:
        """Build the rows of the group shown, keeping the cursor on its instrument."""
        store = self.store
        self.lists.follow(list(store.instruments.values()))
        share = self._share()
        kept = self.current.symbol if self.current else ""
        self.rows = [BoardRow(symbol, store.by_symbol.get(symbol)) for symbol in self.lists.group.symbols]
        held = store.held_ids()
        for row in self.rows:
            row.held = row.id in held
            row.update(store, share)
        self._sort()
        self.at = next(
            (i for i, row in enumerate(self.rows) if row.symbol == kept), min(self.at, max(0, len(self.rows) - 1))
        )
        self._announce()
        self.redraw()

    @property
    def current(self) -> BoardRow | None:
        """The row under the cursor."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    def on_store(self, changes: Changes) -> None:
        """Only rows whose values came are drawn again."""
        if changes.is_reset or changes.touches("instruments"):
            self.reload()
            return
        if changes.touches("positions"):
            held = self.store.held_ids()
            for row in self.rows:
                row.held = row.id in held
        if not changes.quotes:
            return
        share, store, now = self._share(), self.store, self.shell.clock.monotonic_ns()
        first, last = self.top, self.top + self._room
        touched: list[int] = []
        places, rows, is_still = self.places, self.rows, self.shell.settings.motion == "off"
        for instrument_id in changes.quotes:
            place = places.get(instrument_id)
            if place is None:
                continue
            row = rows[place]
            before = row.update(store, share)
            if first <= place < last:
                touched.append(place)
                if before != row.last_text and not is_still:
                    self.flashes.changed(instrument_id, before, row.last_text, row.tick_is_up, now)
        self.paint_rows(touched)
        self._arm_flash_timer()

    def on_second(self) -> None:
        """Ages, order and counts."""
        if self.sort not in ("", "instrument"):
            self._sort()
        self.redraw()

    def _share(self) -> float:
        clock = self.store.clock
        if clock is None or clock.phase != MarketPhase.OPEN.value:
            return 0.0
        return day_share(clock.next_change_ns - self.shell.status.market_ns(), clock.is_half_day)

    # -- painting

    @property
    def _room(self) -> int:
        return max(0, self.size.height - TOP)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Headings and rows."""
        if not self.rows:
            return self._empty(width, height)
        name, columns = visible_columns(width)
        self._look = RowLook(name, columns, self.shell.glyphs.eighths_up)
        self.column = min(self.column, len(columns))
        self._keep_in_sight(height - 1)
        shown = range(self.top, min(len(self.rows), self.top + height - 1))
        return [self._headings(), *(self._row_line(place) for place in shown)]

    def paint_rows(self, places: Sequence[int]) -> None:
        """Draw these rows again, if they look different."""
        changed = []
        width = self.size.width
        for place in sorted(places):
            y = TOP + place - self.top
            if TOP <= y < len(self._drawn):
                line = fit(self._row_line(place), width)
                if line != self._drawn[y]:
                    self._drawn[y] = line
                    self._strips[y] = None
                    changed.append(y)
        self.refresh_rows(changed)

    def _headings(self) -> Line:
        look = self._look
        spans = [Span(" " * (1 + look.name_width), "muted")]
        for column, width in look.columns:
            text = f"  {column.name}".ljust(width) if column.is_left else column.name.rjust(width)
            is_sorted = column.name == self.sort
            spans.append(Span(text, "accent" if is_sorted else "muted"))
        return tuple(spans)

    def _row_line(self, place: int) -> Line:
        row, look = self.rows[place], self._look
        is_here = place == self.at
        look.bg = self.select_bg if is_here else "panel"
        look.mark = self.select_mark(look.bg) if is_here else None
        look.flash = self.flashes.get(row.id)
        look.is_flooded = self.flashes.is_flooded
        look.stale_ns = self._staleness(row)
        look.underlined = self.column if is_here and self.has_cell_cursor else -1
        return row.line(look)

    def _staleness(self, row: BoardRow) -> int:
        lost = self.shell.status.lost_ns()
        if lost >= 0:
            return lost
        if row.quote is None or not self.shell.status.is_market_open:
            return -1
        age = self.shell.status.market_ns() - row.quote.ts_event
        return age if age > STALE_NS else -1

    def title_left(self) -> Line:
        """The groups, the shown one underlined; as many as fit."""
        bg, group = self.title_bg, self.lists.group
        room = self.size.width - len(self.title) - 4 - line_width(self.title_right()) - 3
        spans: list[Span] = []
        for other in self.lists.groups or (group,):
            name = Span(cells(other.name), "text" if other is group else "muted", bg, underline=other is group)
            if line_width((*spans, name)) > room:
                break
            spans += [name, Span("  ", "text", bg)]
        return tuple(spans) if any(span.underline for span in spans) else (Span(cells(group.name), "text", bg),)

    def title_right(self) -> Line:
        """How many are up and down; where in the list, when it is longer than the pane."""
        bg = self.title_bg
        known = [row.change for row in self.rows if row.change is not None]
        up, down = sum(c > 0 for c in known), sum(c < 0 for c in known)
        where = f"{self.at + 1} of {len(self.rows)}  " if len(self.rows) > self._room else ""
        return (Span(f"{where}▲{up} ▼{down}", "muted", bg),)

    def _empty(self, width: int, height: int) -> list[Line]:
        if not self.store.instruments:
            return empty_state("…", "Waiting for the market", self.shell.status.words, (width, height))
        keys = (("a", "add"), ("u", "undo"))
        why = "This group holds no instruments. Nothing is wrong; it is just empty."
        return empty_state("·", "Nothing watched here", why, (width, height), keys)

    def _arm_flash_timer(self) -> None:
        if self.flashes and self._flash_timer is None:
            self._flash_timer = self.shell.call_after(FLASH_STEP_S, self._fade)

    def _fade(self) -> None:
        self._flash_timer = None
        touched = self.flashes.expire(self.shell.clock.monotonic_ns())
        self.paint_rows([self.places[key] for key in touched if key in self.places])
        self._arm_flash_timer()

    # -- moving

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
            self.post_message(InstrumentPicked(row.id))

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
        self.go_to(self.at + max(1, self._room - 1))

    def do_move_page_up(self) -> None:
        """One page up."""
        self.go_to(self.at - max(1, self._room - 1))

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
        count = len(self._look.columns) + 1
        self.column = (self.column + step) % count if self.has_cell_cursor else min(1, count - 1)
        self.has_cell_cursor = True
        self.redraw()

    def do_row_open(self) -> None:
        """The chart of the row."""
        row = self.current
        if row is not None and row.id:
            self.post_message(PaneOpened("screen.chart", row.id))

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
        asked = expand(message.text)
        unknown = [
            symbol
            for symbol in asked
            if symbol.rpartition(".")[0] not in self.store.by_symbol and symbol not in self.store.by_symbol
        ]
        known = [
            symbol if symbol in self.store.by_symbol else symbol.rpartition(".")[0]
            for symbol in asked
            if symbol not in unknown
        ]
        new = self.lists.add(known)
        words = f"added {', '.join(new)}" if new else "nothing new"
        self._changed(f"{words}; not known here: {', '.join(unknown[:5])}" if unknown else words)

    def _changed(self, words: str) -> None:
        self.shell.save_watchlists()
        self.reload()
        if words:
            self.shell.notify_line(words)

    # -- the cell under the cursor

    def cell(self) -> Cell | None:
        """The cell under the cursor; the last price until the cursor was moved."""
        row = self.current
        if row is None:
            return None
        names = ["instrument", *(column.name for column, _ in self._look.columns)]
        name = names[min(self.column, len(names) - 1)] if self.has_cell_cursor else "last"
        texts = row.texts()
        value = texts.get(name, "")
        return Cell(
            name=name,
            value=for_copy(value),
            instrument_id=row.id,
            market_name=MARKET_NAMES.get(name, ""),
            source=row.quote.source if row.quote else "",
            formula=FORMULAS.get(name, ""),
            inputs=_inputs(row, self._share()),
            ts_event=row.quote.ts_event if row.quote else 0,
            row={key: for_copy(text) for key, text in texts.items()},
        )


MARKET_NAMES = {"last": "last", "chg%": "chg%", "bp": "bp"}
"""Our columns → the cells the engine explains."""
FORMULAS = {
    "last": "price of the last public print, else the middle of bid and ask",
    "chg%": "(last / previous close − 1) × 100",
    "today": "closes of today at eight even steps",
    "rvol": "volume / (average daily volume × usual share of the day by now)",
    "bp": "(ask − bid) / middle × 10,000",
    "day range": "(last − low) / (high − low)",
}


def _inputs(row: BoardRow, share: float) -> dict[str, str]:
    quote = row.quote
    if quote is None:
        return {}
    inputs = {"bid": str(quote.bid), "ask": str(quote.ask)}
    if quote.volume is not None and row.instrument is not None:
        inputs |= {
            "volume": f"{quote.volume:,}",
            "average daily volume": f"{row.instrument.average_daily_volume:,}",
            "usual share by now": f"{share:.3f}",
        }
    if row.low is not None and row.high is not None:
        inputs |= {"low": str(row.low), "high": str(row.high)}
    return inputs
