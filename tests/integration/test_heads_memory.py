"""Memory over hours, made short: a fast market, orders all the time, a head that looks on; nothing may grow."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from stockpulse_engine.base.lock import lock_holder
from tests.integration.test_heads import trade
from tests.system.pane import Pane
from tests.system.process import EngineProcess

MINUTES = float(os.environ.get("STOCKPULSE_NIGHT_MINUTES", "12"))
WARM_SHARE = 0.4
"""Caches, rings and the order list fill up in this first part of the run."""
SAMPLE_S = 5.0
SPEED = 20.0
LIMIT_KIB_PER_MINUTE = {"engine": 1024.0, "venue": 512.0, "head": 512.0}
"""What order flow leaves behind for good (orders of the day are kept) is allowed for; a leak per quote is not."""


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def slope_per_minute(samples: list[int]) -> float:
    """Least squares, in KiB a minute, over the part after the warm-up."""
    used = samples[int(len(samples) * WARM_SHARE) :]
    times = [number * SAMPLE_S / 60 for number in range(len(used))]
    mean_t, mean_v = sum(times) / len(times), sum(used) / len(used)
    above = sum((t - mean_t) * (v - mean_v) for t, v in zip(times, used, strict=True))
    return above / sum((t - mean_t) ** 2 for t in times)


def newest_child(name: str) -> int:
    """The process whose command line holds `name`, the youngest of them."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if name in words and int(entry.name) > found and "sh" not in words[0].rsplit("/", 1)[-1]:
                found = int(entry.name)
    return found


@pytest.mark.night
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
@pytest.mark.timeout(60 * MINUTES + 300)
def test_nothing_grows_while_the_market_runs(home: Path) -> None:
    with EngineProcess(home, ("--speed", str(SPEED))) as engine, Pane(home) as terminal:
        terminal.sp(home)
        terminal.until(r"Enter begin")
        terminal.press("Enter")
        terminal.until(r"● feed", r"SPY +\d+\.\d\d")
        venue = lock_holder(engine.paths.venue("sim") / "venue.lock")
        assert venue is not None
        pids = {"engine": engine.pid, "venue": venue.pid, "head": newest_child(str(home))}
        samples: dict[str, list[int]] = {name: [] for name in pids}
        for number in range(int(MINUTES * 60 / SAMPLE_S)):
            trade(engine, f"M{number}", 10)
            threading.Event().wait(SAMPLE_S)
            terminal.text()
            for name, pid in pids.items():
                samples[name].append(rss_kib(pid))
    slopes = {name: round(slope_per_minute(values)) for name, values in samples.items()}
    held = {name: values[-1] // 1024 for name, values in samples.items()}
    print(f"memory after {MINUTES:g} min: {held} MiB, growing {slopes} KiB/min")
    assert all(values[-1] > 0 for values in samples.values())
    assert {name: slope for name, slope in slopes.items() if slope > LIMIT_KIB_PER_MINUTE[name]} == {}
