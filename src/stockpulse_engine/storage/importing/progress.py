"""How far an import came: kept beside the store after every commit, so that a killed one goes on where it was."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.storage.importing.report import ImportReport
from stockpulse_engine.storage.importing.spans import Span

NS = 1_000_000_000


class State(msgspec.Struct, frozen=True, kw_only=True):
    """After the last commit."""

    done: int
    """Rows of the file behind us."""
    refused_bytes: int
    """Length of the file of refused rows; what is longer was written after it."""
    spans: dict[str, dict[str, Span]]
    report: ImportReport


class StateFile:
    """One small file per unfinished import, named after the file's bytes and the plan."""

    def __init__(self, directory: Path, import_id: str) -> None:
        self._file = directory / f"{import_id}.json"

    def load(self) -> State | None:
        """Where the same import stopped, None when it did not or the file is damaged."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return None

    def save(self, state: State) -> None:
        """Replace it."""
        ensure_private(self._file.parent)
        atomic_write(self._file, msgspec.json.encode(state))

    def clear(self) -> None:
        """The import is whole."""
        self._file.unlink(missing_ok=True)


class Progress(msgspec.Struct, frozen=True):
    """Shown while an import runs."""

    done: int
    rows: int
    elapsed_ns: int
    since: int = 0
    """Rows that were done before this run."""

    @property
    def rate(self) -> float:
        """Rows a second."""
        return (self.done - self.since) * NS / self.elapsed_ns if self.elapsed_ns else 0.0

    @property
    def eta_s(self) -> float:
        """Seconds to go."""
        return (self.rows - self.done) / self.rate if self.rate else 0.0

    def line(self) -> str:
        """In words."""
        share = self.done / self.rows if self.rows else 1.0
        return f"{self.done:,} of {self.rows:,} rows ({share:.0%}), {self.rate:,.0f} rows/s, {self.eta_s:,.0f} s to go"
