"""Whatever is written in whatever order: a read agrees with a plain list of versions, and never knows the future."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.history import QUOTES, TRADES, ActionKind, AsOf, CorporateAction, Query
from stockpulse_engine.storage.history import rows as rows_module
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.conftest import IS_NIGHT
from tests.property.history_oracle import Given, Oracle, Version

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_700_000_000_000_000_000
T0 = NOW - 20 * MINUTE
SPEC = BarSpec(1, "m")
NAMES = ("AAPL.XNAS", "IBM.XNYS")
pytestmark = pytest.mark.timeout(3600 if IS_NIGHT else 120)

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


@settings(max_examples=600 if IS_NIGHT else 25)
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
        with without_hot(Path(scratch) / "h"), open_history(Path(scratch) / "h", clock) as cold:
            check(cold, oracle, asked)
            check_last_before(cold, oracle)


@contextmanager
def without_hot(directory: Path) -> Iterator[None]:
    """No hot tier, and of each run only three rows are read at first: what older runs hold must still be found."""
    directory.mkdir(exist_ok=True)
    if (directory / "hot").exists():
        shutil.rmtree(directory / "hot")
    (directory / "hot").write_text("no directory")
    usual, rows_module.FIRST_READ = rows_module.FIRST_READ, 3  # type: ignore[misc] # a constant to everybody else
    try:
        yield
    finally:
        rows_module.FIRST_READ = usual  # type: ignore[misc] # put back


def check_last_before(store: EmbeddedHistory, oracle: Oracle) -> None:
    """The last one or two before every moment."""
    for number in range(0, 12, 3):
        end = T0 + number * MINUTE
        for name in NAMES:
            for limit in (1, 2):
                found = store.reader.bars(name, SPEC, end_ns=end, limit=limit)
                assert seen(found) == expected(oracle.read(name, AsOf(), None, end))[-limit:]


ticks = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(1, 3), st.none() | st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=8,
    unique_by=lambda tick: (tick[0], tick[1]),
)


@settings(max_examples=300 if IS_NIGHT else 20)
@given(
    st.lists(st.tuples(ticks, st.sampled_from([0, 1, MINUTE])), min_size=1, max_size=5),
    st.lists(points, min_size=2, max_size=5),
)
def test_no_tick_and_no_action_is_known_before_it_was(
    story: list[tuple[list[tuple[int, int, int, int | None, bool]], int]], moments_asked: list[int | None]
) -> None:
    clock = ManualClock(NOW)
    with tempfile.TemporaryDirectory(prefix="sph-") as scratch, open_history(Path(scratch) / "h", clock) as store:
        for batch, pause in story:
            store.writer.write_trades(trades_of(batch), source="lean")
            store.writer.write_quotes(quotes_of(batch), source="lean")
            store.writer.write_actions(actions_of(batch))
            clock.advance(pause)
        reader = store.reader
        for known in moments_asked:
            as_of = AsOf(known_at=known)
            bound = 2**63 - 1 if known is None else known
            trades = reader.trades(NAMES[0], start_ns=T0, end_ns=T0 + 99 * MINUTE, as_of=as_of)
            quotes = reader.quotes(NAMES[0], start_ns=T0, end_ns=T0 + 99 * MINUTE, as_of=as_of)
            for found in (trades, quotes):
                assert not (found.known_at > bound).any()
                keys = list(zip(found.ts_event.tolist(), found.seq.tolist(), strict=True))
                assert keys == sorted(set(keys))
            assert all(action.known_at <= bound for action in reader.actions(as_of=as_of))
            for table in (TRADES, QUOTES):
                bulk = reader.frame(Query(table=table, as_of=as_of))
                assert (bulk["known_at"] <= bound).all()
                assert bulk.height == len(trades if table == TRADES else quotes)


def trades_of(batch: list[tuple[int, int, int, int | None, bool]]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "instrument_id": [NAMES[0]] * len(batch),
            "ts_event": [T0 + at * MINUTE for at, *_ in batch],
            "known_at": [T0 + at * MINUTE for at, *_ in batch],
            "seq": [seq for _, seq, *_ in batch],
            "price_e8": [value for _, _, value, *_ in batch],
            "size_e8": [1] * len(batch),
            "is_retracted": [gone for *_, gone in batch],
        }
    )
    published = [None if late is None else T0 + late * MINUTE for *_, late, _ in batch]
    return frame.with_columns(pl.Series("published_at", published, pl.Int64))


def quotes_of(batch: list[tuple[int, int, int, int | None, bool]]) -> pl.DataFrame:
    frame = trades_of(batch).rename({"price_e8": "bid_e8", "size_e8": "bid_size_e8"})
    empty = pl.lit(None, pl.Int64)
    return frame.with_columns(empty.alias("ask_e8"), empty.alias("ask_size_e8"))


def actions_of(batch: list[tuple[int, int, int, int | None, bool]]) -> list[CorporateAction]:
    made = {at: (value, late, gone) for at, _, value, late, gone in batch}
    return [
        CorporateAction(
            instrument_id=NAMES[0],
            kind=ActionKind.SPLIT,
            ts_event=T0 + at * MINUTE,
            known_at=T0 + (late or 0) * MINUTE,
            source="lean",
            numerator=value + 1,
            is_retracted=gone,
        )
        for at, (value, late, gone) in made.items()
    ]
