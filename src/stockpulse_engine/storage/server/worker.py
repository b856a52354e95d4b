"""The mirror as a process of its own: the engine's loop and interpreter belong to the market.

    python -m stockpulse_engine.storage.server.worker

It reads its orders (a JSON line, with the address, so that no secret is in a list of processes) on stdin and ends when
stdin does: it never outlives its engine. What it has to say, it says on stdout, a JSON line for each change.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.redaction import redact, register_secret
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.storage.server.settings import StorageSettings

if TYPE_CHECKING:
    from stockpulse_engine.storage.server.link import Connection
    from stockpulse_engine.storage.server.timescale import Features

NICE: Final = 10
LOOK_S: Final = 2.0
"""How often a mirror that has everything looks for more."""
PRUNE_S: Final = 3600.0
OK, LATE = "ok", "late"


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What to copy, and where to."""

    settings: StorageSettings
    history: str
    journals: dict[str, str] = {}
    """World → its journal."""
    runs: str = ""
    """The runs of jobs."""
    is_once: bool = False
    """End when everything is there."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker says."""

    state: str
    detail: str
    rows: int = 0
    """Rows and entries copied so far."""


class Worker:
    """Copies until it is told to stop; a server that is away is waited for."""

    def __init__(self, orders: Orders, say: Callable[[Word], None], backoff: Backoff | None = None) -> None:
        self._orders = orders
        self._say = say
        self._said: Word | None = None
        self._backoff = backoff or Backoff(first_s=0.5, limit_s=60.0)
        self._rng = Random()
        self._rows = 0
        self.stop = threading.Event()

    def run(self) -> None:
        """Connect, copy, and after a failure wait and do so again."""
        failures = 0
        while not self.stop.is_set():
            before = self._rows
            try:
                self._copy()
            except StockPulseError as error:
                failures = 1 if self._rows > before else failures + 1
                self._tell(LATE, str(error))
                self.stop.wait(self._backoff.delay(failures, self._rng))
            else:
                return

    def _copy(self) -> None:
        """Copy over one connection for as long as it holds."""
        from stockpulse_engine.storage.server.link import connect, said_plainly
        from stockpulse_engine.storage.server.migrate import migrate

        features = migrate(self._orders.settings).features
        with ExitStack() as stack:
            connection = stack.enter_context(connect(self._orders.settings))
            stack.enter_context(said_plainly())
            parts = Parts(self._orders, connection, features, stack)
            self._follow(parts)

    def _follow(self, parts: Parts) -> None:
        pruned_at = -PRUNE_S
        clock = WallClock()
        while not self.stop.is_set():
            rows = parts.step()
            self._rows += rows
            self._tell(OK, "" if not rows else "catching up")
            if rows:
                continue
            if self._orders.is_once:
                return
            now = clock.now_ns() / 1e9
            if now - pruned_at >= PRUNE_S:
                pruned_at = now
                parts.prune()
            self.stop.wait(LOOK_S)

    def _tell(self, state: str, detail: str) -> None:
        word = Word(state=state, detail=clean_line(detail)[:200], rows=self._rows)
        if self._said is None or (word.state, word.detail) != (self._said.state, self._said.detail):
            self._said = word
            self._say(word)


class Parts:
    """What is copied over one connection."""

    def __init__(self, orders: Orders, connection: Connection, features: Features, stack: ExitStack) -> None:
        from stockpulse_engine.storage.history.store import open_history
        from stockpulse_engine.storage.newslog import NewsLog
        from stockpulse_engine.storage.server.books import BooksMirror
        from stockpulse_engine.storage.server.cursors import owner_of
        from stockpulse_engine.storage.server.lines import NewsMirror, RunsMirror
        from stockpulse_engine.storage.server.link import connect
        from stockpulse_engine.storage.server.mirror import HistoryMirror, Refresher

        self._settings, self._connection, self._features = orders.settings, connection, features
        history = Path(orders.history)
        owner = owner_of(history)
        store = stack.enter_context(open_history(history, WallClock()))
        self._history = HistoryMirror(store, connection, features, owner)
        self._refresher = Refresher(lambda: connect(orders.settings, is_autocommit=True))
        self._lines = (
            NewsMirror(NewsLog(history), connection, owner),
            RunsMirror(Path(orders.runs or history / "none"), connection, owner),
        )
        self._books = []
        for world, journal in orders.journals.items():
            if Path(journal).exists():
                self._books.append(BooksMirror(Path(journal), world, connection, owner))
                stack.callback(self._books[-1].close)

    def step(self) -> int:
        """The books first, then what else is small; rows and entries copied, 0 when everything is there."""
        copied = sum(books.step().rows for books in self._books) + sum(lines.step() for lines in self._lines)
        progress = self._history.step()
        if progress.is_done and self._features.is_full:
            self._refresher.run()
        return copied + (progress.rows if progress.is_done else max(progress.rows, 1))

    def prune(self) -> None:
        """Drop what is older than wanted, where no policy does it."""
        from stockpulse_engine.storage.server.timescale import prune

        with self._connection.transaction():
            for statement in prune(self._features, self._settings):
                self._connection.execute(statement)


def main() -> None:
    """Work for whoever holds the other end of stdin."""
    os.nice(NICE)
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    register_secret(orders.settings.url)
    worker = Worker(orders, _print)
    threading.Thread(target=_watch, args=(worker.stop,), name="stdin", daemon=True).start()
    try:
        worker.run()
    except Exception as error:
        words = clean_line(str(redact(f"{type(error).__name__}: {error}")))[:200]
        _print(Word(state=LATE, detail=words))  # the engine has no other way to hear why
        raise


def _print(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


def _watch(stop: threading.Event) -> None:
    """End with the engine, whatever ended it."""
    sys.stdin.buffer.read()
    stop.set()


if __name__ == "__main__":
    main()
