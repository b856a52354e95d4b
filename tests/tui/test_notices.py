"""Notices can be read whole: they take the rows they need, stay as long as reading takes, and are kept."""

from __future__ import annotations

import pytest

from stockpulse_tui.widgets.footer import NOTICE_S
from tests.tui.harness import SIZES, Head, running_head

LONG = (
    "The order was denied: PRICE_COLLAR: a limit of 740.00 is 24.9 % above the last price of 592.44, more than the 10 % "
    "that risk.collar_fraction allows. Fix: limit 651.68 or less, or raise risk.collar_fraction in config.toml and restart."
)


def joined(head: Head) -> str:
    """The words of the screen, however they are broken into rows."""
    return " ".join(" ".join(head.rows()).split())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_long_notice_is_readable_to_its_last_word(size: tuple[int, int]) -> None:
    async with running_head(size) as head:
        head.app.notify_line(LONG, "danger")
        await head.settle()
        assert LONG in joined(head)
        assert "● feed" in head.rows()[-1], "the health line stays"
        assert {len(row) for row in head.rows()} == {size[0]}


async def test_it_stays_as_long_as_reading_takes_and_then_the_keys_are_back() -> None:
    async with running_head((80, 24)) as head:
        before = head.rows()
        head.app.notify_line(LONG, "danger")
        await head.settle()
        notice = head.app.shell_screen.footer.notice
        assert notice is not None
        assert notice.seconds > 2 * NOTICE_S
        head.app.shell_screen.footer.clear()
        await head.settle()
        assert head.rows() == before


async def test_a_price_that_moves_below_it_does_not_shine_through() -> None:
    async with running_head((80, 24)) as head:
        head.app.notify_line(LONG, "danger")
        await head.settle()
        for _ in range(5):
            head.link.send(head.link.market.move(36))
            await head.settle()
            assert LONG in joined(head)


async def test_esc_takes_it_away() -> None:
    async with running_head((80, 24)) as head:
        head.app.notify_line(LONG, "danger")
        await head.settle()
        await head.press("escape")
        assert "denied" not in head.text()
        assert "F1 keys" in head.text()


async def test_it_is_readable_while_a_line_is_typed() -> None:
    async with running_head((80, 24)) as head:
        await head.press("slash")
        await head.type("A")
        head.app.notify_line(LONG, "danger")
        await head.settle()
        assert LONG in joined(head)
        assert " / A" in head.rows()[-2]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_was_said_is_kept(size: tuple[int, int]) -> None:
    async with running_head(size) as head:
        head.app.notify_line("first", "info")
        await head.tick(12)
        head.app.notify_line(LONG, "danger")
        head.app.shell_screen.footer.clear()
        await head.press("f4")
        text = joined(head)
        assert "Notices" in text
        assert text.index("! The order was denied") < text.index("12 s ago first")
        for word in LONG.split():
            assert word in text
        await head.press("escape", "colon")
        await head.type("MSG")
        await head.press("enter")
        assert "12 s ago first" in joined(head)


async def test_before_anything_was_said() -> None:
    async with running_head() as head:
        await head.press("f4")
        assert "Nothing was said yet." in head.text()


async def test_no_line_of_the_help_is_cut_in_a_small_terminal() -> None:
    async with running_head((80, 24)) as head:
        await head.press("f1")
        seen = joined(head)
        for _ in range(20):
            await head.press("j")
            seen += joined(head)
        assert "Go to the last row, or to the newest bar of a chart." in seen.replace("  ", " ")
