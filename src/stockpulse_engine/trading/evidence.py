"""What a venue's answer to a query proves about one of our orders. Pure; fills are compared, never invented."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import structs

from stockpulse_engine.domain.order_machine import TRANSITIONS, Rule
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderStatus, OrderTerms
from stockpulse_engine.domain.reports import VenueOrder

_K, _S = OrderEventKind, OrderStatus
WORKING: Final = frozenset({"ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED", "HELD"})
DEAD: Final = frozenset({"FILLED", "CANCELED", "EXPIRED", "REJECTED"})
"""Over at the venue. Which of these it says is no difference: what counts is what was executed."""
_ENDS: Final = {"CANCELED": _K.CANCEL, "EXPIRED": _K.EXPIRE, "REJECTED": _K.REJECT, "SUSPENDED": _K.SUSPEND}


class Finding(NamedTuple):
    """One event that the answer proves. `terms` on UPDATE."""

    kind: OrderEventKind
    reason: str = ""
    terms: OrderTerms | None = None


def since_adoption(order: Order, venue: VenueOrder) -> VenueOrder:
    """The venue's answer about the part of a foreign order that is ours to follow: the rest when it was adopted."""
    before = order.filled_before
    if not before:
        return venue
    terms = structs.replace(venue.terms, quantity=venue.terms.quantity - before)
    return structs.replace(venue, terms=terms, filled_quantity=venue.filled_quantity - before)


def was_ever_confirmed(order: Order) -> bool:
    """Whether the venue ever said a word about it: only what was never confirmed can be freed by absence."""
    if order.venue_order_id or order.filled_quantity:
        return True
    beneath = order.resume_status if order.status is _S.PENDING_CANCEL else order.status
    return beneath is not _S.SUBMITTED and not order.status.is_terminal


def needs_answer(order: Order) -> bool:
    """Whether the venue still owes us a word about it."""
    return order.is_unknown or order.status in (_S.SUBMITTED, _S.PENDING_CANCEL, _S.PENDING_UPDATE)


def lacks_fills(order: Order, venue: VenueOrder) -> bool:
    """Whether the venue executed more than we booked."""
    return venue.filled_quantity > order.filled_quantity


def findings(order: Order, venue: VenueOrder, *, is_settled: bool) -> Sequence[Finding]:
    """The events that bring our order to what the venue shows, none when it already agrees.

    Args:
        order: ours.
        venue: theirs; its executions must have been booked before (see `lacks_fills`).
        is_settled: the answer is a second look some time after a request, so that what is not there will not come.
    """
    if venue.filled_quantity != order.filled_quantity:
        return ()
    found = _status_findings(order, venue, is_settled=is_settled)
    legal = [one for one in found if TRANSITIONS[order.status, one.kind].rule not in (Rule.SURPRISE, Rule.ILLEGAL)]
    if not legal and order.is_unknown and agrees(order, venue):
        return (Finding(_K.RESOLVE, f"the venue shows it {venue.status}"),)
    return legal


def agrees(order: Order, venue: VenueOrder) -> bool:
    """Whether both sides say the same about life or death and quantity."""
    if order.filled_quantity != venue.filled_quantity:
        return False
    if order.status.is_terminal:
        return venue.status in DEAD
    return venue.status in WORKING or venue.status == "SUSPENDED"


def _status_findings(order: Order, venue: VenueOrder, *, is_settled: bool) -> list[Finding]:
    shown = f"the venue shows it {venue.status}"
    if venue.status in _ENDS:
        kind = _ENDS[venue.status]
        return [] if order.status.value == venue.status else [Finding(kind, shown)]
    if venue.status == "FILLED":
        return _complete_findings(order, venue)
    if venue.status not in WORKING:
        return []
    if order.status is _S.PENDING_UPDATE:
        return _change_findings(order, venue, is_settled=is_settled)
    found: list[Finding] = []
    if order.status in (_S.SUBMITTED, _S.DONE_FOR_DAY, _S.SUSPENDED) or (
        order.status is _S.PENDING_CANCEL and order.resume_status is _S.SUBMITTED
    ):
        found.append(Finding(_K.TRIGGER if venue.status == "TRIGGERED" else _K.ACCEPT, shown))
    elif order.status is _S.ACCEPTED and venue.status == "TRIGGERED":
        found.append(Finding(_K.TRIGGER, shown))
    elif order.status in (_S.ACCEPTED, _S.TRIGGERED, _S.PARTIALLY_FILLED) and not same_terms(order.terms, venue.terms):
        found.append(Finding(_K.UPDATE, shown, merged(order.terms, venue.terms)))
    return found


def _complete_findings(order: Order, venue: VenueOrder) -> list[Finding]:
    """The venue is done with it: whatever is still pending here was decided there."""
    if order.status.is_terminal:
        return []
    if order.pending_terms is not None:
        return _change_findings(order, venue, is_settled=True) or [Finding(_K.UPDATE_REJECT, "it was filled before")]
    if order.status is _S.PENDING_CANCEL:
        return [Finding(_K.CANCEL_REJECT, "it was filled before")]
    if not same_terms(order.terms, venue.terms):
        return [Finding(_K.UPDATE, "the venue shows it FILLED", merged(order.terms, venue.terms))]
    return []


def _change_findings(order: Order, venue: VenueOrder, *, is_settled: bool) -> list[Finding]:
    wanted = order.pending_terms
    if wanted is not None and same_terms(wanted, venue.terms):
        return [Finding(_K.UPDATE, "the venue works the new terms", wanted)]
    if is_settled and same_terms(order.terms, venue.terms):
        return [Finding(_K.UPDATE_REJECT, "the venue still works the old terms")]
    return []


def same_terms(ours: OrderTerms, theirs: OrderTerms) -> bool:
    """Whether quantity and prices agree: the part of the terms that a change may touch.

    Of a trailing stop the distances count: where its trigger stands is no term, and moves with every price.
    """
    if ours.is_trailing:
        return _distances(ours) == _distances(theirs)
    return (ours.quantity, ours.limit_price, ours.stop_price) == (
        theirs.quantity,
        theirs.limit_price,
        theirs.stop_price,
    )


def _distances(terms: OrderTerms) -> tuple[Decimal | None, ...]:
    return (terms.quantity, terms.trail_amount, terms.trail_fraction, terms.limit_offset)


def merged(ours: OrderTerms, theirs: OrderTerms) -> OrderTerms:
    """Our terms with the venue's quantity and prices."""
    names = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_fraction", "limit_offset")
    return structs.replace(ours, **{name: getattr(theirs, name) for name in names})
