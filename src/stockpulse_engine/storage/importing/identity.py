"""Which instrument a row is about: the file's own venue, the one the person names, the shipped reference, map files.

A map file tells which company traded under a ticker until when. A company's whole past is one instrument, under its
last ticker: `QQQQ` of 2008 is `QQQ.XNAS`. A ticker's earlier company becomes an instrument of its own, `FB~1999.XNAS`,
so that two companies are never one series.
"""

from __future__ import annotations

import datetime as dt
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import polars as pl

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import AssetClass
from stockpulse_engine.marketdata.listings import Listing, homes
from stockpulse_engine.storage.importing.listingfile import read_listings
from stockpulse_engine.storage.words import few_words
from stockpulse_engine.venue.replay.reference import ROUND_THE_CLOCK, instrument_for, is_symbol

NOWHERE = "XXXX"
EARLY = "is_early"
"""Column: the row is older than its ticker by the map files, so nobody knows whose it is."""
_MIC = "^[A-Z0-9]{4}$"
_SIDE_WORDS = frozenset(
    {"trade", "trades", "quote", "quotes", "bid", "ask", "tick", "ticks", "daily", "minute", "second", "hour", "bars"}
)


class Maps:
    """Listings that were imported, kept beside the store."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` keeps them; without one nothing is known and nothing is kept."""
        self._file = file
        self.listings: tuple[Listing, ...] = ()
        if file is not None and file.exists():
            self.listings = read_listings(file)

    def add(self, listings: Sequence[Listing]) -> int:
        """Keep these, replacing what was known of their companies; how many are new."""
        companies = {one.company for one in listings}
        kept = tuple(one for one in self.listings if one.company not in companies)
        new = len(set(listings) - set(self.listings))
        self.listings = (*kept, *listings)
        if self._file is not None:
            ensure_private(self._file.parent)
            atomic_write(self._file, msgspec.json.encode(self.listings))
        return new

    def listed_since(self, ticker: str) -> str:
        """The first day on which a company traded as `ticker`; "" when the maps begin there and may know no more."""
        since = [one.since for one in self.listings if one.ticker == ticker]
        begin = min((one.since for one in self.listings), default="")
        return "" if not since or min(since) == begin else min(since)


def with_instrument(frame: pl.DataFrame, date: pl.Expr, maps: Maps, *, venue: str = "") -> pl.DataFrame:
    """Add `instrument_id` from `symbol` and (where there is one) `mic`; null where the symbol can be no id.

    The ids are an Enum in the order of names: a file has few of them, and small integers sort and compare cheaply.
    """
    told = few_words(frame["symbol"])
    symbols = (told.dtype.categories if isinstance(told.dtype, pl.Enum) else told.unique().drop_nulls()).to_list()
    names = {symbol: clean_symbol(symbol) for symbol in symbols}
    mics = {symbol: venue or mic_of(names[symbol]) for symbol in symbols}
    if "mic" not in frame.columns and not maps.listings:
        ids = {symbol: f"{names[symbol]}.{mics[symbol]}" if is_symbol(names[symbol]) else None for symbol in symbols}
        named = pl.Series("instrument_id", [ids[symbol] for symbol in symbols], _enum(ids.values()))
        codes = (told if isinstance(told.dtype, pl.Enum) else told.cast(pl.Enum(symbols))).to_physical()
        return frame.with_columns(named.gather(codes), pl.lit(value=False).alias(EARLY))
    base = pl.col("symbol").replace_strict(names, default=None, return_dtype=pl.String)
    mic = pl.col("symbol").replace_strict(mics, default=NOWHERE, return_dtype=pl.String)
    if "mic" in frame.columns:
        mic = pl.coalesce(pl.col("mic").cast(pl.String).str.strip_chars().str.to_uppercase(), mic)
    for symbol in symbols:
        for until, home in homes(maps.listings, names[symbol]):
            if home != names[symbol]:
                is_then = (pl.col("symbol") == symbol) & (date <= dt.date.fromisoformat(until))
                base = pl.when(is_then).then(pl.lit(home)).otherwise(base)
                mic = pl.when(is_then & (mic == NOWHERE)).then(pl.lit(venue or mic_of(home))).otherwise(mic)
    unknown = {name: maps.listed_since(name) for name in names.values()}
    early = pl.any_horizontal(
        pl.lit(value=False),
        *(
            (pl.col("symbol") == symbol) & (date < dt.date.fromisoformat(unknown[name])) & ~base.str.contains("~")
            for symbol, name in names.items()
            if unknown[name]
        ),
    )
    valid = pl.col("symbol").replace_strict(
        {symbol: is_symbol(names[symbol]) for symbol in symbols}, default=False, return_dtype=pl.Boolean
    )
    valid = valid & mic.str.contains(_MIC)
    frame = frame.with_columns(pl.when(valid).then(base + "." + mic).alias("instrument_id"), early.alias(EARLY))
    return frame.with_columns(frame["instrument_id"].cast(_enum(frame["instrument_id"].unique().to_list())))


def _enum(names: Iterable[str | None]) -> pl.Enum:
    return pl.Enum(sorted({name for name in names if name is not None}))


def clean_symbol(text: str) -> str:
    """A file's own symbol as part of an id: `xrp/eth` is XRPETH, `BRK B` is BRK-B."""
    return text.strip().upper().replace("/", "").replace(" ", "-")


def symbol_of_file(path: Path) -> str:
    """The symbol a file is named after: `ibm_20131007_trade.parquet` is IBM."""
    words = [word for word in path.stem.replace("-", "_").split("_") if word.lower() not in _SIDE_WORDS]
    if len(words) > 1 and asset_class_of(f"{words[0]}{words[1]}.{NOWHERE}".upper()) in ROUND_THE_CLOCK:
        return clean_symbol(words[0] + words[1])
    return clean_symbol(words[0]) if words else clean_symbol(path.stem)


def listings_of(frame: pl.DataFrame, columns: Mapping[str, str]) -> list[Listing]:
    """Rows of a map file as listings. A company's first row tells when it began, each other one until when it went on.

    Raises:
        InvalidValueError: a date is none.
    """
    found: list[Listing] = []
    rows = frame.select(pl.col(columns[name]).cast(pl.String) for name in ("symbol", "until", "ticker")).rows()
    for company, group in itertools.groupby(sorted(rows), key=operator.itemgetter(0)):
        since = ""
        for _, until, ticker in group:
            day = _require_date(until)
            if since:
                found.append(Listing(clean_symbol(company), clean_symbol(ticker), since, day.isoformat()))
            since = (day + dt.timedelta(days=1)).isoformat() if since else day.isoformat()
    return found


def _require_date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidValueError(f"{str(text)[:20]!r} is no date.", fix="Write dates as 2012-05-18.") from None


def is_round_the_clock(instrument_id: str) -> bool:
    """Whether it keeps no exchange hours: currencies and coins."""
    return asset_class_of(instrument_id) in ROUND_THE_CLOCK


def asset_class_of(instrument_id: str) -> AssetClass:
    """Class of an instrument, from its symbol."""
    return instrument_for(instrument_id.rpartition(".")[0]).asset_class


def mic_of(symbol: str) -> str:
    """The venue that our reference knows of a symbol, XXXX where it knows none."""
    return instrument_for(symbol.partition("~")[0]).instrument_id.rpartition(".")[2]
