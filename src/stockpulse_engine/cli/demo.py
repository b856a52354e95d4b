"""`sp demo`: a story in a throw-away home. Makes the home, finds the day, and takes everything away again."""

from __future__ import annotations

import contextlib
import os
import runpy
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from stockpulse_engine.base.lock import lock_holder
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import StockPulseError

_TELLER = "stockpulse_tui.demo"
"""Run by name, never imported: the engine does not know its heads."""
STOP_S = 10.0


def demo(
    text: Annotated[bool, typer.Option("--text", help="As plain text; also when there is no terminal.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Wait for nobody: the story runs through by itself.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another simulated market.")] = 0,
    at: Annotated[str, typer.Option("--at", help="Begin there, like '2026-04-30 09:29:40' (exchange time).")] = "",
) -> None:
    """Tell a ten-minute story: a headline, a bracket, a halt, the brake, a crash and back. Leaves nothing behind.

    Example: sp demo
    Example: sp demo --text --fast
    """
    from stockpulse_engine.cli.demo_day import SEED, find_day

    day = find_day(seed or SEED, at)
    with throw_away_home() as home:
        words = ["--home", str(home), "--plan", msgspec.json.encode(day).decode()]
        words += ["--text"] if text or not sys.stdout.isatty() else []
        sys.argv = ["sp demo", *words, *(["--fast"] if fast else [])]
        runpy.run_module(_TELLER, run_name="__main__")


@contextlib.contextmanager
def throw_away_home() -> Iterator[Path]:
    """A home that ends with the story, whatever ends it; settings and homes of the person's own play no part in it."""
    for name in [name for name in os.environ if name.startswith("STOCKPULSE_")]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="sp-demo-", dir="/tmp"))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        yield home
    finally:
        paths = resolve_paths(home)
        stop_everything(paths)
        shutil.rmtree(home, ignore_errors=True)


def stop_everything(paths: Paths) -> None:
    """Stop the engine in order, then end what is left of it and of its venue."""
    from stockpulse_engine.client.blocking import BlockingClient

    if lock_holder(paths.lock) is not None:
        with contextlib.suppress(StockPulseError), BlockingClient(paths) as client:
            client.stop_engine()
        wait_until(lambda: lock_holder(paths.lock) is None, STOP_S)
    for lock in (paths.lock, paths.watchdog_lock, *paths.state.glob("worlds/*/venue/venue.lock")):
        holder = lock_holder(lock)
        if holder is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
            wait_until(lambda lock=lock: lock_holder(lock) is None, STOP_S)  # type: ignore[misc] # the loop's own lock


def register(app: typer.Typer) -> None:
    """Add this subject's command."""
    add_command(app, demo)
