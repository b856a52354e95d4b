"""How the registry makes this broker: from its configuration and its keys, nothing connected yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

import msgspec

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.adapters.alpaca.budget import RateBudget, Sleep
from stockpulse_engine.adapters.alpaca.rest import AlpacaRest, Keys
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings, settings_of
from stockpulse_engine.adapters.alpaca.stream import Put, TradeStream
from stockpulse_engine.adapters.alpaca.words import TIMES, TYPES
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.brokers import BrokerCapabilities, BrokerConfig, Dedup

OVERLAP_NS = 600_000_000_000
"""Executions are asked for again from ten minutes before the last one known."""


def capabilities_of(name: str) -> BrokerCapabilities:
    """What Alpaca does itself, by its documentation."""
    return BrokerCapabilities(
        name=name,
        deduplicates=True,
        dedup=Dedup.FOR_EVER,
        holds_brackets=True,
        holds_oco=True,
        holds_oto=True,
        holds_trailing=True,
        supports_replace=True,
        cancels_all=True,
        has_cancel_session=True,
        order_types=frozenset(TYPES),
        times_in_force=frozenset(TIMES),
        numbers_reports=False,
        overlap=OVERLAP_NS,
        takes_extended_hours=True,
        takes_fractions=True,
        takes_shorts=True,
    )


def build(
    config: BrokerConfig,
    secrets: Mapping[str, str],
    *,
    clock: Clock,
    settings: AlpacaSettings | None = None,
    rng: Random | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AlpacaBroker:
    """Make the broker. `settings`, where given, changes patience and never the addresses.

    Raises:
        ConfigError: an address that must not be spoken to.
    """
    plain = settings_of(config)
    given = msgspec.structs.replace(settings, url=plain.url, stream_url=plain.stream_url) if settings else plain
    keys = Keys(secrets["key_id"], secrets["secret_key"])
    budget = RateBudget(given.requests_per_minute, clock, sleep=sleep)
    rest = AlpacaRest(given, keys, clock, budget)

    def make_stream(put: Put) -> TradeStream:
        return TradeStream(given, keys, put, rng=rng, sleep=sleep)

    return AlpacaBroker(
        given,
        capabilities_of(config.name),
        rest,
        make_stream,
        clock,
        number=config.account,
        currency=config.currency,
    )
