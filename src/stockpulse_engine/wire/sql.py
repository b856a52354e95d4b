"""SQL over stored history as it crosses the wire: one statement there, a table of cells back."""

from __future__ import annotations

import msgspec

MAX_ROWS = 10_000
"""Rows of one answer; further ones are asked for by LIMIT and OFFSET in the statement itself."""
MAX_SECONDS = 60.0
Cell = bool | int | float | str | None
"""Decimals, times, lists and structs come as text in DuckDB's own spelling; NULL is null."""


class SqlRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One SELECT, or the EXPLAIN of one, over what could be known and was recorded by two moments ("" for now)."""

    statement: str
    as_of: str = ""
    as_recorded: str = ""
    limit: int = 1_000
    seconds: float = 30.0


class SqlColumn(msgspec.Struct, frozen=True):
    """A column's name and DuckDB's name of its type."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers: set flush right, drawn."""
        whole = self.type.endswith("INT") or self.type in ("INTEGER", "UINTEGER")
        return whole or self.type.startswith(("DECIMAL", "DOUBLE", "FLOAT"))

    @property
    def is_time(self) -> bool:
        """Whether its cells are dates or moments."""
        return self.type.startswith(("TIMESTAMP", "DATE"))


class SqlTable(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement gave. `is_cut`: there were more rows than `limit`, or than an answer has room for."""

    columns: tuple[SqlColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_cut: bool
    elapsed_ms: float


class SqlView(msgspec.Struct, frozen=True, kw_only=True):
    """A name that a statement can select from."""

    name: str
    about: str
    columns: tuple[SqlColumn, ...]
