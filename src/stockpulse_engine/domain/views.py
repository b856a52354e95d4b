"""What the engine tells about accounts, positions, health and lives of orders: derived, never stored."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.positions import Lot


class PositionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A position valued at its mark. Money in the account's currency; None where no mark is known."""

    account_id: str
    instrument_id: str
    quantity: Decimal
    average_cost: Decimal | None
    mark: Decimal | None
    mark_ts: int
    mark_source: str
    value: Decimal | None
    unrealized: Decimal | None
    realized: Decimal
    day_pnl: Decimal | None
    fees: Decimal
    weight: Decimal | None = None
    """|value| / equity, 0 … 1 and above."""
    stop_price: Decimal | None = None
    """Nearest working protective stop."""
    at_stop: Decimal | None = None
    """P&L against now if that stop fills at its price; None without a stop."""
    opened_at: int = 0
    day_base: Decimal | None = None
    """Realized and unrealized P&L before the session began, which day P&L does not count; None when unknown."""


class SuspenseView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A difference between our figure and the broker's that nothing explains, with its evidence.

    Attributes:
        instrument_id: "" is cash.
        is_blocking: new orders of the instrument (for cash: of the account) wait until it is explained.
        is_known: a person said that our figure is right; it stands and is no longer in the way.
        since: market time at which it was raised.
        report_seq: where the broker's reports stood then; `last_fills`: our newest executions then.
        price: at which accepted shares are booked unless another is named.
    """

    suspense_id: str
    account_id: str
    instrument_id: str
    ours: Decimal
    theirs: Decimal
    is_blocking: bool
    is_known: bool
    since: int
    report_seq: int = 0
    last_fills: tuple[str, ...] = ()
    price: Decimal | None = None


class ReconcileRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure on both sides; `theirs` is None before the first comparison. "" as instrument is cash."""

    instrument_id: str
    ours: Decimal
    theirs: Decimal | None = None
    suspense: SuspenseView | None = None


class ReconcileView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an account stands against its broker.

    Attributes:
        is_clean: orders may leave as far as the comparison goes.
        compared_at, compared_wall: market and wall time of the last whole comparison; 0 before the first.
        rows: what is in suspense first, cash last.
        fills_added: executions the last recorded comparison had to book.
        order_differences: orders that still differ, in words.
        failure: why it could not be compared just now, "" when it could.
    """

    account_id: str
    broker: str
    is_clean: bool
    compared_at: int
    compared_wall: int
    rows: tuple[ReconcileRow, ...]
    fills_added: int = 0
    order_differences: tuple[str, ...] = ()
    failure: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something needs a person: a difference nobody has explained, or no comparison at all."""
        is_suspended = any(row.suspense is not None and not row.suspense.is_known for row in self.rows)
        return is_suspended or bool(self.order_differences) or bool(self.failure)


class AccountView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Balances of one account at the marks. All amounts in `account.currency`."""

    account: Account
    cash: Decimal
    reserved: Decimal
    """Worst-case cost of all open orders, UNKNOWN included."""
    equity: Decimal
    market_value: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    buying_power: Decimal
    realized: Decimal
    unrealized: Decimal
    day_pnl: Decimal
    fees: Decimal
    equity_open: Decimal
    """Equity at the start of the session: the base of day P&L."""
    maintenance_margin: Decimal
    margin_call: Decimal
    """Amount missing to maintenance; 0 when none."""
    loss_left: Decimal | None
    """What may still be lost today before the daily loss limit acts; None without a limit."""
    unknown_orders: int
    working_orders: int
    stale_marks: int
    """Positions valued at a stale mark."""
    reconciled_at: int
    """Market time of the last clean comparison with the venue, 0 when never."""
    differences: tuple[str, ...] = ()
    paid_in: Decimal = Decimal(0)
    """Deposits less withdrawals since the session began, which day P&L does not count."""
    loss_limit: Decimal | None = None
    """What may be lost in a day before the daily loss limit acts; None without a limit."""
    dividends: Decimal = Decimal(0)
    """Received since the account was opened; negative is paid, by short positions. Neither realized nor unrealized."""
    withheld: Decimal = Decimal(0)
    """Tax kept from them at the source."""
    reconciled_wall: int = 0
    """Wall time of the last clean comparison with the venue since this start, 0 when there was none: how long ago it
    was does not depend on the market's pace."""
    unknown_notional: Decimal = Decimal(0)
    """What the orders of unknown outcome may still cost at worst, part of what is reserved."""
    suspense: tuple[SuspenseView, ...] = ()
    """Where the broker's figures differ from ours and nothing explains it."""


class EquityPoint(msgspec.Struct, frozen=True, array_like=True):
    """Equity at one market time; `drawdown` is its fall from the running peak as a fraction of it, never above 0."""

    ts_event: int
    equity: Decimal
    drawdown: Decimal


class PortfolioView(msgspec.Struct, frozen=True, kw_only=True):
    """Account, positions and the equity curve (bounded to 2,000 points)."""

    account: AccountView
    positions: tuple[PositionView, ...]
    curve: tuple[EquityPoint, ...]


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with its open P&L at the mark and days held."""

    lot: Lot
    unrealized: Decimal | None
    days_held: int


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the engine. `state`: ok, late, gone, off. `age_ns` since its last sign of life."""

    name: str
    state: str
    detail: str = ""
    age_ns: int = 0


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """Market time and session of the engine's world."""

    world: str
    market_ns: int
    wall_ns: int
    speed: float
    is_paused: bool
    session_date: str
    phase: str
    time_zone: str
    next_change_ns: int
    """Market time of the next phase change (open, close)."""
    next_phase: str
    is_half_day: bool = False
    is_stepping: bool = False
    """A step of the paused market is still being played."""


class HaltView(msgspec.Struct, frozen=True, kw_only=True):
    """Trading state with who, why and when."""

    state: TradingState
    reason: str
    since: int
    actor: str
    is_latched: bool
    flattening: tuple[str, ...] = ()
    """Instrument ids still to close while a flatten runs."""


class ArmView(msgspec.Struct, frozen=True, kw_only=True):
    """A head allowed to send by keys until `until_ns` (wall time)."""

    head_id: str
    account_id: str
    until_ns: int


class SourceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording held so far and what of it was not shown; counted anew when its venue starts."""

    quotes: int = 0
    """Quote rows read."""
    trades: int = 0
    """Trade rows read."""
    crossed: int = 0
    """Moments at which the last bid was above the last ask."""
    locked: int = 0
    """Moments at which they were equal."""
    refused: dict[str, int] = {}
    """Rows left out, by reason."""
    played: tuple[str, ...] = ()
    """What a replay of stored days plays each instrument from."""
    gaps: tuple[str, ...] = ()
    """What of those days is not held, when, and why."""


class FeedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What the feed has taken since the engine started."""

    batches: int = 0
    events: int = 0
    crossed: int = 0
    """Quotes held back because the bid was above the ask."""
    refused: int = 0
    """Events held back because they can not be right: not finite, not positive, older than what is known."""
    source: SourceCounts | None = None
    """What a recording held; None where the market is no recording."""


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's own account of how it is."""

    status: str
    """ok, degraded, starting, stopping."""
    version: str
    protocol: int
    world: str
    pid: int
    started_at: int
    ready_at: int
    """Wall time trading became possible; 0 while starting."""
    step: str
    """What the engine is doing now, in words, while starting."""
    parts: tuple[PartHealth, ...]
    heads: int
    journal_seq: int
    journal_digest: str
    halt: HaltView
    clock: ClockView | None
    kills_survived: int = 0
    feed: FeedCounts = FeedCounts()


class WhyStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an order's life. `gap_ns` since the step before, wall time."""

    seq: int
    recorded_at: int
    ts_event: int
    gap_ns: int
    mark: str
    step: str
    sentence: str


class OrderLife(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything the journal knows about one order; `hops` names → nanoseconds between milestones.

    `money` is PAPER or LIVE, `actor` who sent it, `limits` the name of the limits it was judged by.
    """

    order: Order
    fills: tuple[Fill, ...]
    steps: tuple[WhyStep, ...]
    hops: dict[str, int]
    is_verified: bool
    """Whether the journal's chain holds over this order's entries."""
    money: str = ""
    actor: str = ""
    limits: str = ""


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ticket's honest preview. `verdict`: ok, read, denied, info."""

    name: str
    text: str
    verdict: str
    explanation: str
    numbers: dict[str, str] = {}


class Preview(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What would happen if this order were sent now; computed by the same gate that guards sending."""

    sentence: str
    notional: Decimal | None
    rows: tuple[PreviewRow, ...]
    is_allowed: bool
    denial: str = ""
    denial_text: str = ""
    nearest_quantity: Decimal | None = None
    """The largest quantity that would pass, when a smaller one would."""
    quantity: Decimal | None = None
    as_of: int = 0
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    risk_amount: Decimal | None = None
    reward_amount: Decimal | None = None


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One journal record for people."""

    seq: int
    recorded_at: int
    kind: str
    subject: str
    sentence: str
    digest: str


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of walking the journal's chain against its head file."""

    is_ok: bool
    entries: int
    head_seq: int
    broken_at: int
    """First seq that does not verify, 0 when all do."""
    problem: str = ""


class DayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the review of a session. Money in the account's currency, positive is a cost."""

    order: Order
    fills: tuple[Fill, ...]
    arrival_mid: Decimal | None
    spread_cost: Decimal | None
    slippage: Decimal | None
    fees: Decimal
    hops: dict[str, int]
    best_excursion: Decimal | None
    worst_excursion: Decimal | None


class DayRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """An order the gate or the venue refused, with the rule and the sentence."""

    client_order_id: str
    instrument_id: str
    ts_event: int
    code: str
    sentence: str


class DayReview(msgspec.Struct, frozen=True, kw_only=True):
    """The session as its trader would review it."""

    account_id: str
    session_date: str
    equity_open: Decimal
    equity_now: Decimal
    realized: Decimal
    fees: Decimal
    spread_cost: Decimal
    slippage: Decimal
    orders: tuple[DayOrder, ...]
    refusals: tuple[DayRefusal, ...]
    kills_survived: int
    curve: tuple[EquityPoint, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a number is what it is (`?` on a cell): value, source, age, formula and the inputs to re-compute it."""

    name: str
    value: str
    source: str
    age_ns: int
    formula: str
    inputs: dict[str, str]


class StudyOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One named output of a study, one value per bar of the answer; None during warm-up.

    `ahead` are its values at the bars to come, as far as the bars held make them certain: the leading part of a cloud.
    """

    name: str
    values: tuple[float | None, ...]
    ahead: tuple[float | None, ...] = ()


class StudyView(msgspec.Struct, frozen=True, kw_only=True):
    """A study computed over bars. `times` are the starts of the bars that `values` belong to.

    Attributes:
        study: canonical text, like `sma 20`.
        label: as the read-out says it, like `sma20`.
        is_overlay: drawn over the price, else in a pane of its own.
        levels: values marked with dots in its own pane, like 30 and 70.
        hidden: outputs that are told and not drawn.
        cloud: two outputs between which the drawing is filled.
        tones: colour of each output, counted from the study's first; () for one colour over the price.
        split: the output whose sign says on which side the others are; each side is a line of its own.
        columns: outputs drawn as columns from zero.
    """

    instrument_id: str
    spec: str
    study: str
    label: str
    is_overlay: bool
    times: tuple[int, ...]
    outputs: tuple[StudyOutput, ...]
    levels: tuple[float, ...] = ()
    hidden: tuple[str, ...] = ()
    cloud: tuple[str, ...] = ()
    tones: tuple[int, ...] = ()
    split: str = ""
    columns: tuple[str, ...] = ()


class StudyPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The newest value of each output of a study, for the bar that starts at `ts_event`."""

    instrument_id: str
    spec: str
    study: str
    ts_event: int
    values: dict[str, float | None]
