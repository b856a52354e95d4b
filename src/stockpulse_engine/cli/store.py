"""Command `sp store`: the copy of history and books on a PostgreSQL of yours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, emit_table
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import ConflictError, IntegrityError

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.serverstore import Compared


def store_status(as_json: JsonFlag = False) -> None:
    """The server, its tables, and how far the mirror has come.

    Example: sp store status
    """
    from stockpulse_engine.bootstrap.serverstore import store_status as look

    found = look(paths())
    if as_json:
        emit_json(found)
        return
    revision = found.revision or "no tables yet: sp store migrate"
    if found.revision and found.revision != found.newest_revision:
        revision = f"{found.revision}, this version needs {found.newest_revision}: sp store migrate"
    beyond = f"{found.further:,} series reach further there; reads ask for the rest" if found.further else "nothing"
    pairs = [("address", found.url), ("server", f"{found.server}, {found.features}"), ("revision", revision)]
    emit_pairs((*pairs, ("not here", beyond)))
    if found.streams:
        emit("")
        emit_table(
            ("stream", "copied up to", "waiting", "moved at (utc)"),
            [[one.stream, f"{one.seq:,}", f"{one.waiting:,}", one.moved_at] for one in found.streams],
            left=(0, 3),
        )
    if found.rows:
        emit("")
        emit_table(("table", "rows, about"), [[name, f"{count:,}"] for name, count in found.rows.items()])


def store_migrate(
    down: Annotated[bool, typer.Option("--down", help="Remove our tables, with what is in them.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make the tables, or bring them to this version; with TimescaleDB also its policies and aggregates.

    Example: sp store migrate
    """
    from stockpulse_engine.bootstrap.serverstore import migrate_store

    if down and not yes:
        raise ConflictError(
            "Everything in our tables on the server would be removed.", fix="Say --yes if that is meant."
        )
    done = migrate_store(paths(), is_down=down)
    if as_json:
        emit_json(done)
    else:
        emit(f"From {done.before or 'nothing'} to {done.after or 'nothing'} on {done.features}.")


def store_move(
    to: Annotated[Literal["server", "embedded"], typer.Option("--to", help="Where rows are brought.")] = "server",
    as_json: JsonFlag = False,
) -> None:
    """Bring every version to the other side, each once: history and books to the server, or history back from it.

    Example: sp store move --to server
    Example: sp store move --to embedded
    """
    from stockpulse_engine.bootstrap.serverstore import move_to_embedded, move_to_server

    tell = _progress()
    moved = move_to_server(paths(), tell) if to == "server" else move_to_embedded(paths(), tell)
    if as_json:
        emit_json({"to": to, "rows": moved})
    else:
        emit(f"{moved:,} rows were new to the {'server' if to == 'server' else 'embedded store'}.")


def store_verify(as_json: JsonFlag = False) -> None:
    """Compare both sides row for row: counts and hashes of each series; what differs is named. Exit code 8 if anything.

    Example: sp store verify
    """
    from stockpulse_engine.bootstrap.serverstore import compare_stores

    tell = _progress()
    found = []
    for number, one in enumerate(compare_stores(paths()), 1):
        found.append(one)
        tell("series compared", number)
    unequal = [one for one in found if not one.is_equal]
    if as_json:
        emit_json({"is_equal": not unequal, "series": found})
    else:
        _say_compared(found, unequal)
    if unequal:
        raise IntegrityError(
            f"{len(unequal)} of {len(found)} series are not equal.",
            fix="If history is right: sp store migrate --down --yes, then sp store move.",
        )


def _say_compared(found: list[Compared], unequal: list[Compared]) -> None:
    rows = sum(one.embedded_rows for one in found)
    if not unequal:
        emit(f"Equal: {len(found)} series, {rows:,} versions.")
        return
    for one in unequal:
        kind = f"{one.table} {one.spec}".strip()
        counts = f"{one.embedded_rows:,} here, {one.server_rows:,} there"
        emit(clean_line(f"{one.instrument_id} {kind} of {one.source}: {counts}"))
        for difference in one.differences:
            emit(f"  {clean_line(difference.key)}: {clean_line(difference.problem)}")


def _progress() -> Callable[[str, int], None]:
    """Says how far it is, on one line, where somebody looks."""
    is_watched = sys.stderr.isatty()

    def tell(what: str, count: int) -> None:
        if is_watched:
            sys.stderr.write(f"\r{count:,} {what}  ")
            sys.stderr.flush()

    return tell


def register(app: typer.Typer) -> None:
    """Add this subject's commands."""
    store_app = typer.Typer(help="The copy of history and books on a PostgreSQL of yours.", no_args_is_help=True)
    for name, command in (
        ("status", store_status),
        ("migrate", store_migrate),
        ("move", store_move),
        ("verify", store_verify),
    ):
        add_command(store_app, command, name=name)
    app.add_typer(store_app, name="store")
