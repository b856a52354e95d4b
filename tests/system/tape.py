"""What was really recorded, read straight from the files with polars: the judge of what a replay may do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import polars as pl

MINUTE_NS = 60_000_000_000


@dataclass(frozen=True)
class Moment:
    """Best bid and ask after one row."""

    ts: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float

    @property
    def is_crossed(self) -> bool:
        return self.bid > self.ask

    @property
    def is_fair(self) -> bool:
        return self.bid < self.ask


@dataclass(frozen=True)
class TickTape:
    """One symbol's recorded quotes and prints of one day."""

    symbol: str
    quotes: tuple[Moment, ...]
    prints: tuple[tuple[int, float, float], ...]

    @cached_property
    def times(self) -> list[int]:
        """Times of the quotes."""
        return [each.ts for each in self.quotes]

    @property
    def crossed(self) -> int:
        """Moments with the bid above the ask."""
        return sum(each.is_crossed for each in self.quotes)

    @property
    def locked(self) -> int:
        """Moments with both the same."""
        return sum(each.bid == each.ask for each in self.quotes)

    def at(self, ts: int) -> Moment:
        """What stood at `ts`."""
        return self.quotes[bisect_right(self.times, ts) - 1]

    def stood(self, ts: int) -> list[Moment]:
        """The fair quotes somebody may have seen at `ts`: every one of that moment, and the newest one before it."""
        first = bisect_left(self.times, ts)
        found = [each for each in self.quotes[first : bisect_right(self.times, ts)] if each.is_fair]
        before = next((each for each in reversed(self.quotes[:first]) if each.is_fair), None)
        return [*found, *([before] if before else [])]

    def printed(self, first: int, end: int) -> list[float]:
        """Prices of the prints in `first` ≤ ts ≤ `end`."""
        times = [ts for ts, _, _ in self.prints]
        return [price for _, price, _ in self.prints[bisect_left(times, first) : bisect_right(times, end)]]

    def longest_cross(self) -> tuple[int, int]:
        """Begin and end of the longest stretch for which the tape stands crossed."""
        spans, begin = [], 0
        for each in self.quotes:
            if each.is_crossed and not begin:
                begin = each.ts
            elif not each.is_crossed and begin:
                spans.append((begin, each.ts))
                begin = 0
        return max(spans, key=lambda span: span[1] - span[0])


def read_ticks(folder: Path, symbol: str, day: str) -> TickTape:
    """The recording of one symbol and day: each row updates one side, the other stands."""
    stem = f"{symbol.lower()}_{day}"
    quotes = (
        _rows(folder / f"{stem}_quote.parquet")
        .with_columns(
            pl.when(pl.col("bid").is_null()).then(None).otherwise(pl.col("bid_size")).alias("bid_size"),
            pl.when(pl.col("ask").is_null()).then(None).otherwise(pl.col("ask_size")).alias("ask_size"),
        )
        .with_columns(pl.col("bid", "ask", "bid_size", "ask_size").forward_fill())
        .drop_nulls(["bid", "ask"])
    )
    prints = _rows(folder / f"{stem}_trade.parquet").select("ts", "price", "size")
    moments = quotes.select("ts", "bid", "ask", "bid_size", "ask_size").iter_rows()
    return TickTape(symbol, tuple(Moment(*row) for row in moments), tuple(prints.iter_rows()))


def _rows(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file).filter(~pl.col("suspicious")).with_columns(pl.col("ts").dt.epoch("ns"))


def read_minutes(folder: Path, symbol: str) -> dict[int, tuple[float, float]]:
    """Minute start → lowest bid and highest ask quoted in it."""
    rows = pl.read_parquet(folder / "us_equity_quote.parquet").filter(pl.col("symbol") == symbol)
    rows = rows.with_columns(pl.col("ts").dt.epoch("ns"))
    return {ts: (low, high) for ts, low, high in rows.select("ts", "bid_low", "ask_high").iter_rows()}


def is_within(price: Decimal, minutes: dict[int, tuple[float, float]], ts: int) -> bool:
    """Whether a price lies in what was quoted in its minute."""
    low, high = minutes[ts // MINUTE_NS * MINUTE_NS]
    return low <= float(price) <= high
