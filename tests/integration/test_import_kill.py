"""SIGKILL in the middle of an import, again and again: at the end every row is there once, refused ones as well."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.storage.importing.run import Hooks
from tests.conftest import IS_NIGHT, ROOT
from tests.integration.import_victim import PART
from tests.unit.storage.importing.desk import HEAD, Desk

ROWS = 2_000
KILLS = 12 if IS_NIGHT else 3
START_MS = 1_402_000_000_000


def bars() -> list[str]:
    """Every 37th is refused."""
    lows = ["0" if number % 37 == 0 else "99" for number in range(ROWS)]
    return [
        HEAD,
        *(f"EURUSD,{START_MS + 60_000 * number},100,101,{low},100,{number}" for number, low in enumerate(lows)),
    ]


def ticks() -> list[str]:
    """Seven prints share a moment; every 37th is refused."""
    prices = [0 if number % 37 == 0 else 100 + number % 9 for number in range(ROWS)]
    return ["symbol,ts,price,size", *(f"EURUSD,{START_MS + n // 7},{price},{n + 1}" for n, price in enumerate(prices))]


def kill(directory: Path, file: Path, lines: int, rng: random.Random) -> int:
    """Let it say some lines and kill it a moment later; what it said last."""
    command = [sys.executable, "-m", "tests.integration.import_victim", str(directory), str(file)]
    victim = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    said = [int(victim.stdout.readline()) for _ in range(lines)]
    for _ in range(rng.randrange(300_000)):  # somewhere inside what it does next
        pass
    victim.send_signal(signal.SIGKILL)
    out, _ = victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL
    return max([*said, *(int(line) for line in out.split("\n")[:-1])])


@pytest.mark.parametrize("kind", ["bars", "ticks"])
def test_a_killed_import_goes_on_and_nothing_is_lost_or_doubled(home: Path, kind: str) -> None:
    rng = random.Random(7)
    home.joinpath("work").mkdir()
    file = home / "work" / f"{kind}.csv"
    file.write_text("\n".join(bars() if kind == "bars" else ticks()) + "\n")
    said = 0
    for _ in range(KILLS):
        now = kill(home / "work", file, rng.randrange(2, 6), rng)
        assert now > said
        said = now
    assert said < ROWS
    desk = Desk(home / "work", WallClock())
    report = desk.take(file, Hooks(chunk_rows=PART))
    assert (report.is_complete, report.resumed_at >= said) == (True, True)
    wanted = [number for number in range(ROWS) if number % 37]
    assert report.added + report.unchanged == len(wanted)
    refused = [int(line.split(",")[0]) for line in desk.refused(report)]
    assert refused == [number + 1 for number in range(ROWS) if number % 37 == 0]
    assert held(desk, kind) == [number + (kind == "ticks") for number in wanted]
    assert desk.take(file, Hooks(chunk_rows=PART)).unchanged == len(wanted)
    desk.close()


def held(desk: Desk, kind: str) -> list[int]:
    """What tells each row: its volume, or its size."""
    reader = desk.store.reader
    if kind == "bars":
        return [int(bar.volume) for bar in reader.bars("EURUSD.XXXX", BarSpec(1, "m")).to_bars()]
    found = reader.trades("EURUSD.XXXX", start_ns=0, end_ns=2**62)
    return [size // 10**8 for size in found.size.tolist()]
