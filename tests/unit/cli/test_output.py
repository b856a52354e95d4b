"""What is printed: stable names, plain numbers, and nothing from outside that could drive the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.cli import follow, halting, market, output
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.market import BarSpec, NewsItem, Quote
from stockpulse_engine.domain.views import HaltView

HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold]Ruin\u202e\x9b31m of AAPL\r\n"
DANGEROUS = {"\x1b", "\x9b", "\x07", "\r", "\u202e"}


class Teletype(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        """It says that it is one."""
        return True


def printed(work: Callable[[], object], *, on: type[io.StringIO] = io.StringIO) -> str:
    """What `work` prints on a terminal, or on paper."""
    stream = on()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        work()
    return stream.getvalue()


def test_records_get_their_field_names_and_decimals_stay_text() -> None:
    quote = Quote("AAPL.XNAS", Decimal("1.10"), Decimal("1.20"), Decimal(1), Decimal(2), 5, "sim", None, Decimal(0))
    named = output.named({"rows": (quote,), "spec": BarSpec(5, "m")})
    assert isinstance(named, dict)
    assert named["spec"] == "5m"
    assert named["rows"][0]["bid"] == Decimal("1.10")
    assert list(named["rows"][0])[:3] == ["instrument_id", "bid", "ask"]


@pytest.mark.parametrize(
    ("value", "places", "sign", "shown"),
    [
        (None, None, False, "·"),
        (Decimal("1234567.5"), None, False, "1,234,567.5"),
        (Decimal("-0.005"), 2, True, "-0.00"),
        (Decimal(7), 2, True, "+7.00"),
        (Decimal("1E+3"), None, False, "1,000"),
    ],
)
def test_numbers(value: Decimal | None, places: int | None, sign: bool, shown: str) -> None:
    assert output.number(value, places, sign=sign) == shown


def gains() -> None:
    output.emit_table(("name", "P&L"), [["a", "+1.00"], ["b", "-1.00"]])
    output.emit_pairs([("day", "+1.00")])


def test_signs_are_coloured_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"\x1b[32m+1.00\x1b[0m", "\x1b[31m-1.00\x1b[0m"} <= set(printed(gains, on=Teletype).split())
    assert "\x1b" not in printed(gains)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed(gains, on=Teletype)


class NewsDesk:
    """An engine with one hostile headline."""

    def news(self, limit: int) -> list[NewsItem]:
        """That headline."""
        return [NewsItem(HOSTILE, (f"AAPL{HOSTILE}",), 1, "wire", -1)]


def test_a_headline_can_not_drive_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(market, "engine", NewsDesk)
    text = printed(lambda: market.news(limit=1), on=Teletype)
    assert not set(text) & DANGEROUS
    assert "[bold]Ruin of AAPL" in text, "markup is plain text"
    assert len(text.splitlines()) == 2, "one heading, one headline, no line of its own making"


def quoted() -> None:
    quote = Quote(HOSTILE, Decimal(1), Decimal(2), Decimal(1), Decimal(1), 5, HOSTILE, None, Decimal(0))
    follow._print(quote, as_json=False)
    halt = HaltView(state=TradingState.HALTED, reason=HOSTILE, since=0, actor=HOSTILE, is_latched=True)
    halting.show_halt(halt, as_json=False)
    output.emit_prose(f"# {HOSTILE}\n| {HOSTILE} |")


def test_names_and_reasons_can_not_either(capsys: pytest.CaptureFixture[str]) -> None:
    assert not set(printed(quoted)) & DANGEROUS
    output.say_error("Denied", HOSTILE)
    assert not set(capsys.readouterr().err) & DANGEROUS


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_table_has_one_line_per_row_whatever_is_in_it(cells: list[str]) -> None:
    text = printed(lambda: output.emit_table(["x"] * len(cells), [cells, cells]))
    assert text.count("\n") == len(text.splitlines()) == 3
