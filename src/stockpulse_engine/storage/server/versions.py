"""Every version of a series, as the embedded store has it and as the server has it: frames that are equal or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl
from sqlalchemy import Table

from stockpulse_engine.marketdata.columns import NO_SIDE
from stockpulse_engine.marketdata.history import SCHEMAS
from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.history.frames import KEYS, stored_columns
from stockpulse_engine.storage.history.segments import read_run
from stockpulse_engine.storage.server.copying import formats_of, from_stamps, read_rows
from stockpulse_engine.storage.server.intake import WORDS
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.names import all_names
from stockpulse_engine.storage.server.schema import kind_of, spec_text, table_of, twin_of

if TYPE_CHECKING:
    from stockpulse_engine.storage.history.store import EmbeddedHistory

_NOTHING: Final = f"'{NO_SIDE}'::bigint"


class Series(NamedTuple):
    """One instrument in one table, length and source; sorted like this."""

    table: str
    spec: str
    source: str
    instrument_id: str


def order_of(table: str) -> list[str]:
    """What versions are sorted by."""
    return [*KEYS[table], "known_at", "recorded_at"]


class EmbeddedVersions:
    """Reads from the segments; what lies in the live tail is not there yet."""

    def __init__(self, store: EmbeddedHistory) -> None:
        self._root = store.layout.root
        self._catalog = Catalog(store.layout.root)

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    def series(self) -> list[Series]:
        """What is held."""
        found = self._catalog.list_series("", "", "")
        return sorted(Series(one.table, one.spec, one.source, one.instrument_id) for one in found)

    def read(self, series: Series) -> pl.DataFrame:
        """All versions, sorted."""
        with self._catalog.snapshot():
            one = next(row for row in self._catalog.series_of(series.instrument_id) if _is(row, series))
            runs = self._catalog.runs_of(one.number)
        names = stored_columns(series.table)
        parts = [read_run(self._root, run, names, table=series.table) for run in runs]
        return pl.concat(parts).sort(order_of(series.table))


class ServerVersions:
    """Reads from the tables and their twins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._instruments = {name: key for key, name in all_names(connection, "instruments").items()}
        self._sources = {name: key for key, name in all_names(connection, "sources").items()}

    def series(self) -> list[Series]:
        """What is held."""
        rows = self._connection.execute(
            "SELECT r.tbl, r.step, s.name, i.name FROM series r JOIN instruments i ON i.key = r.instrument "
            "JOIN sources s ON s.key = r.source"
        ).fetchall()
        return sorted(Series(kind_of(tbl), spec_text(tbl, step), source, name) for tbl, step, source, name in rows)

    def read(self, series: Series) -> pl.DataFrame:
        """All versions, sorted."""
        table = table_of(series.table, series.spec)
        step = f"AND step = {int(series.spec[:-1])}" if series.spec else ""
        where = f"instrument = {self._instruments[series.instrument_id]} AND source = {self._sources[series.source]}"
        cells = ", ".join(cell_of(table, column.name) for column in table.columns)
        both = " UNION ALL ".join(
            f"SELECT {cells} FROM {name} WHERE {where} {step}" for name in (table.name, twin_of(table).name)
        )
        data = copied(self._connection, f"COPY ({both}) TO STDOUT (FORMAT BINARY)")
        return frame_of(self._connection, series.table, series.spec, data).sort(order_of(series.table))


def copied(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> bytes:
    """What a COPY … TO STDOUT says."""
    with connection.cursor().copy(statement, values) as copy:
        return b"".join(bytes(block) for block in copy)


def frame_of(connection: Connection, table: str, spec: str, data: bytes) -> pl.DataFrame:
    """Rows of a COPY of a table's columns (each through `cell_of`), with the columns of a stored file."""
    columns = read_rows(data, formats_of(table_of(table, spec)))
    columns["ts_event"] = from_stamps(columns["ts"], columns["ts_ns"])
    columns["instrument_id"] = columns["instrument"]
    kinds = {**SCHEMAS[table], "recorded_at": "Int64", "is_retracted": "Boolean"}
    found = {}
    for name in stored_columns(table):
        column = pl.Series(name, columns[name])
        if name in WORDS or name == "instrument_id":
            keys = column.unique().to_list()
            column = column.replace_strict(_names(connection, name, keys), return_dtype=pl.String)
        elif kinds[name].endswith("?"):
            column = column.to_frame().select(pl.col(name).replace(NO_SIDE, None)).to_series()
        found[name] = column
    return pl.DataFrame(found)


def cell_of(table: Table, name: str) -> str:
    """A column as it is copied: cells that are empty have a number that no price is."""
    return f"coalesce({name}, {_NOTHING}) AS {name}" if table.columns[name].nullable else name


def _names(connection: Connection, column: str, keys: list[int]) -> dict[int, str]:
    table = "instruments" if column == "instrument_id" else "words"
    rows = connection.execute(f"SELECT key, name FROM {table} WHERE key = ANY(%s::int[])", (keys,)).fetchall()
    return {int(key): str(name) for key, name in rows}


class OneSeries:
    """A server of which one series is wanted."""

    def __init__(self, server: ServerVersions, wanted: Series) -> None:
        self._server = server
        self._wanted = wanted

    def series(self) -> list[Series]:
        """The one, where it is held."""
        return [one for one in self._server.series() if one == self._wanted]

    def read(self, series: Series) -> pl.DataFrame:
        """All versions, sorted."""
        return self._server.read(series)


def later_rounds(frame: pl.DataFrame, table: str) -> Iterator[pl.DataFrame]:
    """The first stored version of each row, then the second of those that have one, and so on."""
    order = frame.sort("recorded_at", "known_at").with_columns(pl.int_range(pl.len()).over(KEYS[table]).alias("turn"))
    for turn in sorted(order["turn"].unique().to_list()):
        yield order.filter(pl.col("turn") == turn).drop("turn").sort(KEYS[table])


def _is(row: object, series: Series) -> bool:
    return all(getattr(row, name) == getattr(series, name) for name in ("table", "spec", "source"))
