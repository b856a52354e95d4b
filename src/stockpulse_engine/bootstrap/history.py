"""The history store and SQL over it, for commands that work with the engine up or down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.settings import load_settings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.sql.protocol import SqlLimits, Value, View
from stockpulse_engine.storage.sql.session import SqlAnswer, SqlSession

__all__ = ["SqlAnswer", "SqlLimits", "Value", "View", "history_of", "sql_over"]


@contextmanager
def history_of(paths: Paths) -> Iterator[EmbeddedHistory]:
    """The store of a home, with the user's settings; readers and writers in other processes are not disturbed."""
    with open_history(paths.history, WallClock(), load_settings(paths, os.environ).history) as store:
        yield store


@contextmanager
def sql_over(paths: Paths) -> Iterator[SqlSession]:
    """SQL over the store of a home."""
    with history_of(paths) as store:
        yield SqlSession(store.reader, paths.history)
