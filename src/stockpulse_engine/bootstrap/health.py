"""The engine's account of itself: parts, steps of the start, degraded or well."""

from __future__ import annotations

from collections.abc import Callable

from stockpulse_engine import __version__
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.domain.views import ClockView, FeedCounts, HaltView, HealthView, PartHealth
from stockpulse_engine.wire.version import PROTOCOL_VERSION

PARTS = ("feed", "broker", "engine", "journal", "redis")
"""Parts every world has, in the order shown; others are shown only while something is wrong with them."""
_BROKERS = "broker "
"""How the parts of the brokers beside the paper venue begin: shown for as long as they are connected."""
_WORTH_SAYING = frozenset({"gone", "late"})


class HealthBoard:
    """Collects the state of each part; `view` is what heads and `sp engine status` see."""

    def __init__(self, *, world: str, pid: int, clock: Clock, bus: Bus) -> None:
        self._world = world
        self._pid = pid
        self._clock = clock
        self._bus = bus
        self._parts: dict[str, tuple[str, str, int]] = {name: ("off", "", clock.now_ns()) for name in PARTS}
        self._started_at = clock.now_ns()
        self._ready_at = 0
        self._step = "starting"
        self._is_stopping = False
        bus.subscribe(PartChanged, self._on_part)

    @property
    def is_ready(self) -> bool:
        """Whether trading became possible."""
        return self._ready_at > 0 and not self._is_stopping

    @property
    def was_ready(self) -> bool:
        """Whether the start came to its end, a stop since then or not."""
        return self._ready_at > 0

    def say(self, step: str) -> None:
        """Tell what the engine is doing now, in words."""
        self._step = step
        self._bus.publish(PartChanged(name="engine", state="late", detail=step))

    def ready(self) -> None:
        """Trading is possible from now on."""
        self._ready_at = self._clock.now_ns()
        self._step = ""
        self._bus.publish(PartChanged(name="engine", state="ok"))

    def stopping(self) -> None:
        """The ordered stop began."""
        self._is_stopping = True
        self._bus.publish(PartChanged(name="engine", state="late", detail="stopping"))

    def touch(self, name: str) -> None:
        """A sign of life of a part."""
        state, detail, _ = self._parts.get(name, ("ok", "", 0))
        self._parts[name] = (state, detail, self._clock.now_ns())

    def _on_part(self, change: PartChanged) -> None:
        self._parts[change.name] = (change.state, change.detail, self._clock.now_ns())

    def _status(self) -> str:
        if self._is_stopping:
            return "stopping"
        if not self._ready_at:
            return "starting"
        states = {state for state, _, _ in self._parts.values()}
        return "degraded" if states & _WORTH_SAYING else "ok"

    def view(
        self,
        *,
        halt: HaltView,
        clock: ClockView | None,
        head: tuple[int, str],
        heads: int,
        kills_survived: int,
        ages: Callable[[str], int | None],
        feed: FeedCounts,
    ) -> HealthView:
        """The whole board. `ages(part)` overrides a part's age where a better one is known."""
        now = self._clock.now_ns()
        parts = tuple(
            PartHealth(name=name, state=state, detail=detail, age_ns=_age(ages(name), now - since))
            for name, (state, detail, since) in self._parts.items()
            if name in PARTS or state in _WORTH_SAYING or (name.startswith(_BROKERS) and state == "ok")
        )
        return HealthView(
            status=self._status(),
            version=__version__,
            protocol=PROTOCOL_VERSION,
            world=self._world,
            pid=self._pid,
            started_at=self._started_at,
            ready_at=self._ready_at,
            step=self._step,
            parts=parts,
            heads=heads,
            journal_seq=head[0],
            journal_digest=head[1],
            halt=halt,
            clock=clock,
            kills_survived=kills_survived,
            feed=feed,
        )


def _age(known: int | None, since: int) -> int:
    return since if known is None else known
