"""Bars from prints: session-aware buckets, one open bar per instrument and spec."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Sequence

from msgspec.structs import replace

from stockpulse_engine.domain.market import Bar, BarSpec, Hours, Trade
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.hours import hours_at

MAX_SERIES = 240
"""Series kept current at once; the least recently asked for is dropped."""
MAX_BARS = 1_500
"""Bars kept per series."""
MAX_HELD = 20_000
"""Prints kept while a history is being fetched."""

SeriesKey = tuple[str, BarSpec]


class BarSeries:
    """The newest bars of one instrument and spec, the last one possibly open; `asked` is how many were wanted."""

    def __init__(self, bars: Sequence[Bar], asked: int = MAX_BARS) -> None:
        self.bars: list[Bar] = list(bars[-MAX_BARS:])
        self.asked = asked

    def tail(self, limit: int) -> list[Bar]:
        """The last `limit` bars, oldest first."""
        return self.bars[-limit:]

    def apply(self, trade: Trade, start_ns: int, spec: BarSpec, calendar: Calendar) -> Bar:
        """Take a print whose bucket starts at `start_ns`; returns the bar it changed."""
        last = self.bars[-1] if self.bars else None
        if last is not None and last.ts_event > start_ns:
            return last
        if last is not None and last.ts_event == start_ns:
            bar = _extend(last, trade)
            self.bars[-1] = bar
            return bar
        if last is not None and last.is_open:
            self.bars[-1] = replace(last, is_open=False)
        bar = _first(trade, start_ns, spec, hours_at(calendar, start_ns, spec))
        self.bars.append(bar)
        del self.bars[:-MAX_BARS]
        return bar


class BarBuilder:
    """Keeps asked-for series current from the stream of prints."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._series: OrderedDict[SeriesKey, BarSeries] = OrderedDict()
        self._by_instrument: dict[str, set[BarSpec]] = {}
        self._held: dict[SeriesKey, list[Trade]] = {}

    def hold(self, instrument_id: str, spec: BarSpec) -> None:
        """Keep the prints that arrive while the history of a series is being fetched."""
        self._held[(instrument_id, spec)] = []

    def open(self, instrument_id: str, spec: BarSpec, bars: Sequence[Bar], *, asked: int = MAX_BARS) -> BarSeries:
        """Start keeping a series current from its history; held prints that it does not know yet are applied."""
        key = (instrument_id, spec)
        self._series[key] = series = BarSeries(bars, asked)
        self._by_instrument.setdefault(instrument_id, set()).add(spec)
        known_at = bars[-1].known_at if bars else 0
        for trade in self._held.pop(key, ()):
            if trade.ts_event > known_at:
                self._apply_to(series, trade, spec)
        while len(self._series) > MAX_SERIES:
            (old_id, old_spec), _ = self._series.popitem(last=False)
            self._by_instrument[old_id].discard(old_spec)
        return series

    def get(self, instrument_id: str, spec: BarSpec) -> BarSeries | None:
        """The series if it is kept, marked as used."""
        series = self._series.get((instrument_id, spec))
        if series is not None:
            self._series.move_to_end((instrument_id, spec))
        return series

    def apply(self, trade: Trade) -> list[Bar]:
        """Take a print into each series of its instrument; returns the bars that changed."""
        for key, held in self._held.items():
            if key[0] == trade.instrument_id and len(held) < MAX_HELD:
                held.append(trade)
        specs = self._by_instrument.get(trade.instrument_id, ())
        changed = [self._apply_to(self._series[(trade.instrument_id, spec)], trade, spec) for spec in specs]
        return [bar for bar in changed if bar is not None]

    def _apply_to(self, series: BarSeries, trade: Trade, spec: BarSpec) -> Bar | None:
        start = bucket_start(self._calendar, trade.ts_event, spec)
        return None if start is None else series.apply(trade, start, spec, self._calendar)

    def clear(self) -> None:
        """Forget all series; they are opened again from history when asked for."""
        self._series.clear()
        self._by_instrument.clear()
        self._held.clear()


def bucket_start(calendar: Calendar, ts_event: int, spec: BarSpec) -> int | None:
    """Start of the bar that a print at `ts_event` belongs to; None outside any session.

    Intraday buckets count from the regular open (earlier ones backwards from it), daily ones start at the
    session's regular open, weekly ones at the open of the week's first session.
    """
    session = calendar.session_at(ts_event)
    if session is None:
        return None
    if spec.is_intraday:
        return session.open + (ts_event - session.open) // spec.duration_ns * spec.duration_ns
    if spec.unit == "d":
        return session.open
    return _week_open(calendar, session.date)


def _week_open(calendar: Calendar, date_text: str) -> int:
    day = dt.date.fromisoformat(date_text)
    monday = day - dt.timedelta(days=day.weekday())
    for offset in range(7):
        session = calendar.session((monday + dt.timedelta(days=offset)).isoformat())
        if session is not None:
            return session.open
    raise AssertionError("a week that holds a session has a first one")


def _first(trade: Trade, start_ns: int, spec: BarSpec, hours: Hours) -> Bar:
    price, known_at, source = trade.price, trade.ts_event, trade.source
    return Bar(
        trade.instrument_id, spec, start_ns, price, price, price, price, trade.size, known_at, True, source, hours
    )


def _extend(bar: Bar, trade: Trade) -> Bar:
    price = trade.price
    return Bar(
        bar.instrument_id,
        bar.spec,
        bar.ts_event,
        bar.open,
        max(bar.high, price),
        min(bar.low, price),
        price,
        bar.volume + trade.size,
        trade.ts_event,
        True,
        bar.source,
        bar.hours,
    )
