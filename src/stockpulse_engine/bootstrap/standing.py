"""What arming asks of brokers, disk, clock and the journal. Everything unknown is a no."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.bootstrap.brokers import BrokerDesk
from stockpulse_engine.domain.accounts import AccountKind

LEAST_FREE: Final = 2**30
"""Bytes without which no live order leaves (F29)."""
MAX_SKEW_NS: Final = 2_000_000_000
"""How far the clock may be from the broker's, or from where it was at the start by its own count (F41)."""


class Standing:
    """Implements `trading.arming.Connections` over the desk of brokers.

    Args:
        desk: of brokers.
        place: a directory on the disk that the journal is written to.
        clock: wall and monotonic.
        free: bytes free on the disk of a place.
        audit: why the journal could not be verified or signed, "" when all is well (R32).
    """

    def __init__(
        self,
        desk: BrokerDesk,
        place: Path,
        clock: Clock,
        *,
        free: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free,
        audit: Callable[[], str] = lambda: "",
    ) -> None:
        self._desk = desk
        self._place = place
        self._clock = clock
        self._free = free
        self._audit = audit
        self._offset = clock.now_ns() - clock.monotonic_ns()

    def mode(self, broker: str) -> AccountKind | None:
        """Whose money the connection moves; None while it is locked."""
        config = self._desk.config_of(broker)
        return config.kind if config is not None else None

    def number(self, broker: str) -> str:
        """The broker's number of the account."""
        config = self._desk.config_of(broker)
        return config.account if config is not None else ""

    def ends_at(self, broker: str) -> int:
        """When the session there ends by itself."""
        return self._desk.ends_at(broker)

    def trouble(self, broker: str) -> str:
        """What is wrong with disk, clock or the journal's signature; "" when nothing is."""
        if wrong := self._audit():
            return wrong
        try:
            free = self._free(self._place)
        except OSError:
            return "nobody can say how full the disk is"
        if free < LEAST_FREE:
            return f"the disk has {free // 2**20} MiB left, {LEAST_FREE // 2**20} are needed"
        jumped = abs(self._clock.now_ns() - self._clock.monotonic_ns() - self._offset)
        skew = abs(self._desk.skew_ns(broker))
        if max(jumped, skew) > MAX_SKEW_NS:
            return f"the clock of this machine is {max(jumped, skew) / 1e9:.1f} s off"
        return ""
