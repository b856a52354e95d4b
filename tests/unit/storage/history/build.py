"""Small frames, as an importer would make them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import SCALE
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history

MINUTE = 60_000_000_000
DAY = 86_400_000_000_000
T0 = 1_600_000_020_000_000_000
"""A whole minute in September 2020."""
M1 = BarSpec(1, "m")
D1 = BarSpec(1, "d")
AAPL, IBM = "AAPL.XNAS", "IBM.XNYS"


def bar_frame(
    prices: Sequence[float], *, name: str = AAPL, start: int = T0, step: int = MINUTE, **more: Any
) -> pl.DataFrame:
    """One bar per price, open = close = price, a point above and below it."""
    cents = [round(price * 100) * (SCALE // 100) for price in prices]
    starts = [start + number * step for number in range(len(cents))]
    values = {
        "open_e8": cents,
        "high_e8": [each + SCALE for each in cents],
        "low_e8": [each - SCALE for each in cents],
        "close_e8": cents,
        "volume_e8": [100 * SCALE] * len(cents),
    }
    frame = pl.DataFrame(
        {"instrument_id": [name] * len(cents), "ts_event": starts, "known_at": [at + step for at in starts], **values},
        schema_overrides=dict.fromkeys(("ts_event", "known_at", *values), pl.Int64),
    )
    return frame.with_columns(pl.lit(value).alias(column) for column, value in more.items())


def trade_frame(ticks: Iterable[tuple[int, float]], *, name: str = AAPL) -> pl.DataFrame:
    """Prints of one share, given as (time, price)."""
    rows = [
        {"instrument_id": name, "ts_event": at, "known_at": at, "price_e8": round(price * SCALE), "size_e8": SCALE}
        for at, price in ticks
    ]
    return pl.DataFrame(rows)


def closes(found: Any) -> list[float]:
    """Closes in units of one."""
    return [value / SCALE for value in found.close.tolist()]


def store_at(directory: Path, clock: ManualClock, priority: tuple[str, ...] = ()) -> EmbeddedHistory:
    """A store with an order of sources."""
    return open_history(directory, clock, HistorySettings(priority=priority))
