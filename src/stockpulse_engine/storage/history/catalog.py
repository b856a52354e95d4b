"""Reading the catalog: which segments, series and runs there are. Nothing here writes.

A *run* is the rows of one series inside one segment: they lie together, ordered by time. What was read is kept until
another commit moves the generation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw
import msgspec

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.marketdata.history import Segment, SeriesInfo
from stockpulse_engine.storage.history.schema import connect

T = TypeVar("T")
Row = Sequence[Any]
MAX_KEPT = 100_000
"""Instruments whose series are kept between two commits."""

_SEGMENTS = """
SELECT seq, segment_id, tbl, spec, source, path, rows, first_ts, last_ts, min_known_at, max_known_at, min_recorded_at,
    max_recorded_at, import_id, has_versions, sha256, bytes
FROM segments WHERE retired_at IS NULL AND seq > ?1 AND (?2 = '' OR tbl = ?2) ORDER BY seq LIMIT ?3
"""
_OVERLAPPING = """
SELECT seq, segment_id, tbl, spec, source, path, rows, first_ts, last_ts, min_known_at, max_known_at, min_recorded_at,
    max_recorded_at, import_id, has_versions, sha256, bytes
FROM segments WHERE tbl = ?1 AND spec = ?2 AND source = ?3 AND retired_at IS NULL AND last_ts >= ?4 AND first_ts <= ?5
ORDER BY number
"""
_HOLDING = """
SELECT seq, segment_id, tbl, spec, source, path, rows, first_ts, last_ts, min_known_at, max_known_at, min_recorded_at,
    max_recorded_at, import_id, has_versions, sha256, bytes
FROM segments WHERE retired_at IS NULL AND number IN (
    SELECT r.segment FROM series s JOIN runs r ON r.series = s.number
    WHERE s.tbl = ?1 AND s.spec = ?2 AND s.source = ?3 AND s.instrument_id IN (SELECT value FROM json_each(?6))
        AND r.last_ts >= ?4 AND r.first_ts <= ?5)
ORDER BY number
"""
_SERIES_OF = """
SELECT number, instrument_id, tbl, spec, source, rows, corrections, first_ts, last_ts, last_seq
FROM series WHERE instrument_id = ? AND rows > 0
"""
_SERIES = """
SELECT number, instrument_id, tbl, spec, source, rows, corrections, first_ts, last_ts, last_seq
FROM series WHERE (?1 = '' OR instrument_id = ?1) AND (?2 = '' OR tbl = ?2) AND (?3 = '' OR spec = ?3) AND rows > 0
ORDER BY instrument_id, tbl, spec, source
"""
_RUNS = """
SELECT s.path, r.row_start, r.rows, r.first_ts, r.last_ts, r.corrections, r.row_sum
FROM runs r JOIN segments s ON s.number = r.segment WHERE r.series = ? ORDER BY r.last_ts DESC, s.number DESC
"""
_PARTS = """
SELECT number, seq, path, rows, has_versions FROM segments
WHERE tbl = ? AND spec = ? AND source = ? AND retired_at IS NULL ORDER BY number
"""
_TOUCHED = "SELECT s.seq FROM runs r JOIN segments s ON s.number = r.segment WHERE r.series = ? AND s.seq > ?"
_KINDS = """
SELECT tbl, spec, source, sum(rows) FROM segments WHERE retired_at IS NULL AND (?1 = '' OR tbl = ?1)
GROUP BY tbl, spec, source ORDER BY tbl, spec, source
"""


class Kind(NamedTuple):
    """What lies together in files: one table, one bar length ("" for others), one source."""

    table: str
    spec: str
    source: str


class Series(NamedTuple):
    """A row of the table `series`."""

    number: int
    instrument_id: str
    table: str
    spec: str
    source: str
    rows: int
    corrections: int
    first_ts: int
    last_ts: int
    last_seq: int

    def info(self) -> SeriesInfo:
        """The same for whoever asked through the port."""
        return SeriesInfo(
            instrument_id=self.instrument_id,
            table=self.table,
            spec=self.spec,
            source=self.source,
            rows=self.rows,
            corrections=self.corrections,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            last_seq=self.last_seq,
        )

    @property
    def kind(self) -> Kind:
        """The files it lies in."""
        return Kind(self.table, self.spec, self.source)


class Run(NamedTuple):
    """Rows of one series in one segment; `row_sum` checks all of them together."""

    path: str
    row_start: int
    rows: int
    first_ts: int
    last_ts: int
    corrections: int
    row_sum: int


class Part(NamedTuple):
    """A segment as far as merging is concerned; `path` is relative to the root."""

    number: int
    seq: int
    path: str
    rows: int
    has_versions: int


class Tail(NamedTuple):
    """One log of the live tail: everything before `consumed` lies in segments."""

    name: str
    consumed: int
    is_closed: bool


class Catalog:
    """Answers from one generation; `root` need not exist yet, then there is nothing."""

    def __init__(self, root: Path) -> None:
        self._path = root / "catalog.db"
        self._root = root
        self._lock = threading.RLock()
        self._db: apsw.Connection | None = None
        self._generation = -1
        self._series: dict[str, tuple[Series, ...]] = {}
        self._runs: dict[int, tuple[Run, ...]] = {}
        self._tails: dict[str, list[Row]] = {}
        self._actions: dict[str, tuple[bytes, ...]] = {}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Everything asked inside is of one generation, which is given; other threads wait."""
        with self._lock:
            if self._db is None and not self._open():
                yield 0
                return
            assert self._db is not None
            self._ask("BEGIN")
            try:
                self._take_generation()
                yield self._generation
            finally:
                self._ask("COMMIT")

    def series_of(self, instrument_id: str) -> tuple[Series, ...]:
        """Every series of one instrument."""
        return self._kept(
            self._series,
            instrument_id,
            lambda: tuple(Series(*row) for row in self._ask(_SERIES_OF, (instrument_id,))),
        )

    def runs_of(self, series: int) -> tuple[Run, ...]:
        """The runs of a series, the one that ends last first."""
        return self._kept(self._runs, series, lambda: tuple(Run(*row) for row in self._ask(_RUNS, (series,))))

    def tails(self) -> tuple[Tail, ...]:
        """The logs of the live tail, oldest first."""
        rows = self._kept(
            self._tails, "", lambda: self._ask("SELECT name, consumed, is_closed FROM tails ORDER BY number")
        )
        return tuple(Tail(name, consumed, bool(is_closed)) for name, consumed, is_closed in rows)

    def list_series(self, instrument_id: str, table: str, spec: str) -> list[Series]:
        """Series by any of the three; "" matches everything."""
        return [Series(*row) for row in self._ask(_SERIES, (instrument_id, table, spec))]

    def segments(self, after_seq: int, table: str, limit: int) -> tuple[Segment, ...]:
        """Segments in the order of their seq."""
        return tuple(self._segment(row) for row in self._ask(_SEGMENTS, (after_seq, table, limit)))

    def overlapping(self, kind: Kind, first_ts: int, last_ts: int) -> tuple[Segment, ...]:
        """Segments of one kind that may hold rows of a time range, both ends included."""
        return tuple(self._segment(row) for row in self._ask(_OVERLAPPING, (*kind, first_ts, last_ts)))

    def holding(self, kind: Kind, names: Sequence[str], first_ts: int, last_ts: int) -> tuple[Segment, ...]:
        """Segments of one kind that hold rows of some of these instruments in a time range, both ends included."""
        wanted = msgspec.json.encode(list(names)).decode()
        return tuple(self._segment(row) for row in self._ask(_HOLDING, (*kind, first_ts, last_ts, wanted)))

    def last_number(self, kind: Kind) -> int:
        """How far the commits of one kind have come."""
        rows = self._ask("SELECT max(number) FROM segments WHERE tbl = ? AND spec = ? AND source = ?", kind)
        return int(rows[0][0] or 0) if rows else 0

    def touched(self, series: int, after_seq: int) -> set[int]:
        """Segments with a higher seq that hold rows of a series."""
        rows = self._ask(_TOUCHED, (series, after_seq))
        return {int(row[0]) for row in rows}

    def actions(self, instrument_id: str) -> tuple[bytes, ...]:
        """Versions of one instrument's corporate actions, encoded, in the order of their commits."""
        statement = "SELECT payload FROM actions WHERE instrument_id = ? ORDER BY number"
        return self._kept(
            self._actions, instrument_id, lambda: tuple(row[0] for row in self._ask(statement, (instrument_id,)))
        )

    def all_actions(self) -> list[bytes]:
        """The same of every instrument."""
        return [row[0] for row in self._ask("SELECT payload FROM actions ORDER BY number")]

    def parts(self, kind: Kind) -> list[Part]:
        """The segments of one kind in the order of their commits."""
        return [Part(*row) for row in self._ask(_PARTS, kind)]

    def kinds(self, table: str = "") -> list[tuple[Kind, int]]:
        """Each kind with its number of rows."""
        return [(Kind(tbl, spec, source), int(rows)) for tbl, spec, source, rows in self._ask(_KINDS, (table,))]

    def _open(self) -> bool:
        if not self._path.exists():
            return False
        self._db = connect(self._path)
        self._generation = -1
        return True

    def _take_generation(self) -> None:
        generation = int(self._ask("SELECT value FROM meta WHERE key = 'generation'")[0][0])
        if generation != self._generation or len(self._series) > MAX_KEPT:
            self._generation = generation
            self._series.clear()
            self._runs.clear()
            self._tails.clear()
            self._actions.clear()

    def _kept(self, cache: dict[Any, T], key: object, load: Callable[[], T]) -> T:
        with self._lock:
            found = cache.get(key)
            if found is None:
                found = cache[key] = load()
            return found

    def _ask(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            if self._db is None and not self._open():
                return []
            assert self._db is not None
            try:
                return self._db.execute(statement, values).fetchall()
            except apsw.Error as error:
                problem = f"The history catalog cannot be read: {error}."
                raise UnavailableError(problem, fix="Run `sp doctor`.") from error

    def _segment(self, row: Row) -> Segment:
        names = ("seq", "segment_id", "table", *Segment.__struct_fields__[3:])
        values = dict(zip(names, row, strict=True))
        values["path"] = str(self._root / values["path"])
        values["has_versions"] = bool(values["has_versions"])
        return Segment(**values)
