"""What a head has still to hear: latest values by key, and the facts that may not be lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, InstrumentStatus, NewsItem, Quote, Trade
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import (
    AccountView,
    ArmView,
    ClockView,
    HaltView,
    HealthView,
    PositionView,
    StudyPoint,
)
from stockpulse_engine.wire.stream import Alert

MAX_PRINTS = 200
"""Public prints kept per instrument between two frames; older ones only scroll by."""
BarKey = tuple[str, int]
"""Topic of the bars (`bars:AAPL.XNAS:5m`) and the bar's start."""


class Pending:
    """Changes since the last frame. Dictionaries conflate (latest wins); the four lists lose nothing."""

    __slots__ = (
        "accounts",
        "alerts",
        "arms",
        "bars",
        "clock",
        "depths",
        "fills",
        "halt",
        "health",
        "instruments",
        "news",
        "orders",
        "positions",
        "quotes",
        "references",
        "sparks",
        "statuses",
        "studies",
        "trades",
    )

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.statuses: dict[str, InstrumentStatus] = {}
        self.depths: dict[str, Depth] = {}
        self.bars: dict[BarKey, Bar] = {}
        self.studies: dict[BarKey, StudyPoint] = {}
        self.trades: dict[str, deque[Trade]] = {}
        self.references: dict[str, tuple[str, str, str]] = {}
        self.sparks: dict[str, tuple[float, ...]] = {}
        self.positions: dict[tuple[str, str], PositionView] = {}
        self.accounts: dict[str, AccountView] = {}
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.news: list[NewsItem] = []
        self.alerts: list[Alert] = []
        self.arms: tuple[ArmView, ...] | None = None
        self.halt: HaltView | None = None
        self.clock: ClockView | None = None
        self.health: HealthView | None = None

    @property
    def lossless(self) -> int:
        """How many facts wait that may not be dropped."""
        return len(self.orders) + len(self.fills) + len(self.news) + len(self.alerts)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        if any(getattr(self, name) for name in _MANY):
            return False
        return all(getattr(self, name) is None for name in _SINGLES)

    def add_trade(self, trade: Trade) -> None:
        """Remember a public print, forgetting the oldest beyond the bound."""
        prints = self.trades.get(trade.instrument_id)
        if prints is None:
            prints = self.trades[trade.instrument_id] = deque(maxlen=MAX_PRINTS)
        prints.append(trade)

    def merge(self, later: Pending) -> None:
        """Take in what happened after everything in here."""
        for name in _KEYED:
            getattr(self, name).update(getattr(later, name))
        for name in _LOSSLESS:
            getattr(self, name).extend(getattr(later, name))
        for prints in later.trades.values():
            self._add_trades(prints)
        for name in _SINGLES:
            value = getattr(later, name)
            if value is not None:
                setattr(self, name, value)

    def _add_trades(self, prints: Iterable[Trade]) -> None:
        for trade in prints:
            self.add_trade(trade)


_KEYED = (
    "instruments",
    "quotes",
    "statuses",
    "depths",
    "bars",
    "studies",
    "references",
    "sparks",
    "positions",
    "accounts",
)
_LOSSLESS = ("orders", "fills", "news", "alerts")
_MANY = (*_KEYED, *_LOSSLESS, "trades")
_SINGLES = ("arms", "halt", "clock", "health")
