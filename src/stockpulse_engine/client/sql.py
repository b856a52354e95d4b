"""Requests about SQL over stored history, for either client's `send`."""

from __future__ import annotations

from stockpulse_engine.client.call import Call, get
from stockpulse_engine.wire.sql import SqlRequest, SqlTable, SqlView


def run_sql(asked: SqlRequest) -> Call[SqlTable]:
    """One SELECT over stored history. Who hangs up ends it."""
    return Call("/v1/sql", SqlTable, asked, extra_s=asked.seconds)


def sql_views() -> Call[list[SqlView]]:
    """What a statement can select from."""
    return get("/v1/sql/views", list[SqlView])
