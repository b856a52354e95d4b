"""The market data service: one supervised provider, latest values, bars and history for every room."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from typing import Protocol

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, Depth, InstrumentStatus, NewsItem, Quote, Trade
from stockpulse_engine.domain.views import ClockView, Explanation, StudyView
from stockpulse_engine.marketdata.bars import MAX_BARS, BarBuilder
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.explain import explain_cell
from stockpulse_engine.marketdata.feed import Feed
from stockpulse_engine.marketdata.hours import with_hours
from stockpulse_engine.marketdata.ports import ClockState, MarketControl, MarketDataProvider
from stockpulse_engine.marketdata.session_days import SessionDays
from stockpulse_engine.marketdata.stored import StoredCharts
from stockpulse_engine.marketdata.studies import StudyService
from stockpulse_engine.marketdata.time import MarketTime

SPARK_SPEC = BarSpec(15, "m")
DAILY = BarSpec(1, "d")
RECONNECT_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between attempts; the last one repeats."""
USUAL_BARS = 500
"""Bars fetched when a series is first asked for."""
EXTERNAL_PREFIX = "yahoo:"


class ExternalCharts(Protocol):
    """Quotes and bars of symbols that this world does not trade (an unofficial keyless source)."""

    async def fetch_quote(self, symbol: str) -> Quote:
        """The newest price with its age."""
        ...

    async def fetch_bars(self, symbol: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        """The last bars, oldest first."""
        ...


class MarketService:
    """Implements the API's MarketPort. `run` is the supervised loop that keeps the provider's link up."""

    def __init__(
        self,
        *,
        provider: MarketDataProvider,
        control: MarketControl | None,
        calendar: Calendar,
        cache: QuoteCache,
        bus: Bus,
        time: MarketTime,
        external: ExternalCharts | None = None,
        stored: StoredCharts | None = None,
        focus: Sequence[str] = (),
        is_confirming: bool = True,
        is_real: bool = False,
    ) -> None:
        self._provider = provider
        self._control = control
        self._calendar = calendar
        self._cache = cache
        self._bus = bus
        self._time = time
        self._external = external
        self._stored = stored
        self._focus = tuple(focus)
        self._is_real = is_real
        self._builder = BarBuilder(calendar)
        self._session = ""
        self._refresh: asyncio.Event = asyncio.Event()
        self.feed = Feed(cache, bus, self._take_clock, arrival=time.monotonic_ns if is_confirming else None)
        self.studies = StudyService(self._bars_of, bus, SessionDays(calendar).of)
        self.ready = asyncio.Event()
        self.tried = asyncio.Event()
        """The first attempt to reach the provider came to an end, good or bad."""
        self.is_linked = False
        """Whether the provider's link is up now."""
        self._last_batch = 0
        bus.subscribe(Trade, self._on_trade)

    async def run(self) -> None:
        """Connect, load references, follow the stream; on loss say so and connect again."""
        attempt = 0
        while True:
            try:
                await self._open()
                attempt = 0
                async for batch in self._provider.events():
                    self._last_batch = self._time.wall_ns()
                    self.feed.take(batch)
            except UnavailableError as error:
                self._say("gone", error.message)
            else:
                self._say("gone", "the stream ended")
            self.is_linked = False
            await self._provider.close()
            self._builder.clear()
            self.studies.clear()
            await asyncio.sleep(RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)])
            attempt += 1

    async def run_references(self) -> None:
        """Load day references: focused instruments first, again at each new session."""
        while True:
            await self._refresh.wait()
            self._refresh.clear()
            try:
                await self._load_references()
            except UnavailableError:
                await asyncio.sleep(RECONNECT_S[2])
                if self.is_linked:  # else the next link asks for them
                    self._refresh.set()

    async def _open(self) -> None:
        await self._provider.connect()
        self._take_clock(await self._provider.fetch_clock())
        for instrument in await self._provider.fetch_instruments():
            self._cache.instruments[instrument.instrument_id] = instrument
        self._refresh.set()
        self.is_linked = True
        self._last_batch = self._time.wall_ns()
        self._say("ok", self._provider.name)
        self.ready.set()

    async def _load_references(self) -> None:
        session = self._calendar.session(self._time.session_date)
        start_ns = session.pre_open if session is not None else 0
        for instrument_id in self._by_focus():
            daily = await self._provider.fetch_bars(instrument_id, DAILY, limit=3)
            self._cache.set_reference(instrument_id, list(daily), start_ns)
            today = await self._provider.fetch_bars(instrument_id, SPARK_SPEC, limit=64)
            self._cache.set_spark(instrument_id, [bar for bar in today if bar.ts_event >= start_ns])

    def _by_focus(self) -> list[str]:
        known = list(self._cache.instruments)
        return sorted(known, key=lambda key: (key not in self._focus, key))

    def _take_clock(self, state: ClockState) -> None:
        self._time.set(state)
        if state.session_date != self._session:
            self._session = state.session_date
            self._refresh.set()
        self._cache.advance_sparks(state.market_ns // SPARK_SPEC.duration_ns * SPARK_SPEC.duration_ns)
        self._bus.publish(state)

    def _on_trade(self, trade: Trade) -> None:
        for bar in self._builder.apply(trade):
            self._bus.publish(bar)

    def _say(self, state: str, detail: str) -> None:
        self.tried.set()
        self._bus.publish(PartChanged(name="feed", state=state, detail=detail))

    def instruments(self) -> Sequence[Instrument]:
        """Everything tradable in this world."""
        return tuple(self._cache.instruments.values())

    def instrument(self, instrument_id: str) -> Instrument | None:
        """One instrument by its id, None when it is not traded here."""
        return self._cache.instruments.get(instrument_id)

    def feed_age_ns(self) -> int:
        """Wall time since the provider's last batch, 0 before the first."""
        return max(0, self._time.wall_ns() - self._last_batch) if self._last_batch else 0

    def known_bars(self, instrument_id: str, spec: BarSpec) -> Sequence[Bar]:
        """Bars of a series that is kept current, oldest first; nothing when it is not."""
        series = self._builder.get(instrument_id, spec)
        return series.bars if series is not None else ()

    def resolve(self, text: str) -> Instrument:
        """`AAPL`, `aapl` or `AAPL.XNAS`; raises NotFoundError naming the nearest."""
        wanted = text.strip().upper()
        exact = self._cache.instruments.get(wanted)
        if exact is not None:
            return exact
        matches = [one for one in self._cache.instruments.values() if one.symbol == wanted]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(one.instrument_id for one in matches)
            raise InvalidValueError(f"{wanted} trades at several venues.", fix=f"Name one of {ids}.")
        names = [one.symbol for one in self._cache.instruments.values()]
        near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "See `sp watch` for what is traded here."
        raise NotFoundError(f"No instrument {wanted[:24]!r} in this market.", fix=hint)

    def quote(self, instrument_id: str) -> Quote | None:
        """Latest quote or None."""
        return self._cache.quotes.get(instrument_id)

    def quotes(self) -> Sequence[Quote]:
        """Latest quote of each instrument that has one."""
        return tuple(self._cache.quotes.values())

    def quote_age_ns(self, instrument_id: str) -> int:
        """Time since the quote was last confirmed, on the clock confirmations arrive by; -1 without one."""
        return self._cache.age_ns(instrument_id, market_ns=self._time.now_ns(), monotonic_ns=self._time.monotonic_ns())

    def depth(self, instrument_id: str) -> Depth | None:
        """Latest depth or None."""
        return self._cache.depths.get(instrument_id)

    def statuses(self) -> Sequence[InstrumentStatus]:
        """Phase and halt of each instrument."""
        return tuple(self._cache.statuses.values())

    def status(self, instrument_id: str) -> InstrumentStatus | None:
        """Phase and halt of one instrument."""
        return self._cache.statuses.get(instrument_id)

    def news(self, limit: int = 50) -> Sequence[NewsItem]:
        """Latest headlines, newest first."""
        return tuple(self._cache.news)[:limit]

    def references(self) -> dict[str, tuple[str, str, str]]:
        """instrument id → (previous close, day low, day high) as decimal text, "" where not known."""
        return {
            key: tuple("" if one is None else str(one) for one in (ref.previous_close, ref.low, ref.high))  # type: ignore[misc] # three by construction
            for key, ref in self._cache.references.items()
        }

    def sparks(self) -> dict[str, tuple[float, ...]]:
        """instrument id → today's closes at 8 even steps."""
        return {key: self._cache.spark(key) for key in self._cache.instruments}

    async def bars(self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None) -> Sequence[Bar]:
        """The last bars, oldest first, the newest possibly open; `yahoo:SYMBOL` asks the outside source."""
        if ":" in instrument_id:
            return await self._outside(instrument_id).fetch_bars(instrument_id.partition(":")[2], spec, limit)
        if self._stored is not None and instrument_id not in self._cache.instruments:
            return await self._stored.fetch_bars(instrument_id, spec, limit, end_ns)
        if end_ns is not None:
            return await self._past_bars(instrument_id, spec, limit, end_ns)
        series = self._builder.get(instrument_id, spec)
        if series is None or series.asked < min(limit, MAX_BARS):
            asked = max(limit, USUAL_BARS)
            self._builder.hold(instrument_id, spec)
            bars = await self._past_bars(instrument_id, spec, asked, None)
            series = self._builder.open(instrument_id, spec, bars, asked=asked)
        return series.tail(limit)

    async def _past_bars(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None) -> Sequence[Bar]:
        """Of the world's own provider; where it has none, of stored history, unless this market is made up."""
        bars = await self._provider.fetch_bars(instrument_id, spec, limit=limit, end_ns=end_ns)
        if bars or self._stored is None or not self._is_real:
            return with_hours(bars, self._calendar)
        return await self._stored.fetch_bars(instrument_id, spec, limit, end_ns)

    async def chart_id(self, text: str) -> str:
        """What a chart may be asked of: traded here, held in history, or a provider's own symbol.

        Raises:
            NotFoundError: none of them; it names the nearest that trades here.
        """
        if ":" in text:
            return text
        try:
            return self.resolve(text).instrument_id
        except NotFoundError:
            held = await self._stored.find(text) if self._stored is not None else ""
            if held:
                return held
            raise

    async def study(self, instrument_id: str, spec: BarSpec, text: str, limit: int) -> StudyView:
        """A study over the last bars; from now on its newest value is published as a StudyPoint."""
        return await self.studies.compute(instrument_id, spec, text, limit)

    async def external_quote(self, symbol: str) -> Quote:
        """Quote of an outside source's own symbol, like `yahoo:AAPL`."""
        return await self._outside(symbol).fetch_quote(symbol.partition(":")[2])

    async def _bars_of(self, instrument_id: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        return await self.bars(instrument_id, spec, limit=limit)

    def _outside(self, symbol: str) -> ExternalCharts:
        if not symbol.startswith(EXTERNAL_PREFIX):
            raise InvalidValueError(f"{symbol[:24]!r} names no source we know.", fix="Write yahoo:AAPL.")
        if self._external is None:
            raise UnavailableError("No outside chart source is configured.", fix="Set market.yahoo = true.")
        return self._external

    def clock(self) -> ClockView | None:
        """Market time and session, None before the provider answered."""
        return self._time.view()

    async def control(self, action: str, *, speed: float, step_ns: int, to_ns: int = 0) -> ClockView:
        """speed | pause | resume | step | seek; raises ForbiddenError where the market is not ours to move."""
        if self._control is None:
            raise ForbiddenError("This market's time can not be changed.", fix="Use a sim or replay world.")
        if action == "speed":
            state = await self._control.set_speed(speed)
        elif action == "pause":
            state = await self._control.pause()
        elif action == "resume":
            state = await self._control.resume()
        elif action == "step":
            state = await self._control.step(step_ns)
        elif action == "seek":
            state = await self._control.seek(to_ns)
        else:
            fix = "Use speed, pause, resume, step or seek."
            raise InvalidValueError(f"{action[:20]!r} is not a market action.", fix=fix)
        self._take_clock(state)
        view = self._time.view()
        if view is None:
            raise UnavailableError("The market has not told its time yet.", fix="Try again in a moment.")
        return view

    def explain(self, name: str, instrument_id: str) -> Explanation:
        """How a market cell (last, chg%, spread …) is made."""
        return explain_cell(name, instrument_id, self._cache, self.quote_age_ns(instrument_id))
