"""The head in a real terminal: from an empty home to a filled order, through a halt and a killed engine, and out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.orders import OrderStatus
from tests.system.pane import Pane
from tests.system.process import EngineProcess

WAIT_S = 30.0
LIVE = (r"PAPER", r"main +[\d,]+\.\d\d USD", r"● feed", r"SPY +\d+\.\d\d")
"""What a head that is live shows: account, a part of the engine that is well, a price."""


@pytest.fixture
def engine(home: Path) -> Iterator[EngineProcess]:
    """The engine of this home, to be started by whoever needs it; ended afterwards."""
    process = EngineProcess(home)
    try:
        yield process
    finally:
        process.__exit__(None, None, None)


@pytest.fixture
def terminal(home: Path) -> Iterator[Pane]:
    with Pane(home) as opened:
        yield opened


def open_desk(pane: Pane, home: Path) -> None:
    """Start `sp` and leave the welcome page of a new home by its first card."""
    pane.sp(home)
    pane.until(r"Simulated market", r"Enter begin")
    pane.press("Enter")
    pane.until(*LIVE)


def order_statuses(engine: EngineProcess) -> list[OrderStatus]:
    """Statuses of today's orders, newest first."""
    with engine.client() as client:
        return [order.status for order in client.orders("all")]


def write_order(terminal: Pane, key: str, words: str) -> None:
    """Open the ticket, type the line and wait for the engine's word on it."""
    terminal.press(key)
    terminal.until(r"› (buy|sell) SPY")
    terminal.type(words)
    terminal.until(re.escape(words.split(maxsplit=1)[0]), r"weight +.*→", r"checks +")


@pytest.mark.timeout(180)
def test_a_day_by_keys_from_an_empty_home(engine: EngineProcess, terminal: Pane, home: Path) -> None:
    open_desk(terminal, home)
    assert "SAFE" in terminal.text()

    write_order(terminal, "b", "2 lmt 500")
    terminal.press("Enter")
    terminal.until(r"sent by nobody")
    assert order_statuses(engine) == [OrderStatus.INITIALIZED], "SAFE keeps it"
    terminal.press("Escape", "A")
    terminal.until(r"ARMED \d\d:\d\d", gone="sent by nobody")

    write_order(terminal, "b", "3")
    terminal.press("Enter")
    terminal.until(r"FILLED", r"3 of 3 at \d+\.\d\d", r"fsync")
    terminal.press("Escape")

    write_order(terminal, "b", "4 lmt 500")
    terminal.press("Enter")
    terminal.until(r"WORKING +buy 4 SPY")
    terminal.press("Escape", "5")
    terminal.until(r"Working [12] ", r"BUY +4 +SPY +LMT +500\.00", r"1 fills today")
    terminal.until_true(lambda: "accepted" in terminal.text(), "the life of the order is shown")
    if not re.search(r"▌BUY +4 ", terminal.text()):
        terminal.press("j")
        terminal.until(r"▌BUY +4 ")
    terminal.press("c")
    terminal.until_true(lambda: OrderStatus.CANCELED in order_statuses(engine), "the order is canceled")
    terminal.until(r"1 fills today", gone=r"BUY +4 +SPY")
    assert order_statuses(engine).count(OrderStatus.FILLED) == 1

    terminal.press("4")
    terminal.until(r"SPY +3\b|SPY +\+3\b|\b3 +SPY")
    terminal.press("!", "!")
    terminal.until(r"HALTED")
    with engine.client() as client:
        assert client.halt_view().state is TradingState.HALTED
        assert client.halt_view().is_latched

    terminal.press("q")
    terminal.until(r"left-with 0")
    assert not terminal.flag("alternate_on"), "the screen from before is back"
    assert terminal.flag("cursor_flag"), "and so is the cursor"
    assert not terminal.flag("mouse_any_flag"), "and the mouse is the terminal's own again"
    terminal.type("echo still-a-shell")
    terminal.press("Enter")
    terminal.until(r"(?m)^still-a-shell$")
    assert engine.pid, "the engine goes on without heads"


@pytest.mark.timeout(180)
def test_an_engine_killed_under_a_head_is_said_in_words_and_comes_back(
    engine: EngineProcess, terminal: Pane, home: Path
) -> None:
    engine.start().close()
    open_desk(terminal, home)
    terminal.press("A")
    terminal.until(r"ARMED \d\d:\d\d")
    before = engine.pid
    engine.kill()
    lost = r"engine (has not answered|lost|does not answer)|not answered for"
    terminal.until(lost, r"frozen", gone=r"ARMED")  # a head without an engine is not armed
    engine.start().close()
    assert engine.pid not in (0, before)
    terminal.until(*LIVE, gone=r"frozen|not answered")
    with engine.client() as client:
        assert client.health().kills_survived == 1
        assert wait_until(lambda: client.health().heads == 1, WAIT_S)
    price = re.search(r"SPY +(\d+\.\d\d)", terminal.text())
    assert price is not None
    terminal.until_true(lambda: price[1] not in terminal.text(), "quotes move again")
    terminal.press("q")
    terminal.until(r"left-with 0")
    assert not terminal.flag("alternate_on")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
def test_the_head_fits_its_terminal(home: Path, engine: EngineProcess, columns: int, rows: int) -> None:
    engine.start().close()
    with Pane(home, columns=columns, rows=rows) as terminal:
        open_desk(terminal, home)
        lines = terminal.until(*LIVE).split("\n")
        assert max(map(len, lines)) <= columns
        assert len([line for line in lines if line.strip()]) > rows // 2, "no blank screen"
        terminal.press("2")
        terminal.until(r"sma20|SPY")
        terminal.press("q")
        terminal.until(r"left-with 0")
