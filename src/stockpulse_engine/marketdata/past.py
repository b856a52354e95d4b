"""The market as it was known at a moment: of the world's own market where that made it, else of stored history.

A made-up market and real history never mix in one instrument: where the world's own minutes reach up to the moment it
is shown alone, else the store alone, and each value names its source. The live world's provider is not asked: what it
tells of the past today is not what it told then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from stockpulse_engine.domain.errors import NotFoundError, StockPulseError, UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, Instrument, symbol_of
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.past import KnownQuote
from stockpulse_engine.domain.views import Explanation, StudyView
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.explain import change_percent, spread_bp
from stockpulse_engine.marketdata.hours import with_hours
from stockpulse_engine.marketdata.known import DAILY, DAY_NS, MINUTE, NOTHING, KnownHistory, day_of, quote_of_bars
from stockpulse_engine.marketdata.openbar import merged, open_bucket, regular, with_open
from stockpulse_engine.marketdata.session_days import SessionDays
from stockpulse_engine.marketdata.studies import MAX_BARS, WARMUP_BARS, study_of

MAX_KNOWN: Final = 600
"""Instruments whose price is read for one moment."""
MAX_LISTED: Final = 2_000
"""Instruments of stored history that are named beside the world's own."""
READ_S: Final = 20.0
"""After this no further price is read; the rest says so."""
REACH_NS: Final = 4 * DAY_NS
"""A world's own market covers a moment when it made a bar this shortly before: a long weekend."""
BATCH: Final = 25
MAX_MINUTES: Final = 960
UNREAD: Final = "there was no time to read it: open its chart"
Progress = Callable[[float, str], None]
"""Told how far (0 … 1) and what is being done."""


class BarSource(Protocol):
    """Bars of the world's own market."""

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last `limit` bars whose start is before `end_ns`, oldest first."""
        ...


class PastMarket:
    """Reads as of a moment of this world's time.

    Args:
        own: the world's own market; None where it is not this engine's to ask (the live world).
        stored: stored history; None where it is switched off.
        calendar: the world's sessions.
        listed: what trades in this world.
    """

    def __init__(
        self,
        own: BarSource | None,
        stored: KnownHistory | None,
        calendar: Calendar,
        listed: Callable[[], Iterable[Instrument]],
    ) -> None:
        self._own = own
        self._stored = stored
        self._calendar = calendar
        self._listed = listed

    async def generation(self) -> int:
        """Changes when stored history does."""
        stored = self._stored
        return await asyncio.to_thread(lambda: stored.generation) if stored is not None else 0

    async def instruments(self, at_ns: int) -> tuple[Instrument, ...]:
        """What trades here, then what history holds of that moment."""
        own = {one.instrument_id: one for one in self._listed()}
        held = await asyncio.to_thread(self._stored.instruments, at_ns) if self._stored is not None else []
        more = [_stored_instrument(name) for name in held if name not in own][:MAX_LISTED]
        return (*own.values(), *more)

    async def quotes(
        self, names: Sequence[str], at_ns: int, progress: Progress = lambda *_: None
    ) -> tuple[KnownQuote, ...]:
        """What was known of each; those that could not be read in time say so."""
        found: list[KnownQuote] = []
        loop = asyncio.get_running_loop()
        until = loop.time() + READ_S
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            if loop.time() > until or start >= MAX_KNOWN:
                found += [KnownQuote(instrument_id=name, note=UNREAD) for name in batch]
                continue
            progress(start / len(names), f"reading what was known of {len(names):,} instruments")
            found += [await self.quote(name, at_ns) for name in batch]
        return tuple(found)

    async def quote(self, instrument_id: str, at_ns: int) -> KnownQuote:
        """What was known of one."""
        minutes = await self._minutes(instrument_id, at_ns)
        if minutes:
            day = day_of(self._calendar, at_ns)
            assert self._own is not None
            daily = _known(
                await self._own.fetch_bars(instrument_id, DAILY, limit=3, end_ns=min(day.open + 1, at_ns)), at_ns
            )
            today = [one for one in minutes if one.ts_event >= day.start]
            return quote_of_bars(instrument_id, today or minutes[-1:], daily)
        if self._stored is not None:
            return await asyncio.to_thread(self._stored.quote, instrument_id, at_ns)
        return KnownQuote(instrument_id=instrument_id, note=NOTHING)

    async def bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, at_ns: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last bars known then, oldest first; without `end_ns` the open one, as it stood, is the last."""
        minutes = await self._minutes(instrument_id, at_ns)
        if minutes:
            return await self._own_bars(instrument_id, spec, limit, at_ns=at_ns, end_ns=end_ns)
        if self._stored is not None:
            return await asyncio.to_thread(self._stored.bars, instrument_id, spec, limit, at_ns, end_ns)
        return ()

    async def study(self, instrument_id: str, spec: BarSpec, text: str, *, limit: int, at_ns: int) -> StudyView:
        """A study over the bars known then and nothing else."""
        wanted = min(MAX_BARS, limit + WARMUP_BARS)
        bars = await self.bars(instrument_id, spec, limit=wanted, at_ns=at_ns)
        return study_of(text, bars, instrument_id, spec, limit=limit, days_of=SessionDays(self._calendar).of)

    async def explain(self, name: str, instrument_id: str, at_ns: int) -> Explanation:
        """How a cell of a moment is made: value, source, age then, formula, inputs.

        Raises:
            NotFoundError: nothing was known, or there is no such cell.
        """
        known = await self.quote(instrument_id, at_ns)
        if known.quote is None:
            raise NotFoundError(f"{instrument_id}: {known.note}.", fix="`sp coverage` lists what is held.")
        cell = CELLS.get(name)
        if cell is None:
            raise NotFoundError(f"No cell {name[:20]!r}.", fix=f"Cells: {', '.join(sorted(CELLS))}.")
        value, formula, inputs = cell(known)
        return Explanation(
            name=name,
            value=value,
            source=f"{known.source}, {known.made_of}",
            age_ns=max(0, at_ns - known.known_at),
            formula=formula,
            inputs=inputs | ({"note": known.note} if known.note else {}),
        )

    # --- the world's own market ---------------------------------------------------------------------------

    async def _minutes(self, instrument_id: str, at_ns: int) -> Sequence[Bar]:
        """The session's minutes that were over; nothing where the world's market does not reach that moment."""
        if self._own is None or all(one.instrument_id != instrument_id for one in self._listed()):
            return ()
        start = day_of(self._calendar, at_ns).start
        limit = min(MAX_MINUTES, max(1, (at_ns - start) // MINUTE.duration_ns + 2))
        try:
            found = _known(await self._own.fetch_bars(instrument_id, MINUTE, limit=limit, end_ns=at_ns), at_ns)
        except UnavailableError:
            raise
        except StockPulseError:  # a moment outside its calendar
            return ()
        return found if found and at_ns - found[-1].known_at < REACH_NS else ()

    async def _own_bars(
        self, instrument_id: str, spec: BarSpec, limit: int, *, at_ns: int, end_ns: int | None
    ) -> Sequence[Bar]:
        assert self._own is not None
        until = at_ns if end_ns is None else min(end_ns, at_ns)
        bars = _known(await self._own.fetch_bars(instrument_id, spec, limit=limit + 1, end_ns=until), at_ns)
        bucket = open_bucket(spec, self._calendar, at_ns)
        if end_ns is None and bucket is not None and spec.duration_ns > MINUTE.duration_ns:
            count = min(MAX_BARS, (at_ns - bucket[0]) // MINUTE.duration_ns + 2)
            parts = _known(await self._own.fetch_bars(instrument_id, MINUTE, limit=count, end_ns=at_ns), at_ns)
            inside = [one for one in parts if one.ts_event >= bucket[0]]
            bars = with_open(bars, merged(regular(inside, spec, self._calendar), spec, bucket[0]))
        return with_hours(bars[-limit:], self._calendar)


def _known(bars: Sequence[Bar], at_ns: int) -> list[Bar]:
    """Those that were over by then: one that still ran may hold what came later."""
    return [one for one in bars if not one.is_open and one.known_at <= at_ns]


def _stored_instrument(instrument_id: str) -> Instrument:
    """What history holds has no listing; it is drawn to the cent."""
    from decimal import Decimal

    return Instrument(
        instrument_id=instrument_id,
        name=f"{symbol_of(instrument_id)} (history)",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
    )


Told = tuple[str, str, dict[str, str]]


def _last(known: KnownQuote) -> Told:
    last = known.quote.last if known.quote is not None else None
    return _text(last), f"newest of what was known: {known.made_of}", {"last": _text(last)}


def _change(known: KnownQuote) -> Told:
    last = known.quote.last if known.quote is not None else None
    inputs = {"last": _text(last), "previous_close": _text(known.previous_close)}
    return _text(change_percent(last, known.previous_close)), "(last / previous_close - 1) × 100", inputs


def _spread(known: KnownQuote) -> Told:
    quote = known.quote
    if quote is None or not (quote.bid_size and quote.ask_size):
        return "·", "(ask - bid) / ((bid + ask) / 2) × 10000", {}
    inputs = {"bid": str(quote.bid), "ask": str(quote.ask)}
    return _text(spread_bp(quote)), "(ask - bid) / ((bid + ask) / 2) × 10000", inputs


def _volume(known: KnownQuote) -> Told:
    return _text(known.quote.volume if known.quote is not None else None), "sum of the session's bars so far", {}


def _side(name: str) -> Callable[[KnownQuote], Told]:
    def cell(known: KnownQuote) -> Told:
        quote = known.quote
        is_told = quote is not None and bool(getattr(quote, f"{name.removesuffix('_size')}_size"))
        return _text(getattr(quote, name)) if is_told else "·", "as the last quote known then says", {}

    return cell


def _extreme(name: str, word: str) -> Callable[[KnownQuote], Told]:
    def cell(known: KnownQuote) -> Told:
        return _text(getattr(known, name)), f"{word} of the session's bars so far", {}

    return cell


CELLS: Final[Mapping[str, Callable[[KnownQuote], Told]]] = {
    "last": _last,
    "chg%": _change,
    "bp": _spread,
    "volume": _volume,
    "low": _extreme("low", "lowest"),
    "high": _extreme("high", "highest"),
    "bid": _side("bid"),
    "ask": _side("ask"),
    "bid_size": _side("bid_size"),
    "ask_size": _side("ask_size"),
}


def _text(value: object) -> str:
    return "·" if value is None else f"{value:f}"
