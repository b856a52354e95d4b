"""The review of a session on the screen, and orders named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_tui.widgets.day import Day
from stockpulse_tui.widgets.day_order import DayOrderPane
from tests.fakes.fake_book import BookCommands
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot


async def to_day(head: Head) -> None:
    """D on the positions screen."""
    await head.press("D")
    await rest(head)


async def command(head: Head, line: str) -> None:
    """Type a command line and run it."""
    await head.press("colon")
    await head.type(line)
    await head.press("enter")
    await rest(head)


def asked(desk: BookCommands, kind: str) -> list[tuple[str, ...]]:
    """Requests of a kind."""
    return [one for one in desk.asked if one[0] == kind]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_day_looks_as_it_did(size: tuple[int, int]) -> None:
    async with book_head(size, screen="4") as (head, _):
        await to_day(head)
        assert same_as_snapshot(f"day-{size[0]}x{size[1]}", inside(head))


async def test_the_summary_says_result_costs_and_kills() -> None:
    async with book_head(screen="4") as (head, _):
        await to_day(head)
        text = head.text()
        assert "result +80.77" in text
        assert "spread +0.64" in text
        assert "kills survived 1" in text


async def test_each_order_is_on_its_chart_with_its_costs() -> None:
    async with book_head(screen="4") as (head, _):
        await to_day(head)
        text = head.text()
        assert "Order  NVDA sell 80 limit 149.60" in text
        assert "arrived at 149.585   filled at 149.61" in text
        assert "best +12.40   worst −31.00" in text
        await head.press("j")
        await rest(head)
        assert "Order  MSFT buy 24 market" in head.text()


async def test_a_refusal_tells_its_rule() -> None:
    async with book_head(screen="4") as (head, _):
        await to_day(head)
        await head.press("G")
        await rest(head)
        assert "refused by rule BUYING_POWER" in head.text()
        assert "Buying power 71,204.33 is too small" in head.text()


async def test_w_writes_the_page_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with book_head(screen="4") as (head, _):
        await to_day(head)
        await head.press("w")
        page = (tmp_path / "stockpulse-day-2026-11-20.md").read_text(encoding="utf-8")
        assert page.startswith("# 2026-11-20")
        assert "BUYING_POWER" in page
        assert "written:" in head.text()


async def test_esc_leads_back_and_another_session_can_be_named() -> None:
    async with book_head(screen="4") as (head, desk):
        await command(head, "DAY 2026-11-19")
        assert ("day", "2026-11-19") in desk.asked
        await head.press("escape")
        await head.settle()
        assert head.app.view_id == "screen.positions"


async def test_a_day_that_can_not_be_read_says_so() -> None:
    async with book_head(screen="4") as (head, desk):
        desk.is_lost = True
        await to_day(head)
        assert "The day could not be read" in head.text()


async def test_an_order_is_canceled_by_its_name_and_only_that_one() -> None:
    async with book_head(screen="5") as (head, desk):
        await command(head, "CANCEL 04TSLA")
        assert [one[1] for one in asked(desk, "cancel")] == ["C04TSLA"]
        await command(head, "CANCEL C0")
        assert "no orders here have an id like C0" in head.text()
        assert len(asked(desk, "cancel")) == 1


async def test_names_work_where_no_order_has_the_focus() -> None:
    async with book_head() as (head, desk):
        await command(head, "CANCEL C04TSLA")
        assert [one[1] for one in asked(desk, "cancel")] == ["C04TSLA"]
        await command(head, "CANCELALL NVDA")
        assert asked(desk, "cancel many")[0][1] == "NVDA"
        await command(head, "WHY C02NVDA")
        assert "Life  of NVDA" in head.text()
        await command(head, "LOT NVDA")
        assert "Lots  of NVDA" in head.text()


@pytest.mark.parametrize("keys", [("5",), ("4",), ("6",), ("4", "D")], ids=["orders", "positions", "ladder", "day"])
async def test_every_screen_fits_ascii_terminals(keys: tuple[str, ...]) -> None:
    async with book_head((200, 60), glyphs="ascii") as (head, _):
        for key in keys:
            await head.press(key)
            await rest(head)
        assert head.text().isascii()


async def test_in_mono_gains_and_losses_differ_by_a_character() -> None:
    async with book_head((120, 40), screen="4", theme="mono") as (head, _):
        rows = {row.split()[0].lstrip("▌"): row for row in head.rows()[4:14] if row.split()}
        assert "+357.60" in rows["NVDA"]
        assert "−201.60" in rows["TSLA"]
        await head.press("5")
        assert "BUY" in head.text()
        assert "SELL" in head.text()


async def test_arming_moves_nothing_on_these_screens() -> None:
    async with book_head(screen="5") as (head, _):
        before = head.rows()
        await head.press("A")
        after = head.rows()
        for y in range(2, 38):
            assert after[y][1:-1] == before[y][1:-1], f"row {y} moved"


async def test_the_title_says_where_one_is_only_in_a_list_longer_than_the_pane() -> None:
    async with book_head(screen="4") as (head, _):
        await to_day(head)
        day = head.app.view.panes["day"]
        assert isinstance(day, Day)
        day.room = 1  # as before it was drawn for the first time
        title = "".join(span.text for span in day.draw(*day.size)[0])
        assert " of " not in title


async def test_a_pane_that_gets_more_room_shows_more_bars() -> None:
    async with book_head((120, 40), screen="4") as (head, _):
        await to_day(head)
        order = next(pane for pane in head.app.view.panes.values() if isinstance(pane, DayOrderPane))
        before = len(order.bars)
        await head.pilot.resize_terminal(200, 60)
        await rest(head)
        assert len(order.bars) > before
