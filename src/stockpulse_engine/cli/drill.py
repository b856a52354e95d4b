"""`sp drill`: break things around the real engine, and prove that nothing is lost or sent twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.cli.options import AccountName, JsonFlag
from stockpulse_engine.cli.register import add_command

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.drilling import DrillAsked
    from stockpulse_engine.wire.drill import DrillLine, DrillReport

FOUND_WRONG = 1


def drill(
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed is the same drill.")] = 1,
    fault: Annotated[
        list[str], typer.Option("--fault", metavar="NAME", help="Only this one, by name or number; may repeat.")
    ] = [],  # noqa: B006 - typer reads the default, nobody writes it
    account: AccountName = "",
    broker: Annotated[str, typer.Option("--broker", "--adapter", help="Whose adapter is drilled.")] = "paper",
    real_time: Annotated[bool, typer.Option("--real-time", help="Scale nothing: half a minute more.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Name the faults and do nothing.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Print the newest report.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Drill the real engine: 24 faults at a simulated broker, with a copy of your account. Your own home is only read.

    Example: sp drill
    Example: sp drill --fault sigkill --seed 7
    """
    if listing:
        _list(as_json=as_json)
        return
    if last:
        _show_last(as_json=as_json)
        return
    from stockpulse_engine.bootstrap.drilling import DrillAsked

    asked = DrillAsked(seed=seed, faults=tuple(fault), account=account, broker=broker, is_real_time=real_time)
    report = _run(asked, as_json=as_json)
    if not report.is_good:
        raise SystemExit(FOUND_WRONG)


def _run(asked: DrillAsked, *, as_json: bool) -> DrillReport:
    from stockpulse_engine.bootstrap.drilling import run_drill
    from stockpulse_engine.cli.drill_lines import teller
    from stockpulse_engine.cli.link import paths
    from stockpulse_engine.settings import load_settings

    person = paths()
    settings = load_settings(person, os.environ)
    for name in [name for name in os.environ if name.startswith("STOCKPULSE_")]:
        del os.environ[name]  # settings and homes of the person's own play no part in the drill's engine
    tell: Callable[[DrillLine], None] = teller(as_json=as_json)

    async def cancelable() -> DrillReport:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel if task is not None else sys.exit)
        return await run_drill(person, settings, asked, tell)

    try:
        report = asyncio.run(cancelable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    tell(report)
    return report


def _list(*, as_json: bool) -> None:
    from stockpulse_engine.cli.output import emit_json, emit_table
    from stockpulse_engine.wire.drill import FAULTS

    if as_json:
        emit_json(FAULTS)
        return
    emit_table(
        ("#", "name", "fault", "what is done"), [(str(one.number), one.name, one.title, one.words) for one in FAULTS]
    )


def _show_last(*, as_json: bool) -> None:
    from stockpulse_engine.cli.link import paths
    from stockpulse_engine.cli.output import emit_json, emit_prose
    from stockpulse_engine.domain.errors import NotFoundError
    from stockpulse_engine.drill.report import last_report, markdown

    report = last_report(paths().drills)
    if report is None:
        raise NotFoundError("No drill has left a report in this home.", fix="sp drill")
    if as_json:
        emit_json(report)
    else:
        emit_prose(markdown(report))


def register(app: typer.Typer) -> None:
    """Add this subject's command."""
    add_command(app, drill)
