"""Bulk reads and lists of what is held, out of the server's tables: the same frames as the embedded store's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.history import ACTIONS, BARS, LATEST, QUOTES, TRADES, Query, SeriesInfo
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.intake import as_ns
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.reach import TIER, Reach
from stockpulse_engine.storage.server.schema import (
    BAR_TABLES,
    key_names,
    kind_of,
    metadata,
    spec_text,
    table_of,
    twin_of,
)

if TYPE_CHECKING:
    import polars as pl

_TABLES: Final = {BARS: BAR_TABLES, QUOTES: (QUOTES,), TRADES: (TRADES,), ACTIONS: ("corporate_actions",)}
_LISTED: Final = (
    "SELECT r.tbl, r.step, s.name, i.name, r.first_ts, r.last_ts, r.instrument, r.source FROM series r "
    "JOIN instruments i ON i.key = r.instrument JOIN sources s ON s.key = r.source "
    "WHERE (%(instrument)s::text = '' OR i.name = %(instrument)s)"
)


class _Count(NamedTuple):
    """Rows of one series: where the newest version of each lies, and where the others do."""

    rows: int
    first: int
    last: int


def listed(
    connection: Connection, instrument_id: str, table: str, spec: BarSpec | None, *, is_counted: bool = True
) -> tuple[SeriesInfo, ...]:
    """What is held; counts are 0 where they were not asked for, since the server walks through its keys for them."""
    rows = connection.execute(_LISTED, {"instrument": instrument_id}).fetchall()
    wanted = [row for row in rows if _is_wanted(row, table, spec)]
    counts: dict[tuple[Any, ...], _Count] = {}
    for name in sorted({row[0] for row in wanted}) if is_counted else ():
        counts |= _counted(connection, name, [row[6] for row in wanted if row[0] == name])
    found = [_info(row, counts, is_counted=is_counted) for row in wanted]
    return tuple(sorted((one for one in found if one is not None), key=_order))


def _order(one: SeriesInfo) -> tuple[str, ...]:
    return one.instrument_id, one.table, one.spec, one.source


def _is_wanted(row: Sequence[Any], table: str, spec: BarSpec | None) -> bool:
    return table in ("", kind_of(row[0])) and (spec is None or spec_text(row[0], row[1]) == str(spec))


def _info(row: Sequence[Any], counts: dict[tuple[Any, ...], _Count], *, is_counted: bool) -> SeriesInfo | None:
    table, step, source, name, first, last, *keys = row
    here = counts.get((table, *keys, step), _Count(0, as_ns(first), as_ns(last, 999)))
    older = counts.get((twin_of(metadata.tables[table]).name, *keys, step), _Count(0, here.first, here.last))
    if is_counted and not here.rows:  # everything of it was dropped by age
        return None
    return SeriesInfo(
        instrument_id=name,
        table=kind_of(table),
        spec=spec_text(table, step),
        source=source,
        rows=here.rows + older.rows,
        corrections=older.rows,
        first_ts=min(here.first, older.first),
        last_ts=max(here.last, older.last),
        last_seq=0,
        tier=TIER,
    )


def _counted(connection: Connection, table: str, instruments: Sequence[int]) -> dict[tuple[Any, ...], _Count]:
    step = "step" if table in BAR_TABLES else "0"
    found = {}
    for name in (table, twin_of(metadata.tables[table]).name):
        same = f"t.instrument = c.instrument AND t.source = c.source{' AND t.step = c.step' if step == 'step' else ''}"
        rows = connection.execute(
            f"SELECT c.*, (SELECT min(ts_ns) FROM {name} t WHERE {same} AND t.ts = c.low), "
            f"(SELECT max(ts_ns) FROM {name} t WHERE {same} AND t.ts = c.high) "
            f"FROM (SELECT instrument, source, {step} AS step, count(*) AS rows, min(ts) AS low, max(ts) AS high "
            f"FROM {name} WHERE instrument = ANY(%s::int[]) GROUP BY 1, 2, 3) c",
            (sorted(set(instruments)),),
        ).fetchall()
        for instrument, source, length, count, first, last, low_ns, high_ns in rows:
            found[name, instrument, source, length] = _Count(count, as_ns(first, low_ns), as_ns(last, high_ns))
    return found


def read_frame(connection: Connection, query: Query, priority: Sequence[str]) -> pl.DataFrame:
    """The rows of a query, sorted by key; nothing when the source, or every source, holds none."""
    from stockpulse_engine.storage.history.frames import KEYS, empty_frame
    from stockpulse_engine.storage.server.versions import copied, frame_of

    for _, key in _sources(connection, query, priority):
        data = copied(connection, _copying(query, key), _values(query))
        frame = frame_of(connection, query.table, str(query.spec or ""), data)
        if frame.height:
            return frame.sort(KEYS[query.table])
    return empty_frame(query.table)


def _sources(connection: Connection, query: Query, priority: Sequence[str]) -> Iterator[tuple[str, int]]:
    tables = [table_of(query.table, str(query.spec)).name] if query.spec else list(_TABLES[query.table])
    step = query.spec.step if query.spec is not None else 0
    rows = connection.execute(
        "SELECT DISTINCT s.name, s.key FROM series r JOIN sources s ON s.key = r.source "
        "WHERE r.tbl = ANY(%s::text[]) AND r.step = %s",
        (tables, step),
    ).fetchall()
    named = {str(name): int(key) for name, key in rows}
    for one in by_priority([_Source(name) for name in named], priority, query.source):
        yield one.source, named[one.source]


class _Source(NamedTuple):
    source: str


def _reach(query: Query) -> Reach:
    return Reach(query.start_ns, query.end_ns, None, query.as_of)


def _values(query: Query) -> dict[str, Any]:
    reach = _reach(query)
    names = list(query.instrument_ids)
    return {**reach.values, "low": reach.low, "high": reach.high, "names": names}


def _copying(query: Query, source: int) -> str:
    """A COPY of the versions that stand, in the columns of the table."""
    from stockpulse_engine.storage.server.versions import cell_of

    table = table_of(query.table, str(query.spec or ""))
    columns = [column.name for column in table.columns]
    step = f" AND step = {query.spec.step}" if query.spec is not None else ""
    names = " AND instrument IN (SELECT key FROM instruments WHERE name = ANY(%(names)s::text[]))"
    where = (
        f"source = {source}{step}{names if query.instrument_ids else ''} AND ts >= %(low)s AND ts < %(high)s"
        f"{_reach(query).edges}"
    )
    if query.as_of == LATEST:
        inner = f"SELECT * FROM {table.name} WHERE {where}"
    else:
        seen = f"{where} AND known_at <= %(known_at)s AND recorded_at <= %(recorded_at)s"
        both = " UNION ALL ".join(
            f"SELECT {', '.join(columns)} FROM {name} WHERE {seen}" for name in (table.name, twin_of(table).name)
        )
        keys = ", ".join(key_names(table))
        inner = f"SELECT DISTINCT ON ({keys}) * FROM ({both}) v ORDER BY {keys}, known_at DESC, recorded_at DESC"
    cells = ", ".join(cell_of(table, name) for name in columns)
    return f"COPY (SELECT {cells} FROM ({inner}) w WHERE NOT is_retracted) TO STDOUT (FORMAT BINARY)"
