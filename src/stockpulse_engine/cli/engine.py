"""`sp engine`: start, stop, restart, status, logs, run, rollback."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine, paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import ConflictError, UnavailableError

engine_app = typer.Typer(help="The engine: the daemon that owns quotes, orders and the journal.", no_args_is_help=True)
World = Annotated[
    str,
    typer.Option("--world", help="sim, live, replay:NAME, replay:2013-10-07 or replay:2013-10-07..2013-10-11."),
]
Sources = Annotated[list[str], typer.Option("--from", metavar="PATH", help="Ticks or bars to replay; may repeat.")]
Speed = Annotated[float, typer.Option("--speed", help="Market time per wall time, 0.1 … 1000.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the simulated market; 0: as configured.")]
At = Annotated[str, typer.Option("--at", help="Market time to open at, like '2013-10-07 10:00' (exchange time).")]
Symbols = Annotated[str, typer.Option("--symbols", help="Of stored days only these, like AAPL,SPY; all if left out.")]
STOP_TIMEOUT_S = 20.0


def _daemon_arguments(world: str, source: list[str], speed: float, seed: int, at: str, symbols: str) -> list[str]:
    arguments = ["--world", world] if world else []
    for one in source:
        arguments += ["--from", str(Path(one).absolute())]
    if speed:
        arguments += ["--speed", str(speed)]
    if seed:
        arguments += ["--seed", str(seed)]
    if at:
        arguments += ["--at", at]
    return arguments + (["--symbols", symbols] if symbols else [])


def start(
    world: World = "",
    source: Sources = [],  # noqa: B006 - typer reads the default, nobody writes it
    speed: Speed = 0,
    seed: Seed = 0,
    at: At = "",
    symbols: Symbols = "",
) -> None:
    """Start the engine in the background and wait until it can trade.

    Example: sp engine start
    """
    from stockpulse_engine.client.launch import ensure_engine

    arguments = _daemon_arguments(world, source, speed, seed, at, symbols)
    _say_who_runs(is_asked_for_more=bool(arguments))
    ensure_engine(paths(), on_step=lambda step: say(f"… {step}"), arguments=arguments)
    _show_status(as_json=False)


def _say_who_runs(*, is_asked_for_more: bool) -> None:
    """One engine per home: say who holds it; options can not reach an engine that runs already."""
    from stockpulse_engine.base.lock import lock_holder
    from stockpulse_engine.render.format import iso_utc

    holder = lock_holder(paths().lock)
    if holder is None:
        return
    since = f" since {iso_utc(holder.since_ns)[:19]}Z" if holder.since_ns else ""
    words = f"The engine of this home runs already: process {holder.pid}{since}."
    if is_asked_for_more:
        raise ConflictError(words, fix="sp engine restart takes the same options; or choose another --home.")
    say(words)


def stop() -> None:
    """Stop the engine in order: streams closed, journal synced, venue stopped.

    Example: sp engine stop
    """
    from stockpulse_engine.base.lock import lock_holder
    from stockpulse_engine.base.wait import wait_until

    holder = lock_holder(paths().lock)
    if holder is None:
        emit("The engine is not running.")
        return
    with contextlib.suppress(UnavailableError):
        engine(is_started=False).stop_engine()
    if not wait_until(lambda: lock_holder(paths().lock) is None, STOP_TIMEOUT_S):
        raise UnavailableError(f"Process {holder.pid} has not stopped.", fix=f"kill {holder.pid}; nothing is lost.")
    emit("Stopped.")


def restart(
    world: World = "",
    source: Sources = [],  # noqa: B006 - typer reads the default, nobody writes it
    speed: Speed = 0,
    seed: Seed = 0,
    at: At = "",
    symbols: Symbols = "",
) -> None:
    """Stop, then start.

    Example: sp engine restart
    """
    stop()
    start(world, source, speed, seed, at, symbols)


def status(as_json: JsonFlag = False) -> None:
    """How the engine is: parts, journal, heads; exit code 6 when it is down.

    Example: sp engine status --json
    """
    _show_status(as_json=as_json)


def _show_status(*, as_json: bool) -> None:
    view = engine(is_started=False).health()
    if as_json:
        emit_json(view)
        return
    from stockpulse_engine.cli.feed import feed_words, source_words
    from stockpulse_engine.render.format import format_age

    pairs = [
        ("engine", f"{view.status} (process {view.pid}, version {view.version}, protocol {view.protocol})"),
        ("world", view.world),
        ("trading", f"{view.halt.state.value} {view.halt.reason}".strip()),
        ("journal", f"seq {view.journal_seq:,}  {view.journal_digest[:16]}"),
        ("heads", str(view.heads)),
        ("kills survived", str(view.kills_survived)),
    ]
    pairs += [(part.name, f"{part.state}  {format_age(part.age_ns)}  {part.detail}".rstrip()) for part in view.parts]
    pairs.append(("quotes", feed_words(view.feed)))
    if view.feed.source is not None:
        pairs.append(("recording", source_words(view.feed.source)))
        pairs += [("plays", words) for words in view.feed.source.played]
        pairs += [("gap", words) for words in view.feed.source.gaps]
    emit_pairs(pairs)


def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many.")] = 50,
    venue: Annotated[bool, typer.Option("--venue", help="The paper venue's log instead.")] = False,
) -> None:
    """The end of the engine's log, one JSON document a line.

    Example: sp engine logs -n 20
    """
    file = paths().logs / ("venue.log" if venue else "engine.log")
    if not file.is_file():
        emit("No log yet.")
        return
    from collections import deque

    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in deque(stream, maxlen=lines):
            emit(line.rstrip("\n"))


def run(
    world: World = "",
    source: Sources = [],  # noqa: B006 - typer reads the default, nobody writes it
    speed: Speed = 0,
    seed: Seed = 0,
    at: At = "",
    symbols: Symbols = "",
) -> None:
    """Run the engine in the foreground; Ctrl-C stops it in order.

    Example: sp engine run --world replay:witness --from ticks.parquet --speed 10
    """
    arguments = _daemon_arguments(world, source, speed, seed, at, symbols)
    os.execv(  # noqa: S606 - the foreground process becomes the engine: signals reach it alone
        sys.executable, [sys.executable, "-m", "stockpulse_engine.daemon", "--foreground", *arguments]
    )


def rollback() -> None:
    """Go back to the backup taken before the last migration of this home.

    Example: sp engine rollback
    """
    from stockpulse_engine.bootstrap.offline import rollback_home

    emit(rollback_home(paths()))


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    for command in (start, stop, restart, status, logs, run, rollback):
        add_command(engine_app, command)
    app.add_typer(engine_app, name="engine")
