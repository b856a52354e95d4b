"""The 24 faults of a drill, in their order: what is done in each. What must hold afterwards is the same for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.orders import Order, OrderStatus, Side
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.faults import Fault
from stockpulse_engine.drill.servers.weather import FAIR, Weather
from stockpulse_engine.drill.stage import Stage
from stockpulse_engine.wire.drill import FAULTS, DrillFault

Play = Callable[[Stage], Awaitable[None]]
DOWN_S = 0.8
"""For how long a venue is refused or a token dead."""
STORM_S = 1.2
ROLLBACK = 20
_TICK = Decimal("0.01")


class Scenario(NamedTuple):
    """What one fault of the list is.

    Attributes:
        name: its name there.
        play: begins with the fault and returns when nothing more is done to the engine.
        cure: ends what only ends when everything was proven true; the fault holds until then.
        needs_disk: it can only be done where the limits of another process can be set.
    """

    name: str
    play: Play
    cure: Play | None = None
    needs_disk: bool = False


async def _refused(stage: Stage) -> None:
    await stage.target.refuse()
    stage.note("fault", "nobody listens at the venue's address")
    await stage.send(Side.BUY, 1)
    await stage.pause(DOWN_S)
    await stage.target.start()
    stage.note("venue", "listens again")


def _struck(fault: Fault, *, times: int = 1, within_s: float = 8.0) -> Play:
    """Orders are submitted, the fault strikes the next `times` of them on their way."""

    async def play(stage: Stage) -> None:
        before = stage.target.plan.struck[fault]
        stage.target.plan.force(fault, times)
        stage.note("fault", fault.words)
        for number in range(times):
            await stage.send(Side.BUY, 1 + number)
        if not await stage.until(lambda: stage.target.plan.struck[fault] - before >= times, within_s):
            stage.problems.append("the fault never struck: no order got as far as the venue")
        stage.target.plan.release(fault)
        struck = stage.target.plan.struck[fault] - before
        stage.note("venue", f"{struck} submission{'' if struck == 1 else 's'} met it")

    return play


async def _answer_lost(stage: Stage) -> None:
    """The answer and the word of the stream are lost: only a question can find out."""
    stage.target.weather = Weather(is_silent=True)
    await _struck(Fault.TIMEOUT_AFTER)(stage)


async def _dead_token(stage: Stage) -> None:
    stage.target.is_token_dead = True
    stage.target.cut()
    stage.note("fault", Fault.TOKEN_DEAD.words)
    await stage.send(Side.BUY, 1)
    await stage.pause(DOWN_S)
    stage.target.is_token_dead = False
    stage.note("venue", "the token is accepted again")


async def _silence(stage: Stage) -> None:
    stage.target.weather = Weather(is_silent=True)
    stage.note("fault", Fault.SILENCE.words)
    await stage.send(Side.BUY, 1)
    await stage.send(Side.SELL, 1)


async def _fair(stage: Stage) -> None:
    stage.target.weather = FAIR
    stage.note("venue", "the stream speaks again")


def _storm(weather: Callable[[Stage], Weather], fault: Fault) -> Play:
    async def play(stage: Stage) -> None:
        stage.target.weather = weather(stage)
        stage.note("fault", fault.words)
        for side in (Side.BUY, Side.SELL, Side.BUY):
            await stage.send(side, 1)
        await stage.pause(STORM_S)
        await _fair(stage)

    return play


async def _reject(stage: Stage) -> None:
    stage.venue.arm(Trick.REJECT)
    stage.note("fault", Fault.REJECT.words)
    await stage.send(Side.BUY, 2)


async def _partial_against_cancel(stage: Stage) -> None:
    stage.note("fault", "an order is executed in part and canceled while the rest executes")
    first = await _partly(stage)
    await stage.cancel(first)
    second = await _partly(stage)
    stage.target.weather = Weather(window_s=0.3)
    stage.venue.move(stage.first, *stage.venue.quote(stage.first))
    stage.target.tell()
    stage.note("venue", f"the rest of {second} is executed before its cancel arrives")
    await stage.cancel(second)
    await stage.pause(0.3)
    await _fair(stage)


async def _partly(stage: Stage) -> str:
    """A limit order of which half has been executed, as we know."""
    stage.venue.arm(Trick.PARTIAL)
    _, ask = stage.venue.quote(stage.first)
    key = await stage.send(Side.BUY, 4, limit_price=ask)
    await stage.until_order(key, lambda order: order.filled_quantity > 0)
    return key


async def _fill_before_ack(stage: Stage) -> None:
    stage.venue.arm(Trick.FILL_BEFORE_ACK)
    stage.note("fault", Fault.FILL_BEFORE_ACK.words)
    _, ask = stage.venue.quote(stage.first)
    await stage.send(Side.BUY, 3, limit_price=ask)


async def _fill_after_cancel(stage: Stage) -> None:
    bid, _ = stage.venue.quote(stage.first)
    key = await stage.send(Side.BUY, 3, limit_price=bid - _TICK * 5)
    await stage.until_order(key, _is_accepted)
    stage.venue.arm(Trick.FILL_AFTER_CANCEL)
    stage.note("fault", Fault.FILL_AFTER_CANCEL.words)
    await stage.cancel(key)


async def _bust_and_correct(stage: Stage) -> None:
    keys = [await stage.send(Side.BUY, 2), await stage.send(Side.BUY, 3)]
    for key in keys:
        await stage.until_order(key, lambda order: order.status is OrderStatus.FILLED)
    executions = {one.client_order_id: one for one in stage.venue.executions(stage.account_id)}
    if first := executions.get(keys[0]):
        stage.venue.bust(first.execution_id)
        stage.note("fault", f"the venue takes the execution of {keys[0]} back")
    if second := executions.get(keys[1]):
        stage.venue.correct(second.execution_id, second.quantity, second.price + _TICK)
        stage.note("fault", f"the venue restates the execution of {keys[1]} a cent dearer")
    stage.target.tell()


async def _roll_back(stage: Stage) -> None:
    stage.venue.arm(Trick.ID_ROLLBACK)
    stage.target.rollback = ROLLBACK
    stage.note("fault", f"the venue's counters go back by up to {ROLLBACK}: numbers come a second time")
    bid, _ = stage.venue.quote(stage.first)
    await stage.send(Side.BUY, 1)
    await stage.send(Side.BUY, 2, limit_price=bid - _TICK * 7)


async def _counter_again(stage: Stage) -> None:
    stage.target.rollback = 0
    stage.note("venue", "counts on from where it was")


async def _halt_in_bracket(stage: Stage) -> None:
    stage.venue.arm(Trick.PARTIAL)
    bid, ask = stage.venue.quote(stage.first)
    key = await stage.send(Side.BUY, 4, limit_price=ask, take_price=ask + 1, stop_price=bid - 1)
    await stage.until_order(key, lambda order: order.filled_quantity > 0)
    stage.venue.halt(stage.first)
    stage.target.tell_market()
    stage.note("fault", f"{stage.first} is halted while the entry of {key} is half executed")
    await stage.send(Side.SELL, 1)
    await stage.pause(DOWN_S)
    stage.venue.resume(stage.first)
    stage.target.tell()
    stage.target.tell_market()
    stage.note("venue", "trades again")


async def _clear_bracket(stage: Stage) -> None:
    """What is left of the bracket is of no use to the faults after it."""
    await stage.machine.head.cancel_orders("*", stage.account_id)


async def _kill(stage: Stage) -> None:
    await stage.send(Side.BUY, 1)
    await stage.machine.kill()
    stage.note("fault", "the engine is killed under order flow")
    await stage.machine.start()
    stage.note("us", "the engine is up again and has asked the venue what it missed")


async def _stand_still(stage: Stage) -> None:
    bid, _ = stage.venue.quote(stage.first)
    key = await stage.send(Side.BUY, 2, limit_price=bid - _TICK)
    await stage.until_order(key, _is_accepted)
    stage.machine.stop()
    stage.note("fault", f"the engine stands still for {stage.stop_s:g} s")
    await stage.pause(stage.stop_s / 2)
    stage.venue.move(stage.first, bid - _TICK * 2, bid - _TICK)
    stage.venue.move(stage.first, bid, bid + _TICK)
    stage.target.tell()
    stage.note("venue", f"executes {key} meanwhile")
    await stage.pause(stage.stop_s / 2)
    stage.machine.go_on()
    stage.note("us", "the engine goes on")


async def _disk_full(stage: Stage) -> None:
    bid, _ = stage.venue.quote(stage.first)
    key = await stage.send(Side.BUY, 2, limit_price=bid - _TICK * 9)
    await stage.until_order(key, _is_accepted)
    stage.machine.fill_disk()
    stage.note("fault", "the engine's disk takes no more")
    await stage.send(Side.BUY, 1)
    await stage.cancel(key)
    left = await stage.until(lambda: not _is_open(stage, key), 5.0)
    stage.note("venue", f"{key} is canceled there, though it could not be recorded" if left else f"{key} still works")
    await stage.machine.kill()
    await stage.machine.start()
    stage.note("us", "there is room again, and the engine is up")


def _is_accepted(order: Order) -> bool:
    return order.status is OrderStatus.ACCEPTED


def _is_open(stage: Stage, key: str) -> bool:
    order = stage.venue.order(stage.account_id, client_order_id=key)
    return order is not None and order.is_open


_DROPPED = _storm(lambda _: Weather(drop=0.8), Fault.DROP)
_COPIED = _storm(lambda _: Weather(copies=5), Fault.DUPLICATE)
_REORDERED = _storm(lambda stage: Weather(window_s=stage.window_s), Fault.REORDER)

_PLAYED: tuple[Scenario, ...] = (
    Scenario("connect-refused", _refused),
    Scenario("timeout-before-send", _struck(Fault.TIMEOUT_BEFORE)),
    Scenario("timeout-after-accept", _answer_lost, _fair),
    Scenario("reset", _struck(Fault.RESET)),
    Scenario("half-body", _struck(Fault.HALF_BODY)),
    Scenario("garbage", _struck(Fault.GARBAGE)),
    Scenario("429", _struck(Fault.THROTTLED, times=2)),
    Scenario("503", _struck(Fault.ERROR_503, times=2)),
    Scenario("504", _struck(Fault.TIMEOUT_504)),
    Scenario("dead-token", _dead_token),
    Scenario("silent-stream", _silence, _fair),
    Scenario("dropped", _DROPPED),
    Scenario("duplicated", _COPIED),
    Scenario("reordered", _REORDERED),
    Scenario("reject", _reject),
    Scenario("partial-cancel", _partial_against_cancel),
    Scenario("fill-before-ack", _fill_before_ack),
    Scenario("fill-after-cancel", _fill_after_cancel),
    Scenario("bust", _bust_and_correct),
    Scenario("id-rollback", _roll_back, _counter_again),
    Scenario("halt", _halt_in_bracket, _clear_bracket),
    Scenario("sigkill", _kill),
    Scenario("sigstop", _stand_still),
    Scenario("disk-full", _disk_full, needs_disk=True),
)
SCENARIOS: tuple[tuple[DrillFault, Scenario], ...] = tuple(zip(FAULTS, _PLAYED, strict=True))
"""The list that every head shows, and what is done for each of it."""


def chosen(names: Sequence[str]) -> list[tuple[DrillFault, Scenario]]:
    """The faults of these names, titles or numbers; all without names.

    Raises:
        InvalidValueError: a name that none has.
    """
    wanted = {name.strip().lower() for name in names if name.strip()}
    known = {word for fault in FAULTS for word in _words_of(fault)}
    for name in sorted(wanted - known):
        raise InvalidValueError(f"{name[:40]!r} is no fault of the drill.", fix="`sp drill --list` names them.")
    return [(fault, one) for fault, one in SCENARIOS if not wanted or wanted & _words_of(fault)]


def _words_of(fault: DrillFault) -> set[str]:
    return {fault.name, fault.title.lower(), str(fault.number)}
