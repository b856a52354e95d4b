"""Which statements are run: one SELECT, or the EXPLAIN of one. DuckDB's own parser says what a statement is.

This is the first of four walls. The others stand in `child.py`: DuckDB itself may open no file but the store's and its
settings are locked; the process may not write a byte to any file (RLIMIT_FSIZE); and it runs apart, with little memory
and for a short time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError

if TYPE_CHECKING:
    import duckdb

MAX_STATEMENT = 100_000
"""Characters."""

_FIX = "Write one SELECT (or EXPLAIN of one) over bars, quotes, trades, actions, series; see `sp sql --views`."
_GAP = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_EXPLAIN = re.compile(rf"{_GAP}explain\b{_GAP}(?:analyze\b)?", re.IGNORECASE | re.DOTALL)


def check_statement(text: str) -> tuple[str, bool]:
    """The statement to run and whether it is an EXPLAIN.

    Raises:
        InvalidValueError: empty, too long, not SQL, several statements, or anything but SELECT and EXPLAIN of one.
    """
    import duckdb

    if len(text) > MAX_STATEMENT:
        raise InvalidValueError(
            f"The statement has {len(text):,} characters; {MAX_STATEMENT:,} are the most.", fix="Write a shorter one."
        )
    statement = _the_one(text)
    if statement.type == duckdb.StatementType.SELECT:
        return statement.query.strip().rstrip(";"), False
    if statement.type != duckdb.StatementType.EXPLAIN:
        raise InvalidValueError(f"{statement.type.name} is not run here: this SQL only reads.", fix=_FIX)
    inner = _EXPLAIN.match(statement.query)
    # EXPLAIN ANALYZE runs what it explains, so what it explains is held to the same rule.
    if inner is None or _the_one(statement.query[inner.end() :]).type != duckdb.StatementType.SELECT:
        raise InvalidValueError("EXPLAIN explains a SELECT here, nothing else.", fix=_FIX)
    return statement.query.strip().rstrip(";"), True


def _the_one(text: str) -> duckdb.Statement:
    import duckdb

    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise InvalidValueError(clean_line(str(error), 400), fix="Check the statement's spelling there.") from error
    if not statements:
        raise InvalidValueError("There is no statement.", fix=_FIX)
    if len(statements) > 1:
        raise InvalidValueError(f"{len(statements)} statements are more than one.", fix="Send them one by one.")
    return statements[0]
