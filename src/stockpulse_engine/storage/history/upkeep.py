"""Upkeep: merge what is small, drop what is old, sweep away what nobody knows, check what is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import polars as pl

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.history import ACTIONS, BARS, QUOTES, TRADES, Segment
from stockpulse_engine.storage.history.catalog import Catalog, Kind, Part
from stockpulse_engine.storage.history.commit import (
    Draft,
    Ledger,
    RacedError,
    RunDraft,
    insert_run,
    insert_segment,
    next_seq,
    retire,
)
from stockpulse_engine.storage.history.frames import KEYS, RECORDED
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.segments import CORRECTED, damaged, file_digest, scan, write_segment
from stockpulse_engine.storage.history.turn import exclusive

GRACE_NS: Final = 3600 * SECOND_NS
"""How long a file nobody knows, or nobody needs any more, is left for whoever is slow."""
MERGE_FROM: Final = 8
"""Segments of one kind and directory that are worth merging."""
MERGE_ROWS: Final = 4_000_000
"""Rows of a merged segment at most (one instrument more, never less than two segments)."""
_OLD = "SELECT number FROM segments WHERE tbl = ? AND (?2 = '' OR spec = ?2) AND last_ts < ? AND retired_at IS NULL"
_RECOUNT = """
UPDATE series SET last_seq = ?1,
    rows = coalesce((SELECT sum(rows) FROM runs WHERE series = series.number), 0),
    corrections = coalesce((SELECT sum(corrections) FROM runs WHERE series = series.number), 0),
    first_ts = coalesce((SELECT min(first_ts) FROM runs WHERE series = series.number), first_ts),
    last_ts = coalesce((SELECT max(last_ts) FROM runs WHERE series = series.number), last_ts)
WHERE number = ?2
"""


class Swept(NamedTuple):
    """Files removed, and their bytes."""

    files: int
    bytes: int


class Damage(NamedTuple):
    """A segment that is not as it was written."""

    path: str
    problem: str


class Upkeep:
    """Work on one history directory that may be done at any time, beside readers and writers."""

    def __init__(self, layout: Layout, ledger: Ledger, clock: Clock) -> None:
        self._layout = layout
        self._ledger = ledger
        self._clock = clock

    def merge_small(self) -> int:
        """Merge small segments of the same kind and directory; returns how many were merged away.

        Every version stays. The merged segment takes the highest seq of its parts, so cursors downstream stay right.
        """
        merged = 0
        ensure_private(self._layout.root)
        catalog = Catalog(self._layout.root)
        with exclusive(self._layout.root / "merge.lock"):
            for kind, _ in catalog.kinds():
                if kind.table == ACTIONS:  # their rows are read from the catalog
                    continue
                for bucket, group in _groups(catalog.parts(kind)):
                    merged += self._merge(kind, bucket, group)
        catalog.close()
        return merged

    def prune(self, table: str, before_ns: int, *, spec: str = "") -> int:
        """Drop segments that end before a moment; returns how many. Rows of one that reaches past it stay."""
        with self._ledger.transaction() as db:
            numbers = [int(row[0]) for row in db.execute(_OLD, (table, spec, before_ns))]
            touched: set[int] = set()
            for number in numbers:
                rows: list[Any] = db.execute("SELECT series FROM runs WHERE segment = ?", (number,)).fetchall()
                touched |= {int(row[0]) for row in rows}
            retire(db, numbers, self._clock.now_ns())
            seq = next_seq(db) if numbers else 0
            db.executemany(_RECOUNT, [(seq, series) for series in touched])
        return len(numbers)

    def sweep(self) -> Swept:
        """Remove files older than an hour that the catalog does not know, and those it has retired as long ago."""
        deadline = self._clock.now_ns() - GRACE_NS
        root, tail = ensure_private(self._layout.root), self._layout.tail
        with exclusive(root / "sweep.lock"):
            with self._ledger.transaction() as db:
                db.execute("DELETE FROM segments WHERE retired_at < ?", (deadline,))
                known = {root / str(row[0]) for row in db.execute("SELECT path FROM segments")}
                known |= {tail / str(row[0]) for row in db.execute("SELECT name FROM tails")}
            old = [path for path in _files(self._layout) if path not in known and _is_older(path, deadline)]
            sizes = [path.stat().st_size for path in old]
            for path in old:
                path.unlink(missing_ok=True)
        return Swept(len(old), sum(sizes))

    def verify(self) -> Iterator[Damage]:
        """Compare every segment with the SHA-256 of its commit; yields what is damaged or gone, by path."""
        catalog = Catalog(self._layout.root)
        for segment in catalog.segments(0, "", 2**31):
            path = Path(segment.path)
            problem = _problem(path, segment)
            if problem:
                yield Damage(str(path.relative_to(self._layout.root)), problem)
        catalog.close()

    def _merge(self, kind: Kind, bucket: str, group: Sequence[Part]) -> int:
        frames = [_whole(self._layout.root, part) for part in group]
        frame = pl.concat(frames).sort(*KEYS[kind.table], "known_at", RECORDED, maintain_order=True)
        draft = write_segment(self._layout, kind, bucket, frame.with_columns(pl.lit(value=False).alias(CORRECTED)), "")
        try:
            with self._ledger.transaction() as db:
                _replace(db, group, draft, self._clock.now_ns())
        except RacedError:  # pruned in between: what is gone must not come back
            (self._layout.root / draft.path).unlink(missing_ok=True)
            return 0
        except BaseException:
            (self._layout.root / draft.path).unlink(missing_ok=True)
            raise
        return len(group)


def _replace(db: apsw.Connection, group: Sequence[Part], draft: Draft, now_ns: int) -> None:
    """Put a merged segment in the place of its parts."""
    for part in group:
        rows: list[Any] = db.execute("SELECT retired_at FROM segments WHERE number = ?", (part.number,)).fetchall()
        if not rows or rows[0][0] is not None:
            raise RacedError
    corrections = _corrections(db, group)
    retire(db, [part.number for part in group], now_ns)
    draft = draft._replace(has_versions=any(part.has_versions for part in group))
    segment = insert_segment(db, draft, max(part.seq for part in group))
    for run in draft.runs:
        series = _series_of(db, draft.kind, run)
        insert_run(db, series, segment, run._replace(corrections=corrections[series]))


def _whole(root: Path, part: Part) -> pl.DataFrame:
    frame = scan(root, part.path, lambda lazy: lazy)
    if frame.height != part.rows:
        raise damaged(part.path, f"{frame.height} rows where {part.rows} should be")
    return frame


def _problem(path: Path, segment: Segment) -> str:
    if not path.exists():
        return "the file is gone"
    if path.stat().st_size != segment.bytes:
        return f"{path.stat().st_size} bytes where {segment.bytes} were written"
    return "" if file_digest(path) == segment.sha256 else "its SHA-256 is not the one of its commit"


def _groups(parts: Sequence[Part]) -> Iterator[tuple[str, list[Part]]]:
    """Parts worth merging: of one directory, together not too large, in the order of their commits."""
    by_directory: defaultdict[str, list[Part]] = defaultdict(list)
    for part in parts:
        if part.rows < MERGE_ROWS // 2:
            by_directory[Path(part.path).parent.name].append(part)
    for bucket, small in by_directory.items():
        while len(small) >= MERGE_FROM:
            group = [small.pop(0)]
            while small and sum(part.rows for part in group) + small[0].rows <= MERGE_ROWS:
                group.append(small.pop(0))
            if len(group) > 1:
                yield bucket, group


def _corrections(db: apsw.Connection, group: Sequence[Part]) -> dict[int, int]:
    """How many corrections each series has in the parts together."""
    found: defaultdict[int, int] = defaultdict(int)
    for part in group:
        rows: list[Any] = db.execute(
            "SELECT series, corrections FROM runs WHERE segment = ?", (part.number,)
        ).fetchall()
        for series, count in rows:
            found[int(series)] += int(count)
    return found


def _series_of(db: apsw.Connection, kind: Kind, run: RunDraft) -> int:
    statement = "SELECT number FROM series WHERE instrument_id = ? AND tbl = ? AND spec = ? AND source = ?"
    rows: list[Any] = db.execute(statement, (run.instrument_id, *kind)).fetchall()
    return int(rows[0][0])


def _files(layout: Layout) -> Iterator[Path]:
    """Segments, tail logs and what a killed process left half-made."""
    for table in (BARS, QUOTES, TRADES, ACTIONS):
        yield from (path for path in (layout.root / table).rglob("*") if path.suffix in (".parquet", ".tmp"))
    yield from layout.tail.glob("*.log")
    yield from layout.hot.rglob(".*.tmp")


def _is_older(path: Path, deadline_ns: int) -> bool:
    try:
        return path.stat().st_mtime_ns < deadline_ns
    except FileNotFoundError:
        return False
