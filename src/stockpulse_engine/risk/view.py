"""What the gate looks at: one consistent picture of account, market and order flow, taken just before the check."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import InstrumentStatus, Quote
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms
from stockpulse_engine.portfolio.reservations import Claim, FeeEstimate, no_fee
from stockpulse_engine.portfolio.valuation import Balances
from stockpulse_engine.portfolio.working import Working
from stockpulse_engine.risk.brakes import NO_BRAKE, Brake
from stockpulse_engine.risk.rejections import NO_REFUSALS, Refusals

T = TypeVar("T")
SECOND_NS = 1_000_000_000
MAX_RECENT = 1_000
"""Submissions of one instrument kept for the duplicate check."""
MAX_TIMES = 10_000
"""Submission times kept for the rate check."""
MAX_SESSIONS = 8
"""Trading sessions whose submissions stay counted."""


def _never(_: str) -> bool:
    return False


class Sent(msgspec.Struct, frozen=True):
    """An order that left, when (wall time), and its id."""

    terms: OrderTerms
    wall_ns: int
    key: str = ""


class Arming(msgspec.Struct, frozen=True):
    """Why a live order may not leave: at all, or for its amount alone; "" where nothing is in the way."""

    problem: str = ""
    beyond: str = ""


UNTOLD = Arming("nobody knows whether it is armed")
"""What holds for live money where nobody says anything."""


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a check may read. None means "not known", which denies; there are no optimistic defaults.

    Attributes:
        now_ns: market time; wall_ns: wall time.
        is_reconciled: our orders match the venue's as far as known.
        suspended: what the broker shows otherwise of the instrument and nothing explains; "" for nothing.
        quote_age_ns: time since the quote was last confirmed, whatever the market's speed; -1 without one.
        held: signed quantity of the instrument.
        bound: own money the open positions bind (initial requirement).
        reserved: worst case of all open orders, UNKNOWN ones included.
        gross: sum of absolute position values; net: their signed sum.
        peak: the highest equity so far, deposits taken out.
        brake: what the loss limits of the account have done.
        refusals: what the broker refused of the instrument last.
        arming: whether a live account is armed for this order; looked at for live money alone.
        pending: worst-case opening notional of all open orders of the account.
        mark: price the held position is valued at.
        claims: what the open orders of this instrument may still do.
        orders: those orders.
        entry: set when an exit of a bracket is changed whose entry may still fill: what it will have to close.
        sent: the last submissions of the instrument in this account, newest last.
        is_void: whether one of them, by its order's id, came to nothing.
        sent_last_second: submissions of the account within the last second of wall time.
        strategy_last_second, strategy_today: the same counts of the order's strategy alone.
    """

    now_ns: int
    wall_ns: int
    account: Account | None
    trading_state: TradingState | None
    is_reconciled: bool
    instrument: Instrument | None
    quote: Quote | None
    quote_age_ns: int
    status: InstrumentStatus | None
    held: Decimal | None
    cash: Decimal | None
    equity: Decimal | None
    equity_open: Decimal | None
    day_pnl: Decimal | None
    bound: Decimal | None
    reserved: Decimal | None
    gross: Decimal | None
    pending: Decimal | None
    net: Decimal | None
    peak: Decimal | None
    suspended: str | None = ""
    brake: Brake | None = NO_BRAKE
    refusals: Refusals | None = NO_REFUSALS
    arming: Arming | None = UNTOLD
    mark: Decimal | None = None
    claims: tuple[Claim, ...] = ()
    orders: tuple[Order, ...] = ()
    entry: Order | None = None
    sent: tuple[Sent, ...] = ()
    sent_last_second: int = 0
    open_orders: int = 0
    sent_today: int | None = 0
    strategy_last_second: int = 0
    strategy_today: int | None = 0
    is_void: Callable[[str], bool] = _never
    fee: FeeEstimate = no_fee


class SubmissionLog:
    """What was sent lately, per account: the memory behind the duplicate and rate checks.

    `is_void` tells of an order's id whether it is over and nothing was executed: such an order can be sent once more
    without being there twice. For the rate it counts like any other.
    """

    def __init__(self, is_void: Callable[[str], bool] = _never) -> None:
        self.is_void = is_void
        self._sent: dict[tuple[str, str], deque[Sent]] = {}
        self._flows: dict[str, Flow] = {}
        """Of an account under its id, of a strategy in it under both with a line break between."""

    def note(self, terms: OrderTerms, wall_ns: int, session_date: str, key: str = "") -> None:
        """Remember one submission; also called for each SUBMIT when the journal is replayed."""
        place = (terms.account_id, terms.instrument_id)
        self._sent.setdefault(place, deque(maxlen=MAX_RECENT)).append(Sent(terms, wall_ns, key))
        for owner in (terms.account_id, _owner(terms.account_id, terms.strategy)):
            flow = self._flows.get(owner)
            if flow is None:
                flow = self._flows[owner] = Flow()
            flow.note(wall_ns, session_date)

    def count_since(self, account_id: str, wall_ns: int, strategy: str = "") -> int:
        """How many submissions of the account, or of one strategy in it, left after `wall_ns`."""
        flow = self._flows.get(_owner(account_id, strategy) if strategy else account_id)
        return flow.since(wall_ns) if flow is not None else 0

    def flow_of(self, account_id: str, strategy: str) -> Flow | None:
        """Submissions of one strategy in the account, None where there was none."""
        return self._flows.get(_owner(account_id, strategy))

    def since(self, account_id: str, instrument_id: str, wall_ns: int) -> tuple[Sent, ...]:
        """Submissions of one instrument at or after `wall_ns`, oldest first."""
        found: list[Sent] = []
        for sent in reversed(self._sent.get((account_id, instrument_id), ())):
            if sent.wall_ns < wall_ns:
                break
            found.append(sent)
        found.reverse()
        return tuple(found)

    def count_today(self, account_id: str, session_date: str, strategy: str = "") -> int:
        """Submissions of the trading session `session_date`."""
        flow = self._flows.get(_owner(account_id, strategy) if strategy else account_id)
        return flow.counts.get(session_date, 0) if flow is not None else 0


class Flow:
    """Submissions of one account or strategy: when the last ones left, and how many in each session."""

    __slots__ = ("_times", "counts")

    def __init__(self) -> None:
        self._times: list[int] = []
        """Wall times, in order."""
        self.counts: dict[str, int] = {}

    def note(self, wall_ns: int, session_date: str) -> None:
        """One more."""
        insort(self._times, wall_ns)
        if len(self._times) > 2 * MAX_TIMES:
            del self._times[:MAX_TIMES]
        self.counts[session_date] = self.counts.get(session_date, 0) + 1
        if len(self.counts) > MAX_SESSIONS:
            del self.counts[next(iter(self.counts))]

    def since(self, wall_ns: int) -> int:
        """How many left after `wall_ns`."""
        return len(self._times) - bisect_right(self._times, wall_ns)


def _owner(account_id: str, strategy: str) -> str:
    return f"{account_id}\n{strategy}"


class ViewSources(msgspec.Struct, frozen=True, kw_only=True):
    """Where a view comes from: plain callables, so that the gate knows no service.

    Attributes:
        account: account id → Account; raises NotFoundError.
        working: account id → its orders that may still cost money.
        balances: (account id, those orders) → Balances.
        held: (account id, instrument id) → signed quantity.
        instrument: instrument id → Instrument; None or NotFoundError when unknown.
        quote, quote_age_ns, status: latest market values by instrument id.
        trading_state: the state now.
        is_reconciled: account id → whether orders may leave.
        suspended: (account id, instrument id) → a difference to the broker that holds orders back, "" for none.
        now_ns: market clock; wall_ns: wall clock.
        session_date: the trading session now, like 2024-03-08.
        peak: account id → highest equity so far; brake: account id → what its loss limits did.
        refusals: (account id, instrument id) → what the broker refused last.
        arming: (account, terms) → whether live money may leave for it.
        fee: estimate of an order's fee.
    """

    account: Callable[[str], Account]
    working: Callable[[str], Working]
    balances: Callable[[str, Working], Balances]
    held: Callable[[str, str], Decimal]
    instrument: Callable[[str], Instrument | None]
    quote: Callable[[str], Quote | None]
    quote_age_ns: Callable[[str], int]
    status: Callable[[str], InstrumentStatus | None]
    trading_state: Callable[[], TradingState]
    is_reconciled: Callable[[str], bool]
    now_ns: Callable[[], int]
    wall_ns: Callable[[], int]
    session_date: Callable[[], str]
    peak: Callable[[str], Decimal]
    suspended: Callable[[str, str], str] = lambda _, __: ""
    brake: Callable[[str], Brake] = lambda _: NO_BRAKE
    refusals: Callable[[str, str], Refusals] = lambda _, __: NO_REFUSALS
    arming: Callable[[Account, OrderTerms], Arming | None] = lambda _, __: UNTOLD
    fee: FeeEstimate = no_fee


class ViewBuilder:
    """Takes the picture. What can not be had stays None, and the gate denies for it."""

    def __init__(self, sources: ViewSources, log: SubmissionLog, *, window_ns: int = 2 * SECOND_NS) -> None:
        self._sources = sources
        self._log = log
        self._window_ns = max(window_ns, SECOND_NS)

    def look_back(self, window_ns: int) -> None:
        """How far back submissions are shown from now on."""
        self._window_ns = max(window_ns, SECOND_NS)

    def build(self, terms: OrderTerms, *, replacing: str = "") -> GateView:
        """The view for `terms`. `replacing` is the id of an order whose new terms these are: it is left out.

        So is the other exit of its bracket, since only one of the two can close the position, and with an entry its
        exits, since they come with it as when it was new. Never raises: a source that fails leaves its part unknown.
        """
        sources, account_id, instrument_id = self._sources, terms.account_id, terms.instrument_id
        account = _ask(sources.account, account_id)
        working = _ask(sources.working, account_id)
        entry = None
        if working is not None and replacing:
            bracket = _bracket_of_exit(working.get(replacing))
            entry = working.get(bracket)
            entry = entry if entry is not None and entry.role is OrderRole.ENTRY else None
            working = working.without(lambda order: _is_replaced(order, replacing, bracket))
        is_known = account is not None and working is not None
        balances = _ask(sources.balances, account_id, working) if is_known else None
        wall_ns = _ask(sources.wall_ns) or 0
        date = _ask(sources.session_date)
        age_ns = _ask(sources.quote_age_ns, instrument_id)
        flow = self._log.flow_of(account_id, terms.strategy)
        return GateView(
            now_ns=_ask(sources.now_ns) or 0,
            wall_ns=wall_ns,
            account=account,
            trading_state=_ask(sources.trading_state) if wall_ns else None,
            is_reconciled=_ask(sources.is_reconciled, account_id) is True,
            instrument=_ask(sources.instrument, instrument_id),
            quote=_ask(sources.quote, instrument_id),
            quote_age_ns=age_ns if age_ns is not None else -1,
            status=_ask(sources.status, instrument_id),
            held=_ask(sources.held, account_id, instrument_id) if account is not None else None,
            cash=balances.cash if balances else None,
            equity=balances.equity if balances else None,
            equity_open=balances.equity_open if balances else None,
            day_pnl=balances.day_pnl if balances else None,
            bound=balances.bound if balances else None,
            reserved=balances.reserved if balances else None,
            gross=balances.gross if balances else None,
            pending=balances.pending if balances else None,
            net=balances.market_value if balances else None,
            peak=_ask(sources.peak, account_id) if account is not None else None,
            brake=_ask(sources.brake, account_id),
            suspended=_ask(sources.suspended, account_id, instrument_id),
            refusals=_ask(sources.refusals, account_id, instrument_id),
            arming=_ask(sources.arming, account, terms) if account is not None else None,
            mark=balances.marks.get(instrument_id) if balances else None,
            claims=working.claims(instrument_id) if working is not None and balances is not None else (),
            orders=working.of(instrument_id) if working is not None else (),
            entry=entry,
            sent=self._log.since(account_id, instrument_id, wall_ns - self._window_ns),
            sent_last_second=self._log.count_since(account_id, wall_ns - SECOND_NS),
            open_orders=len(working) if working is not None else 0,
            sent_today=self._log.count_today(account_id, date) if date is not None else None,
            strategy_last_second=flow.since(wall_ns - SECOND_NS) if flow is not None else 0,
            strategy_today=None if date is None else flow.counts.get(date, 0) if flow is not None else 0,
            is_void=self._log.is_void,
            fee=sources.fee,
        )


def _ask(source: Callable[..., T | None], *key: object) -> T | None:
    """What the source says; None when it fails, and the gate denies what it needs and does not have."""
    try:
        return source(*key)
    except Exception:  # noqa: BLE001 - whatever went wrong, the answer is not known
        return None


def _bracket_of_exit(order: Order | None) -> str:
    """Id of the entry whose take or stop the order is, of the take for a pair without one; "" for any other."""
    if order is None or order.role not in (OrderRole.TAKE, OrderRole.STOP):
        return ""
    return order.parent_id or order.client_order_id


def _is_replaced(order: Order, replacing: str, bracket: str) -> bool:
    """Whether the order goes with the one that is replaced: itself, its exits, the other exit beside it."""
    return bool(replacing) and (replacing in (order.client_order_id, order.parent_id) or _in(order, bracket))


def _in(order: Order, bracket: str) -> bool:
    is_take = order.role is OrderRole.TAKE and order.client_order_id == bracket
    return bool(bracket) and (order.parent_id == bracket or is_take)
