"""Cancel and modify: a cancel is never held back, a change passes the gate again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from msgspec import structs

from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    ForbiddenError,
    InvalidValueError,
    UnavailableError,
)
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.money import require_finite
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderRole, OrderStatus, OrderTerms
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.sender import Sender
from stockpulse_engine.trading.submit import Submitter, body_digest
from stockpulse_engine.trading.words import number

_K, _S = OrderEventKind, OrderStatus
EXTERNAL = "external"
"""`source` of an order that we never made."""
_CHANGEABLE = frozenset({_S.ACCEPTED, _S.TRIGGERED, _S.PARTIALLY_FILLED})


class Amender:
    """Takes cancels and changes."""

    def __init__(self, desk: Desk, sender: Sender, submitter: Submitter) -> None:
        self._desk = desk
        self._sender = sender
        self._submitter = submitter

    async def cancel(self, command: CancelOrder, actor: str) -> Order:
        """Ask to cancel one order, UNKNOWN ones included; a staged one is discarded.

        Raises:
            NotFoundError: no such order.
            ConflictError: it is over and proven so, or the request id was used otherwise.
        """
        desk, key = self._desk, command.client_order_id
        order = desk.order(key)
        if order.status is _S.INITIALIZED and not order.is_unknown:
            return await self._submitter.discard_staged(key, command.request_id, actor)
        if command.request_id in desk.recorder.front.requests:
            return await self._repeated(order, command.request_id, body_digest(command))
        if not order.is_open:
            raise ConflictError(f"{key} is already {order.status.value}.", fix="Nothing is left to cancel.")
        request = desk.event(
            _K.CANCEL_REQUEST, key, actor=actor, request_id=command.request_id, body_digest=body_digest(command)
        )
        await self._record_cancels([request])
        desk.spawn(self._sender.send_cancel(key, command.request_id), f"cancel {key}")
        return desk.order(key)

    async def cancel_matching(self, pattern: str, account_id: str, actor: str) -> tuple[str, ...]:
        """Ask to cancel every open order whose symbol or instrument id matches the glob; returns their ids."""
        wanted = pattern.upper()
        matching = [order for order in self._desk.open_in(account_id) if _matches(order, wanted)]
        await self._discard_held([order for order in self._held(account_id) if _matches(order, wanted)], actor)
        return await self.cancel_all(matching, actor, f"cancel {pattern}")

    def _held(self, account_id: str) -> list[Order]:
        """What the engine holds of an account, or of all."""
        held = self._desk.recorder.front.held_orders()
        return [order for order in held if account_id in ("", order.terms.account_id)]

    async def _discard_held(self, orders: Sequence[Order], actor: str) -> None:
        for order in orders:
            key = order.client_order_id
            await self._submitter.discard_staged(key, f"cancel-{key}", actor)

    async def cancel_all(self, orders: Sequence[Order], actor: str, reason: str) -> tuple[str, ...]:
        """Ask to cancel these orders, all recorded in one write."""
        asked = await self.record_requests(orders, actor, reason)
        for key, request_id in asked:
            self._desk.spawn(self._sender.send_cancel(key, request_id), f"cancel {key}")
        return tuple(key for key, _ in asked)

    async def record_requests(self, orders: Sequence[Order], actor: str, reason: str) -> list[tuple[str, str]]:
        """Record a cancel request for each that is open; (order id, request id) of those to be asked for.

        With the journal gone this alerts and goes on: cancels are never held back (O8).
        """
        desk = self._desk
        stamp = desk.clock.now_ns()
        asked = [(one.client_order_id, f"cancel-{one.client_order_id}-{stamp}") for one in orders if one.is_open]
        events = [
            desk.event(_K.CANCEL_REQUEST, key, actor=actor, reason=reason, request_id=request_id)
            for key, request_id in asked
            if desk.order(key).status is not _S.INITIALIZED
        ]
        if events:
            await self._record_cancels(events)
        return asked

    async def modify(self, command: ModifyOrder, actor: str) -> Order:
        """Ask for new quantity or prices; the gate judges what is left to execute.

        Raises:
            ConflictError: the order can not be changed now, or the request id was used otherwise.
            DeniedError: the gate refused; nothing changed.
        """
        desk, key = self._desk, command.client_order_id
        order = desk.order(key)
        digest = body_digest(command)
        if command.request_id in desk.recorder.front.requests:
            return await self._repeated(order, command.request_id, digest)
        if order.source == EXTERNAL:
            raise ForbiddenError(f"{key} was made elsewhere.", fix="Change it where it was made, or cancel it.")
        if order.status not in _CHANGEABLE or order.is_unknown:
            state = "UNKNOWN" if order.is_unknown else order.status.value
            raise ConflictError(
                f"{key} is {state} and can not be changed now.", fix="Wait for the venue, or cancel it."
            )
        if not desk.router.broker_of(order.terms.account_id).capabilities.supports_replace:
            raise ForbiddenError("This broker can not change orders.", fix="Cancel it and send a new one.")
        desk.require_room()
        terms = _changed(order, command)
        self._require_within_entry(order, terms)
        self._pass_gate(order, terms)
        request = desk.event(
            _K.UPDATE_REQUEST, key, terms=terms, actor=actor, request_id=command.request_id, body_digest=digest
        )
        recorded = desk.recorder.record([request])
        recorded.add_done_callback(
            lambda done: (
                desk.spawn(self._sender.send_change(key, command.request_id), f"change {key}")
                if done.exception() is None
                else None
            )
        )
        await desk.recorder.wait(recorded)
        return desk.order(key)

    def _require_within_entry(self, order: Order, terms: OrderTerms) -> None:
        """An exit of a bracket never executes more than its entry (O9), however much else is held."""
        if not order.parent_id:
            return
        entry = self._desk.order(order.parent_id)
        if entry.role is not OrderRole.ENTRY:  # a pair: the other one follows the change
            return
        if self._desk.recorder.front.splits.get(order.terms.instrument_id, 0) > entry.updated_at:
            return  # it bought old shares: how many new ones those are is the gate's to judge
        most = entry.terms.quantity if entry.is_open else entry.filled_quantity
        if terms.quantity > most:
            raise InvalidValueError(
                f"{order.client_order_id} closes what its entry opens: at most {number(most)}.",
                fix="Send an order of its own for the rest.",
            )

    def _pass_gate(self, order: Order, terms: OrderTerms) -> None:
        left = structs.replace(terms, quantity=terms.quantity - order.filled_quantity)
        is_bare = order.filled_quantity or order.role is not OrderRole.ENTRY
        take, stop = (None, None) if is_bare else self._desk.exit_prices(order.client_order_id)
        command = SubmitOrder(
            client_order_id=order.client_order_id, terms=left, take_price=take, stop_price=stop, allow_duplicate=True
        )
        verdict = self._desk.gate.judge(command, exclude=order.client_order_id)
        if not verdict.is_allowed:
            raise DeniedError(verdict.sentence, denial=verdict.denial, fix=verdict.fix)

    async def _record_cancels(self, events: Sequence[OrderEvent]) -> None:
        try:
            await self._desk.recorder.write(events)
        except UnavailableError as error:
            self._desk.alert("danger", f"Cancels go out but could not be recorded: {error.message}")

    async def _repeated(self, order: Order, request_id: str, digest: str) -> Order:
        mark = self._desk.recorder.front.requests[request_id]
        if mark.client_order_id != order.client_order_id or (mark.body_digest and mark.body_digest != digest):
            raise ConflictError(f"The request id {request_id} was used with another body.", fix="Mint a new one.")
        await self._desk.recorder.settle()
        return self._desk.order(order.client_order_id)


def _matches(order: Order, wanted: str) -> bool:
    instrument = order.terms.instrument_id.upper()
    return fnmatchcase(symbol_of(instrument), wanted) or fnmatchcase(instrument, wanted)


_FIELDS = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_fraction", "limit_offset")
_OTHER_DISTANCE: dict[str, dict[str, Decimal | None]] = {
    "trail_amount": {"trail_fraction": None},
    "trail_fraction": {"trail_amount": None},
}


def _has(order: Order, field: str) -> bool:
    """Whether an order has what is to be changed; where a trailing stop's trigger stands is none of it."""
    terms = order.terms
    if terms.is_trailing:
        is_distance = field in _OTHER_DISTANCE and order.status is not _S.TRIGGERED
        return field == "quantity" or is_distance or (field == "limit_offset" and terms.limit_offset is not None)
    return field == "quantity" or getattr(terms, field) is not None


def _changed(order: Order, command: ModifyOrder) -> OrderTerms:
    terms = order.terms
    for field in _FIELDS:
        value = getattr(command, field)
        if value is None:
            continue
        if require_finite(value, field=field) <= 0:
            raise InvalidValueError(f"{field} must be positive, not {value}.")
        if not _has(order, field):
            raise InvalidValueError(f"{order.client_order_id} has no {field}.", fix="Change a price that it has.")
        terms = structs.replace(terms, **{**_OTHER_DISTANCE.get(field, {}), field: value})
    if terms == order.terms:
        raise InvalidValueError("Nothing would change.", fix="Give a new quantity or price.")
    if terms.quantity <= order.filled_quantity:
        raise InvalidValueError(
            f"{order.filled_quantity} are filled already.", fix="Give a larger total, or cancel what is left."
        )
    return terms
