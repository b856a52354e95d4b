"""Backfill from a real PostgreSQL: what this home lost and the copy still has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.bootstrap.backfill import backfill_of
from stockpulse_engine.bootstrap.serverstore import move_to_server
from stockpulse_engine.jobs.runner import JobContext
from stockpulse_engine.jobs.schedule import Due
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.server.migrate import migrate
from tests.fakes.postgres_server import PostgresServer
from tests.unit.bootstrap.test_backfill import AFTER, DAYS, csv_of, take


def test_a_lost_day_comes_back_from_the_server(
    postgres: PostgresServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = postgres.settings()
    migrate(settings)
    monkeypatch.setenv("STOCKPULSE__STORAGE__URL", settings.url)
    monkeypatch.setenv("STOCKPULSE__MARKET__YAHOO", "false")
    paths = resolve_paths(home)
    take(paths, tmp_path / "whole.csv", csv_of(*DAYS), "vendor")
    take(paths, tmp_path / "other.csv", csv_of(*DAYS, symbol="MSFT"), "vendor")
    move_to_server(paths, lambda *_: None)
    shutil.rmtree(paths.history)
    take(paths, tmp_path / "torn.csv", csv_of(DAYS[0], DAYS[4]), "vendor")
    lines: list[str] = []
    job = backfill_of(paths, ManualClock(AFTER))
    assert job.run(JobContext(Due("k", 0), lines.append, lambda *_: None)).detail == (
        "3 rows; 3 of 3 missing bars filled"
    )
    with open_history(paths.history, ManualClock(AFTER)) as store:
        assert [(one.instrument_id, one.rows) for one in store.reader.series()] == [("AAPL.XNAS", 5)]
