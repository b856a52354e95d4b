"""How a command line is taken: the screen, the fast path, the full command line, completion; and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stockpulse_engine import cli
from stockpulse_engine.cli.app import SUBJECTS, first_command, make_app
from stockpulse_engine.cli.errors import EXIT_CODES, INTERRUPTED, guarded
from stockpulse_engine.cli.fast import find_fast
from stockpulse_engine.cli.register import split_help
from stockpulse_engine.domain import errors
from stockpulse_engine.domain.errors import DeniedError, StockPulseError


@pytest.mark.parametrize(
    ("line", "is_screen"),
    [
        ([], True),
        (["--home", "/tmp/x"], True),
        (["--home=/tmp/x"], True),
        (["--home"], False),
        (["--help"], False),
        (["quote", "AAPL"], False),
        (["--home", "/tmp/x", "quote"], False),
    ],
)
def test_no_command_opens_the_screen(line: list[str], is_screen: bool) -> None:
    assert cli._wants_terminal(line) is is_screen


def test_a_shell_that_asks_for_completions_gets_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SP_COMPLETE", "complete_bash")
    assert cli._wants_terminal([]) is False


@pytest.mark.parametrize(
    ("line", "is_fast"),
    [
        ("quote AAPL", True),
        ("quote AAPL MSFT --json", True),
        ("--home /tmp/x quote AAPL", True),
        ("halt", True),
        ("halt --json", True),
        ("quote", False),
        ("quote --help", False),
        ("quote AAPL --nonsense", False),
        ("halt now", False),
        ("halt --reason x", False),
        ("orders", False),
        ("", False),
    ],
)
def test_only_plain_forms_take_the_fast_path(line: str, is_fast: bool) -> None:
    assert (find_fast(line.split()) is not None) is is_fast


@pytest.mark.parametrize(
    ("line", "word"),
    [("quote AAPL", "quote"), ("--home /x orders", "orders"), ("--home=/x day", "day"), ("--help", ""), ("", "")],
)
def test_the_command_word_is_found_behind_the_home(line: str, word: str) -> None:
    assert first_command(line.split()) == word


def test_each_subject_brings_exactly_its_commands() -> None:
    for module, commands in SUBJECTS.items():
        app = make_app(commands[0])
        names = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback is not None}
        names |= {str(one.name) for one in app.registered_groups}
        assert names == set(commands), module


def test_examples_are_kept_apart_from_the_words() -> None:
    def command() -> None:
        """Does it.

        More of it.

        Example: sp it
        Example: sp it --now
        """

    assert split_help(command) == ("Does it.\n\nMore of it.", ("sp it", "sp it --now"))


# -- how it ends


def _family(kind: type[StockPulseError]) -> list[type[StockPulseError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _family(child))]


@pytest.mark.parametrize("kind", [k for k in _family(StockPulseError) if k.__module__ == errors.__name__])
def test_every_error_ends_with_its_documented_code_and_says_its_fix(
    kind: type[StockPulseError], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        if issubclass(kind, DeniedError):
            raise kind("It was wrong.", denial="RULE", fix="Do this.")
        raise kind("It was wrong.", fix="Do this.")

    assert guarded(fail) == kind.exit_code
    assert kind.exit_code in dict(EXIT_CODES)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"! {kind.title}: It was wrong. Do this.\n"


def test_other_endings() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def leave() -> None:
        raise SystemExit(2)

    assert guarded(interrupt) == INTERRUPTED
    assert guarded(leave) == 2
    assert guarded(lambda: None) == 0


# -- a real process


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stockpulse_engine.cli", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=30, check=False
    )


def test_completion_installs_and_completes(tmp_path: Path) -> None:
    # typer looks for a shell among our parents, and there need not be one: here the shell is named.
    done = run("--install-completion", "bash", HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0, done.stderr
    assert "_SP_COMPLETE=complete_bash" in (tmp_path / ".bash_completions" / "sp.sh").read_text()
    offered = run(HOME=str(tmp_path), _SP_COMPLETE="complete_bash", COMP_WORDS="sp or", COMP_CWORD="1")
    assert offered.stdout.split() == ["orders", "order"]


def test_without_a_terminal_the_screen_says_what_it_needs(tmp_path: Path) -> None:
    done = run("--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs a terminal" in done.stderr


def test_a_closed_pipe_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "stockpulse_engine.cli", "config", "path", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        os.close(writing)
        assert child.stderr is not None
        assert child.stderr.read() == ""
    assert child.returncode == 0
