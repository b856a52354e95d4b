"""One day of a replay: its rows by the minute, read half an hour at a time, and its phases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Session
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.phases import LATEST_AUCTION_NS, PhaseChange, day_phases
from stockpulse_engine.venue.replay.plan import Part
from stockpulse_engine.venue.replay.rows import (
    AUCTION_MARKS,
    NO_QUOTES,
    NO_TRADES,
    Counts,
    Ints,
    QuoteRows,
    TradeRows,
    read_quotes,
    read_trades,
)
from stockpulse_engine.venue.replay.synthetic import prints_of_bars, quotes_around, quotes_of_bars

if TYPE_CHECKING:
    import polars as pl

MINUTE_NS = 60 * SECOND_NS
CHUNK_NS = 30 * MINUTE_NS
"""Rows held in memory at a time: bounded whatever the size of the files."""
TICKS, BARS = "replay", "bars"
"""Source names on events: real ticks, or made of bars."""

Rows = tuple[QuoteRows, TradeRows]


class ReplayDay:
    """Rows and phases of one day."""

    def __init__(
        self, parts: Sequence[Part], session: Session | None, instruments: Mapping[str, Instrument], counts: Counts
    ) -> None:
        self._parts = parts
        self._instruments = instruments
        self._counts = counts
        self._chunk_begin = -1
        self._chunk: dict[str, Rows] = {}
        quoted = [part for part in parts if part.recording.kind in (Kind.QUOTES, Kind.QUOTE_BARS)]
        self._quoted = {symbol for part in quoted for symbol in part.symbols}
        self._from_bars = {symbol for part in parts if not part.recording.kind.is_ticks for symbol in part.symbols}
        edges = [part.first_ns for part in parts], [part.last_ns for part in parts]
        first, last = min(edges[0]), max(edges[1])
        if session is not None:
            first, last = min(first, session.pre_open), max(last, session.post_close)
        self.begin = first // MINUTE_NS * MINUTE_NS
        """First minute."""
        self.last = last
        """Last moment at which something happens."""
        self._changes = day_phases(instruments.values(), session, self._auctions(session), TICKS, self.begin)

    def source_of(self, symbol: str) -> str:
        """What the events of a symbol are made of."""
        is_real = symbol not in self._from_bars and symbol in self._quoted
        return TICKS if is_real else BARS

    def changes(self, begin: int) -> list[PhaseChange]:
        """Changes of phase in the minute from `begin`."""
        return [change for change in self._changes if begin <= change.status.ts_event < begin + MINUTE_NS]

    def rows(self, begin: int) -> dict[str, Rows]:
        """Rows of the minute from `begin`, by symbol."""
        chunk = begin // CHUNK_NS * CHUNK_NS
        if chunk != self._chunk_begin:
            self._chunk_begin, self._chunk = chunk, self._load(chunk)
        end = begin + MINUTE_NS
        return {
            symbol: (quotes.between(begin, end), trades.between(begin, end))
            for symbol, (quotes, trades) in self._chunk.items()
        }

    def _load(self, begin: int) -> dict[str, Rows]:
        quotes: dict[str, QuoteRows] = defaultdict(lambda: NO_QUOTES)
        trades: dict[str, TradeRows] = defaultdict(lambda: NO_TRADES)
        for part in self._parts:
            if part.last_ns >= begin and part.first_ns < begin + CHUNK_NS:
                # A part is one day's: rows of its file on other days stay out, even at the edges of the chunk.
                first, end = max(begin, part.first_ns), min(begin + CHUNK_NS, part.last_ns + 1)
                for (symbol,), frame in part.recording.between(first, end, part.symbols).group_by("symbol"):
                    rows = self._read(part, str(symbol), frame.sort("ts", maintain_order=True))
                    if isinstance(rows, QuoteRows):
                        quotes[str(symbol)] = rows
                    else:
                        trades[str(symbol)] = rows
        for symbol in set(trades) - self._quoted:
            quotes[symbol] = quotes_around(trades[symbol], float(self._instruments[symbol].tick_size))
        return {symbol: (quotes[symbol], trades[symbol]) for symbol in sorted({*quotes, *trades})}

    def _read(self, part: Part, symbol: str, frame: pl.DataFrame) -> QuoteRows | TradeRows:
        step = part.recording.step_ns
        match part.recording.kind:
            case Kind.QUOTES:
                return read_quotes(frame, self._counts)
            case Kind.TRADES:
                return read_trades(frame, self._counts)
            case Kind.QUOTE_BARS:
                return quotes_of_bars(frame, step, self._counts)
            case _:
                return prints_of_bars(frame, step, self._counts)

    def _auctions(self, session: Session | None) -> dict[str, Ints]:
        """Times at which the listing exchange's auctions printed, by instrument id."""
        found: dict[str, list[int]] = defaultdict(list)
        for part in self._parts:
            if part.recording.kind is Kind.TRADES and session is not None:
                for begin in (session.open, session.close):
                    marked = part.recording.marked(AUCTION_MARKS, begin, begin + LATEST_AUCTION_NS + 1)
                    for symbol in marked.keys() & set(part.symbols):
                        found[self._instruments[symbol].instrument_id] += marked[symbol]
        return {name: np.array(times, dtype=np.int64) for name, times in found.items()}
