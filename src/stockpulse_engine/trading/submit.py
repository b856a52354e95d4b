"""Submitting: idempotency, gate, durable intent, and then the one attempt to send it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import structs

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.errors import ConflictError, DeniedError, InvalidValueError
from stockpulse_engine.domain.money import require_finite
from stockpulse_engine.domain.orders import (
    Order,
    OrderEvent,
    OrderEventKind,
    OrderRole,
    OrderStatus,
    OrderType,
    SessionHours,
    TimeInForce,
)
from stockpulse_engine.render.sentence import describe_order
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.trading import milestones as at
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.sender import Sender

_K = OrderEventKind
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}")
_UNRECORDED: Final = frozenset({"STREAM_RECONCILING"})
"""Denials that pass by themselves: not recorded, so that the same request may simply be repeated."""


def body_digest(command: SubmitOrder | CancelOrder | ModifyOrder) -> str:
    """Digest of a command's body: the same key with another body is a conflict (O6).

    Who sends it is no part of it: a second process may ask again for the same. Nor is that only a refusal was to be
    put on record: it was the same order.
    """
    bare = structs.replace(command, source="")
    if isinstance(bare, SubmitOrder) and bare.is_for_record:
        bare = structs.replace(bare, is_for_record=False)
    return hashlib.sha256(msgspec.msgpack.encode(bare)).hexdigest()[:32]


class Submitter:
    """Takes submissions, staged orders and their sending."""

    def __init__(self, desk: Desk, sender: Sender) -> None:
        self._desk = desk
        self._sender = sender

    async def submit(self, command: SubmitOrder, actor: str) -> tuple[tuple[Order, ...], bool]:
        """Orders made (entry first) and whether this was a replay.

        Raises:
            DeniedError: the gate refused; the refusal is on record and a repetition gets the same answer.
            ConflictError: the id was used with another body, or the gate would take what was only to be put on record.
            InvalidValueError: id or numbers can not be right.
            UnavailableError: nothing can be recorded or sent now.
        """
        desk = self._desk
        desk.note(command.client_order_id, at.PARSED)
        digest = body_digest(command)
        if command.client_order_id in desk.recorder.front.orders:
            return await self._replayed(command.client_order_id, digest), True
        self._require_sound(command)
        desk.require_room()
        orders = self._make_orders(command)
        if command.is_staged and not command.is_for_record:
            events = self._creation(_K.INITIALIZE, orders, digest, actor)
            await desk.recorder.write(events)
            return self._now(command.client_order_id), False
        await self._pass_gate(command, orders[0], digest, actor)
        if command.is_for_record:
            raise ConflictError("The gate would take this order by now; nothing was sent.", fix="Send it again.")
        events = self._creation(_K.SUBMIT, orders, digest, actor)
        await self._record_and_send(events, [order.client_order_id for order in orders])
        return self._now(command.client_order_id), False

    async def send_staged(self, client_order_id: str, request_id: str, actor: str) -> tuple[Order, ...]:
        """Send an INITIALIZED order and its bracket; a refusal of the gate is put on record and leaves it staged."""
        desk = self._desk
        entry = desk.order(client_order_id)
        if request_id in desk.recorder.front.requests:
            return await self._repeated(entry, request_id)
        if entry.status is not OrderStatus.INITIALIZED:
            raise ConflictError(f"{_name(entry)} is {entry.status.value}, not staged.", fix="Send a new order instead.")
        if entry.parent_id:
            raise ConflictError(f"{_name(entry)} is sent with its entry.", fix=f"Send {entry.parent_id}.")
        desk.require_room()
        desk.milestones.forget(client_order_id)
        desk.note(client_order_id, at.PARSED)
        self._require_clean(entry.terms.account_id)
        verdict = desk.gate.judge(self._as_command(entry))
        if not verdict.is_allowed:
            await self._record_attempt(entry, request_id, verdict, actor)
            raise DeniedError(verdict.sentence, denial=verdict.denial, fix=verdict.fix)
        desk.note(client_order_id, at.GATE)
        family = desk.recorder.front.family(client_order_id)
        events = [desk.event(_K.SUBMIT, key, actor=actor) for key in family]
        events[0] = structs.replace(events[0], request_id=request_id)
        await self._record_and_send(events, family)
        return self._now(client_order_id)

    async def discard_staged(self, client_order_id: str, request_id: str, actor: str) -> Order:
        """Throw an INITIALIZED order and its bracket away."""
        desk = self._desk
        entry = desk.order(client_order_id)
        if request_id in desk.recorder.front.requests:
            return (await self._repeated(entry, request_id))[0]
        if entry.status is not OrderStatus.INITIALIZED:
            raise ConflictError(f"{_name(entry)} is {entry.status.value}, not staged.", fix="Cancel it instead.")
        family = desk.recorder.front.family(client_order_id)
        events = [desk.event(_K.DISCARD, key, actor=actor, reason="discarded") for key in family]
        events[0] = structs.replace(events[0], request_id=request_id)
        await desk.recorder.write(events)
        return self._now(client_order_id)[0]

    # --- idempotency --------------------------------------------------------------------------------------

    async def _replayed(self, client_order_id: str, digest: str) -> tuple[Order, ...]:
        """The same answer again, once what is being answered is durable."""
        recorder = self._desk.recorder
        if recorder.front.bodies.get(client_order_id) != digest:
            raise ConflictError(
                f"The order id {client_order_id} was used before with another body.",
                fix="Mint a new client_order_id for a new intent.",
            )
        await recorder.settle()
        orders = self._now(client_order_id)
        if orders[0].status is OrderStatus.DENIED:
            raise DeniedError(orders[0].reason, denial=orders[0].code, fix=orders[0].fix)
        return orders

    async def _repeated(self, entry: Order, request_id: str) -> tuple[Order, ...]:
        mark = self._desk.recorder.front.requests[request_id]
        if mark.client_order_id != entry.client_order_id:
            raise ConflictError(f"The request id {request_id} was used for another order.", fix="Mint a new one.")
        await self._desk.recorder.settle()
        return self._now(entry.client_order_id)

    def _now(self, client_order_id: str) -> tuple[Order, ...]:
        front = self._desk.recorder.front
        return tuple(front.orders[key] for key in front.family(client_order_id))

    # --- checks -------------------------------------------------------------------------------------------

    def _require_sound(self, command: SubmitOrder) -> None:
        """What can not even be recorded: ids, numbers that are none, unknown accounts."""
        key = command.client_order_id
        if not _ID.fullmatch(key):
            raise InvalidValueError(
                f"client_order_id {clean_line(key, 64)!r} is not an id.",
                fix="Use 1 to 62 letters, digits, dots, dashes or underscores.",
            )
        if any(child in self._desk.recorder.front.orders for child in (f"{key}-T", f"{key}-S")):
            raise ConflictError(f"Orders of a bracket {key} exist already.", fix="Mint a new client_order_id.")
        terms = command.terms
        named: tuple[tuple[str, Decimal | None], ...] = (
            ("quantity", terms.quantity),
            ("limit_price", terms.limit_price),
            ("stop_price", terms.stop_price),
            ("take_price", command.take_price),
            ("bracket stop_price", command.stop_price),
        )
        for field, value in named:
            if value is not None and require_finite(value, field=field) <= 0:
                raise InvalidValueError(f"{field} must be positive, not {value}.")
        self._desk.router.broker_of(terms.account_id)

    def _require_clean(self, account_id: str) -> None:
        if account_id not in self._desk.clean:
            raise DeniedError(
                "Our orders are being compared with the venue's; until they match nothing new leaves.",
                denial="STREAM_RECONCILING",
                fix="Wait a moment; `sp doctor` shows what differs.",
            )

    async def _pass_gate(self, command: SubmitOrder, entry: Order, digest: str, actor: str) -> None:
        desk = self._desk
        self._require_clean(command.terms.account_id)
        verdict = desk.gate.judge(command)
        desk.note(command.client_order_id, at.GATE)
        if verdict.is_allowed:
            return
        if verdict.denial not in _UNRECORDED:
            await self._record_denial(entry, verdict, actor, digest)
        raise DeniedError(verdict.sentence, denial=verdict.denial, fix=verdict.fix)

    async def _record_attempt(self, staged: Order, request_id: str, verdict: Verdict, actor: str) -> None:
        """A staged order stays as it is: that sending it was refused is a DENIED order of its own, once per request."""
        key = _refusal_id(staged, request_id)
        if key in self._desk.recorder.front.orders or verdict.denial in _UNRECORDED:
            return
        now = self._desk.market_now()
        twin = structs.replace(staged, client_order_id=key, role=OrderRole.SINGLE, created_at=now, updated_at=now)
        await self._record_denial(twin, verdict, actor)

    async def _record_denial(self, order: Order, verdict: Verdict, actor: str, digest: str = "") -> None:
        desk = self._desk
        refusal = desk.event(
            _K.DENY,
            order.client_order_id,
            order=order,
            reason=verdict.sentence,
            code=verdict.denial,
            fix=verdict.fix,
            actor=actor,
            body_digest=digest,
        )
        await desk.recorder.write([refusal])

    # --- making -------------------------------------------------------------------------------------------

    def _make_orders(self, command: SubmitOrder) -> tuple[Order, ...]:
        """The order, or a bracket's entry, take and stop: `ID`, `ID-T`, `ID-S`."""
        desk, key, terms = self._desk, command.client_order_id, command.terms
        quote = desk.quotes(terms.instrument_id)
        now = desk.market_now()
        is_bracket = command.take_price is not None or command.stop_price is not None
        entry = Order(
            client_order_id=key,
            terms=terms,
            role=OrderRole.ENTRY if is_bracket else OrderRole.SINGLE,
            arrival_bid=quote.bid if quote else None,
            arrival_ask=quote.ask if quote else None,
            source=clean_line(command.source, 32),
            created_at=now,
            updated_at=now,
        )
        return (entry, *_children(entry, command))

    def _creation(self, kind: OrderEventKind, orders: Sequence[Order], digest: str, actor: str) -> list[OrderEvent]:
        """One event per new order; the entry's carries the digest of the request."""
        return [
            self._desk.event(
                kind,
                order.client_order_id,
                order=order,
                actor=actor,
                body_digest="" if order.parent_id else digest,
            )
            for order in orders
        ]

    def _as_command(self, entry: Order) -> SubmitOrder:
        """The command a staged order stands for."""
        take, stop = self._desk.exit_prices(entry.client_order_id)
        return SubmitOrder(client_order_id=entry.client_order_id, terms=entry.terms, take_price=take, stop_price=stop)

    async def _record_and_send(self, events: Sequence[OrderEvent], keys: Sequence[str]) -> None:
        desk = self._desk
        entry = keys[0]
        recorded = desk.recorder.record(events)
        desk.gate.note(desk.order(entry), events[0].recorded_at)
        self._sender.expect(keys)
        recorded.add_done_callback(lambda done: self._sender.on_durable(keys, is_durable=done.exception() is None))
        await desk.recorder.wait(recorded)


def _children(entry: Order, command: SubmitOrder) -> tuple[Order, ...]:
    """Take (limit) and stop (stop market) on the other side, only to reduce.

    They work until canceled, however long the entry may live: a protection must not expire before what it protects.
    """
    exit_terms = structs.replace(
        entry.terms,
        side=entry.terms.side.opposite,
        time_in_force=TimeInForce.GTC,
        is_reduce_only=True,
        lots=(),
        limit_price=None,
        stop_price=None,
    )
    made: list[Order] = []
    for suffix, role, order_type, price in (
        ("T", OrderRole.TAKE, OrderType.LIMIT, command.take_price),
        ("S", OrderRole.STOP, OrderType.STOP, command.stop_price),
    ):
        if price is None:
            continue
        field = "limit_price" if order_type is OrderType.LIMIT else "stop_price"
        terms = structs.replace(exit_terms, order_type=order_type, **{field: price})
        if order_type is OrderType.STOP:  # extended hours take limits only
            terms = structs.replace(terms, session=SessionHours.REGULAR)
        key = f"{entry.client_order_id}-{suffix}"
        made.append(
            structs.replace(entry, client_order_id=key, terms=terms, role=role, parent_id=entry.client_order_id)
        )
    return tuple(made)


def _refusal_id(staged: Order, request_id: str) -> str:
    """Id of the record that sending a staged order was refused: the same request, the same id."""
    return "R" + hashlib.sha256(f"{staged.client_order_id} {request_id}".encode()).hexdigest()[:15].upper()


def _name(order: Order) -> str:
    return f"{order.client_order_id} ({describe_order(order.terms)})"
