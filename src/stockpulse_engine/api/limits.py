"""How often a token may ask: a bucket per token that refills at a steady rate (R06)."""

from __future__ import annotations

from stockpulse_engine.base.clock import Clock

RATE = 100
"""Requests a second, and the most that may come at once."""
_SECOND_NS = 1_000_000_000


class RateLimiter:
    """Token buckets by key; there are as many keys as roles, so nothing grows."""

    def __init__(self, clock: Clock, *, rate: int = RATE) -> None:
        self._clock = clock
        self._rate = rate
        self._levels: dict[object, tuple[float, int]] = {}

    def take(self, key: object) -> float:
        """Take one request from the bucket: 0 when granted, else seconds until the next one would be."""
        now = self._clock.monotonic_ns()
        level, before = self._levels.get(key, (float(self._rate), now))
        level = min(float(self._rate), level + (now - before) * self._rate / _SECOND_NS)
        if level < 1:
            self._levels[key] = (level, now)
            return (1 - level) / self._rate
        self._levels[key] = (level - 1, now)
        return 0.0
