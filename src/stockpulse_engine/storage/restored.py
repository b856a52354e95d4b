"""The mark a restore leaves beside a journal: the next start of its engine is no start after a kill."""

from __future__ import annotations

from pathlib import Path

from stockpulse_engine.base.files import atomic_write, fsync_dir

NAME = "restored"


class RestoredMark:
    """The mark in the directory of one world; it holds the wall time of the backup and is taken once."""

    def __init__(self, world_directory: Path) -> None:
        self._file = world_directory / NAME

    def set(self, made_at: int) -> None:
        """Leave the mark."""
        atomic_write(self._file, f"{made_at}\n".encode())

    def read(self) -> int | None:
        """Wall time of the backup this world came from; None when there is no mark, or none that can be read."""
        try:
            text = self._file.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return None
        return int(text) if text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 - more digits are no time

    def clear(self) -> None:
        """The journal says it now."""
        self._file.unlink(missing_ok=True)
        fsync_dir(self._file.parent)
