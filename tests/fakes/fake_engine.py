"""An engine of ordinary classes with fixed data: what the API is tested against.

`FakeEngine.effects` records every change that was asked for, so that a test can say what must not have happened.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.api.past import PastPort
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AccountTouched, OrderChanged, TradingStateSet
from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType, TradingState
from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, ForbiddenError, NotFoundError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import AssetClass, Instrument, symbol_of
from stockpulse_engine.domain.market import (
    Bar,
    BarSpec,
    Depth,
    InstrumentStatus,
    Level,
    MarketPhase,
    NewsItem,
    Quote,
)
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.recordings import RecordingsView, RecordingView
from stockpulse_engine.domain.views import (
    AccountView,
    ClockView,
    DayReview,
    EquityPoint,
    Explanation,
    FeedCounts,
    HaltView,
    HealthView,
    LogEntry,
    LotView,
    OrderLife,
    PartHealth,
    PortfolioView,
    PositionView,
    Preview,
    PreviewRow,
    StudyView,
    VerifyResult,
    WhyStep,
)
from tests.fakes.fake_brokers import FakeBrokers, FakeLive
from tests.fakes.fake_comparing import FakeComparing
from tests.fakes.fake_history import FakeHistory
from tests.fakes.fake_jobs import FakeJobs
from tests.fakes.fake_past import FakePast
from tests.fakes.fake_risk import FakeRisk

NOW = 1_700_000_000_000_000_000
MINUTE = 60_000_000_000
SYMBOLS = ("AAPL.XNAS", "MSFT.XNAS", "SPY.ARCX")


def quote(instrument_id: str = "AAPL.XNAS", bid: str = "100.00", ts_event: int = NOW) -> Quote:
    """A quote one cent wide."""
    price = Decimal(bid)
    return Quote(instrument_id, price, price + Decimal("0.01"), Decimal(300), Decimal(200), ts_event, "fake", price)


def depth(instrument_id: str = "AAPL.XNAS", bid: str = "100.00", ts_event: int = NOW) -> Depth:
    """Two levels each side."""
    price, cent, size = Decimal(bid), Decimal("0.01"), Decimal(100)
    bids = tuple(Level(price - cent * level, size) for level in range(2))
    return Depth(instrument_id, bids, tuple(Level(price + cent * (level + 1), size) for level in range(2)), ts_event)


def terms(instrument_id: str = "AAPL.XNAS", quantity: str = "100", limit: str = "100.00") -> OrderTerms:
    """A limit order to buy."""
    return OrderTerms(
        account_id="main",
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(limit),
    )


def fill_of(order: Order, number: int = 1) -> Fill:
    """One share of the order."""
    return Fill(
        fill_id=f"F{number}",
        client_order_id=order.client_order_id,
        account_id=order.terms.account_id,
        instrument_id=order.terms.instrument_id,
        sign=order.terms.side.sign,
        quantity=Decimal(1),
        price=Decimal("100.00"),
        ts_event=NOW,
    )


def _is_in(order: Order, scope: str) -> bool:
    if scope == "working":
        return order.status.is_working
    if scope == "unknown":
        return order.is_unknown
    return scope != "staged" or order.status is OrderStatus.INITIALIZED


class FakeTrading:
    """Orders in a dictionary; quantity 666 is denied."""

    def __init__(self, bus: Bus, effects: list[str]) -> None:
        self._bus = bus
        self._effects = effects
        self.book: dict[str, Order] = {}
        self.all_fills: list[Fill] = []
        self.halt = HaltView(state=TradingState.ACTIVE, reason="", since=0, actor="", is_latched=False)
        self.commands: dict[str, SubmitOrder] = {}
        self.live = FakeLive(effects)
        self.comparing = FakeComparing(effects)
        self._seq = 0

    def put(self, order: Order, fill: Fill | None = None) -> None:
        """Store an order as the journal would have it, then tell the bus."""
        self._seq += 1
        self.book[order.client_order_id] = order
        if fill is not None:
            self.all_fills.append(fill)
        kind = OrderEventKind.FILL if fill else OrderEventKind.SUBMIT
        event = OrderEvent(client_order_id=order.client_order_id, kind=kind, ts_event=NOW, recorded_at=NOW)
        self._bus.publish(OrderChanged(order=order, event=event, fill=fill, seq=self._seq))

    async def submit(self, command: SubmitOrder, actor: str) -> tuple[tuple[Order, ...], bool]:
        """The same command twice is one order."""
        known = self.commands.get(command.client_order_id)
        if known is not None:
            if known != command:
                raise ConflictError(f"{command.client_order_id} is another order.", fix="Mint a new id.")
            return (self.book[command.client_order_id],), True
        if command.terms.quantity == Decimal(666):
            raise DeniedError("666 is too much.", denial="QUANTITY", fix="Buy less.")
        self._effects.append(f"submit {command.client_order_id} by {actor}")
        self.commands[command.client_order_id] = command
        status = OrderStatus.INITIALIZED if command.is_staged else OrderStatus.SUBMITTED
        order = Order(client_order_id=command.client_order_id, terms=command.terms, status=status, created_at=NOW)
        self.put(order)
        return (order,), False

    async def preview(self, command: SubmitOrder) -> Preview:
        """Always allowed."""
        row = PreviewRow(name="cost", text="10,000.00", verdict="ok", explanation="quantity × limit")
        return Preview(sentence=f"Buy {command.terms.quantity}", notional=None, rows=(row,), is_allowed=True)

    async def send_staged(self, client_order_id: str, request_id: str, actor: str) -> tuple[Order, ...]:
        """INITIALIZED becomes SUBMITTED."""
        return (self._change("send", client_order_id, OrderStatus.SUBMITTED, actor),)

    async def discard_staged(self, client_order_id: str, request_id: str, actor: str) -> Order:
        """INITIALIZED becomes CANCELED."""
        return self._change("discard", client_order_id, OrderStatus.CANCELED, actor)

    async def cancel(self, command: CancelOrder, actor: str) -> Order:
        """A cancel is asked for."""
        return self._change("cancel", command.client_order_id, OrderStatus.PENDING_CANCEL, actor)

    async def cancel_matching(self, pattern: str, account_id: str, actor: str) -> tuple[str, ...]:
        """Cancels by symbol."""
        found = [
            order.client_order_id
            for order in self.book.values()
            if order.is_open and fnmatch.fnmatch(symbol_of(order.terms.instrument_id), pattern)
        ]
        for client_order_id in found:
            self._change("cancel", client_order_id, OrderStatus.PENDING_CANCEL, actor)
        return tuple(found)

    async def modify(self, command: ModifyOrder, actor: str) -> Order:
        """New terms are asked for."""
        return self._change("modify", command.client_order_id, OrderStatus.PENDING_UPDATE, actor)

    async def open_account(self, account: Account, actor: str) -> AccountView:
        """Opens it."""
        self._effects.append(f"open {account.account_id} by {actor}")
        return account_view(account)

    async def change_state(self, action: str, *, reason: str, word: str, account_id: str, actor: str) -> HaltView:
        """Sets the state; resume wants its word."""
        if action == "resume" and word != "RESUME":
            raise ForbiddenError("The word is missing.", fix="Type RESUME.")
        self._effects.append(f"{action} by {actor}")
        state = {"halt": TradingState.HALTED, "resume": TradingState.ACTIVE}.get(action, TradingState.REDUCING)
        self.halt = replace(self.halt, state=state, reason=reason, actor=actor)
        self._bus.publish(TradingStateSet(actor=actor))
        return self.halt

    async def declare_dead(self, client_order_id: str, *, reason: str, word: str, actor: str) -> Order:
        """Only with its word."""
        if word != "DEAD":
            raise ForbiddenError("Type DEAD.")
        self._effects.append(f"dead {client_order_id}")
        return self.order(client_order_id)

    async def adopt(self, account: Account, holdings: Sequence[VenueHolding] | None, actor: str) -> AccountView:
        """Taken over as if it were the paper account."""
        self._effects.append(f"adopt {account.account_id} from {account.broker}")
        return FakePortfolio(self._bus).account()

    def halt_view(self) -> HaltView:
        """The state."""
        return self.halt

    def orders(self, *, scope: str, account_id: str = "", limit: int = 500) -> Sequence[Order]:
        """Newest first."""
        return [order for order in list(self.book.values())[::-1] if _is_in(order, scope)][:limit]

    def order(self, client_order_id: str) -> Order:
        """By id."""
        if client_order_id not in self.book:
            raise NotFoundError(f"There is no order {client_order_id}.", fix="See `sp orders`.")
        return self.book[client_order_id]

    def fills(self, *, account_id: str = "", client_order_id: str = "", limit: int = 500) -> Sequence[Fill]:
        """Newest first."""
        return list(reversed(self.all_fills))[:limit]

    async def life(self, client_order_id: str) -> OrderLife:
        """One step."""
        step = WhyStep(seq=1, recorded_at=NOW, ts_event=NOW, gap_ns=0, mark="●", step="SUBMIT", sentence="Sent.")
        order = self.order(client_order_id)
        return OrderLife(order=order, fills=(), steps=(step,), hops={"ack": 1}, is_verified=True)

    async def log(self, *, after_seq: int | None, limit: int) -> Sequence[LogEntry]:
        """One entry."""
        return [LogEntry(seq=1, recorded_at=NOW, kind="order", subject="C1", sentence="Sent.", digest="00")]

    async def verify_log(self) -> VerifyResult:
        """All well."""
        return VerifyResult(is_ok=True, entries=1, head_seq=1, broken_at=0)

    def _change(self, word: str, client_order_id: str, status: OrderStatus, actor: str) -> Order:
        order = replace(self.order(client_order_id), status=status)
        self._effects.append(f"{word} {client_order_id} by {actor}")
        self.put(order)
        return order


def account(account_id: str = "main", kind: AccountKind = AccountKind.PAPER) -> Account:
    """An account with 100,000 USD."""
    return Account(
        account_id=account_id,
        kind=kind,
        account_type=AccountType.MARGIN,
        currency="USD",
        initial_cash=Decimal(100_000),
    )


def account_view(of: Account, equity: str = "100000") -> AccountView:
    """Balances of an account that holds nothing."""
    zero, worth = Decimal(0), Decimal(equity)
    return AccountView(
        account=of,
        cash=worth,
        reserved=zero,
        equity=worth,
        market_value=zero,
        gross_exposure=zero,
        net_exposure=zero,
        buying_power=worth,
        realized=zero,
        unrealized=zero,
        day_pnl=zero,
        fees=zero,
        equity_open=worth,
        maintenance_margin=zero,
        margin_call=zero,
        loss_left=None,
        unknown_orders=0,
        working_orders=0,
        stale_marks=0,
        reconciled_at=NOW,
    )


def position(instrument_id: str = "AAPL.XNAS", quantity: str = "10") -> PositionView:
    """A position at its cost."""
    price = Decimal(100)
    return PositionView(
        account_id="main",
        instrument_id=instrument_id,
        quantity=Decimal(quantity),
        average_cost=price,
        mark=price,
        mark_ts=NOW,
        mark_source="mid",
        value=price * Decimal(quantity),
        unrealized=Decimal(0),
        realized=Decimal(0),
        day_pnl=Decimal(0),
        fees=Decimal(0),
    )


class FakePortfolio:
    """One paper account, one live one that nobody may use unarmed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.views = {
            "main": account_view(account()),
            "real": account_view(account("real", AccountKind.LIVE)),
        }
        self.held: dict[str, PositionView] = {}

    def set_positions(self, *views: PositionView) -> None:
        """Replace the holdings and tell the bus."""
        self.held = {view.instrument_id: view for view in views}
        self._bus.publish(AccountTouched(account_id="main"))

    def account_ids(self) -> Sequence[str]:
        """Both."""
        return tuple(self.views)

    def account(self, account_id: str = "") -> AccountView:
        """By id."""
        if (account_id or "main") not in self.views:
            raise NotFoundError(f"There is no account {account_id}.")
        return self.views[account_id or "main"]

    def positions(self, account_id: str = "") -> Sequence[PositionView]:
        """Of the paper account."""
        return tuple(self.held.values()) if account_id in ("", "main") else ()

    def portfolio(self, account_id: str = "") -> PortfolioView:
        """All of it."""
        curve = (EquityPoint(NOW, Decimal(100_000), Decimal(0)),)
        return PortfolioView(account=self.account(account_id), positions=tuple(self.positions(account_id)), curve=curve)

    def lots(self, account_id: str = "", instrument_id: str = "") -> Sequence[LotView]:
        """None."""
        return ()

    def day(self, account_id: str = "", session_date: str = "") -> DayReview:
        """A quiet day."""
        zero = Decimal(0)
        return DayReview(
            account_id=account_id or "main",
            session_date=session_date or "2023-11-14",
            equity_open=Decimal(100_000),
            equity_now=Decimal(100_000),
            realized=zero,
            fees=zero,
            spread_cost=zero,
            slippage=zero,
            orders=(),
            refusals=(),
            kills_survived=0,
            curve=(),
        )


class FakeMarket:
    """Quotes that change only when a test says so."""

    def __init__(self, bus: Bus, effects: list[str], symbols: Sequence[str] = SYMBOLS) -> None:
        self._bus = bus
        self._effects = effects
        self.listed = [
            Instrument(
                instrument_id=symbol,
                name=symbol_of(symbol),
                asset_class=AssetClass.EQUITY,
                currency="USD",
                tick_size=Decimal("0.01"),
            )
            for symbol in symbols
        ]
        self.latest = {symbol: quote(symbol) for symbol in symbols}
        self.books = {symbol: depth(symbol) for symbol in symbols}
        self.headlines: list[NewsItem] = [NewsItem("Quiet day", (), NOW, "fake")]
        self.market_references = dict.fromkeys(symbols, ("99.00", "98.00", "101.00"))
        self.market_sparks: dict[str, tuple[float, ...]] = dict.fromkeys(symbols, (1.0, 2.0))
        self.bars_asked: list[str] = []

    def set_quote(self, new: Quote) -> None:
        """Store, then publish."""
        self.latest[new.instrument_id] = new
        self._bus.publish(new)

    def set_depth(self, new: Depth) -> None:
        """Store, then publish."""
        self.books[new.instrument_id] = new
        self._bus.publish(new)

    def add_news(self, item: NewsItem) -> None:
        """Store, then publish."""
        self.headlines.insert(0, item)
        self._bus.publish(item)

    def instruments(self) -> Sequence[Instrument]:
        """Three unless told otherwise."""
        return self.listed

    def resolve(self, text: str) -> Instrument:
        """By id or symbol."""
        for item in self.listed:
            if text.upper() in (item.instrument_id, item.symbol):
                return item
        raise NotFoundError(f"{text} is not listed.", fix="Did you mean AAPL?")

    async def chart_id(self, text: str) -> str:
        """A provider's own symbol as it is, else what is listed."""
        return text if ":" in text else self.resolve(text).instrument_id

    def quote(self, instrument_id: str) -> Quote | None:
        """The latest."""
        return self.latest.get(instrument_id)

    def quotes(self) -> Sequence[Quote]:
        """All."""
        return tuple(self.latest.values())

    def quote_age_ns(self, instrument_id: str) -> int:
        """Fresh."""
        return 0

    def depth(self, instrument_id: str) -> Depth | None:
        """The book."""
        return self.books.get(instrument_id)

    def statuses(self) -> Sequence[InstrumentStatus]:
        """Open."""
        return [InstrumentStatus(item.instrument_id, MarketPhase.OPEN, False, NOW) for item in self.listed]

    def news(self, limit: int = 50) -> Sequence[NewsItem]:
        """Newest first."""
        return self.headlines[:limit]

    def references(self) -> dict[str, tuple[str, str, str]]:
        """Previous close, low, high."""
        return self.market_references

    def sparks(self) -> dict[str, tuple[float, ...]]:
        """Two points."""
        return self.market_sparks

    async def bars(self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None) -> Sequence[Bar]:
        """Flat bars, one after the other."""
        self.bars_asked.append(f"{instrument_id} {spec} {limit}")
        price = Decimal(100)
        return [
            Bar(instrument_id, spec, NOW - step * MINUTE, price, price, price, price, Decimal(1), NOW)
            for step in range(min(limit, 3), 0, -1)
        ]

    async def study(self, instrument_id: str, spec: BarSpec, text: str, limit: int) -> StudyView:
        """Nothing but its name."""
        return StudyView(
            instrument_id=instrument_id, spec=str(spec), study=text, label=text, is_overlay=True, times=(), outputs=()
        )

    async def external_quote(self, symbol: str) -> Quote:
        """There is no network here."""
        raise UnavailableError(f"{symbol}: no network.")

    def clock(self) -> ClockView | None:
        """Open, at speed 1."""
        return ClockView(
            world="sim",
            market_ns=NOW,
            wall_ns=NOW,
            speed=1.0,
            is_paused=False,
            session_date="2023-11-14",
            phase="OPEN",
            time_zone="America/New_York",
            next_change_ns=NOW + MINUTE,
            next_phase="CLOSED",
        )

    async def control(self, action: str, *, speed: float, step_ns: int, to_ns: int = 0) -> ClockView:
        """Notes what was asked."""
        self._effects.append(f"market {action} {speed:g}")
        clock = self.clock()
        assert clock is not None
        return replace(clock, speed=speed)

    def explain(self, name: str, instrument_id: str) -> Explanation:
        """The last price."""
        return Explanation(name=name, value="100.00", source="fake", age_ns=0, formula="last", inputs={})


class FakeRecordings:
    """Notes what was asked; one session is there."""

    def __init__(self, effects: list[str]) -> None:
        self._effects = effects

    async def start(self, name: str) -> RecordingView:
        """Begins."""
        self._effects.append(f"record {name}")
        return _recording(name, "recording")

    async def stop(self) -> RecordingView:
        """Ends."""
        self._effects.append("record stop")
        return _recording("morning", "whole")

    async def view(self) -> RecordingsView:
        """One."""
        return RecordingsView(running="", recordings=(_recording("morning", "whole"),))


def _recording(name: str, state: str) -> RecordingView:
    return RecordingView(name=name, state=state, world="sim", started_at=1, first_ns=1, last_ns=2, events=3, bytes=4)


class FakeSystem:
    """A healthy engine."""

    def __init__(self, trading: FakeTrading, market: FakeMarket, effects: list[str]) -> None:
        self._trading = trading
        self._market = market
        self._effects = effects
        self.ready_at = NOW
        self.feed = FeedCounts()
        self.backup_error: Exception | None = None

    def health(self) -> HealthView:
        """All parts well."""
        return HealthView(
            status="ok" if self.ready_at else "starting",
            version="0.1.0",
            protocol=1,
            world="sim",
            pid=1,
            started_at=NOW,
            ready_at=self.ready_at,
            step="" if self.ready_at else "replaying the journal",
            parts=(PartHealth(name="feed", state="ok", age_ns=1_000_000),),
            heads=0,
            journal_seq=7,
            journal_digest="00",
            halt=self._trading.halt_view(),
            clock=self._market.clock(),
            feed=self.feed,
        )

    async def backup(self) -> tuple[str, int]:
        """Notes it."""
        if self.backup_error is not None:
            raise self.backup_error
        self._effects.append("backup")
        return "backup-1.tar", 4096

    async def stop(self) -> None:
        """Notes it."""
        self._effects.append("stop")


class FakeEngine:
    """All ports together; satisfies `api.ports.EngineServices`."""

    def __init__(self, symbols: Sequence[str] = SYMBOLS) -> None:
        self.errors: list[str] = []
        self.effects: list[str] = []
        self.bus = Bus(lambda value, error: self.errors.append(f"{type(value).__name__}: {error!r}"))
        self.trading = FakeTrading(self.bus, self.effects)
        self.portfolio = FakePortfolio(self.bus)
        self.market = FakeMarket(self.bus, self.effects, symbols)
        self.history = FakeHistory()
        self.past: PastPort = FakePast(NOW)
        self.jobs = FakeJobs(self.effects)
        self.risk = FakeRisk(self.effects)
        self.recordings = FakeRecordings(self.effects)
        self.brokers = FakeBrokers(self.effects)
        self.system = FakeSystem(self.trading, self.market, self.effects)
