"""Requests about orders: checked, deduplicated for ever, then handed to the matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import blake2b

import msgspec

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import OrderEventKind, OrderRole, OrderTerms
from stockpulse_engine.venue import checks
from stockpulse_engine.venue.checks import Refusal
from stockpulse_engine.venue.desk import Desk
from stockpulse_engine.venue.matching import Matcher
from stockpulse_engine.venue.orders import (
    CANCELED,
    HELD,
    MAX_REQUESTS,
    REJECTED,
    NewOrder,
    WorkingOrder,
)

Lookup = Callable[[str, str], WorkingOrder | None]
"""Finds an order of any age by account and client order id: the store's index."""


_CHANGEABLE = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_fraction", "limit_offset")


class Accepted(msgspec.Struct, frozen=True):
    """The venue's ids of the orders, in the order they were sent."""

    venue_order_ids: tuple[str, ...]


Answer = Accepted | Refusal


class Intake:
    """The venue's counter. `is_still` tells whether market time stands still (paused, or the replay is over)."""

    def __init__(self, desk: Desk, matcher: Matcher, lookup: Lookup, is_still: Callable[[], bool]) -> None:
        self._desk = desk
        self._matcher = matcher
        self._lookup = lookup
        self._is_still = is_still

    def find(self, account_id: str, client_order_id: str) -> WorkingOrder | None:
        """An order, whether it is in the book or long done."""
        return self._desk.find(account_id, client_order_id) or self._lookup(account_id, client_order_id)

    def submit(self, orders: Sequence[NewOrder]) -> Answer:
        """Take one order, or a bracket. The same orders sent again get the same answer and have no second effect."""
        if not orders:
            return Refusal("bad_group", "There is no order in this request.")
        for order in orders:
            if not 0 < len(order.client_order_id) <= checks.MAX_ID:
                return Refusal("bad_id", f"A client order id has 1 to {checks.MAX_ID} characters.")
            if order.terms.account_id not in self._desk.accounts:
                return Refusal(
                    "unknown_account", f"Account {order.terms.account_id[:40]} is not open here; open it first."
                )
        self._desk.turn.requests.extend((order.terms.account_id, order.client_order_id) for order in orders)
        known = [self.find(order.terms.account_id, order.client_order_id) for order in orders]
        if any(known):
            return _repeat(orders, known)
        refusal = self._check(orders)
        pair_id = orders[0].client_order_id if checks.is_pair(orders) else ""
        made = [self._create(order, refusal, pair_id) for order in orders]
        if refusal is not None:
            return refusal
        for working in made if pair_id else made[:1]:
            self._matcher.admit(working)
        return Accepted(tuple(order.venue_order_id for order in made))

    def cancel(self, account_id: str, client_order_id: str, request_id: str) -> Refusal | None:
        """Take a cancel; its proof is a report. A repeated request id has no second effect."""
        order = self.find(account_id, client_order_id)
        if order is None:
            return Refusal("unknown_order", f"There is no order {client_order_id[:40]} here.")
        if _is_repeat(order, request_id):
            return None
        self._desk.touch(order)
        if not order.is_open:
            why = f"the order is {order.status} already"
            self._desk.report(order, OrderEventKind.CANCEL_REJECT, reason=why, code="too_late")
        elif not order.cancel_ns:
            self._cancel(order)
        return None

    def cancel_all(self, account_id: str) -> int:
        """Cancel every open order of an account; returns how many."""
        orders = [order for order in self._desk.open_orders(account_id) if not order.cancel_ns]
        for order in orders:
            if order.is_open:
                self._desk.touch(order)
                self._cancel(order)
        return len(orders)

    def replace(self, account_id: str, client_order_id: str, request_id: str, terms: OrderTerms) -> Refusal | None:
        """Take a request for new terms; its answer is a report. A repeated request id has no second effect."""
        order = self.find(account_id, client_order_id)
        if order is None:
            return Refusal("unknown_order", f"There is no order {client_order_id[:40]} here.")
        if _is_repeat(order, request_id):
            return None
        self._desk.touch(order)
        refusal = self._check_replace(order, terms)
        if refusal is not None:
            self._desk.report(order, OrderEventKind.UPDATE_REJECT, reason=refusal.reason, code=refusal.code)
        else:
            self._matcher.ask_replace(order, terms, is_still=self._is_still())
        return None

    def _cancel(self, order: WorkingOrder) -> None:
        if order.status == HELD:  # it is in no book, so nothing can cross the cancel on its way
            self._matcher.end(order, CANCELED, "canceled on request")
        else:
            self._matcher.ask_cancel(order, is_still=self._is_still())

    def _check(self, orders: Sequence[NewOrder]) -> Refusal | None:
        refusal = checks.check_group(orders)
        for order in orders:
            is_leg = order.role in (OrderRole.TAKE, OrderRole.STOP) and not checks.is_pair(orders)
            refusal = refusal or self._check_one(order, is_leg=is_leg)
        return refusal

    def _check_one(self, order: NewOrder, *, is_leg: bool) -> Refusal | None:
        terms = order.terms
        book = self._matcher.books.get(terms.instrument_id)
        if book is None:
            return Refusal("unknown_instrument", f"{terms.instrument_id[:40]} is not traded here.")
        if book.is_delisted:
            return Refusal("delisted", f"{terms.instrument_id[:40]} is not traded any more.")
        today = self._matcher.session_of(self._matcher.now)
        refusal = checks.check_terms(terms, book) or checks.check_expiry(terms, self._matcher.now, today)
        if refusal is None and not is_leg:
            state = self._desk.accounts[terms.account_id]
            refusal = checks.check_phase(terms, book) or checks.check_short(terms, book, state, self._desk)
        return refusal

    def _check_replace(self, order: WorkingOrder, terms: OrderTerms) -> Refusal | None:
        if not order.is_open:
            return Refusal("too_late", f"The order is {order.status} already.")
        before = order.terms
        if msgspec.structs.replace(before, **{name: getattr(terms, name) for name in _CHANGEABLE}) != terms:
            return Refusal("bad_change", "Only quantity, prices and distances may change; cancel and send anew.")
        book = self._matcher.books[before.instrument_id]
        refusal = checks.check_terms(_as_sent(terms), book)
        if refusal is None and not order.is_child and terms.quantity > before.quantity:
            more = msgspec.structs.replace(terms, quantity=terms.quantity - before.quantity)
            refusal = checks.check_short(more, book, self._desk.accounts[order.account_id], self._desk)
        return refusal

    def _create(self, new: NewOrder, refusal: Refusal | None, pair_id: str) -> WorkingOrder:
        order = WorkingOrder(
            venue_order_id="",
            number=0,
            account_id=new.terms.account_id,
            client_order_id=new.client_order_id,
            terms=new.terms,
            role=new.role,
            parent_id=new.parent_id,
            body=fingerprint(new),
            pair_id=pair_id,
        )
        if order.is_child:
            order.status, order.open_quantity = HELD, ZERO
        self._desk.create(order)
        if refusal is not None:
            self._desk.close(order, REJECTED, refusal.reason, refusal.code)
        else:
            reason = "held until the entry fills" if order.is_child else ""
            self._desk.report(order, OrderEventKind.ACCEPT, reason=reason)
        return order


def _as_sent(terms: OrderTerms) -> OrderTerms:
    """A trailing stop without the trigger and the limit that the market has given it since."""
    return msgspec.structs.replace(terms, stop_price=None, limit_price=None) if terms.is_trailing else terms


def fingerprint(new: NewOrder) -> str:
    """Digest of an order's body; 100 and 100.0 are the same quantity."""
    terms = new.terms
    parts = (
        *(_plain(number) for number in (terms.quantity, terms.limit_price, terms.stop_price)),
        *(terms.account_id, terms.instrument_id, terms.strategy, *terms.lots, new.role.value, new.parent_id),
        *(each.value for each in (terms.side, terms.order_type, terms.time_in_force, terms.session)),
        str(terms.is_reduce_only),
        *_later_parts(terms),
    )
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _later_parts(terms: OrderTerms) -> tuple[str, ...]:
    """What terms have had since orders were first kept: nothing for those without, so that their digests stay."""
    numbers = (terms.trail_amount, terms.trail_fraction, terms.limit_offset)
    found = (*(_plain(number) for number in numbers), str(terms.expires_at or ""), terms.expires_on)
    return found if any(found) else ()


def _plain(number: Decimal | None) -> str:
    return "" if number is None else str(number.normalize() if number.is_finite() else number)


def _repeat(orders: Sequence[NewOrder], known: Sequence[WorkingOrder | None]) -> Answer:
    """Answer a submission whose ids were used before."""
    found = [order for order in known if order is not None]
    if len(found) != len(orders) or any(
        order.body != fingerprint(new) for order, new in zip(found, orders, strict=True)
    ):
        return Refusal("duplicate_id", "This client order id was used for another order; use a new one.")
    refused = next((order for order in found if order.status == REJECTED), None)
    if refused is not None:
        return Refusal(refused.code, refused.reason)
    return Accepted(tuple(order.venue_order_id for order in found))


def _is_repeat(order: WorkingOrder, request_id: str) -> bool:
    if request_id and request_id in order.requests:
        return True
    order.requests = (*order.requests, request_id[: checks.MAX_ID])[-MAX_REQUESTS:]
    return False
