"""What the watchdog works with, made when it is needed and not before: sessions of its own, and the latch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.charge import Charge
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.trading.ports import Broker

CLIENT_OFFSET: Final = 90
"""Added to the engine's client number at a gateway that tells its clients apart by one."""


def sessions(paths: Paths, charge: Charge) -> Callable[[str], Broker]:
    """Connections of our own by broker's name: what the engine does with its own is no matter."""

    def open_session(broker: str) -> Broker:
        if broker == PAPER_BROKER:
            from stockpulse_engine.adapters.paper.broker import PaperBroker

            return PaperBroker(paths.venue_socket(charge.world), WallClock())
        from stockpulse_engine.adapters.registry import build_broker

        config = structs.replace(charge.brokers[broker], client_id=charge.brokers[broker].client_id + CLIENT_OFFSET)
        return build_broker(config, charge.secrets.get(broker, {}), clock=WallClock())

    return open_session


def set_latch(paths: Paths, reason: str) -> None:
    """Halt this home. Raises OSError."""
    from stockpulse_engine.storage.latch import FileLatch

    FileLatch(paths.latch, WallClock()).set(reason, "watchdog")
