"""Moving the engine of a home to another world: stop in order, start there, or back to where it was."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.launch import POLL_S, OnStep, ensure_engine_async
from stockpulse_engine.domain.errors import StockPulseError, UnavailableError

STOP_S = 20.0


class _Start(msgspec.Struct):
    """What the engine keeps of its last start."""

    world: str
    seed: int = 0
    speed: float = 1.0
    files: tuple[str, ...] = ()


def last_start(paths: Paths) -> tuple[str, ...]:
    """Arguments that start the engine as it was last told to; none when it was never told."""
    try:
        kept = msgspec.json.decode(paths.last_start.read_bytes(), type=_Start)
    except (OSError, msgspec.DecodeError):
        return ()
    files = [word for file in kept.files for word in ("--from", file)]
    return ("--world", kept.world, "--seed", str(kept.seed), "--speed", f"{kept.speed:g}", *files)


async def change_world(paths: Paths, arguments: tuple[str, ...], on_step: OnStep, *, world_now: str = "") -> None:
    """Stop the engine in order and start it with other arguments.

    Args:
        paths: the home.
        arguments: for the daemon, like `--world sim`.
        on_step: told each new step in words.
        world_now: where to go back to in a home that keeps no last start.

    Raises:
        StockPulseError: it could not be stopped, or not be started there; then it runs in the world before again,
            as far as that can be started.
    """
    before = last_start(paths) or (("--world", world_now) if world_now else ())
    await _stop(paths, on_step)
    try:
        await ensure_engine_async(paths, on_step, arguments=arguments)
    except StockPulseError:
        on_step("that did not work: back to the world before")
        await _stop(paths, on_step)
        await ensure_engine_async(paths, on_step, arguments=before)
        raise


async def _stop(paths: Paths, on_step: OnStep) -> None:
    holder = lock_holder(paths.lock)
    if holder is None:
        return
    on_step("stopping the engine: streams closed, journal synced, venue stopped")
    with contextlib.suppress(UnavailableError), BlockingClient(paths) as client:
        await in_thread(client.stop_engine)
    clock = WallClock()
    give_up = clock.monotonic_ns() + round(STOP_S * 1e9)
    while lock_holder(paths.lock) is not None:
        if clock.monotonic_ns() > give_up:
            raise UnavailableError(f"Process {holder.pid} has not stopped.", fix=f"kill {holder.pid}; nothing is lost.")
        await asyncio.sleep(POLL_S)
