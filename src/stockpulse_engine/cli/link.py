"""The command line's way to the engine: start it when needed, ask, translate nothing."""

from __future__ import annotations

import functools

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.cli.output import say
from stockpulse_engine.client.blocking import BlockingClient


def paths() -> Paths:
    """Directories of the chosen home."""
    return resolve_paths()


@functools.cache
def engine(*, is_started: bool = True) -> BlockingClient:
    """A client of the running engine; with `is_started` one is started first when nobody answers."""
    where = paths()
    if is_started and lock_holder(where.lock) is None:
        from stockpulse_engine.client.launch import ensure_engine

        ensure_engine(where, on_step=lambda step: say(f"… {step}"))
    return BlockingClient(where)


def request_id() -> str:
    """A fresh idempotency key for one intent of this command."""
    return new_id("R")
