"""Valuation: what an account and its positions are worth at the marks. Derived at each call, never stored (L3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderType
from stockpulse_engine.domain.positions import Position
from stockpulse_engine.domain.views import PositionView
from stockpulse_engine.portfolio import margin
from stockpulse_engine.portfolio.account_book import AccountBook
from stockpulse_engine.portfolio.marks import Mark
from stockpulse_engine.portfolio.reservations import Claim, fees_of, pending_notional

CENT = Decimal("0.01")
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


class Valued(msgspec.Struct, frozen=True, gc=False):
    """A position beside its mark; without one it is carried at cost."""

    position: Position
    mark: Mark | None
    base: Decimal | None
    """P&L up to where the session began; None where it is not known."""

    @property
    def result(self) -> Decimal | None:
        """Day P&L before fees: realized + unrealized now, less what it was when the session began; None if unknown.

        An overnight position so counts from the session's mark, an intraday one from its own price, and a position
        that is part of each from both.
        """
        position, mark = self.position, self.mark
        if self.base is None or (position.quantity and mark is None):
            return None
        worth = position.quantity * mark.price - position.cost if mark is not None else ZERO
        return position.realized + worth - self.base

    @property
    def value(self) -> Decimal:
        """Signed market value, at cost when there is no mark."""
        return self.position.cost if self.mark is None else self.position.quantity * self.mark.price

    @property
    def unrealized(self) -> Decimal | None:
        """Market value less cost basis (L3)."""
        return None if self.mark is None else self.value - self.position.cost


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the marks, in its currency, its open orders left out.

    Attributes:
        bound: own money the open positions bind (initial requirement).
        marks: price of each held instrument that has one.
    """

    account_type: AccountType
    cash: Decimal
    market_value: Decimal
    equity: Decimal
    gross: Decimal
    bound: Decimal
    maintenance: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    equity_open: Decimal
    day_pnl: Decimal
    marks: dict[str, Decimal]


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the marks, in its currency; what the account view and the gate are made from.

    Attributes:
        bound: own money the open positions bind (initial requirement).
        pending: worst-case notional the open orders may open.
        reserved: own money set aside for them, fees included.
        free: own money neither bound nor reserved; negative when overdrawn.
        marks: price of each held instrument that has one.
    """

    cash: Decimal
    market_value: Decimal
    equity: Decimal
    gross: Decimal
    bound: Decimal
    maintenance: Decimal
    pending: Decimal
    reserved: Decimal
    free: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    equity_open: Decimal
    day_pnl: Decimal
    marks: dict[str, Decimal]

    @property
    def margin_call(self) -> Decimal:
        """Equity missing to the maintenance requirement."""
        return max(ZERO, self.maintenance - self.equity)


def value_positions(book: AccountBook, mark_of: Callable[[str], Mark | None]) -> list[Valued]:
    """Every position that is held, or moved since the session began, beside its mark."""
    session = book.session
    results = session.results if session is not None else {}
    valued = []
    for holding in book.holdings.values():
        position = book.position(holding)
        mark = mark_of(holding.instrument_id) if position.quantity else None
        valued.append(Valued(position, mark, results.get(holding.instrument_id, ZERO)))
    return valued


def balance(book: AccountBook, valued: Iterable[Valued], claims: Sequence[Claim] = ()) -> Balances:
    """Balances of one account from its valued positions and the claims of its open orders."""
    held = [item for item in valued if item.position.quantity]
    worth = worth_of(
        book,
        [item.value for item in held],
        [item.unrealized or ZERO for item in held],
        {item.position.instrument_id: item.mark.price for item in held if item.mark is not None},
    )
    return balances_of(worth, pending_notional(claims, book.quantity), fees_of(claims))


def worth_of(
    book: AccountBook, values: Sequence[Decimal], unrealized: Sequence[Decimal], marks: dict[str, Decimal]
) -> Worth:
    """What an account is worth with these signed market values of what it holds."""
    kind, cash, deposits = book.account.account_type, book.cash, book.deposits
    market_value, gross = sum(values, ZERO), sum(map(abs, values), ZERO)
    equity = cash + market_value
    base = book.session
    equity_open = base.equity if base is not None else deposits
    moved = deposits - base.deposits if base is not None else ZERO
    return Worth(
        account_type=kind,
        cash=cash,
        market_value=market_value,
        equity=equity,
        gross=gross,
        bound=margin.initial_requirement(kind, gross),
        maintenance=margin.maintenance_requirement(kind, values),
        realized=book.realized,
        unrealized=sum(unrealized, ZERO),
        fees=book.fees,
        equity_open=equity_open,
        day_pnl=equity - equity_open - moved,
        marks=marks,
    )


def balances_of(worth: Worth, pending: Decimal, order_fees: Decimal) -> Balances:
    """What is left of it beside what the open orders may open and cost in fees at worst."""
    kind, cash, equity, bound = worth.account_type, worth.cash, worth.equity, worth.bound
    reserved = pending * margin.opening_rate(kind) + order_fees
    return Balances(
        cash=cash,
        market_value=worth.market_value,
        equity=equity,
        gross=worth.gross,
        bound=bound,
        maintenance=worth.maintenance,
        pending=pending,
        reserved=reserved,
        free=margin.free_funds(kind, cash=cash, equity=equity, bound=bound, reserved=reserved),
        realized=worth.realized,
        unrealized=worth.unrealized,
        fees=worth.fees,
        equity_open=worth.equity_open,
        day_pnl=worth.day_pnl,
        marks=worth.marks,
    )


def position_view(valued: Valued, equity: Decimal, orders: Iterable[Order]) -> PositionView:
    """A position as people see it, with its nearest protective stop among `orders`."""
    position, mark = valued.position, valued.mark
    stop = protective_stop(position, orders)
    at_stop = None
    if stop is not None and mark is not None and stop.terms.stop_price is not None:
        covered = min(stop.leaves_quantity, abs(position.quantity)) * (1 if position.quantity > 0 else -1)
        at_stop = (stop.terms.stop_price - mark.price) * covered
    return PositionView(
        account_id=position.account_id,
        instrument_id=position.instrument_id,
        quantity=position.quantity,
        average_cost=tidy_price(position.average_cost),
        mark=mark.price if mark is not None else None,
        mark_ts=mark.ts_event if mark is not None else 0,
        mark_source=mark.source if mark is not None else "",
        value=tidy(valued.value) if mark is not None else None,
        unrealized=tidy_optional(valued.unrealized),
        realized=tidy(position.realized),
        day_pnl=tidy_optional(valued.result),
        fees=tidy(position.fees),
        weight=round(abs(valued.value) / equity, 6) if equity > 0 else None,
        stop_price=stop.terms.stop_price if stop is not None else None,
        at_stop=tidy_optional(at_stop),
        opened_at=position.opened_at,
        day_base=tidy_optional(valued.base),
    )


def protective_stop(position: Position, orders: Iterable[Order]) -> Order | None:
    """The working stop that would close first: highest below a long, lowest above a short."""
    sign = 1 if position.quantity > 0 else -1
    stops = [
        order
        for order in orders
        if order.is_open
        and order.leaves_quantity > 0
        and order.terms.account_id == position.account_id
        and order.terms.instrument_id == position.instrument_id
        and order.terms.side.sign == -sign
        and order.terms.order_type in _STOPS
        and order.terms.stop_price is not None
    ]
    return max(stops, key=lambda order: sign * (order.terms.stop_price or ZERO), default=None)


def tidy(amount: Decimal) -> Decimal:
    """The same amount without the ledger's trailing zeros, but at least to the cent."""
    cents = amount.quantize(CENT)
    return cents if cents == amount else amount.normalize()


def tidy_optional(amount: Decimal | None) -> Decimal | None:
    """`tidy`, and None stays None."""
    return None if amount is None else tidy(amount)


def tidy_price(price: Decimal | None) -> Decimal | None:
    """An average price rounded to 1e-6, without trailing zeros beyond the cent."""
    return None if price is None else tidy(round(price, 6))
