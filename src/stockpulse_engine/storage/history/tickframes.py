"""Recorded ticks as frames, column by column: decimal text becomes integers without a Python object per number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.marketdata.columns import TICK_AUCTION, TICK_BUYER, TICK_SELLER, rounded_e8
from stockpulse_engine.marketdata.history import QUOTES

_UNUSUAL: Final = r"\.\d{9,}|[^0-9.\-]|\d{11,}"
"""What the fast way might round otherwise than we say, or not understand."""
_HEAD: Final = ("instrument_id", "ts_event", "known_at", "seq", "recorded_at")
_NUMBERS: Final = ("bid", "ask", "bid_size", "ask_size", "price", "size")
_decode: Final = msgspec.msgpack.Decoder().decode


class TickFrame(NamedTuple):
    """A frame for the writer, and how many events had a number that can not be stored."""

    frame: pl.DataFrame
    refused: int


class TickColumns:
    """Collects the frames of one table and source until they are made into one."""

    def __init__(self, table: str) -> None:
        self._names = ("tag", *(Quote if table == QUOTES else Trade).__struct_fields__)
        self._make: Callable[[pl.DataFrame], pl.DataFrame] = _quotes if table == QUOTES else _trades
        self._columns: list[list[Any]] = [[] for _ in self._names]
        self._seqs: list[int] = []
        self._recorded: list[int] = []

    def __len__(self) -> int:
        return len(self._seqs)

    def take(self, recorded_at: int, seqs: Sequence[int], events: Sequence[Sequence[Any]]) -> None:
        """Add the events of one batch, as msgpack gives them."""
        for column, values in zip(self._columns, zip(*events, strict=True), strict=True):
            column.extend(values)
        self._seqs.extend(seqs)
        self._recorded.extend([recorded_at] * len(seqs))

    def frame(self) -> TickFrame:
        """Everything taken as a frame; of a key that came twice the later one."""
        columns = dict(zip(self._names, self._columns, strict=True))
        times = columns["ts_event"]
        head = zip(_HEAD, (columns["instrument_id"], times, times, self._seqs, self._recorded), strict=True)
        texts = [pl.Series(name, columns[name], pl.String) for name in _NUMBERS if name in columns]
        marks = [pl.Series(name, columns[name]) for name in ("aggressor", "is_auction") if name in columns]
        raw = pl.DataFrame([*(pl.Series(name, values) for name, values in head), *texts, *marks])
        good = self._make(raw).filter(pl.col("is_storable")).drop("is_storable")
        kept = good.unique(("instrument_id", "ts_event", "seq"), keep="last", maintain_order=True)
        return TickFrame(kept, raw.height - good.height)


def decode_batch(payload: bytes) -> tuple[str, int, list[int], list[list[Any]]]:
    """Source, time of recording, counts and events of a frame of ticks, numbers as text."""
    source, recorded_at, seqs, events = _decode(payload)
    return source, recorded_at, seqs, events


def e8_column(texts: pl.Series) -> pl.Series:
    """Decimal text in units of 1e-8, null where it can not be stored."""
    is_odd = texts.str.contains(_UNUSUAL)
    if not is_odd.any():
        return texts.cast(pl.Decimal(38, 8)).to_physical().cast(pl.Int64)
    plain = texts.zip_with(~is_odd, pl.Series(["0"])).cast(pl.Decimal(38, 8)).to_physical().cast(pl.Int64)
    places = is_odd.arg_true()
    return plain.scatter(places, [_one(text) for text in texts.gather(places)])


def _one(text: str) -> int | None:
    try:
        return rounded_e8(Decimal(text))
    except (InvalidValueError, InvalidOperation):
        return None


def _quotes(raw: pl.DataFrame) -> pl.DataFrame:
    """A side at no price says nothing; a number that can not be stored makes the whole row unusable."""
    names = ("bid", "bid_size", "ask", "ask_size")
    values = raw.select(*_HEAD, *(e8_column(raw[name]).alias(f"{name}_e8") for name in names))
    is_storable = pl.all_horizontal(pl.col(f"{name}_e8").is_not_null() for name in names).alias("is_storable")
    sides = [
        pl.when(pl.col(f"{side}_e8") > 0).then(pl.col(f"{side}{part}_e8")).alias(f"{side}{part}_e8")
        for side in ("bid", "ask")
        for part in ("", "_size")
    ]
    return values.with_columns(is_storable).with_columns(sides)


def _trades(raw: pl.DataFrame) -> pl.DataFrame:
    flags = (
        pl.col("is_auction").cast(pl.Int64) * TICK_AUCTION
        + (pl.col("aggressor") == "B").cast(pl.Int64) * TICK_BUYER
        + (pl.col("aggressor") == "S").cast(pl.Int64) * TICK_SELLER
    )
    prices = [e8_column(raw[name]).alias(f"{name}_e8") for name in ("price", "size")]
    is_storable = (pl.col("price_e8").is_not_null() & pl.col("size_e8").is_not_null()).alias("is_storable")
    return raw.select(*_HEAD, *prices, flags.alias("flags")).with_columns(is_storable)
