"""Keys as a real terminal delivers them: Esc and a key in one write are Esc and the key."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import pytest

from tests.system.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


APP = f"{sys.executable} -m tests.tui.dev_app"


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal("keys", APP) as made:
        made.wait_for("F1 keys")
        yield made


def has_ticket(screen: str) -> bool:
    return "Esc discard" in screen


def test_esc_with_a_digit_closes_the_ticket_and_changes_the_screen(terminal: Terminal) -> None:
    terminal.press(("b",))
    terminal.wait_until(has_ticket, "the ticket")
    terminal.press(("1", "0", "0"))
    terminal.wait_for("AAPL 100")
    terminal.press(("Escape", "5"))
    screen = terminal.wait_until(lambda text: "Working" in text and not has_ticket(text), "the orders")
    assert "™" not in screen
    terminal.press(("1",))
    terminal.wait_for("Watchlist")


def test_what_is_typed_right_behind_b_stands_behind_the_symbol(terminal: Terminal) -> None:
    terminal.press(("b", "1", "0", "0"))
    terminal.wait_for("buy AAPL 100")
    terminal.press(("Escape", "j", "b", "5"))
    terminal.wait_for("buy MSFT 5")


def test_what_is_typed_while_it_starts_stands_behind_the_symbol_too() -> None:
    with Terminal("early", APP) as made:
        made.press(("b", "1", "0", "0"))
        made.wait_for("buy AAPL 100")


def test_esc_with_a_colon_closes_the_ticket_and_opens_the_command_line(terminal: Terminal) -> None:
    terminal.press(("b",))
    terminal.wait_until(has_ticket, "the ticket")
    terminal.press(("Escape", ":", "t", "h", "e", "m", "e"))
    terminal.wait_until(lambda text: "Tab completes" in text and "THEME name" in text, "the command line")
    terminal.press(("Escape", "b"))
    terminal.wait_until(lambda text: has_ticket(text) and "Tab completes" not in text, "a ticket again")
