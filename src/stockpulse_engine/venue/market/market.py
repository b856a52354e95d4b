"""The simulated market as a function of seed and calendar: any session, any minute, in any order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from stockpulse_engine.domain.market import SECOND_NS, NewsItem
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.venue.market.days import BLOCK, DayChain
from stockpulse_engine.venue.market.extended import ExtendedDay, ExtendedHours
from stockpulse_engine.venue.market.minutes import MINUTE_NS, Halt, Minutes, join
from stockpulse_engine.venue.market.news import company_news, macro_news
from stockpulse_engine.venue.market.regular import RegularDays, RegularHours, jump_minute
from stockpulse_engine.venue.market.seeds import Purpose, stream
from stockpulse_engine.venue.market.universe import Ints, Universe, default_universe

WARM_UP = 800
"""Sessions before the first one that can be played: every world has three years of history."""
_QUIET_NEWS = 7
_KEPT_BLOCKS = 16
"""Blocks of minutes held for re-use: the charts looked at, not the whole universe."""
_MACRO_IDS = ("SPY.ARCX", "QQQ.XNAS", "IWM.ARCX")

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class InstrumentDay:
    """One session of one instrument, minute by minute from the start of pre-market.

    `first_regular` and `end_regular` bound regular hours; `halts` count their minutes from pre-market too.
    """

    session: Session
    minutes: Minutes
    first_regular: int
    end_regular: int
    opening_size: int
    closing_size: int
    halts: tuple[Halt, ...]
    volume_before: Ints
    """Session volume at the start of each minute."""

    @property
    def total_volume(self) -> int:
        """Volume of the whole session."""
        return int(self.volume_before[-1] + self.minutes.volume[-1])


@dataclass(frozen=True, slots=True)
class DailyColumns:
    """Daily bars of one instrument over a block of sessions, in order."""

    values: Ints
    """Rows of open, high, low, close, volume."""
    ordinals: Ints


class Kept(Generic[Value]):
    """The values last asked for, at most `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[tuple[int, int], Value] = OrderedDict()

    def get(self, key: tuple[int, int], make: Callable[[], Value]) -> Value:
        """The kept value, or a new one."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
        return value


class SimulatedMarket:
    """Three levels that agree: days, minutes, and (in `blocks`) ticks. Everything is made when asked for."""

    def __init__(self, seed: int, calendar: Calendar, universe: Universe | None = None) -> None:
        self.seed = seed
        self.calendar = calendar
        self.universe = universe or default_universe()
        self._chain = DayChain(seed, self.universe)
        self._regular = RegularHours(seed, self.universe, calendar, self._chain)
        self._extended = ExtendedHours(seed, self.universe, calendar, self._chain)
        count = len(self.universe)
        self._kept_regular: Kept[list[RegularDays]] = Kept(_KEPT_BLOCKS)
        self._kept_extended: Kept[ExtendedDay] = Kept(26)
        self._kept_daily: Kept[DailyColumns] = Kept(32 * count)
        self._kept_days: Kept[InstrumentDay] = Kept(3 * count)
        self._kept_news: Kept[tuple[NewsItem, ...]] = Kept(4)

    def day(self, place: int, ordinal: int) -> InstrumentDay:
        """One session of the instrument at `place`, all hours."""
        return self._kept_days.get((place, ordinal), lambda: self._build_day(place, ordinal))

    def daily(self, place: int, number: int) -> DailyColumns:
        """Daily bars of a block of sessions, regular hours."""
        return self._kept_daily.get((place, number), lambda: self._build_daily(place, number))

    def news(self, ordinal: int) -> tuple[NewsItem, ...]:
        """All headlines of a session in order of time."""
        return self._kept_news.get((ordinal, 0), lambda: self._build_news(ordinal))

    def halts(self, ordinal: int) -> list[tuple[int, int, str]]:
        """Volatility pauses of a session: (start, end, instrument id), in order of time."""
        session = self.calendar.by_ordinal(ordinal)
        block, row = self._chain.block(ordinal // BLOCK), ordinal % BLOCK
        found = []
        for place in np.flatnonzero(block.jump[row]).tolist():
            day = self.day(place, ordinal)
            anchor = session.pre_open
            found += [(halt.start_ns(anchor), halt.end_ns(anchor), self.universe.ids[place]) for halt in day.halts]
        return sorted(found)

    def last_before(self, place: int, ordinal: int, minute: int) -> tuple[int, int]:
        """Price of the last print before a minute, and the session's volume until then."""
        day = self.day(place, ordinal)
        total = int(day.volume_before[minute]) if minute < day.volume_before.size else day.total_volume
        printed = np.flatnonzero(day.minutes.trades[:minute])
        if printed.size:
            return int(day.minutes.close[printed[-1]]), total
        before = self.day(place, ordinal - 1).minutes
        return int(before.close[np.flatnonzero(before.trades)[-1]]), total

    def _regular_days(self, place: int, number: int) -> list[RegularDays]:
        return self._kept_regular.get((place, number), lambda: self._regular.build(place, number))

    def _build_day(self, place: int, ordinal: int) -> InstrumentDay:
        session = self.calendar.by_ordinal(ordinal)
        number, row = divmod(ordinal, BLOCK)
        group = next(group for group in self._regular_days(place, number) if row in group.rows)
        at = int(np.searchsorted(group.rows, row))
        extended = self._kept_extended.get((ordinal, 0), lambda: self._extended.build(ordinal))
        pre, regular = extended.pre.row(place), group.minutes.row(at)
        minutes = join([pre, regular, extended.post.row(place)])
        before = np.concatenate([[0], np.cumsum(minutes.volume)[:-1]])
        first = pre.trades.size
        halts = (group.halts[at],) if at in group.halts else ()
        return InstrumentDay(
            session,
            minutes,
            first,
            first + regular.trades.size,
            int(group.opening_size[at]),
            int(group.closing_size[at]),
            tuple(Halt(halt.minute + first, halt.offset_ns, halt.move) for halt in halts),
            before,
        )

    def _build_daily(self, place: int, number: int) -> DailyColumns:
        groups = self._regular_days(place, number)
        ordinals = np.concatenate([group.rows for group in groups])
        rows = np.concatenate([_daily_rows(group.minutes) for group in groups])
        order = np.argsort(ordinals)
        return DailyColumns(rows[order], ordinals[order] + number * BLOCK)

    def _build_news(self, ordinal: int) -> tuple[NewsItem, ...]:
        rng = stream(self.seed, Purpose.NEWS, ordinal)
        session, listings = self.calendar.by_ordinal(ordinal), self.universe.listings
        items = []
        for place, ts_event, move in self._moves(ordinal, session):
            delay = int(rng.integers(500, 6_000)) * 1_000_000
            items.append(company_news(rng, listings[place], ts_event + delay, move))
        block, row = self._chain.block(ordinal // BLOCK), ordinal % BLOCK
        length = (session.close - session.open) // MINUTE_NS
        if block.market_jump[row]:
            minute = jump_minute(block.chance[0, row, 0], length)
            ts_event = session.open + minute * MINUTE_NS + SECOND_NS
            items.append(macro_news(rng, _MACRO_IDS, ts_event, float(block.market_jump[row])))
        for place in rng.integers(0, len(listings), _QUIET_NEWS).tolist():
            ts_event = (
                session.pre_open + int(rng.integers(120, 14 * 60)) * MINUTE_NS + int(rng.integers(60)) * SECOND_NS
            )
            if ts_event < session.post_close and not listings[place].is_fund:
                items.append(company_news(rng, listings[place], ts_event, 0.0))
        return tuple(sorted(items, key=lambda item: item.ts_event))

    def _moves(self, ordinal: int, session: Session) -> list[tuple[int, int, float]]:
        """Moves that have a headline: (place, start of the minute, log return)."""
        block, row = self._chain.block(ordinal // BLOCK), ordinal % BLOCK
        extended = self._kept_extended.get((ordinal, 0), lambda: self._extended.build(ordinal))
        length = (session.close - session.open) // MINUTE_NS
        moves = []
        for place in np.flatnonzero(block.jump[row]).tolist():
            minute = jump_minute(block.chance[1, row, place], length)
            moves.append((place, session.open + minute * MINUTE_NS, float(block.jump[row, place])))
        for anchor, minutes, jumps in (
            (session.pre_open, extended.pre_news, extended.pre_jump),
            (session.close, extended.post_news, extended.post_jump),
        ):
            moves += [
                (place, anchor + int(minutes[place]) * MINUTE_NS, float(jumps[place]))
                for place in np.flatnonzero(minutes >= 0).tolist()
            ]
        return moves


def _daily_rows(minutes: Minutes) -> Ints:
    """Open, high, low, close and volume of each row of regular minutes."""
    return np.stack(
        [
            minutes.open[:, 0],
            minutes.high.max(axis=1),
            minutes.low.min(axis=1),
            minutes.close[:, -1],
            minutes.volume.sum(axis=1),
        ],
        axis=1,
    )
