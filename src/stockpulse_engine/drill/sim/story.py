"""What people do on one simulated day, drawn from its seed before anything runs, so that it can be cut down."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

_WEIGHTS: Final = {
    "limit": 30,
    "market": 8,
    "bracket": 9,
    "ioc": 4,
    "stop": 3,
    "cancel": 14,
    "change": 10,
    "repeat": 4,
    "swing": 10,
    "flatten": 1,
    "halt": 2,
    "restart": 1,
    "foreign": 1,
    "dividend": 1,
}
"""Kinds of steps and how often each is drawn."""
_FEWEST, _MOST = 18, 34
_LOTS: Final = (1, 2, 5, 10, 20, 50, 100, 150)


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One thing somebody does. Which order it means is settled when it is done: `pick` of those there are then."""

    number: int
    kind: str
    wait: float
    """Seconds after the step before."""
    instrument: int
    sign: int
    quantity: int
    ticks: int
    pick: float


def draw_story(seed: int) -> tuple[Step, ...]:
    """The day's steps."""
    random = Random(f"{seed}/story")
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    return tuple(
        Step(
            number=number,
            kind=random.choices(kinds, weights)[0],
            wait=round(random.expovariate(1 / 4), 3),
            instrument=random.randrange(3),
            sign=random.choice((1, 1, -1)),
            quantity=random.choice(_LOTS),
            ticks=random.randint(-40, 25),
            pick=random.random(),
        )
        for number in range(1, random.randint(_FEWEST, _MOST) + 1)
    )
