"""The circuit behind repeated refusals: the same order, refused alike again and again, is not sent for ever.

A fold of the journal, so that a restart does not forget it. Orders and refusals are told by `observe`; what the gate
asks is `of`.
"""

from __future__ import annotations

from operator import attrgetter

import msgspec

from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms

_K = OrderEventKind
_TAKEN = frozenset({_K.ACCEPT, _K.FILL, _K.TRIGGER})
_OVER = frozenset({_K.DENY, _K.DISCARD, _K.CANCEL, _K.EXPIRE})
MAX_WAITING = 10_000
"""Orders whose answer is awaited; the oldest are forgotten first."""
_identity = attrgetter(
    *(name for name in OrderTerms.__struct_fields__ if name not in {"account_id", "is_reduce_only", "lots", "strategy"})
)


def is_same_instruction(ours: OrderTerms, theirs: OrderTerms) -> bool:
    """Whether two orders of one account ask the venue for the same, whoever sends them."""
    return bool(_identity(ours) == _identity(theirs))


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker said last about one instrument of an account.

    Attributes:
        count: refusals in a row of the same order for the same reason.
        terms: that order; reason: the broker's code, or its words.
        sent_ns: wall time at which an order of the instrument left last.
    """

    count: int = 0
    terms: OrderTerms | None = None
    reason: str = ""
    sent_ns: int = 0


NO_REFUSALS = Refusals()


class RejectionBook:
    """Counts refusals per account and instrument; an order that is taken clears them."""

    def __init__(self) -> None:
        self._waiting: dict[str, OrderTerms] = {}
        self._places: dict[tuple[str, str], Refusals] = {}

    def of(self, account_id: str, instrument_id: str) -> Refusals:
        """What was refused there last."""
        return self._places.get((account_id, instrument_id), NO_REFUSALS)

    def paused(self, account_id: str, count: int) -> tuple[tuple[str, Refusals], ...]:
        """Instruments of an account with at least so many refusals in a row."""
        return tuple(
            (name, seen)
            for (owner, name), seen in sorted(self._places.items(), key=lambda item: item[0])
            if owner == account_id and seen.count >= count
        )

    def observe(self, event: Event) -> None:
        """Follow a durable event, replay included."""
        if not isinstance(event, OrderEvent):
            return
        if event.order is not None and event.kind is not _K.DENY:
            self._await(event.order)
        if event.kind is _K.SUBMIT:
            self._note_sent(event)
        elif event.kind is _K.REJECT:
            self._note_refused(event)
        elif event.kind in _TAKEN:
            terms = self._waiting.pop(event.client_order_id, None)
            if terms is not None:
                self._places.pop(_place(terms), None)
        elif event.kind in _OVER:
            self._waiting.pop(event.client_order_id, None)

    def _await(self, order: Order) -> None:
        if order.parent_id:  # exits of a bracket are refused with their entry
            return
        self._waiting[order.client_order_id] = order.terms
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def _note_sent(self, event: OrderEvent) -> None:
        terms = self._waiting.get(event.client_order_id)
        if terms is not None and (seen := self._places.get(_place(terms))) is not None:
            self._places[_place(terms)] = msgspec.structs.replace(seen, sent_ns=event.recorded_at)

    def _note_refused(self, event: OrderEvent) -> None:
        terms = self._waiting.pop(event.client_order_id, None)
        if terms is None:
            return
        seen, reason = self.of(*_place(terms)), event.code or event.reason
        is_again = seen.terms is not None and seen.reason == reason and is_same_instruction(seen.terms, terms)
        self._places[_place(terms)] = Refusals(
            count=seen.count + 1 if is_again else 1,
            terms=terms,
            reason=reason,
            sent_ns=max(seen.sent_ns, event.recorded_at),
        )


def _place(terms: OrderTerms) -> tuple[str, str]:
    return terms.account_id, terms.instrument_id
