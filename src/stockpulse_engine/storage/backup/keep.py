"""Dropping backups with everything that only they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.storage.backup.archive import PATTERN, SUFFIX, TAIL_SUFFIX, read_index, read_manifest
from stockpulse_engine.storage.backup.objects import ObjectStore
from stockpulse_engine.storage.backup.write import turn_of


def drop_backups(backups: Path, old: Sequence[Path]) -> int:
    """Remove archives, their indexes and tails, then the objects that no remaining backup lists; returns how many."""
    with turn_of(backups):
        for file in old:
            file.unlink(missing_ok=True)
        for path in [*backups.glob("stockpulse-*.index"), *backups.glob(f"stockpulse-*{TAIL_SUFFIX}")]:
            if not path.with_name(path.stem + SUFFIX).exists():
                path.unlink(missing_ok=True)
        needed = _needed(backups)
        return 0 if needed is None else ObjectStore(backups).sweep(needed)


def _needed(backups: Path) -> set[str] | None:
    """Digests that the archives here list; None when one of them can not be asked, then nothing is removed."""
    found: set[str] = set()
    for file in backups.glob(PATTERN):
        index = read_index(file)
        try:
            manifest = index.manifest if index is not None else read_manifest(file)
        except StockPulseError:
            return None
        found.update(one.sha256 for one in manifest.objects)
    return found
