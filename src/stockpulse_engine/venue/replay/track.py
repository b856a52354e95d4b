"""One instrument of a replay: its state between rows, and its rows turned into events."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from stockpulse_engine.domain.corporate import scaled_price
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Depth, Level, Quote, Trade
from stockpulse_engine.venue.batch import EventBlock
from stockpulse_engine.venue.replay.rows import Counts, Flags, Floats, Ints, QuoteRows, TradeRows
from stockpulse_engine.venue.restate import restated
from stockpulse_engine.venue.source import DueAction

SCALE = 100_000_000
"""Prices and sizes in bars are whole numbers of 1e-8."""
_KEPT = 200_000
_CENT = Decimal("0.01")

MinuteRow = tuple[int, int, int, int, int, int]
"""Start, open, high, low, close, volume."""


class NumberTable(dict[float, Decimal]):
    """Recorded floats → the decimal they stand for, made once."""

    def __init__(self, least: Decimal) -> None:
        super().__init__()
        self._least = least

    def __missing__(self, value: float) -> Decimal:
        """Make and keep the number, with at least the digits of `least`."""
        if len(self) > _KEPT:
            self.clear()
        number = Decimal(repr(round(value, 8))).normalize()
        exponent, least = number.as_tuple().exponent, self._least.as_tuple().exponent
        assert isinstance(exponent, int)
        assert isinstance(least, int)
        if exponent > least:
            number = number.quantize(self._least)
        self[value] = number
        return number


PRICES = NumberTable(_CENT)
SIZES = NumberTable(Decimal(1))


@dataclass(frozen=True, slots=True)
class Shown:
    """A quote that was shown: prices, sizes, time."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    ts: int


@dataclass(slots=True)
class Track:
    """State of one instrument. `source` names what its rows were: real ticks, or bars."""

    instrument: Instrument
    key: str = ""
    """What its rows are found by: the symbol in files, the instrument's id in the store."""
    source: str = ""
    bid: float = np.nan
    ask: float = np.nan
    bid_size: float = 0.0
    ask_size: float = 0.0
    last: float | None = None
    volume: float = 0.0
    shown: Shown | None = None
    minutes: list[MinuteRow] = field(default_factory=list)
    auctions: list[tuple[int, int, int]] = field(default_factory=list)
    """Time, price and size of auction prints."""

    def start_day(self, source: str) -> None:
        """Session volume starts over; `source` names what the day's rows are made of."""
        self.volume = 0.0
        self.source = source

    def split(self, due: DueAction) -> None:
        """What was quoted in old shares is told in new ones, with nothing for sale."""
        quote = self.quote()
        self.bid = self.ask = np.nan
        if quote is not None:
            new = restated(quote, due, self.instrument.tick_size)
            self.shown = Shown(float(new.bid), float(new.ask), 0.0, 0.0, new.ts_event)
        if self.last is not None:
            self.last = float(scaled_price(PRICES[self.last], due.action.numerator, due.action.denominator))

    def play(self, quotes: QuoteRows, trades: TradeRows, counts: Counts) -> Played:
        """Take rows in: the state moves to their end, and what can be shown of them is returned."""
        bid, ask = _filled(quotes.bid, self.bid), _filled(quotes.ask, self.ask)
        bid_size, ask_size = _filled(quotes.bid_size, self.bid_size), _filled(quotes.ask_size, self.ask_size)
        counts.crossed += int((bid > ask).sum())
        counts.locked += int((bid == ask).sum())
        total = self.volume + np.cumsum(trades.size)
        before = np.searchsorted(trades.ts, quotes.ts, side="right")
        last = np.concatenate([[np.nan if self.last is None else self.last], trades.price])[before]
        volume = np.concatenate([[self.volume], total])[before]
        at_trade = np.searchsorted(quotes.ts, trades.ts, side="left")
        sides = _sides(trades.price, np.append(self.bid, bid)[at_trade], np.append(self.ask, ask)[at_trade])
        fair = bid < ask
        # Where bid passes over ask nothing is known to be for sale: the last fair prices stay, nothing behind them.
        shown_bid, shown_ask = self._shown_prices(np.where(fair, bid, np.nan), np.where(fair, ask, np.nan))
        keep = fair | (_begins(bid > ask, before=self.bid > self.ask) & ~np.isnan(shown_bid))
        columns = (shown_bid, shown_ask, np.where(fair, bid_size, 0.0), np.where(fair, ask_size, 0.0), last)
        played = Played(self, quotes.ts[keep], *(column[keep] for column in columns))
        played.volume, played.trades, played.sides, played.before = volume[keep], trades, sides, self.shown
        self._move_on(played, (bid, ask, bid_size, ask_size), total)
        return played

    def _shown_prices(self, bid: Floats, ask: Floats) -> tuple[Floats, Floats]:
        """Fair prices as they stand: a gap takes those before it."""
        before = (self.shown.bid, self.shown.ask) if self.shown else (np.nan, np.nan)
        return _filled(bid, before[0]), _filled(ask, before[1])

    def finish_minute(self, begin: int, trades: TradeRows) -> None:
        """A minute is over: keep its bar."""
        if trades.ts.size:
            self.minutes.append(minute_row(begin, trades.price, trades.size))

    def _move_on(self, played: Played, sides: tuple[Floats, Floats, Floats, Floats], total: Floats) -> None:
        bid, ask, bid_size, ask_size = sides
        if bid.size:
            self.bid, self.ask = float(bid[-1]), float(ask[-1])
            self.bid_size, self.ask_size = float(bid_size[-1]), float(ask_size[-1])
        if played.ts.size:
            self.shown = Shown(
                float(played.bid[-1]),
                float(played.ask[-1]),
                float(played.bid_size[-1]),
                float(played.ask_size[-1]),
                int(played.ts[-1]),
            )
        trades = played.trades
        if trades.ts.size:
            self.last, self.volume = float(trades.price[-1]), float(total[-1])
            for place in np.flatnonzero(trades.is_auction).tolist():
                price, size = whole(float(trades.price[place])), whole(float(trades.size[place]))
                self.auctions.append((int(trades.ts[place]), price, size))

    def quote(self) -> Quote | None:
        """The quote last shown, with the last price and volume of now."""
        return None if self.shown is None else _quote(self, self.shown, self.last, self.volume)


class Played:
    """Rows of one stretch of time, ready to become events."""

    trades: TradeRows
    sides: list[str]
    volume: Floats
    before: Shown | None

    def __init__(  # noqa: PLR0917 - six columns of one table
        self, track: Track, ts: Ints, bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats, last: Floats
    ) -> None:
        self._track = track
        self.ts, self.bid, self.ask, self.bid_size, self.ask_size, self.last = ts, bid, ask, bid_size, ask_size, last

    def write(self, block: EventBlock) -> None:
        """Add the events: trades first, so that within a moment they come before the quote that shows them."""
        name, source = self._track.instrument.instrument_id, self._track.source
        trades = self.trades
        columns = (trades.ts.tolist(), trades.price.tolist(), trades.size.tolist(), trades.is_auction.tolist())
        for ts, price, size, is_auction, side in zip(*columns, self.sides, strict=True):
            block.add(Trade(name, PRICES[price], SIZES[size], ts, "" if is_auction else side, source, is_auction))
        moved = self._moved().tolist()
        rows = zip(
            self.bid.tolist(),
            self.ask.tolist(),
            self.bid_size.tolist(),
            self.ask_size.tolist(),
            self.ts.tolist(),
            strict=True,
        )
        for shown, last, volume, has_moved in zip(rows, self.last.tolist(), self.volume.tolist(), moved, strict=True):
            quote = _quote(self._track, Shown(*shown), None if math.isnan(last) else last, volume)
            block.add(quote)
            if has_moved:
                block.add(depth_of(quote))

    def _moved(self) -> Flags:
        """Quotes whose prices differ from those shown before."""
        before = self.before
        bid = np.concatenate([[before.bid if before else np.nan], self.bid])
        ask = np.concatenate([[before.ask if before else np.nan], self.ask])
        moved: Flags = (bid[1:] != bid[:-1]) | (ask[1:] != ask[:-1])
        return moved


def minute_row(begin: int, price: Floats, size: Floats) -> MinuteRow:
    """Prints of one minute as a bar in whole numbers."""
    prices = (float(price[0]), float(price.max()), float(price.min()), float(price[-1]))
    opening, high, low, close = (whole(value) for value in prices)
    return (begin, opening, high, low, close, sum(whole(value) for value in size.tolist()))


def whole(value: float) -> int:
    """A recorded number in units of 1e-8."""
    return round(value * SCALE)


def unit_reader(table: NumberTable) -> Callable[[int], Decimal]:
    """How a whole number of 1e-8 reads."""
    return lambda units: table[units / SCALE]


def _filled(values: Floats, before: float) -> Floats:
    """Each gap takes the value before it."""
    known = np.concatenate([[before], values])
    place = np.where(np.isnan(known), 0, np.arange(known.size))
    filled: Floats = known[np.maximum.accumulate(place)][1:]
    return filled


def _begins(flags: Flags, *, before: bool) -> Flags:
    """Where a run of true flags begins."""
    begins: Flags = flags & ~np.concatenate([[before], flags])[:-1]
    return begins


def _sides(price: Floats, bid: Floats, ask: Floats) -> list[str]:
    """Who was the aggressor, by the quote before: at or above the ask a buyer, at or below the bid a seller."""
    is_fair = bid < ask
    names = np.where(is_fair & (price >= ask), "B", np.where(is_fair & (price <= bid), "S", ""))
    sides: list[str] = names.tolist()
    return sides


def _quote(track: Track, shown: Shown, last: float | None, volume: float) -> Quote:
    return Quote(
        track.instrument.instrument_id,
        PRICES[shown.bid],
        PRICES[shown.ask],
        SIZES[shown.bid_size],
        SIZES[shown.ask_size],
        shown.ts,
        track.source,
        None if last is None else PRICES[last],
        SIZES[volume],
    )


def depth_of(quote: Quote) -> Depth:
    """The one level that is known; none is invented behind it."""
    bids, asks = (Level(quote.bid, quote.bid_size),), (Level(quote.ask, quote.ask_size),)
    return Depth(quote.instrument_id, bids, asks, quote.ts_event, quote.source)
