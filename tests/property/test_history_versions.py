"""Whatever is written in whatever order: a read agrees with a plain list of versions, and never knows the future."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.history import AsOf, Query
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.conftest import IS_NIGHT
from tests.property.history_oracle import Given, Oracle, Version

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_700_000_000_000_000_000
T0 = NOW - 20 * MINUTE
SPEC = BarSpec(1, "m")
NAMES = ("AAPL.XNAS", "IBM.XNYS")

moments = st.integers(-2, 14).map(lambda number: T0 + number * MINUTE)
rows = st.builds(
    Given,
    name=st.sampled_from(NAMES),
    ts=st.integers(0, 9).map(lambda number: T0 + number * MINUTE),
    value=st.integers(1, 3),
    published=st.none() | st.integers(2, 40).map(lambda number: T0 + number * MINUTE),
    is_retracted=st.sampled_from([False, False, False, True]),
)
batches = st.lists(rows, min_size=1, max_size=8, unique_by=lambda row: (row.name, row.ts))
writes = st.lists(st.tuples(batches, st.sampled_from([0, 1, MINUTE, 7 * MINUTE])), min_size=1, max_size=6)
points = st.none() | st.integers(-5, 60).map(lambda number: T0 + number * MINUTE + number % 3)
reads = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.builds(AsOf, points, points),
        st.none() | moments,
        st.none() | moments,
        st.none() | st.integers(1, 6),
    ),
    min_size=3,
    max_size=8,
)


def frame_of(batch: list[Given]) -> pl.DataFrame:
    values = {f"{name}_e8": [row.value for row in batch] for name in ("open", "high", "low", "close", "volume")}
    frame = pl.DataFrame(
        {
            "instrument_id": [row.name for row in batch],
            "ts_event": [row.ts for row in batch],
            "known_at": [row.ts + MINUTE for row in batch],
            **values,
            "is_retracted": [row.is_retracted for row in batch],
        }
    )
    if all(row.published is None for row in batch):
        return frame
    return frame.with_columns(pl.Series("published_at", [row.published for row in batch], pl.Int64))


def seen(found: BarColumns) -> list[tuple[int, int, int, int]]:
    columns = (found.ts_event, found.close, found.known_at, found.recorded_at)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def expected(versions: list[Version]) -> list[tuple[int, int, int, int]]:
    return [(one.ts, one.value, one.known_at, one.recorded_at) for one in versions]


def check(
    store: EmbeddedHistory, oracle: Oracle, asked: list[tuple[str, AsOf, int | None, int | None, int | None]]
) -> None:
    for name, as_of, start, end, limit in asked:
        wanted = expected(oracle.read(name, as_of, start, end))
        found = store.reader.bars(name, SPEC, start_ns=start, end_ns=end, limit=limit, as_of=as_of)
        assert seen(found) == (wanted if limit is None else wanted[-limit:])
        assert as_of.known_at is None or not (found.known_at > as_of.known_at).any()
        last = store.reader.last_bars(NAMES, SPEC, limit or 99, as_of=as_of)
        for each in NAMES:
            assert seen(last[each]) == expected(oracle.read(each, as_of, None, None))[-(limit or 99) :]
        query = Query(table="bars", spec=SPEC, start_ns=start, end_ns=end, as_of=as_of)
        bulk = store.reader.frame(query).select("instrument_id", "ts_event", "close_e8", "known_at", "recorded_at")
        assert bulk.rows() == [(one, *row) for one in NAMES for row in expected(oracle.read(one, as_of, start, end))]


@settings(max_examples=600 if IS_NIGHT else 40)
@given(writes, reads)
def test_reads_agree_with_a_plain_list_of_versions(
    story: list[tuple[list[Given], int]], asked: list[tuple[str, AsOf, int | None, int | None, int | None]]
) -> None:
    clock, oracle = ManualClock(NOW), Oracle(MINUTE)
    with tempfile.TemporaryDirectory(prefix="sph-") as scratch, open_history(Path(scratch) / "h", clock) as store:
        for batch, pause in story:
            result = store.writer.write_bars(frame_of(batch), spec=SPEC, source="yahoo")
            assert (result.added, result.unchanged, result.corrected) == oracle.write(batch, clock.now_ns())
            again = store.writer.write_bars(frame_of(batch), spec=SPEC, source="yahoo")
            assert (again.added, again.unchanged, again.corrected) == oracle.write(batch, clock.now_ns())
            check(store, oracle, asked[:1])  # hot files are there when the next write comes
            clock.advance(pause)
        check(store, oracle, asked)
        with open_history(Path(scratch) / "h", clock) as fresh:
            check(fresh, oracle, asked)
