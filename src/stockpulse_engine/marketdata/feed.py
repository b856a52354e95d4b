"""One feed: takes a provider's batches, refuses what can not be right, stores, then publishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import MarketEvent, Quote, Trade
from stockpulse_engine.marketdata.cache import QuoteCache
from stockpulse_engine.marketdata.ports import ClockState

_ZERO = Decimal(0)
_ENDLESS = Decimal("Infinity")


class FeedCounters:
    """What the feed has seen: honest numbers for the health line and metrics."""

    __slots__ = ("batches", "crossed", "events", "refused")

    def __init__(self) -> None:
        self.batches = 0
        self.events = 0
        self.crossed = 0
        self.refused = 0


class Feed:
    """Stores each good event in the cache, then publishes it (in that order: a handler reads what it was told).

    Crossed quotes are counted and held back: nobody trades on them. Events that step back in time for an
    instrument are refused.
    """

    def __init__(
        self,
        cache: QuoteCache,
        bus: Bus,
        on_clock: Callable[[ClockState], None],
        *,
        arrival: Callable[[], int] | None = None,
    ) -> None:
        """`arrival`: the monotonic clock of a feed whose every sign of life says that each standing quote stands.

        Without it each quote is as old as it says.
        """
        self._cache = cache
        self._bus = bus
        self._on_clock = on_clock
        self._arrival = arrival
        self.counters = FeedCounters()

    def take(self, batch: Sequence[MarketEvent | ClockState]) -> None:
        """Take one batch of a provider."""
        self.counters.batches += 1
        is_sign_of_life = False
        for event in batch:
            if isinstance(event, ClockState):
                self._on_clock(event)
                is_sign_of_life = True
                continue
            self.counters.events += 1
            if self._accept(event):
                is_sign_of_life = True
                self._cache.store(event)
                self._bus.publish(event)
        if is_sign_of_life and self._arrival is not None:
            self._cache.confirm(self._arrival())

    def _accept(self, event: MarketEvent) -> bool:
        if isinstance(event, Quote):
            return self._accept_quote(event)
        if isinstance(event, Trade) and not (_is_positive(event.price) and _is_positive(event.size)):
            self.counters.refused += 1
            return False
        return True

    def _accept_quote(self, quote: Quote) -> bool:
        try:  # the whole rule in comparisons; which part of it did not hold is asked of the few that fail
            is_sound = (
                _ZERO < quote.bid <= quote.ask < _ENDLESS
                and _ZERO <= quote.bid_size < _ENDLESS
                and _ZERO <= quote.ask_size < _ENDLESS
            )
        except InvalidOperation:  # no number compares with anything
            is_sound = False
        if not is_sound:
            self._hold_back(quote)
            return False
        before = self._cache.quotes.get(quote.instrument_id)
        if before is not None and quote.ts_event < before.ts_event:
            self.counters.refused += 1
            return False
        return True

    def _hold_back(self, quote: Quote) -> None:
        """Count a quote that is not sound: crossed, or refused where a number of it can not be right."""
        if _is_positive(quote.bid) and _is_positive(quote.ask) and _is_size(quote):
            self.counters.crossed += 1
        else:
            self.counters.refused += 1


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > _ZERO


def _is_size(quote: Quote) -> bool:
    bid, ask = quote.bid_size, quote.ask_size
    return bid.is_finite() and ask.is_finite() and bid >= _ZERO and ask >= _ZERO
