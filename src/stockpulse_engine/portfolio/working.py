"""The orders of an account that bind money or holdings, and what they may still cost, kept up as they change.

The gate asks for this picture once for every order. Adding up all open orders each time made an order dearer the more
of them there were; here an order that changes makes the sums of its own instrument stale and no others. What comes
out is what `reservations` computes from the same orders, and a property test holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.portfolio.account_book import AccountBook
from stockpulse_engine.portfolio.reservations import (
    Claim,
    ClaimCache,
    FeeEstimate,
    claims_alike,
    fees_of,
    no_fee,
    opening_notional,
)


class Working:
    """Binding orders of one account. `put` and `drop` follow them; sums are worked out when they are asked for."""

    def __init__(self, collar: Decimal, fee: FeeEstimate = no_fee, orders: Iterable[Order] = ()) -> None:
        self._collar = collar
        self._fee = fee
        self._orders: dict[str, Order] = {}
        self._groups: dict[str, _Group] = {}
        self._stale: set[str] = set()
        """Instruments whose sums no longer hold."""
        self._opening: dict[str, Decimal] = {}
        self._fees: dict[str, Decimal] = {}
        self._seen: tuple[AccountBook | None, int] = (None, 0)
        """The book, and its version, that the sums were worked out on."""
        self._sums = (ZERO, ZERO)
        for order in orders:
            self.put(order)

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, client_order_id: str) -> Order | None:
        """An order that binds, None for any other."""
        return self._orders.get(client_order_id)

    def of(self, instrument_id: str) -> tuple[Order, ...]:
        """Orders of one instrument."""
        group = self._groups.get(instrument_id)
        return tuple(group.orders.values()) if group is not None else ()

    def instruments(self) -> tuple[str, ...]:
        """Instruments that have orders."""
        return tuple(self._groups)

    def claims(self, instrument_id: str) -> tuple[Claim, ...]:
        """What the orders of one instrument may still do."""
        group = self._groups.get(instrument_id)
        return group.claims() if group is not None else ()

    def put(self, order: Order) -> None:
        """The order binds, as it is now."""
        key, instrument_id = order.client_order_id, order.terms.instrument_id
        before = self._orders.get(key)
        if before is order:
            return
        if before is not None and before.terms.instrument_id != instrument_id:
            self.drop(key)
        self._orders[key] = order
        group = self._groups.get(instrument_id)
        if group is not None and before is not None and claims_alike(before, order):
            group.orders[key] = order  # confirmed, say: what it claims is as before
            return
        if group is None:
            group = self._groups[instrument_id] = _Group(ClaimCache(self._collar, self._fee))
        group.put(key, order)
        self._stale.add(instrument_id)

    def drop(self, client_order_id: str) -> None:
        """The order binds nothing any more."""
        order = self._orders.pop(client_order_id, None)
        if order is None:
            return
        instrument_id = order.terms.instrument_id
        group = self._groups[instrument_id]
        group.drop(client_order_id)
        if not group.orders:
            del self._groups[instrument_id]
        self._stale.add(instrument_id)

    def without(self, is_left_out: Callable[[Order], bool]) -> Working:
        """The same with some orders left out, as a picture of its own."""
        return Working(self._collar, self._fee, [one for one in self._orders.values() if not is_left_out(one)])

    def bound(self, book: AccountBook) -> tuple[Decimal, Decimal]:
        """Worst-case notional that all orders may open beside what `book` holds, and their estimated fees."""
        if self._seen != (book, book.version):
            self._mark_moved(book)
            self._seen = (book, book.version)
        if self._stale:
            self._add_up(book)
        return self._sums

    def _mark_moved(self, book: AccountBook) -> None:
        """What is held decides how much an order opens: where that changed, the sums are stale."""
        holdings, renamed = book.holdings, book.renamed
        for instrument_id, group in self._groups.items():
            holding = holdings.get(renamed.get(instrument_id, instrument_id) if renamed else instrument_id)
            if (holding.lots.quantity if holding is not None else ZERO) is not group.held:
                self._stale.add(instrument_id)

    def _add_up(self, book: AccountBook) -> None:
        for instrument_id in self._stale:
            group = self._groups.get(instrument_id)
            if group is None:
                self._opening.pop(instrument_id, None)
                self._fees.pop(instrument_id, None)
                continue
            group.held = book.quantity(instrument_id)
            claims = group.claims()
            self._opening[instrument_id] = opening_notional(claims, group.held)
            self._fees[instrument_id] = fees_of(claims)
        self._stale.clear()
        self._sums = (sum(self._opening.values(), ZERO), sum(self._fees.values(), ZERO))


class _Group:
    """Orders of one instrument, their claims once they are asked for, and what was held at the last sum."""

    __slots__ = ("_cache", "_claims", "held", "orders")

    def __init__(self, cache: ClaimCache) -> None:
        self.orders: dict[str, Order] = {}
        self.held: Decimal | None = None
        self._cache = cache
        self._claims: tuple[Claim, ...] | None = None

    def put(self, key: str, order: Order) -> None:
        self.orders[key] = order
        self._claims = None

    def drop(self, key: str) -> None:
        del self.orders[key]
        self._claims = None

    def claims(self) -> tuple[Claim, ...]:
        if self._claims is None:
            self._claims = tuple(self._cache.claims(self.orders.values()))
        return self._claims


class WorkingBook:
    """`Working` of every account. Implements `trading.ports.BindingSink`."""

    def __init__(self, collar: Decimal, fee: FeeEstimate = no_fee) -> None:
        self._collar = collar
        self._fee = fee
        self._accounts: dict[str, Working] = {}

    def of(self, account_id: str) -> Working:
        """The binding orders of an account; asking about one that has none leaves nothing behind."""
        working = self._accounts.get(account_id)
        return working if working is not None else Working(self._collar, self._fee)

    def put(self, order: Order) -> None:
        """The order binds, as it is now."""
        account_id = order.terms.account_id
        working = self._accounts.get(account_id)
        if working is None:
            working = self._accounts[account_id] = Working(self._collar, self._fee)
        working.put(order)

    def drop(self, order: Order) -> None:
        """The order binds nothing any more."""
        working = self._accounts.get(order.terms.account_id)
        if working is not None:
            working.drop(order.client_order_id)

    def reset(self, orders: Collection[Order]) -> None:
        """Forget everything: these are the orders that bind."""
        self._accounts.clear()
        for order in orders:
            self.put(order)
