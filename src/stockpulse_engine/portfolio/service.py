"""Balances and holdings as the rest of the engine asks for them: the ledger at the marks of this moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.events import (
    AccountOpened,
    ActionApplied,
    CashMoved,
    Event,
    HoldingsAdopted,
    SessionMarked,
    SuspenseExplained,
)
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent
from stockpulse_engine.domain.views import AccountView, DayReview, LotView, PortfolioView, PositionView, SuspenseView
from stockpulse_engine.portfolio.account_book import AccountBook, SessionBase
from stockpulse_engine.portfolio.appraisal import Appraisal
from stockpulse_engine.portfolio.curve import CurveState, EquityCurve
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.margin import buying_power
from stockpulse_engine.portfolio.marks import QUOTED, Mark, find_mark
from stockpulse_engine.portfolio.reservations import ClaimCache, FeeEstimate, claim_of, no_fee
from stockpulse_engine.portfolio.review import ReviewSources, review_orders, review_refusals
from stockpulse_engine.portfolio.valuation import (
    Balances,
    Valued,
    balance,
    balances_of,
    position_view,
    tidy,
    value_positions,
)
from stockpulse_engine.portfolio.working import Working

DAY_NS = 86_400 * 1_000_000_000


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What valuation needs of the limits. Fractions of 1.

    Attributes:
        collar_fraction: worst fill of an order without a limit, beyond the quote it arrived at.
        daily_loss_fraction: loss of the day at which only reducing is allowed; None for no limit.
        max_mark_age_ns: a mark older than this is counted as stale while quotes are expected.
    """

    collar_fraction: Decimal = Decimal("0.05")
    daily_loss_fraction: Decimal | None = Decimal("0.03")
    max_mark_age_ns: int = 15 * 1_000_000_000


class PortfolioService:
    """Implements `api.ports.PortfolioPort`.

    Whoever applies an event to the ledger calls `observe` with it afterwards, in replay and live. Equity curves
    are no facts of the journal: a replay gives points at fills and session marks alone, valued at our own fill
    prices; `take_up_curves` puts the samples of the run before in their place.

    Args:
        ledger: the books; this service never changes them.
        orders: orders that may still cost money, of all accounts.
        quote: the latest quote of an instrument, or None.
        clock: market time in ns.
        settings: limits that valuation shows.
        fee: estimate of an order's fee, part of what it reserves.
        expects_quotes: whether quotes of an instrument should be flowing now (its market is open).
        review: where the day's review finds orders, fills and bars; without it there is no review.
        quote_age: time since the feed confirmed an instrument's quote; without it a mark's own market time counts.
        matched_at: market time at which an account was last seen to match the broker's, 0 when not known. It makes
            the view fresher than the journal, which a comparison without news does not grow; the ledger stays a fold.
        matched_wall: the same in wall time.
        loss_limit: (account id, equity at the open) → loss of the day at which it acts; without it the settings say.
        suspense: where an account's broker shows other figures and nothing explains it.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        orders: Callable[[], Iterable[Order]],
        quote: Callable[[str], Quote | None],
        clock: Callable[[], int],
        settings: PortfolioSettings | None = None,
        fee: FeeEstimate = no_fee,
        expects_quotes: Callable[[str], bool] = lambda _: True,
        review: ReviewSources | None = None,
        matched_at: Callable[[str], int] = lambda _: 0,
        matched_wall: Callable[[str], int] = lambda _: 0,
        suspense: Callable[[str], tuple[SuspenseView, ...]] = lambda _: (),
        quote_age: Callable[[str], int] | None = None,
        loss_limit: Callable[[str, Decimal], Decimal] | None = None,
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._quote = quote
        self._clock = clock
        self._settings = settings or PortfolioSettings()
        self._fee = fee
        self._expects_quotes = expects_quotes
        self._review = review
        self._matched_at = matched_at
        self._matched_wall = matched_wall
        self._suspense = suspense
        self._quote_age = quote_age
        self._given_loss_limit = loss_limit
        self._claims: dict[str, ClaimCache] = {}
        self._appraisals: dict[str, Appraisal] = {}
        self._curves: dict[str, EquityCurve] = {}

    # --- the port ------------------------------------------------------------------------------------------------

    def account_ids(self) -> Sequence[str]:
        """Open accounts, the default first."""
        return self._ledger.account_ids

    def account(self, account_id: str = "") -> AccountView:
        """Balances; "" is the default account. Raises NotFoundError."""
        book = self._book(account_id)
        valued = self._value(book)
        return self._account_view(book, valued)

    def positions(self, account_id: str = "") -> Sequence[PositionView]:
        """Open positions, largest first."""
        book = self._book(account_id)
        return self._position_views(book, self._value(book))

    def portfolio(self, account_id: str = "") -> PortfolioView:
        """Account, positions and equity curve, all at the same marks."""
        book = self._book(account_id)
        valued = self._value(book)
        return PortfolioView(
            account=self._account_view(book, valued),
            positions=tuple(self._position_views(book, valued)),
            curve=self._curve(book).points,
        )

    def lots(self, account_id: str = "", instrument_id: str = "") -> Sequence[LotView]:
        """Open lots in the order FIFO would close them."""
        book, now = self._book(account_id), self._clock()
        views = []
        for lot in self._ledger.lots(book.account.account_id, instrument_id):
            mark = self._mark(book, lot.instrument_id)
            gain = None if mark is None else tidy(lot.quantity * mark.price - lot.cost)
            views.append(LotView(lot=lot, unrealized=gain, days_held=max(0, (now - lot.opened_at) // DAY_NS)))
        return views

    def day(self, account_id: str = "", session_date: str = "") -> DayReview:
        """The session's review; "" is the newest session. Raises NotFoundError for one that is not kept."""
        book = self._book(account_id)
        base = book.sessions.get(session_date) if session_date else book.session
        if base is None or self._review is None:
            raise NotFoundError(
                f"There is no session {session_date!r} to review.", fix=f"Known: {', '.join(book.sessions) or 'none'}."
            )
        return self._day(book, base, self._review)

    # --- for the gate and the daemon -----------------------------------------------------------------------------

    def balances(self, account_id: str, working: Working | None = None) -> Balances:
        """Balances with the worst case of `working` (default: every open order of the account) reserved."""
        book = self._book(account_id)
        if working is None:
            return self._balances(book, self._value(book), self._open_orders(account_id))
        return balances_of(self._appraisal(book).worth(), *working.bound(book))

    def peak(self, account_id: str) -> Decimal:
        """The highest equity of an account so far, with deposits and withdrawals taken out."""
        book = self._ledger.book(account_id)
        return self._curve(book).peak(book.deposits)

    def mark(self, account_id: str, instrument_id: str) -> Mark | None:
        """The price a position of this account is valued at."""
        return self._mark(self._book(account_id), instrument_id)

    def begin_session(self, session_date: str, recorded_at: int) -> tuple[SessionMarked, ...]:
        """Events that mark the start of a session for each account not marked yet: journal, then apply them."""
        now = self._clock()
        return tuple(
            self._session_event(book, session_date, now, recorded_at)
            for book in map(self._ledger.book, self._ledger.account_ids)
            if session_date not in book.sessions
        )

    def sample(self, now_ns: int) -> None:
        """Add a point to every equity curve; called every few seconds and at fills."""
        for account_id in self._ledger.account_ids:
            book = self._ledger.book(account_id)
            self._curve(book).add(now_ns, self._equity(book), book.deposits)

    def dump_curves(self) -> dict[str, CurveState]:
        """Every curve as a value, to be kept for the next run."""
        return {account_id: curve.dump() for account_id, curve in self._curves.items()}

    def take_up_curves(self, curves: Mapping[str, CurveState]) -> None:
        """Go on with the curves of the run before, once the journal was replayed."""
        for account_id in self._ledger.account_ids:
            if account_id in curves:
                self._curve(self._ledger.book(account_id)).take_up(curves[account_id], self._clock())

    def observe(self, event: Event) -> None:
        """Follow an event the ledger has just applied."""
        account_id = _account_touched(event)
        if account_id and account_id in self._ledger.account_ids:
            book = self._ledger.book(account_id)
            curve = self._curve(book)
            if curve.is_due(event.ts_event):
                curve.add(event.ts_event, self._equity(book), book.deposits)

    # --- inside --------------------------------------------------------------------------------------------------

    def _book(self, account_id: str) -> AccountBook:
        if account_id:
            return self._ledger.book(account_id)
        known = self._ledger.account_ids
        if not known:
            raise NotFoundError("No account is open yet.", fix="Open one with `sp account open`.")
        return self._ledger.book(known[0])

    def _curve(self, book: AccountBook) -> EquityCurve:
        return self._curves.setdefault(book.account.account_id, EquityCurve())

    def _mark(self, book: AccountBook, instrument_id: str) -> Mark | None:
        return find_mark(book, instrument_id, self._quote)

    def _value(self, book: AccountBook) -> list[Valued]:
        return value_positions(book, lambda instrument_id: self._mark(book, instrument_id))

    def _equity(self, book: AccountBook) -> Decimal:
        return book.cash + sum((item.value for item in self._value(book)), ZERO)

    def _appraisal(self, book: AccountBook) -> Appraisal:
        account_id = book.account.account_id
        appraisal = self._appraisals.get(account_id)
        if appraisal is None:
            appraisal = self._appraisals[account_id] = Appraisal(book, self._quote)
        return appraisal

    def _open_orders(self, account_id: str) -> list[Order]:
        return [order for order in self._orders() if order.terms.account_id == account_id and order.is_open]

    def _balances(self, book: AccountBook, valued: list[Valued], orders: Sequence[Order]) -> Balances:
        account_id = book.account.account_id
        cache = self._claims.get(account_id)
        if cache is None:
            cache = self._claims[account_id] = ClaimCache(self._settings.collar_fraction, self._fee)
        return balance(book, valued, cache.claims(orders))

    def _account_view(self, book: AccountBook, valued: list[Valued]) -> AccountView:
        orders = self._open_orders(book.account.account_id)
        balances = self._balances(book, valued, orders)
        return AccountView(
            account=book.account,
            cash=tidy(balances.cash),
            reserved=tidy(balances.reserved),
            equity=tidy(balances.equity),
            market_value=tidy(balances.market_value),
            gross_exposure=tidy(balances.gross),
            net_exposure=tidy(balances.market_value),
            buying_power=tidy(buying_power(book.account.account_type, balances.free)),
            realized=tidy(balances.realized),
            unrealized=tidy(balances.unrealized),
            day_pnl=tidy(balances.day_pnl),
            fees=tidy(balances.fees),
            dividends=tidy(book.income),
            withheld=tidy(book.tax),
            equity_open=tidy(balances.equity_open),
            maintenance_margin=tidy(balances.maintenance),
            margin_call=tidy(balances.margin_call),
            loss_left=self._loss_left(book.account.account_id, balances),
            loss_limit=self._loss_limit(book.account.account_id, balances),
            paid_in=tidy(balances.equity - balances.equity_open - balances.day_pnl),
            unknown_orders=sum(1 for order in orders if order.is_unknown),
            unknown_notional=tidy(self._unknown_notional(orders)),
            working_orders=len(orders),
            stale_marks=sum(1 for item in valued if self._is_stale(item)),
            reconciled_at=max(book.reconciled.clean_at, self._matched_at(book.account.account_id)),
            reconciled_wall=self._matched_wall(book.account.account_id),
            suspense=self._suspense(book.account.account_id),
            differences=book.reconciled.differences,
        )

    def _unknown_notional(self, orders: Sequence[Order]) -> Decimal:
        """What orders of unknown outcome may still execute, each at its worst price."""
        unknown = [order for order in orders if order.is_unknown]
        claims = (claim_of(order, self._settings.collar_fraction, self._fee) for order in unknown)
        return sum((claim.quantity * claim.price for claim in claims if claim is not None), ZERO)

    def _loss_left(self, account_id: str, balances: Balances) -> Decimal | None:
        limit = self._loss_limit(account_id, balances)
        return None if limit is None else tidy(max(ZERO, limit + balances.day_pnl))

    def _loss_limit(self, account_id: str, balances: Balances) -> Decimal | None:
        if self._given_loss_limit is not None:
            return tidy(self._given_loss_limit(account_id, balances.equity_open))
        fraction = self._settings.daily_loss_fraction
        return None if fraction is None else tidy(max(ZERO, balances.equity_open) * fraction)

    def _is_stale(self, valued: Valued) -> bool:
        if not valued.position.quantity or not self._expects_quotes(valued.position.instrument_id):
            return False
        mark = valued.mark
        return mark is None or self._age(mark, valued.position.instrument_id) > self._settings.max_mark_age_ns

    def _age(self, mark: Mark, instrument_id: str) -> int:
        """A mark of a quote is as old as the quote's last confirmation: market time says little about it at speed."""
        if self._quote_age is not None and mark.source in QUOTED:
            return self._quote_age(instrument_id)
        return self._clock() - mark.ts_event

    def _position_views(self, book: AccountBook, valued: list[Valued]) -> list[PositionView]:
        equity = book.cash + sum((item.value for item in valued), ZERO)
        orders = self._open_orders(book.account.account_id)
        held = [item for item in valued if item.position.quantity]
        held.sort(key=lambda item: (-abs(item.value), item.position.instrument_id))
        return [position_view(item, equity, orders) for item in held]

    def _session_event(self, book: AccountBook, session_date: str, now: int, recorded_at: int) -> SessionMarked:
        valued = self._value(book)
        return SessionMarked(
            account_id=book.account.account_id,
            session_date=session_date,
            equity=tidy(book.cash + sum((item.value for item in valued), ZERO)),
            marks={item.position.instrument_id: item.mark.price for item in valued if item.mark is not None},
            ts_event=now,
            recorded_at=recorded_at,
        )

    def _day(self, book: AccountBook, base: SessionBase, sources: ReviewSources) -> DayReview:
        after = book.next_session(base.session_date)
        end = after.ts_event if after is not None else self._clock()
        account_id = book.account.account_id
        orders = review_orders(account_id, base.session_date, sources, end)
        return DayReview(
            account_id=account_id,
            session_date=base.session_date,
            equity_open=tidy(base.equity),
            equity_now=tidy(after.equity if after is not None else self._equity(book)),
            realized=tidy((after or book).realized - base.realized),
            fees=tidy((after or book).fees - base.fees),
            spread_cost=tidy(sum((day.spread_cost or ZERO for day in orders), ZERO)),
            slippage=tidy(sum((day.slippage or ZERO for day in orders), ZERO)),
            orders=orders,
            refusals=review_refusals(account_id, base.session_date, sources),
            kills_survived=sum(sources.session_of(at) == base.session_date for at in sources.kill_times()),
            curve=tuple(point for point in self._curve(book).points if base.ts_event <= point.ts_event <= end),
        )


def _account_touched(event: Event) -> str:
    """The account whose equity an event may have changed, "" for none."""
    if isinstance(event, OrderEvent):
        return event.fill.account_id if event.fill is not None else ""
    if isinstance(event, AccountOpened):
        return event.account.account_id
    if isinstance(event, ActionApplied):
        return event.statement.account_id
    touching = CashMoved | SessionMarked | HoldingsAdopted | SuspenseExplained
    return event.account_id if isinstance(event, touching) else ""
