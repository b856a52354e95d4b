"""Events of one minute of the whole market: ticks turned into quotes, depth, prints, status and news."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from stockpulse_engine.domain.market import (
    Depth,
    InstrumentStatus,
    Level,
    MarketPhase,
    Quote,
    Trade,
)
from stockpulse_engine.marketdata.calendar import CLOSING_AUCTION_NS, Session
from stockpulse_engine.venue.batch import EventBlock
from stockpulse_engine.venue.market.market import InstrumentDay, SimulatedMarket
from stockpulse_engine.venue.market.minutes import CLOSING_PRINT_NS, MINUTE_NS, Halt
from stockpulse_engine.venue.market.seeds import Purpose, stream
from stockpulse_engine.venue.market.ticks import LEVELS, MinuteTerms, Ticks, make_ticks
from stockpulse_engine.venue.market.universe import TICK

SOURCE = "sim"
_ZERO = Decimal(0)
_ACTIVE_QUOTES = 14.0
_EXTENDED_QUOTES = 1.0
_KEPT_DECIMALS = 200_000


class PriceTable(dict[int, Decimal]):
    """Ticks → price, made once: a Decimal costs more to make than to look up."""

    def __missing__(self, ticks: int) -> Decimal:
        """Make and keep the price."""
        if len(self) > _KEPT_DECIMALS:
            self.clear()
        price = self[ticks] = ticks * TICK
        return price


class SizeTable(dict[int, Decimal]):
    """Shares → size."""

    def __missing__(self, shares: int) -> Decimal:
        """Make and keep the size."""
        if len(self) > _KEPT_DECIMALS:
            self.clear()
        size = self[shares] = Decimal(shares)
        return size


PRICES = PriceTable()
SIZES = SizeTable()


def minute_count(session: Session) -> int:
    """Minutes from pre-market to the end of the day; the block with this number holds the day's end."""
    return (session.post_close - session.pre_open) // MINUTE_NS


class BlockMaker:
    """Makes the events of one minute, an instrument at a time, so that a clock that ticks often never waits long."""

    def __init__(self, market: SimulatedMarket, ordinal: int, minute: int) -> None:
        self.place = (ordinal, minute)
        self._market = market
        self._session = market.calendar.by_ordinal(ordinal)
        self._begin = self._session.pre_open + minute * MINUTE_NS
        self._auctions = EventBlock()
        self._trading = EventBlock()
        self._done = 0
        self._count = len(market.universe) if minute < minute_count(self._session) else 0

    def work(self, share: float) -> None:
        """Get at least this share (0 to 1) of the instruments done."""
        while self._done < min(self._count, int(share * self._count) + 1):
            writer = _Writer(self._market, self._done, *self.place, self._begin)
            writer.write_auctions(self._auctions)
            writer.write(self._trading)
            self._done += 1

    def finish(self) -> EventBlock:
        """The whole minute. Auctions print first, then phases change, then trading goes on."""
        ordinal, minute = self.place
        if minute >= minute_count(self._session):
            return _end_of_day(self._market, self._session)
        self.work(1.0)
        end, block = self._begin + MINUTE_NS, self._auctions
        for at, phase in self._session.changes():
            if self._begin <= at < end:
                for instrument_id in self._market.universe.ids:
                    block.add(InstrumentStatus(instrument_id, phase, False, at, "", SOURCE))
        block.extend(self._trading)
        for item in self._market.news(ordinal):
            if self._begin <= item.ts_event < end:
                block.add(item)
        return block.sort()


def make_block(market: SimulatedMarket, ordinal: int, minute: int) -> EventBlock:
    """Everything that happens in one minute of a session, counted from the start of pre-market."""
    return BlockMaker(market, ordinal, minute).finish()


def _end_of_day(market: SimulatedMarket, session: Session) -> EventBlock:
    """The market closes: books are empty, the last prices stay."""
    block = EventBlock()
    for place, instrument_id in enumerate(market.universe.ids):
        block.add(InstrumentStatus(instrument_id, MarketPhase.CLOSED, False, session.post_close, "", SOURCE))
        _add_empty_book(block, market, place, session.ordinal, (minute_count(session), session.post_close))
    return block


def _add_empty_book(
    block: EventBlock, market: SimulatedMarket, place: int, ordinal: int, moment: tuple[int, int]
) -> None:
    """A quote without sizes at the last known prices, and an empty book; `moment` is (minute, ns)."""
    minute, at = moment
    day, instrument_id = market.day(place, ordinal), market.universe.ids[place]
    bid, ask = closing_quote(day, max(minute - 1, 0))
    last, volume = market.last_before(place, ordinal, minute)
    quote = Quote(instrument_id, PRICES[bid], PRICES[ask], _ZERO, _ZERO, at, SOURCE, PRICES[last], Decimal(volume))
    block.add(quote)
    block.add(Depth(instrument_id, (), (), at, SOURCE))


def closing_quote(day: InstrumentDay, minute: int) -> tuple[int, int]:
    """Bid and ask in ticks with which a minute ends: the last quote of its ticks."""
    spread = int(day.minutes.spread[minute])
    bid = max(1, int(np.rint(float(day.minutes.end[minute]) - spread / 2)))
    return bid, bid + spread


def halt_status(instrument_id: str, halt: Halt, at: int) -> InstrumentStatus:
    """A volatility pause begins, with its reason in words."""
    word = "up" if halt.move > 0 else "down"
    reason = f"Volatility pause: limit {word}, {halt.LENGTH} minutes, then a reopening auction."
    return InstrumentStatus(instrument_id, MarketPhase.OPEN, True, at, reason, SOURCE)


class _Writer:
    """Writes one instrument's events of one minute."""

    def __init__(self, market: SimulatedMarket, place: int, ordinal: int, minute: int, begin: int) -> None:
        self._market = market
        self._place = place
        self._ordinal = ordinal
        self._minute = minute
        self._begin = begin
        self._day = market.day(place, ordinal)
        self._id = market.universe.ids[place]
        self._halt = next(
            (halt for halt in self._day.halts if halt.minute <= minute <= halt.minute + halt.LENGTH), None
        )

    def write_auctions(self, block: EventBlock) -> None:
        """The opening print comes before the phase changes to OPEN, a reopening print before the halt is lifted."""
        day, minute = self._day, self._minute
        if minute == day.first_regular:
            self._add_auction(block, int(day.minutes.open[minute]), day.opening_size, self._begin)
        elif self._is_reopening:
            assert self._halt is not None
            at = self._begin + self._halt.offset_ns
            self._add_auction(block, int(day.minutes.open[minute]), self._reopening_size, at)
            block.add(InstrumentStatus(self._id, MarketPhase.OPEN, False, at, "", SOURCE))

    def write(self, block: EventBlock) -> None:
        """Quotes, depth and prints of continuous trading, and the closing print."""
        if self._halt and self._halt.minute < self._minute < self._halt.minute + self._halt.LENGTH:
            _add_empty_book(block, self._market, self._place, self._ordinal, (self._minute, self._begin))
            return
        self._write_ticks(block)
        if self._is_closing:
            self._write_close(block)
        elif self._halt and self._halt.minute == self._minute:
            self._write_halt(block)

    @property
    def _is_reopening(self) -> bool:
        return self._halt is not None and self._minute == self._halt.minute + self._halt.LENGTH

    @property
    def _is_closing(self) -> bool:
        return self._minute == self._day.end_regular - 1

    @property
    def _reopening_size(self) -> int:
        volume, trades = int(self._day.minutes.volume[self._minute]), int(self._day.minutes.trades[self._minute])
        return max(1, min(volume // 2, volume - trades))

    def _add_auction(self, block: EventBlock, price: int, size: int, at: int) -> None:
        block.add(Trade(self._id, PRICES[price], Decimal(size), at, "", SOURCE, True))

    def _write_close(self, block: EventBlock) -> None:
        day, at = self._day, self._begin + CLOSING_PRINT_NS
        close = int(day.minutes.close[self._minute])
        self._add_auction(block, close, day.closing_size, at)
        bid, ask = closing_quote(day, self._minute)
        volume = int(day.volume_before[self._minute]) + int(day.minutes.volume[self._minute])
        sizes = SIZES[round(self._market.universe.lots[self._place]) * 100]
        block.add(Quote(self._id, PRICES[bid], PRICES[ask], sizes, sizes, at, SOURCE, PRICES[close], Decimal(volume)))

    def _write_halt(self, block: EventBlock) -> None:
        assert self._halt is not None
        at = self._begin + self._halt.offset_ns
        block.add(halt_status(self._id, self._halt, at))
        _add_empty_book(block, self._market, self._place, self._ordinal, (self._minute + 1, at))

    def _terms(self) -> MinuteTerms:
        day, minute, minutes = self._day, self._minute, self._day.minutes
        is_regular = day.first_regular <= minute < day.end_regular
        opens = self._halt.offset_ns if self._halt and self._is_reopening else 0
        closes = MINUTE_NS
        if self._is_closing:
            closes = MINUTE_NS - CLOSING_AUCTION_NS
        elif self._halt and self._halt.minute == minute:
            closes = self._halt.offset_ns
        auction = day.opening_size if minute == day.first_regular else self._reopening_size if self._is_reopening else 0
        return MinuteTerms(
            open=int(minutes.open[minute]),
            high=int(minutes.high[minute]),
            low=int(minutes.low[minute]),
            close=int(minutes.close[minute]),
            volume=int(minutes.volume[minute]),
            trades=int(minutes.trades[minute]),
            spread=int(minutes.spread[minute]),
            start=float(minutes.start[minute]),
            end=float(minutes.end[minute]),
            opens=opens,
            closes=closes,
            lots=float(self._market.universe.lots[self._place]) * (1.0 if is_regular else 0.4),
            extra_quotes=_ACTIVE_QUOTES if is_regular else _EXTENDED_QUOTES,
            opening_size=auction,
            closing_size=day.closing_size if self._is_closing else 0,
        )

    def _write_ticks(self, block: EventBlock) -> None:
        terms = self._terms()
        rng = stream(self._market.seed, Purpose.TICKS, self._ordinal, self._minute, self._place)
        ticks = make_ticks(rng, terms)
        last, volume = self._market.last_before(self._place, self._ordinal, self._minute)
        if terms.opening_size:
            last, volume = terms.open, volume + terms.opening_size
        _write_quotes(block, self._id, self._begin, ticks, (last, volume))


def _write_quotes(block: EventBlock, instrument_id: str, begin: int, ticks: Ticks, seen: tuple[int, int]) -> None:
    """One quote per slot, a book where prices moved, and after a print the quote that shows what it took."""
    last, volume = PRICES[seen[0]], seen[1]
    total = Decimal(volume)
    books = dict(zip(ticks.depth_slot.tolist(), ticks.depth_sizes.tolist(), strict=True))
    prints = dict(zip(ticks.print_slot.tolist(), _prints(ticks), strict=True))
    add_time, add_event = block.times.append, block.events.append
    rows = zip(
        (begin + ticks.at).tolist(),
        ticks.bid.tolist(),
        ticks.ask.tolist(),
        ticks.bid_size.tolist(),
        ticks.ask_size.tolist(),
        strict=True,
    )
    for slot, (at, bid, ask, bid_size, ask_size) in enumerate(rows):
        low, high = PRICES[bid], PRICES[ask]
        shown, offered = SIZES[bid_size], SIZES[ask_size]
        add_time(at)
        add_event(Quote(instrument_id, low, high, shown, offered, at, SOURCE, last, total))
        if slot in books:
            below, above = books[slot]
            step = ticks.level_step
            bids, asks = _levels(bid, -step, bid_size, below), _levels(ask, step, ask_size, above)
            add_time(at)
            add_event(Depth(instrument_id, bids, asks, at, SOURCE))
        if slot in prints:
            then, price, size, is_buy = prints[slot]
            then += begin
            last, volume = PRICES[price], volume + size
            total = Decimal(volume)
            shown = shown if is_buy else _left(bid_size, size)
            offered = _left(ask_size, size) if is_buy else offered
            block.times += (then, then)
            add_event(Trade(instrument_id, last, SIZES[size], then, "B" if is_buy else "S", SOURCE))
            add_event(Quote(instrument_id, low, high, shown, offered, then, SOURCE, last, total))


def _prints(ticks: Ticks) -> list[tuple[int, int, int, bool]]:
    columns = (ticks.print_at.tolist(), ticks.price.tolist(), ticks.size.tolist(), ticks.is_buy.tolist())
    return list(zip(*columns, strict=True))


def _left(displayed: int, taken: int) -> Decimal:
    return SIZES[max(100, (displayed - taken) // 100 * 100)]


def _levels(best: int, step: int, size: int, deeper: list[int]) -> tuple[Level, ...]:
    """The best level and those behind it, as far as prices stay positive."""
    prices = range(best, best + step * LEVELS, step)
    return tuple(
        [
            Level(PRICES[price], SIZES[shares])
            for price, shares in zip(prices, [size, *deeper], strict=True)
            if price > 0
        ]
    )
