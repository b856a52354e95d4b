"""The watchlist: one widget for the whole board, painting only the rows that changed.

Quotes come in per frame, not one by one; a row is drawn from cached values as a line of spans and baked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.render.format import for_copy
from stockpulse_engine.render.span import Line, Span, line_width
from stockpulse_tui.cell import Cell
from stockpulse_tui.direct import place as address
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.board_actions import TOP, BoardActions
from stockpulse_tui.widgets.board_book import RowLook
from stockpulse_tui.widgets.board_cells import day_share, visible_columns
from stockpulse_tui.widgets.board_row import BoardRow
from stockpulse_tui.widgets.flash import Flashes
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from textual.geometry import Region
    from textual.strip import Strip

    from stockpulse_tui.store import Changes
    from stockpulse_tui.widgets.board_book import Book
    from stockpulse_tui.widgets.board_cells import ColumnSpec

STALE_NS = 60_000_000_000
"""Market time without a new quote after which a row is stale, while its market is open."""
FLASH_STEP_S = 0.06


class Board(BoardActions):
    """The watchlist pane."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.flashes = Flashes()
        self._look: RowLook | None = None
        self._unread: set[BoardRow] = set()
        """Rows out of sight with newer quotes than they know."""
        self._late: dict[int, BoardRow] = {}
        """Rows of the widget whose cells were written to the terminal and not to `_drawn` yet."""
        self._was_flooded = False
        self._longest = 0
        """Letters of the longest price so far: its column grows with it and does not shrink while one looks."""
        self._lost_ns = -1
        self._now_ns = 0
        self._flash_timer: TimerHandle | None = None

    def on_mount(self) -> None:
        """Take in what is known already."""
        self.reload()

    def reload(self) -> None:
        """Build the rows of the group shown, keeping the cursor on its instrument."""
        store = self.store
        self.lists.follow(list(store.instruments.values()))
        share, eighths = self._share(), self.shell.glyphs.eighths_up
        kept = self.current.symbol if self.current else ""
        self._unread.clear()
        self._longest = 0
        self.rows = [BoardRow(symbol, store.by_symbol.get(symbol)) for symbol in self._symbols()]
        held = store.held_ids()
        for row in self.rows:
            row.held = row.id in held
            row.update(store)
            row.update_slow(store, share, eighths)
        self._sort()
        meant = self.places.get(self.instrument_id) if self.instrument_id else None
        self.at = self._place_of(kept) if meant is None else meant
        self._announce()
        self.redraw()

    def _place_of(self, symbol: str) -> int:
        """Where a symbol is; else where the cursor was."""
        found = (place for place, row in enumerate(self.rows) if row.symbol == symbol)
        return next(found, min(self.at, max(0, len(self.rows) - 1)))

    def _symbols(self) -> Iterable[str]:
        """The group's symbols; in a world that knows none of them (a replay), what there is."""
        known = self.store.by_symbol
        wanted = self.lists.group.symbols
        return wanted if not known or any(symbol in known for symbol in wanted) else known

    def on_store(self, changes: Changes) -> None:
        """Only rows whose values came are drawn again."""
        if changes.is_reset or changes.touches("instruments"):
            self.reload()
            return
        if changes.touches("positions"):
            held = self.store.held_ids()
            for row in self.rows:
                row.hold(row.id in held)
        is_slow = changes.touches("references", "sparks", "statuses")
        self.paint_rows(self._read(changes, is_slow=is_slow), is_quotes_only=not is_slow)
        self._arm_flash_timer()

    def _read(self, changes: Changes, *, is_slow: bool) -> Sequence[int]:
        """Fold what came into the rows in sight; returns the places to be painted."""
        share, store, now = self._share() if is_slow else 0.0, self.store, self.shell.clock.monotonic_ns()
        eighths, is_still = self.shell.glyphs.eighths_up, not self.shell.settings.ui.motion
        first, last = self.top, self.top + self.room
        rows, places, changed = self.rows, self.places, self.flashes.changed
        touched: list[int] = []
        is_wider = False
        for key in changes.quotes:
            place = places.get(key, -1)
            if place < 0:
                continue
            row = rows[place]
            if not first <= place < last:
                self._unread.add(row)
                continue
            before = row.update(store)
            if is_slow:
                row.update_slow(store, share, eighths)
            touched.append(place)
            text = row.last_text
            if before != text:
                is_wider = is_wider or len(text) > self._longest
                if not is_still:
                    changed(row.id, before, text, row.tick_is_up, now)
        if self.flashes.is_flooded is not self._was_flooded:
            self._was_flooded = self.flashes.is_flooded
            touched = list(range(first, min(last, len(rows))))
        if is_wider:
            self.redraw()
            return ()
        return touched

    def _read_rest(self) -> None:
        """Fold in what came for rows while they were out of sight."""
        for row in self._unread:
            row.update(self.store)
        self._unread.clear()

    def on_second(self) -> None:
        """Ages, order, counts and everything that moves slowly."""
        self._read_rest()
        share, eighths = self._share(), self.shell.glyphs.eighths_up
        for row in self.rows:
            row.update_slow(self.store, share, eighths)
        if self.sort not in ("", "instrument"):
            self._sort()
        self.redraw()

    def _share(self) -> float:
        clock = self.store.clock
        if clock is None or clock.phase != MarketPhase.OPEN.value:
            return 0.0
        return day_share(clock.next_change_ns - self.shell.status.market_ns(), clock.is_half_day)

    @property
    def column_count(self) -> int:
        """The instrument and the columns in sight."""
        return len(self._columns) + 1

    @property
    def _columns(self) -> tuple[tuple[ColumnSpec, int], ...]:
        return self._look.columns if self._look is not None else ()

    # -- painting

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Title, headings, rows; what came for rows out of sight counts from now on."""
        self._read_rest()
        return super().draw(width, height)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Headings and rows."""
        self.keep_in_sight(height - 1)
        if not self.rows:
            return self._empty(width, height)
        look = self._look_for(width)
        self.column = min(self.column, len(look.columns))
        self._read_age()
        shown = range(self.top, min(len(self.rows), self.top + height - 1))
        return [self._headings(look), *(self._row_line(place, look) for place in shown)]

    def _look_for(self, width: int) -> RowLook:
        """The look for that width and the running theme; the same as long as both are."""
        look, painter = self._look, self.painter
        self._longest = max(self._longest, *(len(row.last_text) for row in self.rows))
        name, columns = visible_columns(width, self._longest)
        if look is None or look.painter is not painter or (look.width, look.columns) != (width, columns):
            look = self._look = RowLook(painter, width, name, columns)
        return look

    def paint_rows(self, places: Iterable[int], *, is_quotes_only: bool = False) -> None:
        """Draw these rows again where they look different: cell by cell while nothing covers the board."""
        look = self._look
        if look is None or not self._drawn:
            return
        self._read_age()
        is_in_sight = self.display and self.parent is self.shell.view
        if is_in_sight and self.shell.direct.is_open and not self._is_dimmed:
            places = self._write_hot(places, look) if is_quotes_only else places
            places = self._write_cells(places, look)
        dirty: list[int] = []
        for place in places:
            y, line = TOP + place - self.top, self._row_line(place, look)
            self._late.pop(y, None)
            if line != self._drawn[y]:
                self._drawn[y], self._strips[y] = line, None
                dirty.append(y)
        self.refresh_rows(sorted(dirty))

    def _write_hot(self, places: Iterable[int], look: RowLook) -> list[int]:
        """Hand the terminal what quotes changed on rows with nothing special about them; returns the other rows."""
        if self._lost_ns >= 0:
            return list(places)
        book, rows, late, lit = self._aim_plain(look), self.rows, self._late, self.flashes.lit
        (left, top), shift, at = self.region.offset, TOP - self.top, self.at
        oldest = self._now_ns - STALE_NS if self._now_ns else 0
        others: list[int] = []
        parts = [book.start]
        for place in places:
            row = rows[place]
            quote = row.quote
            is_plain = row.is_hot and row.book is book and place != at and row.id not in lit
            if not is_plain or quote is None or quote.ts_event < oldest:
                others.append(place)
            elif text := row.hurry(look):
                y = place + shift
                late[y] = row
                parts.append(f"\x1b[{top + y + 1};{left + 1}H{text}")
        if len(parts) > 1:
            self.shell.direct.put("".join(parts))
        return others

    def _write_cells(self, places: Iterable[int], look: RowLook) -> list[int]:
        """The same for any row made of cells; returns the rows that have to be painted as a whole."""
        left, top = self.region.offset
        others: list[int] = []
        for place in places:
            self._aim(place, look)
            row, y = self.rows[place], TOP + place - self.top
            text = row.renew(look)
            if text is None:
                others.append(place)
            elif text:
                self._late[y] = row
                self.shell.direct.put(address(left, top + y) + text)
        return others

    def _catch_up(self) -> None:
        """Bring the rows of the widget up to what was written past them."""
        for y, row in self._late.items():
            if y < len(self._drawn):
                self._drawn[y], self._strips[y] = row.line_shown(), None
        self._late.clear()

    def redraw(self) -> None:
        """Draw again; what was written already is not written twice."""
        self._catch_up()
        super().redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows as the compositor wants them."""
        self._catch_up()
        return super().render_lines(crop)

    def text_rows(self) -> list[str]:
        """The rows as plain text."""
        self._catch_up()
        return super().text_rows()

    def _headings(self, look: RowLook) -> Line:
        spans = [Span(" " * (1 + look.name_width), "muted")]
        for column, width in look.columns:
            text = f"  {column.name}".ljust(width) if column.is_left else column.name.rjust(width)
            is_sorted = column.name == self.sort
            spans.append(Span(text, "accent" if is_sorted else "muted"))
        return tuple(spans)

    def _row_line(self, place: int, look: RowLook) -> Line:
        self._aim(place, look)
        return self.rows[place].line(look)

    def _aim_plain(self, look: RowLook) -> Book:
        """Set the look for rows with nothing special about them."""
        look.bg, look.mark, look.flash = "panel", None, None
        look.stale_ns = look.underlined = -1
        look.is_flooded = self.flashes.is_flooded
        look.book = look.book_of("panel")
        return look.book

    def _aim(self, place: int, look: RowLook) -> None:
        """Set the look for one row."""
        row = self.rows[place]
        is_here = place == self.at
        look.bg = self.select_bg if is_here else "panel"
        look.book = look.book_of(look.bg)
        look.mark = self.select_mark(look.bg) if is_here else None
        look.flash = self.flashes.get(row.id)
        look.is_flooded = self.flashes.is_flooded
        look.stale_ns = self._lost_ns
        if self._now_ns and look.stale_ns < 0 and row.quote is not None:
            age = self._now_ns - row.quote.ts_event
            look.stale_ns = age if age > STALE_NS else -1
        look.underlined = self.column if is_here and self.has_cell_cursor else -1

    def _read_age(self) -> None:
        """What staleness is measured against, read once for all rows."""
        status = self.shell.status
        self._lost_ns = status.prices_lost_ns()
        self._now_ns = status.market_ns() if status.is_market_open else 0

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
        where = f"{self.at + 1} of {len(self.rows)}  " if len(self.rows) > self.room else ""
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
        if not self.is_attached:
            return
        touched = self.flashes.expire(self.shell.clock.monotonic_ns())
        first, last = self.top, self.top + self.room
        places = (self.places[key] for key in touched if key in self.places)
        self.paint_rows([place for place in places if first <= place < last])
        self.shell.direct.flush()  # what waits could be written over another screen
        self._arm_flash_timer()

    # -- the cell under the cursor

    def cell(self) -> Cell | None:
        """The cell under the cursor; the last price until the cursor was moved."""
        row = self.current
        if row is None:
            return None
        names = ["instrument", *(column.name for column, _ in self._columns)]
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
    texts = row.texts()
    return inputs | {"low": texts["low"], "high": texts["high"]}
