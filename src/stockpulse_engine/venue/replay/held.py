"""Rows of the store as tapes: one table, length and source each, read half an hour at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stockpulse_engine.domain.market import SECOND_NS, BarSpec
from stockpulse_engine.marketdata.columns import SCALE, TICK_AUCTION, TICK_SUSPICIOUS
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES, HistoryReader, Query
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.rows import AUCTION_MARKS

if TYPE_CHECKING:
    import polars as pl

HOUR_NS = 3600 * SECOND_NS
SIDES = ("bid", "ask")
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class StoredTape:
    """Rows of one source. `symbols` of it are instrument ids; a quote bar's source is named without its side."""

    reader: HistoryReader
    kind: Kind
    source: str
    spec: BarSpec | None = None

    @property
    def name(self) -> str:
        """How it is called in a sentence."""
        what = {Kind.QUOTES: "quotes", Kind.TRADES: "prints", Kind.QUOTE_BARS: f"{self.spec} quote bars"}
        return f"{what.get(self.kind, f'{self.spec} bars')} ({self.source})"

    @property
    def step_ns(self) -> int:
        """Length of its bars; 0 for ticks."""
        return self.spec.duration_ns if self.spec is not None else 0

    def between(self, first_ns: int, end_ns: int, symbols: Sequence[str]) -> pl.DataFrame:
        """Rows of some instruments with `first_ns` ≤ ts < `end_ns`, in order of time."""
        match self.kind:
            case Kind.QUOTES:
                frame = _quotes(self._frame(QUOTES, self.source, first_ns, end_ns, symbols))
            case Kind.TRADES:
                frame = _trades(self._frame(TRADES, self.source, first_ns, end_ns, symbols))
            case Kind.QUOTE_BARS:
                frame = self._quote_bars(first_ns, end_ns, symbols)
            case _:
                frame = _bars(self._frame(BARS, self.source, first_ns, end_ns, symbols), "")
        return frame.sort("ts", maintain_order=True)

    def marked(self, marks: Sequence[str], first_ns: int, end_ns: int) -> dict[str, list[int]]:
        """Times of the trades whose conditions are one of `marks`, by instrument."""
        if self.kind is not Kind.TRADES:
            return {}
        frame = self.between(first_ns, end_ns, ())
        rows = frame.filter(frame["conditions"].is_in(list(marks))).group_by("symbol").agg("ts")
        return {str(symbol): sorted(ts) for symbol, ts in rows.iter_rows()}

    def starts(self, first_ns: int, end_ns: int) -> Iterator[pl.DataFrame]:
        """Instrument and time of every row, an hour at a time (a day of minute bars)."""
        table = {Kind.QUOTES: QUOTES, Kind.TRADES: TRADES}.get(self.kind, BARS)
        source = f"{self.source}/bid" if self.kind is Kind.QUOTE_BARS else self.source
        length = 24 * HOUR_NS if self.step_ns >= 60 * SECOND_NS else HOUR_NS
        for begin in range(first_ns, end_ns, length):
            yield self._frame(table, source, begin, min(end_ns, begin + length), ()).select("instrument_id", "ts_event")

    def _frame(self, table: str, source: str, first_ns: int, end_ns: int, ids: Sequence[str]) -> pl.DataFrame:
        query = Query(
            table=table, spec=self.spec, source=source, instrument_ids=tuple(ids), start_ns=first_ns, end_ns=end_ns
        )
        return self.reader.frame(query)

    def _quote_bars(self, first_ns: int, end_ns: int, symbols: Sequence[str]) -> pl.DataFrame:
        bid, ask = (
            _bars(self._frame(BARS, f"{self.source}/{side}", first_ns, end_ns, symbols), f"{side}_") for side in SIDES
        )
        return bid.drop("bid_volume").join(ask.drop("ask_volume"), on=("symbol", "ts"))


def _head() -> list[pl.Expr]:
    import polars as pl

    return [pl.col("instrument_id").alias("symbol"), pl.col("ts_event").alias("ts")]


def _number(column: str, name: str) -> pl.Expr:
    import polars as pl

    return (pl.col(column) / float(SCALE)).alias(name)


def _marks() -> list[pl.Expr]:
    """Conditions, an auction's flag as its mark; and whether the source doubts the row."""
    import polars as pl

    is_auction = (pl.col("flags") & TICK_AUCTION) > 0
    conditions = pl.when(is_auction).then(pl.lit(AUCTION_MARKS[0])).otherwise(pl.col("conditions"))
    return [conditions.alias("conditions"), ((pl.col("flags") & TICK_SUSPICIOUS) > 0).alias("suspicious")]


def _quotes(frame: pl.DataFrame) -> pl.DataFrame:
    """A price whose size is not told shows that something was quoted: one unit."""
    import polars as pl

    sizes = [
        pl.when(pl.col(f"{side}_e8").is_not_null()).then(_number(f"{side}_size_e8", "s").fill_null(1.0)).otherwise(0.0)
        for side in SIDES
    ]
    named = [size.alias(f"{side}_size") for side, size in zip(SIDES, sizes, strict=True)]
    return frame.select(*_head(), *(_number(f"{side}_e8", side) for side in SIDES), *named, *_marks())


def _trades(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(*_head(), _number("price_e8", "price"), _number("size_e8", "size"), *_marks())


def _bars(frame: pl.DataFrame, prefix: str) -> pl.DataFrame:
    numbers = [_number(f"{name}_e8", f"{prefix}{name}") for name in (*_PRICES, "volume")]
    return frame.select(*_head(), *numbers)
