"""S3: the engine dies, fails or hangs at each named point of a submission, an execution, a cancel and a start."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from stockpulse_engine.drill.campaigns.report import COMMIT, NIGHT, RELEASE, Report
from stockpulse_engine.drill.sim.broker import SimBroker
from stockpulse_engine.drill.sim.day import Case, Day, Result
from stockpulse_engine.drill.sim.ports import Workshop
from stockpulse_engine.drill.sim.wire import Wire
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.trading.amend import Amender
from stockpulse_engine.trading.book import TradingBook
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.link import Link
from stockpulse_engine.trading.recorder import Recorder
from stockpulse_engine.trading.recovery import Recovery
from stockpulse_engine.trading.router import Router
from stockpulse_engine.trading.sender import Sender
from stockpulse_engine.trading.submit import Submitter

SEEDS: Final = {COMMIT: 1, NIGHT: 20, RELEASE: 50}
EFFECTS: Final = ("kill", "raise", "hang")
_HANG_S: Final = 30.0
_SKIP: Final = 2
"""The point is passed so often before it strikes: something has to be there that can be lost."""


class Point(NamedTuple):
    """A place in our code: the function that is about to run, or has just run."""

    name: str
    owner: type
    function: str
    is_after: bool = False


POINTS: Final = (
    Point("submit-1 request taken", Submitter, "submit"),
    Point("submit-2 soundness checked", Submitter, "_require_sound"),
    Point("submit-3 orders made", Submitter, "_make_orders"),
    Point("submit-4 gate passed", Submitter, "_pass_gate", is_after=True),
    Point("submit-5 intent queued, not synced", Submitter, "_record_and_send"),
    Point("submit-6 intent synced", Sender, "on_durable"),
    Point("submit-7 answer given", Submitter, "submit", is_after=True),
    Point("submit-8 checked at the way out", Router, "_require_free", is_after=True),
    Point("submit-9 first byte", SimBroker, "submit"),
    Point("submit-10 last byte", Wire, "ask"),
    Point("submit-11 answer read", SimBroker, "submit", is_after=True),
    Point("submit-12 outcome recorded", Sender, "_send", is_after=True),
    Point("fill-1 frame read", Intake, "take"),
    Point("fill-2 order found", Intake, "_known_key"),
    Point("fill-3 not known yet", Intake, "_is_known", is_after=True),
    Point("fill-4 event made", Intake, "_events", is_after=True),
    Point("fill-5 planned", TradingBook, "plan"),
    Point("fill-6 queued", Recorder, "record", is_after=True),
    Point("fill-7 synced", Recorder, "_finish"),
    Point("fill-8 posted", Ledger, "apply", is_after=True),
    Point("cancel-1 request taken", Amender, "cancel"),
    Point("cancel-2 request recorded", Amender, "cancel", is_after=True),
    Point("cancel-3 about to be sent", Sender, "send_cancel"),
    Point("cancel-4 first byte", SimBroker, "cancel"),
    Point("cancel-5 answer read", SimBroker, "cancel", is_after=True),
    Point("cancel-6 outcome recorded", Sender, "send_cancel", is_after=True),
    Point("start-1 before the replay", Recovery, "replay"),
    Point("start-2 replayed", Recovery, "replay", is_after=True),
    Point("start-3 about to join", Link, "open"),
    Point("start-4 connected", SimBroker, "connect", is_after=True),
    Point("start-5 joined", Link, "open", is_after=True),
    Point("start-6 ready", Recovery, "start", is_after=True),
)
"""12 of a submission, 8 of an execution, 6 of a cancel, 6 of a start (there are no snapshots to crash in)."""


def named(text: str) -> tuple[Point, str]:
    """`submit-6:kill` → the point and the effect."""
    name, _, effect = text.partition(":")
    found = next((one for one in POINTS if one.name.split(" ", maxsplit=1)[0] == name), None)
    if found is None or effect not in EFFECTS:
        raise SystemExit(f"There is no point {text!r}: write submit-6:kill; effects are {', '.join(EFFECTS)}.")
    return found, effect


def s3_points(volume: str, workshop: Workshop) -> Report:
    """Every point with every effect."""
    report = Report("S3", "failpoints")
    for point in POINTS:
        for effect in EFFECTS:
            for seed in range(1, SEEDS[volume] + 1):
                result = play_point(point, effect, workshop, seed=seed)
                report.done += 1
                if result.broken:
                    where = f"--seed {seed} --point {point.name.split(' ', maxsplit=1)[0]}:{effect}"
                    report.failures.append(f"{result.broken} (python scripts/campaign.py S3 {where})")
    return report


def play_point(point: Point, effect: str, workshop: Workshop, *, seed: int) -> Result:
    """A calm day in which one point strikes once."""
    day = Day(Case(seed=seed, most=0.0), workshop)
    with _struck(point, effect, day):
        return day.play()


@contextmanager
def _struck(point: Point, effect: str, day: Day) -> Iterator[None]:
    real = getattr(point.owner, point.function)
    left = 0 if point.name.startswith("start") else _SKIP

    def strike() -> None:
        nonlocal left
        if left < 0:
            return
        left -= 1
        if left < 0:
            day.world.strike(effect, _HANG_S)

    setattr(point.owner, point.function, _wrapped(real, strike, is_after=point.is_after))
    try:
        yield
    finally:
        setattr(point.owner, point.function, real)


def _wrapped(real: Callable[..., Any], strike: Callable[[], None], *, is_after: bool) -> Callable[..., Any]:
    if real.__code__.co_flags & 0x80:  # a coroutine function

        @functools.wraps(real)
        async def coroutine(*args: Any, **more: Any) -> Any:
            if not is_after:
                strike()
            result = await real(*args, **more)
            if is_after:
                strike()
            return result

        return coroutine

    @functools.wraps(real)
    def plain(*args: Any, **more: Any) -> Any:
        if not is_after:
            strike()
        result = real(*args, **more)
        if is_after:
            strike()
        return result

    return plain
