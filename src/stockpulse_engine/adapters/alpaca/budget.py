"""How much may be asked of Alpaca: a token bucket that keeps a share for cancels and slows down when told to.

The bucket holds half a minute's requests, so that joining an account is quick, and the other half comes over the
minute: whatever sixty seconds the broker counts over, no more than its limit falls into them. What the broker says in
its headers is believed where it is less than what we think.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import UnavailableError

Sleep = Callable[[float], Awaitable[object]]
CANCEL_SHARE: Final = 0.2
_BURST: Final = 0.5
_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 120.0
_DEFAULT_PAUSE_S: Final = 5.0
_LEAST: Final = 10
"""Requests a minute below which no limit is believed: less could not even cancel."""


class Use(Enum):
    """What a request is for."""

    CANCEL = "CANCEL"
    """May use all there is."""
    ORDER = "ORDER"
    READ = "READ"


class RateBudget:
    """Turns for requests. Cancels go before everything else and always find their share."""

    def __init__(self, per_minute: int, clock: Clock, *, sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._limit = 0.0
        self._tokens = 0.0
        self._stamp = clock.monotonic_ns()
        self._quiet_until = 0
        self._size = 0.0
        self._set_limit(max(_LEAST, per_minute))
        self._left: float | None = None
        """What the broker said is left until `_left_until`: others may use the same key."""
        self._left_until = 0
        self.refusals = 0
        """Answers 429 so far."""

    @property
    def quiet_s(self) -> float:
        """For how long nothing is asked because the broker said so."""
        return max(0, self._quiet_until - self._clock.monotonic_ns()) / _NS

    async def take(self, use: Use, most_s: float) -> None:
        """Wait for a turn, at most so long. Raises UnavailableError: nothing was sent."""
        waited = 0.0
        while (wait := self.wait_for(use)) > 0:
            if waited + wait > most_s:
                raise UnavailableError(
                    "Too much was asked of Alpaca in this minute; it was not sent.", fix="Try again in a moment."
                )
            waited += wait
            await self._sleep(wait)

    def wait_for(self, use: Use) -> float:
        """Seconds until a turn; 0 takes it."""
        self._refill()
        if self.quiet_s:
            return self.quiet_s
        if wait := self._until_reset(use):
            return wait
        kept = 0.0 if use is Use.CANCEL else self._size * CANCEL_SHARE
        lacking = kept + 1 - self._tokens
        if lacking > 0:
            return max(0.001, lacking * _MINUTE_S / self._rate)
        self._tokens -= 1
        if self._left is not None:
            self._left -= 1
        return 0.0

    def _until_reset(self, use: Use) -> float:
        """Seconds until the broker counts anew, where it says that no more than the share for cancels is left."""
        left_ns = self._left_until - self._clock.monotonic_ns()
        if self._left is None or left_ns <= 0:
            self._left = None
            return 0.0
        kept = 0.0 if use is Use.CANCEL else self._limit * CANCEL_SHARE
        return left_ns / _NS if self._left < kept + 1 else 0.0

    def note(self, status: int, headers: Mapping[str, str], now_s: float) -> None:
        """Learn from an answer: its limit, what is left, and how long to be quiet."""
        limit = _number(headers.get("x-ratelimit-limit"))
        if limit is not None and limit >= _LEAST and limit != self._limit:
            self._set_limit(limit)
        left = _number(headers.get("x-ratelimit-remaining"))
        if left is not None:
            self._refill()
            self._tokens = min(self._tokens, max(0.0, left))
            reset = _number(headers.get("x-ratelimit-reset"))
            if reset is not None and 0 < reset - now_s <= _MINUTE_S:
                self._left, self._left_until = left, self._clock.monotonic_ns() + round((reset - now_s) * _NS)
        if status in (429, 418):
            self.refusals += 1
            self._be_quiet(headers, now_s)

    def _be_quiet(self, headers: Mapping[str, str], now_s: float) -> None:
        pause = _number(headers.get("retry-after"))
        if pause is None:
            reset = _number(headers.get("x-ratelimit-reset"))
            pause = reset - now_s if reset is not None and reset > now_s else _DEFAULT_PAUSE_S
        until = self._clock.monotonic_ns() + round(min(max(pause, 1.0), _LONGEST_PAUSE_S) * _NS)
        self._quiet_until = max(self._quiet_until, until)
        self._tokens = 0.0

    def _set_limit(self, limit: float) -> None:
        """Take a limit on: what one of more has room for beyond the old is there at once, used up was none of it."""
        size = max(3.0, limit * _BURST)
        self._tokens = min(size, self._tokens + max(0.0, size - self._size))
        self._limit, self._size, self._rate = limit, size, limit - size

    def _refill(self) -> None:
        now = self._clock.monotonic_ns()
        passed, self._stamp = max(0, now - self._stamp) / _NS, now
        self._tokens = min(self._size, self._tokens + passed * self._rate / _MINUTE_S)


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found < 1e12 else None  # noqa: PLR2004 - a moment in this millennium
