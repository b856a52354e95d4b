"""The stream's centre: follows the bus, beats at each head's rate, and keeps every head's state true."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from stockpulse_engine.api.arms import Arms
from stockpulse_engine.api.follow import Follower
from stockpulse_engine.api.frames import Topics
from stockpulse_engine.api.outbox import IDLE_CODE, STOP_CODE, Closing, Outbox
from stockpulse_engine.api.pending import Pending
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.api.snapshot import take_snapshot
from stockpulse_engine.api.ticker import Handle, Scheduler, Ticker
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bus.topics import (
    AccountTouched,
    AlertRaised,
    LiveSet,
    OrderChanged,
    PartChanged,
    TradingStateSet,
)
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import Bar, Depth, InstrumentStatus, NewsItem, Quote, Trade, parse_bar_spec
from stockpulse_engine.domain.views import HealthView, StudyPoint
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.wire.stream import Alert

VIEWS_S = 0.25
"""Least time between two computations of accounts and positions."""
SLOW_S = 1.0
"""Beat of health, clock, references, sparks, heartbeats and idle heads."""
HEARTBEAT_NS = 10_000_000_000
_SECOND_NS = 1_000_000_000
KEPT_ALERTS = 20
_log = get_logger("api.hub")


class StreamHub:
    """All heads of this engine. Handlers of the bus only note what changed; frames are made on beats."""

    def __init__(
        self,
        services: EngineServices,
        clock: Clock,
        *,
        settings: ApiSettings | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._settings = settings or ApiSettings()
        self.arms = Arms(clock, self._on_arms, is_live=self._is_live)
        self.tickers: dict[int, Ticker] = {}
        self.resyncs = 0
        self.frames = 0
        """Frames written to sockets."""
        self._past_bodies = 0
        self.tick_to_cell_ns: deque[int] = deque(maxlen=512)
        self.lag_s = 0.0
        """How late the last slow beat was: the loop's lag."""
        self._services = services
        self._clock = clock
        self._given_scheduler = scheduler
        self._follower = Follower(services)
        self._alerts: deque[Alert] = deque(maxlen=KEPT_ALERTS)
        self._wanted: frozenset[str] = frozenset()
        self._undo: list[Callable[[], None]] = []
        self._views_timer: Handle | None = None
        self._views_at = 0.0
        self._slow_timer: Handle | None = None
        self._slow_due = 0.0
        self._heartbeat_at = clock.monotonic_ns()
        self._was_ready = False
        self._fetches: set[asyncio.Task[None]] = set()

    @property
    def heads(self) -> int:
        """How many heads are attached."""
        return sum(len(ticker.heads) for ticker in self.tickers.values())

    @property
    def is_full(self) -> bool:
        """Whether another head would be one too many."""
        return self.heads >= self._settings.max_sockets

    @property
    def bodies(self) -> int:
        """Shared bodies encoded so far; with frames it tells how much was shared."""
        return self._past_bodies + sum(ticker.encoded for ticker in self.tickers.values())

    @property
    def deepest(self) -> int:
        """Facts waiting for the head that is furthest behind."""
        return max((head.waiting for head in self._all_heads()), default=0)

    @property
    def worst_tick_s(self) -> float:
        """The longest tick-to-cell time among the heads' last reports."""
        return max(self.tick_to_cell_ns, default=0) / 1e9

    def start(self) -> None:
        """Follow the bus."""
        bus = self._services.bus
        handlers: tuple[tuple[type, Callable[[Any], None]], ...] = (
            (Quote, self._on_quote),
            (Trade, self._on_trade),
            (Depth, self._on_depth),
            (Bar, self._on_bar),
            (StudyPoint, self._on_study),
            (InstrumentStatus, self._on_status),
            (NewsItem, self._on_news),
            (ClockState, self._on_clock),
            (OrderChanged, self._on_order),
            (AccountTouched, self._on_account),
            (LiveSet, self._on_live),
            (TradingStateSet, self._on_state),
            (AlertRaised, self._on_alert),
            (PartChanged, self._on_part),
        )
        self._undo = [bus.subscribe(kind, handler) for kind, handler in handlers]
        self._slow_beat()

    def stop(self) -> None:
        """Stop following and end every session."""
        for undo in self._undo:
            undo()
        self._undo = []
        for handle in (self._views_timer, self._slow_timer):
            if handle is not None:
                handle.cancel()
        self._views_timer = self._slow_timer = None
        for task in tuple(self._fetches):
            task.cancel()
        for head in self._all_heads():
            head.close(Closing(STOP_CODE, "The engine is stopping.", "resync"))
        for ticker in self.tickers.values():
            ticker.cancel()

    def attach(self, head: Outbox, rate_ms: int) -> None:
        """Add a head; its snapshot goes first, and nothing before that moment is repeated."""
        if not self.tickers:
            self._prime()
        self._refresh_holdings()
        for ticker in self.tickers.values():
            ticker.flush()
        ticker = self.tickers.get(rate_ms) or self.tickers.setdefault(rate_ms, Ticker(rate_ms, self._scheduler))
        head.add(self._snapshot(head.topics))
        ticker.heads.add(head)
        self._count_topics()
        self._fetch_bars(head, head.topics)

    def detach(self, head: Outbox) -> None:
        """Remove a head."""
        for rate, ticker in tuple(self.tickers.items()):
            ticker.heads.discard(head)
            if not ticker.heads:
                ticker.cancel()
                self._past_bodies += ticker.encoded
                del self.tickers[rate]
        self._count_topics()

    def subscribe(self, head: Outbox, topics: Topics) -> None:
        """Replace a head's topics; the state of the new ones comes inside its next delta."""
        added = topics - head.topics
        for ticker in self.tickers.values():
            if head in ticker.heads:
                ticker.flush()
        snapshot = self._snapshot(added) if added else Pending()
        snapshot.instruments = {}
        head.set_topics(topics, snapshot)
        self._count_topics()
        self._fetch_bars(head, added)

    @property
    def _scheduler(self) -> Scheduler:
        return self._given_scheduler or asyncio.get_running_loop()

    def _all_heads(self) -> list[Outbox]:
        return [head for ticker in self.tickers.values() for head in ticker.heads]

    def _count_topics(self) -> None:
        self._wanted = frozenset(topic for head in self._all_heads() for topic in head.topics)

    def _snapshot(self, topics: Topics) -> Pending:
        pending = take_snapshot(self._services, topics)
        if "accounts" in topics:
            pending.merge(self._follower.everything())
        pending.arms = self.arms.views()
        pending.alerts = list(self._alerts)
        if "health" in topics:
            pending.health = self._health()
        return pending

    def _health(self) -> HealthView:
        return msgspec.structs.replace(self._services.system.health(), heads=self.heads)

    def _fetch_bars(self, head: Outbox, topics: Iterable[str]) -> None:
        """Ask for the newest bars of new topics: the answer goes to the head, and the series is kept current."""
        wanted = [topic for topic in topics if topic.startswith("bars:")]
        if wanted:
            task = spawn(self._send_bars(head, wanted), name=f"bars {head.head_id}")
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)

    async def _send_bars(self, head: Outbox, topics: list[str]) -> None:
        pending = Pending()
        for topic in topics:
            _, instrument_id, spec = topic.split(":")
            try:
                bars = await self._services.market.bars(instrument_id, parse_bar_spec(spec), limit=2)
            except StockPulseError as error:
                _log.warning("bars_not_available", topic=topic, error=str(error))
                continue
            for bar in bars:
                pending.bars[topic, bar.ts_event] = bar
        if not pending.is_empty:
            head.add(pending)

    # What the bus tells. Each handler notes the change for every rate, and sets the next beat.

    def _on_quote(self, quote: Quote) -> None:
        for ticker in self.tickers.values():
            ticker.pending.quotes[quote.instrument_id] = quote
            ticker.touch()
        if quote.instrument_id in self._follower.held:
            self._touch_views()

    def _on_trade(self, trade: Trade) -> None:
        if f"trades:{trade.instrument_id}" in self._wanted:
            for ticker in self.tickers.values():
                ticker.pending.add_trade(trade)
                ticker.touch()

    def _on_depth(self, depth: Depth) -> None:
        if f"depth:{depth.instrument_id}" in self._wanted:
            for ticker in self.tickers.values():
                ticker.pending.depths[depth.instrument_id] = depth
                ticker.touch()

    def _on_bar(self, bar: Bar) -> None:
        topic = f"bars:{bar.instrument_id}:{bar.spec}"
        if topic in self._wanted:
            for ticker in self.tickers.values():
                ticker.pending.bars[topic, bar.ts_event] = bar
                ticker.touch()

    def _on_study(self, point: StudyPoint) -> None:
        topic = f"study:{point.instrument_id}:{point.spec}:{point.study}"
        if topic in self._wanted:
            for ticker in self.tickers.values():
                ticker.pending.studies[topic, point.ts_event] = point
                ticker.touch()

    def _on_status(self, status: InstrumentStatus) -> None:
        for ticker in self.tickers.values():
            ticker.pending.statuses[status.instrument_id] = status
            ticker.hurry()

    def _on_news(self, item: NewsItem) -> None:
        for ticker in self.tickers.values():
            ticker.pending.news.append(item)
            ticker.touch()

    def _on_clock(self, _: ClockState) -> None:
        clock = self._services.market.clock()
        for ticker in self.tickers.values():
            ticker.pending.clock = clock
            ticker.hurry()

    def _on_order(self, change: OrderChanged) -> None:
        for ticker in self.tickers.values():
            ticker.pending.orders.append(change.order)
            if change.fill is not None:
                ticker.pending.fills.append(change.fill)
            ticker.hurry()
        self._touch_views()

    def _on_account(self, _: AccountTouched) -> None:
        self._touch_views()

    def _on_state(self, _: TradingStateSet) -> None:
        halt = self._services.trading.halt_view()
        if halt.state is TradingState.HALTED:
            self.arms.disarm_all()
        for ticker in self.tickers.values():
            ticker.pending.halt = halt
            ticker.hurry()

    def _on_alert(self, raised: AlertRaised) -> None:
        alert = Alert(ts_event=raised.ts_event, level=raised.level, text=raised.text, subject=raised.subject)
        self._alerts.append(alert)
        for ticker in self.tickers.values():
            ticker.pending.alerts.append(alert)
            ticker.hurry()

    def _on_part(self, _: PartChanged) -> None:
        self._tell_health()
        self._touch_views()  # the broker's comparison may be a fresh one

    def _is_live(self, account_id: str) -> bool:
        views = self._services.trading.live.views()
        return any(one.is_armed for one in views if one.account_id == account_id)

    def _on_live(self, _: LiveSet) -> None:
        self.arms.expire()

    def _on_arms(self) -> None:
        views = self.arms.views()
        for ticker in self.tickers.values():
            ticker.pending.arms = views
            ticker.hurry()

    # Computed views and the slow beat.

    def _touch_views(self) -> None:
        if self._views_timer is None and self.tickers:
            due = max(self._scheduler.time(), self._views_at + VIEWS_S)
            self._views_timer = self._scheduler.call_at(due, self._refresh_views)

    def _refresh_views(self) -> None:
        self._views_timer = None
        self._views_at = self._scheduler.time()
        self._refresh_holdings()

    def _refresh_holdings(self) -> None:
        self._spread(self._follower.holdings())

    def _spread(self, pending: Pending) -> None:
        if not pending.is_empty:
            for ticker in self.tickers.values():
                ticker.pending.merge(pending)
                ticker.touch()

    def _slow_beat(self) -> None:
        now = self._scheduler.time()
        self.lag_s = max(0.0, now - self._slow_due) if self._slow_due else 0.0
        self._slow_due = now + SLOW_S
        self._slow_timer = self._scheduler.call_at(self._slow_due, self._slow_beat)
        self.arms.expire()
        if self.tickers:
            self._tell_health()
            self._tell_market()
            self._check_heads()

    def _tell_health(self) -> None:
        health = self._health()
        for ticker in self.tickers.values():
            ticker.pending.health = health
            ticker.touch()
        if bool(health.ready_at) and not self._was_ready:
            self._tell_everything()
        self._was_ready = bool(health.ready_at)

    def _prime(self) -> None:
        """The first head gets everything in its snapshot: from here on only differences are told."""
        self._was_ready = bool(self._services.system.health().ready_at)
        self._tell_market()

    def _tell_everything(self) -> None:
        """The engine became ready: what a head could not get before comes now."""
        self._refresh_holdings()
        for head in self._all_heads():
            head.add(self._snapshot(head.topics))
            self._fetch_bars(head, head.topics)

    def _tell_market(self) -> None:
        try:
            pending = self._follower.market()
            pending.clock = self._services.market.clock()
        except StockPulseError as error:
            _log.debug("market_not_available", error=str(error))
            return
        self._spread(pending)

    def _check_heads(self) -> None:
        now = self._clock.monotonic_ns()
        is_beat = now - self._heartbeat_at >= HEARTBEAT_NS
        if is_beat:
            self._heartbeat_at = now
        for head in self._all_heads():
            if now - head.heard_at > self._settings.idle_s * _SECOND_NS:
                head.close(Closing(IDLE_CODE, f"Nothing was heard from you for {self._settings.idle_s} seconds."))
            elif is_beat:
                head.ask_heartbeat()
