"""Small recordings made by tests: one winter day of one instrument, in the shapes the readers know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from stockpulse_engine.domain.market import SECOND_NS, MarketEvent
from stockpulse_engine.marketdata.calendar import Session, load_calendar
from stockpulse_engine.venue.replay import ReplaySource

DATE = "2013-12-10"
MINUTE = 60 * SECOND_NS


def day(date: str = DATE) -> Session:
    """The session of a date."""
    session = load_calendar().session(date)
    assert session is not None
    return session


def at(clock: str, date: str = DATE) -> dt.datetime:
    """A New York time as the UTC timestamp of a recording; in December five hours apart."""
    return dt.datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=dt.UTC) + dt.timedelta(hours=5)


def ns(clock: str, date: str = DATE) -> int:
    """The same in nanoseconds."""
    moment = at(clock, date)
    return int(moment.replace(microsecond=0).timestamp()) * SECOND_NS + moment.microsecond * 1_000


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A Parquet file of rows; missing values are null."""
    pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    return path


def bid(clock: str, price: float | None, size: int = 100, **more: Any) -> dict[str, Any]:
    """A row that updates the bid."""
    return _quote_row(clock) | {"bid": price, "bid_size": size} | more


def ask(clock: str, price: float | None, size: int = 100, **more: Any) -> dict[str, Any]:
    """A row that updates the ask."""
    return _quote_row(clock) | {"ask": price, "ask_size": size} | more


def _quote_row(clock: str) -> dict[str, Any]:
    return {
        "symbol": "IBM",
        "ts": at(clock),
        "bid": None,
        "bid_size": 0,
        "ask": None,
        "ask_size": 0,
        "exchange": "N",
        "conditions": "1",
        "suspicious": False,
    }


def trade(clock: str, price: float, size: float = 100, **more: Any) -> dict[str, Any]:
    """A print."""
    row = {"symbol": "IBM", "ts": at(clock), "price": price, "size": size, "exchange": "N", "conditions": "1"}
    return row | {"suspicious": False} | more


def bar(clock: str, prices: Sequence[float], volume: float, symbol: str = "SPY", date: str = DATE) -> dict[str, Any]:
    """A bar of open, high, low, close."""
    values = dict(zip(("open", "high", "low", "close"), prices, strict=True))
    return {"symbol": symbol, "ts": at(clock, date), **values, "volume": volume}


def opened(*paths: Path, clock: str = "03:59:59", date: str = DATE) -> ReplaySource:
    """A replay of some files, opened at a New York time."""
    source = ReplaySource("test", paths)
    source.seed_events(ns(clock, date))
    return source


def everything(source: ReplaySource) -> list[MarketEvent]:
    """All events that are left."""
    assert source.last_ns is not None
    return source.advance(source.last_ns + MINUTE)
