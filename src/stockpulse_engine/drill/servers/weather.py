"""What happens to frames of a stream on their way: silence, loss, copies, another order. One for every protocol."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from random import Random

import msgspec

from stockpulse_engine.drill.faults import Fault, FaultPlan

MAX_HELD = 100_000


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """How bad a stream is."""

    is_silent: bool = False
    """The line stays open; what is sent is lost."""
    drop: float = 0.0
    """Probability that a frame is lost."""
    copies: int = 0
    """Each frame comes again one to so many times."""
    window_s: float = 0.0
    """Each frame comes up to so much later than sent; later ones overtake it."""


FAIR = Weather()


class FrameLane:
    """One direction of one stream. `push` takes frames in order, `write` gets what comes through, when it does."""

    def __init__(self, write: Callable[[bytes | str], None], plan: FaultPlan, rng: Random) -> None:
        self._write = write
        self._plan = plan
        self._rng = rng
        self._held: dict[int, asyncio.TimerHandle] = {}
        self._numbers = itertools.count()
        self.weather = FAIR
        self.passed = 0
        self.lost = 0

    def push(self, frame: bytes | str) -> None:
        """Send one frame through the weather of the moment."""
        weather = self.weather
        if weather.is_silent or self._is_lost(weather):
            self.lost += 1
            return
        for _ in range(1 + self._copies(weather)):
            self._deliver(frame, self._delay(weather))

    def close(self) -> None:
        """What is still on its way never arrives."""
        for handle in self._held.values():
            handle.cancel()
        self._held.clear()

    def _is_lost(self, weather: Weather) -> bool:
        return self._rng.random() < weather.drop or self._plan.strikes(Fault.DROP)

    def _copies(self, weather: Weather) -> int:
        most = weather.copies or (5 if self._plan.strikes(Fault.DUPLICATE) else 0)
        return self._rng.randint(1, most) if most else 0

    def _delay(self, weather: Weather) -> float:
        window = weather.window_s or (1.0 if self._plan.strikes(Fault.REORDER) else 0.0)
        return self._rng.random() * window

    def _deliver(self, frame: bytes | str, delay: float) -> None:
        if not delay or len(self._held) >= MAX_HELD:
            self.passed += 1
            self._write(frame)
            return
        number = next(self._numbers)
        self._held[number] = asyncio.get_running_loop().call_later(delay, self._arrive, number, frame)

    def _arrive(self, number: int, frame: bytes | str) -> None:
        del self._held[number]
        self.passed += 1
        self._write(frame)
