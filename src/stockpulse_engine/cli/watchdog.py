"""`sp watchdog`: the process that watches the engine, what it would do, and what it has said."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table
from stockpulse_engine.cli.register import add_command

watchdog_app = typer.Typer(help="The process that watches the engine, and its alarms.", no_args_is_help=True)
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most, the newest.")]


class WatchdogView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the watchdog. `pid` and `engine_pid` are 0 while they do not run."""

    pid: int
    engine_pid: int
    enabled: bool
    silent_s: float
    paper: str
    live: str
    command: str
    alarms: int


def status(as_json: JsonFlag = False) -> None:
    """Say whether it watches, and what it does when the engine hangs or dies.

    Example: sp watchdog status
    """
    view = _view()
    if as_json:
        emit_json(view)
        return
    if view.pid:
        emit(f"watching        process {view.pid}, engine {view.engine_pid or 'gone'}")
    else:
        why = "it is switched off: [watchdog] enabled" if not view.enabled else "no engine runs"
        emit(f"watching        nothing: {why}")
    emit(f"after           {view.silent_s:g} s without a sign of life")
    emit(f"paper accounts  {view.paper}")
    emit(f"live accounts   {view.live}")
    emit(f"runs            {view.command or 'no command'}")
    emit(f"alarms          {view.alarms}; sp watchdog alarms lists them")


def alarms(limit: Limit = 20, as_json: JsonFlag = False) -> None:
    """List what it has said, oldest first.

    Example: sp watchdog alarms
    """
    from stockpulse_engine.base.alarmlog import read_alarms

    found = read_alarms(paths().alarms, limit=limit)
    if as_json:
        emit_json(found)
        return
    if not found:
        emit("The watchdog has never had to say anything.")
        return
    emit_table(("when (utc)", "kind", "what"), [[_time(one.at), one.kind, one.text] for one in found], left=(0, 1, 2))


def test() -> None:
    """Raise a test alarm: written down like a real one, and your command is run with it.

    Example: sp watchdog test
    """
    from stockpulse_engine.base.alarmlog import Alarm, write_alarm
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.base.command import run_command
    from stockpulse_engine.domain.errors import ConfigError

    words = "A test of the alarm: nothing is wrong."
    write_alarm(paths().alarms, Alarm(at=WallClock().now_ns(), kind="test", text=words))
    command = _view().command
    if problem := run_command(command, words):
        raise ConfigError(f"watchdog.command did not work: {problem}.", fix="Try it in a shell; see sp config show.")
    emit(f"Alarmed; {command.split()[0]} was run." if command else "Alarmed; no command is set ([watchdog] command).")


def _time(at: int) -> str:
    from stockpulse_engine.render.format import iso_utc

    return iso_utc(at)[:19]


def _view() -> WatchdogView:
    import os

    from stockpulse_engine.base.alarmlog import read_alarms
    from stockpulse_engine.base.lock import lock_holder
    from stockpulse_engine.settings import load_settings

    here = paths()
    settings = load_settings(here, os.environ).watchdog
    watching, held = lock_holder(here.watchdog_lock), lock_holder(here.lock)
    return WatchdogView(
        pid=watching.pid if watching is not None else 0,
        engine_pid=held.pid if held is not None else 0,
        enabled=settings.enabled,
        silent_s=settings.silent_s,
        paper=settings.paper,
        live=settings.live,
        command=settings.command,
        alarms=len(read_alarms(here.alarms, limit=500)),
    )


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(watchdog_app, status)
    add_command(watchdog_app, alarms)
    add_command(watchdog_app, test)
    app.add_typer(watchdog_app, name="watchdog")
