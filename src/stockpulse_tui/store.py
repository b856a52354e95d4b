"""What this head knows: a fold of the frames it was sent. Pure; no Textual, no clock, no I/O.

`Store.apply(frame)` returns what changed, so that only the cells concerned are painted again. A snapshot replaces
everything; nothing here is ever written back, the engine holds what matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from stockpulse_engine.domain.accounts import TradingState
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
from stockpulse_engine.wire.stream import Alert, Frame

MAX_ORDERS = 5_000
MAX_FILLS = 5_000
MAX_NEWS = 200
MAX_ALERTS = 50
MAX_TRADES = 200
MAX_BARS = 1_500
MAX_BAR_SERIES = 16
MAX_STUDIES = 64

Reference = tuple[Decimal, Decimal, Decimal]
"""Previous close, day low, day high."""


class Changes:
    """What one or more frames changed: `kinds` by name, `quotes` by instrument, or everything (`is_reset`)."""

    __slots__ = ("is_reset", "kinds", "orders", "quotes", "sent_at")

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.quotes: set[str] = set()
        self.orders: set[str] = set()
        self.is_reset = False
        self.sent_at = 0
        """Oldest wall time of the frames joined here; 0 when none: the start of tick-to-cell."""

    def __bool__(self) -> bool:
        return self.is_reset or bool(self.kinds)

    def touches(self, *kinds: str) -> bool:
        """Whether any of the kinds changed (a reset changes all)."""
        return self.is_reset or not self.kinds.isdisjoint(kinds)

    def join(self, other: Changes) -> None:
        """Take in the changes of a later frame."""
        self.kinds |= other.kinds
        self.quotes |= other.quotes
        self.orders |= other.orders
        self.is_reset = self.is_reset or other.is_reset
        self.sent_at = self.sent_at or other.sent_at


MARKET, BOOKS = "market", "books"


class Store:
    """Latest values by id, each collection bounded."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._clear_market()
        self._clear_books()
        self._clear_system()
        self.clock: ClockView | None = None
        self.before: frozenset[str] = frozenset()
        """Parts that are from before the engine's start: it is on its way and has not told them yet."""
        self.notes: dict[str, str] = {}
        """Instrument → why its row says less than others; of a moment of the past."""
        self.seq = 0

    def _clear_market(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.by_symbol: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.references: dict[str, Reference] = {}
        self.sparks: dict[str, tuple[float, ...]] = {}
        self.depths: dict[str, Depth] = {}
        self.trades: dict[str, deque[Trade]] = {}
        self.bars: dict[tuple[str, str], list[Bar]] = {}
        self.studies: dict[tuple[str, str, str], StudyPoint] = {}
        """Newest point by instrument, bar length and study text."""
        self.statuses: dict[str, InstrumentStatus] = {}
        self.news: deque[NewsItem] = deque(maxlen=MAX_NEWS)

    def _clear_books(self) -> None:
        self.orders: dict[str, Order] = {}
        self.fills: dict[str, Fill] = {}
        self.positions: dict[tuple[str, str], PositionView] = {}
        self.accounts: dict[str, AccountView] = {}

    def _clear_system(self) -> None:
        self.arms: tuple[ArmView, ...] = ()
        self.alerts: deque[Alert] = deque(maxlen=MAX_ALERTS)
        self.halt: HaltView | None = None
        self.health: HealthView | None = None
        self.is_read_only = False
        self.reason = ""

    def apply(self, frame: Frame) -> Changes:
        """Fold one frame in; a snapshot first forgets everything. Returns what changed.

        The snapshot of an engine that is still starting has little in it: what it does not tell yet stays as it was.
        """
        changes = Changes()
        if frame.kind in ("heartbeat", "resync"):
            self.seq = frame.seq
            return changes
        if frame.kind == "snapshot":
            self._take_snapshot(frame, changes)
        elif self.before:
            self._let_go(frame, changes)
        self.seq = frame.seq
        changes.sent_at = frame.sent_at
        self._apply_market(frame, changes)
        self._apply_trading(frame, changes)
        self._apply_system(frame, changes)
        return changes

    def _take_snapshot(self, frame: Frame, changes: Changes) -> None:
        before = frozenset({MARKET, BOOKS}) - _told(frame)
        if not before or not self.instruments or not _is_starting(frame, self.health):
            self._clear()
            changes.is_reset = True
            return
        self._clear_system()
        self.before = frozenset({MARKET, BOOKS})
        self._let_go(frame, changes)
        changes.kinds.update(("health", "arms", "halt", "alerts"))

    def _let_go(self, frame: Frame, changes: Changes) -> None:
        """What the engine tells now, or has nothing to tell of once it is ready, is no longer from before."""
        is_ready = frame.health is not None and not frame.health.step
        told = self.before if is_ready else self.before & _told(frame)
        if MARKET in told:
            self._clear_market()
        if BOOKS in told:
            self._clear_books()
        if told:
            self.before -= told
            changes.is_reset = True

    def _apply_market(self, frame: Frame, changes: Changes) -> None:
        kinds = changes.kinds
        for instrument in frame.instruments:
            kinds.add("instruments")
            self.instruments[instrument.instrument_id] = instrument
            self.by_symbol[instrument.symbol] = instrument
        if frame.quotes:
            kinds.add("quotes")
            quotes = self.quotes
            for quote in frame.quotes:
                quotes[quote.instrument_id] = quote
                changes.quotes.add(quote.instrument_id)
        if frame.references:
            kinds.add("references")
            for key, texts in frame.references.items():
                if all(texts):  # a recorded day may have no session before it to be measured against
                    self.references[key] = (Decimal(texts[0]), Decimal(texts[1]), Decimal(texts[2]))
            changes.quotes.update(frame.references)
        if frame.sparks:
            kinds.add("sparks")
            self.sparks.update(frame.sparks)
            changes.quotes.update(frame.sparks)
        if frame.statuses:
            kinds.add("statuses")
            for status in frame.statuses:
                self.statuses[status.instrument_id] = status
            changes.quotes.update(status.instrument_id for status in frame.statuses)
        self._apply_streams(frame, kinds)

    def _apply_streams(self, frame: Frame, kinds: set[str]) -> None:
        for depth in frame.depths:
            kinds.add("depths")
            self.depths[depth.instrument_id] = depth
        for trade in frame.trades:
            kinds.add("trades")
            self.trades.setdefault(trade.instrument_id, deque(maxlen=MAX_TRADES)).append(trade)
        for bar in frame.bars:
            kinds.add("bars")
            self._apply_bar(bar)
        for point in frame.studies:
            kinds.add("studies")
            self._apply_study(point)
        for item in frame.news:
            kinds.add("news")
            if item not in self.news:
                self.news.appendleft(item)

    def _apply_bar(self, bar: Bar) -> None:
        key = (bar.instrument_id, str(bar.spec))
        if key not in self.bars and len(self.bars) >= MAX_BAR_SERIES:
            self.bars.pop(next(iter(self.bars)))
        series = self.bars.setdefault(key, [])
        if series and series[-1].ts_event == bar.ts_event:
            series[-1] = bar
        elif not series or series[-1].ts_event < bar.ts_event:
            series.append(bar)
            del series[:-MAX_BARS]

    def _apply_study(self, point: StudyPoint) -> None:
        key = (point.instrument_id, point.spec, point.study)
        if key not in self.studies and len(self.studies) >= MAX_STUDIES:
            self.studies.pop(next(iter(self.studies)))
        self.studies[key] = point

    def _apply_trading(self, frame: Frame, changes: Changes) -> None:
        kinds = changes.kinds
        for order in frame.orders:
            kinds.add("orders")
            changes.orders.add(order.client_order_id)
            self.orders[order.client_order_id] = order
        for fill in frame.fills:
            kinds.add("fills")
            self.fills[fill.fill_id] = fill
        for position in frame.positions:
            kinds.add("positions")
            key = (position.account_id, position.instrument_id)
            if position.quantity:
                self.positions[key] = position
            else:
                self.positions.pop(key, None)
            changes.quotes.add(position.instrument_id)
        for account in frame.accounts:
            kinds.add("accounts")
            self.accounts[account.account.account_id] = account
        _trim_orders(self.orders)
        while len(self.fills) > MAX_FILLS:
            self.fills.pop(next(iter(self.fills)))

    def _apply_system(self, frame: Frame, changes: Changes) -> None:
        kinds = changes.kinds
        if frame.halt is not None:
            kinds.add("halt")
            self.halt = frame.halt
        if frame.clock is not None:
            kinds.add("clock")
            self.clock = frame.clock
        if frame.health is not None:
            kinds.add("health")
            self.health = frame.health
            self.halt = frame.health.halt
            self.clock = frame.clock or frame.health.clock or self.clock
        if frame.arms is not None:
            kinds.add("arms")
            self.arms = frame.arms
        if frame.alerts:
            kinds.add("alerts")
            self.alerts.extendleft(frame.alerts)
        if frame.is_read_only:
            kinds.add("health")
            self.is_read_only, self.reason = True, frame.reason

    @property
    def account(self) -> AccountView | None:
        """The default account: the first one sent."""
        return next(iter(self.accounts.values()), None)

    @property
    def state(self) -> TradingState:
        """The trading state, ACTIVE until told otherwise."""
        return self.halt.state if self.halt else TradingState.ACTIVE

    def last(self, instrument_id: str) -> Decimal | None:
        """The last print, else the middle of the quote, None without either."""
        quote = self.quotes.get(instrument_id)
        if quote is None:
            return None
        return quote.last if quote.last is not None else (quote.bid + quote.ask) / 2

    def held(self, instrument_id: str) -> Decimal:
        """Net quantity over all accounts."""
        return sum((p.quantity for p in self.positions.values() if p.instrument_id == instrument_id), Decimal(0))

    def held_ids(self) -> frozenset[str]:
        """Instruments with a position."""
        return frozenset(key[1] for key in self.positions)

    def working_orders(self) -> list[Order]:
        """Orders that may still cost money, and staged ones, newest first."""
        found = [o for o in self.orders.values() if o.is_open or o.status.value == "INITIALIZED"]
        return sorted(found, key=lambda order: order.created_at, reverse=True)

    def unknown_orders(self) -> list[Order]:
        """Orders whose outcome at the venue is not known."""
        return [order for order in self.orders.values() if order.is_unknown]

    def arm_of(self, head_id: str) -> ArmView | None:
        """This head's own arming, None while safe."""
        return next((arm for arm in self.arms if arm.head_id == head_id), None)


def _trim_orders(orders: dict[str, Order]) -> None:
    """Forget the oldest finished orders above the bound; open ones always stay."""
    if len(orders) <= MAX_ORDERS:
        return
    for key in _finished(list(orders.values()), len(orders) - MAX_ORDERS):
        del orders[key]


def _finished(orders: Iterable[Order], count: int) -> list[str]:
    closed = [o for o in orders if not o.is_open and o.status.value != "INITIALIZED"]
    return [order.client_order_id for order in closed[:count]]


def _told(frame: Frame) -> frozenset[str]:
    """Which parts a frame speaks of."""
    market = frozenset({MARKET}) if frame.instruments or frame.quotes else frozenset()
    is_of_books = frame.accounts or frame.orders or frame.fills or frame.positions
    return market | {BOOKS} if is_of_books else market


def _is_starting(frame: Frame, known: HealthView | None) -> bool:
    """Whether it comes from an engine on its way up in the world that was known."""
    health = frame.health
    return health is not None and known is not None and bool(health.step) and health.world == known.world
