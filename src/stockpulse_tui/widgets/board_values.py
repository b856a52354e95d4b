"""What the board knows of one instrument: read from the store, rounded as it is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.render.format import NOTHING
from stockpulse_tui.painter import cells
from stockpulse_tui.widgets import board_cells as cell

if TYPE_CHECKING:
    from stockpulse_engine.domain.instruments import Instrument
    from stockpulse_engine.domain.market import Quote
    from stockpulse_tui.store import Reference, Store


class RowValues:
    """`update` reads the newest quote, `update_slow` everything else."""

    __slots__ = (
        "_close", "_form", "_high", "_low", "_reference", "_spark", "change", "daily", "held", "hundredths", "id",
        "instrument", "is_halted", "is_hot", "is_up", "last", "last_text", "name", "note", "places", "price", "quote",
        "rvol", "spark_text", "symbol", "tenths", "tick_is_up",
    )  # fmt: skip

    def __init__(self, symbol: str, instrument: Instrument | None) -> None:
        self.symbol = symbol
        self.instrument = instrument
        self.id = instrument.instrument_id if instrument else ""
        self.name = cells(symbol)
        self.places = decimals_of(instrument.tick_size) if instrument else 2
        self._form = f",.{self.places}f"
        self.daily = float(instrument.average_daily_volume) if instrument else 0.0
        self.quote: Quote | None = None
        self.last: Decimal | None = None
        self.price = 0.0
        """`last` as a float, for what is only looked at."""
        self.last_text = NOTHING
        self.change: float | None = None
        """Percent against the previous close, None while that is not known."""
        self.hundredths: int | None = None
        """The same as it is shown: text and tint follow from it."""
        self.tenths: int | None = None
        """Spread in tenths of a basis point, None while no two sides stand."""
        self.rvol: float | None = None
        self._close = self._low = self._high = 0.0
        self.is_up = self.tick_is_up = True
        self.held = self.is_halted = False
        self.note = ""
        """Why the row says less than others, over its last columns."""
        self.is_hot = False
        """Whether nothing but the quote can differ from what was painted last."""
        self._reference: Reference | None = None
        self._spark: tuple[float, ...] = ()
        self.spark_text = ""

    @property
    def bp(self) -> float | None:
        """Spread in basis points, for sorting."""
        return None if self.tenths is None else self.tenths / 10

    @property
    def change_text(self) -> str:
        """The change as it is shown."""
        return cell.percent_text(self.hundredths)

    def update(self, store: Store) -> str:
        """Read the newest quote and references; returns the text of the last price as it was before."""
        before = self.last_text
        quote = store.quotes.get(self.id)
        if quote is None:
            return before
        known = self.quote
        self.quote = quote
        last = quote.last if quote.last is not None else (quote.bid + quote.ask) / 2
        if self.last is None or last != self.last:
            self.tick_is_up = self.last is None or last > self.last
            self.last, self.price = last, float(last)
            self.last_text = format(last, self._form)
            self._against(store)
        elif self.change is None:
            self._against(store)
        if quote is not known:
            self.tenths = _spread(quote)
        return before

    def update_slow(self, store: Store, share: float, eighths: str) -> None:
        """What moves slowly: references, sparkline, relative volume, halts; every second and when one of them came."""
        self.is_hot = False
        status = store.statuses.get(self.id)
        self.is_halted = status is not None and status.is_halted
        self.note = store.notes.get(self.id, "")
        if self.last is not None:
            self._against(store)
        values = store.sparks.get(self.id, ())
        if values is not self._spark and eighths:
            self._spark = values
            self.spark_text = cell.spark_text(values, eighths) if len(values) > 1 else ""
        volume = self.quote.volume if self.quote is not None else None
        known = volume is not None and self.daily > 0 and share >= cell.FIRST_SHARE
        self.rvol = float(volume) / (self.daily * share) if known and volume is not None else None

    def _against(self, store: Store) -> None:
        """The last price against the previous close and the day's range."""
        reference = store.references.get(self.id)
        if reference is None or not reference[0]:
            return
        if reference is not self._reference:
            self._reference = reference
            self._close, self._low, self._high = (float(value) for value in reference)
        self.change = change = (self.price / self._close - 1) * 100
        self.hundredths = round(change * 100)
        if (change >= 0) is not self.is_up:
            self.is_up = change >= 0
            self.is_hot = False  # the sign colours a column that quotes leave alone otherwise

    def hold(self, is_held: bool) -> None:
        """There is a position now, or none any more."""
        if is_held is not self.held:
            self.held, self.is_hot = is_held, False

    def range_key(self, room: int) -> int:
        """Cell of the day's range the last price stands in, doubled, plus one on a day up; -1 while it is not known."""
        price, low, high = self.price, self._low, self._high
        if not low <= price <= high:
            low, high = min(low or price, price), max(high, price)
        if self._reference is None or high <= low:
            return -1
        return round((price - low) / (high - low) * (room - 1)) * 2 + self.is_up

    def texts(self) -> dict[str, str]:
        """The row as column → text, for `Y` and `?`."""
        known = self._reference is not None and self.last is not None
        low, high = min(self._low or self.price, self.price), max(self._high, self.price)
        return {
            "instrument": self.symbol,
            "last": self.last_text,
            "chg%": self.change_text,
            "rvol": cell.ratio_text(self.rvol),
            "bp": cell.spread_text(self.tenths),
            "low": format(low, self._form) if known else NOTHING,
            "high": format(high, self._form) if known else NOTHING,
        }


def _spread(quote: Quote) -> int | None:
    """Ask less bid in tenths of a basis point of their middle; None unless both sides stand."""
    if not (quote.bid_size and quote.ask_size):
        return None
    bid, ask = float(quote.bid), float(quote.ask)
    return round((ask - bid) * 200_000 / (ask + bid)) if ask >= bid > 0 else None
