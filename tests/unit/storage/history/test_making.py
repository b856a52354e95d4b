"""The catalog is made under another name: who reads meanwhile finds none or a whole one."""

from __future__ import annotations

import threading
from pathlib import Path

from stockpulse_engine.storage.history.catalog import Catalog
from stockpulse_engine.storage.history.schema import connect

ROUNDS = 20


def test_a_reader_that_looks_all_the_time_never_sees_half_a_catalog(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        root = tmp_path / str(number)
        made = threading.Thread(target=lambda root=root: connect(root / "catalog.db", is_writer=True).close())
        made.start()
        generations = {-1}
        while made.is_alive() or generations == {-1}:
            catalog = Catalog(root)
            with catalog.snapshot() as generation:
                generations.add(generation)
            catalog.close()
        made.join()
        assert (root / "catalog.db").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in root.iterdir() if "new" in path.name) == []


def test_what_was_left_by_one_that_was_killed_over_it_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "catalog.db.new").write_bytes(b"half")
    (tmp_path / "catalog.db.new-wal").write_bytes(b"half")
    connect(tmp_path / "catalog.db", is_writer=True).close()
    catalog = Catalog(tmp_path)
    assert catalog.list_series("", "", "") == []
    catalog.close()
    assert not (tmp_path / "catalog.db.new").exists()
