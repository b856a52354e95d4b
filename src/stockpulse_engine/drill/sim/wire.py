"""The way between engine and simulated broker: latency, lost answers, and a stream that drops, doubles and reorders.

A request that has left arrives whatever becomes of who sent it; that is why arrivals are timers of the loop and not
part of the task that waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from typing import Any, Final, TypeVar

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import OrderEventKind
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.drill.core.orders import Refused
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import ACCEPTED_ANYWAY, Fault, FaultPlan
from stockpulse_engine.drill.sim.translate import report_of
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

T = TypeVar("T")
NOT_LINKED: Final = frozenset({Fault.CONNECT_REFUSED, Fault.DNS_FAIL, Fault.TLS_FAIL})
NOTHING_DONE: Final = frozenset({Fault.TIMEOUT_BEFORE, Fault.ERROR_500, Fault.ERROR_502})
A_NO: Final = frozenset({Fault.THROTTLED, Fault.BANNED, Fault.ERROR_503, Fault.TOKEN_DEAD})
ON_REQUESTS: Final = NOT_LINKED | NOTHING_DONE | A_NO | ACCEPTED_ANYWAY
_PATIENCE_S: Final = 7.0
_SILENCE_S: Final = 40.0
_LATE_S: Final = 30.0
_MOST_COPIES: Final = 4


class Stream:
    """One listener's frames, as they arrive."""

    def __init__(self, heard: set[str]) -> None:
        self._heard = heard
        self.frames: deque[ExecutionReport] = deque()
        self.wake = asyncio.Event()
        self.is_over = False

    def put(self, report: ExecutionReport) -> None:
        """A frame arrives."""
        if not self.is_over:
            self.frames.append(report)
            if told := told_once(report):
                self._heard.add(told)
            self.wake.set()

    def end(self) -> None:
        """The line is gone."""
        self.is_over = True
        self.wake.set()


class Wire:
    """Outlives engines: one per venue. Each `SimBroker` is one life's end of it."""

    def __init__(self, venue: DrillVenue, plan: FaultPlan, seed: int, *, reads_time: bool = False) -> None:
        self.venue = venue
        self.plan = plan
        self.streams: list[Stream] = []
        self.reads_time = reads_time
        """Whether reports carry the time of the fact in place of a number."""
        self.heard: set[str] = set()
        """Executions taken back and corporate actions of which somebody was told; a broker tells them only once."""
        self._random = Random(f"{seed}/wire")
        self._due = 0.0
        self._silent_until = 0.0
        self._told = 0

    async def ask(self, do: Callable[[], T], *, is_order: bool) -> T:
        """One request and its answer. `is_order`: no answer is ambiguous; for a question it only means to ask again."""
        fault = self.plan.first_of(ON_REQUESTS)
        if fault in NOT_LINKED:
            raise UnavailableError(f"The broker cannot be reached: {fault.value}.")
        loop = asyncio.get_running_loop()
        if fault in NOTHING_DONE:
            await asyncio.sleep(self._random.uniform(0.05, _PATIENCE_S))
            raise _no_answer(fault, is_order=is_order)
        if fault in A_NO:
            await asyncio.sleep(self._random.uniform(0.002, 0.05))
            raise _refusal(fault, is_order=is_order)
        answer: asyncio.Future[T] = loop.create_future()
        loop.call_later(self._random.uniform(0.001, 0.02), self._arrive, do, answer, fault, is_order)
        return await answer

    def _arrive(self, do: Callable[[], T], answer: asyncio.Future[T], fault: Fault | None, is_order: bool) -> None:
        loop = asyncio.get_running_loop()
        result: T | None = None
        refusal: Exception | None = None
        try:
            result = do()
        except Refused as no:
            refusal = RejectedByBrokerError(no.words, no.code)
        self.pump()
        delay = self._random.uniform(0.001, 0.02)
        if fault is not None:
            refusal, delay = _no_answer(fault, is_order=is_order), delay + self._random.uniform(0.0, _PATIENCE_S)
        loop.call_later(delay, _settle, answer, result, refusal)

    def pump(self) -> None:
        """What the venue has told since the last time is on its way to everybody who listens."""
        for one in self.venue.news(self._told):
            self._told = one.seq
            if self.streams:
                self._send(report_of(one, reads_time=self.reads_time))

    def open_stream(self, after_seq: int) -> Stream:
        """Listen: first what was missed, then what comes."""
        self.pump()
        stream = Stream(self.heard)
        for one in self.venue.news(0 if self.reads_time else after_seq):
            report = report_of(one, reads_time=self.reads_time)
            if report.report_seq > after_seq:
                stream.put(report)
        self.streams.append(stream)
        return stream

    def last_time(self) -> int:
        """When the last thing happened at the venue."""
        last = next(iter(self.venue.news(self.venue.last_seq - 1)), None)
        return last.ts_ns if last is not None else 0

    def cut(self) -> None:
        """Every line drops."""
        for stream in self.streams:
            stream.end()
        self.streams.clear()

    def _send(self, report: ExecutionReport) -> None:
        plan, loop = self.plan, asyncio.get_running_loop()
        if plan.strikes(Fault.SILENCE):
            self._silent_until = max(self._silent_until, loop.time() + self._random.uniform(1, _SILENCE_S))
        if plan.strikes(Fault.DROP):
            return
        self._due = max(self._due, loop.time() + self._random.uniform(0.001, 0.03))
        self._due = due = max(self._due, self._silent_until) + 1e-6  # two timers of one moment have no order
        copies = 1 + (self._random.randint(1, _MOST_COPIES) if plan.strikes(Fault.DUPLICATE) else 0)
        if plan.strikes(Fault.REORDER):
            due += self._random.uniform(0, _LATE_S)
        for stream in self.streams:
            for copy in range(copies):
                loop.call_at(due + copy * 0.001, stream.put, report)

    def has_kept_to_itself(self) -> bool:
        """Whether an execution was taken back, or cash paid, and nobody heard of it.

        Then only a person can find out why we differ.
        """
        told = (told_once(report_of(one)) for one in self.venue.news())
        return any(name and name not in self.heard for name in told)

    def calm(self) -> None:
        """The storm is over for what is still to be sent."""
        self._silent_until = 0.0


def told_once(report: ExecutionReport) -> str:
    """Name of what a broker says a single time: an execution taken back or a corporate action; "" for all else."""
    if report.action is not None:
        return report.action.action_id
    return report.fill.fill_id if report.kind is OrderEventKind.BUST and report.fill is not None else ""


async def frames(stream: Stream) -> AsyncIterator[Sequence[ExecutionReport]]:
    """What arrives, in batches, until the line drops."""
    while True:
        if stream.frames:
            batch = tuple(stream.frames)
            stream.frames.clear()
            yield batch
        elif stream.is_over:
            return
        else:
            stream.wake.clear()
            await stream.wake.wait()


def _settle(answer: asyncio.Future[Any], result: object, refusal: Exception | None) -> None:
    if answer.done():
        return
    if refusal is not None:
        answer.set_exception(refusal)
    else:
        answer.set_result(result)


def _no_answer(fault: Fault, *, is_order: bool) -> Exception:
    words = f"no answer from the broker: {fault.value}"
    return AmbiguousOutcomeError(words) if is_order else UnavailableError(words)


def _refusal(fault: Fault, *, is_order: bool) -> Exception:
    words = f"the broker refuses to answer now: {fault.value}"
    return RejectedByBrokerError(words, fault.value) if is_order else UnavailableError(words)
