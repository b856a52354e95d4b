"""The mirror's process on a real PostgreSQL: killed at any moment, cut off from its server, told to end."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.mirror import last_seq
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.worker import LATE, OK, Orders, Word
from tests.conftest import IS_NIGHT, ROOT
from tests.fakes.postgres_server import PostgresServer
from tests.integration.test_server_mirror import M1, bars, count, differences

ROUNDS = 30 if IS_NIGHT else 3
PATIENCE_S = 40.0


class WorkerProcess:
    """The real one, as the engine starts it."""

    def __init__(self, settings: StorageSettings, paths: Paths) -> None:
        command = [sys.executable, "-m", "stockpulse_engine.storage.server.worker"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        orders = Orders(settings=settings, history=str(paths.history), journals={"sim": str(paths.journal("sim"))})
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(orders) + b"\n")
        self._process.stdin.flush()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def hear(self) -> Word:
        """Its next word."""
        assert self._process.stdout is not None
        return msgspec.json.decode(self._process.stdout.readline(), type=Word)

    def end(self) -> int:
        """Close its stdin, as an engine that dies does."""
        self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    return postgres.settings()


def cursor_of(settings: StorageSettings, stream: str) -> int:
    """How far it is; 0 while there is no server or no table."""
    try:
        with psycopg.connect(settings.url, connect_timeout=2) as connection:
            row = connection.execute("SELECT seq FROM mirror_cursor WHERE stream = %s", (stream,)).fetchone()
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return 0
    return int(row[0]) if row is not None else 0


def write_segments(store: EmbeddedHistory, first: int, how_many: int) -> None:
    """Segments of a hundred bars, each of which corrects some of the one before."""
    for number in range(first, first + how_many):
        store.writer.write_bars(bars(number * 15, 20, shift=number), spec=M1, source="yahoo")


def test_killed_at_any_moment_each_row_arrives_once(paths: Paths, settings: StorageSettings) -> None:
    rng = random.Random(11)
    with open_history(paths.history, WallClock()) as store:
        write_segments(store, 0, 20 * ROUNDS)
        for _ in range(ROUNDS):
            before = cursor_of(settings, "history")
            with WorkerProcess(settings, paths) as worker:
                wanted = before + rng.randint(1, 8)
                assert wait_until(lambda wanted=wanted: cursor_of(settings, "history") >= wanted, PATIENCE_S)  # type: ignore[misc] # bound now
                worker.kill()
        with WorkerProcess(settings, paths):
            assert wait_until(lambda: cursor_of(settings, "history") == last_seq(store), PATIENCE_S)
        assert differences(store, settings) == []
        versions = sum(one.rows for one in store.reader.series())
    assert count(settings, "bars_minute") + count(settings, "bars_minute_superseded") == versions


def test_a_server_that_was_away_misses_nothing(
    postgres: PostgresServer, paths: Paths, settings: StorageSettings
) -> None:
    with open_history(paths.history, WallClock()) as store:
        write_segments(store, 0, 3)
        with WorkerProcess(settings, paths) as worker:
            assert worker.hear().state == OK
            assert wait_until(lambda: cursor_of(settings, "history") == last_seq(store), PATIENCE_S)
            postgres.stop()
            try:
                write_segments(store, 3, 4)
                said = worker.hear()
                while said.state != LATE:
                    said = worker.hear()
                assert "does not do what it should" in said.detail
            finally:
                postgres.start()
            assert wait_until(lambda: cursor_of(settings, "history") == last_seq(store), PATIENCE_S)
            assert differences(store, settings) == []
            assert worker.end() == 0
