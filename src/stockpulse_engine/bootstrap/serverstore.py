"""The server's copy of history and books, for commands that work with the engine up or down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.redaction import redact
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.settings import load_settings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.settings import StorageSettings

if TYPE_CHECKING:
    from stockpulse_engine.storage.server.link import Connection
    from stockpulse_engine.storage.server.verify import Compared as Compared  # noqa: PLC0414 - named again for the command line

Tell = Callable[[str, int], None]
"""Called with what is being done, and how many rows so far."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream that is mirrored: how far it has come, and what waits."""

    stream: str
    seq: int
    waiting: int
    """Rows of history, or entries of a journal."""
    moved_at: str


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the server is and has."""

    url: str
    server: str
    features: str
    revision: str
    newest_revision: str
    streams: tuple[Stream, ...] = ()
    further: int = 0
    """Series that reach further there than in this home: reads ask the server for the rest."""
    rows: dict[str, int] = {}
    """Table → about how many rows, as the server's own statistics have it."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """What a migration did."""

    before: str
    after: str
    features: str


class _Home(NamedTuple):
    """A home's store and where its copy lies."""

    settings: StorageSettings
    store: EmbeddedHistory


def store_status(paths: Paths) -> StoreStatus:
    """Look at the server; nothing is changed."""
    from stockpulse_engine.storage.server.link import connect, said_plainly
    from stockpulse_engine.storage.server.migrate import newest_revision, revision_of
    from stockpulse_engine.storage.server.timescale import find_features

    with _home(paths) as home, said_plainly(), connect(home.settings, is_autocommit=True) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        revision = revision_of(home.settings)
        sizes = connection.execute("SELECT relname, n_live_tup FROM pg_stat_user_tables ORDER BY relname").fetchall()
        return StoreStatus(
            url=str(redact(home.settings.url)),
            server=f"PostgreSQL {row[0] if row else ''}",
            features=find_features(connection).words,
            revision=revision,
            newest_revision=newest_revision(),
            streams=tuple(_streams(paths, home, connection)) if revision else (),
            further=_further(home, connection) if revision else 0,
            rows={str(name): int(count) for name, count in sizes if count and name != "alembic_version"},
        )


def migrate_store(paths: Paths, *, is_down: bool) -> Migration:
    """Bring the tables to this version, or remove them."""
    from stockpulse_engine.storage.server.migrate import NEWEST, NOTHING, migrate

    with _home(paths) as home:
        done = migrate(home.settings, NOTHING if is_down else NEWEST)
    return Migration(before=done.before, after=done.after, features=done.features.words)


def move_to_server(paths: Paths, tell: Tell) -> int:
    """Copy what the server does not have yet, here and now; returns rows and entries."""
    from stockpulse_engine.bootstrap.servermirror import orders_of
    from stockpulse_engine.storage.server.link import connect, said_plainly
    from stockpulse_engine.storage.server.migrate import migrate
    from stockpulse_engine.storage.server.worker import Parts

    copied = 0
    with _home(paths) as home:
        features = migrate(home.settings).features
        with said_plainly(), ExitStack() as stack:
            orders = orders_of(paths, home.settings, worlds_of(paths))
            parts = Parts(orders, stack.enter_context(connect(home.settings)), features, stack)
            while rows := parts.step():
                copied += rows
                tell("copied", copied)
    return copied


def move_to_embedded(paths: Paths, tell: Tell) -> int:
    """Bring what the server holds into the embedded store; returns the versions that were new."""
    from stockpulse_engine.storage.server.link import connect, said_plainly
    from stockpulse_engine.storage.server.migrate import require_newest
    from stockpulse_engine.storage.server.move import to_embedded
    from stockpulse_engine.storage.server.versions import ServerVersions

    seen = 0
    with _home(paths) as home, said_plainly(), connect(home.settings) as connection:
        require_newest(home.settings)

        def told(_: object, rows: int) -> None:
            nonlocal seen
            seen += rows
            tell("read", seen)

        return to_embedded(ServerVersions(connection), home.store, told)


def bring_series(paths: Paths, instrument_id: str, spec: str, source: str) -> int:
    """Bring one series of bars from the server; returns the versions that were new."""
    from stockpulse_engine.storage.server.link import connect, said_plainly
    from stockpulse_engine.storage.server.migrate import require_newest
    from stockpulse_engine.storage.server.move import to_embedded
    from stockpulse_engine.storage.server.versions import OneSeries, Series, ServerVersions

    with _home(paths) as home, said_plainly(), connect(home.settings) as connection:
        require_newest(home.settings)
        wanted = Series(BARS, spec, source, instrument_id)
        return to_embedded(OneSeries(ServerVersions(connection), wanted), home.store, lambda *_: None)


def compare_stores(paths: Paths) -> Iterator[Compared]:
    """Each series on both sides, as it is compared."""
    from stockpulse_engine.storage.server.link import connect, said_plainly
    from stockpulse_engine.storage.server.migrate import require_newest
    from stockpulse_engine.storage.server.verify import compared
    from stockpulse_engine.storage.server.versions import EmbeddedVersions, ServerVersions

    with _home(paths) as home, said_plainly(), connect(home.settings) as connection:
        require_newest(home.settings)
        with closing(EmbeddedVersions(home.store)) as embedded:
            yield from compared(embedded, ServerVersions(connection))


def worlds_of(paths: Paths) -> list[str]:
    """The worlds that have a journal here."""
    found = sorted(file.parent.name for file in (paths.state / "worlds").glob("*/journal.db"))
    return [name.replace("replay-", "replay:", 1) if name.startswith("replay-") else name for name in found]


def _further(home: _Home, connection: Connection) -> int:
    from stockpulse_engine.storage.server.bulkreads import listed
    from stockpulse_engine.storage.server.joining import reaches_further

    ours = {(one.instrument_id, one.table, one.spec, one.source): one for one in home.store.reader.series()}
    theirs = listed(connection, "", "", None, is_counted=False)
    return sum(reaches_further(one, ours.get((one.instrument_id, one.table, one.spec, one.source))) for one in theirs)


def _streams(paths: Paths, home: _Home, connection: Connection) -> Iterator[Stream]:
    from stockpulse_engine.storage.newslog import NewsLog
    from stockpulse_engine.storage.server.cursors import HISTORY
    from stockpulse_engine.storage.server.lines import NEWS, RUNS
    from stockpulse_engine.storage.server.mirror import waiting
    from stockpulse_engine.storage.server.tail import JournalTail

    rows = connection.execute("SELECT stream, seq, moved_at FROM mirror_cursor ORDER BY stream").fetchall()
    for stream, seq, moved_at in rows:
        if stream == HISTORY:
            behind = waiting(home.store, seq)[1]
        elif stream == NEWS:
            behind = max(0, NewsLog(paths.history).last_seq() - seq)
        elif stream == RUNS:
            behind = 0  # a moment, not a number: runs are looked at again each time
        else:
            journal = paths.journal(str(stream).removeprefix("journal:"))
            if not journal.exists():
                continue
            with closing(JournalTail(journal)) as tail:
                behind = max(0, tail.last_seq() - seq)
        yield Stream(stream=stream, seq=seq, waiting=behind, moved_at=moved_at.isoformat()[:19])


@contextmanager
def _home(paths: Paths) -> Iterator[_Home]:
    settings = load_settings(paths, os.environ)
    if not settings.storage.url:
        raise ConfigError(
            "storage.url is not set: history and books lie in this home alone.",
            fix='Write url = "postgresql://USER:PASSWORD@HOST/DATABASE" under [storage].',
        )
    with open_history(paths.history, WallClock(), settings.history) as store:
        yield _Home(settings.storage, store)
