"""How the registry makes this broker: from its configuration alone; trust is the login at the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.adapters.ibkr.body import TIMES, TYPES
from stockpulse_engine.adapters.ibkr.broker import IbkrBroker
from stockpulse_engine.adapters.ibkr.orderids import OrderIds
from stockpulse_engine.adapters.ibkr.session import Sleep
from stockpulse_engine.adapters.ibkr.settings import IbkrSettings, settings_of
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.domain.brokers import BrokerCapabilities, BrokerConfig, Dedup
from stockpulse_engine.domain.orders import TimeInForce

OVERLAP_NS = 600_000_000_000


def capabilities_of(name: str) -> BrokerCapabilities:
    """What Interactive Brokers does itself, by its documentation."""
    return BrokerCapabilities(
        name=name,
        deduplicates=False,
        dedup=Dedup.NONE,
        holds_brackets=True,
        holds_oco=True,
        holds_oto=True,
        holds_trailing=True,
        supports_replace=True,
        cancels_all=True,
        has_cancel_session=True,
        order_types=frozenset(TYPES),
        times_in_force=frozenset({*TIMES, TimeInForce.AT_THE_CLOSE}),
        numbers_reports=False,
        overlap=OVERLAP_NS,
        takes_extended_hours=True,
        takes_fractions=False,
        takes_shorts=True,
    )


def build(
    config: BrokerConfig,
    secrets: Mapping[str, str],
    *,
    clock: Clock,
    settings: IbkrSettings | None = None,
    state: Path | None = None,
    sleep: Sleep = asyncio.sleep,
) -> IbkrBroker:
    """Make the broker. `settings`, where given, changes patience and never the address.

    Args:
        config: the connection.
        secrets: none are needed.
        clock: wall time.
        settings: other patience.
        state: where the order numbers that were used are kept; by default in the home.
        sleep: taken from elsewhere in tests.

    Raises:
        ConfigError: an address that must not be spoken to.
        UnavailableError: which order numbers were used can not be read.
    """
    del secrets
    plain = settings_of(config)
    given = plain
    if settings is not None:
        given = msgspec.structs.replace(settings, host=plain.host, port=plain.port, client_id=plain.client_id)
    folder = state if state is not None else resolve_paths().state / "brokers"
    ids = OrderIds(folder / f"{config.name}-{config.client_id}.json")
    return IbkrBroker(given, capabilities_of(config.name), ids, clock, ZoneInfo(given.zone), sleep=sleep)
