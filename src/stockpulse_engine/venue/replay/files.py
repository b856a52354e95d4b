"""Recognising a recording by its columns: ticks, bars, days; Parquet or CSV. Polars is imported when a file is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.reference import is_symbol

if TYPE_CHECKING:
    import polars as pl

MAX_CSV_BYTES = 256 * 1024 * 1024
"""A CSV file is held in memory whole; beyond this it should be Parquet, which is read piece by piece."""
MAX_FILES = 200
SUFFIXES = (".parquet", ".csv")
_STEP_SAMPLE = 20_000


ALIASES: Mapping[str, tuple[str, ...]] = {
    "ts": ("timestamp", "time", "datetime"),
    "price": ("last",),
    "size": ("amount", "qty", "quantity"),
    "symbol": ("ticker",),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one symbol on one day of the exchange's own clock."""

    symbol: str
    date: str
    rows: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class Recording:
    """One file, understood. `renames` maps our column names to the file's; `step_ns` is the length of its bars."""

    path: Path
    kind: Kind
    renames: Mapping[str, str]
    zone: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @cached_property
    def frame(self) -> pl.LazyFrame:
        """The file with our column names, `ts` in UTC nanoseconds and a `symbol` column."""
        import polars as pl

        frame = _scan(self.path).rename({theirs: ours for ours, theirs in self.renames.items() if ours != theirs})
        if "symbol" not in self.renames:
            frame = frame.with_columns(pl.lit(symbol_of(self.path)).alias("symbol"))
        if self.kind is Kind.DAYS:
            return frame.with_columns(pl.col("date").cast(pl.String))
        return frame.with_columns(self._moment(frame).alias("ts"))

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """What the file holds, day by day; one pass over two columns."""
        import polars as pl

        if self.kind is Kind.DAYS:
            days = self.frame.group_by("symbol").agg(pl.len().alias("rows"), pl.lit(0).alias("a"), pl.lit(0).alias("b"))
            return tuple(Span(row[0], "", row[1], 0, 0) for row in days.sort("symbol").collect().iter_rows())
        local = pl.from_epoch("ts", time_unit="ns").dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
        days = self.frame.group_by("symbol", local.dt.date().cast(pl.String).alias("date")).agg(
            pl.len().alias("rows"), pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last")
        )
        return tuple(Span(*row) for row in days.sort("symbol", "date").collect().iter_rows())

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Everything the file tells about."""
        return frozenset(span.symbol for span in self.spans)

    @cached_property
    def step_ns(self) -> int:
        """Length of the bars: the smallest distance between two of one symbol. 0 for ticks, a day for days."""
        import polars as pl

        if self.kind.is_ticks:
            return 0
        if self.kind is Kind.DAYS:
            return 24 * 3600 * SECOND_NS
        sample = self.frame.select("symbol", "ts").head(_STEP_SAMPLE).sort("symbol", "ts")
        steps = sample.select(pl.col("ts").diff().over("symbol").alias("step")).filter(pl.col("step") > 0)
        step = steps.min().collect().item()
        return int(step) if step else 60 * SECOND_NS

    def between(self, first_ns: int, end_ns: int, symbols: Sequence[str]) -> pl.DataFrame:
        """Rows of some symbols with `first_ns` ≤ ts < `end_ns`, in order of time, the file's order within a moment."""
        import polars as pl

        wanted = pl.col("symbol").is_in(list(symbols)) & (pl.col("ts") >= first_ns) & (pl.col("ts") < end_ns)
        return self.frame.filter(wanted).collect().sort("ts", maintain_order=True)

    def days(self, symbol: str) -> pl.DataFrame:
        """Daily rows of one symbol in order of date."""
        import polars as pl

        return self.frame.filter(pl.col("symbol") == symbol).collect().sort("date", maintain_order=True)

    def marked(self, marks: Sequence[str], first_ns: int, end_ns: int) -> dict[str, list[int]]:
        """Times of the trades whose conditions are one of `marks`, by symbol."""
        import polars as pl

        if "conditions" not in self.frame.collect_schema().names():
            return {}
        is_marked = pl.col("conditions").cast(pl.String).is_in(list(marks))
        inside = (pl.col("ts") >= first_ns) & (pl.col("ts") < end_ns)
        rows = self.frame.filter(is_marked & inside).group_by("symbol").agg(pl.col("ts").sort()).collect()
        return {str(symbol): list(ts) for symbol, ts in rows.iter_rows()}

    def _moment(self, frame: pl.LazyFrame) -> pl.Expr:
        """`ts` as UTC nanoseconds; a time without a zone is refused, for nobody can know when it was."""
        import polars as pl

        kind = frame.collect_schema()["ts"]
        column = pl.col("ts")
        if kind == pl.String:
            sample = frame.select(column.drop_nulls().head(1)).collect()
            if sample.height and not _has_zone(str(sample.item())):
                raise self._unclear_time(str(sample.item()))
            column = column.str.to_datetime(time_zone="UTC", time_unit="ns")
        elif isinstance(kind, pl.Datetime) and kind.time_zone is None:
            raise self._unclear_time("a naive timestamp")
        elif not isinstance(kind, pl.Datetime):
            raise _refusal(self.path, f"column {self.renames['ts']!r} is {kind}, not a time", "Write UTC timestamps.")
        return column.dt.epoch("ns")

    def _unclear_time(self, found: str) -> InvalidValueError:
        column = self.renames["ts"]
        fix = "Write times in UTC with their zone, like 2013-10-07T13:30:00Z."
        return _refusal(self.path, f"column {column!r} has no time zone ({clean_line(found, 40)})", fix)


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The Parquet and CSV files named, directories searched one level deep.

    Raises:
        NotFoundError: nothing is there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(child for child in path.iterdir() if child.suffix in SUFFIXES)
        elif path.is_file():
            found.append(path)
        else:
            raise NotFoundError(f"There is no file or directory {clean_line(str(path))}.", fix="Check the path.")
    if not found:
        raise NotFoundError("No recording was named.", fix="Name Parquet or CSV files, or a directory of them.")
    if len(found) > MAX_FILES:
        raise InvalidValueError(f"{len(found)} files are more than {MAX_FILES}.", fix="Name the files of one period.")
    return list(dict.fromkeys(found))


def open_recording(path: Path, zone: str) -> Recording:
    """Understand a file by its columns; raises InvalidValueError that names file, columns and fix."""
    if path.suffix not in SUFFIXES:
        raise _refusal(path, f"a {path.suffix or 'file without suffix'} is no recording", "Use Parquet or CSV.")
    columns = _scan(path).collect_schema().names()
    renames = {name: name for name in columns}
    for ours, others in ALIASES.items():
        theirs = next((name for name in others if name in renames), None)
        if ours not in renames and theirs is not None:
            renames[ours] = theirs
    kind = next((kind for kind in Kind if all(name in renames for name in kind.value)), None)
    if kind is None:
        raise _not_understood(path, renames)
    renames = {ours: theirs for ours, theirs in renames.items() if ours == theirs or ours in ALIASES}
    recording = Recording(path, kind, renames, zone)
    strange = next((symbol for symbol in sorted(recording.symbols) if not is_symbol(symbol)), None)
    if strange is not None:
        raise _refusal(path, f"symbol {clean_line(strange, 24)!r} can not be named here", "Write symbols like IBM.")
    return recording


def symbol_of(path: Path) -> str:
    """The symbol a file without a symbol column is about: the first word of its name."""
    return path.stem.split("_")[0].upper()


def local_date(ns: int, zone: dt.tzinfo) -> str:
    """The day on the exchange's own clock."""
    return dt.datetime.fromtimestamp(ns // SECOND_NS, zone).date().isoformat()


def _scan(path: Path) -> pl.LazyFrame:
    import polars as pl

    try:
        if path.suffix == ".parquet":
            frame = pl.scan_parquet(path)
            frame.collect_schema()
            return frame
        if path.stat().st_size > MAX_CSV_BYTES:
            raise _refusal(path, "it is too large for CSV", "Convert it to Parquet, which is read piece by piece.")
        return pl.read_csv(path, infer_schema_length=10_000).lazy()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refusal(path, f"it can not be read ({clean_line(str(error), 120)})", "Check the file.") from error


def _has_zone(text: str) -> bool:
    tail = text.strip()[10:]
    return tail.endswith("Z") or "+" in tail or "-" in tail


def _not_understood(path: Path, renames: Mapping[str, str]) -> InvalidValueError:
    nearest = max(Kind, key=lambda kind: sum(name in renames for name in kind.value))
    missing = ", ".join(repr(name) for name in nearest.value if name not in renames)
    known = "; ".join(f"{kind.name.lower()}: {', '.join(kind.value)}" for kind in Kind)
    return _refusal(
        path, f"as {nearest.name.lower()} it lacks {missing}", f"Give it the columns of one kind ({known})."
    )


def _refusal(path: Path, problem: str, fix: str) -> InvalidValueError:
    return InvalidValueError(f"{clean_line(path.name, 80)}: {problem}.", fix=fix)
