"""Command `sp sql`: one SELECT over everything that is stored, by a process that can do nothing but read it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stockpulse_engine.base.text import clean_text
from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.moments import AsOfMoment, AsRecordedMoment, as_of
from stockpulse_engine.cli.options import JsonFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_table, is_terminal, say
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.client.tablefile import require_suffix, write_csv, write_table
from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.history import SqlAnswer, Value, View

SHOWN = 200
"""Rows that a terminal is shown unless --limit says otherwise."""


def sql(
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="One SELECT; `-` reads it from stdin.")] = "",
    views: Annotated[bool, typer.Option("--views", help="List what can be selected from.")] = False,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Write .csv, .json or .parquet.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the first column of numbers as a line.")] = False,
    known: AsOfMoment = "",
    recorded: AsRecordedMoment = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=10_000_000, help="Most rows; 0: as fits.")] = 0,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, max=86_400, help="Seconds it may take.")] = 30.0,
    memory: Annotated[int, typer.Option("--memory", min=64, max=1_000_000, help="MiB it may use.")] = 1024,
    as_json: JsonFlag = False,
) -> None:
    """Ask the stored history in SQL (DuckDB's): bars, quotes, trades, actions, series. It reads and never writes.

    Example: sp sql "select ts, close from bars where instrument_id = 'SPY.ARCX' order by ts desc limit 5"
    Example: sp sql --views
    Example: sp sql "from bars" --limit 1000000 --out bars.parquet
    """
    from stockpulse_engine.bootstrap.history import SqlLimits, sql_over

    target = Path(out).expanduser() if out else None
    if target is not None:
        require_suffix(target)
    is_shown = not (as_json or as_csv or target)
    with sql_over(paths()) as session:
        if views or not statement:
            _list_views(session.views(), as_json=as_json)
            return
        text = sys.stdin.read() if statement == "-" else statement
        rows = limit or (SHOWN if is_shown and is_terminal() else 1_000_000)
        limits = SqlLimits(seconds=timeout, memory_mib=memory, rows=rows)
        answer = session.run(text, limits=limits, as_of=as_of(known, recorded))
    if as_json:
        emit_json({**_as_json(answer), "is_cut": answer.is_cut, "elapsed_ms": answer.elapsed_ms})
    elif target is not None:
        write_table(_columns(answer), answer.rows, target)
        say(f"{len(answer.rows):,} rows in {target}")
    elif as_csv:
        write_csv(_columns(answer), answer.rows, sys.stdout)
    elif plot:
        _plot(answer)
    else:
        _table(answer)
    if answer.is_cut:
        say(f"There are more than {rows:,} rows; --limit shows more.")


def _list_views(views: Sequence[View], *, as_json: bool) -> None:
    if as_json:
        emit_json([{"name": view.name, "about": view.about, "columns": view.columns} for view in views])
    else:
        emit_table(("select from", "what it holds"), [[view.name, view.about] for view in views], left=(0, 1))


def _table(answer: SqlAnswer) -> None:
    if not answer.rows:
        emit("No rows.")
        return
    if [column.name for column in answer.columns] == ["plan"]:
        for row in answer.rows:
            emit(clean_text(_text(row[0])))  # a drawing: its blanks count
        return
    left = tuple(index for index, column in enumerate(answer.columns) if not column.is_number)
    emit_table(
        [column.name for column in answer.columns], [[_text(cell) for cell in row] for row in answer.rows], left=left
    )


def _columns(answer: SqlAnswer) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in answer.columns]


def _as_json(answer: SqlAnswer) -> dict[str, object]:
    return {"columns": answer.columns, "rows": [list(row) for row in answer.rows]}


def _plot(answer: SqlAnswer) -> None:
    import shutil

    from stockpulse_engine.render.plot import render_plot
    from stockpulse_engine.render.span import to_plain

    index = next((i for i, column in enumerate(answer.columns) if column.is_number), None)
    if index is None:
        raise InvalidValueError("There is no column of numbers to draw.", fix="Select one, like close.")
    values = [math.nan if row[index] is None else float(row[index] or 0) for row in answer.rows]
    width, height = shutil.get_terminal_size((120, 40))
    ends = [_text(row[0]) for row in (answer.rows[0], answer.rows[-1])] if answer.rows and index else ["", ""]
    drawn = render_plot(values, width, min(height - 2, 20), first=ends[0], last=ends[1])
    emit(to_plain(drawn) if drawn else "Fewer than two numbers: nothing to draw.")


def _text(cell: Value) -> str:
    return "·" if cell is None else str(cell)


def register(app: typer.Typer) -> None:
    """Add this subject's command."""
    add_command(app, sql)
