"""The market of a live world, looked at through Yahoo's chart endpoint: one symbol after the other, politely.

The endpoint tells a last price, its time and the day's volume; no bid, no ask, no sizes. So a quote has the last price
on both sides with sizes of 0, and what was traded between two looks is one print at the newest price.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal

from stockpulse_engine.adapters.yahoo.parse import MAX_ROWS, SOURCE
from stockpulse_engine.adapters.yahoo.rest import Sleep, YahooAnswer, YahooChart
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.instruments import ROUND_THE_CLOCK, AssetClass, Instrument
from stockpulse_engine.domain.market import (
    SECOND_NS,
    Bar,
    BarSpec,
    InstrumentStatus,
    MarketEvent,
    MarketPhase,
    Quote,
    Trade,
)
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.ports import ClockState

BEAT_S = 1.0
"""A sign of life is given so often while Yahoo answers."""
LOST_AFTER = 3
"""So many looks in a row without an answer, whatever the symbol, and the link counts as lost."""
MAX_SKIP = 15
"""A symbol that keeps failing is left out for at most so many rounds."""
_DAILY = BarSpec(1, "d")
_COIN = Decimal("0.00000001")


class _Watch:
    """One symbol: what it is, what was seen last, and how it has been failing."""

    __slots__ = ("failures", "instrument", "quote", "skip", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.instrument: Instrument | None = None
        self.quote: Quote | None = None
        self.failures = 0
        self.skip = 0

    def fail(self) -> None:
        """Leave it out for 0, 1, 3, 7 … rounds."""
        self.failures += 1
        self.skip = min(2 ** min(self.failures - 1, 8) - 1, MAX_SKIP)


class YahooMarket:
    """Implements `marketdata.ports.MarketDataProvider`. `on_change` hears (late or ok, words) while the link is up."""

    def __init__(
        self,
        chart: YahooChart,
        symbols: Sequence[str],
        *,
        calendar: Calendar,
        clock: Clock,
        poll_s: float = 15.0,
        on_change: Callable[[str, str], None] = lambda _state, _detail: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._chart = chart
        self._calendar = calendar
        self._clock = clock
        self._on_change = on_change
        self._sleep = sleep
        self._watches = {each.strip().upper(): _Watch(each.strip().upper()) for each in symbols}
        self._round = deque(self._watches.values())
        self._step_ns = round(max(poll_s / max(1, len(self._watches)), BEAT_S) * SECOND_NS)
        self._phases: dict[str, MarketPhase] = {}
        self._misses = 0
        self._is_paused = False
        self._is_late = False

    @property
    def name(self) -> str:
        """Short source name shown beside numbers, and what of the list it does not know."""
        missing = [watch.symbol for watch in self._watches.values() if watch.instrument is None]
        return f"{self._chart.name}, without {', '.join(missing)}" if missing else self._chart.name

    @property
    def failures(self) -> dict[str, int]:
        """Symbol → failed looks since it last answered."""
        return {watch.symbol: watch.failures for watch in self._watches.values() if watch.failures}

    async def connect(self) -> None:
        """Start afresh: there is no line to open, and what was traded while we did not look is no print."""
        self._phases.clear()
        self._misses, self._is_paused, self._is_late = 0, False, False
        for watch in self._watches.values():
            watch.quote, watch.failures, watch.skip = None, 0, 0

    async def close(self) -> None:
        """Close the connection."""
        await self._chart.close()

    async def fetch_instruments(self) -> Sequence[Instrument]:
        """What the symbols are; those that Yahoo does not know are left out. Raises UnavailableError."""
        for watch in self._watches.values():
            if watch.instrument is None:
                await self._learn(watch)
        known = self._known()
        if not known:
            raise UnavailableError("Yahoo knows none of market.symbols.", fix="Write them as on its site: AAPL, SPY.")
        return known

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last `limit` bars whose start is before `end_ns` (default now), oldest first; the newest may be open."""
        for watch in self._watches.values():
            if watch.instrument is not None and watch.instrument.instrument_id == instrument_id:
                bars = await self._chart.fetch_bars(watch.symbol, spec, limit if end_ns is None else MAX_ROWS)
                return [bar for bar in bars if end_ns is None or bar.ts_event < end_ns][-limit:]
        raise NotFoundError(f"{instrument_id[:24]!r} is not watched here.", fix="Add it to market.symbols.")

    async def fetch_clock(self) -> ClockState:
        """The wall's time, and the calendar's session."""
        return self._time()

    async def events(self) -> AsyncIterator[Sequence[MarketEvent | ClockState]]:
        """Phases, then a look at one symbol after the other; a sign of life each second while Yahoo answers.

        Raises:
            UnavailableError: nothing was answered several times in a row.
        """
        next_look = self._clock.monotonic_ns()
        while True:
            seen: Sequence[MarketEvent] = ()
            self._mind_the_pause()
            if not self._is_paused and self._clock.monotonic_ns() >= next_look:
                next_look = self._clock.monotonic_ns() + self._step_ns
                seen = await self._look()
                self._mind_the_pause()
            if not (self._misses or self._is_paused):
                yield (self._time(), *self._phase_changes(), *seen)
            await self._sleep(BEAT_S)

    async def _learn(self, watch: _Watch) -> None:
        try:
            watch.instrument = (await self._chart.fetch(watch.symbol, _DAILY, 2)).instrument
        except (NotFoundError, InvalidValueError):
            watch.fail()
        except UnavailableError:
            if self._chart.quiet_s or not self._known():
                raise
            watch.fail()  # one that can not be read must not keep the others away

    async def _look(self) -> Sequence[MarketEvent]:
        """Ask for the symbol whose turn it is; nothing when it failed or is left out this time."""
        watch = self._round[0]
        self._round.rotate(-1)
        if watch.instrument is None:
            return ()
        if watch.skip:
            watch.skip -= 1
            return ()
        try:
            answer = await self._chart.fetch(watch.symbol, _DAILY, 2)
        except (NotFoundError, InvalidValueError):
            watch.fail()
            return ()
        except UnavailableError:
            if self._chart.quiet_s:
                return ()
            watch.fail()
            self._misses += 1
            if self._misses >= LOST_AFTER:
                raise
            return ()
        watch.failures, self._misses = 0, 0
        return self._news(watch, answer)

    def _news(self, watch: _Watch, answer: YahooAnswer) -> Sequence[MarketEvent]:
        """The quote, and what was traded since the last look."""
        before, quote = watch.quote, answer.quote
        if quote is None or quote.last is None or (before is not None and quote.ts_event < before.ts_event):
            return ()
        watch.quote = quote
        if before is None or before.volume is None or quote.volume is None:
            return (quote,)
        size = quote.volume - before.volume  # it begins anew with each session: then nothing is known of the first part
        if answer.instrument.asset_class is AssetClass.CRYPTO:  # counted in money there
            size = (size / quote.last).quantize(_COIN)
        if size <= 0:
            return (quote,)
        return quote, Trade(quote.instrument_id, quote.last, size, quote.ts_event, source=SOURCE)

    def _mind_the_pause(self) -> None:
        """Say when Yahoo asked for silence, and when it answers again."""
        left = self._chart.quiet_s
        if left and not self._is_paused:
            self._say(
                "late", f"Yahoo answered: too many requests. Nothing is asked and nothing matches for {left:.0f} s"
            )
            self._misses = 1  # until it answers again
        elif self._is_late and not left and not self._misses:
            self._say("ok", self.name)
        self._is_paused = left > 0

    def _say(self, state: str, detail: str) -> None:
        self._is_late = state != "ok"
        self._on_change(state, detail)

    def _phase_changes(self) -> list[InstrumentStatus]:
        now = self._clock.now_ns()
        regular = self._calendar.phase_at(now)
        changed = []
        for instrument in self._known():
            phase = MarketPhase.OPEN if instrument.asset_class in ROUND_THE_CLOCK else regular
            if self._phases.get(instrument.instrument_id) is not phase:
                self._phases[instrument.instrument_id] = phase
                changed.append(InstrumentStatus(instrument.instrument_id, phase, False, now, source=SOURCE))
        return changed

    def _known(self) -> list[Instrument]:
        return [watch.instrument for watch in self._watches.values() if watch.instrument is not None]

    def _time(self) -> ClockState:
        now = self._clock.now_ns()
        date = self._calendar.current_or_next(now).date
        return ClockState(market_ns=now, wall_ns=now, speed=1.0, session_date=date)
