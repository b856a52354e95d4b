"""An order's life and the journal, told to people."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.domain.views import LogEntry, OrderLife, VerifyResult, WhyStep
from stockpulse_engine.trading import milestones as at
from stockpulse_engine.trading.milestones import Milestones, hops_between
from stockpulse_engine.trading.ports import JournalEntry
from stockpulse_engine.trading.recorder import Recorder
from stockpulse_engine.trading.words import MARKS, describe_event, describe_order_event

_K = OrderEventKind
MAX_LOG = 5000
"""Longest page of the log."""


class Narrator:
    """Reads the journal for `sp why` and `sp log`."""

    def __init__(self, recorder: Recorder, milestones: Milestones) -> None:
        self._recorder = recorder
        self._milestones = milestones

    def life(self, client_order_id: str) -> OrderLife:
        """Every entry about the order, verified against the chain, with the time between them."""
        book = self._recorder.book
        seqs = book.entries.get(client_order_id, [])
        is_verified = True
        try:
            entries = self._recorder.journal.fetch(seqs)
        except IntegrityError:
            entries, is_verified = [], False
        order = book.orders[client_order_id]
        account = book.accounts.get(order.terms.account_id)
        made = [one.event for one in entries if isinstance(one.event, OrderEvent) and one.event.limits]
        return OrderLife(
            order=order,
            money=account.kind.value if account is not None else "",
            actor=made[-1].actor if made else "",
            limits=made[-1].limits if made else "",
            fills=book.fills_of(client_order_id),
            steps=tuple(_steps(entries)),
            hops=self.hops(client_order_id, entries),
            is_verified=is_verified,
        )

    def hops(self, client_order_id: str, entries: Sequence[JournalEntry] | None = None) -> dict[str, int]:
        """Milestone → nanoseconds since the one before, as measured, after a restart as journalled.

        What no entry tells (the engine ended before the venue's first word) comes from the entries' wall times.
        """
        measured = self._milestones.hops(client_order_id)
        if measured:
            return measured
        if entries is None:
            try:
                entries = self._recorder.journal.fetch(self._recorder.book.entries.get(client_order_id, []))
            except IntegrityError:
                return {}
        kept: dict[str, int] = {}
        for entry in entries:
            if isinstance(entry.event, OrderEvent):
                kept |= entry.event.hops
        found = hops_between(_journalled_times(entries)) | kept
        return {name: found[name] for name in at.ORDERED if name in found}

    def log(self, after_seq: int | None, limit: int) -> list[LogEntry]:
        """Journal records in words, oldest first: the first after a seq, or with None the last there are."""
        journal, count = self._recorder.journal, min(limit, MAX_LOG)
        start = max(0, journal.head[0] - count) if after_seq is None else after_seq
        return [_log_entry(entry) for entry in journal.read(start, count)]

    async def verify(self) -> VerifyResult:
        """Walk the whole chain against the external head."""
        return await self._recorder.journal.verify()


def _steps(entries: Sequence[JournalEntry]) -> list[WhyStep]:
    steps: list[WhyStep] = []
    before = 0
    for entry in entries:
        event = entry.event
        if not isinstance(event, OrderEvent):
            continue
        steps.append(
            WhyStep(
                seq=entry.seq,
                recorded_at=entry.recorded_at,
                ts_event=event.ts_event,
                gap_ns=entry.recorded_at - before if before else 0,
                mark=MARKS[event.kind],
                step=event.kind.value,
                sentence=describe_order_event(event),
            )
        )
        before = entry.recorded_at
    return steps


def _journalled_times(entries: Sequence[JournalEntry]) -> dict[str, int]:
    times: dict[str, int] = {}
    for entry in entries:
        event = entry.event
        if not isinstance(event, OrderEvent):
            continue
        if event.kind is _K.SUBMIT:
            times.setdefault(at.FSYNC, entry.recorded_at)
        elif event.kind in at.FIRST_WORDS and at.FSYNC in times:
            times.setdefault(at.ACK, entry.recorded_at)
            if event.kind is _K.FILL:
                times.setdefault(at.FILL, entry.recorded_at)
    return times


def _log_entry(entry: JournalEntry) -> LogEntry:
    kind, subject, sentence = describe_event(entry.event)
    return LogEntry(
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        kind=kind,
        subject=subject,
        sentence=sentence,
        digest=entry.digest,
    )
