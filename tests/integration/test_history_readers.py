"""Readers beside writers, in processes of their own: no torn row, nothing goes backwards, nobody waits for the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.marketdata.history import Query
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.conftest import ROOT
from tests.integration.history_victim import LIVE, MINUTE, NAMES, OPEN, SPEC, price_of

LINES = 40
pytestmark = pytest.mark.timeout(120)


@contextmanager
def working(work: str, directory: Path, first: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A process that works on the directory until the block ends."""
    command = [sys.executable, "-m", "tests.integration.history_victim", work, str(directory), str(first)]
    victim = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield victim
    finally:
        victim.kill()
        victim.communicate()


def said(victim: subprocess.Popen[str]) -> int:
    assert victim.stdout is not None
    line = victim.stdout.readline()
    assert line, "the writer ended"
    return int(line)


def check_last(store: EmbeddedHistory, least: int, limit: int) -> int:
    """The last bars of each instrument are neighbours, each whole, and not older than what was said."""
    newest: list[int] = []
    for found in store.reader.last_bars(NAMES, SPEC, limit, source="yahoo").values():
        numbers: list[int] = [(start - OPEN) // MINUTE for start in found.ts_event.tolist()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        for column in (found.open, found.high, found.low, found.close, found.volume):
            assert column.tolist() == [price_of(number) for number in numbers]
        newest.append(numbers[-1] + 1)
    assert min(newest) >= least
    return min(newest)


@pytest.mark.parametrize("work", ["hot", "write"])
def test_a_reader_beside_a_writer_sees_whole_rows_that_only_grow(home: Path, work: str) -> None:
    directory = home / "history"
    with working(work, directory) as victim, open_history(directory, WallClock()) as store:
        newest = said(victim)
        for _ in range(LINES):
            newest = max(newest, said(victim))
            for limit in (1, 10, 500):
                newest = check_last(store, newest, limit)
            frame = store.reader.frame(Query(table="bars", spec=SPEC, source="yahoo"))
            assert frame.height % len(NAMES) == 0
            assert frame.height // len(NAMES) >= newest


def test_a_reader_beside_a_recording_that_is_compacted_sees_each_print_once(home: Path) -> None:
    directory = home / "history"
    with working("compact", directory) as victim, open_history(directory, WallClock()) as store:
        for _ in range(LINES):
            least = said(victim)
            found = store.reader.trades(NAMES[0], start_ns=OPEN, end_ns=OPEN + 10**16, source=LIVE)
            assert len(found) >= least
            assert found.price.tolist() == [price_of(number) for number in range(len(found))]


def test_two_writers_of_the_same_rows_store_them_once(home: Path) -> None:
    directory = home / "history"
    with working("write", directory) as one, working("write", directory) as two:
        least = 0
        for _ in range(LINES // 2):
            least = max(said(one), said(two))
    with open_history(directory, WallClock()) as store:
        bars = store.reader.bars(NAMES[1], SPEC)
        assert len(bars) >= least
        (series,) = store.reader.series(NAMES[1])
        assert (series.rows, series.corrections) == (len(bars), 0)
