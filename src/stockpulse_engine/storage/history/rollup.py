"""Rolling up: bars of many instruments become bars of a longer length, in one pass over the columns."""

from __future__ import annotations

import numpy as np
import polars as pl

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.columns import Ints
from stockpulse_engine.marketdata.history import BARS, SCHEMAS
from stockpulse_engine.marketdata.resample import Buckets, Groups, buckets, group, merge_groups, require_longer
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.storage.history.order import pieces_of

_DAY = BarSpec(1, "d")
_VALUES = {"open": "open_e8", "high": "high_e8", "low": "low_e8", "close": "close_e8", "volume": "volume_e8"}


def rolled_up(frame: pl.DataFrame, short: BarSpec, long: BarSpec) -> pl.DataFrame:
    """What `HistoryReader.frame` gave for bars of `short`, as a frame of bars of `long` that a writer takes.

    Each instrument keeps the sessions of its venue. A bar is known when the last of its parts was; the newest bar of
    each instrument may lack what has not happened yet, so leave it out where that matters.

    Raises:
        InvalidValueError: `long` can not be made of `short`.
    """
    require_longer(short, long)
    if long.unit == "w" and short.is_intraday:
        frame, short = rolled_up(frame, short, _DAY), _DAY
    if frame.is_empty():
        return frame.select(*SCHEMAS[BARS])
    times = frame["ts_event"].to_numpy()
    names, groups = _groups(frame, times, long)
    columns = {name: frame[column].to_numpy() for name, column in _VALUES.items()}
    merged = merge_groups({**columns, "known_at": frame["known_at"].to_numpy()}, groups)
    found = {"instrument_id": names, "ts_event": groups.starts, "known_at": merged["known_at"]}
    return pl.DataFrame({**found, **{column: merged[name] for name, column in _VALUES.items()}})


def _groups(frame: pl.DataFrame, times: Ints, long: BarSpec) -> tuple[pl.Series, Groups]:
    """Which rows become which bar, and whose it is; instrument by instrument."""
    first, last = int(times.min()), int(times.max())
    known: dict[str, Buckets] = {}
    parts: list[Groups] = []
    owners: list[str] = []
    for name, ((low, high), *_) in pieces_of(frame).items():
        calendar = calendar_of(name)
        wanted = _buckets(known, calendar, long, (first, last))
        found = group(times[low:high], wanted)
        parts.append(Groups(found.starts, found.low + low, found.high + low))
        owners.append(name)
    counts = [len(part.starts) for part in parts]
    names = pl.Series(owners).gather(np.repeat(np.arange(len(owners)), counts))
    return names, Groups(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _buckets(known: dict[str, Buckets], calendar: Calendar | None, long: BarSpec, edges: tuple[int, int]) -> Buckets:
    code = calendar.code if calendar is not None else ""
    if code not in known:
        known[code] = buckets(long, calendar, *edges)
    return known[code]
