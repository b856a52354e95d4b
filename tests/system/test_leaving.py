"""Leaving a head in a real terminal, at any moment: no warning, no traceback, no process without a lock, a whole terminal."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.lock import acquire_lock
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.accounts import TradingState
from tests.system.pane import Pane
from tests.system.process import EngineProcess
from tests.system.test_terminal import LIVE

pytestmark = pytest.mark.timeout(120)
WARNINGS = "default,ignore:subprocess"
"""Everything Python could complain of, but for the engine, which is meant to outlive the head that started it."""


@pytest.fixture
def engine(home: Path) -> Iterator[EngineProcess]:
    """The engine of this home, whoever started it; nothing of the home runs on afterwards."""
    process = EngineProcess(home)
    try:
        yield process
    finally:
        process.__exit__(None, None, None)
        assert wait_until(lambda: _is_ended(home), 50), processes_of(home)


def _is_ended(home: Path) -> bool:
    """Whether nothing of the home runs; an engine that was only being started had no lock to be stopped by."""
    left = processes_of(home)
    for pid, words in left.items():
        if "stockpulse_engine.daemon" in words:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    return not left


@pytest.fixture
def terminal(home: Path) -> Iterator[Pane]:
    """A shell in which `head` is a command."""
    with Pane(home) as opened:
        words = [sys.executable, "-m", "stockpulse_engine.cli", "--home", str(home)]
        opened.type(f"head() {{ PYTHONWARNINGS='{WARNINGS}' {shlex.join(words)}; echo left-with $?; }}; clear")
        opened.press("Enter")
        opened.until(r"\A\$\s*\Z")
        yield opened


def processes_of(home: Path) -> dict[int, str]:
    """Every process that was told of this home, by pid, but for tmux and its shell."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        try:
            told = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            environment = (entry / "environ").read_bytes() if told else b""
        except OSError:  # it has ended
            continue
        is_python = b"python" in told.split(b"\0")[0]
        if is_python and int(entry.name) != os.getpid() and os.fsencode(home) in told + environment:
            found[int(entry.name)] = told.replace(b"\0", b" ").decode()
    return found


def head_of(home: Path) -> int:
    """Process id of the head, 0 when it is gone."""
    return next((pid for pid, told in processes_of(home).items() if "stockpulse_engine.cli" in told), 0)


def start(terminal: Pane) -> None:
    """Begin, without waiting for anything."""
    terminal.type("head")
    terminal.press("Enter")


def back_in_the_shell(terminal: Pane) -> str:
    """The screen once the shell asks again: what it says of the head's end is written before its prompt is."""
    return terminal.until(r"left-with \d+\n\$")


def left(terminal: Pane, home: Path, code: str = "0") -> None:
    """The head has gone without a word, and the shell is as it was."""
    screen = back_in_the_shell(terminal)
    assert re.fullmatch(rf"\$ head\n(\^C|q)*left-with {code}\n\$ ?\s*", screen), screen
    assert not terminal.flag("alternate_on")
    assert terminal.flag("cursor_flag")
    assert not terminal.flag("mouse_any_flag")
    assert head_of(home) == 0


def locked(engine: EngineProcess) -> set[int]:
    """Processes of the engine, its watchdog and its venues that can be found and ended by their locks."""
    return {engine.pid, engine.watchdog_pid, *engine.venue_pids} - {0}


def test_q_before_anything_is_loaded(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    terminal.type("head")
    terminal.press("Enter", "q")
    left(terminal, home)


def test_q_on_the_first_picture(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    start(terminal)
    terminal.until_true(lambda: terminal.flag("alternate_on"), "the first picture")
    terminal.press("q")
    left(terminal, home)


def test_q_while_the_engine_starts(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    """Held where it starts: another process has the lock and does not answer."""
    with acquire_lock(engine.paths.lock, WallClock()):
        start(terminal)
        terminal.until(r"waiting for the engine to answer")
        terminal.press("q")
        left(terminal, home)


def test_q_while_the_first_engine_of_a_home_starts(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    start(terminal)
    terminal.until_true(lambda: engine.pid > 0, "an engine has the lock")
    terminal.press("q")
    left(terminal, home)
    engine.start().close()
    assert wait_until(lambda: set(processes_of(home)) == locked(engine), 30), "what it began can be found and stopped"


def test_q_on_a_live_desk_and_with_a_window_open(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    engine.start().close()
    start(terminal)
    terminal.until(r"Enter begin")
    terminal.press("Enter")
    terminal.until(*LIVE)
    terminal.press("2", "i", "Escape", "?", "q")
    left(terminal, home)
    assert wait_until(lambda: set(processes_of(home)) == locked(engine), 30)


def test_a_halt_and_q_in_one_breath(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    engine.start().close()
    start(terminal)
    terminal.until(r"Enter begin")
    terminal.press("Enter")
    terminal.until(*LIVE)
    terminal.press("!", "!", "q")
    left(terminal, home)
    with engine.client() as client:
        assert client.halt_view().state is TradingState.HALTED


def test_q_when_the_engine_was_killed(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    engine.start().close()
    start(terminal)
    terminal.until(r"Enter begin")
    terminal.press("Enter")
    terminal.until(*LIVE)
    engine.kill()
    terminal.until(r"has not answered")
    terminal.press("q")
    left(terminal, home)


def test_q_when_the_engine_hangs(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    """Stopped in its tracks while a head begins again: its socket takes the request, and nothing comes."""
    engine.start().close()
    start(terminal)
    terminal.until(r"Enter begin")
    terminal.press("Enter")
    terminal.until(*LIVE)
    engine.kill()
    terminal.until(r"has not answered")
    engine.start().close()
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        terminal.press("q")
        left(terminal, home)
    finally:
        os.kill(engine.pid, signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_leaves_in_order(engine: EngineProcess, terminal: Pane, home: Path, number: signal.Signals) -> None:
    engine.start().close()
    start(terminal)
    terminal.until(r"Enter begin")
    terminal.press("Enter")
    terminal.until(*LIVE)
    os.kill(head_of(home), number)
    left(terminal, home)


def test_ctrl_c_on_the_first_picture_gives_the_terminal_back(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    start(terminal)
    terminal.until_true(lambda: terminal.flag("alternate_on"), "the first picture")
    terminal.press("C-c", "q")
    screen = back_in_the_shell(terminal)
    assert re.fullmatch(r"\$ head\n(\^C|q)*left-with (0|130)\n\$\s*q?\s*", screen), screen
    assert not terminal.flag("alternate_on")


def test_a_terminal_that_goes_away_takes_the_head_with_it(engine: EngineProcess, home: Path) -> None:
    engine.start().close()
    with Pane(home) as terminal:
        terminal.sp(home)
        terminal.until(r"Enter begin")
        terminal.press("Enter")
        terminal.until(*LIVE)
        assert head_of(home)
    assert wait_until(lambda: not head_of(home), 30), processes_of(home)
    assert wait_until(lambda: set(processes_of(home)) == locked(engine), 30)
