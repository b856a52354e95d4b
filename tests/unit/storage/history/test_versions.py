"""Versions: nothing is overwritten, nothing is stored twice, and a read stands at one point in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.history import AsOf, Query, WriteResult
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.unit.storage.history.build import AAPL, D1, IBM, M1, MINUTE, T0, bar_frame, closes, store_at, trade_frame


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        yield opened


def test_an_empty_home_has_no_history_and_stays_empty(tmp_path: Path, clock: ManualClock) -> None:
    with open_history(tmp_path / "history", clock) as store:
        assert len(store.reader.bars(AAPL, M1)) == 0
        assert store.reader.generation == 0
        assert store.reader.last_bars([AAPL], M1, 5)[AAPL].source == ""
        assert store.reader.segments() == ()
        assert store.reader.actions(AAPL) == ()
        assert len(store.reader.trades(AAPL, start_ns=0, end_ns=T0)) == 0
    assert not (tmp_path / "history").exists()


def test_what_is_written_is_read(store: EmbeddedHistory) -> None:
    result = store.writer.write_bars(bar_frame([100, 101.5, 99]), spec=M1, source="yahoo", import_id="first")
    assert result == WriteResult(added=3, unchanged=0, corrected=0, segment_seq=1)
    found = store.reader.bars(AAPL, M1)
    assert (closes(found), found.source, found.ts_event.tolist()) == (
        [100, 101.5, 99],
        "yahoo",
        [T0, T0 + MINUTE, T0 + 2 * MINUTE],
    )
    assert found.known_at.tolist() == [at + MINUTE for at in found.ts_event.tolist()]
    (segment,) = store.reader.segments()
    assert (segment.rows, segment.spec, segment.import_id, segment.has_versions) == (3, "1m", "first", False)
    assert Path(segment.path).stat().st_size == segment.bytes


def test_the_same_rows_again_are_nothing_new(store: EmbeddedHistory, clock: ManualClock) -> None:
    frame = bar_frame([100, 101, 102])
    store.writer.write_bars(frame, spec=M1, source="yahoo")
    generation = store.reader.generation
    clock.advance(MINUTE)
    assert store.writer.write_bars(frame, spec=M1, source="yahoo") == WriteResult(0, 3, 0, 0)
    assert store.reader.generation == generation
    longer = bar_frame([100, 101, 102, 103])
    assert store.writer.write_bars(longer, spec=M1, source="yahoo") == WriteResult(1, 3, 0, 2)


def test_a_correction_is_a_version_and_the_past_does_not_know_it(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(bar_frame([100, 101, 102]), spec=M1, source="yahoo")
    before = clock.now_ns()
    clock.advance(MINUTE)
    result = store.writer.write_bars(bar_frame([100, 111, 102]), spec=M1, source="yahoo")
    assert (result.added, result.unchanged, result.corrected) == (0, 2, 1)
    assert closes(store.reader.bars(AAPL, M1)) == [100, 111, 102]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=before))) == [100, 101, 102]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(recorded_at=before))) == [100, 101, 102]
    assert closes(store.reader.last_bars([AAPL], M1, 2, as_of=AsOf(known_at=before))[AAPL]) == [101, 102]
    corrected = store.reader.bars(AAPL, M1)
    assert corrected.known_at[1] == corrected.recorded_at[1] == clock.now_ns()


def test_a_correction_that_says_when_it_was_published_is_known_from_then_on(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([100, 101]), spec=M1, source="yahoo")
    published = T0 + 10 * MINUTE
    fixed = bar_frame([100, 111], published_at=published)
    assert store.writer.write_bars(fixed, spec=M1, source="yahoo").corrected == 1
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=published - 1))) == [100, 101]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=published))) == [100, 111]
    assert store.writer.write_bars(fixed, spec=M1, source="yahoo").unchanged == 2


def test_an_older_publication_that_comes_late_does_not_hide_the_newer_one(store: EmbeddedHistory) -> None:
    first, second = T0 + 10 * MINUTE, T0 + 20 * MINUTE
    older, newer = bar_frame([101], published_at=first), bar_frame([102], published_at=second)
    store.writer.write_bars(newer, spec=M1, source="yahoo")
    assert store.writer.write_bars(older, spec=M1, source="yahoo").corrected == 1
    assert closes(store.reader.bars(AAPL, M1)) == [102]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=second - 1))) == [101]
    assert store.writer.write_bars(older, spec=M1, source="yahoo").unchanged == 1
    assert store.writer.write_bars(newer, spec=M1, source="yahoo").unchanged == 1


def test_a_row_can_be_withdrawn_and_come_back(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(bar_frame([100, 101, 102]), spec=M1, source="yahoo")
    before = clock.now_ns()
    clock.advance(MINUTE)
    wrong = bar_frame([1], start=T0 + MINUTE, is_retracted=True)
    assert store.writer.write_bars(wrong, spec=M1, source="yahoo").corrected == 1
    assert store.writer.write_bars(wrong, spec=M1, source="yahoo").unchanged == 1
    assert closes(store.reader.bars(AAPL, M1)) == [100, 102]
    assert closes(store.reader.last_bars([AAPL], M1, 2)[AAPL]) == [100, 102]
    assert closes(store.reader.bars(AAPL, M1, as_of=AsOf(known_at=before))) == [100, 101, 102]
    assert store.reader.frame(Query(table="bars", spec=M1)).height == 2
    clock.advance(MINUTE)
    assert store.writer.write_bars(bar_frame([100, 101, 102]), spec=M1, source="yahoo").corrected == 1
    assert closes(store.reader.bars(AAPL, M1)) == [100, 101, 102]


def test_withdrawing_what_is_not_held_is_nothing(store: EmbeddedHistory) -> None:
    result = store.writer.write_bars(bar_frame([1], is_retracted=True), spec=M1, source="yahoo")
    assert result == WriteResult(0, 1, 0, 0)


def test_one_source_answers_by_priority_and_is_named(tmp_path: Path, clock: ManualClock) -> None:
    with store_at(tmp_path, clock, priority=("lean", "yahoo")) as store:
        store.writer.write_bars(bar_frame([1, 2, 3]), spec=M1, source="sim:7")
        store.writer.write_bars(bar_frame([10, 20, 30]), spec=M1, source="yahoo")
        store.writer.write_bars(bar_frame([11], start=T0), spec=M1, source="lean")
        assert store.reader.bars(AAPL, M1).source == "lean"
        later = store.reader.bars(AAPL, M1, start_ns=T0 + MINUTE)
        assert (closes(later), later.source) == ([20, 30], "yahoo")
        assert closes(store.reader.bars(AAPL, M1, source="sim:7")) == [1, 2, 3]
        assert store.reader.last_bars([AAPL], M1, 9)[AAPL].source == "lean"
        assert [one.source for one in store.reader.series(AAPL)] == ["lean", "sim:7", "yahoo"]


def test_lengths_and_instruments_are_kept_apart(store: EmbeddedHistory) -> None:
    both = pl.concat([bar_frame([1, 2]), bar_frame([3, 4], name=IBM)]).sample(fraction=1, shuffle=True, seed=3)
    store.writer.write_bars(both, spec=M1, source="yahoo")
    store.writer.write_bars(bar_frame([9]), spec=D1, source="yahoo")
    assert closes(store.reader.bars(IBM, M1)) == [3, 4]
    assert closes(store.reader.bars(AAPL, M1)) == [1, 2]
    assert closes(store.reader.bars(AAPL, D1)) == [9]
    assert closes(store.reader.bars("FB~1999.XNAS", M1)) == []


def test_ticks_of_one_moment_are_told_apart_by_their_count(store: EmbeddedHistory) -> None:
    ticks = trade_frame([(T0, 10), (T0, 10), (T0, 11), (T0 + 1, 12)])
    assert store.writer.write_trades(ticks, source="lean").added == 4
    assert store.writer.write_trades(ticks, source="lean") == WriteResult(0, 4, 0, 0)
    found = store.reader.trades(AAPL, start_ns=T0, end_ns=T0 + 1)
    assert (found.seq.tolist(), found.price.tolist()) == ([0, 1, 2], [10_0000_0000, 10_0000_0000, 11_0000_0000])
    assert len(store.reader.trades(AAPL, start_ns=T0, end_ns=T0 + 9, limit=2)) == 2


def test_a_years_end_lies_in_two_directories(store: EmbeddedHistory) -> None:
    new_year = 1_609_459_200_000_000_000
    store.writer.write_bars(bar_frame([1, 2, 3, 4], start=new_year - 2 * MINUTE), spec=M1, source="yahoo")
    assert [Path(one.path).parent.name for one in store.reader.segments()] == ["2020", "2021"]
    assert closes(store.reader.bars(AAPL, M1)) == [1, 2, 3, 4]
    assert closes(store.reader.bars(AAPL, M1, end_ns=new_year, limit=1)) == [2]


def test_the_last_n_are_found_below_later_rows(store: EmbeddedHistory) -> None:
    for part in range(6):
        prices = [part * 10 + number for number in range(10)]
        store.writer.write_bars(bar_frame(prices, start=T0 + part * 10 * MINUTE), spec=M1, source="yahoo")
    assert closes(store.reader.bars(AAPL, M1, end_ns=T0 + 35 * MINUTE, limit=7)) == [28, 29, 30, 31, 32, 33, 34]


WRONG = [
    (lambda frame: frame.drop("open_e8"), "column open_e8 is missing"),
    (lambda frame: frame.with_columns(colour=pl.lit("red")), "column colour is not known"),
    (lambda frame: frame.with_columns(pl.col("open_e8").cast(pl.Float64)), "column open_e8 is Float64"),
    (lambda frame: frame.with_columns(pl.lit(None, pl.Int64).alias("low_e8")), "low_e8 has 2 empty cells"),
    (lambda frame: pl.concat([frame, frame]), f"instrument_id {AAPL}, ts_event {T0} occurs twice"),
    (lambda frame: frame.with_columns(known_at=pl.col("ts_event") - 1), "is known before it happened"),
    (lambda frame: frame.with_columns(instrument_id=pl.lit("aapl")), "'aapl' is not an instrument id"),
]


@pytest.mark.parametrize(("spoil", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_frame_that_is_not_as_agreed_is_refused_by_name(store: EmbeddedHistory, spoil: object, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        store.writer.write_bars(spoil(bar_frame([1, 2])), spec=M1, source="yahoo")  # type: ignore[operator] # a function
    assert store.reader.segments() == ()


def test_a_source_has_a_name_of_its_own(store: EmbeddedHistory) -> None:
    with pytest.raises(InvalidValueError, match="not the name of a source"):
        store.writer.write_bars(bar_frame([1]), spec=M1, source="../etc")
