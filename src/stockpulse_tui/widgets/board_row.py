"""One row of the board: its values, its cached cells, its line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.render.format import NOTHING, format_age, format_number
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets import board_cells as cell
from stockpulse_tui.widgets.flash import Flash

if TYPE_CHECKING:
    from stockpulse_engine.domain.market import Quote
    from stockpulse_tui.store import Reference, Store

HUNDRED = Decimal(100)
RVOL_LOUD = Decimal(2)


class BoardRow:
    """Values of one instrument as the board shows them; `update` reads the store, `line` paints."""

    __slots__ = (
        "bp", "change", "held", "high", "id", "instrument", "is_halted", "is_up", "last", "last_text", "low",
        "name", "places", "quote", "rvol", "spark", "symbol", "tick_is_up",
    )  # fmt: skip

    def __init__(self, symbol: str, instrument: Instrument | None) -> None:
        self.symbol = symbol
        self.instrument = instrument
        self.id = instrument.instrument_id if instrument else ""
        self.name = cells(symbol)
        self.places = decimals_of(instrument.tick_size) if instrument else 2
        self.quote: Quote | None = None
        self.last: Decimal | None = None
        self.last_text = NOTHING
        self.change: Decimal | None = None
        self.is_up = True
        self.tick_is_up = True
        self.rvol: Decimal | None = None
        self.bp: Decimal | None = None
        self.low: Decimal | None = None
        self.high: Decimal | None = None
        self.spark: tuple[float, ...] = ()
        self.held = False
        self.is_halted = False

    def update(self, store: Store, share: float) -> str:
        """Read the newest values; returns the text of the last price as it was before."""
        before = self.last_text
        self.spark = store.sparks.get(self.id, ())
        status = store.statuses.get(self.id)
        self.is_halted = status is not None and status.is_halted
        quote = store.quotes.get(self.id)
        if quote is None:
            return before
        self.quote = quote
        last = quote.last if quote.last is not None else (quote.bid + quote.ask) / 2
        if self.last is not None and last != self.last:
            self.tick_is_up = last > self.last
        self.last = last
        self.last_text = format_number(last, self.places)
        self.bp = cell.spread_bp(quote)
        self._against(store.references.get(self.id), last)
        daily = self.instrument.average_daily_volume if self.instrument else Decimal(0)
        self.rvol = cell.relative_volume(quote.volume, daily, share)
        return before

    def _against(self, reference: Reference | None, last: Decimal) -> None:
        if reference is None or not reference[0]:
            return
        self.change = (last / reference[0] - 1) * HUNDRED
        self.is_up = self.change >= 0
        self.low = min(reference[1], last) if reference[1] else last
        self.high = max(reference[2], last)

    @property
    def range_place(self) -> float | None:
        """Where the last price stands between low (0) and high (1)."""
        if self.last is None or self.low is None or self.high is None or self.high <= self.low:
            return None
        return float((self.last - self.low) / (self.high - self.low))

    def line(self, look: RowLook) -> Line:
        """The whole row."""
        if look.stale_ns >= 0 or self.is_halted:
            return self._quiet_line(look)
        spans = [self._mark(look), self._name_cell(look)]
        for column, width in look.columns:
            spans += self._cell(column.name, width, look)
        if look.underlined >= 0:
            spans = _underline(spans, look)
        return tuple(spans)

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

    def _cell(self, name: str, width: int, look: RowLook) -> cell.Cells:
        bg = look.bg
        if name == "last":
            return cell.last_cell(self.last_text, width, bg, look.flash)
        if name == "chg%":
            return cell.change_cell(self.change, width, bg)
        if name == "today":
            return cell.spark_cell(self.spark, self.is_up, bg, look.eighths)
        if name == "rvol":
            return cell.number_cell(self.rvol, width, bg, loud_above=RVOL_LOUD)
        if name == "bp":
            return cell.number_cell(self.bp, width, bg)
        return cell.range_cell(self.range_place, self.is_up, width, bg)

    def _quiet_line(self, look: RowLook) -> Line:
        """All faint; how old it is, or that it is halted, over the last columns."""
        bg = look.bg
        plain = RowLook.quiet(look)
        spans: list[Span] = [
            self._mark(look),
            Span(self._name_cell(look).text, "faint" if look.stale_ns >= 0 else "text", bg),
        ]
        for column, width in look.columns:
            spans += self._cell(column.name, width, plain)
        words = "halted" if self.is_halted else f"{format_age(look.stale_ns)} old"
        room = sum(len(span.text) for span in spans) - len(words) - 2
        kept = [Span(span.text, "faint", bg) for span in spans[2:]]
        return (*_cut([*spans[:2], *kept], room), Span(f"  {words}", "warn", bg))

    def texts(self) -> dict[str, str]:
        """The row as column → text, for `Y` and `?`."""
        return {
            "instrument": self.symbol,
            "last": self.last_text,
            "chg%": NOTHING if self.change is None else format_number(self.change, 2, signed=True) + "%",
            "rvol": NOTHING if self.rvol is None else format_number(self.rvol, 1),
            "bp": NOTHING if self.bp is None else format_number(self.bp, 1),
            "low": NOTHING if self.low is None else format_number(self.low, self.places),
            "high": NOTHING if self.high is None else format_number(self.high, self.places),
        }


class RowLook:
    """How a row is painted now; one object per board, changed from row to row."""

    __slots__ = (
        "bg", "columns", "eighths", "flash", "is_flooded", "mark", "name_width", "stale_ns", "underlined",
    )  # fmt: skip

    def __init__(self, name_width: int, columns: tuple[tuple[cell.ColumnSpec, int], ...], eighths: str) -> None:
        self.bg = "panel"
        self.columns = columns
        self.eighths = eighths
        self.flash: Flash | None = None
        self.is_flooded = False
        self.mark: Span | None = None
        self.name_width = name_width
        self.stale_ns = -1
        self.underlined = -1
        """Index of the column under the cell cursor, -1 while it is not shown; 0 is the instrument."""

    @classmethod
    def quiet(cls, other: RowLook) -> RowLook:
        """The same geometry without any light."""
        look = cls(other.name_width, other.columns, other.eighths)
        look.bg = other.bg
        return look


def _underline(spans: list[Span], look: RowLook) -> list[Span]:
    start = 1 if look.underlined == 0 else 1 + look.name_width + sum(w for _, w in look.columns[: look.underlined - 1])
    end = start + (look.name_width if look.underlined == 0 else look.columns[look.underlined - 1][1])
    out: list[Span] = []
    x = 0
    for span in spans:
        if start <= x < end and span.text.strip():
            body = span.text.strip(" ")
            lead = len(span.text) - len(span.text.lstrip(" "))
            tail = len(span.text) - lead - len(body)
            out += [
                Span(" " * lead, span.fg, span.bg),
                Span(body, span.fg, span.bg, span.bold, underline=True),
                Span(" " * tail, span.fg, span.bg),
            ]
        else:
            out.append(span)
        x += len(span.text)
    return [span for span in out if span.text]


def _cut(spans: list[Span], room: int) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if room <= 0:
            break
        kept.append(Span(span.text[:room], span.fg, span.bg, span.bold))
        room -= len(span.text)
    return kept
