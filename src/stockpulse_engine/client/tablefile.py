"""A table of SQL's answer as a file: CSV, JSON or Parquet, the whole file or none."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from stockpulse_engine.base.text import cell_text
from stockpulse_engine.domain.errors import ConflictError, InvalidValueError

Value = bool | int | float | str | None
Columns = Sequence[tuple[str, str]]
"""Name and DuckDB's type of each."""
Rows = Sequence[Sequence[Value]]
SUFFIXES = (".csv", ".json", ".parquet")


def require_suffix(target: Path) -> None:
    """The name says the format.

    Raises:
        InvalidValueError: it does not.
    """
    if target.suffix not in SUFFIXES:
        raise InvalidValueError(f"{target.name} does not say its format.", fix=f"End it in {', '.join(SUFFIXES)}.")


def write_new_table(columns: Columns, rows: Rows, target: Path) -> None:
    """Write a file that is not there yet.

    Raises:
        ConflictError: it is.
        InvalidValueError: the name does not say the format, or the file can not be written.
    """
    require_suffix(target)
    if target.exists():
        raise ConflictError(f"{target} is there already.", fix="Name another file.")
    write_table(columns, rows, target)


def write_table(columns: Columns, rows: Rows, target: Path) -> None:
    """Write beside its place, then move there.

    Raises:
        InvalidValueError: the name does not say the format, or the file can not be written.
    """
    require_suffix(target)
    part = target.with_name(f".{target.name}.part")
    try:
        if target.suffix == ".csv":
            with part.open("w", newline="", encoding="utf-8") as file:
                write_csv(columns, rows, file)
        elif target.suffix == ".json":
            part.write_bytes(_json(columns, rows))
        else:
            _write_parquet(columns, rows, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidValueError(
            f"{target} can not be written: {error.strerror or error}.", fix="Name another file."
        ) from error


def write_csv(columns: Columns, rows: Rows, file: TextIO) -> None:
    """A heading, then the rows; NULL is an empty cell, and what a spreadsheet would take for a formula stays text."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([cell_text(name) for name, _ in columns])
    writer.writerows([[_cell(value) for value in row] for row in rows])


def _cell(value: Value) -> Value:
    if value is None:
        return ""
    return cell_text(value) if isinstance(value, str) else value


def _json(columns: Columns, rows: Rows) -> bytes:
    import msgspec

    named = [{"name": name, "type": kind} for name, kind in columns]
    return msgspec.json.encode({"columns": named, "rows": [list(row) for row in rows]})


def _write_parquet(columns: Columns, rows: Rows, file: Path) -> None:
    """Numbers as numbers (decimals exact), everything else as DuckDB spells it."""
    import polars as pl

    names: dict[str, int] = {}
    made = []
    for index, (title, kind) in enumerate(columns):
        names[title] = names.get(title, 0) + 1
        name = title if names[title] == 1 else f"{title}_{names[title]}"
        values = pl.Series(name, [row[index] for row in rows], strict=False)
        scale = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
        made.append(values.cast(pl.Decimal(int(scale[1]), int(scale[2]))) if scale else values)
    pl.DataFrame(made).write_parquet(file)
