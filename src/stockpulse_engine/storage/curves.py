"""Equity curves between two runs: a convenience beside the journal, so what is missing or damaged is left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.portfolio.curve import CurveState


class CurveFile:
    """The curves of one world by account, bounded by the curve itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, curves: Mapping[str, CurveState]) -> None:
        """Replace the file. Raises OSError."""
        atomic_write(self._path, msgspec.msgpack.encode(curves))

    def load(self) -> dict[str, CurveState]:
        """What the last run left; empty where there is nothing that can be read."""
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=dict[str, CurveState])
        except (OSError, msgspec.MsgspecError):
            return {}
