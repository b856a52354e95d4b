"""The names SQL can select from, as definitions over the store's own files. Pure text; DuckDB reads it in the child.

Every view resolves versions the way any other read does: what was known and recorded by the given moments, the newest
of it, withdrawn rows left out. `bars_versions` and its like show each version that is held. Prices are exact decimals;
`ts` is UTC, `ts_event` the same in nanoseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from stockpulse_engine.marketdata.history import (
    ACTIONS,
    BARS,
    LATEST,
    QUOTES,
    SCHEMAS,
    TRADES,
    AsOf,
    Segment,
    SeriesInfo,
)
from stockpulse_engine.storage.sql.protocol import Column, View

_KEYS = {
    BARS: ("instrument_id", "ts_event"),
    QUOTES: ("instrument_id", "ts_event", "seq"),
    TRADES: ("instrument_id", "ts_event", "seq"),
    ACTIONS: ("instrument_id", "kind", "ts_event"),
}
_ABOUT = {
    BARS: "open, high, low, close, volume by instrument_id, spec ('1m', '1d') and source",
    QUOTES: "bid and ask with sizes, as recorded",
    TRADES: "public prints",
    ACTIONS: "splits, dividends and other corporate actions",
}
_SQL_TYPES = {"String": "VARCHAR", "Int64": "BIGINT", "Int64?": "BIGINT"}
_TIMES = ("ts_event", "known_at", "recorded_at")
_TEXT, _MOMENT, _PRICE = "VARCHAR", "TIMESTAMP_NS", "DECIMAL(28,8)"
_SERIES_COLUMNS = (
    *(Column(name, _TEXT) for name in ("instrument_id", "table_name", "spec", "source")),
    *(Column(name, "BIGINT") for name in ("rows", "corrections", "first_ts", "last_ts")),
    *(Column(name, _MOMENT) for name in ("first", "last")),
)


def make_views(segments: Iterable[Segment], series: Sequence[SeriesInfo], as_of: AsOf = LATEST) -> tuple[View, ...]:
    """Definitions of every view over these segments, as of a moment."""
    groups: dict[str, dict[tuple[str, str], list[Segment]]] = {table: defaultdict(list) for table in _KEYS}
    for segment in segments:
        groups[segment.table][segment.spec, segment.source].append(segment)
    views = []
    for table, parts in groups.items():
        about = _ABOUT[table]
        shown = columns_of(table)
        views.append(View(table, _union(table, parts, as_of, is_resolved=True), about, shown))
        versions = f"every version of {table} that is held, withdrawn ones included"
        all_of_them = _union(table, parts, as_of, is_resolved=False)
        views.append(View(f"{table}_versions", all_of_them, versions, (*shown, Column("is_retracted", "BOOLEAN"))))
    held = _series(series) if as_of == LATEST else _series_then()
    return (*views, View("series", held, "what is held: rows, first and last moment", _SERIES_COLUMNS))


def columns_of(table: str) -> tuple[Column, ...]:
    """The columns of a table's view, in their order."""
    names = [Column("instrument_id", _TEXT)]
    names += [Column("spec", _TEXT)] if table == BARS else []
    names += [Column("source", _TEXT), Column("ts", _MOMENT)]
    for column, kind in SCHEMAS[table].items():
        if column not in {"instrument_id", *_TIMES}:
            name = column.removesuffix("_e8")
            names.append(Column(name, _SQL_TYPES[kind] if name == column else _PRICE))
    return (*names, *(Column(name, "BIGINT") for name in _TIMES))


def _union(table: str, parts: dict[tuple[str, str], list[Segment]], as_of: AsOf, *, is_resolved: bool) -> str:
    if not parts:
        return _empty(table, is_resolved=is_resolved)
    selects = [
        _select(table, spec, source, segments, as_of, is_resolved=is_resolved)
        for (spec, source), segments in sorted(parts.items())
    ]
    return "\nUNION ALL\n".join(selects)


def _select(table: str, spec: str, source: str, segments: Sequence[Segment], as_of: AsOf, *, is_resolved: bool) -> str:
    files = ", ".join(quoted(segment.path) for segment in segments)
    where = _bounds(as_of)
    rows = f"read_parquet([{files}])"
    if table in (QUOTES, TRADES):  # known at their own moment where nothing else is said
        rows = f"(SELECT * REPLACE (coalesce(known_at, ts_event) AS known_at) FROM {rows})"
    sql = f"SELECT {_columns(table, spec, source, is_resolved=is_resolved)}\nFROM {rows}"
    if is_resolved and any(segment.has_versions for segment in segments):
        newest = ", ".join(_KEYS[table])
        return (
            f"SELECT {_columns(table, spec, source, is_resolved=True)} FROM (\n"
            f"SELECT * FROM {rows}{where}\n"
            f"QUALIFY row_number() OVER (PARTITION BY {newest} ORDER BY known_at DESC, recorded_at DESC) = 1\n"
            ") WHERE NOT is_retracted"
        )
    if is_resolved:
        where = f"{where} AND NOT is_retracted" if where else " WHERE NOT is_retracted"
    return f"{sql}{where}"


def _bounds(as_of: AsOf) -> str:
    tests = []
    if as_of.known_at is not None:
        tests.append(f"known_at <= {as_of.known_at:d}")
    if as_of.recorded_at is not None:
        tests.append(f"recorded_at <= {as_of.recorded_at:d}")
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _columns(table: str, spec: str, source: str, *, is_resolved: bool) -> str:
    names = ["instrument_id"]
    if table == BARS:
        names.append(f"{quoted(spec)} AS spec")
    names += [f"{quoted(source)} AS source", "make_timestamp_ns(ts_event) AS ts"]
    names += [_shown(column) for column in SCHEMAS[table] if column not in {"instrument_id", *_TIMES}]
    names += _TIMES
    if not is_resolved:
        names.append("is_retracted")
    return ", ".join(names)


def _shown(column: str) -> str:
    """A stored column as people read it: scaled integers as exact decimals."""
    name = column.removesuffix("_e8")
    if name == column:
        return column
    return f"CAST({column} * CAST('0.00000001' AS DECIMAL(9,8)) AS {_PRICE}) AS {name}"


def _empty(table: str, *, is_resolved: bool) -> str:
    """A view with the right columns and no rows, so that a statement is not an error before the first import."""
    stored = {**{name: _SQL_TYPES[kind] for name, kind in SCHEMAS[table].items()}, "recorded_at": "BIGINT"}
    nothing = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in stored.items())
    columns = _columns(table, "", "", is_resolved=is_resolved)
    return f"SELECT {columns} FROM (SELECT {nothing}, FALSE AS is_retracted) WHERE FALSE"


def _series(series: Sequence[SeriesInfo]) -> str:
    columns = [column.name for column in _SERIES_COLUMNS[:8]]
    typed = ", ".join(f"CAST({column.name} AS {column.type}) AS {column.name}" for column in _SERIES_COLUMNS[:8])
    rows = [
        f"({quoted(one.instrument_id)}, {quoted(one.table)}, {quoted(one.spec)}, {quoted(one.source)}, "
        f"{one.rows:d}, {one.corrections:d}, {one.first_ts:d}, {one.last_ts:d})"
        for one in series
    ]
    values = ",\n".join(rows) or "('', '', '', '', 0, 0, 0, 0)"
    where = "" if rows else " WHERE FALSE"
    stamps = "make_timestamp_ns(first_ts::BIGINT) AS first, make_timestamp_ns(last_ts::BIGINT) AS last"
    return f"SELECT {typed}, {stamps} FROM (VALUES {values}) AS held({', '.join(columns)}){where}"


def _series_then() -> str:
    """The same out of the rows that count at the moment asked: the catalog knows only what is held now."""
    told = []
    for table, keys in _KEYS.items():
        own, spec = ", ".join(keys[1:]), "spec" if table == BARS else quoted("")
        told.append(
            f"SELECT instrument_id, '{table}' AS table_name, {spec} AS spec, source, "
            f"count(*) AS rows, count(*) - count(DISTINCT ({own})) AS corrections, "
            f"min(ts_event) AS first_ts, max(ts_event) AS last_ts FROM {table}_versions GROUP BY ALL"
        )
    stamps = "make_timestamp_ns(first_ts) AS first, make_timestamp_ns(last_ts) AS last"
    return f"SELECT *, {stamps} FROM ({' UNION ALL '.join(told)})"


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
