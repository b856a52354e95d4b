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


def test_its_own_code_goes_back_and_leaves_an_instrument_called_now_alone() -> None:
    found = parse_command("PRESENT", {"NOW"})
    assert isinstance(found, Command)
    assert found.action.id == "past.leave"
    instrument = parse_command("NOW", {"NOW"})
    assert isinstance(instrument, Command)
    assert instrument.symbol == "NOW"
