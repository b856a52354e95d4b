"""What the teller knows beforehand: which headline comes when, and which stock is halted. Written by `sp demo`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.instruments import symbol_of

ZONE = ZoneInfo("America/New_York")
SECOND_NS = 1_000_000_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One day of the simulated market; times are UTC nanoseconds, `at` is where it begins in exchange time."""

    seed: int
    at: str
    date: str
    open_ns: int
    news_id: str
    news_ns: int
    halt_id: str
    halt_ns: int
    resume_ns: int

    @property
    def daemon_arguments(self) -> tuple[str, ...]:
        """What makes an engine open this very day."""
        return ("--world", "sim", "--seed", str(self.seed), "--at", self.at)

    @property
    def news_symbol(self) -> str:
        """The stock with the headline: the one that is traded."""
        return symbol_of(self.news_id)

    @property
    def halt_symbol(self) -> str:
        """The stock that is halted."""
        return symbol_of(self.halt_id)


def read_plan(text: str) -> Plan:
    """The plan as it was handed over."""
    return msgspec.json.decode(text, type=Plan)


def wall(ns: int) -> str:
    """A market time as people say it in New York: `09:46:05`."""
    return datetime.fromtimestamp(ns // SECOND_NS, tz=ZONE).strftime("%H:%M:%S")
