"""The hot tier: fast, derived, and never believed when it can not be."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.marketdata.history import AsOf
from stockpulse_engine.storage.history import hotfile
from stockpulse_engine.storage.history.hot import HotKey, HotTier
from stockpulse_engine.storage.history.hotfile import KEEP, HotFile
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.unit.storage.history.build import AAPL, IBM, M1, MINUTE, T0, bar_frame, closes

KEY = HotKey("1m", AAPL, "yahoo")


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        opened.writer.write_bars(bar_frame(range(100, 200)), spec=M1, source="yahoo")
        yield opened


def hot_file(store: EmbeddedHistory) -> Path:
    return store.layout.hot_file(*KEY)


def fresh(store: EmbeddedHistory, clock: ManualClock, limit: int = 3) -> tuple[list[float], str]:
    """What somebody sees who has nothing mapped yet, and where it came from; nothing is built for it."""
    with open_history(store.layout.root, clock) as other:
        found = other.reader.last_bars([AAPL], M1, limit)[AAPL]
        return closes(found), found.tier


def warm(store: EmbeddedHistory) -> None:
    assert closes(store.reader.last_bars([AAPL], M1, 3)[AAPL]) == [197, 198, 199]
    assert hot_file(store).exists()


def test_who_misses_a_file_leaves_one_behind(store: EmbeddedHistory, clock: ManualClock) -> None:
    assert not hot_file(store).exists()
    warm(store)
    assert fresh(store, clock) == ([197, 198, 199], "hot")


def test_a_commit_of_later_bars_extends_it_in_place(store: EmbeddedHistory, clock: ManualClock) -> None:
    warm(store)
    inode = hot_file(store).stat().st_ino
    store.writer.write_bars(bar_frame([200, 201], start=T0 + 100 * MINUTE), spec=M1, source="yahoo")
    assert fresh(store, clock) == ([199, 200, 201], "hot")
    assert store.reader.last_bars([AAPL], M1, 2)[AAPL].tier == "hot"
    assert hot_file(store).stat().st_ino == inode


@pytest.mark.parametrize("changed", [{2: 1.5}, {99: 1.5}], ids=["an old bar", "the newest bar"])
def test_a_correction_makes_a_new_file(store: EmbeddedHistory, clock: ManualClock, changed: dict[int, float]) -> None:
    warm(store)
    mapped = HotFile(hot_file(store))
    before = clock.now_ns()
    clock.advance(MINUTE)
    prices = [changed.get(number, 100 + number) for number in range(100)]
    store.writer.write_bars(bar_frame(prices), spec=M1, source="yahoo")
    assert not hot_file(store).exists()
    old = mapped.state()
    assert old is not None
    assert old.is_retired
    assert fresh(store, clock, 100) == (prices, "hot")
    assert fresh(store, clock)[1] == "hot"
    as_of = store.reader.last_bars([AAPL], M1, 100, as_of=AsOf(known_at=before))[AAPL]
    assert (closes(as_of), as_of.tier) == (list(range(100, 200)), "segments")


def test_bars_before_the_first_held_make_a_new_file(store: EmbeddedHistory, clock: ManualClock) -> None:
    warm(store)
    store.writer.write_bars(bar_frame([98, 99], start=T0 - 2 * MINUTE), spec=M1, source="yahoo")
    assert fresh(store, clock, 200)[0] == list(range(98, 200))


def test_a_file_that_fell_behind_is_not_believed(store: EmbeddedHistory, clock: ManualClock) -> None:
    """Somebody was killed between the commit and the hot file: as if absorbing had not happened."""
    warm(store)
    kept = hot_file(store).read_bytes()
    store.writer.write_bars(bar_frame([200], start=T0 + 100 * MINUTE), spec=M1, source="yahoo")
    hot_file(store).write_bytes(kept)
    assert fresh(store, clock)[0] == [198, 199, 200]
    assert fresh(store, clock) == ([198, 199, 200], "hot")


def is_believed(store: EmbeddedHistory) -> bool:
    found = HotTier(store.layout).find(KEY, 0)
    return found is not None and found[0].is_sound(0, found[1].rows)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "header": lambda data: b"garbage!" + data[8:],
    "another boot": lambda data: data[:20] + b"0" * 36 + data[56:],
    "state": lambda data: data[: hotfile.STATE_AT + 8] + b"\x07" + data[hotfile.STATE_AT + 9 :],
    "a row": lambda data: data[: hotfile.ROWS_AT + 8 * 50] + b"\xff" + data[hotfile.ROWS_AT + 8 * 50 + 1 :],
    "rows of zeros": lambda data: data[: hotfile.ROWS_AT] + bytes(len(data) - hotfile.ROWS_AT),
    "cut": lambda data: data[:-8],
    "empty": lambda _: b"",
    "killed while saying its state": lambda data: data[: hotfile.STATE_AT] + b"\x01" + data[hotfile.STATE_AT + 1 :],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_not_believed_and_built_again(store: EmbeddedHistory, clock: ManualClock, kind: str) -> None:
    warm(store)
    hot_file(store).write_bytes(DAMAGE[kind](hot_file(store).read_bytes()))
    assert not is_believed(store)
    assert fresh(store, clock, 100)[0] == list(range(100, 200))
    assert is_believed(store)


def test_only_the_newest_bars_are_kept_and_more_come_from_segments(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(bar_frame(range(200, KEEP + 300), start=T0 + 100 * MINUTE), spec=M1, source="yahoo")
    last = store.reader.last_bars([AAPL], M1, KEEP)[AAPL]
    assert (len(last), last.tier, closes(last)[-1]) == (KEEP, "hot", KEEP + 299)
    more = store.reader.last_bars([AAPL], M1, KEEP + 10)[AAPL]
    assert (len(more), more.tier) == (KEEP + 10, "segments")
    part = store.reader.bars(AAPL, M1, start_ns=T0 + KEEP * MINUTE)
    assert (part.tier, closes(part)[0]) == ("hot", KEEP + 100)
    assert store.reader.bars(AAPL, M1, start_ns=T0).tier == "segments"


def test_a_file_that_is_full_is_built_again(store: EmbeddedHistory, clock: ManualClock) -> None:
    warm(store)
    at = itertools.count(200)
    for _ in range(24):
        number = next(at)
        rows = bar_frame(range(number, number + 100), start=T0 + (number - 100) * MINUTE)
        store.writer.write_bars(rows, spec=M1, source="yahoo")
        at = itertools.count(number + 100)
        assert fresh(store, clock) == ([number + 97, number + 98, number + 99], "hot")


def test_a_point_in_time_cuts_what_is_mapped(store: EmbeddedHistory) -> None:
    warm(store)
    found = store.reader.last_bars([AAPL], M1, 2, as_of=AsOf(known_at=T0 + 10 * MINUTE))[AAPL]
    assert (closes(found), found.tier) == ([108, 109], "hot")
    assert len(store.reader.last_bars([AAPL], M1, 2, as_of=AsOf(recorded_at=1))[AAPL]) == 0


def test_rows_of_a_mapped_file_can_not_be_changed(store: EmbeddedHistory) -> None:
    warm(store)
    found = store.reader.last_bars([AAPL], M1, 2)[AAPL]
    with pytest.raises(ValueError, match="read-only"):
        found.close[0] = 1
    assert np.shares_memory(found.tail(1).close, found.close)


def test_many_instruments_some_of_them_unknown(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([7, 8], name=IBM), spec=M1, source="yahoo")
    found = store.reader.last_bars([AAPL, IBM, "NONE.XNAS"], M1, 2)
    assert [closes(found[name]) for name in (AAPL, IBM, "NONE.XNAS")] == [[198, 199], [7, 8], []]


def test_a_directory_that_may_only_be_read_is_read_from_segments(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.layout.hot.write_text("not a directory")
    assert fresh(store, clock) == ([197, 198, 199], "segments")


def test_an_import_leaves_files_of_what_is_new_and_keeps_them(tmp_path: Path, clock: ManualClock) -> None:
    """Three commits of one import outgrow the file; another instrument comes in the second one."""
    with open_history(tmp_path / "imported", clock) as store:
        for number in range(3):
            frame = bar_frame([100 + number] * 4_000, start=T0 + number * 4_000 * MINUTE)
            store.writer.write_bars(frame, spec=M1, source="yahoo", import_id="one")
        other = bar_frame([1, 2], name=IBM)
        store.writer.write_bars(other, spec=M1, source="yahoo", import_id="one")
        assert fresh(store, clock) == ([102, 102, 102], "hot")
        mapped = HotFile(hot_file(store))
        state = mapped.state()
        assert state is not None
        assert (state.rows, state.has_older) == (KEEP, True)
        assert mapped.is_sound(0, state.rows)
        whole = store.reader.bars(AAPL, M1)
        assert (len(whole), whole.tier) == (12_000, "segments")
        assert mapped.columns(0, KEEP)[0].tolist() == whole.ts_event[-KEEP:].tolist()
        assert store.layout.hot_file("1m", IBM, "yahoo").exists()


def test_older_bars_of_what_is_held_make_no_file_that_would_lack_the_newer(
    store: EmbeddedHistory, clock: ManualClock
) -> None:
    older = bar_frame([50, 51], start=T0 - 1_000 * MINUTE)
    store.writer.write_bars(older, spec=M1, source="yahoo", import_id="one")
    assert not hot_file(store).exists()
    warm(store)
    assert fresh(store, clock) == ([197, 198, 199], "hot")
