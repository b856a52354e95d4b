"""Segments: immutable Parquet files, written so that a power cut leaves a whole one or none, read by slices."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import IntegrityError, UnavailableError
from stockpulse_engine.marketdata.columns import NO_SIDE, Ints
from stockpulse_engine.marketdata.history import QUOTES, TRADES, Segment
from stockpulse_engine.storage.history.catalog import Kind, Run
from stockpulse_engine.storage.history.commit import Draft, RunDraft
from stockpulse_engine.storage.history.frames import RETRACTED, stored_columns, summed_columns
from stockpulse_engine.storage.history.layout import Layout, bucket_of
from stockpulse_engine.storage.history.rowsums import row_sums, total
from stockpulse_engine.storage.history.segmentgone import SegmentGoneError
from stockpulse_engine.storage.words import few_words

ROW_GROUP = 262_144
"""A slice is read by pages, so that a large group costs no reader anything, and it is smaller and quicker to write."""
LEVEL = 1
"""Of zstd: a tenth larger than its usual level, and a sixth less work."""
CORRECTED = "is_corrected"
"""Column of a frame on its way to a file: the row is not the first version of its key. It is not stored."""
_END = struct.Struct("<I4s")
"""Of a Parquet file: the length of what is said about it, and the format's name."""
_NOTE = b"ARROW:schema"
_DAY_NS = 86_400_000_000_000
MAX_SOUND = 100_000
_sound: dict[tuple[str, int, int], bool] = {}
"""Files this process found to be what was committed; unchanged since."""
_RESTORE = "Restore it from a backup or import its source again; `sp store verify` lists all damage."


def by_bucket(frame: pl.DataFrame, kind: Kind) -> Iterator[tuple[str, pl.DataFrame]]:
    """The frame cut into directories by time; most are of one."""
    low, high = _bounds(frame["ts_event"])
    first, last = (bucket_of(kind.table, kind.spec, edge) for edge in (low, high))
    if first == last:
        yield first, frame
        return
    days = (frame["ts_event"] // _DAY_NS).unique().to_list()
    names = {day: bucket_of(kind.table, kind.spec, day * _DAY_NS) for day in days}
    labels = (frame["ts_event"] // _DAY_NS).replace_strict(names, return_dtype=pl.String)
    for (name,), part in (
        frame.with_columns(labels.alias("bucket"))
        .partition_by("bucket", as_dict=True, maintain_order=True, include_key=False)
        .items()
    ):
        yield str(name), part


def write_segment(layout: Layout, kind: Kind, bucket: str, frame: pl.DataFrame, import_id: str) -> Draft:
    """Write one file from a sorted frame (with the column CORRECTED); it is durable when this returns.

    Raises:
        UnavailableError: the disk can not take it.
    """
    segment_id = new_id()
    relative = layout.segment(kind.table, kind.spec, bucket, segment_id)
    path = layout.root / relative
    try:
        _make_directory(path.parent, layout.root)
        digest = _write(path, _slim(frame.select(stored_columns(kind.table))), kind, import_id)
    except (OSError, pl.exceptions.PolarsError) as error:  # polars says of a full disk what its encoder felt
        problem = getattr(error, "strerror", None) or str(error).splitlines()[0][:120]
        raise UnavailableError(f"{path} cannot be written: {problem}.", fix="Free or repair the disk.") from error
    _remember_sound(segment_id, path)
    first_ts, last_ts = _bounds(frame["ts_event"])
    return Draft(
        segment_id,
        kind,
        str(relative),
        frame.height,
        first_ts,
        last_ts,
        *_bounds(frame["known_at"]),
        *_bounds(frame["recorded_at"]),
        import_id,
        bool(frame.select((pl.col(CORRECTED) | pl.col(RETRACTED)).any()).item()),
        digest,
        path.stat().st_size,
        tuple(_runs(frame, kind.table)),
    )


def read_run(root: Path, run: Run, columns: Sequence[str], *, table: str, last: int | None = None) -> pl.DataFrame:
    """Rows of one run, all of them (and then checked against its sum) or the `last` ones.

    Raises:
        IntegrityError: the file is damaged; it is named.
        SegmentGoneError: the file is not there.
    """
    is_whole = last is None or last >= run.rows
    wanted = list(dict.fromkeys([*columns, *summed_columns(table)])) if is_whole else list(columns)
    start = run.row_start if is_whole else run.row_start + run.rows - (last or 0)
    count = run.rows if is_whole else last
    frame = scan(root, run.path, lambda lazy: lazy.slice(start, count).select(wanted))
    if frame.height != count:
        raise damaged(run.path, f"{frame.height} rows where {count} should be")
    if is_whole and total(row_sums(summable(frame, table))) != run.row_sum:
        raise damaged(run.path, "its rows are not the ones that were written")
    return frame.select(columns)


def scan(root: Path, path: str, question: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
    """Ask a file; what goes wrong names it."""
    try:
        return question(_as_it_was(pl.scan_parquet(root / path, glob=False), path)).collect()
    except FileNotFoundError as error:
        raise SegmentGoneError(path) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(path, str(error).splitlines()[0][:120]) from error


def scan_checked(root: Path, segment: Segment, question: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
    """Ask a file any part of which may be the answer: its SHA-256 is compared when this process first meets it."""
    path = Path(segment.path)
    name = str(path.relative_to(root))
    try:
        if _mark(segment.segment_id, path) not in _sound:
            if file_digest(path) != segment.sha256:
                raise damaged(name, "its SHA-256 is not the one of its commit")
            _remember_sound(segment.segment_id, path)
    except FileNotFoundError as error:
        raise SegmentGoneError(name) from error
    return scan(root, name, question)


def _mark(segment_id: str, path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return segment_id, status.st_mtime_ns, status.st_size


def _remember_sound(segment_id: str, path: Path) -> None:
    _sound[_mark(segment_id, path)] = True
    if len(_sound) > MAX_SOUND:
        del _sound[next(iter(_sound))]


def damaged(path: str, problem: str) -> IntegrityError:
    """What is said of a file that is not as it was written."""
    return IntegrityError(f"The history segment {path} is damaged: {problem}.", fix=_RESTORE)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summable(frame: pl.DataFrame, table: str) -> list[Ints]:
    """The integer columns as arrays, empty cells as NO_SIDE."""
    return [frame[name].fill_null(NO_SIDE).to_numpy() for name in summed_columns(table)]


def _write(path: Path, frame: pl.DataFrame, kind: Kind, import_id: str) -> str:
    temporary = path.with_name(f".{path.name}.tmp")
    marks = {"table": kind.table, "spec": kind.spec, "source": kind.source, "import_id": import_id}
    try:
        frame.write_parquet(temporary, compression_level=LEVEL, row_group_size=ROW_GROUP, metadata=marks)
        temporary.chmod(0o600)
        _hide_types(temporary)
        descriptor = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fsync_file(descriptor)
        finally:
            os.close(descriptor)
        digest = file_digest(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_dir(path.parent)
    return digest


def _hide_types(path: Path) -> None:
    """Words that were written from small integers are read as words: the note on how they were held is put out of name.

    To Parquet itself both are text with a dictionary; the note (of the same length, so that nothing moves) is Arrow's.
    """
    with path.open("r+b") as file:
        file.seek(-_END.size, os.SEEK_END)
        length, _ = _END.unpack(file.read(_END.size))
        start = file.seek(-_END.size - length, os.SEEK_END)
        place = file.read(length).rfind(_NOTE)
        if place >= 0:
            file.seek(start + place)
            file.write(_NOTE.lower())


def _slim(frame: pl.DataFrame) -> pl.DataFrame:
    """Few words as small integers, over which polars' encoder takes a fifth of the time; a time told twice once."""
    codes = [few_words(frame[name]) for name, kind in frame.schema.items() if kind == pl.String]
    frame = frame.with_columns(codes)
    if "seq" in frame.columns and (frame["known_at"] == frame["ts_event"]).all():
        frame = frame.with_columns(pl.lit(None, pl.Int64).alias("known_at"))
    return frame


def _as_it_was(lazy: pl.LazyFrame, path: str) -> pl.LazyFrame:
    """A file's rows as they were before they were made slim; older files hold categories, and each time."""
    lazy = lazy.cast({pl.Categorical: pl.String})
    if not path.startswith((QUOTES, TRADES)):
        return lazy
    return lazy.with_columns(pl.coalesce("known_at", "ts_event").alias("known_at"))


def _make_directory(directory: Path, root: Path) -> None:
    """Make it and everything above it up to `root`, each name durable."""
    if directory.is_dir():
        return
    if directory != root:
        _make_directory(directory.parent, root)
    ensure_private(directory)
    fsync_dir(directory.parent)


def _runs(frame: pl.DataFrame, table: str) -> Iterator[RunDraft]:
    lengths = frame["instrument_id"].rle().struct
    names, counts = lengths.field("value").to_list(), lengths.field("len").to_numpy().astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    times = frame["ts_event"].to_numpy()
    sums = np.add.reduceat(row_sums(summable(frame, table)), starts)
    corrections = np.add.reduceat(frame[CORRECTED].cast(pl.Int64).to_numpy(), starts)
    for number, name in enumerate(names):
        start, count = int(starts[number]), int(counts[number])
        edges = int(times[start]), int(times[start + count - 1])
        yield RunDraft(name, start, count, *edges, int(corrections[number]), total(sums[number : number + 1]))


def _bounds(column: pl.Series) -> tuple[int, int]:
    values = column.to_numpy()
    return int(values.min()), int(values.max())
