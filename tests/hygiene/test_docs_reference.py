"""The reference is what the code says, and keys, palette, help, command line and docs are one and the same."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from scripts.make_docs import PAGES, command_tree
from stockpulse_engine.actions.registry import ACTIONS, CLI_VERBS, Action
from stockpulse_engine.cli.app import make_app
from stockpulse_engine.cli.errors import EXIT_CODES
from tests.hygiene.docs import REFERENCE, accepts

SHELL_ONLY = {
    "news": "headlines scroll by on the desk; a shell asks for them",
    "portfolio": "one document of what the screens show in three places",
    "send": "Enter on a staged order",
    "discard": "Esc on a staged order",
    "option": "a calculator: it reads nothing of the desk and changes nothing",
    "token": "a secret is changed where no screen shows it",
}
"""Commands no key stands for, and why."""
TWINS = [action for action in ACTIONS if action.cli]
COMMANDS = command_tree()
EXAMPLES = [
    line.strip().removeprefix("Example: ")
    for command in COMMANDS.values()
    for line in (command.callback.__doc__ or "").splitlines()
    if line.strip().startswith("Example: ")
]
UNBUILT: set[str] = set()
"""Actions whose command is not there yet; the test below says when this has to go."""


BY_HAND = {"bars-from-ticks.md", "campaigns.md", "indicators.md", "options.md"}
"""Pages that compare us with others or tell of runs: written by people, held by tests of their own."""


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/reference/{name} is old: make docs"


def test_nothing_else_lies_in_the_reference() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES) | BY_HAND


def test_every_command_is_an_action_or_has_its_reason() -> None:
    verbs = {words.split()[0] for words in COMMANDS}
    assert verbs - set(CLI_VERBS) == set(SHELL_ONLY)


def test_every_action_with_a_twin_has_its_command() -> None:
    assert set(CLI_VERBS) - {words.split()[0] for words in COMMANDS} == UNBUILT - set(COMMANDS)


@pytest.mark.parametrize("action", TWINS, ids=lambda action: str(action.id))
def test_the_shell_twin_is_accepted_by_the_parser(action: Action) -> None:
    if action.verb in UNBUILT - set(COMMANDS):
        return
    accepts(action.cli_line("AAPL"))


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_of_the_help_is_accepted_by_the_parser(line: str) -> None:
    accepts(line)


def test_every_command_that_shows_something_shows_an_example() -> None:
    assert [words for words, command in COMMANDS.items() if "Example: " not in (command.callback.__doc__ or "")] == []


def test_a_wrong_line_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        accepts("sp quote AAPL --jsn")
    with pytest.raises(AssertionError, match="no command"):
        accepts("sp qoute AAPL")


def test_each_exit_code_has_one_meaning() -> None:
    numbers = [number for number, _ in EXIT_CODES]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_help_of_every_command_is_whole(words: str) -> None:
    command: Any = typer.main.get_command(make_app())
    for word in words.split():
        command = command.commands[word]
    options = [p for p in command.params if p.param_type_name == "option"]
    assert [p.opts for p in options if not p.help] == []
