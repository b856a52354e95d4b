"""Opening a file as a table: CSV, Parquet, JSON. Text columns stay text, so that prices in CSV and JSON stay exact."""

from __future__ import annotations

import copy
import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.storage.importing.mapping import plain_name

MAX_TEXT_BYTES = 1024 * 1024 * 1024
"""A CSV or JSON file is read whole; beyond this it should be Parquet, which is read piece by piece."""
CHUNK_ROWS = 1_000_000
ROW = "__row"
"""Number of the row in the file, from 1, beside its own columns."""
SUFFIXES = (".csv", ".txt", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson")
_DELIMITERS = ",;\t|"
_CLOCK = r"^(\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?|\d{1,2}[0-5]\d([0-5]\d)?)$"
SEEN = 1_000
"""Rows that are looked at to tell what a column is."""
_NOTHING = ("null", "NULL", "None", "NA", "N/A")
"""Beside nothing at all."""


class Table:
    """One file's rows with its own column names, in chunks."""

    def __init__(self, path: Path) -> None:
        """Open a file; only its head is read.

        Raises:
            NotFoundError: there is no such file.
            InvalidValueError: it is no table we read, or too big.
        """
        if not path.is_file():
            raise NotFoundError(f"There is no file {clean_line(str(path))}.", fix="Check the path.")
        if path.suffix.lower() not in SUFFIXES:
            raise InvalidValueError(
                f"{path.name}: a {path.suffix or 'file without suffix'} is not read.", fix="Use CSV, Parquet or JSON."
            )
        if path.suffix.lower() != ".parquet" and path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidValueError(f"{path.name} is larger than 1 GiB.", fix="Turn it into Parquet, or cut it.")
        self.path = path
        self.repaired: dict[str, int] = {}
        """Rows that a repair changed, by what was wrong."""
        self.made = ""
        """Name of a column that we made of two of the file's: a day and the time of it."""
        self._take(_scan(path))
        self._join_day_and_time()

    def _take(self, frame: pl.LazyFrame) -> None:
        self._frame = frame
        schema = self._frame.collect_schema()
        self.names = tuple(schema.names())
        self.types: dict[str, pl.DataType] = dict(schema)
        self.rows = int(self._frame.select(pl.len()).collect().item())

    def _join_day_and_time(self) -> None:
        """Many vendors tell the day and the time of it apart: together they are one moment."""
        plain = {plain_name(name): name for name in reversed(self.names)}
        day, time = plain.get("date"), plain.get("time")
        if day is None or time is None or "datetime" in plain or isinstance(self.types[day], pl.Datetime):
            return
        head = self.head(SEEN)[time].drop_nulls().cast(pl.String).str.strip_chars()
        if not len(head) or not head.str.contains(_CLOCK).all():
            return
        self.made = f"{day} {time}"
        self._take(self._frame.with_columns(_day_and_time(pl.col(day), pl.col(time)).alias(self.made)))

    def replaced(self, frame: pl.DataFrame, repaired: dict[str, int]) -> Table:
        """The same file with other cells: what a repair made of it."""
        other = copy.copy(self)
        other.repaired = repaired
        other._take(frame.lazy())  # noqa: SLF001 - of the same class
        return other

    def columns(self, names: Sequence[str]) -> pl.DataFrame:
        """Some columns of every row."""
        return self._frame.select(names).collect()

    def head(self, rows: int = 50) -> pl.DataFrame:
        """The first rows."""
        return self._frame.head(rows).collect()

    def chunks(self, skip: int = 0, rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """Every row after the first `skip`, at most `rows` at a time, numbered."""
        for offset in range(skip, self.rows, rows):
            part = self._frame.slice(offset, rows).collect()
            yield part.with_columns(pl.int_range(offset + 1, offset + part.height + 1, dtype=pl.Int64).alias(ROW))

    def digest(self) -> str:
        """SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _day_and_time(day: pl.Expr, time: pl.Expr) -> pl.Expr:
    """`2013-10-07 09:30:00` of a day as 2013-10-07 or 20131007 and a time as 9:30, 09:30:00, 930 or 93000."""
    date = day.cast(pl.String).str.strip_chars().str.replace(r"^(\d{4})(\d{2})(\d{2})$", "${1}-${2}-${3}")
    text = time.cast(pl.String).str.strip_chars()
    digits = (
        text.str.replace(r"^(\d{3,4})$", "${1}00").str.zfill(6).str.replace(r"^(\d\d)(\d\d)(\d\d)$", "${1}:${2}:${3}")
    )
    spelled = text.str.replace(r"^(\d):", "0${1}:").str.replace(r"^(\d\d:\d\d)$", "${1}:00")
    return date + " " + pl.when(text.str.contains(":")).then(spelled).otherwise(digits)


def find_files(paths: list[Path]) -> list[Path]:
    """Files named, and those right inside the directories named, in order of name.

    Raises:
        NotFoundError: a path leads nowhere, or a directory holds nothing we read.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix.lower() in SUFFIXES)
            if not inside:
                raise NotFoundError(f"{clean_line(str(path))} holds no table.", fix=f"We read {', '.join(SUFFIXES)}.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise NotFoundError(f"There is no file or directory {clean_line(str(path))}.", fix="Check the path.")
    return list(dict.fromkeys(found))


def _scan(path: Path) -> pl.LazyFrame:
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            return pl.scan_parquet(path)
        if kind in (".jsonl", ".ndjson"):
            return _flat(pl.read_ndjson(path, infer_schema_length=None)).lazy()
        if kind == ".json":
            return _flat(pl.read_json(path, infer_schema_length=None)).lazy()
        text = pl.read_csv(path, separator=_delimiter(path), infer_schema=False, truncate_ragged_lines=False)
        return _emptied(text).lazy()
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise InvalidValueError(
            f"{path.name} can not be read: {clean_line(str(error), 200)}", fix="Check the file."
        ) from error


def _emptied(text: pl.DataFrame) -> pl.DataFrame:
    """Without the words that stand for an empty cell; looked for here, since the reader takes longer over them."""
    says = text.select(pl.all().is_in(_NOTHING).any()).row(0) if text.width else ()
    named = [name for name, is_there in zip(text.columns, says, strict=True) if is_there]
    return text.with_columns(pl.when(~pl.col(name).is_in(_NOTHING)).then(name).alias(name) for name in named)


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        sample = file.read(8192)
    try:
        return csv.Sniffer().sniff(sample, delimiters=_DELIMITERS).delimiter
    except csv.Error:
        return ","


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Nested values are nothing we import; times of exchanges come as numbers beside them."""
    kept = [name for name, kind in frame.schema.items() if not kind.is_nested()]
    return frame.select(kept)
