"""The tables on a real PostgreSQL: up, down and up again, two at once, and never behind somebody's back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from stockpulse_engine.domain.errors import ConflictError, UnavailableError
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.migrate import NOTHING, migrate, newest_revision, require_newest, revision_of
from stockpulse_engine.storage.server.schema import metadata
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.timescale import ROLLUPS, find_features
from tests.fakes.postgres_server import PostgresServer

TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'm') AND relnamespace = 'public'::regnamespace"


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    return postgres.settings()


def relations(settings: StorageSettings) -> set[str]:
    with connect(settings) as connection:
        return {str(row[0]) for row in connection.execute(TABLES).fetchall()}


def test_up_down_and_up_again(settings: StorageSettings) -> None:
    with pytest.raises(ConflictError, match="revision none"):
        require_newest(settings)
    first = migrate(settings)
    assert (first.before, first.after) == ("", newest_revision())
    made = relations(settings)
    assert {*metadata.tables, *ROLLUPS, "bars_numeric", "alembic_version"} <= made
    assert migrate(settings).before == newest_revision()
    assert migrate(settings, NOTHING).after == ""
    assert relations(settings) == {"alembic_version"}
    assert migrate(settings).before == ""
    assert relations(settings) == made
    require_newest(settings)


def test_the_tables_are_the_ones_the_code_speaks_of(settings: StorageSettings) -> None:
    migrate(settings)
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(settings))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_two_at_once_take_turns(settings: StorageSettings) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: migrate(settings), range(3)))
    assert sorted(one.before for one in done) == ["", newest_revision(), newest_revision()]


def test_a_newer_versions_tables_are_left_alone(settings: StorageSettings) -> None:
    migrate(settings)
    with connect(settings) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match="9999"):
        migrate(settings)
    assert revision_of(settings) == "9999"


def test_without_the_extension_it_says_so(settings: StorageSettings) -> None:
    with connect(settings, is_autocommit=True) as connection:
        assert find_features(connection, is_wanted=True).words == "plain PostgreSQL"


def test_no_password_is_in_what_is_said(settings: StorageSettings) -> None:
    wrong = StorageSettings(url="postgresql://somebody:hunter2secret@localhost:1/nowhere", connect_timeout_s=2)
    with pytest.raises(UnavailableError) as caught:
        migrate(wrong)
    assert "hunter2secret" not in str(caught.value)


def test_hours_and_days_of_a_plain_server_are_made_of_minutes(settings: StorageSettings) -> None:
    migrate(settings)
    minutes = [(0, 10, 12, 9, 11, 5), (1, 11, 15, 10, 14, 6), (60, 14, 14, 8, 9, 7)]
    with connect(settings) as connection:
        for minute, *values in minutes:
            connection.execute(
                "INSERT INTO bars_minute VALUES (1, 1, 1, '2026-01-05 14:00Z'::timestamptz + %s * INTERVAL '1 minute', "
                "0, %s, %s, %s, %s, %s, 0, 0, false)",
                (minute, *values),
            )
        question = "SELECT ts::text, open_e8, high_e8, low_e8, close_e8, volume_e8::int FROM {} ORDER BY ts"
        assert connection.execute(question.format("bars_1h")).fetchall() == [
            ("2026-01-05 14:00:00+00", 10, 15, 9, 14, 11),
            ("2026-01-05 15:00:00+00", 14, 14, 8, 9, 7),
        ]
        assert connection.execute(question.format("bars_1d")).fetchall() == [
            ("2026-01-05 00:00:00+00", 10, 15, 8, 9, 18)
        ]
