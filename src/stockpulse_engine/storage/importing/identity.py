"""Which instrument a row is about: the file's own venue, the one the person names, the shipped reference, map files.

A map file tells which company traded under a ticker until when. A ticker's earlier company becomes an instrument of its
own, `FB~1999.XNAS`, so that two companies are never one series.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.venue.replay.reference import ROUND_THE_CLOCK, instrument_for, is_symbol

NOWHERE = "XXXX"
_SIDE_WORDS = frozenset(
    {"trade", "trades", "quote", "quotes", "bid", "ask", "tick", "ticks", "daily", "minute", "second", "hour", "bars"}
)


class Listing(msgspec.Struct, frozen=True):
    """A company traded as `ticker` up to and including `until` (ISO date)."""

    company: str
    ticker: str
    since: str
    until: str


class Maps:
    """Listings that were imported, kept beside the store."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self.listings = msgspec.json.decode(file.read_bytes(), type=tuple[Listing, ...])
        except (OSError, msgspec.MsgspecError):
            self.listings = ()

    def add(self, listings: Sequence[Listing]) -> int:
        """Keep these, replacing what was known of their companies; how many are new."""
        companies = {one.company for one in listings}
        kept = tuple(one for one in self.listings if one.company not in companies)
        new = len(set(listings) - set(self.listings))
        self.listings = (*kept, *listings)
        ensure_private(self._file.parent)
        atomic_write(self._file, msgspec.json.encode(self.listings))
        return new

    def reused(self, ticker: str) -> tuple[Listing, ...]:
        """Spans in which `ticker` meant another company than it means today."""
        spans = sorted((one for one in self.listings if one.ticker == ticker), key=lambda one: one.until)
        return tuple(one for one in spans if one.company != spans[-1].company)


def with_instrument(frame: pl.DataFrame, date: pl.Expr, maps: Maps, *, venue: str = "") -> pl.DataFrame:
    """Add `instrument_id` from `symbol` and (where there is one) `mic`; null where the symbol can be no id."""
    symbols = frame["symbol"].unique().drop_nulls().to_list()
    names = {symbol: clean_symbol(symbol) for symbol in symbols}
    mics = {symbol: venue or _mic_of(names[symbol]) for symbol in symbols}
    base = pl.col("symbol").replace_strict(names, default=None, return_dtype=pl.String)
    mic = pl.col("symbol").replace_strict(mics, default=NOWHERE, return_dtype=pl.String)
    if "mic" in frame.columns:
        mic = pl.coalesce(pl.col("mic").cast(pl.String).str.strip_chars().str.to_uppercase(), mic)
    for symbol in symbols:
        for span in maps.reused(names[symbol]):
            until = dt.date.fromisoformat(span.until)
            old = f"{span.ticker}~{span.since[:4]}"
            base = pl.when((pl.col("symbol") == symbol) & (date <= until)).then(pl.lit(old)).otherwise(base)
    valid = pl.col("symbol").replace_strict(
        {symbol: is_symbol(names[symbol]) for symbol in symbols}, default=False, return_dtype=pl.Boolean
    )
    return frame.with_columns(pl.when(valid).then(base + "." + mic).alias("instrument_id"))


def clean_symbol(text: str) -> str:
    """A file's own symbol as part of an id: `xrp/eth` is XRPETH, `BRK B` is BRK-B."""
    return text.strip().upper().replace("/", "").replace(" ", "-")


def symbol_of_file(path: Path) -> str:
    """The symbol a file is named after: `ibm_20131007_trade.parquet` is IBM."""
    words = [word for word in path.stem.replace("-", "_").split("_") if word.lower() not in _SIDE_WORDS]
    return clean_symbol(words[0]) if words else clean_symbol(path.stem)


def is_round_the_clock(instrument_id: str) -> bool:
    """Whether it keeps no exchange hours: currencies and coins."""
    return asset_class_of(instrument_id) in ROUND_THE_CLOCK


def asset_class_of(instrument_id: str) -> AssetClass:
    """Class of an instrument, from its symbol."""
    return instrument_for(instrument_id.rpartition(".")[0]).asset_class


def _mic_of(symbol: str) -> str:
    return instrument_for(symbol).instrument_id.rpartition(".")[2]
