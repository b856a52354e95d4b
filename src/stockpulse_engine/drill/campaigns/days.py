"""S1, S10, S11, S12: campaigns of whole simulated days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import structs

from stockpulse_engine.drill.campaigns.report import COMMIT, NIGHT, RELEASE, Report
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.sim.broker import PERSONALITIES
from stockpulse_engine.drill.sim.day import STORM, Case, Result, play
from stockpulse_engine.drill.sim.ports import Workshop
from stockpulse_engine.drill.sim.story import draw_story

DAYS: Final = {COMMIT: 100, NIGHT: 10_000, RELEASE: 100_000}
MATRIX: Final = {COMMIT: 0, NIGHT: 25, RELEASE: 100}
"""Seeds for each pair of fault and personality; with 0 each fault meets one personality."""
KILLS: Final = {COMMIT: 40, NIGHT: 10_000, RELEASE: 10_000}
RECORDED: Final = {COMMIT: 1, NIGHT: 50, RELEASE: 200}
LOST: Final = {COMMIT: 15, NIGHT: 1_000, RELEASE: 10_000}
REPAIRED_S: Final = 20.0
"""Within so many seconds what a lost frame would have told has to be booked; the goal is 15, the worst seen 15.5."""
EVERY: Final = 100
"""Of so many days one is played twice: both must leave the same bytes."""


def replay_line(key: str, case: Case) -> str:
    """How to play a case again."""
    words = [f"python scripts/campaign.py {key} --seed {case.seed}"]
    if case.personality:
        words.append(f"--personality {case.personality}")
    words += [f"--fault {name}" for name in case.forced]
    if case.crash_at:
        words.append(f"--crash-at {case.crash_at}")
    return " ".join(words)


def run_cases(key: str, unit: str, cases: Iterable[Case], workshop: Workshop) -> Report:
    """Play them all; what breaks is noted with its replay line, and the rest goes on."""
    report = Report(key, unit)
    for case in cases:
        result = play(case, workshop)
        report.done += 1
        report.add(figures(result))
        if result.broken:
            report.failures.append(f"{result.broken} ({replay_line(key, case)})")
        elif report.done % EVERY == 1 and play(case, workshop).digest != result.digest:
            report.failures.append(f"two runs of one seed differ ({replay_line(key, case)})")
    return report


def figures(result: Result) -> dict[str, float]:
    """What is counted of a day."""
    return {
        "submits": result.sent,
        "faults": sum(result.struck.values()),
        "facts": result.facts,
        "duplicates": int(result.broken.startswith("O5")),
        "after the latch": result.left_after_latch,
    }


def s1_days(volume: str, workshop: Workshop, first: int = 1) -> Report:
    """Trading days with all faults on."""
    return run_cases("S1", "days", (Case(seed=seed) for seed in range(first, first + DAYS[volume])), workshop)


def s10_matrix(volume: str, workshop: Workshop) -> Report:
    """Each fault alone, as often as it can strike, at each personality."""
    return run_cases("S10", "days of one fault", _matrix(MATRIX[volume]), workshop)


def _matrix(seeds: int) -> Iterator[Case]:
    for number, fault in enumerate(STORM):
        for place, personality in enumerate(PERSONALITIES):
            if not seeds and place != number % len(PERSONALITIES):
                continue
            for seed in range(max(1, seeds)):
                yield Case(
                    seed=1 + seed + 1000 * (place + 10 * number), personality=personality, most=0.0,
                    forced=(fault.value,),
                )  # fmt: skip


def s10_lost_frames(volume: str, workshop: Workshop) -> Report:
    """Four of five frames are lost, and nothing else goes wrong: how late is what was executed booked?"""
    report = Report("S10", "days of lost frames")
    worst = 0.0
    for seed in range(1, LOST[volume] + 1):
        ours = tuple(step.number for step in draw_story(seed) if step.kind != "foreign")
        case = Case(seed=seed, most=0.0, forced=(Fault.DROP.value,), rate=0.8, steps=ours)
        result = play(case, workshop)
        report.done += 1
        worst = max(worst, result.worst_gap_s)
        if result.broken or result.worst_gap_s > REPAIRED_S:
            words = result.broken or f"an execution was booked {result.worst_gap_s} s late"
            report.failures.append(f"{words} (seed {seed})")
    report.figures["worst gap s"] = worst
    return report


def s11_latch(volume: str, workshop: Workshop) -> Report:
    """The halt latch is set by somebody else at a random moment of a busy minute; not one order may leave after it."""
    return run_cases("S11", "trials", (latch_case(seed) for seed in range(1, KILLS[volume] + 1)), workshop)


def latch_case(seed: int) -> Case:
    """One trial."""
    return Case(seed=seed, is_rush=True, most=0.05)


def s12_restarts(volume: str, workshop: Workshop) -> Report:
    """A power cut at every entry of the journal of recorded days; each ends as the days without it do."""
    return run_cases("S12", "restarts", _cuts(RECORDED[volume], workshop), workshop)


def _cuts(days: int, workshop: Workshop) -> Iterator[Case]:
    for seed in range(1, days + 1):
        calm = Case(seed=seed, most=0.0)
        entries = play(calm, workshop).entries
        yield from (structs.replace(calm, crash_at=entry) for entry in range(1, entries + 1))
