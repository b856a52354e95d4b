"""Signs of life: what a part answers, not whether its line is up. A part that hangs is said on every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.bootstrap.health import HealthBoard
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, PartChanged
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.trading.ports import AmbiguousOutcomeError

BEAT_S = 0.25
ASK_S = 1.0
"""Between two questions whether the broker is there."""
SILENT_S = 3.0
"""Without an answer, or without a word of a feed that speaks every second: something hangs."""
SILENT = "silent"


class Pinged(Protocol):
    """A broker that can be asked whether it is there."""

    @property
    def is_connected(self) -> bool:
        """Whether the link is up now."""
        ...

    async def ping(self) -> None:
        """Ask and wait for the answer. Raises UnavailableError, AmbiguousOutcomeError."""
        ...


class Silence:
    """Says once that a part that is linked says nothing, and once that it is back."""

    def __init__(self, bus: Bus, name: str, back: str = "") -> None:
        self._bus = bus
        self._name = name
        self._back = back
        self.is_told = False

    def judge(self, *, is_linked: bool, is_silent: bool) -> bool:
        """Take in what is known; True when this was the first word of a silence.

        A part whose line is down has said so itself, and says itself when it is back.
        """
        was_told, self.is_told = self.is_told, is_linked and is_silent
        if not is_linked or self.is_told == was_told:
            return False
        state, detail = ("late", SILENT) if is_silent else ("ok", self._back)
        self._bus.publish(PartChanged(name=self._name, state=state, detail=detail))
        return is_silent


class Pulse:
    """Feels engine, journal, feed and broker for as long as the engine runs.

    Args:
        board: where signs of life are kept.
        bus: where silence is told.
        broker: asked every second.
        feed: whether the feed is linked, and the wall time since its last word; a feed that speaks only when
            something happens says so by an age of 0.
        journal_failure: why the journal is read-only, "" while it is not.
        market_now: for the time of an alert.
        clock: for the age of the broker's last answer.
    """

    def __init__(
        self,
        board: HealthBoard,
        bus: Bus,
        *,
        broker: Pinged,
        feed: Callable[[], tuple[bool, int]],
        journal_failure: Callable[[], str],
        market_now: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._board = board
        self._clock = clock
        self._bus = bus
        self._broker = broker
        self._feed = feed
        self._journal_failure = journal_failure
        self._market_now = market_now
        self._feed_silence = Silence(bus, "feed", back="venue")
        self._broker_silence = Silence(bus, "broker")
        self._has_told_failure = False
        self._answered_at: int | None = None

    def broker_age_ns(self) -> int | None:
        """Time since the broker's last answer, None before the first."""
        answered_at = self._answered_at
        return None if answered_at is None else self._clock.monotonic_ns() - answered_at

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            self._board.touch("engine")
            self.feel_journal()
            self.feel_feed()
            await asyncio.sleep(BEAT_S)

    async def run_broker(self) -> None:
        """Ask the broker for ever: a beat of its own, because a broker that hangs must not stop the others."""
        while True:
            await self.feel_broker()
            await asyncio.sleep(ASK_S)

    def feel_feed(self) -> None:
        """A feed that is linked and says nothing is late."""
        is_linked, age_ns = self._feed()
        self._feed_silence.judge(is_linked=is_linked, is_silent=age_ns >= SILENT_S * 1e9)

    async def feel_broker(self) -> None:
        """Ask once. Only an answer is a sign of life: a line can be up with nobody at its other end."""
        broker = self._broker
        is_answering = broker.is_connected and await self._is_answering()
        if is_answering:
            self._answered_at = self._clock.monotonic_ns()
        if self._broker_silence.judge(is_linked=broker.is_connected, is_silent=not is_answering):
            self._alert(
                "warn", "The broker does not answer: what is sent now may stay UNKNOWN until it does.", "broker"
            )

    def feel_journal(self) -> None:
        """A journal that failed once stays read-only until the next start: said once, shown as long."""
        failure = self._journal_failure()
        if not failure:
            self._board.touch("journal")
        elif not self._has_told_failure:
            self._has_told_failure = True
            detail = f"read-only: {failure}"
            self._bus.publish(PartChanged(name="journal", state="gone", detail=detail))
            words = f"The journal is {detail}. Nothing new leaves, cancels do; free the disk, then restart the engine."
            self._alert("danger", words, "journal")

    async def _is_answering(self) -> bool:
        try:
            async with asyncio.timeout(SILENT_S):
                await self._broker.ping()
        except (TimeoutError, UnavailableError, AmbiguousOutcomeError):
            return False
        return True

    def _alert(self, level: str, text: str, subject: str) -> None:
        self._bus.publish(AlertRaised(ts_event=self._market_now(), level=level, text=text, subject=subject))
