"""`sp replay`: move about in a replay."""

from __future__ import annotations

from typing import Annotated

import typer

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.market import played, show_clock
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.register import add_command

replay_app = typer.Typer(help="Move about in a replay, or in the simulated market.", no_args_is_help=True)


def seek(
    time: Annotated[str, typer.Argument(help="11:30, '2013-10-08 09:45' (exchange time) or +30m.")],
    as_json: JsonFlag = False,
) -> None:
    """Play the market on to a time as fast as can be; what fills orders on the way fills them as at any speed.

    Market time never goes back: to see days again from the start, give them a world of their own, like
    `sp engine restart --world replay:2013-10-07_2`.

    Example: sp replay seek 11:30
    """
    from stockpulse_engine.actions.worldline import parse_seek

    now = engine().clock()
    view = engine().control_market("seek", to_ns=parse_seek(time, now.market_ns, now.time_zone))
    show_clock(played(view) if view.is_stepping else view, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    add_command(replay_app, seek)
    app.add_typer(replay_app, name="replay")
