"""Commands on universes: named sets of instruments, with the days on which each belonged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.moments import AsOfMoment, known_ns
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.universes import Universes

HELP = """Universes: named sets of instruments with the days on which each member belonged.

A file `universes/NAME.csv` in the config directory has a row for each stay; `to` is its last day, empty while it lasts:

    symbol,mic,from,to
    GE,XNYS,1907-11-07,2018-06-25
    AAPL,XNAS,2015-03-19,

or `universes/NAME.toml` the same as [[members]] with symbol, mic, from, to, and `about`, `source` and `mic` above them.
"""
TodaysMembers = Annotated[
    bool,
    typer.Option("--todays-members", help="Where it does not know its past: take today's members, and say the bias."),
]
UniverseName = Annotated[str, typer.Argument(metavar="NAME", help="`sp universe list` tells which there are.")]


def list_universes(as_json: JsonFlag = False) -> None:
    """Every universe of this home: its own files, and `sim`, what the simulated market trades.

    Example: sp universe list
    """
    with universes() as shelf:
        rows = shelf.rows()
    if as_json:
        emit_json(rows)
        return
    table = [
        [
            row.name,
            f"{row.members:,}" if not row.problem else "·",
            "yes" if row.is_dated else "no",
            row.problem or row.about,
        ]
        for row in rows
    ]
    emit_table(("name", "members", "knows its past", "about"), table, left=(0, 2, 3))


def show_universe(
    name: UniverseName,
    known: AsOfMoment = "",
    todays: TodaysMembers = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Only the symbols, for the screen's ADD and for scripts.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Who belongs to a universe, or belonged on the day of --as-of, and which instrument each was then.

    Example: sp universe show sim
    Example: sp universe show sim --as-of 2015-06-01 --todays-members
    """
    with universes() as shelf:
        found = shelf.on_day(name, day_of(known), takes_todays=todays)
    if as_json:
        emit_json(found)
        return
    if plain:
        emit(" ".join(one.instrument_id.rpartition(".")[0] for one in found.members if one.instrument_id))
    else:
        table = [
            [
                one.symbol,
                one.instrument_id or "·",
                one.since or "·",
                one.until or "·",
                "yes" if one.is_held else "no",
                one.note,
            ]
            for one in found.members
        ]
        emit_table(("symbol", "instrument", "from", "to", "bars held", ""), table, left=(0, 1, 2, 3, 4, 5))
        say(f"{len(found.members):,} members of {found.name} on {found.as_of}")
    if found.bias:
        say(found.bias)


def check_universe(name: UniverseName, known: AsOfMoment = "", as_json: JsonFlag = False) -> None:
    """Look for what is wrong: no days, a member twice, a ticker that meant two companies, members without bars.

    Exit code 2 when something is.

    Example: sp universe check sim
    """
    with universes() as shelf:
        problems = list(shelf.problems(name))
        found = shelf.on_day(name, day_of(known), takes_todays=True)
    missing = [one.symbol for one in found.members if not one.is_held]
    problems += [f"{one.symbol}: {one.note}" for one in found.members if not one.instrument_id]
    if as_json:
        emit_json({"name": found.name, "as_of": found.as_of, "problems": problems, "without_bars": missing})
    else:
        for problem in problems:
            emit(problem)
        if missing:
            shown = ", ".join(missing[:12]) + (" …" if len(missing) > 12 else "")  # noqa: PLR2004 - one line
            say(f"no bars are held of {len(missing):,} of {len(found.members):,} members on {found.as_of}: {shown}")
        if not problems:
            emit(f"{found.name} is sound.")
    if problems:
        count = f"{len(problems)} thing{'s' * (len(problems) != 1)}"
        raise InvalidValueError(f"{count} in {found.name} to be mended.", fix="The lines above say which.")


def day_of(moment: str) -> str:
    """The exchange's date of a typed moment, "" for none."""
    from stockpulse_engine.bootstrap.universes import today_in_new_york

    return today_in_new_york(known_ns(moment)) if moment else ""


@contextmanager
def universes() -> Iterator[Universes]:
    """Those of the home in force."""
    from stockpulse_engine.base.clock import WallClock
    from stockpulse_engine.bootstrap.history import history_of
    from stockpulse_engine.bootstrap.universes import Universes, today_in_new_york

    home = paths()
    with history_of(home) as store:
        yield Universes(home, lambda: store.reader, lambda: today_in_new_york(WallClock().now_ns()))


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    group = typer.Typer(help=HELP.replace("\n    ", "\n\n\b\n    ", 1), no_args_is_help=True)
    for name, command in (("list", list_universes), ("show", show_universe), ("check", check_universe)):
        add_command(group, command, name=name)
    app.add_typer(group, name="universe")
