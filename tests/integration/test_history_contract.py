"""The embedded store, the server, and an empty home above the server answer alike, whatever was written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from stockpulse_engine.base.clock import ManualClock, WallClock
from stockpulse_engine.marketdata.history import HistoryReader
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.server.cursors import owner_of
from stockpulse_engine.storage.server.line import ServerLine
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.mirror import HistoryMirror
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.schema import metadata
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.tier import TieredReader
from stockpulse_engine.storage.server.timescale import Features
from tests.conftest import IS_NIGHT
from tests.contract.history_contract import MINUTE as LENGTH
from tests.contract.history_contract import (
    NOW,
    PRIORITY,
    SOURCES,
    Asked,
    Batch,
    agrees_with,
    answers,
    questions,
    stories,
    write,
)
from tests.fakes.postgres_server import PostgresServer
from tests.property.history_oracle import Oracle

pytestmark = pytest.mark.timeout(3600 if IS_NIGHT else 120)


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> StorageSettings:
    found = postgres.settings()
    migrate(found)
    return found


@pytest.fixture(scope="module")
def server(database: StorageSettings) -> Iterator[ServerReader]:
    reader = ServerReader(database, ManualClock(NOW + 60 * LENGTH), PRIORITY)
    yield reader
    reader.close()


def emptied(database: StorageSettings) -> None:
    with connect(database) as connection:
        connection.execute(f"TRUNCATE {', '.join(metadata.tables)}")


@settings(max_examples=200 if IS_NIGHT else 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories, asked=questions)
def test_every_reader_answers_alike(
    database: StorageSettings, server: ServerReader, story: list[Batch], asked: list[Asked]
) -> None:
    emptied(database)
    clock, oracles = ManualClock(NOW), {source: Oracle(LENGTH) for source in SOURCES}
    chosen = HistorySettings(priority=PRIORITY)
    with (
        tempfile.TemporaryDirectory(prefix="sph-") as scratch,
        open_history(Path(scratch) / "h", clock, chosen) as store,
    ):
        for batch in story:
            write(store.writer, batch)
            oracles[batch.source].write(batch.rows, clock.now_ns())
            clock.advance(batch.pause)
        clock.advance(NOW + 60 * LENGTH - clock.now_ns())
        with connect(database) as connection:
            copier = HistoryMirror(store, connection, Features(), owner_of(store.layout.root))
            while not copier.step().is_done:
                pass
        readers: tuple[HistoryReader, HistoryReader] = (store.reader, server)
        for reader in readers:
            for source, oracle in oracles.items():
                agrees_with(reader, oracle, source, asked)
        for (question, ours), (_, theirs) in zip(*(answers(reader, asked) for reader in readers), strict=True):
            assert theirs == ours, question
        with open_history(Path(scratch) / "new", clock, chosen) as empty:
            above = TieredReader(empty.reader, ServerLine(server, WallClock(), pytest.fail), "", clock, PRIORITY)
            both = (answers(reader, asked, is_counting=False) for reader in (store.reader, above))
            for (question, ours), (_, theirs) in zip(*both, strict=True):
                assert theirs == ours, question
    assert server.segments() == ()
    assert server.generation > 0
