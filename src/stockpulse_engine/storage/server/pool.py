"""Connections for reads: few, kept open, and none that anybody waits for longer than the settings allow.

A server that is away refuses at once; one that is frozen, or behind a network that swallows packets, answers nothing at
all. So every wait for the socket has an end on our side, and the server has one for the statement on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Loader
from psycopg.pq import Format
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.storage.server.link import CONNECT_FIX, Connection, connect, said_plainly
from stockpulse_engine.storage.server.settings import StorageSettings

_WAIT: Final = 0.1
_NS: Final = 1_000_000_000


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose every wait ends: at the deadline of whoever has borrowed it, or after `patience_s`."""

    patience_s = 30.0
    deadline_ns: int | None = None

    def wait(self, gen: Any, interval: float = _WAIT, timeout: float | None = None) -> Any:
        """Wait for the server, but not for ever."""
        left = self.patience_s
        if self.deadline_ns is not None:
            left = max(0.0, (self.deadline_ns - WallClock().monotonic_ns()) / _NS)
        return super().wait(gen, interval, left if timeout is None else min(timeout, left))


class ReadPool:
    """Lends connections, each for one read of at most `read_timeout_s`."""

    def __init__(self, settings: StorageSettings) -> None:
        self._budget_ns = settings.read_timeout_s * _NS
        patience = max(2, min(settings.connect_timeout_s, settings.read_timeout_s))  # libpq knows no less than two
        settings = msgspec.structs.replace(settings, connect_timeout_s=patience)
        self._pool = QueuePool(
            lambda: _prepared(settings),  # type: ignore[arg-type] # psycopg's connection is a DBAPI one
            pool_size=settings.pool,
            max_overflow=0,
            timeout=settings.read_timeout_s,
        )

    def close(self) -> None:
        """Let go of the connections; the next read makes new ones."""
        self._pool.dispose()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One connection, in autocommit, back in the pool afterwards if it still works.

        Raises:
            UnavailableError: the server is away, does not answer in time, or is asked by too many at once.
        """
        with said_plainly():
            try:
                borrowed = self._pool.connect()
            except PoolTimeoutError:
                raise UnavailableError("Every connection to the database is busy.", fix=CONNECT_FIX) from None
            try:
                connection: Any = borrowed.dbapi_connection
                connection.deadline_ns = WallClock().monotonic_ns() + self._budget_ns
                yield connection
            except BaseException:
                borrowed.invalidate()  # whatever it was, the next read gets a connection that works
                raise
            finally:
                borrowed.close()


class _EightLoader(Loader):
    """An array of PostgreSQL's, newest first, as one of numpy's, oldest first.

    It is a header of 20 bytes, then the length and the big-endian value of each.
    """

    format = Format.BINARY
    _size = 8

    def load(self, data: Any) -> NDArray[Any]:
        record = np.dtype([("length", ">i4"), ("value", f">i{self._size}")])
        raw = bytes(data)
        return np.frombuffer(raw[20:], dtype=record)["value"][::-1].astype(f"i{self._size}")


class _FourLoader(_EightLoader):
    _size = 4


class _TwoLoader(_EightLoader):
    _size = 2


_ARRAYS: Final = {"int8": _EightLoader, "timestamptz": _EightLoader, "int4": _FourLoader, "int2": _TwoLoader}


def _prepared(settings: StorageSettings) -> Connection:
    connection = connect(settings, is_autocommit=True, kind=PatientConnection, statement_s=settings.read_timeout_s)
    for name, loader in _ARRAYS.items():
        kind = connection.adapters.types.get(name)
        assert kind is not None
        connection.adapters.register_loader(kind.array_oid, loader)
    return connection
