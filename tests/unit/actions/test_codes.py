"""The command line takes code and instrument in either order and never just says no."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.actions.codes import Command, Unknown, nearest, parse_command
from stockpulse_engine.actions.fuzzy import match
from stockpulse_engine.actions.registry import BY_CODE

SYMBOLS = frozenset({"AAPL", "MSFT", "GLD", "BRK.B", "W", "OR"})


def parsed(line: str) -> tuple[str, str, tuple[str, ...]]:
    command = parse_command(line, SYMBOLS)
    assert isinstance(command, Command), command
    return command.action.id, command.symbol, command.arguments


def test_code_and_instrument_come_in_either_order() -> None:
    assert parsed("AAPL GP 5m") == parsed("gp aapl 5m") == ("screen.chart", "AAPL", ("5m",))


def test_an_instrument_alone_is_described() -> None:
    assert parsed("brk.b") == ("instrument.describe", "BRK.B", ())
    assert parsed("AAPL.XNAS")[1] == "AAPL"


def test_a_word_that_is_both_is_the_code_alone_and_the_symbol_beside_a_code() -> None:
    assert parsed("W") == ("screen.desk", "", ())
    assert parsed("W GP") == ("screen.chart", "W", ())
    assert parsed("GP W") == ("screen.chart", "W", ())


def test_an_order_line_keeps_its_words() -> None:
    assert parsed("buy AAPL 100 lmt 231.40") == ("order.buy", "AAPL", ("100", "lmt", "231.40"))


def test_settings_and_action_words_are_understood() -> None:
    assert parsed("theme light") == ("app.theme", "", ("light",))
    assert parsed("quit")[0] == "app.quit"
    assert parsed("trading.arm")[0] == "trading.arm"


def test_an_unknown_code_gets_the_nearest_three() -> None:
    answer = parse_command("GPX", SYMBOLS)
    assert isinstance(answer, Unknown)
    assert len(answer.nearest) == 3
    assert "GP" in answer.nearest


def test_an_empty_line_is_nothing() -> None:
    assert parse_command("   ", SYMBOLS) is None


@given(st.text(max_size=600))
def test_any_line_is_understood_or_answered_with_three(line: str) -> None:
    answer = parse_command(line, SYMBOLS)
    assert answer is None or isinstance(answer, Command) or len(answer.nearest) == 3


@given(st.text(max_size=20), st.sampled_from(sorted(BY_CODE)))
def test_matched_places_spell_the_query(query: str, text: str) -> None:
    found = match(query, text)
    if found is not None and query.isascii():
        assert "".join(text[i] for i in found.places).casefold() == query.casefold()


def test_a_prefix_beats_a_scattered_match() -> None:
    prefix, scattered = match("gl", "GLD"), match("gl", "GOOGL")
    assert prefix is not None
    assert scattered is not None
    assert prefix.score > scattered.score
    assert nearest("APL", SYMBOLS)[0] == "AAPL"
