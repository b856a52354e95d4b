"""Invented headlines: some come with the moves the market makes, some with none. Each says that it is simulated."""

from __future__ import annotations

import numpy as np

from stockpulse_engine.domain.market import NewsItem
from stockpulse_engine.venue.market.universe import Listing

NEWS_SOURCE = "sim-news"
_UP = (
    "{name}: orders run ahead of plan, supplier check suggests",
    "{name} lifts its outlook for the quarter",
    "{name} wins a multi-year contract, terms undisclosed",
    "{name}: margin better than feared, desk note says",
    "{name} board adds to its buyback",
    "{name} said to be in early talks over a partnership",
)
_DOWN = (
    "{name} trims its outlook for the quarter",
    "{name}: delivery delays mentioned by two suppliers",
    "{name} finance chief to step down at year end",
    "{name}: customer pauses an order, desk note says",
    "{name} faces a component shortage, trade blog reports",
    "{name} cuts its spending plan",
)
_FLAT = (
    "{name} to present at an industry conference",
    "{name} names a new head of operations",
    "{name}: unusual option activity, desk note says",
    "{name} opens a new site",
    "{name} publishes its yearly report",
    "{sector} names in focus ahead of sector data",
)
_MACRO_UP = ("Survey of purchasing managers above forecast", "Futures lifted by softer price data")
_MACRO_DOWN = ("Survey of purchasing managers below forecast", "Futures slip after a weak auction of long bonds")


def company_news(rng: np.random.Generator, listing: Listing, ts_event: int, move: float) -> NewsItem:
    """A headline about one company whose tone agrees with the sign of `move` (0: no effect)."""
    choices = _UP if move > 0 else _DOWN if move < 0 else _FLAT
    text = choices[int(rng.integers(len(choices)))].format(name=listing.short_name, sector=listing.sector)
    return NewsItem(f"SIM: {text}", (listing.instrument_id,), ts_event, NEWS_SOURCE, _tone(move))


def macro_news(rng: np.random.Generator, instrument_ids: tuple[str, ...], ts_event: int, move: float) -> NewsItem:
    """A headline about everything."""
    choices = _MACRO_UP if move > 0 else _MACRO_DOWN
    text = choices[int(rng.integers(len(choices)))]
    return NewsItem(f"SIM: {text}", instrument_ids, ts_event, NEWS_SOURCE, _tone(move))


def _tone(move: float) -> int:
    return (move > 0) - (move < 0)
