"""The process that runs one SQL statement: `python -m stockpulse_engine.storage.sql.child`, request on stdin.

It gives up its rights before it looks at the statement: no byte can be written to any file (RLIMIT_FSIZE 0, enforced by
the kernel), no new file but those of the store can be opened (DuckDB's own lock), no extension is loaded, memory and
processor time end. Whoever started it kills it when its time is over.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from typing import IO, TYPE_CHECKING

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.storage.sql.guard import check_statement
from stockpulse_engine.storage.sql.protocol import (
    MAX_FRAME,
    Column,
    Frame,
    Head,
    Page,
    Refused,
    Request,
    Rows,
    SqlLimits,
    Tail,
    Value,
    pack_frame,
    write_frame,
    write_packed,
)

if TYPE_CHECKING:
    import duckdb

BATCH = 2_000
GRACE_S = 1.0
_MIB = 1024 * 1024
_ROOM_MIB = 3072
"""Address space beside what DuckDB may use: the interpreter, its libraries, thread stacks."""
_NATIVE = ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_FLOATS = ("FLOAT", "DOUBLE")


def main() -> int:
    """Run the one request; 0 also when it was refused, which its frame says."""
    out = sys.stdout.buffer
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    try:
        run(request, out)
    except StockPulseError as error:
        write_frame(out, Refused("Not run", error.message, error.fix))
    except MemoryError:
        write_frame(out, _too_big(request.limits))
    return 0


def run(request: Request, out: IO[bytes]) -> None:
    """Check, open, run and write the frames."""
    import duckdb

    statement, is_explain = check_statement(request.statement)
    _give_up_rights(request.limits)
    begin = time.perf_counter()
    try:
        connection = _open(request)
        if is_explain:
            _explain(connection, statement, request, out, begin)
        else:
            _select(connection, statement, request, out, begin)
    except duckdb.OutOfMemoryException:
        write_frame(out, _too_big(request.limits))
    except duckdb.Error as error:
        write_frame(out, _failed(error))


def _give_up_rights(limits: SqlLimits) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write is refused with an error, not with a dead process
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whoever started us ends us in time. Should it be killed itself, the kernel does so a moment later.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE_S)
    if sys.platform == "linux":  # elsewhere address space is not what a process uses
        space = (limits.memory_mib + _ROOM_MIB) * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (space, space))


def _open(request: Request) -> duckdb.DuckDBPyConnection:
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
        "python_enable_replacements": "false",
        "temp_directory": "",
        "memory_limit": f"{request.limits.memory_mib}MiB",
        "threads": str(request.limits.threads),
    }
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'UTC'")
    folders = ", ".join("'" + folder.replace("'", "''").rstrip("/") + "/'" for folder in request.directories)
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    for view in request.views:
        connection.execute(f'CREATE VIEW "{view.name}" AS {view.sql}')
    return connection


def _explain(
    connection: duckdb.DuckDBPyConnection, statement: str, request: Request, out: IO[bytes], begin: float
) -> None:
    rows = connection.execute(statement).fetchall()
    write_frame(out, Head((Column("plan", "VARCHAR"),)))
    lines = tuple((line,) for row in rows for line in str(row[-1]).splitlines())
    body, given = _fitting(lines[: request.limits.rows], request.limits.bytes, is_json=request.is_json)
    write_packed(out, body)
    write_frame(out, Tail(given, given < len(lines), _ms_since(begin)))


def _select(
    connection: duckdb.DuckDBPyConnection, statement: str, request: Request, out: IO[bytes], begin: float
) -> None:
    """Run a SELECT inside one of ours, which gives each column a place and every foreign type a text."""
    shape = connection.sql(statement)
    columns = tuple(
        Column(clean_line(name, 128), str(kind)) for name, kind in zip(shape.columns, shape.types, strict=True)
    )
    names = [f"c{index}" for index in range(len(columns))]
    shown = ", ".join(_cell(name, column.type) for name, column in zip(names, columns, strict=True))
    connection.execute(f"SELECT {shown} FROM (\n{statement}\n) AS answer({', '.join(names)})")
    write_frame(out, Head(columns))
    given, is_cut = _give(connection, request, out)
    write_frame(out, Tail(given, is_cut, _ms_since(begin)))


def _give(connection: duckdb.DuckDBPyConnection, request: Request, out: IO[bytes]) -> tuple[int, bool]:
    """Write rows up to the limits; how many, and whether there were more."""
    most, room, given = request.limits.rows, request.limits.bytes, 0
    while given < most and (batch := connection.fetchmany(min(BATCH, most - given))):
        rows = tuple(tuple(_clean(value) for value in row) for row in batch)
        body, fitted = _fitting(rows, room, is_json=request.is_json)
        write_packed(out, body)
        given += fitted
        room -= len(body)
        if fitted < len(rows):
            return given, True
    return given, given == most and bool(connection.fetchmany(1))


def _fitting(rows: tuple[tuple[Value, ...], ...], room: int, *, is_json: bool) -> tuple[bytes, int]:
    """A packed frame of no more than `room` bytes with the first of the rows, and how many those are."""
    while True:
        frame = Page(msgspec.json.encode(rows)[1:-1]) if is_json else Rows(rows)
        body = pack_frame(frame)
        if len(body) <= min(room, MAX_FRAME) or not rows:
            return body, len(rows)
        rows = rows[: len(rows) // 2]


def _cell(name: str, kind: str) -> str:
    return name if kind in _NATIVE or kind in _FLOATS else f"CAST({name} AS VARCHAR)"


def _clean(value: Value) -> Value:
    """Text out of the data is data: control characters go, length ends."""
    return clean_line(value, 2_000) if isinstance(value, str) else value


def _failed(error: Exception) -> Frame:
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    message = clean_line(lines[0] if lines else type(error).__name__, 500)
    hint = next((line for line in lines[1:] if "Did you mean" in line or "Candidate" in line), "")
    fix = clean_line(hint, 300) or "`sp sql --views` and the SQL screen list what can be selected from."
    return Refused("Failed", message, fix)


def _too_big(limits: SqlLimits) -> Frame:
    return Refused(
        "Too big",
        f"The statement needs more than the {limits.memory_mib} MiB it may have.",
        "Select fewer columns, a shorter time or fewer instruments; `sp sql --memory` gives it more.",
    )


def _ms_since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 3)


if __name__ == "__main__":
    raise SystemExit(main())
