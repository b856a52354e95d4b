"""Upkeep: merging changes no answer, sweeping touches nothing known, damage is named."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.marketdata.history import LATEST, AsOf, Query
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.history.upkeep import GRACE_NS
from tests.unit.storage.history.build import AAPL, DAY, IBM, M1, MINUTE, T0, bar_frame, closes, trade_frame


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        yield opened


def fill(store: EmbeddedHistory, clock: ManualClock) -> None:
    """Ten small segments: two instruments in turn, one bar corrected, one withdrawn."""
    for part in range(4):
        for name in (AAPL, IBM):
            rows = bar_frame(range(part * 5, part * 5 + 5), name=name, start=T0 + part * 5 * MINUTE)
            store.writer.write_bars(rows, spec=M1, source="yahoo")
        clock.advance(MINUTE)
    store.writer.write_bars(bar_frame([777], start=T0 + 7 * MINUTE), spec=M1, source="yahoo")
    clock.advance(MINUTE)
    store.writer.write_bars(bar_frame([0], name=IBM, start=T0, is_retracted=True), spec=M1, source="yahoo")


def age(path: Path, clock: ManualClock) -> None:
    """Make a file as old as the clock says."""
    os.utime(path, ns=(clock.now_ns(), clock.now_ns()))


def answers(store: EmbeddedHistory, clock: ManualClock) -> list[object]:
    points = [LATEST, AsOf(known_at=clock.now_ns() - 2 * MINUTE), AsOf(recorded_at=clock.now_ns() - 3 * MINUTE)]
    found: list[object] = [store.reader.frame(Query(table="bars", spec=M1, as_of=as_of)).rows() for as_of in points]
    for as_of in points:
        found += [closes(bars) for bars in store.reader.last_bars([AAPL, IBM], M1, 12, as_of=as_of).values()]
        found.append(closes(store.reader.bars(IBM, M1, start_ns=T0 + MINUTE, end_ns=T0 + 9 * MINUTE, as_of=as_of)))
    return found


def test_merging_changes_files_and_no_answer(store: EmbeddedHistory, clock: ManualClock) -> None:
    fill(store, clock)
    before, series = answers(store, clock), store.reader.series()
    assert len(store.reader.segments()) == 10
    assert store.upkeep.merge_small() == 10
    (segment,) = store.reader.segments()
    assert (segment.seq, segment.rows, segment.has_versions) == (10, 42, True)
    assert answers(store, clock) == before
    assert store.reader.series() == series
    with open_history(store.layout.root, clock) as other:
        assert answers(other, clock) == before
    again = store.writer.write_bars(bar_frame(range(5)), spec=M1, source="yahoo")
    assert (again.added, again.unchanged, again.corrected) == (0, 5, 0)
    assert store.upkeep.merge_small() == 0


def test_a_cursor_downstream_misses_nothing_of_a_merge(store: EmbeddedHistory, clock: ManualClock) -> None:
    fill(store, clock)
    seen = store.reader.segments(limit=4)[-1].seq
    store.upkeep.merge_small()
    assert [segment.seq for segment in store.reader.segments(seen)] == [10]
    store.writer.write_bars(bar_frame([5], start=T0 + 90 * MINUTE), spec=M1, source="yahoo")
    assert [segment.seq for segment in store.reader.segments(10)] == [11]


def test_a_slow_reader_survives_a_merge_and_the_sweep_after_it(store: EmbeddedHistory, clock: ManualClock) -> None:
    fill(store, clock)
    slow = open_history(store.layout.root, clock)
    files = [Path(segment.path) for segment in store.reader.segments()]
    before = answers(slow, clock)
    store.upkeep.merge_small()
    assert store.upkeep.sweep().files == 0
    assert all(file.exists() for file in files)
    for file in files:
        age(file, clock)
    clock.advance(GRACE_NS + 1)
    assert store.upkeep.sweep().files == 10
    assert not any(file.exists() for file in files)
    clock.advance(-0)
    assert closes(slow.reader.bars(AAPL, M1, limit=2)) == [18, 19]
    slow.close()
    assert before


def test_sweeping_takes_what_nobody_knows_when_it_is_old(store: EmbeddedHistory, clock: ManualClock) -> None:
    fill(store, clock)
    directory = Path(store.reader.segments()[0].path).parent
    orphan, half = directory / "ORPHAN.parquet", directory / ".X.parquet.tmp"
    for path in (orphan, half):
        path.write_bytes(b"left by a killed process")
        age(path, clock)
    fresh = directory / "NEW.parquet"
    fresh.write_bytes(b"being written now")
    clock.advance(GRACE_NS + 1)
    age(fresh, clock)
    assert store.upkeep.sweep() == (2, 48)
    assert fresh.exists()
    assert not orphan.exists()
    assert len(store.reader.segments()) == 10


def test_pruning_drops_whole_days_and_reads_know(store: EmbeddedHistory, clock: ManualClock) -> None:
    for day in range(3):
        ticks = trade_frame([(T0 + day * DAY, 10 + day), (T0 + day * DAY + 1, 20 + day)])
        store.writer.write_trades(ticks, source="lean")
    assert store.upkeep.prune("trades", T0 + DAY + 1) == 1
    assert len(store.reader.trades(AAPL, start_ns=T0, end_ns=T0 + 9 * DAY)) == 4
    (series,) = store.reader.series()
    assert (series.rows, series.first_ts) == (4, T0 + DAY)
    assert store.upkeep.prune("trades", T0 + 9 * DAY) == 2
    assert store.reader.series() == ()
    assert store.upkeep.prune("trades", T0 + 9 * DAY) == 0


def test_pruned_bars_leave_the_hot_tier(store: EmbeddedHistory, clock: ManualClock) -> None:
    new_year = 1_609_459_200_000_000_000
    store.writer.write_bars(bar_frame([1, 2, 3, 4], start=new_year - 2 * MINUTE), spec=M1, source="yahoo")
    assert closes(store.reader.last_bars([AAPL], M1, 4)[AAPL]) == [1, 2, 3, 4]
    assert store.upkeep.prune("bars", new_year, spec="1m") == 1
    assert closes(store.reader.last_bars([AAPL], M1, 4)[AAPL]) == [3, 4]


def test_verify_names_what_is_damaged_and_what_is_gone(store: EmbeddedHistory, clock: ManualClock) -> None:
    fill(store, clock)
    assert list(store.upkeep.verify()) == []
    one, two, three = (Path(segment.path) for segment in store.reader.segments()[:3])
    data = bytearray(one.read_bytes())
    data[len(data) // 2] ^= 4
    one.write_bytes(data)
    two.write_bytes(two.read_bytes()[:-3])
    three.unlink()
    found = {damage.path: damage.problem for damage in store.upkeep.verify()}
    assert {Path(path).name for path in found} == {one.name, two.name, three.name}
    assert sorted(problem.split()[0] for problem in found.values()) == sorted(["its", str(two.stat().st_size), "the"])


def test_no_damage_to_a_segment_is_ever_read_as_history(store: EmbeddedHistory, clock: ManualClock) -> None:
    """One byte anywhere: the right rows, or a refusal that names the file. Never other rows."""
    rng = random.Random(4)
    store.writer.write_bars(bar_frame([rng.uniform(1, 999) for _ in range(3000)]), spec=M1, source="yahoo")
    right = closes(store.reader.bars(AAPL, M1))
    (segment,) = store.reader.segments()
    path = Path(segment.path)
    whole = path.read_bytes()
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            assert closes(store.reader.bars(AAPL, M1, end_ns=T0 + 99 * DAY)) == right
        except IntegrityError as error:
            refused += 1
            assert path.name in str(error)
    assert refused > 30


def test_a_cut_segment_is_refused_by_name(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(bar_frame(range(50)), spec=M1, source="yahoo")
    path = Path(store.reader.segments()[0].path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=path.name):
        store.reader.bars(AAPL, M1)
    with pytest.raises(IntegrityError, match=path.name):
        store.writer.write_bars(bar_frame(range(50)), spec=M1, source="yahoo")
