"""What an engine charges its watchdog with: whom to watch, and what to do for each account when nobody answers.

Sent over a pipe, one JSON line each time it changes. Only loaded modules of the standard library, msgspec and the
domain are behind it: the watchdog's own start waits for nothing.
"""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.trading.settings import LossPolicy


class Ward(msgspec.Struct, frozen=True, kw_only=True):
    """One account under watch."""

    account_id: str
    broker: str
    policy: LossPolicy


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the watchdog must know while it still can be told.

    Attributes:
        pid: the engine's process.
        world: the world whose venue holds the paper accounts.
        silent_s: seconds without a beat after which it hangs.
        command: a program and its arguments that is run with the alarm's words behind them; "" for none.
        wards: the open accounts.
        brokers, secrets: connections outside and what opens them, by name. In memory on both sides, nowhere else.
    """

    pid: int
    world: str
    silent_s: float = 6.0
    command: str = ""
    wards: tuple[Ward, ...] = ()
    brokers: dict[str, BrokerConfig] = {}
    secrets: dict[str, dict[str, str]] = {}

    def __repr__(self) -> str:  # a secret must not come out by a careless log line
        return f"Charge(pid={self.pid}, world={self.world!r}, wards={len(self.wards)})"
