"""The watchlist: rows, flashes, staleness, moving, adding, removing, sorting, finding."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.screen import Screen

from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase
from stockpulse_tui.direct import FinishedUpdate
from stockpulse_tui.widgets.board import Board
from tests.fakes.fake_link import T0
from tests.fakes.fake_terminal import FakeTerminal
from tests.tui.harness import SIZES, Head, running_head, same_as_snapshot


def board_of(head: Head) -> Board:
    pane = head.app.view.panes["watchlist"]
    assert isinstance(pane, Board)
    return pane


def row_of(head: Head, symbol: str) -> str:
    return next(row for row in board_of(head).text_rows() if row[1:].startswith(f"{symbol} "))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_board_looks_as_it_did(size: tuple[int, int]) -> None:
    async with running_head(size) as head:
        assert same_as_snapshot(f"board-{size[0]}x{size[1]}", "\n".join(board_of(head).text_rows()))


async def test_only_rows_with_new_quotes_are_baked_again() -> None:
    async with running_head((200, 60)) as head:
        board = board_of(head)
        before = list(board.render_lines(board.size.region))
        frame = head.link.market.move(2)
        head.link.send(frame)
        await head.settle()
        after = board.render_lines(board.size.region)
        moved = {q.instrument_id for q in frame.quotes}
        changed = {board.rows[y - 2 + board.top].id for y in range(2, len(after)) if after[y] is not before[y]}
        assert changed <= moved
        assert changed


async def test_a_changed_price_lights_its_changed_digits_only() -> None:
    async with running_head() as head:
        market, board = head.link.market, board_of(head)
        nvda = next(i for i in market.instruments if i.symbol == "NVDA")
        market.last[nvda.instrument_id] = Decimal("148.92")
        head.clock.advance(1_000_000_000)
        head.link.send(market.delta(quotes=(market.quote(nvda, head.clock.now_ns()),)))
        await head.settle()
        board.text_rows()
        line = board._drawn[4]
        assert next(span.text for span in line if span.bg == "up_bg2") == "2"
        head.clock.advance(400_000_000)
        board._fade()
        board.text_rows()
        assert "up_bg2" not in [span.bg for span in board._drawn[4] if span.text == "2"]


async def test_a_stale_row_is_faint_with_its_age() -> None:
    async with running_head() as head:
        await head.tick(75)
        head.link.send(
            head.link.market.delta(quotes=(head.link.market.quote(head.link.market.instruments[0], T0 + 75 * 10**9),))
        )
        await head.tick(1)
        assert "1:16 old" in row_of(head, "MSFT")
        assert "old" not in row_of(head, "AAPL")


async def test_a_halted_instrument_says_so() -> None:
    async with running_head() as head:
        status = InstrumentStatus("MSFT.XNAS", MarketPhase.OPEN, True, T0, "volatility")
        head.link.send(head.link.market.delta(statuses=(status,)))
        await head.settle()
        assert "halted" in row_of(head, "MSFT")


async def test_held_instruments_are_marked_until_sold() -> None:
    async with running_head() as head:
        assert row_of(head, "NVDA").startswith("▪")
        held = next(p for p in head.link.market.positions() if p.instrument_id == "NVDA.XNAS")
        head.link.send(head.link.market.delta(positions=(replace(held, quantity=Decimal(0)),)))
        await head.settle()
        assert row_of(head, "NVDA").startswith(" ")


async def test_removing_and_undoing() -> None:
    async with running_head() as head:
        await head.press("j", "x")
        assert board_of(head).rows[1].symbol == "NVDA"
        assert "MSFT removed, u brings it back" in head.rows()[-2]
        await head.press("u")
        assert board_of(head).rows[1].symbol == "MSFT"


async def test_adding_by_braces_keeps_what_is_unknown_in_sight(tmp_path: Path) -> None:
    file = tmp_path / "watchlists.json"
    async with running_head(watch_file=file) as head:
        await head.press("x", "x", "a")
        await head.type("{aapl,msft} zzz")
        await head.press("enter")
        assert [row.symbol for row in board_of(head).rows][-2:] == ["AAPL", "MSFT"]
        assert "added AAPL, MSFT; not known here: ZZZ" in head.rows()[-2]
        assert "AAPL" in file.read_text()


async def test_sorting_by_change_and_back() -> None:
    async with running_head() as head:
        await head.press("s", "s")
        board = board_of(head)
        assert board.sort == "chg%"
        changes = [row.change for row in board.rows if row.change is not None]
        assert changes == sorted(changes, reverse=True)
        assert board.current is not None
        assert board.current.symbol == "AAPL", "the cursor stays on its instrument"
        await head.press("S")
        assert [row.change for row in board.rows if row.change is not None] == sorted(changes)
        await head.press("s", "s", "s")
        assert board.sort == ""
        assert board.rows[0].symbol == "AAPL"


async def test_find_moves_as_one_types_and_esc_drops_it() -> None:
    async with running_head() as head:
        await head.press("slash")
        await head.type("ko")
        current = board_of(head).current
        assert current is not None
        assert current.symbol == "KO"
        await head.press("escape", "j")
        current = board_of(head).current
        assert current is not None
        assert current.symbol == "F"


async def test_groups_follow_the_sectors_until_one_makes_own_ones() -> None:
    async with running_head() as head:
        await head.press("right_square_bracket")
        assert {row.symbol for row in board_of(head).rows} == {
            "AAPL", "MSFT", "NVDA", "AMD", "GOOGL", "META", "PLTR", "IBM", "INTC",
        }  # fmt: skip


async def test_the_last_row_comes_into_sight() -> None:
    async with running_head((80, 24)) as head:
        await head.press("G")
        assert row_of(head, "BA")
        assert "36 of 36" in head.rows()[2]
        await head.press("g", "g")
        assert row_of(head, "AAPL")


async def test_the_cell_under_the_cursor_is_explained_by_the_engine() -> None:
    async with running_head() as head:
        await head.press("l", "l", "question_mark")
        assert ("explain", "chg%", "AAPL.XNAS") in head.link.fake_commands.asked
        text = head.text()
        assert "AAPL  chg%" in text
        assert "formula" in text
        assert "sim venue" in text


async def test_a_cell_is_copied_with_a_plain_minus() -> None:
    async with running_head() as head:
        await head.press("j", "l", "l", "y")
        assert head.app.clipboard == "-0.63%"
        await head.press("Y")
        assert '"instrument":"MSFT"' in head.app.clipboard


async def test_the_mouse_moves_the_cursor() -> None:
    async with running_head() as head:
        await head.pilot.click("#pane-watchlist", offset=(5, 6))
        await head.settle()
        current = board_of(head).current
        assert current is not None
        assert current.symbol == board_of(head).rows[4].symbol


async def test_changed_cells_go_straight_to_the_terminal_and_equal_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_head((80, 24)) as head:
        written: list[str] = []
        shown = head.app._display

        def display(screen: Screen[object], update: object) -> None:
            if isinstance(update, FinishedUpdate):
                written.append(update.render_segments(head.app.console))
            shown(screen, update)  # type: ignore[arg-type] # whatever Textual hands over

        monkeypatch.setattr(head.app, "_display", display)
        frame = head.link.market.move(5)
        before = head.rows()
        head.link.send(frame)
        await head.settle()
        assert len(written) == 1
        terminal = FakeTerminal(*head.app.size)
        for y, row in enumerate(before):
            terminal.write(f"\x1b[{y + 1};1H{row}")
        terminal.write(written[0])
        board = board_of(head)
        top, height = board.region.y, board.region.height
        painted = [terminal.row(y) for y in range(len(before))]
        assert painted[top : top + height] == head.rows()[top : top + height]
        assert painted != before


async def test_under_a_window_nothing_goes_straight_to_the_terminal() -> None:
    async with running_head((80, 24)) as head:
        await head.press("colon")
        assert not head.app.direct.is_open
        head.link.send(head.link.market.move(5))
        await head.settle()
        await head.press("escape")
        assert head.app.direct.is_open
        board = board_of(head)
        assert head.rows()[3][1:-1] == board.text_rows()[1]
