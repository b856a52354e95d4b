"""LIVE money on the screen: said in words on every order surface, armed by typing, and read once more before it leaves."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.accounts import AccountKind
from tests.fakes.fake_desk import DeskCommands
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import SIZES, Head
from tests.tui.test_ticket_window import previewed, write


def real(desk: DeskCommands) -> None:
    """The account holds real money."""
    desk.link.market.kind = AccountKind.LIVE


async def arm(head: Head, typed: str = "0817 5000 60") -> None:
    await head.press("A")
    assert "LIVE: account letters, amount, minutes:" in head.rows()[-2]
    await head.type(typed)
    await head.press("enter")


@pytest.mark.covers("R11")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_arming_is_typed_and_the_frame_says_live(size: tuple[int, int]) -> None:
    async with desk_head(size, prepare=real) as (head, _):
        assert "LIVE" in head.rows()[0]
        await arm(head)
        await until(head, lambda: bool(head.app.status.armed_until()))
        assert "LIVE ● ARMED 1:00:00" in head.rows()[0] or "LIVE" in head.rows()[0]
        assert head.rows()[5][0] == "█"


@pytest.mark.covers("R11")
@pytest.mark.parametrize("typed", ["", "0817", "0817 lots", "0818 5000", "0817 NaN", "main"])
async def test_anything_else_leaves_it_safe(typed: str) -> None:
    async with desk_head(prepare=real) as (head, _):
        await arm(head, typed)
        await head.settle()
        assert not head.app.status.armed_until()
        assert "SAFE" in head.rows()[0]


@pytest.mark.covers("R13")
async def test_a_large_live_order_is_read_once_more_before_it_leaves() -> None:
    async with desk_head(prepare=real) as (head, desk):
        await arm(head)
        await until(head, lambda: bool(head.app.status.armed_until()))
        desk.previews.clear()  # the engine has not judged it: nobody knows that it is small
        await head.press("b")
        await write(head, "100 lmt 231.40")
        await head.press("enter")
        text = head.text()
        assert "REAL MONEY from main" in text
        assert "BUY 100 AAPL.XNAS" in text
        assert "23,140.00 USD, 22.1% of the equity" in text
        await head.press("escape")
        assert desk.submitted == []
        await head.press("enter")
        assert desk.submitted == []
        await head.press("enter")
        await until(head, lambda: len(desk.submitted) == 1)
        assert not desk.submitted[0].is_staged


async def test_paper_is_sent_without_a_second_question_and_says_paper() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "100 lmt 231.40")
        await previewed(head)
        assert "PAPER · main · ARMED" in head.text()
        await head.press("enter")
        assert len(desk.submitted) == 1


@pytest.mark.parametrize(("kind", "word"), [(AccountKind.PAPER, "PAPER ·"), (AccountKind.LIVE, "LIVE ·")])
async def test_whose_money_it_is_stands_before_every_question_about_orders(kind: AccountKind, word: str) -> None:
    def prepare(desk: DeskCommands) -> None:
        desk.link.market.kind = kind

    async with desk_head(only=("orders",), prepare=prepare) as (head, _):
        head.app.run_action_id("trading.flatten")
        await head.settle()
        assert f"{word} type FLATTEN" in head.rows()[-2]


@pytest.mark.covers("R20", "R21")
@pytest.mark.parametrize(("line", "told"), [("UNLOCK", "practice PAPER"), ("UNLOCK money", "money LIVE")])
async def test_a_passphrase_is_typed_unseen_and_stays_nowhere(line: str, told: str) -> None:
    async with desk_head() as (head, desk):
        for phrase, words in (("not this one", "The passphrase is wrong"), ("open sesame please", f"joined: {told}")):
            await head.press(":")
            await head.type(line)
            await head.press("enter")
            await head.settle()
            await head.type(phrase)
            assert phrase not in head.text()
            assert "*" * len(phrase) in head.rows()[-2]
            await head.press("enter")
            await until(head, lambda words=words: words in head.text())  # type: ignore[misc] # bound now
        assert phrase not in repr(desk.asked)
