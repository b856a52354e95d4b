"""A failing day made small: as few steps and as few kinds of faults as still fail in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from msgspec import structs

from stockpulse_engine.drill.sim.day import STORM, Case, Result
from stockpulse_engine.drill.sim.story import draw_story

T = TypeVar("T")
Plays = Callable[[Case], Result]
MOST_PLAYS: Final = 400


def kind_of(broken: str) -> str:
    """What is broken, without ids and numbers: two failures of one kind are the same fault."""
    return re.sub(r"\b[0-9a-f]{8,}\S*|[A-Za-z-]*\d+\S*", "#", broken)[:80]


def shrink(case: Case, play: Plays) -> tuple[Case, Result]:
    """The smallest case found that fails like this one; the case itself when it does not fail."""
    first = play(case)
    if not first.broken:
        return case, first
    wanted, plays = kind_of(first.broken), 0
    best, shown = case, first

    def still_fails(smaller: Case) -> bool:
        nonlocal best, shown, plays
        plays += 1
        if plays > MOST_PLAYS:
            return False
        result = play(smaller)
        if kind_of(result.broken) != wanted:
            return False
        best, shown = smaller, result
        return True

    faults = [fault.value for fault in STORM if fault.value not in case.without and first.struck.get(fault.value)]
    idle = tuple(fault.value for fault in STORM if fault.value not in faults)
    base = structs.replace(case, without=idle) if still_fails(structs.replace(case, without=idle)) else case
    kept = minimal(faults, lambda some: still_fails(_with(base, idle, faults, some)))
    base = _with(base, idle, faults, kept) if len(kept) < len(faults) else base
    numbers = [step.number for step in draw_story(case.seed) if case.steps is None or step.number in case.steps]
    minimal(numbers, lambda some: still_fails(structs.replace(best, steps=tuple(some))))
    return best, shown


def _with(base: Case, idle: Sequence[str], faults: Sequence[str], kept: Sequence[str]) -> Case:
    return structs.replace(base, without=(*idle, *(one for one in faults if one not in kept)))


def minimal(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Delta debugging: a subset that still fails and from which no single part can be left out."""
    kept, parts = list(items), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), parts * 2)
    if len(kept) == 1 and fails([]):
        return []
    return kept


def described(case: Case, result: Result) -> str:
    """The minimal case in words, with the line that plays it again."""
    story = {step.number: step.kind for step in draw_story(case.seed)}
    numbers = case.steps if case.steps is not None else tuple(story)
    steps = ", ".join(f"{number} {story[number]}" for number in numbers)
    faults = ", ".join(f"{name} ×{count}" for name, count in result.struck.items()) or "none"
    return f"{result.broken}\n  steps: {steps or 'none'}\n  faults: {faults}"
