"""What the API needs from the engine; `bootstrap` hands in objects that satisfy these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stockpulse_engine.api.brokers import BrokersPort, LivePort
from stockpulse_engine.api.comparing import ComparingPort
from stockpulse_engine.api.history import HistoryPort
from stockpulse_engine.api.jobs import JobsPort
from stockpulse_engine.api.past import PastPort
from stockpulse_engine.api.recordings import RecordingsPort
from stockpulse_engine.api.risk import RiskPort
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, BarSpec, Depth, InstrumentStatus, NewsItem, Quote
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import (
    AccountView,
    ClockView,
    DayReview,
    Explanation,
    HaltView,
    HealthView,
    LogEntry,
    LotView,
    OrderLife,
    PortfolioView,
    PositionView,
    Preview,
    StudyView,
    VerifyResult,
)


class TradingPort(Protocol):
    """Commands and views of orders. Every command returns after its journal entry is durable."""

    @property
    def live(self) -> LivePort:
        """Arming for live money."""
        ...

    @property
    def comparing(self) -> ComparingPort:
        """Accounts against their brokers."""
        ...

    async def adopt(self, account: Account, holdings: Sequence[VenueHolding] | None, actor: str) -> AccountView:
        """Open an account that exists at its broker; ConflictError, InvalidValueError, UnavailableError."""
        ...

    async def submit(self, command: SubmitOrder, actor: str) -> tuple[tuple[Order, ...], bool]:
        """Orders made (entry first) and whether this was a replay; DeniedError, ConflictError, UnavailableError."""
        ...

    async def preview(self, command: SubmitOrder) -> Preview:
        """What would happen, through the same gate; never raises for a denial."""
        ...

    async def send_staged(self, client_order_id: str, request_id: str, actor: str) -> tuple[Order, ...]:
        """Send an INITIALIZED order (and its bracket) now."""
        ...

    async def discard_staged(self, client_order_id: str, request_id: str, actor: str) -> Order:
        """Throw an INITIALIZED order away."""
        ...

    async def cancel(self, command: CancelOrder, actor: str) -> Order:
        """Ask to cancel; also for UNKNOWN orders and when HALTED."""
        ...

    async def cancel_matching(self, pattern: str, account_id: str, actor: str) -> tuple[str, ...]:
        """Ask to cancel every open order whose symbol matches the glob; returns their ids."""
        ...

    async def declare_dead(self, client_order_id: str, *, reason: str, word: str, actor: str) -> Order:
        """An UNKNOWN order does not work at its broker; ConflictError, ForbiddenError, InvalidValueError."""
        ...

    async def modify(self, command: ModifyOrder, actor: str) -> Order:
        """Ask for new terms."""
        ...

    async def open_account(self, account: Account, actor: str) -> AccountView:
        """Open a paper account (idempotent for the same body)."""
        ...

    async def change_state(self, action: str, *, reason: str, word: str, account_id: str, actor: str) -> HaltView:
        """halt | reduce | flatten | resume; flatten and resume check the typed word (FLATTEN, RESUME)."""
        ...

    def halt_view(self) -> HaltView:
        """The trading state now."""
        ...

    def orders(self, *, scope: str, account_id: str = "", limit: int = 500) -> Sequence[Order]:
        """scope: working | unknown | today | history | staged | all; newest first."""
        ...

    def order(self, client_order_id: str) -> Order:
        """One order by its full id or an unambiguous prefix; raises NotFoundError."""
        ...

    def fills(self, *, account_id: str = "", client_order_id: str = "", limit: int = 500) -> Sequence[Fill]:
        """Fills, newest first."""
        ...

    async def life(self, client_order_id: str) -> OrderLife:
        """Everything the journal knows about the order."""
        ...

    async def log(self, *, after_seq: int | None, limit: int) -> Sequence[LogEntry]:
        """Journal records for people."""
        ...

    async def verify_log(self) -> VerifyResult:
        """Walk the whole chain against the external head."""
        ...


class PortfolioPort(Protocol):
    """Balances and holdings, derived from the ledger at the marks."""

    def account_ids(self) -> Sequence[str]:
        """Open accounts, the default first."""
        ...

    def account(self, account_id: str = "") -> AccountView:
        """Balances; "" is the default account. Raises NotFoundError."""
        ...

    def positions(self, account_id: str = "") -> Sequence[PositionView]:
        """Open positions, largest first."""
        ...

    def portfolio(self, account_id: str = "") -> PortfolioView:
        """Account, positions and equity curve."""
        ...

    def lots(self, account_id: str = "", instrument_id: str = "") -> Sequence[LotView]:
        """Open lots in the order FIFO would close them."""
        ...

    def day(self, account_id: str = "", session_date: str = "") -> DayReview:
        """The session's review; "" is the current session."""
        ...


class MarketPort(Protocol):
    """Latest values and history."""

    def instruments(self) -> Sequence[Instrument]:
        """Everything tradable in this world."""
        ...

    def resolve(self, text: str) -> Instrument:
        """`AAPL`, `aapl` or `AAPL.XNAS`; raises NotFoundError naming the nearest."""
        ...

    async def chart_id(self, text: str) -> str:
        """What bars may be asked of: traded here, held in history, or a provider's own symbol; NotFoundError else."""
        ...

    def quote(self, instrument_id: str) -> Quote | None:
        """Latest quote or None."""
        ...

    def quotes(self) -> Sequence[Quote]:
        """Latest quote of each instrument that has one."""
        ...

    def quote_age_ns(self, instrument_id: str) -> int:
        """Time since the quote was last confirmed, on the clock confirmations arrive by; -1 without one."""
        ...

    def depth(self, instrument_id: str) -> Depth | None:
        """Latest depth or None."""
        ...

    def statuses(self) -> Sequence[InstrumentStatus]:
        """Phase and halt of each instrument."""
        ...

    def news(self, limit: int = 50) -> Sequence[NewsItem]:
        """Latest headlines, newest first."""
        ...

    def references(self) -> dict[str, tuple[str, str, str]]:
        """instrument id → (previous close, day low, day high) as decimal text."""
        ...

    def sparks(self) -> dict[str, tuple[float, ...]]:
        """instrument id → today's closes at 8 even steps."""
        ...

    async def bars(self, instrument_id: str, spec: BarSpec, *, limit: int, end_ns: int | None = None) -> Sequence[Bar]:
        """The last bars, oldest first, the newest possibly open; also `yahoo:SYMBOL` where a network is there."""
        ...

    async def study(self, instrument_id: str, spec: BarSpec, text: str, limit: int) -> StudyView:
        """A study over the last bars; from now on its newest value is published as a StudyPoint."""
        ...

    async def external_quote(self, symbol: str) -> Quote:
        """Quote of an outside source's own symbol, like `yahoo:AAPL`; raises UnavailableError without a network."""
        ...

    def clock(self) -> ClockView | None:
        """Market time and session, None before the venue answered."""
        ...

    async def control(self, action: str, *, speed: float, step_ns: int, to_ns: int = 0) -> ClockView:
        """speed | pause | resume | step; raises ForbiddenError in the live world."""
        ...

    def explain(self, name: str, instrument_id: str) -> Explanation:
        """How a market cell (last, chg%, spread …) is made."""
        ...


class SystemPort(Protocol):
    """The engine about itself."""

    def health(self) -> HealthView:
        """State of every part."""
        ...

    async def backup(self) -> tuple[str, int]:
        """Write a consistent backup; returns (file name, bytes)."""
        ...

    async def stop(self) -> None:
        """Begin the ordered stop."""
        ...


class EngineServices(Protocol):
    """Everything the API serves, and the bus it follows for the stream."""

    @property
    def bus(self) -> Bus:
        """Publishes Quote, Trade, Depth, Bar, InstrumentStatus, NewsItem, OrderChanged, AccountTouched, …."""
        ...

    @property
    def trading(self) -> TradingPort:
        """Commands and order views."""
        ...

    @property
    def portfolio(self) -> PortfolioPort:
        """Balances and holdings."""
        ...

    @property
    def market(self) -> MarketPort:
        """Latest values and history."""
        ...

    @property
    def history(self) -> HistoryPort:
        """What is stored, and SQL over it."""
        ...

    @property
    def past(self) -> PastPort:
        """What was known at a moment."""
        ...

    @property
    def risk(self) -> RiskPort:
        """Limits, and how full they are."""
        ...

    @property
    def jobs(self) -> JobsPort:
        """Batch jobs."""
        ...

    @property
    def recordings(self) -> RecordingsPort:
        """Recorded sessions."""
        ...

    @property
    def brokers(self) -> BrokersPort:
        """Connections to brokers."""
        ...

    @property
    def system(self) -> SystemPort:
        """Health, backup, stop."""
        ...
