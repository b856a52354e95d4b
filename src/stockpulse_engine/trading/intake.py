"""The venue's words become facts: deduplicated, never trusted to be in order, never able to stop the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec import structs

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.events import ActionApplied, FillParked
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.domain.reports import ExecutionReport, VenueOrder
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import merged
from stockpulse_engine.trading.milestones import ACK, FILL, FIRST_WORDS
from stockpulse_engine.trading.words import action_words

_K = OrderEventKind
_EXECUTIONS: Final = frozenset({_K.FILL, _K.BUST, _K.CORRECT})
_OURS: Final = frozenset(kind for kind in _K if kind.is_ours)
_NS: Final = 1_000_000_000
MAX_BACKLOG: Final = 1024
"""Batches on their way to the disk before the reader waits for it."""


class Intake:
    """Takes reports, fills and foreign orders from one broker after the other.

    `ask` starts the queries about an order; `on_gap` hears that reports of a broker are missing.
    """

    def __init__(self, desk: Desk, ask: Callable[[str], None], on_gap: Callable[[str], None]) -> None:
        self._desk = desk
        self._ask = ask
        self._on_gap = on_gap
        self._last_seq: dict[str, int] = {}
        self._floor: dict[str, int] = {}

    def cursor(self, broker: str) -> int:
        """Highest report sequence number seen, durable or not."""
        return max(self._last_seq.get(broker, 0), self._desk.recorder.front.cursor(broker))

    def set_floor(self, broker: str, seq: int) -> None:
        """What the venue showed at `seq` is known: older words say nothing new but their fills."""
        self._floor[broker] = max(seq, self._floor.get(broker, 0))

    async def take(self, broker: str, batch: Sequence[ExecutionReport]) -> None:
        """Record a batch of a connection's reports; waits only when the disk is far behind."""
        for report in batch:
            self._take_one(broker, report)
        if self._desk.recorder.backlog > MAX_BACKLOG:
            await self._desk.recorder.settle()

    def take_fills(self, broker: str, fills: Sequence[Fill]) -> int:
        """Book executions from a query; those known already post nothing. Returns how many were new."""
        added = 0
        is_numbered = self._is_numbered(broker)
        for fill in fills:
            if self._desk.recorder.front.has_fill(fill.account_id, fill.fill_id):
                continue
            kind = _K.CORRECT if fill.corrects else _K.FILL
            report = ExecutionReport(
                client_order_id=fill.client_order_id,
                venue_order_id=fill.venue_order_id,
                kind=kind,
                ts_event=fill.ts_event,
                report_seq=0 if is_numbered else fill.ts_event,
                fill=fill,
            )
            added += self._record(broker, report)
        return added

    def release(
        self, account_id: str = "", *, is_over: bool = False, names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Book parked executions whose order is known by now; the others when they have waited long enough.

        Args:
            account_id: of this account alone, of all with "".
            is_over: nobody is waited for any more: what is left was made elsewhere.
            names: the broker's id of an order → ours, where a query has just told them.
        """
        desk = self._desk
        parked = desk.recorder.front.parked
        if not parked:
            return
        oldest = desk.clock.now_ns() - int(desk.timing.park * _NS)
        for one in tuple(parked.values()):
            account = desk.recorder.front.accounts.get(one.account_id)
            if account is None or account_id not in ("", one.account_id):
                continue
            named = one.fill.venue_order_id
            key = names.get(named) or desk.recorder.front.named(account.broker, named)
            if key:
                self._book(key, one.fill)
            elif is_over or one.recorded_at <= oldest:
                words = f"Execution {one.fill.fill_id} of {one.fill.instrument_id} belongs to no order of ours."
                desk.alert("danger", words, one.fill.instrument_id)
                self._book("", one.fill)

    def adopt(self, venue: VenueOrder) -> None:
        """An order at the venue that we never made: kept as `external`, never canceled by itself (O14).

        What was filled of it before belongs to what the account brought with it: the order here is the rest of it.
        """
        key = venue.client_order_id or f"ext-{venue.venue_order_id}"
        if self._desk.recorder.current(key) is not None:
            return
        before = venue.filled_quantity if venue.filled_quantity < venue.terms.quantity else ZERO
        rest = structs.replace(venue.terms, quantity=venue.terms.quantity - before)
        self._create(key, rest, venue.venue_order_id, venue.ts_event, filled_before=before)

    def _take_one(self, broker: str, report: ExecutionReport) -> None:
        seq = report.report_seq
        if seq:
            last = self.cursor(broker)
            self._last_seq[broker] = max(seq, last)
            if self._is_numbered(broker):
                if seq > last + 1 and last:
                    self._on_gap(broker)
                is_news = report.action is not None or report.kind in _EXECUTIONS
                if seq <= self._floor.get(broker, 0) and not is_news:
                    return
        if report.action is not None:
            self._record_action(report, report.action)
        else:
            self._record(broker, report)

    def _book(self, key: str, fill: Fill) -> None:
        """A parked execution, under our order's id or as that of a foreign one."""
        kind = _K.CORRECT if fill.corrects else _K.FILL
        known = ExecutionReport(
            client_order_id=key or f"ext-{fill.venue_order_id}",
            venue_order_id=fill.venue_order_id,
            kind=kind,
            ts_event=fill.ts_event,
            fill=fill,
        )
        self._record("", known)

    def _park(self, broker: str, report: ExecutionReport) -> bool:
        """Whether it is an execution that waits now: the broker names no order, and one of ours has no name yet.

        Durable like any fact: a kill must not lose it.
        """
        desk, fill = self._desk, report.fill
        if fill is None or report.client_order_id or report.kind is _K.BUST:
            return False
        if (fill.account_id, fill.fill_id) in desk.recorder.front.parked:
            return True
        if desk.recorder.front.named(broker, report.venue_order_id) or not self._may_be_ours(fill):
            return False
        fact = FillParked(
            account_id=fill.account_id,
            fill=structs.replace(fill, venue_order_id=report.venue_order_id or fill.venue_order_id),
            ts_event=report.ts_event,
            recorded_at=desk.clock.now_ns(),
            report_seq=report.report_seq,
        )
        desk.recorder.record([fact])
        return True

    def _may_be_ours(self, fill: Fill) -> bool:
        """Whether an order of ours that the broker has not named yet may have executed so."""
        return any(
            not order.venue_order_id
            and order.terms.instrument_id == fill.instrument_id
            and order.terms.side.sign == fill.sign
            for order in self._desk.recorder.front.open_orders(fill.account_id)
        )

    def _is_numbered(self, broker: str) -> bool:
        """Whether gaps in its report numbers mean anything: elsewhere they are times, or nothing at all."""
        found = self._desk.brokers.get(broker)
        return found is not None and found.capabilities.numbers_reports

    def _record(self, broker: str, report: ExecutionReport) -> bool:
        """One word of the venue; a failure of ours is an alert, not an exception in the reader."""
        desk = self._desk
        if self._is_of_nobody(report):
            return False
        try:
            if self._is_known(report) or self._park(broker, report):
                return False
            key = self._known_key(broker, report)
            if key is None:
                desk.alert("danger", f"The venue reports {report.kind.value} of an order nobody knows.", "venue")
                self._on_gap(broker)
                return False
            desk.recorder.record(self._events(key, report), is_hearsay=True)
        except StockPulseError as error:
            desk.alert("danger", f"A word of the venue could not be recorded: {error.message}", report.client_order_id)
            return False
        if desk.order(key).is_unknown:
            self._ask(key)
        if report.venue_order_id:
            self.release()
        return True

    def _is_of_nobody(self, report: ExecutionReport) -> bool:
        """Whether it speaks of an account that is not open here: what it holds is taken over when it is opened."""
        owner = report.fill.account_id if report.fill else report.terms.account_id if report.terms else ""
        return bool(owner) and owner not in self._desk.recorder.front.accounts

    def _record_action(self, report: ExecutionReport, statement: ActionStatement) -> None:
        """A corporate action: journalled before anything acts on it, once for each account."""
        desk = self._desk
        if (statement.account_id, statement.action_id) in desk.recorder.front.actions:
            return
        fact = ActionApplied(
            statement=statement,
            ts_event=report.ts_event,
            recorded_at=desk.clock.now_ns(),
            report_seq=report.report_seq,
        )
        try:
            desk.recorder.record([fact])
        except StockPulseError as error:
            desk.alert("danger", f"A corporate action could not be recorded: {error.message}", statement.instrument_id)
            return
        if statement.before or statement.adjusted or statement.canceled:
            desk.alert("info", action_words(statement), statement.instrument_id)

    def _is_known(self, report: ExecutionReport) -> bool:
        """Whether it states an execution that was booked already; a bust speaks of one on purpose."""
        fill = report.fill
        if fill is None or report.kind is _K.BUST:
            return False
        return self._desk.recorder.front.has_fill(fill.account_id, fill.fill_id)

    def _events(self, key: str, report: ExecutionReport) -> list[OrderEvent]:
        desk = self._desk
        if report.kind in _OURS:  # a venue cannot speak for us
            return [desk.event(_K.MARK_UNKNOWN, key, reason=f"the venue says {report.kind.value}", actor="venue")]
        event = desk.event(
            report.kind,
            key,
            ts_event=report.ts_event,
            fill=_of(report.fill, key),
            terms=self._rest_of(key, self._terms(key, report)),
            venue_order_id=clean_line(report.venue_order_id, 64),
            reason=clean_line(report.reason, 200),
            code=clean_line(report.code, 64),
            report_seq=report.report_seq,
            actor="venue",
            hops=self._hops_to(key, report),
        )
        if report.kind is _K.SUSPEND and not report.code:  # an unmapped word: keep it, and ask what it means
            return [event, desk.event(_K.MARK_UNKNOWN, key, reason="a word we do not know", actor="engine")]
        return [event]

    def _terms(self, key: str, report: ExecutionReport) -> OrderTerms | None:
        """New terms as a change: what no venue holds (strategy, lots, reduce-only) stays ours."""
        if report.kind is not _K.UPDATE or report.terms is None:
            return report.terms
        order = self._desk.order(key)
        return merged(order.pending_terms or order.terms, report.terms)

    def _rest_of(self, key: str, terms: OrderTerms | None) -> OrderTerms | None:
        """New terms of the part of an order that is ours to follow: a foreign one may have executed before."""
        order = self._desk.recorder.current(key)
        if terms is None or order is None or not order.filled_before:
            return terms
        return structs.replace(terms, quantity=terms.quantity - order.filled_before)

    def _hops_to(self, key: str, report: ExecutionReport) -> dict[str, int]:
        """How long the way to the venue's first word, or to the first fill, took: the journal keeps it."""
        if report.kind not in FIRST_WORDS:
            return {}
        names = (ACK, FILL) if report.kind is _K.FILL else (ACK,)
        return self._desk.milestones.arrive(key, names, self._desk.clock.monotonic_ns())

    def _known_key(self, broker: str, report: ExecutionReport) -> str | None:
        """The id of the order the report is about; an order we never made is adopted when its terms are told."""
        front = self._desk.recorder.front
        key = report.client_order_id or front.named(broker, report.venue_order_id) or f"ext-{report.venue_order_id}"
        if self._desk.recorder.current(key) is not None:
            return key
        terms = report.terms or (_terms_of(report.fill) if report.fill else None)
        if terms is None:
            return None
        self._create(key, terms, report.venue_order_id, report.ts_event)
        return key

    def _create(
        self, key: str, terms: OrderTerms, venue_order_id: str, ts_event: int, *, filled_before: Decimal = ZERO
    ) -> None:
        desk = self._desk
        key = clean_line(key, 64)
        order = Order(
            client_order_id=key,
            terms=terms,
            status=OrderStatus.INITIALIZED,
            venue_order_id=clean_line(venue_order_id, 64),
            source="external",
            filled_before=filled_before,
            created_at=ts_event,
            updated_at=ts_event,
        )
        desk.recorder.record(
            [
                desk.event(_K.SUBMIT, key, order=order, actor="external"),
                desk.event(_K.ACCEPT, key, venue_order_id=order.venue_order_id, actor="venue", reason="adopted"),
            ]
        )
        desk.alert("warn", f"The venue holds an order we never sent: {key}. It is shown as external.", key)


def _of(fill: Fill | None, key: str) -> Fill | None:
    """The fill under our own order id, its words made harmless."""
    if fill is None or fill.client_order_id == key:
        return fill
    return structs.replace(fill, client_order_id=key)


def _terms_of(fill: Fill) -> OrderTerms:
    """The least that must have been ordered for this execution to exist."""
    return OrderTerms(
        account_id=fill.account_id,
        instrument_id=fill.instrument_id,
        side=Side.BUY if fill.sign > 0 else Side.SELL,
        quantity=fill.quantity,
        order_type=OrderType.MARKET,
    )
