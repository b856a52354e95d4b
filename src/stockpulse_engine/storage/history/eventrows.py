"""Live events as rows of the store: decimals become integers, what does not fit is rounded or refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from stockpulse_engine.domain.market import Bar, Quote, Trade
from stockpulse_engine.marketdata.columns import (
    BAR_COLUMNS,
    NO_SIDE,
    TICK_AUCTION,
    TICK_BUYER,
    TICK_SELLER,
    Ints,
    rounded_e8,
)
from stockpulse_engine.storage.history.rows import RETRACTED, Columns

_AGGRESSOR = {"B": TICK_BUYER, "S": TICK_SELLER}


def bar_row(bar: Bar, recorded_at: int) -> tuple[int, ...]:
    """A bar in the order of BAR_COLUMNS."""
    prices = (rounded_e8(bar.open), rounded_e8(bar.high), rounded_e8(bar.low), rounded_e8(bar.close))
    return (bar.ts_event, bar.known_at, recorded_at, *prices, rounded_e8(bar.volume))


def tick_row(event: Quote | Trade, seq: int, recorded_at: int) -> tuple[Any, ...]:
    """A tick in the order of `rows.names_of` its table."""
    head = (event.ts_event, event.ts_event, seq)
    if isinstance(event, Quote):
        sides = (*_side(event.bid, event.bid_size), *_side(event.ask, event.ask_size))
        return (*head, *sides, "", "", 0, recorded_at, False)
    flags = TICK_AUCTION * event.is_auction + _AGGRESSOR.get(event.aggressor, 0)
    return (*head, rounded_e8(event.price), rounded_e8(event.size), "", "", flags, recorded_at, False)


def bar_columns(rows: Ints) -> Columns:
    """BAR_COLUMNS × n under the names of a stored file."""
    values = dict(zip(BAR_COLUMNS, rows, strict=True))
    prices = {f"{name}_e8": values[name] for name in BAR_COLUMNS[3:]}
    times = {name: values[name] for name in BAR_COLUMNS[:3]}
    return {**times, **prices, RETRACTED: np.zeros(rows.shape[1], dtype=bool)}


def _side(price: Any, size: Any) -> tuple[int, int]:
    return (rounded_e8(price), rounded_e8(size)) if price > 0 else (NO_SIDE, NO_SIDE)
