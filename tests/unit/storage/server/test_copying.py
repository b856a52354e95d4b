"""PostgreSQL's binary rows, made and read by numpy."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.storage.server.copying import binary_rows, from_stamps, read_rows, to_stamps

FORMATS = {"a": ">i8", "b": ">i2", "c": "?"}
INTS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(INTS, st.integers(-(2**15), 2**15 - 1), st.booleans()), min_size=1, max_size=20))
def test_what_is_written_is_read(rows: list[tuple[int, int, bool]]) -> None:
    kinds: tuple[type[np.generic], ...] = (np.int64, np.int16, np.bool_)
    columns = {
        name: np.array(cells, dtype=kind)
        for name, kind, cells in zip(FORMATS, kinds, zip(*rows, strict=True), strict=True)
    }
    found = read_rows(b"".join(binary_rows(FORMATS, columns)), FORMATS)
    assert [tuple(row) for row in zip(*(found[name].tolist() for name in FORMATS), strict=True)] == rows


@given(INTS)
def test_a_moment_is_kept_to_the_nanosecond(ns: int) -> None:
    stamps, rest = to_stamps(np.array([ns]))
    assert 0 <= rest[0] < 1000
    assert from_stamps(stamps, rest).tolist() == [ns]


def test_a_row_is_what_the_manual_says_and_an_empty_cell_has_no_bytes() -> None:
    columns = {"a": np.array([1, 2]), "b": np.array([3, 4])}
    empty = {"a": np.array([True, False]), "b": np.array([False, False])}
    data = b"".join(binary_rows({"a": ">i8", "b": ">i2"}, columns, empty))
    whole = struct.pack(">hiqih", 2, 8, 2, 2, 4)
    without = struct.pack(">hiih", 2, -1, 2, 3)
    assert data == b"PGCOPY\n\xff\r\n\0" + bytes(8) + whole + without + b"\xff\xff"
