"""The watchlist: one widget for the whole board, painting only the rows that changed.

Quotes come in per frame, not one by one; a row is drawn from cached values as a line of spans and baked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.render.format import for_copy
from stockpulse_engine.render.span import Line, Span, line_width
from stockpulse_tui.cell import Cell
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets.board_actions import TOP, BoardActions
from stockpulse_tui.widgets.board_cells import day_share, visible_columns
from stockpulse_tui.widgets.board_row import BoardRow, RowLook
from stockpulse_tui.widgets.flash import Flashes
from stockpulse_tui.widgets.states import empty_state

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from stockpulse_tui.store import Changes

STALE_NS = 60_000_000_000
"""Market time without a new quote after which a row is stale, while its market is open."""
FLASH_STEP_S = 0.06


class Board(BoardActions):
    """The watchlist pane."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.flashes = Flashes()
        self._look = RowLook(8, (), 9)
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
                row.held = row.id in held
        is_slow = changes.touches("references", "sparks", "statuses")
        share, store, now = self._share() if is_slow else 0.0, self.store, self.shell.clock.monotonic_ns()
        eighths, is_still = self.shell.glyphs.eighths_up, not self.shell.settings.ui.motion
        touched: list[int] = []
        first, last = self.top, self.top + self.room
        for place in sorted(self.places[key] for key in changes.quotes if key in self.places):
            row = self.rows[place]
            before = row.update(store)
            if is_slow:
                row.update_slow(store, share, eighths)
            if first <= place < last:
                touched.append(place)
                if before != row.last_text and not is_still:
                    self.flashes.changed(row.id, before, row.last_text, row.tick_is_up, now)
        self.paint_rows(touched)
        self._arm_flash_timer()

    def on_second(self) -> None:
        """Ages, order, counts and everything that moves slowly."""
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

    # -- painting

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Headings and rows."""
        if not self.rows:
            return self._empty(width, height)
        name, columns = visible_columns(width)
        self._look = RowLook(name, columns, width)
        self.column_count = len(columns) + 1
        self.column = min(self.column, len(columns))
        self._keep_in_sight(height - 1)
        self._read_age()
        shown = range(self.top, min(len(self.rows), self.top + height - 1))
        return [self._headings(), *(self._row_line(place) for place in shown)]

    def paint_rows(self, places: Sequence[int]) -> None:
        """Draw these rows again where they look different: cell by cell while nothing covers the board."""
        is_in_sight = self.display and self.parent is self.shell.view
        is_direct = is_in_sight and self.shell.direct.is_open and not self._is_dimmed
        self._read_age()
        dirty: list[int] = []
        quick: list[tuple[BoardRow, int]] = []
        drawn, strips, rows = self._drawn, self._strips, self.rows
        for place in places:
            y, row = TOP + place - self.top, rows[place]
            if not TOP <= y < len(drawn):
                continue
            self._aim(place)
            if is_direct and row.quick(self._look):
                if row.changed:
                    drawn[y], strips[y] = tuple(chain.from_iterable(row.cells())), None
                    quick.append((row, y))
                continue
            line = row.line(self._look)
            if line != drawn[y]:
                drawn[y], strips[y] = line, None
                dirty.append(y)
        self._write_cells(quick)
        self.refresh_rows(dirty)

    def _write_cells(self, changed: Sequence[tuple[BoardRow, int]]) -> None:
        """Hand the changed cells to the terminal, neighbours in one piece."""
        if not changed:
            return
        (left, top), xs, run, put = self.region.offset, self._look.xs, self.painter.run, self.shell.direct.put
        for row, y in changed:
            parts, previous, start = row.cells(), -2, 0
            line: Line = ()
            for i in row.changed:
                if i != previous + 1:
                    if line:
                        put(left + xs[start], top + y, run(line))
                    line, start = (), i
                line += parts[i]
                previous = i
            put(left + xs[start], top + y, run(line))

    def _headings(self) -> Line:
        look = self._look
        spans = [Span(" " * (1 + look.name_width), "muted")]
        for column, width in look.columns:
            text = f"  {column.name}".ljust(width) if column.is_left else column.name.rjust(width)
            is_sorted = column.name == self.sort
            spans.append(Span(text, "accent" if is_sorted else "muted"))
        return tuple(spans)

    def _row_line(self, place: int) -> Line:
        self._aim(place)
        return self.rows[place].line(self._look)

    def _aim(self, place: int) -> None:
        """Set the look for one row."""
        row, look = self.rows[place], self._look
        is_here = place == self.at
        look.bg = self.select_bg if is_here else "panel"
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
        self._lost_ns = status.lost_ns()
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
        self.paint_rows([self.places[key] for key in touched if key in self.places])
        self.shell.direct.flush()  # what waits could be written over another screen
        self._arm_flash_timer()

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
    texts = row.texts()
    return inputs | {"low": texts["low"], "high": texts["high"]}
