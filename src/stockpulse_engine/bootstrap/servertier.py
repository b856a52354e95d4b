"""The server as a tier below the embedded store: joined here for the engine, for commands and for jobs that ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.marketdata.history import HistoryReader
from stockpulse_engine.storage.server.settings import StorageSettings

if TYPE_CHECKING:
    from stockpulse_engine.storage.server.tier import TieredReader

PART: Final = "server"
"""The part of the engine's health that says why reads are answered from this home alone."""
Told = Callable[[str], None]
"""Called from any thread with what is wrong with the server, "" when nothing is any more."""


class Tier(NamedTuple):
    """A reader of both stores, and how to let go of the server."""

    reader: TieredReader
    close: Callable[[], None]


class WholeHistory(NamedTuple):
    """Everything that can be read from here."""

    reader: HistoryReader


def tier_over(  # noqa: PLR0917 - two stores and how they are put together
    local: HistoryReader, directory: Path, storage: StorageSettings, clock: Clock, priority: tuple[str, ...], told: Told
) -> Tier:
    """The server below a reader of this home. Nothing is connected before the first read."""
    from stockpulse_engine.storage.server.cursors import known_owner
    from stockpulse_engine.storage.server.line import ServerLine
    from stockpulse_engine.storage.server.reader import ServerReader
    from stockpulse_engine.storage.server.tier import TieredReader

    line = ServerLine(ServerReader(storage, clock, priority), WallClock(), told)
    return Tier(TieredReader(local, line, known_owner(directory), clock, priority), line.close)


@contextmanager
def whole_history_of(paths: Paths) -> Iterator[WholeHistory]:
    """What this home holds and, where a server is set, what its copy holds beyond that; for reading only."""
    from stockpulse_engine.settings import load_settings
    from stockpulse_engine.storage.history.store import open_history

    settings = load_settings(paths, os.environ)
    with open_history(paths.history, WallClock(), settings.history) as store:
        if not settings.storage.url:
            yield WholeHistory(store.reader)
            return
        tier = tier_over(
            store.reader, paths.history, settings.storage, WallClock(), settings.history.priority, lambda _: None
        )
        try:
            yield WholeHistory(tier.reader)
        finally:
            tier.close()
