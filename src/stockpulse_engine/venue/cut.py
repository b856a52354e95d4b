"""Cutting finer bars into coarser ones: plain columns of whole numbers, shared by simulation and replay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS, Bar, BarSpec
from stockpulse_engine.marketdata.calendar import Calendar, Session

Ints = NDArray[np.int64]
MINUTE_NS = 60 * SECOND_NS


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars as columns. Prices and volumes are whole numbers of the owner's smallest steps; `ts` starts, `end` ends."""

    ts: Ints
    end: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        """Number of bars."""
        return int(self.ts.size)

    def take(self, mask: NDArray[np.bool_] | slice) -> BarColumns:
        """Some of the bars."""
        return BarColumns(*(getattr(self, name)[mask] for name in _FIELDS))


_FIELDS = ("ts", "end", "open", "high", "low", "close", "volume")


def concatenate(parts: list[BarColumns]) -> BarColumns:
    """Bars one after another."""
    if not parts:
        return BarColumns(*(np.empty(0, np.int64) for _ in _FIELDS))
    return BarColumns(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


def merge(bars: BarColumns, starts: Ints, ends: Ints) -> BarColumns:
    """Bars with equal `starts`, which must be in order, become one that begins there and ends at `ends`."""
    if not len(bars):
        return bars
    first = np.flatnonzero(np.concatenate([[True], starts[1:] != starts[:-1]]))
    last = np.append(first[1:], len(bars)) - 1
    return BarColumns(
        starts[first],
        ends[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
    )


def cut_session(bars: BarColumns, session: Session, step_ns: int) -> BarColumns:
    """Minutes of one session become bars of `step_ns`, counted from the start of each part of the day."""
    edges = np.array([session.pre_open, session.open, session.close, session.post_close])
    part = np.clip(np.searchsorted(edges, bars.ts, side="right") - 1, 0, edges.size - 2)
    begin, end = edges[part], edges[part + 1]
    starts = begin + (bars.ts - begin) // step_ns * step_ns
    return merge(bars, starts, np.minimum(starts + step_ns, end))


def check_spec(spec: BarSpec, *, shortest_ns: int = MINUTE_NS) -> None:
    """Refuse bar lengths no source keeps: under `shortest_ns`, over a session, several days or weeks."""
    if spec.is_intraday:
        is_kept = spec.duration_ns % shortest_ns == 0 and spec.duration_ns <= 24 * 60 * MINUTE_NS
    else:
        is_kept = spec.step == 1
    if not is_kept:
        raise InvalidValueError(
            f"Bars of {spec} are not kept here.", fix="Use whole minutes or hours up to a day, 1d or 1w."
        )


@dataclass(frozen=True, slots=True)
class Units:
    """How an owner's whole numbers read: as prices, as volumes, and under which source name."""

    price: Callable[[int], Decimal]
    size: Callable[[int], Decimal]
    source: str


def make_bars(columns: BarColumns, instrument_id: str, spec: BarSpec, *, now_ns: int, units: Units) -> list[Bar]:
    """Turn columns into bars; one that ends after `now_ns` is open and known now."""
    price, size = units.price, units.size
    rows = zip(*(getattr(columns, name).tolist() for name in _FIELDS), strict=True)
    return [
        Bar(
            instrument_id,
            spec,
            ts,
            price(opening),
            price(high),
            price(low),
            price(close),
            size(volume),
            min(end, now_ns),
            end > now_ns,
            units.source,
        )
        for ts, end, opening, high, low, close, volume in rows
    ]


def weekly(days: BarColumns, calendar: Calendar) -> BarColumns:
    """Days of one calendar week become one bar, from its first open to its last close. The first may be cut off."""
    if not len(days):
        return days
    weeks = _week_numbers(days.ts)
    firsts = np.flatnonzero(np.concatenate([[True], weeks[1:] != weeks[:-1]]))
    place = np.searchsorted(firsts, np.arange(len(days)), side="right") - 1
    merged = merge(days, days.ts[firsts][place], days.end)
    ends = np.append(days.end[firsts[1:] - 1], _week_close(int(days.ts[-1]), calendar))
    return replace(merged, end=ends)


def _week_numbers(ts: Ints) -> Ints:
    """Number of the week each session's open lies in. Opens are in daylight, so the UTC date is the session's."""
    weeks: Ints = (ts // (24 * 60 * MINUTE_NS) + 3) // 7
    return weeks


def _week_close(ts: int, calendar: Calendar) -> int:
    """Close of the last session of the week `ts` lies in, whether or not it is over."""
    session = calendar.current_or_previous(ts)
    week = dt.date.fromisoformat(session.date).isocalendar()[:2]
    while session.ordinal + 1 < len(calendar):
        following = calendar.by_ordinal(session.ordinal + 1)
        if dt.date.fromisoformat(following.date).isocalendar()[:2] != week:
            break
        session = following
    return session.close
