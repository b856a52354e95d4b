"""A stand-in Alpaca with one share and one account, and the real adapter aimed at it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import msgspec

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.adapters.alpaca.build import build
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.servers.alpaca import RULES, AlpacaServer, Login

ACME = "ACME.XNAS"
SHOWN = (Decimal("100.00"), Decimal("100.02"))
KEY, SECRET = "PKSTANDIN0000000TEST", "standin-secret-that-no-log-may-ever-show"
NUMBER = "PA0000TEST"
QUICK = AlpacaSettings(
    url="",
    stream_url="",
    requests_per_minute=6000,
    connect_s=5.0,
    answer_s=5.0,
    poll_s=0.2,
    handshake_s=5.0,
    first_backoff_s=0.02,
    longest_backoff_s=0.2,
)
"""As patient as always with answers, less with silence: the stories are the same, only shorter."""


@dataclass
class AlpacaStage:
    """Implements the contract's `Stage`."""

    server: AlpacaServer
    account: Account
    instrument_id: str = ACME
    settings: AlpacaSettings = QUICK

    @property
    def venue(self) -> DrillVenue:
        return self.server.venue

    def config(self) -> BrokerConfig:
        """The connection as `brokers.toml` would hold it."""
        return BrokerConfig(
            name="alpaca-paper",
            adapter="alpaca",
            kind=AccountKind.PAPER,
            url=self.server.url,
            stream_url=self.server.stream_url,
            requests_per_minute=6000,
        )

    def broker(self, config: BrokerConfig | None = None, **more: float) -> AlpacaBroker:
        """A new adapter, not yet connected."""
        settings = msgspec.structs.replace(self.settings, **more) if more else self.settings
        keys = {"key_id": KEY, "secret_key": SECRET}
        return build(config or self.config(), keys, clock=WallClock(), settings=settings, rng=Random(1))

    def move(self, bid: str, ask: str) -> None:
        """A new quote, told."""
        self.venue.move(ACME, Decimal(bid), Decimal(ask))
        self.server.tell()

    async def swing(self) -> None:
        """Far below, far above, and back."""
        for price in ("99.50", "100.50"):
            self.venue.move(ACME, Decimal(price), Decimal(price))
        self.venue.move(ACME, *SHOWN)
        self.server.tell()


class RisingClock:
    """Wall time that never shows the same nanosecond twice."""

    def __init__(self) -> None:
        self._wall = WallClock()
        self._last = 0
        self._step = itertools.count(1)

    def __call__(self) -> int:
        self._last = max(self._wall.now_ns(), self._last + 1_000)
        return self._last


@asynccontextmanager
async def alpaca_stage(*, per_minute: int = 6000, is_paper: bool = True) -> AsyncIterator[AlpacaStage]:
    """A stand-in of its own; it ends with the block, and its complaints are the caller's to judge."""
    now = RisingClock()
    venue = DrillVenue(now=now, seed=1, rules=RULES)
    instrument = Instrument(
        instrument_id=ACME, name="Acme", asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
    )
    venue.list_instrument(instrument, *SHOWN, Decimal(500))
    venue.open_account(NUMBER, Decimal(100_000))
    server = AlpacaServer(venue, now, [Login(KEY, SECRET, NUMBER)], per_minute=per_minute, is_paper=is_paper)
    await server.start()
    account = Account(
        account_id="alpaca",
        kind=AccountKind.PAPER,
        account_type=AccountType.MARGIN,
        currency="USD",
        initial_cash=Decimal(100_000),
        broker="alpaca-paper",
    )
    try:
        yield AlpacaStage(server, account)
    finally:
        await server.close()
