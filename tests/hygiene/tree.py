"""The files of this repository, as the hygiene tests read them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_MOST_BYTES = 2_000_000


def tracked_files() -> list[Path]:
    """Every file under version control that is on disk; without git, every file of the source directories."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    places = ("src", "tests", "scripts", "config", "docs")
    return [path for place in places for path in sorted((ROOT / place).rglob("*")) if path.is_file()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of every tracked text file of ordinary size."""
    for path in tracked_files():
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b"\0"
        if b"\0" not in data:
            yield str(path.relative_to(ROOT)), data.decode(errors="replace")
