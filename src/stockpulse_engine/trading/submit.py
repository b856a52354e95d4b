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
from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder, stop_of_pair
from stockpulse_engine.domain.conditions import MAX_PARTS, PriceCondition
from stockpulse_engine.domain.errors import ConflictError, DeniedError, InvalidValueError
from stockpulse_engine.domain.money import require_finite
from stockpulse_engine.domain.orders import (
    Order,
    OrderEvent,
    OrderEventKind,
    OrderRole,
    OrderStatus,
    OrderTerms,
    OrderType,
    SessionHours,
    TimeInForce,
)
from stockpulse_engine.render.sentence import describe_order
from stockpulse_engine.risk.codes import PASSING, SETTLED
from stockpulse_engine.risk.verdict import Verdict
from stockpulse_engine.trading import milestones as at
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.sender import Sender
from stockpulse_engine.trading.words import suspense_words

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
        self._sent_again: set[str] = set()
        """Fired orders that were sent once more in this life of the engine."""

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
        command = _as_meant(command)
        self._require_taken(command)
        orders = self._make_orders(command)
        if command.is_staged and not command.is_for_record:
            events = self._creation(_K.INITIALIZE, orders, digest, actor)
            await desk.recorder.write(events)
            return self._now(command.client_order_id), False
        if (command.condition is not None or self.is_emulated(command.terms)) and not command.is_for_record:
            await self._hold(command, orders, digest, actor)
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
        if entry.is_held:
            raise ConflictError(f"{_name(entry)} is held and leaves by itself.", fix="Cancel it and send it anew.")
        desk.require_room()
        if entry.condition is not None or self.is_emulated(entry.terms):
            await desk.recorder.write([desk.event(_K.HOLD, client_order_id, actor=actor, request_id=request_id)])
            return self._now(client_order_id)
        desk.milestones.forget(client_order_id)
        desk.note(client_order_id, at.PARSED)
        self._require_clean(entry.terms.account_id, entry.terms.instrument_id)
        verdict = desk.gate.judge(self._as_command(entry))
        if not verdict.is_allowed:
            await self._record_attempt(entry, request_id, verdict, actor)
            raise DeniedError(verdict.sentence, denial=verdict.denial, fix=verdict.fix)
        await self._let_go(entry, request_id, actor)
        return self._now(client_order_id)

    async def fire(self, client_order_id: str) -> str:
        """Send an order that was held, its condition being met; why it can not leave yet, "" once that is settled.

        The gate judges it now. A refusal that passes by itself is told and holds it; any other ends it, on record.
        Nothing of this can happen twice: the order leaves the state in which it is held with the event that sends it.
        """
        desk = self._desk
        entry = desk.order(client_order_id)
        if not entry.is_held:
            return ""
        desk.require_room()
        if not desk.router.is_open(entry.terms.account_id):
            return "the link to the venue is down, or our orders are being compared with it"
        try:
            self._require_clean(entry.terms.account_id, entry.terms.instrument_id)
        except DeniedError as refused:
            return refused.message
        entry = structs.replace(entry, terms=self._released(entry.terms))
        verdict = desk.gate.judge(structs.replace(self._as_command(entry), allow_duplicate=True))
        if verdict.is_allowed:
            desk.milestones.forget(client_order_id)
            await self._let_go(entry, f"fire-{client_order_id}", "engine")
        elif verdict.denial in PASSING:
            return verdict.sentence
        else:
            said = {"reason": verdict.sentence, "code": verdict.denial, "fix": verdict.fix, "actor": "engine"}
            family = desk.recorder.front.family(client_order_id)
            await desk.recorder.write([desk.event(_K.DENY, key, **said) for key in family])
            desk.alert("danger", f"{client_order_id} was due and is refused: {verdict.sentence}", client_order_id)
        return ""

    def send_once_more(self, order: Order) -> bool:
        """Whether a fired order that a kill kept from the venue goes again, under its own id: now, or once it may.

        Only where the venue refuses a second order of one id for ever: there it can not be there twice, whatever was
        underway. The venue has proven before that it has none, and the gate judges once more.
        """
        desk, key = self._desk, order.client_order_id
        dedup = desk.router.broker_of(order.terms.account_id).capabilities.dedup
        was_fired = f"fire-{key}" in desk.recorder.front.requests
        may_go = was_fired and order.status is OrderStatus.SUBMITTED and dedup is Dedup.FOR_EVER
        if not may_go or key in self._sent_again:
            return False
        if not desk.router.is_open(order.terms.account_id):
            return True  # asked about again when the way is free
        self._sent_again.add(key)
        verdict = desk.gate.judge(structs.replace(self._as_command(order), allow_duplicate=True), exclude=key)
        if not verdict.is_allowed:
            return False
        family = desk.recorder.front.family(key)
        desk.alert("warn", f"{key} was due when the engine was killed and never arrived: it is sent now.", key)
        self._sender.expect(family)
        self._sender.on_durable(family, is_durable=True)
        return True

    async def _let_go(self, entry: Order, request_id: str, actor: str) -> None:
        """An order that was kept leaves, with the quote of this moment as its arrival."""
        desk, key = self._desk, entry.client_order_id
        desk.note(key, at.GATE)
        quote = desk.quotes(entry.terms.instrument_id)
        arrival = {"arrival_bid": quote.bid, "arrival_ask": quote.ask} if quote else {}
        family = desk.recorder.front.family(key)
        events = [desk.event(_K.SUBMIT, each, actor=actor, **arrival) for each in family]
        if desk.order(key).terms != entry.terms:
            events[0] = structs.replace(events[0], terms=entry.terms)
        events[0] = structs.replace(events[0], request_id=request_id, limits=desk.limits_name(entry.terms))
        await self._record_and_send(events, family)

    def is_emulated(self, terms: OrderTerms) -> bool:
        """Whether it is a trailing stop that its broker does not take: the engine holds it and moves the trigger."""
        if not terms.is_trailing:
            return False
        can = self._desk.router.broker_of(terms.account_id).capabilities
        return not can.holds_trailing or terms.order_type not in can.order_types

    def _released(self, terms: OrderTerms) -> OrderTerms:
        """What leaves once the trigger of a held trailing stop is reached: a market order, or a limit beyond it."""
        if not self.is_emulated(terms):
            return terms
        bare = structs.replace(terms, stop_price=None, trail_amount=None, trail_fraction=None, limit_offset=None)
        if terms.limit_offset is None or terms.stop_price is None:
            return structs.replace(bare, order_type=OrderType.MARKET)
        limit = terms.stop_price + terms.limit_offset * terms.side.sign
        return structs.replace(bare, order_type=OrderType.LIMIT, limit_price=limit)

    async def _hold(self, command: SubmitOrder, orders: Sequence[Order], digest: str, actor: str) -> None:
        """Keep an order until its condition is met; what no waiting would change is refused at once."""
        verdict = self._desk.gate.judge(command)
        if verdict.denial in SETTLED:
            await self._record_denial(orders[0], verdict, actor, digest)
            raise DeniedError(verdict.sentence, denial=verdict.denial, fix=verdict.fix)
        held = (structs.replace(orders[0], is_held=True), *orders[1:])
        await self._desk.recorder.write(self._creation(_K.INITIALIZE, held, digest, actor))

    async def discard_staged(
        self, client_order_id: str, request_id: str, actor: str, *, reason: str = "discarded", code: str = ""
    ) -> Order:
        """Throw an INITIALIZED order and its bracket away."""
        desk = self._desk
        entry = desk.order(client_order_id)
        if request_id in desk.recorder.front.requests:
            return (await self._repeated(entry, request_id))[0]
        if entry.status is not OrderStatus.INITIALIZED:
            raise ConflictError(f"{_name(entry)} is {entry.status.value}, not staged.", fix="Cancel it instead.")
        family = desk.recorder.front.family(client_order_id)
        events = [desk.event(_K.DISCARD, key, actor=actor, reason=reason, code=code) for key in family]
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
            ("oco_stop_price", command.oco_stop_price),
            ("trail_amount", terms.trail_amount),
            ("trail_fraction", terms.trail_fraction),
            ("limit_offset", terms.limit_offset),
            *[(f"price of {one.instrument_id}", one.price) for one in _watched(command)],
        )
        for field, value in named:
            if value is not None and require_finite(value, field=field) <= 0:
                raise InvalidValueError(f"{field} must be positive, not {value}.")
        if command.oco_stop_price is not None and (
            terms.order_type is not OrderType.LIMIT or command.take_price or command.stop_price
        ):
            raise InvalidValueError(
                "A pair is a limit order and the stop beside it.", fix="Leave out the bracket, and give a limit price."
            )
        if command.condition is not None and not 0 < len(command.condition.parts) <= MAX_PARTS:
            raise InvalidValueError(f"An order waits for 1 to {MAX_PARTS} conditions.", fix="Leave some out.")
        self._desk.router.broker_of(terms.account_id)

    def _require_taken(self, command: SubmitOrder) -> None:
        """Whether the broker takes orders of this kind at all."""
        terms, can = command.terms, self._desk.router.broker_of(command.terms.account_id).capabilities
        what, exits = "", [price for price in (command.take_price, command.stop_price) if price is not None]
        if self.is_emulated(terms) and (command.condition is not None or exits):
            what = "trailing stops, and the engine holds them alone: without a condition and without exits"
        elif terms.order_type not in can.order_types and not terms.is_trailing:
            what = f"{terms.order_type.value} orders"
        elif terms.time_in_force not in can.times_in_force:
            what = f"{terms.time_in_force.value} orders"
        elif command.oco_stop_price is not None and not can.holds_oco:
            what = "pairs of which one cancels the other"
        elif exits and not can.holds_brackets and not (len(exits) == 1 and can.holds_oto):
            what = "brackets"
        if what:
            raise DeniedError(
                f"The broker {can.name} takes no {what}.",
                denial="UNSUPPORTED",
                fix="See `sp broker` for what it takes.",
            )

    def _require_clean(self, account_id: str, instrument_id: str) -> None:
        if account_id not in self._desk.clean:
            raise DeniedError(
                "Our orders are being compared with the venue's; until they match nothing new leaves.",
                denial="STREAM_RECONCILING",
                fix="Wait a moment; `sp doctor` shows what differs.",
            )
        if one := self._desk.recorder.front.blocking(account_id, instrument_id):
            raise DeniedError(
                f"The broker's figure differs from ours: {suspense_words(one.instrument_id, one.ours, one.theirs)}.",
                denial="SUSPENSE",
                fix=f"Say which is right: `sp reconcile explain {one.suspense_id} --accept` or `--ignore`.",
            )

    async def _pass_gate(self, command: SubmitOrder, entry: Order, digest: str, actor: str) -> None:
        desk = self._desk
        self._require_clean(command.terms.account_id, command.terms.instrument_id)
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
        is_pair = command.oco_stop_price is not None
        entry = Order(
            client_order_id=key,
            terms=terms,
            role=OrderRole.ENTRY if is_bracket else OrderRole.TAKE if is_pair else OrderRole.SINGLE,
            arrival_bid=quote.bid if quote else None,
            arrival_ask=quote.ask if quote else None,
            source=clean_line(command.source, 32),
            created_at=now,
            updated_at=now,
            condition=command.condition,
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
                limits=self._desk.limits_name(order.terms),
            )
            for order in orders
        ]

    def _as_command(self, entry: Order) -> SubmitOrder:
        """The command a staged order stands for."""
        take, stop = self._desk.exit_prices(entry.client_order_id)
        if entry.role is OrderRole.TAKE:
            return SubmitOrder(client_order_id=entry.client_order_id, terms=entry.terms, oco_stop_price=stop)
        return SubmitOrder(client_order_id=entry.client_order_id, terms=entry.terms, take_price=take, stop_price=stop)

    async def _record_and_send(self, events: Sequence[OrderEvent], keys: Sequence[str]) -> None:
        desk = self._desk
        entry = keys[0]
        recorded = desk.recorder.record(events)
        desk.gate.note(desk.order(entry), events[0].recorded_at)
        self._sender.expect(keys)
        recorded.add_done_callback(lambda done: self._sender.on_durable(keys, is_durable=done.exception() is None))
        await desk.recorder.wait(recorded)


def _watched(command: SubmitOrder) -> list[PriceCondition]:
    parts = command.condition.parts if command.condition is not None else ()
    return [part for part in parts if isinstance(part, PriceCondition)]


def _as_meant(command: SubmitOrder) -> SubmitOrder:
    """A pair only ever closes."""
    if command.oco_stop_price is None:
        return command
    return structs.replace(command, terms=structs.replace(command.terms, is_reduce_only=True))


def _children(entry: Order, command: SubmitOrder) -> tuple[Order, ...]:
    """What comes with an order: the exits of a bracket, or the stop of a pair."""
    made = _exits(structs.replace(entry, condition=None), command)
    if command.oco_stop_price is None:
        return made
    key = f"{entry.client_order_id}-S"
    stop = structs.replace(entry, client_order_id=key, role=OrderRole.STOP, parent_id=entry.client_order_id)
    return (structs.replace(stop, terms=stop_of_pair(command).terms, condition=None),)


def _exits(entry: Order, command: SubmitOrder) -> tuple[Order, ...]:
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
        trail_amount=None,
        trail_fraction=None,
        limit_offset=None,
        expires_at=0,
        expires_on="",
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
