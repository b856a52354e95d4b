"""`sp` in this process: the whole command line without the cost of a new interpreter for each command."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stockpulse_engine import cli
from stockpulse_engine.cli import link, trade
from stockpulse_engine.cli.errors import guarded
from stockpulse_engine.client.blocking import BlockingClient


@dataclass(frozen=True)
class Done:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return json.loads(self.out)


class Shell:
    """Runs commands in one home, with no terminal anywhere."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str, answer: str = "") -> Done:
        """One command line, after `sp --home HOME`."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with _process(["sp", "--home", str(self.home), *words], io.StringIO(answer), out, err):
            try:
                cli.main()
                code = 0
            except SystemExit as done:
                code = done.code if isinstance(done.code, int) else 0
        return Done(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@contextmanager
def _process(argv: list[str], stdin: io.StringIO, out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    """What a fresh process would begin with."""
    for kept in (link.engine, trade._instruments, trade._quote):
        kept.cache_clear()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(link, "BlockingClient", lambda paths: stack.enter_context(BlockingClient(paths)))
        patch.setattr(sys, "argv", argv)
        for name, stream in (("stdin", stdin), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, stream)
        patch.setenv("STOCKPULSE_HOME", os.environ.get("STOCKPULSE_HOME", ""))
        yield


def typed(home: Path, make_app: Callable[[str], Any], words: Sequence[str]) -> Done:
    """The same command by the full command line, never by the fast path."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with _process(["sp"], io.StringIO(), out, err):
        line = ["--home", str(home), *words]
        code = guarded(lambda: make_app(words[0])(line, prog_name="sp"))
    return Done(code, _text(out), _text(err))
