"""Migrations: alembic's steps and table, run from here, one at a time whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from stockpulse_engine.domain.errors import ConflictError
from stockpulse_engine.storage.server.link import Connection, connect, said_plainly
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.timescale import Features, arrange, drop_rollups, find_features

LOCK: Final = 7_305_102_718_446_301
"""PostgreSQL's advisory lock that a migration holds: a second one waits and then finds nothing to do."""
NEWEST, NOTHING = "head", "base"
_DIRECTORY: Final = Path(__file__).parent / "migrations"


class Migrated(NamedTuple):
    """Where a migration came from and where it has got to; "" is a database without our tables."""

    before: str
    after: str
    features: Features


def migrate(settings: StorageSettings, target: str = NEWEST) -> Migrated:
    """Bring the database to a revision, and to what the server can do (hypertables, policies, aggregates).

    Raises:
        UnavailableError: the server is away, or refuses.
        ConflictError: a newer StockPulse has been here.
    """
    with said_plainly(), _holding_lock(settings) as holder:
        features = find_features(holder, is_wanted=target == NEWEST)
        before = revision_of(settings)
        _require_known(before)
        if target != NEWEST or features.is_full:
            _drop_plain_or_all(holder, is_down=target != NEWEST)
        after = _run(settings, target)
        if target == NEWEST:
            with holder.transaction():
                for statement in arrange(features, settings):
                    holder.execute(statement)
    return Migrated(before, after, features)


def revision_of(settings: StorageSettings) -> str:
    """The revision the database is at; "" when it has none of our tables."""
    with said_plainly(), _engine(settings).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def newest_revision() -> str:
    """The revision this version brings."""
    return _scripts().get_current_head() or ""


def require_newest(settings: StorageSettings) -> None:
    """Refuse a database that is not where this version expects it.

    Raises:
        ConflictError: naming the command that brings it there.
    """
    found, wanted = revision_of(settings), newest_revision()
    if found != wanted:
        raise ConflictError(
            f"The database is at revision {found or 'none'}, this version needs {wanted}.", fix="sp store migrate"
        )


def _run(settings: StorageSettings, target: str) -> str:
    scripts = _scripts()

    def steps(revision: Any, _: Any) -> Any:
        return scripts._downgrade_revs(target, revision) if is_down else scripts._upgrade_revs(target, revision)  # noqa: SLF001 - alembic.command does the same

    is_down = target == NOTHING
    with _engine(settings).begin() as connection:
        environment = EnvironmentContext(Config(), scripts, fn=steps, destination_rev=target)
        with environment:
            environment.configure(connection=connection)
            with environment.begin_transaction():
                environment.run_migrations()
        return MigrationContext.configure(connection).get_current_revision() or ""


def _require_known(revision: str) -> None:
    known = [step.revision for step in _scripts().walk_revisions()]
    if revision and revision not in known:
        raise ConflictError(
            f"The database is at revision {revision}, this version knows up to {known[0]}.",
            fix="Install the newer StockPulse, or name another database.",
        )


def _drop_plain_or_all(holder: Connection, *, is_down: bool) -> None:
    """Views in the place of aggregates must go before aggregates can come; on the way down all must."""
    with holder.transaction():
        for statement in drop_rollups(holder):
            if is_down or statement.startswith("DROP VIEW"):
                holder.execute(statement)


@contextmanager
def _holding_lock(settings: StorageSettings) -> Iterator[Connection]:
    holder = connect(settings, is_autocommit=True)
    try:
        holder.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        yield holder
    finally:
        holder.close()  # and with it the lock goes


def _engine(settings: StorageSettings) -> sa.Engine:
    return sa.create_engine("postgresql+psycopg://", creator=lambda: connect(settings), poolclass=NullPool)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_DIRECTORY))
