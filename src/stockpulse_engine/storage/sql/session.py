"""Running a statement: starts the child, hands it the views, takes its rows, ends it when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.marketdata.history import LATEST, AsOf, HistoryReader, Segment
from stockpulse_engine.storage.sql.protocol import (
    Column,
    Frame,
    Head,
    Page,
    Refused,
    Request,
    Rows,
    SqlLimits,
    Tail,
    Value,
    View,
    read_frame,
)
from stockpulse_engine.storage.sql.views import make_views

_CHILD = "stockpulse_engine.storage.sql.child"
_PAGE = 1_000


class SqlAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement gave."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    is_cut: bool
    """There were more rows than the limit."""
    elapsed_ms: float


class SqlSession:
    """Statements over one store. Blocking: on an event loop, `run` belongs into a thread."""

    def __init__(self, reader: HistoryReader, directory: Path) -> None:
        """`directory` is where the store's files lie; the child may open nothing else."""
        self._reader = reader
        self._directory = directory

    def views(self, as_of: AsOf = LATEST) -> tuple[View, ...]:
        """What can be selected from."""
        return make_views(self._segments(), self._reader.series(), as_of)

    def run(
        self,
        statement: str,
        *,
        limits: SqlLimits | None = None,
        as_of: AsOf = LATEST,
        on_start: Callable[[Callable[[], None]], None] | None = None,
    ) -> SqlAnswer:
        """Run one SELECT, or the EXPLAIN of one, and return its rows.

        `on_start` is handed a function that cancels the statement, callable from any thread.

        Raises:
            InvalidValueError: the statement is not one that is run here, is wrong, or needs more than it may have.
            UnavailableError: the child could not be started or died.
        """
        request = self._request(statement, limits or SqlLimits(), as_of)
        *frames, tail = self._ask(request, on_start)
        assert isinstance(tail, Tail)
        return SqlAnswer(
            columns=_columns_of(frames),
            rows=tuple(row for frame in frames if isinstance(frame, Rows) for row in frame.rows),
            is_cut=tail.is_cut,
            elapsed_ms=tail.elapsed_ms,
        )

    def run_json(
        self,
        statement: str,
        *,
        limits: SqlLimits,
        as_of: AsOf = LATEST,
        on_start: Callable[[Callable[[], None]], None] | None = None,
    ) -> bytes:
        """The same as a JSON object that the child has written: `columns`, `rows`, `is_cut`, `elapsed_ms`.

        Raises:
            InvalidValueError: the statement is not one that is run here, is wrong, or needs more than it may have.
            UnavailableError: the child could not be started or died.
        """
        request = self._request(statement, limits, as_of, is_json=True)
        *frames, tail = self._ask(request, on_start)
        assert isinstance(tail, Tail)
        columns = msgspec.json.encode(_columns_of(frames))
        rows = b",".join(frame.json for frame in frames if isinstance(frame, Page) and frame.json)
        end = msgspec.json.encode({"is_cut": tail.is_cut, "elapsed_ms": tail.elapsed_ms})
        return b'{"columns":' + columns + b',"rows":[' + rows + b"]," + end[1:]

    def _request(self, statement: str, limits: SqlLimits, as_of: AsOf, *, is_json: bool = False) -> Request:
        return Request(
            statement=statement,
            views=self.views(as_of),
            directories=(str(self._directory),),
            limits=limits,
            is_json=is_json,
        )

    @staticmethod
    def _ask(request: Request, on_start: Callable[[Callable[[], None]], None] | None) -> list[Frame]:
        with _child(request.limits.seconds) as child:
            if on_start is not None:
                on_start(child.cancel)
            return child.ask(request)

    def _segments(self) -> Iterator[Segment]:
        after = 0
        while page := self._reader.segments(after, limit=_PAGE):
            yield from page
            after = page[-1].seq


def _columns_of(frames: Sequence[Frame]) -> tuple[Column, ...]:
    return next((frame.columns for frame in frames if isinstance(frame, Head)), ())


class _Child:
    """The process, and why it was ended if it was."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._ended = ""

    def cancel(self) -> None:
        """End the statement for the person who asked."""
        self._end("canceled")

    def expire(self) -> None:
        """End the statement for its time is over."""
        self._end("expired")

    def _end(self, reason: str) -> None:
        if self._process.poll() is None:
            self._ended = self._ended or reason
            _kill_group(self._process.pid)

    def ask(self, request: Request) -> list[Frame]:
        """Send the request and gather the frames of the answer, the last of which is its tail."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.msgpack.encode(request))
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it ended before it read; what it left behind says why
        frames: list[Frame] = []
        while (frame := read_frame(self._process.stdout)) is not None:
            if isinstance(frame, Refused):
                raise InvalidValueError(frame.message, fix=frame.fix)
            frames.append(frame)
            if isinstance(frame, Tail):
                return frames
        raise self._why()

    def _why(self) -> Exception:
        if self._ended == "expired":
            return InvalidValueError(
                f"The statement took longer than {self._seconds:g} s and was stopped.",
                fix="Select a shorter time or fewer instruments, or give it more time (`sp sql --timeout`).",
            )
        if self._ended == "canceled":
            return InvalidValueError("The statement was canceled.", fix="")
        code = self._process.wait()
        return UnavailableError(
            f"The SQL process ended without an answer (exit {code}).", fix="Try again; `sp engine logs` may say why."
        )


@contextmanager
def _child(seconds: float) -> Iterator[_Child]:
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise UnavailableError(f"The SQL process could not be started: {error.strerror}.") from error
    child = _Child(process, seconds)
    timer = threading.Timer(seconds, child.expire)
    timer.daemon = True
    timer.start()
    try:
        yield child
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill_group(process.pid)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment() -> dict[str, str]:
    """Nothing of ours but what Python needs: no secrets reach the child."""
    kept = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": "/nonexistent"}
