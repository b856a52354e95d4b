"""One row of the board: its values, its cached cells, its line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.render.format import NOTHING, format_age
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets import board_cells as cell

if TYPE_CHECKING:
    from stockpulse_engine.domain.market import Quote
    from stockpulse_tui.store import Store
    from stockpulse_tui.widgets.board_cells import Cells, ColumnSpec
    from stockpulse_tui.widgets.flash import Flash

RVOL_LOUD = 2.0
VOLATILE = frozenset({"last", "chg%", "bp", "day range"})


class RowLook:
    """How a row is painted now; one object per board, changed from row to row."""

    __slots__ = (
        "bg", "columns", "flash", "is_flooded", "mark", "name_width", "pad", "stale_ns", "underlined",
        "volatile", "xs",
    )  # fmt: skip

    def __init__(self, name_width: int, columns: tuple[tuple[ColumnSpec, int], ...], width: int) -> None:
        self.bg = "panel"
        self.columns = columns
        self.flash: Flash | None = None
        self.is_flooded = False
        self.mark: Span | None = None
        self.name_width = name_width
        self.stale_ns = -1
        self.underlined = -1
        """Index of the column under the cell cursor, -1 while it is not shown; 0 is the instrument."""
        self.xs = list(accumulate((0, 1, name_width, *(own for _, own in columns))))
        """Where the mark, the instrument, each column and the blanks at the end begin."""
        self.pad = max(0, width - self.xs[-1])
        self.volatile = tuple(i for i, (column, _) in enumerate(columns) if column.name in VOLATILE)
        """Indexes of the columns that a quote can change."""


class BoardRow:
    """Values of one instrument as the board shows them; `update` reads the store, `parts` paints."""

    __slots__ = (
        "_close", "_close_number", "_keys", "_parts", "_spark", "bp_text", "change", "change_text",
        "changed", "daily", "held", "high", "id", "instrument", "is_halted", "is_plain", "is_up", "last", "last_text",
        "low", "name", "places", "quote", "rvol", "rvol_text", "spark_text", "symbol", "tick_is_up",
    )  # fmt: skip

    def __init__(self, symbol: str, instrument: Instrument | None) -> None:
        self.symbol = symbol
        self.instrument = instrument
        self.id = instrument.instrument_id if instrument else ""
        self.name = cells(symbol)
        self.places = decimals_of(instrument.tick_size) if instrument else 2
        self.daily = float(instrument.average_daily_volume) if instrument else 0.0
        self.quote: Quote | None = None
        self.last: Decimal | None = None
        self.last_text = self.change_text = self.bp_text = self.rvol_text = NOTHING
        self.change: float | None = None
        self.rvol: float | None = None
        self.low = self.high = 0.0
        self.is_up = self.tick_is_up = True
        self.held = self.is_halted = False
        self._close: Decimal | None = None
        self._close_number = 0.0
        self._spark: tuple[float, ...] = ()
        self.spark_text = ""
        self.changed: list[int] = []
        """Indexes of the cells that came out different the last time they were made."""
        self.is_plain = False
        """Whether the row on the screen is made of `cells`, one beside the other."""
        self._keys: list[object] = []
        self._parts: list[Cells] = []

    @property
    def bp(self) -> float | None:
        """Spread in basis points, for sorting."""
        return float(self.bp_text) if self.bp_text != NOTHING else None

    def update(self, store: Store) -> str:
        """Read the newest quote and references; returns the text of the last price as it was before."""
        before = self.last_text
        quote = store.quotes.get(self.id)
        if quote is None:
            return before
        self.quote = quote
        bid, ask = float(quote.bid), float(quote.ask)
        last = quote.last if quote.last is not None else (quote.bid + quote.ask) / 2
        if self.last is None or last != self.last:
            self.tick_is_up = self.last is None or last > self.last
            self.last = last
            self.last_text = f"{last:,.{self.places}f}"
            self._against(store, float(last))
        elif self.id in store.references and self.change is None:
            self._against(store, float(last))
        is_whole = quote.bid_size and quote.ask_size and ask >= bid > 0
        self.bp_text = f"{(ask - bid) * 20_000 / (ask + bid):.1f}" if is_whole else NOTHING
        return before

    def update_slow(self, store: Store, share: float, eighths: str) -> None:
        """What moves slowly: references, sparkline, relative volume, halts; every second and when one of them came."""
        status = store.statuses.get(self.id)
        self.is_halted = status is not None and status.is_halted
        if self.last is not None:
            self._against(store, float(self.last))
        values = store.sparks.get(self.id, ())
        if values is not self._spark and eighths:
            self._spark = values
            self.spark_text = cell.spark_text(values, eighths) if len(values) > 1 else ""
        volume = self.quote.volume if self.quote is not None else None
        known = volume is not None and self.daily > 0 and share >= cell.FIRST_SHARE
        self.rvol = float(volume) / (self.daily * share) if known and volume is not None else None
        self.rvol_text = NOTHING if self.rvol is None else f"{self.rvol:.1f}"

    def _against(self, store: Store, last: float) -> None:
        reference = store.references.get(self.id)
        if reference is None or not reference[0]:
            return
        if reference[0] is not self._close:
            self._close, self._close_number = reference[0], float(reference[0])
        self.change = (last / self._close_number - 1) * 100
        self.change_text = cell.signed(self.change, 2) + "%"
        self.is_up = self.change >= 0
        self.low = min(float(reference[1]) or last, last)
        self.high = max(float(reference[2]), last)

    def range_at(self, room: int) -> int:
        """Cell of the day's range the last price stands in, -1 while that is not known."""
        if self.last is None or self.high <= self.low:
            return -1
        return min(room - 1, max(0, round((float(self.last) - self.low) / (self.high - self.low) * (room - 1))))

    def parts(self, look: RowLook) -> list[Cells]:
        """The row's cells: mark, instrument, columns, blanks. One that looks as before is the same object as before."""
        keys: list[object] = [self._mark_key(look), (look.name_width, look.bg, self.held or look.mark is not None)]
        for column, width in look.columns:
            keys.append(_KEYS[column.name](self, width, look))
        keys.append((look.bg, look.pad))
        if len(keys) != len(self._keys):
            self._keys, self._parts = [None] * len(keys), [()] * len(keys)
        self._renew(range(len(keys)), keys, look)
        return self._parts

    def quick(self, look: RowLook) -> bool:
        """Make only the cells again that a quote can change; False when the whole row has to be looked at."""
        keys = self._keys
        if (
            not self.is_plain
            or self.is_halted
            or look.stale_ns >= 0
            or look.underlined >= 0
            or len(keys) != len(look.columns) + 3
        ):
            return False
        if keys[-1] != (look.bg, look.pad):
            return False
        columns = look.columns
        fresh = [self._mark_key(look), *(_KEYS[columns[i][0].name](self, columns[i][1], look) for i in look.volatile)]
        self._renew((0, *(i + 2 for i in look.volatile)), fresh, look)
        return True

    def _renew(self, places: Sequence[int], keys: list[object], look: RowLook) -> None:
        self.changed.clear()
        for i, key in zip(places, keys, strict=True):
            if key != self._keys[i]:
                self._keys[i] = key
                self._parts[i] = self._make(i, look)
                self.changed.append(i)

    def _mark_key(self, look: RowLook) -> object:
        return look.mark or (self.held, look.is_flooded and self.tick_is_up + 1, look.bg)

    def cells(self) -> list[Cells]:
        """The cells as they were made last."""
        return self._parts

    def line(self, look: RowLook) -> Line:
        """The whole row, exactly as wide as the board."""
        self.is_plain = look.stale_ns < 0 and not self.is_halted and look.underlined < 0
        if look.stale_ns >= 0 or self.is_halted:
            return self._quiet_line(look)
        line = tuple(chain.from_iterable(self.parts(look)))
        return line if look.underlined < 0 else _underlined(line, look)

    def _make(self, i: int, look: RowLook) -> Cells:
        if i == 0:
            return (self._mark(look),)
        if i == 1:
            return (self._name_cell(look),)
        if i == len(look.columns) + 2:
            return (Span(" " * look.pad, "text", look.bg),)
        column, width = look.columns[i - 2]
        return self._cell(column.name, width, look)

    def _mark(self, look: RowLook) -> Span:
        if look.mark is not None:
            return look.mark
        if look.is_flooded:
            return Span("▪" if self.held else "·", "up" if self.tick_is_up else "down", look.bg)
        return Span("▪" if self.held else " ", "muted", look.bg)

    def _name_cell(self, look: RowLook) -> Span:
        width = look.name_width
        text = self.name if len(self.name) <= width else self.name[: width - 1] + "…"
        bold = self.held or look.mark is not None
        return Span(text.ljust(width), "strong" if bold else "text", look.bg, bold=bold)

    def _cell(self, name: str, width: int, look: RowLook) -> Cells:
        return _CELLS[name](self, width, look)

    def _quiet_line(self, look: RowLook) -> Line:
        """All faint; how old it is, or that it is halted, over the last columns."""
        bg = look.bg
        token = "faint" if look.stale_ns >= 0 else "text"
        flash, look.flash = look.flash, None
        columns = [span for column, width in look.columns for span in self._cell(column.name, width, look)]
        look.flash = flash
        spans = [self._mark(look), Span(self._name_cell(look).text, token, bg)]
        spans += [Span(span.text, "faint", bg) for span in columns]
        words = "halted" if self.is_halted else f"{format_age(look.stale_ns)} old"
        room = look.xs[-1] - len(words) - 2
        return (*_cut(spans, room), Span(f"  {words}", "warn", bg), Span(" " * look.pad, "text", bg))

    def texts(self) -> dict[str, str]:
        """The row as column → text, for `Y` and `?`."""
        known = self.high > 0
        return {
            "instrument": self.symbol,
            "last": self.last_text,
            "chg%": self.change_text,
            "rvol": self.rvol_text,
            "bp": self.bp_text,
            "low": f"{self.low:,.{self.places}f}" if known else NOTHING,
            "high": f"{self.high:,.{self.places}f}" if known else NOTHING,
        }


def _underlined(line: Line, look: RowLook) -> Line:
    """The text under the cell cursor is underlined."""
    start, end = look.xs[look.underlined + 1], look.xs[look.underlined + 2]
    out: list[Span] = []
    x = 0
    for span in line:
        if start <= x < end and span.text.strip():
            body = span.text.strip(" ")
            lead = span.text[: len(span.text) - len(span.text.lstrip(" "))]
            tail = span.text[len(lead) + len(body) :]
            out += [Span(lead, span.fg, span.bg), Span(body, span.fg, span.bg, span.bold, underline=True)]
            out.append(Span(tail, span.fg, span.bg))
        else:
            out.append(span)
        x += len(span.text)
    return tuple(span for span in out if span.text)


def _cut(spans: list[Span], room: int) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if room <= 0:
            break
        kept.append(Span(span.text[:room], span.fg, span.bg, span.bold))
        room -= len(span.text)
    return kept


_KEYS: dict[str, Callable[[BoardRow, int, RowLook], object]] = {
    "last": lambda row, _, look: (
        row.last_text, look.bg, look.flash and (look.flash.at, look.flash.is_up, look.flash.stage),
    ),
    "chg%": lambda row, _, look: (row.change_text, look.bg),
    "today": lambda row, _, look: (row.spark_text, row.is_up, look.bg),
    "rvol": lambda row, _, look: (row.rvol_text, look.bg),
    "bp": lambda row, _, look: (row.bp_text, look.bg),
    "day range": lambda row, width, look: (row.range_at(width - 2), row.is_up, width, look.bg),
}  # fmt: skip
"""What each cell looks like, in short: equal keys, equal cells."""

_CELLS: dict[str, Callable[[BoardRow, int, RowLook], Cells]] = {
    "last": lambda row, width, look: cell.last_cell(row.last_text, width, look.bg, look.flash),
    "chg%": lambda row, width, look: cell.change_cell(row.change, row.change_text, width, look.bg),
    "today": lambda row, width, look: cell.spark_cell(row.spark_text, row.is_up, width, look.bg),
    "rvol": lambda row, width, look: cell.number_cell(
        row.rvol_text, width, look.bg, is_loud=(row.rvol or 0) >= RVOL_LOUD
    ),
    "bp": lambda row, width, look: cell.number_cell(row.bp_text, width, look.bg),
    "day range": lambda row, width, look: cell.range_cell(row.range_at(width - 2), row.is_up, width, look.bg),
}
