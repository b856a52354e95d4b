"""Independent random streams, each named by what it is for: any part can be drawn without the parts before it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream of random numbers is for. Values are part of the market's identity: never renumber."""

    DAYS = 1
    FACTORS = 2
    MINUTES = 3
    EXTENDED = 4
    TICKS = 5
    NEWS = 6


def stream(seed: int, purpose: Purpose, *keys: int) -> np.random.Generator:
    """The generator of one purpose and place (block, session, minute, instrument), always the same."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, *keys))))
