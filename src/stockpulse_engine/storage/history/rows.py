"""Rows of one series from its segments: the files that matter, the newest version of each row, cut to the window.

Whole runs are checked against their sums. For "the last N" only the ends of the newest runs are read; what older runs
might still add or correct below the point where reading began is cut off, and reading begins earlier until N are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stockpulse_engine.marketdata.columns import NO_SIDE
from stockpulse_engine.marketdata.history import BARS, LATEST, SCHEMAS, AsOf
from stockpulse_engine.storage.history.catalog import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[Any]]
else:
    Columns = dict

FIRST_READ: Final = 1_024
"""Rows read from a run's end at least, when the last N are wanted."""
GROWTH: Final = 8
RETRACTED: Final = "is_retracted"


class Window(NamedTuple):
    """start <= ts_event < end, the last `limit` of them, as of a point in time."""

    start: int | None = None
    end: int | None = None
    limit: int | None = None
    as_of: AsOf = LATEST

    @property
    def is_plain(self) -> bool:
        """Whether only the number of rows is bounded."""
        return self.start is None and self.end is None and self.as_of == LATEST

    def overlaps(self, first_ts: int, last_ts: int) -> bool:
        """Whether rows between the two can be asked for."""
        return (self.start is None or last_ts >= self.start) and (self.end is None or first_ts < self.end)


class Stock(NamedTuple):
    """What is held of one series: runs, the one that ends last first, and rows of the live tail."""

    root: Path
    table: str
    runs: Sequence[Run]
    tail: Columns | None = None


def names_of(table: str) -> list[str]:
    """Columns that a read needs."""
    return [*(name for name in SCHEMAS[table] if name != "instrument_id"), "recorded_at", RETRACTED]


def read_rows(stock: Stock, window: Window) -> Columns:
    """The rows of a window, oldest first, each key once."""
    runs = [run for run in stock.runs if window.overlaps(run.first_ts, run.last_ts)]
    if window.limit is None or window.start is not None:
        parts = [_part(stock, run, None) for run in runs]
        return _cut(_resolve(stock, parts, window), window)
    need = max(window.limit, FIRST_READ)
    while True:
        parts, floor = _newest(stock, runs, need, window)
        found = _cut(_resolve(stock, parts, window), window._replace(start=None if floor is None else floor + 1))
        if floor is None or len(found["ts_event"]) >= window.limit:
            return found
        need *= GROWTH


def newest_versions(columns: Columns, keys: Sequence[str], as_of: AsOf) -> Columns:
    """Of each key the newest version that was known and recorded by then, without what was withdrawn, sorted by key."""
    columns = _visible(columns, as_of)
    if not _increases(columns, keys):
        columns = _last_of_each(columns, keys)
    retracted = columns[RETRACTED]
    return _select(columns, ~retracted) if retracted.any() else columns


def empty_columns(table: str) -> Columns:
    """No rows."""
    import numpy as np

    found: Columns = {name: np.zeros(0, dtype=np.int64) for name in names_of(table)}
    found[RETRACTED] = np.zeros(0, dtype=bool)
    return found | {name: np.zeros(0, dtype=object) for name in ("exchange", "conditions") if name in found}


def _newest(stock: Stock, runs: Sequence[Run], need: int, window: Window) -> tuple[list[Columns], int | None]:
    """The ends of the newest runs, and the time up to which something may be missing (None: nothing is)."""
    parts: list[Columns] = []
    floor: int | None = None
    total = 0
    for run in runs:
        if total >= need:
            return parts, run.last_ts if floor is None else max(floor, run.last_ts)
        reaches_out = window.end is not None and run.last_ts >= window.end
        part = _part(stock, run, None if reaches_out or run.rows <= need else need)
        parts.append(part)
        total += len(part["ts_event"]) - run.corrections
        if len(part["ts_event"]) < run.rows:
            first = int(part["ts_event"][0])
            floor = first if floor is None else max(floor, first)
    return parts, floor


def _part(stock: Stock, run: Run, last: int | None) -> Columns:
    from stockpulse_engine.storage.history.segments import read_run

    names = names_of(stock.table)
    frame = read_run(stock.root, run, names, table=stock.table, last=last)
    optional = [name for name, kind in SCHEMAS[stock.table].items() if kind.endswith("?")]
    return {name: (frame[name].fill_null(NO_SIDE) if name in optional else frame[name]).to_numpy() for name in names}


def _resolve(stock: Stock, parts: list[Columns], window: Window) -> Columns:
    if stock.tail is not None:
        parts = [stock.tail, *parts]
    if not parts:
        return empty_columns(stock.table)
    joined = parts[0] if len(parts) == 1 else _join(list(reversed(parts)))
    return newest_versions(joined, ("ts_event",) if stock.table == BARS else ("ts_event", "seq"), window.as_of)


def _join(parts: Sequence[Columns]) -> Columns:
    import numpy as np

    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _cut(columns: Columns, window: Window) -> Columns:
    times = columns["ts_event"]
    low = 0 if window.start is None else int(times.searchsorted(window.start))
    high = len(times) if window.end is None else int(times.searchsorted(window.end))
    if window.limit is not None:
        low = max(low, high - window.limit)
    return {name: column[low:high] for name, column in columns.items()}


def _visible(columns: Columns, as_of: AsOf) -> Columns:
    for name, bound in (("known_at", as_of.known_at), ("recorded_at", as_of.recorded_at)):
        if bound is not None and not (mask := columns[name] <= bound).all():
            columns = _select(columns, mask)
    return columns


def _increases(columns: Columns, keys: Sequence[str]) -> bool:
    """Whether the rows are sorted by key and each key is there once."""
    times = columns["ts_event"]
    step = times[1:] - times[:-1]
    if len(keys) == 1:
        return bool((step > 0).all())
    third = columns[keys[1]]
    return bool(((step > 0) | ((step == 0) & (third[1:] > third[:-1]))).all())


def _last_of_each(columns: Columns, keys: Sequence[str]) -> Columns:
    import numpy as np

    order = np.lexsort((columns["recorded_at"], columns["known_at"], *(columns[key] for key in reversed(keys))))
    columns = _select(columns, order)
    is_last = np.ones(len(order), dtype=bool)
    same = [columns[key][1:] == columns[key][:-1] for key in keys]
    is_last[:-1] = ~np.logical_and.reduce(same)
    return _select(columns, is_last)


def _select(columns: Mapping[str, Any], which: Any) -> Columns:
    return {name: column[which] for name, column in columns.items()}
