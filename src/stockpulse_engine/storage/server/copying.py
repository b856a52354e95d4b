"""Rows as PostgreSQL's binary COPY, made by numpy: no Python object per cell.

A row of fixed-width cells is a record: count of cells, and for each its length and its bytes, big-endian. So a batch is
one array whose columns are filled at the speed of memory. A row with empty cells has another shape (their length is -1
and they have no bytes), so rows are sorted by which cells are empty, and each kind is an array of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, SmallInteger, Table

Columns = Mapping[str, NDArray[Any]]
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
EPOCH_US: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's time begins."""
_FORMATS: Final = ((SmallInteger, ">i2"), (BigInteger, ">i8"), (Integer, ">i4"), (DateTime, ">i8"), (Boolean, "?"))


def to_stamps(ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Nanoseconds since 1970 as PostgreSQL's microseconds since 2000, and the nanoseconds that are left."""
    us, rest = np.divmod(ns, 1000)
    return us - EPOCH_US, rest.astype(np.int16)


def from_stamps(stamps: NDArray[np.int64], rest: NDArray[Any]) -> NDArray[np.int64]:
    """The way back."""
    found: NDArray[np.int64] = (stamps + EPOCH_US) * 1000 + rest
    return found


def formats_of(table: Table) -> dict[str, str]:
    """Each column's cell in numpy's words, in the table's order."""
    return {column.name: next(f for kind, f in _FORMATS if isinstance(column.type, kind)) for column in table.columns}


def binary_rows(formats: Mapping[str, str], columns: Columns, empty: Columns | None = None) -> Iterator[bytes]:
    """The whole stream of one COPY, header and trailer included; `empty` marks the cells that are NULL."""
    yield SIGNATURE
    yield from _bodies(formats, columns, empty or {})
    yield TRAILER


def read_rows(data: bytes, formats: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """The columns of a COPY TO in binary form without empty cells, in native byte order."""
    record = _record(formats)
    body = data[len(SIGNATURE) : len(data) - len(TRAILER)]
    rows = np.frombuffer(body, dtype=record)
    found = {}
    for name, form in formats.items():
        cells = rows[name]
        found[name] = cells.astype(np.dtype(form).newbyteorder("="))
    return found


def _bodies(formats: Mapping[str, str], columns: Columns, empty: Columns) -> Iterator[bytes]:
    shapes = _shapes(empty)
    if shapes is None:
        yield _body(formats, columns, ())
        return
    names = list(empty)
    for shape in np.unique(shapes).tolist():
        which = shapes == shape
        part = {name: column[which] for name, column in columns.items()}
        yield _body(formats, part, [name for place, name in enumerate(names) if shape >> place & 1])


def _shapes(empty: Columns) -> NDArray[np.int64] | None:
    """For each row a number that says which cells are empty; None where none is in any row."""
    if not any(mask.any() for mask in empty.values()):
        return None
    weighted: list[NDArray[np.int64]] = [mask.astype(np.int64) << place for place, mask in enumerate(empty.values())]
    found: NDArray[np.int64] = np.sum(weighted, axis=0)
    return found


def _body(formats: Mapping[str, str], columns: Columns, nothing: Sequence[str]) -> bytes:
    count = len(next(iter(columns.values())))
    rows = np.empty(count, dtype=_record(formats, nothing))
    rows["cells"] = len(formats)
    for name, form in formats.items():
        rows[f"{name}:length"] = -1 if name in nothing else np.dtype(form).itemsize
        if name not in nothing:
            rows[name] = columns[name]
    return rows.tobytes()


def _record(formats: Mapping[str, str], nothing: Sequence[str] = ()) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("cells", ">i2")]
    for name, form in formats.items():
        fields.append((f"{name}:length", ">i4"))
        if name not in nothing:
            fields.append((name, form))
    return np.dtype(fields)
