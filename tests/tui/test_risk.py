"""The risk screen: the fullest limit first, what waits counted down, and nothing raised without being meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.risk import KillProof, RiskView
from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_tui.risk_rows import now_lines
from tests.fakes.fake_link import T0
from tests.fakes.fake_risk import NOW, FakeRisk, risk_view, stopped_view
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot

SECOND = 1_000_000_000


def at_head(view: RiskView) -> RiskView:
    """The same view with its wall times moved to the head's clock."""
    moved = T0 - NOW
    kill = view.kill
    if kill.halted_at:
        kill = structs.replace(kill, halted_at=kill.halted_at + moved, resumed_at=kill.resumed_at + moved)
    return structs.replace(
        view,
        kill=kill,
        waiting=tuple(
            structs.replace(one, acts_at=one.acts_at + moved, recorded_at=one.recorded_at + moved)
            for one in view.waiting
        ),
        paused=tuple(structs.replace(one, probe_at=one.probe_at + moved) for one in view.paused),
        stops=tuple(structs.replace(one, since=one.since + moved) for one in view.stops),
    )


class Away(FakeRisk):
    """An engine that can not tell."""

    def view(self, account_id: str = "", *, strategy: str = "", instrument_id: str = "") -> RiskView:
        raise UnavailableError("The engine does not answer.", fix="Run `sp doctor`.")


@asynccontextmanager
async def risk_head(
    size: tuple[int, int] = (120, 40), view: RiskView | None = None
) -> AsyncIterator[tuple[Head, FakeRisk]]:
    """A head on the risk screen, and the engine's risk behind it."""
    async with book_head(size) as (head, desk):
        desk.risk.shown = at_head(view or risk_view())
        await keys(head, "7")
        yield head, desk.risk


async def keys(head: Head, *names: str) -> None:
    """Press keys and let the answers come."""
    await head.press(*names)
    await rest(head)


def row_of(head: Head, name: str) -> str:
    """The row that begins with a limit's words."""
    return next(row for row in head.rows() if row[1:].startswith(name) or row[2:].startswith(name))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    async with risk_head(size) as (head, _):
        assert same_as_snapshot(f"risk-{size[0]}x{size[1]}", inside(head))


async def test_a_stopped_account_says_why_until_when_and_is_freed_by_a_word() -> None:
    async with risk_head(view=stopped_view()) as (head, risk):
        assert "REDUCING" in head.text()
        assert "daily loss 3,010.20 of 3,000.00" in head.text()
        assert "until the next session, or RELEASE" in head.text()
        await keys(head, "R")
        await head.type("release")
        await keys(head, "enter")
        assert risk.effects == []
        assert "type the word RELEASE" in head.text()
        await keys(head, "R")
        await head.type("RELEASE")
        await keys(head, "enter")
        assert risk.effects == ["release"]
        assert "REDUCING" not in inside(head)


async def test_a_limit_is_lowered_by_one_line_and_raised_only_after_a_question() -> None:
    async with risk_head() as (head, risk):
        await keys(head, "j", "j", "j", "e")
        assert "max_gross" in head.rows()[-2]
        for _ in range(4):
            await head.press("backspace")
        await head.type("1.20")
        await keys(head, "enter")
        assert risk.effects.pop() == "limit max_gross 1.20"
        assert "max_gross is 1.20 now" in head.text()
        await keys(head, "e")
        for _ in range(4):
            await head.press("backspace")
        await head.type("9")
        await keys(head, "enter")
        assert "This raises max_gross of all from 1.50 to 9." in head.text()
        await keys(head, "escape")
        assert risk.effects == []
        await head.press("colon")
        await head.type("LIMIT max_gross 9")
        await keys(head, "enter")
        await keys(head, "enter")
        assert risk.effects == ["limit max_gross 9"]
        assert "max_gross will be 9 in 60 s" in head.text()
        await keys(head, "e", "enter")
        assert "left as it is" in head.text()


@pytest.mark.covers("R12")
async def test_a_raise_counts_down_before_everybodys_eyes_and_is_taken_back() -> None:
    async with risk_head() as (head, risk):
        assert "gross exposure 1.50 → 1.80" in head.text()
        assert "in 41 s" in head.text()
        await head.tick(5)
        await rest(head)
        assert "in 36 s" in head.text()
        await keys(head, "w")
        assert risk.effects == ["withdraw R-raise-1"]
        assert "max_gross stays 1.50" in head.text()


async def test_enter_leads_to_what_fills_a_limit() -> None:
    async with risk_head() as (head, _):
        await keys(head, "enter")
        assert (head.app.view_id, head.app.instrument_id) == ("screen.positions", "AAPL.XNAS")
        await keys(head, "7", "j", "enter")
        assert "max_open_orders" in head.rows()[-2]
        await keys(head, "escape", "tab", "tab", "j", "enter")
        assert (head.app.view_id, head.app.instrument_id) == ("screen.positions", "MSFT.XNAS")


async def test_all_limits_are_listed_where_there_is_room_and_when_asked_for() -> None:
    async with risk_head() as (head, _):
        assert "GME.XNYS" in row_of(head, "restricted")
        await keys(head, "a")
        assert "restricted" not in inside(head)
        await keys(head, "tab", "a")
        assert "GME.XNYS" in row_of(head, "restricted")
    async with risk_head((80, 24)) as (head, _):
        assert "restricted" not in inside(head)
        await keys(head, "a", "G")
        assert "GME.XNYS" in row_of(head, "restricted")


async def test_an_account_without_anything_says_so() -> None:
    calm = structs.replace(
        risk_view(), exposures=(), waiting=(), paused=(), kill=KillProof(), unknown_orders=0, unknown_worst=Decimal(0)
    )
    async with risk_head(view=calm) as (head, _):
        assert "Nothing is at stake" in head.text()
        assert "never pulled" in head.text()
        await keys(head, "w")
        assert "no raise waits" in head.text()


async def test_what_can_not_be_read_says_so_and_what_was_read_stays() -> None:
    async with book_head() as (head, desk):
        good, desk.risk = desk.risk, Away()
        await keys(head, "7")
        assert "The limits could not be read" in head.text()
        assert "sp doctor" in head.text()
        desk.risk = good
        await head.tick()
        await rest(head)
        assert row_of(head, "AAPL weight")
        desk.risk = Away()
        await head.tick()
        await rest(head)
        assert "could not be read again" in head.text()
        assert row_of(head, "AAPL weight")


def test_a_halt_tells_who_and_why() -> None:
    view = risk_view()
    halt = structs.replace(view.halt, state=TradingState.HALTED, reason="a drill", actor="cli")
    halted = structs.replace(view, state=TradingState.HALTED, halt=halt, kill=structs.replace(view.kill, resumed_at=0))
    text = "\n".join("".join(span.text for span in line) for line in now_lines(halted, NOW, 60, _glyphs()))
    assert "a drill, by cli" in text
    assert "not resumed" in text


def _glyphs() -> Glyphs:

    return FULL
