"""Market time of a simulated or replayed world: wall time stretched, paused, stepped, with the nights left out."""

from __future__ import annotations

from collections.abc import Callable

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.ports import ClockState

MIN_SPEED, MAX_SPEED = 0.1, 1000.0
MAX_STEP_NS = 24 * 3600 * 1_000_000_000
MAX_SEEK_NS = 32 * MAX_STEP_NS
NIGHT_WALL_NS = 3_000_000_000
"""How long a stretch without trading takes on the wall."""

Night = Callable[[int], int | None]
"""End of the stretch without trading that `ns` lies in, None inside a session."""


class MarketTime:
    """Piecewise straight from wall to market: an anchor and a speed.

    Time never goes back. A night is crossed at whatever speed makes it last `NIGHT_WALL_NS`.
    """

    def __init__(
        self,
        wall: Clock,
        market_ns: int,
        *,
        speed: float = 1.0,
        night: Night = lambda _: None,
        session_of: Callable[[int], str] = lambda _: "",
        last_ns: int | None = None,
    ) -> None:
        self._wall = wall
        self._market = market_ns
        self._anchor_wall = wall.monotonic_ns()
        self._speed = _check_speed(speed)
        self._night_end: int | None = None
        self._night_speed = 1.0
        self._night = night
        self._session_of = session_of
        self._last = last_ns
        self._asked = (self._anchor_wall, market_ns)
        self._is_paused = False
        self._runs_on = False
        """Whether time runs again once a seek has arrived."""
        self._steps_to = market_ns
        self._enter(market_ns)

    @property
    def is_still(self) -> bool:
        """Whether time stands: paused with no step to play, or the end is reached."""
        return (self._is_paused and self._steps_to <= self._market) or self.is_over

    @property
    def is_over(self) -> bool:
        """Whether the source has nothing more to play."""
        return self._last is not None and self._market >= self._last

    @property
    def is_stepping(self) -> bool:
        """Whether time is paused and a step is still being played."""
        return self._is_paused and not self.is_still

    def target(self) -> int:
        """Market time it is now by the wall: how far the source may be advanced."""
        if self._is_paused:
            return self._steps_to
        wall = self._wall.monotonic_ns()
        target = self._market + round((wall - self._anchor_wall) * self._rate)
        if self._night_end is not None:
            target = min(target, self._night_end)
        if self._last is not None:
            target = min(target, self._last)
        self._asked = (wall, target)
        return target

    def reached(self, market_ns: int) -> bool:
        """The source was advanced to `market_ns`; True when clients must hear of the clock.

        That is when speed or session changed, a step or all was played, or the source could not follow. Then market
        time falls behind the wall: it waits for the source, not the other way round.
        """
        before = self._phase()
        wall, asked = self._asked
        self._market = max(self._market, market_ns)
        is_late = market_ns < asked
        self._anchor_wall = self._wall.monotonic_ns() if is_late else wall
        self._enter(self._market)
        if self._runs_on and not self.is_stepping:
            self.resume()
        return is_late or before != self._phase()

    def set_speed(self, speed: float) -> None:
        """Run at `speed` times wall time from now on.

        Raises:
            InvalidValueError: not within 0.1 … 1000.
        """
        _check_speed(speed)
        self._hold()
        self._speed = speed

    def pause(self) -> None:
        """Stop market time."""
        self._hold()
        self._is_paused, self._runs_on, self._steps_to = True, False, self._market

    def resume(self) -> None:
        """Let it run again."""
        self._anchor_wall = self._wall.monotonic_ns()
        self._is_paused = self._runs_on = False

    def step(self, nanoseconds: int) -> None:
        """While paused, play exactly this much.

        Raises:
            InvalidValueError: not paused, or not within one nanosecond and a day.
        """
        if not self._is_paused:
            raise InvalidValueError("Stepping needs a paused market.", fix="Pause it first.")
        if not 0 < nanoseconds <= MAX_STEP_NS:
            raise InvalidValueError(f"A step of {nanoseconds} ns is not within a day.")
        target = max(self._steps_to, self._market) + nanoseconds
        self._steps_to = target if self._last is None else min(target, self._last)

    def seek(self, to_ns: int) -> None:
        """Play everything up to `to_ns` as fast as the machine can, then go on as before.

        Raises:
            InvalidValueError: it is behind, after the end, or further than `MAX_SEEK_NS`.
        """
        now = max(self._market, self.target())
        if to_ns <= now:
            raise InvalidValueError(
                "Market time never goes back: what was traded stays traded.",
                fix="Look back with @, or start the days anew as another world: replay:2013-10-07_2.",
            )
        if self._last is not None and to_ns > self._last:
            raise InvalidValueError("The replay ends before that moment.", fix="Name a moment inside it.")
        if to_ns - now > MAX_SEEK_NS:
            raise InvalidValueError("That is further than a month ahead.", fix="Go there in several leaps.")
        self._hold()
        self._runs_on = self._runs_on or not self._is_paused
        self._is_paused, self._steps_to = True, to_ns

    def state(self) -> ClockState:
        """For clients: they go on from `market_ns` at `speed`."""
        return ClockState(
            market_ns=self._market,
            wall_ns=self._wall.now_ns() - (self._wall.monotonic_ns() - self._anchor_wall),
            speed=0.0 if self.is_over else self._rate,
            session_date=self._session_of(self._market),
            is_paused=self._is_paused or self.is_over,
            is_stepping=self.is_stepping,
        )

    @property
    def _rate(self) -> float:
        return self._speed if self._night_end is None else max(self._speed, self._night_speed)

    def _phase(self) -> tuple[float, bool, bool, str]:
        return self._rate, self.is_over, self.is_stepping, self._session_of(self._market)

    def _hold(self) -> None:
        """Put the anchor where time stands now; the source catches up in the next turn."""
        if not self._is_paused:
            self._market = max(self._market, self.target())
            self._anchor_wall = self._wall.monotonic_ns()

    def _enter(self, market_ns: int) -> None:
        """Find out whether a night begins or ends here."""
        if self._night_end is not None and market_ns < self._night_end:
            return
        self._night_end = self._night(market_ns)
        if self._night_end is not None:
            self._night_speed = (self._night_end - market_ns) / NIGHT_WALL_NS


class WallTime:
    """Market time of a live world: it is what the wall says and nobody steers it."""

    is_still = False
    is_over = False
    is_stepping = False

    def __init__(self, wall: Clock, session_of: Callable[[int], str]) -> None:
        self._wall = wall
        self._session_of = session_of
        self._market = wall.now_ns()

    def target(self) -> int:
        """Now; a wall clock set back stands still until it has caught up."""
        return max(self._market, self._wall.now_ns())

    def reached(self, market_ns: int) -> bool:
        """Time went on; True when the session changed."""
        before, self._market = self._session_of(self._market), max(self._market, market_ns)
        return before != self._session_of(self._market)

    def set_speed(self, _speed: float) -> None:
        """Refused: raises InvalidValueError."""
        raise _not_steered()

    def pause(self) -> None:
        """Refused: raises InvalidValueError."""
        raise _not_steered()

    def resume(self) -> None:
        """Refused: raises InvalidValueError."""
        raise _not_steered()

    def step(self, _nanoseconds: int) -> None:
        """Refused: raises InvalidValueError."""
        raise _not_steered()

    def seek(self, _to_ns: int) -> None:
        """Refused: raises InvalidValueError."""
        raise _not_steered()

    def state(self) -> ClockState:
        """Market time and wall time are the same."""
        now = self.target()
        return ClockState(market_ns=now, wall_ns=now, speed=1.0, session_date=self._session_of(now))


def _not_steered() -> InvalidValueError:
    return InvalidValueError("A live market cannot be steered.", fix="Use the sim or a replay world.")


def _check_speed(speed: float) -> float:
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise InvalidValueError(f"Speed {speed} is not within {MIN_SPEED} … {MAX_SPEED:g}.")
    return speed
