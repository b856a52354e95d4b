"""SIGKILL at any moment of writing, recording, compacting: nothing that was said is lost, nothing is there twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.history.taillogs import TailLogs
from tests.conftest import IS_NIGHT, ROOT
from tests.integration.history_victim import LIVE, MINUTE, NAMES, OPEN, PER_BATCH, SPEC, price_of

ROUNDS = 40 if IS_NIGHT else 4
MOST_LINES = 60


def start(work: str, directory: Path, first: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.history_victim", work, str(directory), str(first)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_after(victim: subprocess.Popen[str], lines: int, rng: random.Random) -> int:
    """Let it say some lines, kill it a random moment later; returns the last number it said."""
    assert victim.stdout is not None
    said = 0
    for _ in range(lines):
        line = victim.stdout.readline()
        assert line, victim.stderr.read() if victim.stderr else ""
        said = int(line)
    for _ in range(rng.randrange(200_000)):  # somewhere inside what it does next
        pass
    victim.send_signal(signal.SIGKILL)
    out, _ = victim.communicate(timeout=30)
    assert victim.returncode == -signal.SIGKILL
    return max([said, *(int(line) for line in out.split("\n")[:-1])])


def check_bars(found: BarColumns, said: int) -> int:
    """Bars 0 … without a gap, a double or a torn row; at least the ones that were said. Returns how many."""
    starts = [OPEN + number * MINUTE for number in range(len(found))]
    assert len(found) >= said
    assert found.ts_event.tolist() == starts
    for column in (found.open, found.high, found.low, found.close, found.volume):
        assert column.tolist() == [price_of(number) for number in range(len(found))]
    return len(found)


@pytest.fixture
def directory(home: Path) -> Path:
    return home / "history"


@pytest.mark.covers("F30")
@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.parametrize("work", ["write", "hot"])
def test_commits_survive_and_are_whole(directory: Path, work: str) -> None:
    rng = random.Random(work)
    said = held = 0
    for _ in range(ROUNDS):
        said = kill_after(start(work, directory, held), rng.randint(1, MOST_LINES // 4), rng)
        with open_history(directory, WallClock()) as store:
            counts = {name: check_bars(store.reader.bars(name, SPEC, source="yahoo"), said) for name in NAMES}
            last = store.reader.last_bars(NAMES, SPEC, 10)
            for name in NAMES:
                assert last[name].close.tolist() == [price_of(number) for number in range(counts[name])][-10:]
            assert len(set(counts.values())) == 1, "a commit is visible for all instruments or for none"
            assert all(row.corrections == 0 for row in store.reader.series())
            assert list(store.upkeep.verify()) == []
            held = counts[NAMES[0]]


@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.parametrize("work", ["record", "compact"])
def test_what_was_recorded_is_there_once(directory: Path, work: str) -> None:
    rng = random.Random(work)
    held = 0
    for _ in range(ROUNDS):
        said = kill_after(start(work, directory, held), rng.randint(1, MOST_LINES), rng)
        with open_history(directory, WallClock()) as store:
            held = check_prints(store, said)
            check_minutes(store)
    with open_history(directory, WallClock()) as store:
        TailLogs(store.layout).close()  # the next recording closes what was left
        store.compact()
        assert check_prints(store, held) == held
        check_minutes(store)
        assert store.compact().rows == 0


def check_prints(store: EmbeddedHistory, said: int) -> int:
    found = store.reader.trades(NAMES[0], start_ns=OPEN, end_ns=OPEN + 10**16, source=LIVE)
    assert len(found) >= said
    assert len(found) % PER_BATCH == 0
    assert found.ts_event.tolist() == [OPEN + number * MINUTE // 60 for number in range(len(found))]
    assert found.price.tolist() == [price_of(number) for number in range(len(found))]
    assert set(found.seq.tolist()) <= {0}
    return len(found)


def check_minutes(store: EmbeddedHistory) -> None:
    """Each minute that is held is the minute of its sixty prints; hot tier and segments say the same."""
    found = store.reader.bars(NAMES[0], SPEC, source=LIVE)
    starts = found.ts_event.tolist()
    assert starts == sorted(set(starts))
    for start_ns, opened, closed in zip(starts, found.open.tolist(), found.close.tolist(), strict=True):
        first = (start_ns - OPEN) // (MINUTE // 60)
        assert (opened, closed) == (price_of(first), price_of(first + 59))
    last = store.reader.last_bars([NAMES[0]], SPEC, 10)[NAMES[0]]
    assert last.ts_event.tolist() == starts[-10:]
