"""What processes hold, sampled over a long run, and the judgement whether any of it grows."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

HOUR_S = 3600.0
MAX_PAIRS = 400
"""Samples that a slope is taken from at most: every pair of them counts."""


@dataclass(frozen=True)
class Sample:
    """One look at one process."""

    at_s: float
    held_kib: int
    """Anonymous memory: what the process itself asked for, without files that are mapped."""
    files: int
    threads: int


@dataclass
class Diary:
    """Samples of several processes by name."""

    pids: Mapping[str, int]
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Take one sample of each.

        Raises:
            ProcessLookupError: one of them is gone.
        """
        at_s = time.monotonic() - self.begun
        for name, pid in self.pids.items():
            self.samples.setdefault(name, []).append(look_at(pid, at_s))

    def write(self, file: Path) -> None:
        """Leave the samples behind as CSV."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", newline="", encoding="utf-8") as output:
            writer = csv.writer(output)
            writer.writerow(("process", "seconds", "held_kib", "files", "threads"))
            for name, samples in self.samples.items():
                writer.writerows((name, round(one.at_s, 1), one.held_kib, one.files, one.threads) for one in samples)

    def after(self, warm_s: float) -> dict[str, list[Sample]]:
        """The samples after the warm-up, by process."""
        return {name: [one for one in samples if one.at_s >= warm_s] for name, samples in self.samples.items()}


def look_at(pid: int, at_s: float) -> Sample:
    """Read one process from /proc. Raises ProcessLookupError when it is gone."""
    try:
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        )
        return Sample(
            at_s,
            int(fields["RssAnon"].split()[0]),
            sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
            int(fields["Threads"]),
        )
    except (OSError, KeyError):
        raise ProcessLookupError(f"process {pid} is gone") from None


def growth_per_hour(samples: Sequence[Sample]) -> float:
    """KiB an hour: the median slope over all pairs, so that a cache that fills once or a spike is no growth."""
    step = max(1, len(samples) // MAX_PAIRS)
    used = samples[::step]
    slopes = [
        (later.held_kib - earlier.held_kib) / (later.at_s - earlier.at_s)
        for number, earlier in enumerate(used)
        for later in used[number + 1 :]
        if later.at_s > earlier.at_s
    ]
    return median(slopes) * HOUR_S if slopes else 0.0


def more_than_at_first(samples: Sequence[Sample]) -> tuple[int, int]:
    """By how many open files and threads the last tenth holds more than the first, each at its least."""
    tenth = max(1, len(samples) // 10)
    first, last = samples[:tenth], samples[-tenth:]
    files = min(one.files for one in last) - min(one.files for one in first)
    return files, min(one.threads for one in last) - min(one.threads for one in first)
