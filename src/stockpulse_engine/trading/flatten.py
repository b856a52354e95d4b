"""Getting flat: closes at the market, sized to what is held at that moment, until nothing is left or time is out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Final

from stockpulse_engine.base.ids import IdFactory
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.sender import Sender
from stockpulse_engine.trading.words import number

SOURCE: Final = "flatten"
"""`source` of the closes."""
_TICK_S: Final = 0.25
_MAX_TRIES: Final = 5
"""Closes sent for one instrument; a venue that refuses five will refuse the sixth."""
_WAIT_FOR_CANCELS: Final = 12
"""Ticks to wait for working orders of an instrument to be gone: they bind what the close must sell."""
_NS: Final = 1_000_000_000
Key = tuple[str, str]
Finish = Callable[[Sequence[str], str], Awaitable[None]]


class Flattener:
    """Runs one flatten at a time. Closes do not pass the gate's money limits; the router still holds the latch."""

    def __init__(self, desk: Desk, sender: Sender, new_id: IdFactory) -> None:
        self._desk = desk
        self._sender = sender
        self._new_id = new_id
        self._run = 0
        self._accounts: tuple[str, ...] = ()

    def left(self) -> tuple[str, ...]:
        """Instrument ids still to close, empty when no flatten runs."""
        return tuple(sorted({instrument for _, instrument in self._held()}))

    def start(self, accounts: Sequence[str], actor: str, finish: Finish, *, seconds: float) -> None:
        """Begin; `finish` hears what is left, in words, once everything is closed or the time is over."""
        self._run += 1
        self._accounts = tuple(accounts)
        deadline = self._desk.clock.monotonic_ns() + int(seconds * _NS)
        self._desk.spawn(self._flatten(self._run, actor, finish, deadline), "flatten")

    def stop(self) -> None:
        """Give up the running flatten; what was sent stays sent."""
        self._run += 1
        self._accounts = ()

    def _held(self) -> dict[Key, Decimal]:
        positions = self._desk.positions
        return {
            (account_id, instrument_id): quantity
            for account_id in self._accounts
            for instrument_id, quantity in positions(account_id).items()
            if quantity
        }

    async def _flatten(self, run: int, actor: str, finish: Finish, deadline: int) -> None:
        desk = self._desk
        tries: dict[Key, int] = {}
        ticks = 0
        while self._run == run:
            held = self._held()
            if not held or desk.clock.monotonic_ns() >= deadline:
                left = [f"{symbol_of(key[1])} {number(quantity)}" for key, quantity in held.items()]
                await finish(left, actor)
                return
            for key, quantity in held.items():
                if self._may_close(key, tries, is_patient=ticks < _WAIT_FOR_CANCELS):
                    tries[key] = tries.get(key, 0) + 1
                    self._close(key, quantity, actor)
            ticks += 1
            await desk.sleep(_TICK_S * (1 + sum(tries.values()) // 4))

    def _may_close(self, key: Key, tries: dict[Key, int], *, is_patient: bool) -> bool:
        account_id, instrument_id = key
        if not self._desk.router.is_open(account_id):  # a close that cannot leave now would only use up a try
            return False
        binding = self._desk.recorder.binding(account_id)
        working = [order for order in binding if order.terms.instrument_id == instrument_id]
        if any(order.source == SOURCE for order in working) or tries.get(key, 0) >= _MAX_TRIES:
            return False
        return not working or not is_patient

    def _close(self, key: Key, quantity: Decimal, actor: str) -> None:
        desk, order_id, now = self._desk, self._new_id(), self._desk.market_now()
        quote = desk.quotes(key[1])
        terms = OrderTerms(
            account_id=key[0],
            instrument_id=key[1],
            side=Side.SELL if quantity > 0 else Side.BUY,
            quantity=abs(quantity),
            order_type=OrderType.MARKET,
            is_reduce_only=True,
        )
        order = Order(
            client_order_id=order_id,
            terms=terms,
            arrival_bid=quote.bid if quote else None,
            arrival_ask=quote.ask if quote else None,
            source=SOURCE,
            created_at=now,
            updated_at=now,
        )
        try:
            recorded = desk.recorder.record([desk.event(OrderEventKind.SUBMIT, order_id, order=order, actor=actor)])
        except StockPulseError as error:
            desk.alert("danger", f"A close of {key[1]} could not be recorded: {error.message}", key[1])
            return
        self._sender.expect([order_id])
        recorded.add_done_callback(
            lambda done: self._sender.on_durable([order_id], is_durable=done.exception() is None)
        )
