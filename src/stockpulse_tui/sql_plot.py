"""A column of numbers over time: points in order, their places, and fewer of them than cells can show. Pure."""

from __future__ import annotations

import math
import re
from datetime import datetime

import msgspec

from stockpulse_engine.wire.sql import Cell, SqlTable

PER_CELL = 4
"""Points drawn per cell of width; of more only the highest and lowest are kept."""


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - both sides of the difference are UTC without saying so


class Drawing(msgspec.Struct, frozen=True):
    """Values left to right, their places from 0 to 1, and the names of the ends."""

    values: list[float]
    places: list[float]
    first: str
    last: str
    points: int
    of: str = ""
    """Which series of the answer it is, "" where there is one only."""


SERIES = ("instrument_id", "symbol", "table_name", "spec", "source")
"""Columns that tell one series from another: a line through prices of two instruments says nothing."""


def drawing_of(answer: SqlTable, column: int, width: int, at: int = 0) -> Drawing:
    """The column over the answer's first column of times, else row by row; of the series that row `at` belongs to."""
    over = next((i for i, one in enumerate(answer.columns) if one.is_time), None)
    keys = [i for i, one in enumerate(answer.columns) if one.name in SERIES]
    wanted = [answer.rows[at][i] for i in keys] if at < len(answer.rows) else []
    mine = [row for row in answer.rows if [row[i] for i in keys] == wanted]
    rows = [(_number(row[column]), row) for row in mine]
    of = ", ".join(str(key) for key in wanted) if len(mine) < len(answer.rows) else ""
    if over is None:
        placed = [(float(number), value) for number, (value, _) in enumerate(rows)]
        ends = ("row 1", f"row {len(rows):,}")
    else:
        timed = sorted(
            (stamp, value, str(row[over])) for value, row in rows if (stamp := _stamp(row[over])) is not None
        )
        placed = [(stamp, value) for stamp, value, _ in timed]
        ends = (timed[0][2], timed[-1][2]) if timed else ("", "")
    told = [(at, value) for at, value in placed if math.isfinite(value)]
    kept = _thinned(told, width * PER_CELL)
    low, high = (told[0][0], told[-1][0]) if told else (0.0, 1.0)
    span = (high - low) or 1.0
    return Drawing([value for _, value in kept], [(at - low) / span for at, _ in kept], *ends, len(told), of)


def _number(value: Cell) -> float:
    try:
        return float(value) if value is not None else math.nan
    except ValueError:
        return math.nan


def _stamp(value: Cell) -> float | None:
    """Seconds since 1970; nanoseconds and the zone, which is UTC, are cut: a drawing does not show them."""
    found = _MOMENT.match(str(value))
    if found is None:
        return None
    try:
        return (datetime.fromisoformat(found[0]) - _EPOCH).total_seconds()
    except ValueError:
        return None


def _thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """The same line with few points: of each run the lowest and the highest."""
    if len(points) <= most:
        return points
    step = math.ceil(2 * len(points) / most)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), step):
        run = points[start : start + step]
        ends = {min(run, key=lambda one: one[1]), max(run, key=lambda one: one[1])}
        kept += sorted(ends)
    return kept
