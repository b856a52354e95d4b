"""A disk that takes no more: the writer is told, nothing half-made counts, and what was there stays."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.history.store import open_history
from tests.unit.storage.history.build import AAPL, M1, bar_frame, closes


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process may not grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 1_000, 30_000], ids=["none", "for a header", "for the segment, not the catalog"])
def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path, clock: ManualClock, room: int) -> None:
    with open_history(tmp_path / "history", clock) as store:
        store.writer.write_bars(bar_frame([1, 2, 3]), spec=M1, source="yahoo")
        files = {path for path in store.layout.root.rglob("*") if path.suffix in (".parquet", ".tmp")}
        with largest_file(room), pytest.raises(UnavailableError):
            store.writer.write_bars(bar_frame(range(300)), spec=M1, source="yahoo")
        assert {path for path in store.layout.root.rglob("*") if path.suffix in (".parquet", ".tmp")} == files
        assert closes(store.reader.bars(AAPL, M1)) == [1, 2, 3]
        assert store.writer.write_bars(bar_frame(range(300)), spec=M1, source="yahoo").added == 297
    with open_history(tmp_path / "history", clock) as store:
        assert closes(store.reader.bars(AAPL, M1)) == list(range(300))
