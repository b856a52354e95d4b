"""One drill: fault after fault under order flow, each judged before the next; then the kill switch, then the report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import NamedTuple

from msgspec import structs

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import PartHealth
from stockpulse_engine.drill.flow import order_flow
from stockpulse_engine.drill.judge import Ours, Verdict, count_duplicates, judge, no_verdict
from stockpulse_engine.drill.scenarios import Scenario
from stockpulse_engine.drill.stage import ALL, Notes, Stage
from stockpulse_engine.wire.drill import (
    FAILED,
    OK,
    SKIPPED,
    AccountCopy,
    DrillBegan,
    DrillFault,
    DrillLine,
    DrillReport,
    EventTold,
    FaultBegan,
    FaultEnded,
    FaultResult,
    KillProof,
    RowsTold,
)

WARM_S = 0.2
"""Orders flow for so long before a fault begins."""
LOOK_S = 0.06
SETTLE_S = 25.0
"""How long the engine may take to prove everything true again."""
IMPATIENT_S = 8.0
"""The same once a fault has failed: what it left behind need not be waited for again and again."""
MAX_EVENTS = 200
KILL_TRIES = 10
FROZEN_S = 0.3
_TRIALS = 2
Tell = Callable[[DrillLine], None]


class Plan(NamedTuple):
    """What a drill is to do and under which names it reports.

    Attributes:
        scenarios: with what they are called.
        scaled: name of a fault → what ran on another clock than the wall's.
    """

    scenarios: Sequence[tuple[DrillFault, Scenario]]
    seed: int
    broker: str
    version: str
    account: AccountCopy
    scaled: dict[str, str]
    settle_s: float = SETTLE_S


class Drill:
    """Runs a plan on a stage and tells each step."""

    def __init__(self, stage: Stage, plan: Plan, tell: Tell) -> None:
        self._stage = stage
        self._plan = plan
        self._tell = tell
        self._results: list[FaultResult] = []
        self._known: set[str] = set()
        """What was found wrong in faults before: it is theirs, not the next one's."""
        self._duplicates = 0
        self._patience_s = plan.settle_s

    async def run(self) -> DrillReport:
        """Everything in order; an engine that can not be brought back ends the list early, as failed."""
        plan, clock = self._plan, self._stage.clock
        began, started_at = clock.monotonic_ns(), clock.now_ns()
        faults = tuple(fault for fault, _ in plan.scenarios)
        self._tell(DrillBegan(seed=plan.seed, broker=plan.broker, account=plan.account, faults=faults))
        for fault, scenario in plan.scenarios:
            self._tell(FaultBegan(number=fault.number))
            result = await self._one(fault, scenario)
            self._results.append(result)
            self._tell(FaultEnded(result=result))
        kill = await self._try_kill_switch()
        journal = await self._journal()
        report = self._report(kill, journal, started_at, (clock.monotonic_ns() - began) // 1_000_000)
        self._tell(report)
        return report

    # --- one fault ----------------------------------------------------------------------------------------

    async def _one(self, fault: DrillFault, scenario: Scenario) -> FaultResult:
        stage, number = self._stage, fault.number
        if scenario.needs_disk and not stage.machine.can_fill_disk:
            words = "not possible here: the limit of another process can not be set on this system"
            return self._result(fault, SKIPPED, problems=(words,))
        notes = stage.notes = Notes(stage.clock, lambda event: self._tell(EventTold(number=number, event=event)))
        orders, fills = len(stage.intents.attempted), self._executions()
        stage.problems.clear()
        try:
            async with order_flow(stage):
                await stage.pause(WARM_S)
                stage.sent.clear()
                notes.begin()
                await scenario.play(stage)
        except (StockPulseError, OSError) as error:
            stage.problems.append(f"the engine did not come back: {error}")
        verdict, gap = await self._settle(number, tuple(stage.sent))
        if scenario.cure is not None:
            await self._cure(number, scenario)
        problems = (*stage.problems, *verdict.breaches, *verdict.open_points)
        state = OK if not problems else FAILED
        notes.note("check", f"everything is proven equal after {gap / 1000:.2f} s" if state == OK else problems[0])
        result = self._result(fault, state, problems=problems[:20])
        duplicates, self._duplicates = verdict.duplicates - self._duplicates, verdict.duplicates
        if problems:
            self._known.update(problems)
            self._patience_s = min(self._patience_s, IMPATIENT_S)
        return structs.replace(
            result,
            gap_ms=gap,
            orders=len(stage.intents.attempted) - orders,
            fills=self._executions() - fills,
            duplicates=duplicates,
            lost_fills=verdict.lost_fills,
            events=tuple(notes.events[-MAX_EVENTS:]),
            rows=verdict.rows,
        )

    async def _cure(self, number: int, scenario: Scenario) -> None:
        """End what is still broken, and wait until all is true again: the next fault begins from there."""
        try:
            if scenario.cure is not None:
                await scenario.cure(self._stage)
        except (StockPulseError, OSError) as error:
            self._stage.problems.append(f"afterwards: {error}")
        verdict, _ = await self._settle(number, ())
        if not verdict.is_true:
            self._stage.problems.extend(f"afterwards: {words}" for words in (*verdict.breaches, *verdict.open_points))

    async def _settle(self, number: int, shown: Sequence[str]) -> tuple[Verdict, int]:
        """Look until all is true or can not become so, at most as long as the plan allows; the last look counts."""
        stage, notes = self._stage, self._stage.notes
        give_up = stage.clock.monotonic_ns() + int(self._patience_s * 1e9)
        rows = None
        while True:
            verdict = await self._look(shown)
            if verdict.rows != rows:
                rows = verdict.rows
                self._tell(RowsTold(number=number, rows=rows))
            if verdict.is_true or verdict.breaches or stage.clock.monotonic_ns() > give_up:
                return verdict, notes.elapsed_ms()
            await asyncio.sleep(LOOK_S)

    async def _look(self, shown: Sequence[str]) -> Verdict:
        """One look at ours and the venue's in the same moment; an engine that does not answer is no verdict."""
        stage = self._stage
        head, account_id = stage.machine.head, stage.account_id
        try:
            account = await head.account(account_id)
            orders = await head.orders("all", account_id, ALL)
            fills = await head.fills(account_id, "", ALL)
            positions = await head.positions(account_id)
            health = await head.health()
        except (StockPulseError, OSError) as error:
            return no_verdict(f"the engine does not answer: {error}", self._duplicates)
        ours = Ours(
            orders=orders,
            fills=fills,
            cash=account.cash,
            positions={one.instrument_id: one.quantity for one in positions if one.quantity},
            differences=(*account.differences, *_ailing(health.parts)),
            unknown=account.unknown_orders,
        )
        verdict = judge(
            ours,
            stage.venue,
            account_id,
            attempted=stage.intents.attempted,
            acknowledged=stage.intents.acknowledged,
            shown=shown,
        )
        return structs.replace(
            verdict,
            open_points=tuple(one for one in verdict.open_points if one not in self._known),
            breaches=tuple(one for one in verdict.breaches if one not in self._known),
        )

    # --- after the faults ---------------------------------------------------------------------------------

    async def _try_kill_switch(self) -> KillProof:
        """Set it under order flow, then once more while the engine stands still: nothing may leave."""
        stage, head = self._stage, self._stage.machine.head
        stage.notes = Notes(stage.clock, lambda _: None)
        try:
            asked = await self._halted(lambda: head.set_halt("halt"))
            frozen = await self._halted(self._latch_frozen)
        except (StockPulseError, OSError) as error:
            return KillProof(state=FAILED, words=f"the engine did not answer: {error}")
        tried, left, canceled = (sum(one) for one in zip(asked, frozen, strict=True))
        ends = "every working order was canceled" if canceled == _TRIALS else "not every working order was canceled"
        words = f"{tried} orders tried while it was set, by word and with the engine stopped; {left} reached the venue"
        state = OK if not left and canceled == _TRIALS else FAILED
        return KillProof(state=state, tried=tried, left=left, words=f"{words}; {ends}")

    async def _halted(self, halt: Callable[[], Awaitable[object]]) -> tuple[int, int, int]:
        """One trial: orders tried while it was set, those that left, and whether all that worked was canceled."""
        stage = self._stage
        async with order_flow(stage):
            await stage.pause(WARM_S)
            await halt()
            before, tried = sum(stage.venue.requests.values()), len(stage.intents.attempted)
            while len(stage.intents.attempted) - tried < KILL_TRIES:
                await stage.pause(LOOK_S)
        tries = len(stage.intents.attempted) - tried
        is_quiet = await stage.until(lambda: not stage.venue.open_orders(stage.account_id), SETTLE_S)
        left = sum(stage.venue.requests.values()) - before
        await stage.machine.head.set_halt("resume", word="RESUME")
        return tries, left, int(is_quiet)

    async def _latch_frozen(self) -> None:
        """The latch is set by the file alone, while the engine stands still with orders in its hands."""
        stage = self._stage
        stage.machine.stop()
        await stage.pause(FROZEN_S)  # what had left before is at the venue by now
        stage.machine.latch()
        stage.machine.go_on()

    async def _journal(self) -> str:
        try:
            found = await self._stage.machine.head.verify_log()
        except (StockPulseError, OSError) as error:
            return f"could not be verified: {error}"
        return OK if found.is_ok else "its chain does not hold"

    def _executions(self) -> int:
        return len(self._stage.venue.executions(self._stage.account_id))

    def _result(self, fault: DrillFault, state: str, problems: Sequence[str]) -> FaultResult:
        return FaultResult(
            number=fault.number,
            name=fault.name,
            title=fault.title,
            state=state,
            done=fault.words,
            problems=tuple(problems),
            scaled=self._plan.scaled.get(fault.name, ""),
        )

    def _report(self, kill: KillProof, journal: str, started_at: int, took_ms: int) -> DrillReport:
        plan, stage = self._plan, self._stage
        tried = [one for one in self._results if one.state != SKIPPED]
        worst = max(tried, key=lambda one: one.gap_ms, default=None)
        return DrillReport(
            version=plan.version,
            seed=plan.seed,
            broker=plan.broker,
            started_at=started_at,
            took_ms=took_ms,
            account=plan.account,
            results=tuple(self._results),
            kill=kill,
            recovered=sum(one.state == OK for one in tried),
            total=len(tried),
            duplicates=count_duplicates(stage.venue, stage.intents.attempted),
            lost_fills=tried[-1].lost_fills if tried else 0,
            worst_gap_ms=worst.gap_ms if worst else 0,
            worst_gap=worst.title if worst else "",
            orders=len(stage.intents.attempted),
            fills=self._executions(),
            journal=journal,
            complaints=tuple(stage.target.complaints[:50]),
        )


def _ailing(parts: Sequence[PartHealth]) -> list[str]:
    """Parts without which nothing is proven: the link to the broker, and the journal."""
    return [f"{one.name} is {one.state}" for one in parts if one.name in {"broker", "journal"} and one.state != OK]


def median_gap_ms(results: Sequence[FaultResult]) -> float:
    """The gap in the middle of those that were tried; 0 without any."""
    gaps = [one.gap_ms for one in results if one.state != SKIPPED]
    return float(median(gaps)) if gaps else 0.0
