"""Alpaca's words as execution reports, each fact once, whichever of its sources was first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from stockpulse_engine.adapters.alpaca.known import Entry
from stockpulse_engine.adapters.alpaca.orders import OrderBook
from stockpulse_engine.adapters.alpaca.parse import AlpacaFill, AlpacaOrder, AlpacaUpdate
from stockpulse_engine.adapters.alpaca.words import EVENTS, OVER, QUIET_EVENTS, REPLACED, Fact, facts_of, side_of
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEventKind
from stockpulse_engine.domain.reports import ExecutionReport

_K = OrderEventKind
_OVER_AND_OVER: Final = frozenset({_K.CANCEL_REJECT, _K.UPDATE_REJECT, _K.SUSPEND})
"""What may happen to one order more than once: told apart by its time."""
Reports = list[ExecutionReport]


class Teller:
    """Makes reports. `drop` asks Alpaca to cancel one of its orders: a change that would execute too much."""

    def __init__(self, book: OrderBook, drop: Callable[[str], Awaitable[None]]) -> None:
        self._book = book
        self._known = book.known
        self._drop = drop
        self.owed: set[str] = set()
        """What a question told and the stream should have told before."""

    async def of_update(self, update: AlpacaUpdate) -> Reports:
        """A message of the stream."""
        if update.event in QUIET_EVENTS:
            await self._book.owner_of(update.order)
            return []
        entry = await self._book.owner_of(update.order)
        kind = EVENTS.get(update.event, _K.SUSPEND)
        if kind is _K.FILL:
            return await self._streamed_fill(entry, update)
        if kind is _K.UPDATE:
            return await self._change(entry, update.order, update.at)
        is_change = bool(update.order.replaces)
        if is_change and kind is _K.ACCEPT:
            return []
        if is_change and kind is _K.REJECT:
            kind = _K.UPDATE_REJECT
        words = update.reason or ("" if update.event in EVENTS else f"Alpaca says {update.event}")
        code = update.event if kind in (_K.SUSPEND, _K.REJECT) and update.event in EVENTS else ""
        fact = Fact(kind, update.at, words, code)
        return await self._facts(entry, update.order, [fact], after=-1, is_heard=True)

    async def of_order(self, order: AlpacaOrder, after: int = -1) -> Reports:
        """What a snapshot proves. Facts up to `after` are known to whoever listens: they count as told."""
        entry = await self._book.owner_of(order)
        if order.status == REPLACED:
            return await self._change(entry, order, order.replaced_at or order.updated_at, after=after)
        return await self._facts(entry, order, facts_of(order), after=after)

    async def of_fill(self, one: AlpacaFill) -> Reports:
        """An execution from the list of activities."""
        return self._fill(await self._book.fill_of(one))

    async def _facts(
        self, entry: Entry, order: AlpacaOrder, facts: list[Fact], *, after: int, is_heard: bool = False
    ) -> Reports:
        found: Reports = []
        for fact in facts:
            key = fact.key(order.order_id)
            if fact.kind in _OVER_AND_OVER:
                key = f"{key} {fact.at}"
            if is_heard:
                self.owed.discard(key)
            if self._known.is_told(key):
                continue
            is_new = fact.kind is _K.ACCEPT and fact.at > after
            terms = (
                (await self._book.venue_order(order)).terms if is_new else None
            )  # may fail: before it counts as told
            if not self._known.tell(key) or fact.at <= after:
                continue
            if not is_heard and fact.kind is not _K.ACCEPT:  # an order that waits for the open may not be told of
                self.owed.add(key)
            found.append(
                ExecutionReport(
                    client_order_id=entry.ours,
                    venue_order_id=order.order_id,
                    kind=fact.kind,
                    ts_event=fact.at,
                    report_seq=fact.at,
                    terms=terms,
                    reason=clean_line(fact.reason, 200),
                    code=clean_line(fact.code, 64),
                )
            )
        return found

    async def _change(self, entry: Entry, order: AlpacaOrder, at: int, *, after: int = -1) -> Reports:
        """A change was made: what works now is asked for, whichever of the two orders was spoken of."""
        changed = order.order_id if order.status == REPLACED else order.replaces or f"{order.order_id} {at}"
        key = f"{changed} {_K.UPDATE.value}"
        if self._known.is_told(key):
            self.owed.discard(key)
            return []
        now = await self._book.find(entry.ours)
        if now is None or now.status == REPLACED:
            return []  # not to be seen yet: the next question shows it
        shown = await self._book.venue_order(now)
        wanted, entry.wanted = entry.wanted, None
        if wanted is not None and shown.terms.quantity > wanted.quantity and now.status not in OVER:
            await self._drop(now.order_id)  # executed meanwhile: both together would be more than was asked for (F11)
        if entry.terms is not None:
            entry.terms = shown.terms
        if not self._known.tell(key) or at <= after:
            return []
        report = ExecutionReport(
            client_order_id=entry.ours,
            venue_order_id=now.order_id,
            kind=_K.UPDATE,
            ts_event=at,
            report_seq=at,
            terms=shown.terms,
        )
        return [report]

    async def _streamed_fill(self, entry: Entry, update: AlpacaUpdate) -> Reports:
        order = update.order
        if update.quantity is None or update.price is None or not update.execution_id:
            return []  # the list of executions tells it whole
        total = order.filled_quantity
        fill_id = self._known.streamed.name(order.order_id, update.execution_id, total, update.quantity)
        fill = Fill(
            fill_id=fill_id,
            client_order_id=entry.ours,
            account_id=self._book.account_id,
            instrument_id=await self._book.instrument_of(order, entry),
            sign=side_of(order.side).sign,
            quantity=update.quantity,
            price=update.price,
            ts_event=update.at,
            venue_order_id=order.order_id,
        )
        self.owed.discard(_fill_key(fill))
        return self._fill(fill, is_heard=True)

    def _fill(self, fill: Fill, *, is_heard: bool = False) -> Reports:
        if not self._known.tell(_fill_key(fill)):
            return []
        if not is_heard:
            self.owed.add(_fill_key(fill))
        report = ExecutionReport(
            client_order_id=fill.client_order_id,
            venue_order_id=fill.venue_order_id,
            kind=_K.FILL,
            ts_event=fill.ts_event,
            report_seq=fill.ts_event,
            fill=fill,
        )
        return [report]


def _fill_key(fill: Fill) -> str:
    return f"execution {fill.fill_id}"
