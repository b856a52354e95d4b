"""Bars of a replay up to its clock: what was printed, and older bars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import numpy as np

from stockpulse_engine.domain.market import Bar, BarSpec, Trade
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.venue.cut import (
    MINUTE_NS,
    BarColumns,
    Units,
    check_spec,
    concatenate,
    cut_session,
    make_bars,
    merge,
    weekly,
)
from stockpulse_engine.venue.replay.between import SplitAt
from stockpulse_engine.venue.replay.past import Past
from stockpulse_engine.venue.replay.rows import Ints
from stockpulse_engine.venue.replay.track import PRICES, SCALE, SIZES, MinuteRow, Track, minute_row, unit_reader

_VOLUME_DAYS = 20
_PRICES = ("open", "high", "low", "close")


class ReplayHistory:
    """Answers `bars`; older bars are read once per symbol and kept."""

    def __init__(self, past: Past, calendar: Calendar, first_date: str) -> None:
        self._calendar = calendar
        self._first_date = first_date
        self._old_minutes = lru_cache(maxsize=64)(past.minutes)
        self._old_days = lru_cache(maxsize=256)(past.days)

    def bars(
        self,
        track: Track,
        spec: BarSpec,
        limit: int,
        end_ns: int,
        *,
        now_ns: int,
        printed: Sequence[Trade],
        splits: Sequence[SplitAt] = (),
    ) -> list[Bar]:
        """The last `limit` bars that start before `end_ns`, in the shares of now.

        `printed` are the prints of the minute still running, `splits` what has come into effect.
        """
        check_spec(spec)
        minutes = _in_new_shares(concatenate([_columns(track.minutes), _running(printed, now_ns)]), splits)
        if spec.is_intraday:
            minutes = concatenate([_in_new_shares(self._old_minutes(track.key), splits), minutes])
            columns = self._cut(minutes.take(minutes.ts < end_ns), spec)
        else:
            columns = self._days(track, minutes, splits, now_ns)
            columns = columns if spec.unit == "d" else weekly(columns, self._calendar)
        columns = columns.take(columns.ts < end_ns).take(slice(-limit, None) if limit > 0 else slice(0, 0))
        units = Units(unit_reader(PRICES), unit_reader(SIZES), track.source)
        return make_bars(columns, track.instrument.instrument_id, spec, now_ns=now_ns, units=units)

    def average_volume(self, symbol: str) -> Decimal:
        """Mean volume of the last days before the first one played; 0 when no daily bars were given."""
        days = self._old_days(symbol)
        first = self._calendar.session(self._first_date)
        known = days.volume[days.end <= first.pre_open] if first else days.volume
        return Decimal(int(known[-_VOLUME_DAYS:].mean()) // SCALE) if known.size else Decimal(0)

    def _cut(self, minutes: BarColumns, spec: BarSpec) -> BarColumns:
        """Minutes cut session by session; outside any session by the clock."""
        parts = []
        for begin, end, session in self._stretches(minutes.ts):
            part = minutes.take(slice(begin, end))
            if session is not None:
                parts.append(cut_session(part, session, spec.duration_ns))
            else:
                starts = part.ts // spec.duration_ns * spec.duration_ns
                parts.append(merge(part, starts, starts + spec.duration_ns))
        return concatenate(parts)

    def _stretches(self, ts: Ints) -> list[tuple[int, int, Session | None]]:
        """Runs of minutes that belong to one session, or to none."""
        out: list[tuple[int, int, Session | None]] = []
        begin = 0
        while begin < ts.size:
            session = self._calendar.session_at(int(ts[begin]))
            if session is not None:
                until = session.post_close
            else:
                until = self._calendar.current_or_next(int(ts[begin])).pre_open
            end = int(np.searchsorted(ts, until))
            out.append((begin, end, session))
            begin = end
        return out

    def _days(self, track: Track, minutes: BarColumns, splits: Sequence[SplitAt], now_ns: int) -> BarColumns:
        """Stored daily bars for days that are over, else from what was printed in regular hours."""
        old = _in_new_shares(self._old_days(track.key), splits)
        old = old.take(old.end <= now_ns)
        recorded = set(old.ts.tolist())
        built = [
            self._day(part, session, track, now_ns)
            for begin, end, session in self._stretches(minutes.ts)
            if session is not None and session.open not in recorded
            for part in [minutes.take(slice(begin, end))]
        ]
        days = concatenate([old, *(day for day in built if len(day))])
        order = np.argsort(days.ts, kind="stable")
        return BarColumns(*(getattr(days, name)[order] for name in BarColumns.__slots__))

    def _day(self, minutes: BarColumns, session: Session, track: Track, now_ns: int) -> BarColumns:
        regular = minutes.take((minutes.ts >= session.open) & (minutes.ts < session.close))
        day = merge(regular, np.full(len(regular), session.open), np.full(len(regular), session.close))
        late = [row for row in track.auctions if session.close <= row[0] < session.post_close and row[0] <= now_ns]
        for ts, price, size in late[:1]:
            # The closing auction prints after the close: it is part of the day, known when it printed.
            auction = BarColumns(*(np.array([x]) for x in (session.open, ts, price, price, price, price, size)))
            both = concatenate([day, auction])
            day = merge(both, both.ts, np.full(len(both), ts))
        return day


def _columns(rows: Sequence[MinuteRow]) -> BarColumns:
    if not rows:
        return concatenate([])
    ts, *values = np.array(rows, dtype=np.int64).T
    return BarColumns(ts, ts + MINUTE_NS, *values)


def _running(printed: Sequence[Trade], now_ns: int) -> BarColumns:
    """The minute that is still running, from its prints so far."""
    begin = now_ns // MINUTE_NS * MINUTE_NS
    inside = [trade for trade in printed if begin <= trade.ts_event <= now_ns]
    if not inside:
        return concatenate([])
    price, size = (np.array([float(getattr(trade, name)) for trade in inside]) for name in ("price", "size"))
    return _columns([minute_row(begin, price, size)])


def _in_new_shares(bars: BarColumns, splits: Sequence[SplitAt]) -> BarColumns:
    """Bars from before a split with their prices and volumes in the shares after it."""
    for split in splits:
        old = bars.ts < split.ns
        if old.any():
            prices, volumes = split.denominator / split.numerator, split.numerator / split.denominator
            values = (np.where(old, np.rint(getattr(bars, name) * prices), getattr(bars, name)) for name in _PRICES)
            volume = np.where(old, np.rint(bars.volume * volumes), bars.volume)
            bars = BarColumns(bars.ts, bars.end, *(each.astype(np.int64) for each in (*values, volume)))
    return bars
