"""`@` on the command line: a moment stands behind it, glued or not, and no word of it is an instrument."""

from __future__ import annotations

import pytest

from stockpulse_engine.actions.codes import Command, parse_command


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("@ 2013-10-07 11:32", ("2013-10-07", "11:32")),
        ("@-5m", ("-5m",)),
        ("@ now", ("now",)),
        ("@", ()),
        ("  @   open  ", ("open",)),
    ],
)
def test_a_moment_is_not_read_as_an_instrument(line: str, words: tuple[str, ...]) -> None:
    found = parse_command(line, {"OPEN", "NOW", "AAPL"})
    assert isinstance(found, Command)
    assert (found.action.id, found.symbol, found.arguments) == ("past.go", "", words)


def test_now_goes_back() -> None:
    found = parse_command("NOW", {"AAPL"})
    assert isinstance(found, Command)
    assert found.action.id == "past.leave"
