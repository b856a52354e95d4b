"""How long to wait before trying again: pure arithmetic, the waiting is the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Backoff:
    """Exponential delays between `first_s` and `limit_s`, each spread by `jitter`.

    The spread keeps many clients that lost the same server from returning in the same instant.
    """

    first_s: float = 0.1
    factor: float = 2.0
    limit_s: float = 30.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a policy that could wait for ever or not at all."""
        if not (0 < self.first_s <= self.limit_s and self.factor >= 1 and 0 <= self.jitter < 1):
            raise ValueError(f"not a usable back-off: {self}")

    def delay(self, attempt: int, rng: Random) -> float:
        """Seconds to wait after failure number `attempt` (the first is 1)."""
        # The exponent is capped: a float overflows long before a patient task gives up.
        plain = min(self.limit_s, self.first_s * self.factor ** min(max(attempt, 1) - 1, 64))
        return min(self.limit_s, plain * (1 + self.jitter * (2 * rng.random() - 1)))


def delays(policy: Backoff, rng: Random, attempts: int) -> Iterator[float]:
    """The waits between `attempts` tries: one fewer than there are tries."""
    for attempt in range(1, attempts):
        yield policy.delay(attempt, rng)
