"""The simulated universe: familiar symbols with invented but realistic prices, volumes and temperaments."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.venue.market.listings import ROWS

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
"""Single precision where speed counts: good to a hundredth of a tick."""
Wholes = NDArray[np.int32]
"""Ticks, shares of a minute and counts: half the width, for the same reason. Sums of them are `Ints`."""
Ints = NDArray[np.int64]

TICK = Decimal("0.01")
TICKS_PER_UNIT = 100
MARKET_SIGMA = 0.0095
"""Daily volatility of the market factor (15 % a year)."""
SECTOR_SIGMA = 0.0085
"""Daily volatility of each sector's own factor."""
NEWS_SHARE = 0.4
"""Part of a share's variance that comes as jumps on news."""
_SESSIONS_PER_YEAR = 252


class Listing(msgspec.Struct, frozen=True):
    """One row of the universe.

    Attributes:
        price: the level the price keeps coming back to.
        adv: average daily volume in shares.
        volatility: annual, as a fraction.
        beta: loading on the market factor.
        loading: loading on the factor of `sector`.
        is_fund: funds follow their factors, make no news and are not halted.
    """

    instrument_id: str
    name: str
    sector: str
    price: float
    adv: float
    volatility: float
    beta: float
    loading: float
    is_fund: bool

    @property
    def short_name(self) -> str:
        """The name as a headline writes it."""
        return self.name.removesuffix(" Inc").removesuffix(" Corp").removesuffix(" Co")

    def instrument(self) -> Instrument:
        """The same thing as the rest of the engine sees it."""
        return Instrument(
            instrument_id=self.instrument_id,
            name=self.name,
            asset_class=AssetClass.ETF if self.is_fund else AssetClass.EQUITY,
            currency="USD",
            tick_size=TICK,
            sector=self.sector,
            average_daily_volume=Decimal(round(self.adv)),
        )


class Universe:
    """The listings as columns, with what follows from price and volume: spread, activity, displayed size."""

    def __init__(self, listings: tuple[Listing, ...]) -> None:
        self.listings = listings
        self.ids = tuple(row.instrument_id for row in listings)
        self.index = {instrument_id: place for place, instrument_id in enumerate(self.ids)}
        self.sectors = tuple(sorted({row.sector for row in listings}))
        self.sector_of = np.array([self.sectors.index(row.sector) for row in listings])
        self.is_fund = np.array([row.is_fund for row in listings])
        self.base_log = np.log(self._column("price") * TICKS_PER_UNIT)
        self.adv = self._column("adv")
        self.beta = self._column("beta")
        self.loading = self._column("loading")
        self.sigma = self._column("volatility") / np.sqrt(_SESSIONS_PER_YEAR)

    def __len__(self) -> int:
        """Number of listings."""
        return len(self.listings)

    @cached_property
    def idio_sigma(self) -> Floats:
        """Daily volatility that is an instrument's own, after market and sector took theirs."""
        common = (self.beta * MARKET_SIGMA) ** 2 + (self.loading * SECTOR_SIGMA) ** 2
        floor = np.where(self.is_fund, 0.1, 0.4) * self.sigma
        without_news = np.where(self.is_fund, 1.0, 1 - NEWS_SHARE) * self.sigma**2
        own: Floats = np.sqrt(np.maximum(without_news - common, floor**2))
        return own

    @cached_property
    def dollar_volume(self) -> Floats:
        """Average money traded a day."""
        return self._column("price") * self.adv

    @cached_property
    def spread_ticks(self) -> Floats:
        """Typical quoted spread in ticks before rounding; below 1 the tick itself is the constraint."""
        basis_points = 0.5 * (5e9 / self.dollar_volume) ** 0.38
        ticks: Floats = basis_points / 1e4 * self._column("price") * TICKS_PER_UNIT
        return ticks

    @cached_property
    def trades_per_minute(self) -> Floats:
        """Typical number of prints in a minute of regular hours."""
        rate: Floats = 120 * (self.dollar_volume / 2e10) ** 0.55
        return rate

    @cached_property
    def mean_trade(self) -> Floats:
        """Typical size of a print in shares."""
        size: Floats = self.adv * 0.9 / (self.trades_per_minute * 390)
        return size

    @cached_property
    def lots(self) -> Floats:
        """Typical displayed size at the best price, in round lots of 100."""
        size: Floats = np.maximum(1.0, self.mean_trade * 1.2 / 100)
        return size

    def _column(self, name: str) -> Floats:
        return np.array([float(getattr(row, name)) for row in self.listings])


def default_universe() -> Universe:
    """The universe every simulated world trades."""
    return Universe(tuple(Listing(f"{row[0]}.{row[1]}", *row[2:]) for row in ROWS))
