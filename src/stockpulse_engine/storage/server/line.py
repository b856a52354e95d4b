"""The line to a server that may be away: nobody waits for it twice, and what it holds is known without asking.

The first read that fails says so and waits no longer than the settings allow. From then on reads are answered at once
from what is here, while a thread of its own tries the server again, at longer and longer intervals.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, NamedTuple, TypeVar

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.marketdata.history import SeriesInfo
from stockpulse_engine.storage.server.reader import Listed, ServerReader

T = TypeVar("T")
FRESH_NS: Final = 60_000_000_000
"""For how long what the server was known to hold is believed."""
Told = Callable[[str], None]
"""Called from any thread with what is wrong, "" when nothing is any more."""


class Spans(NamedTuple):
    """What the server holds of each instrument, and how often that was seen to change."""

    series: Mapping[str, tuple[SeriesInfo, ...]]
    owner: str
    """The home of which it is the copy."""
    version: int


class ServerLine:
    """Asks a server's reader, for any number of threads."""

    def __init__(self, reader: ServerReader, clock: Clock, told: Told, backoff: Backoff | None = None) -> None:
        self._reader = reader
        self._clock = clock
        self._told = told
        self._backoff = backoff or Backoff(first_s=1.0, limit_s=60.0)
        self._rng = Random()
        self._lock = threading.Lock()
        self._first = threading.Lock()
        self._spans = Spans({}, "", 0)
        self._spans_at: int | None = None
        self._problem = ""
        self._failures = 0
        self._retry_at = 0
        self._looking: threading.Thread | None = None
        self._is_closed = False

    @property
    def problem(self) -> str:
        """Why the server does not answer; "" when it does."""
        return self._problem

    def close(self) -> None:
        """Ask nothing more."""
        self._is_closed = True
        self._reader.close()

    def ask(self, question: Callable[[ServerReader], T]) -> T | None:
        """The server's answer; None when there is none, and `problem` says why."""
        if self._problem or self._is_closed:
            self._look_again()
            return None
        started = self._clock.monotonic_ns()
        try:
            try:
                return question(self._reader)
            except UnavailableError:
                if self._clock.monotonic_ns() - started >= self._reader.patience_ns:
                    raise
                self._reader.close()  # a restarted server breaks connections that were open: once more, with a new one
                return question(self._reader)
        except UnavailableError as error:
            self._failed(error)
            return None

    def spans(self) -> Spans:
        """What the server is known to hold; the first to ask waits for it, later changes are looked up beside."""
        if self._spans_at is None:
            with self._first:
                if self._spans_at is None:
                    self._take(self.ask(ServerReader.spans))
        elif self._problem or self._clock.monotonic_ns() - self._spans_at > FRESH_NS:
            self._look_again()
        return self._spans

    def _look_again(self) -> None:
        """Try the server in a thread of its own, where it is time to and nobody does."""
        with self._lock:
            is_looking = self._looking is not None and self._looking.is_alive()
            if is_looking or self._is_closed or self._clock.monotonic_ns() < self._retry_at:
                return
            self._looking = threading.Thread(target=self._look, name="server spans", daemon=True)
            self._looking.start()

    def _look(self) -> None:
        try:
            found = self._reader.spans()
        except UnavailableError as error:
            self._failed(error)
        else:
            self._take(found)

    def _take(self, found: Listed | None) -> None:
        if found is None:
            return
        held: dict[str, list[SeriesInfo]] = {}
        for one in found.series:
            held.setdefault(one.instrument_id, []).append(one)
        series = {name: tuple(each) for name, each in held.items()}
        with self._lock:
            if not self._spans.version or (series, found.owner) != self._spans[:2]:
                self._spans = Spans(series, found.owner, self._spans.version + 1)
            self._spans_at = self._clock.monotonic_ns()
            self._failures, self._retry_at = 0, self._spans_at
            was, self._problem = self._problem, ""
        if was:
            self._told("")

    def _failed(self, error: UnavailableError) -> None:
        self._reader.close()
        with self._lock:
            self._failures += 1
            wait_ns = int(self._backoff.delay(self._failures, self._rng) * 1e9)
            self._retry_at = self._clock.monotonic_ns() + wait_ns
            was, self._problem = self._problem, error.message.rstrip(".")
        if not was and not self._is_closed:
            self._told(self._problem)
