"""Bars of the simulated market up to a moment: never a number that is not yet known."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from stockpulse_engine.domain.market import Bar, BarSpec, Trade
from stockpulse_engine.marketdata.calendar import Session
from stockpulse_engine.venue.cut import (
    BarColumns,
    Units,
    check_spec,
    concatenate,
    cut_session,
    make_bars,
    merge,
    weekly,
)
from stockpulse_engine.venue.market.blocks import PRICES, SOURCE
from stockpulse_engine.venue.market.days import BLOCK
from stockpulse_engine.venue.market.market import InstrumentDay, SimulatedMarket
from stockpulse_engine.venue.market.minutes import MINUTE_NS
from stockpulse_engine.venue.market.universe import TICKS_PER_UNIT

MINUTE_SESSIONS = 20
"""Past sessions for which intraday bars are served."""
DAILY_SESSIONS = 756
"""Past sessions for which daily bars are served: three years."""
_SESSIONS_PER_WEEK = 5
_UNITS = Units(PRICES.__getitem__, Decimal, SOURCE)


class History:
    """Answers `bars` for one moment; `printed` are the prints of the minute that is still running."""

    def __init__(self, market: SimulatedMarket, now_ns: int, printed: list[Trade]) -> None:
        self._market = market
        self._now = now_ns
        self._printed = printed

    def bars(self, place: int, spec: BarSpec, limit: int, end_ns: int) -> list[Bar]:
        """The last `limit` bars that start before `end_ns`."""
        check_spec(spec)
        if limit <= 0:
            return []
        if spec.is_intraday:
            columns = self._intraday(place, spec, limit, end_ns)
        else:
            columns = self._daily(place, limit + 1 if spec.unit == "d" else (limit + 1) * _SESSIONS_PER_WEEK, end_ns)
            columns = columns if spec.unit == "d" else weekly(columns, self._market.calendar)
        columns = columns.take(columns.ts < end_ns).take(slice(-limit, None))
        name = self._market.universe.ids[place]
        return make_bars(columns, name, spec, now_ns=self._now, units=_UNITS)

    def _intraday(self, place: int, spec: BarSpec, limit: int, end_ns: int) -> BarColumns:
        current = self._market.calendar.current_or_previous(self._now).ordinal
        newest = self._market.calendar.current_or_previous(min(end_ns, self._now)).ordinal
        parts: list[BarColumns] = []
        for ordinal in range(newest, max(current - MINUTE_SESSIONS, 0) - 1, -1):
            session = self._market.calendar.by_ordinal(ordinal)
            bars = cut_session(self._minutes(place, ordinal), session, spec.duration_ns)
            parts.insert(0, bars.take(bars.ts < end_ns))
            if sum(map(len, parts)) >= limit:
                break
        return concatenate(parts)

    def _minutes(self, place: int, ordinal: int) -> BarColumns:
        """Minutes of a session that are over, and what the running one printed so far."""
        day = self._market.day(place, ordinal)
        bars = _columns(day)
        bars = bars.take((bars.end <= self._now) & (day.minutes.trades > 0))
        running = self._running(day.session)
        return concatenate([bars, running]) if len(running) else bars

    def _running(self, session: Session) -> BarColumns:
        begin = session.pre_open + (self._now - session.pre_open) // MINUTE_NS * MINUTE_NS
        printed = [trade for trade in self._printed if begin <= trade.ts_event <= self._now]
        if not printed or not session.pre_open <= self._now < session.post_close:
            return concatenate([])
        prices = [int(trade.price * TICKS_PER_UNIT) for trade in printed]
        volume = sum(int(trade.size) for trade in printed)
        values = (begin, begin + MINUTE_NS, prices[0], max(prices), min(prices), prices[-1], volume)
        return BarColumns(*(np.array([value], dtype=np.int64) for value in values))

    def _daily(self, place: int, sessions: int, end_ns: int) -> BarColumns:
        """Daily bars of sessions that are over, and the one that runs."""
        calendar = self._market.calendar
        newest = calendar.current_or_previous(min(end_ns, self._now))
        oldest = max(newest.ordinal - min(sessions, DAILY_SESSIONS + 1) + 1, 0)
        over = newest.ordinal if newest.close <= self._now else newest.ordinal - 1
        blocks = [self._market.daily(place, number) for number in range(oldest // BLOCK, over // BLOCK + 1)]
        ordinals = np.concatenate([block.ordinals for block in blocks])
        wanted = (ordinals >= oldest) & (ordinals <= over)
        values = np.concatenate([block.values for block in blocks])[wanted]
        hours = [calendar.by_ordinal(ordinal) for ordinal in ordinals[wanted].tolist()]
        ts = np.array([session.open for session in hours], dtype=np.int64)
        ends = np.array([session.close for session in hours], dtype=np.int64)
        done = BarColumns(ts, ends, *values.T)
        return done if over == newest.ordinal else concatenate([done, self._today(place, newest)])

    def _today(self, place: int, session: Session) -> BarColumns:
        minutes = self._minutes(place, session.ordinal)
        minutes = minutes.take((minutes.ts >= session.open) & (minutes.ts < session.close))
        return merge(minutes, np.full(len(minutes), session.open), np.full(len(minutes), session.close))


def _columns(day: InstrumentDay) -> BarColumns:
    minutes = day.minutes
    ts = day.session.pre_open + np.arange(minutes.open.size, dtype=np.int64) * MINUTE_NS
    names = ("open", "high", "low", "close", "volume")
    return BarColumns(ts, ts + MINUTE_NS, *(getattr(minutes, name).astype(np.int64) for name in names))
