"""How old the book in view is. Pure.

A book is as fresh as the last proof that it still stands: a quote of the same source came since, and the instrument's
own quote agrees with the best prices of the book. Silence of a quiet instrument is no staleness; a silent feed is.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockpulse_engine.domain.market import Depth, Quote

FROZEN_NS = 2_000_000_000
"""A book older than this is not traded on."""


def depth_age_ns(depth: Depth, own: Quote | None, quotes: Iterable[Quote], now_ns: int, speed: float = 1.0) -> int:
    """Age in wall nanoseconds; `now_ns` is market time, which runs `speed` times as fast."""
    proven = depth.ts_event
    if own is not None and _agrees(depth, own):
        proven = max([proven, own.ts_event, *(q.ts_event for q in quotes if q.source == depth.source)])
    return int(max(0, now_ns - proven) / max(speed, 0.001))


def _agrees(depth: Depth, quote: Quote) -> bool:
    bid = not depth.bids or depth.bids[0].price == quote.bid
    ask = not depth.asks or depth.asks[0].price == quote.ask
    return bid and ask
