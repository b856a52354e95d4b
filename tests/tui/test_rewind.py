"""A head that looks back: what was then, said on every screen; nothing of now in it, and no order out of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.actions.registry import ACTIONS, Role
from stockpulse_engine.client import calls
from stockpulse_engine.domain.errors import ForbiddenError, InvalidValueError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.past import PastView
from stockpulse_engine.wire.sql import SqlRequest
from stockpulse_engine.wire.stream import Alert
from stockpulse_tui.past_commands import BRAKES, LIVE, PastCommands
from stockpulse_tui.ports import Commands
from stockpulse_tui.rewind import LET_THROUGH
from stockpulse_tui.widgets.board import Board
from tests.fakes.fake_link import T0
from tests.fakes.fake_rewind import KNOWN, LAST, MOMENT, OLD, THEN, WORDS, RewindCommands
from tests.tui.book_head import head_of, inside, rest
from tests.tui.desk_head import until
from tests.tui.harness import SIZES, Head, same_as_snapshot

SAFE_READS = {"bars", "study", "explain", "orders", "order_life", "fills", "lots", "portfolio", "run_sql", "sql_views"}
SCREENS = ("1", "2", "4", "5", "6")


@asynccontextmanager
async def rewound(
    size: tuple[int, int] = (120, 40), *, screen: str = "1", is_there: bool = True, **settings: str
) -> AsyncIterator[tuple[Head, RewindCommands]]:
    """A head that was sent five minutes back by its command line."""
    async with head_of(RewindCommands, size, screen=screen, **settings) as (head, desk):
        if is_there:
            await go_back(head)
        yield head, desk


async def go_back(head: Head, text: str = "@ -5m", *, is_awaited: bool = True) -> None:
    """Type a line; a moment that it names is there when this returns."""
    await head.press("colon")
    await head.type(text)
    await head.press("enter")
    if is_awaited:
        await until(head, lambda: not head.app.rewind.asking)
    await rest(head)


def board(head: Head) -> Board:
    pane = head.app.view.panes["watchlist"]
    assert isinstance(pane, Board)
    return pane


# -- what is shown


@pytest.mark.parametrize("theme", ["dark", "mono"])
async def test_every_screen_says_in_words_that_it_is_then(theme: str) -> None:
    async with rewound(theme=theme, glyphs="ascii" if theme == "mono" else "full") as (head, _):
        assert head.app.painter_for(False).theme.name == f"{theme} past"
        for screen in SCREENS:
            await head.press(screen)
            await rest(head)
            rows = head.rows()
            assert f"@ REWOUND to {WORDS}." in head.text()
            assert " REWOUND " in rows[0]
            assert "@ 2026-11-20 10:27:07 ET" in rows[0]
            assert {row[0] for row in rows[1:-1]} == {row[-1] for row in rows[1:-1]} == {"<"}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_desk_of_then_looks_as_it_did(size: tuple[int, int]) -> None:
    async with rewound(size) as (head, _):
        assert "REWOUND" in head.text()
        assert f"REWOUND to {WORDS}" in head.text()
        assert same_as_snapshot(f"rewound-{size[0]}x{size[1]}", inside(head))


async def test_prices_positions_and_money_are_those_of_then_and_a_row_without_says_so() -> None:
    async with rewound() as (head, _):
        rows = {row.symbol: row for row in board(head).rows}
        assert {rows[symbol].last for symbol in KNOWN} == {LAST}
        assert (rows["AAPL"].last, rows["AAPL"].note) == (None, "not held")
        assert rows[OLD].note == "1:00:00 old" or rows[OLD].note.endswith("old")
        assert any("AAPL" in row and "not held" in row for row in head.rows())
        assert "99,000.50" in head.rows()[0]
        assert [key[1] for key in head.app.store.positions] == ["MSFT.XNAS"]
        assert "from the journal, as it stood" in head.text()


async def test_charts_studies_and_explanations_are_of_the_moment() -> None:
    async with rewound(screen="2") as (head, desk):
        reads = {path: at for path, at in desk.asked_then if path != "/v1/past"}
        assert reads["/v1/bars"] == reads["/v1/study"] == str(THEN)
        before = len(desk.bars_asked)
        await head.press("t")
        await rest(head)
        assert len(desk.bars_asked) == before, "a chart of the past asked for bars of now"
        await head.press("1", "question_mark")
        await rest(head)
        assert ("/v1/explain", str(THEN)) in desk.asked_then
        assert "lean, 1m bars" in head.text()
        assert re.search(r"age +7\.?0? s", head.text())


# -- now does not leak into then


async def test_what_happens_now_changes_nothing_but_is_told() -> None:
    async with rewound() as (head, _):
        market = head.link.market
        before = inside(head)
        for _ in range(5):
            head.link.send(market.move(36))
        head.link.send(market.delta(positions=tuple(market.positions()), accounts=(market.account(),)))
        await rest(head)
        assert inside(head) == before
        fill = Fill(
            fill_id="F9", client_order_id="C9", account_id="main", instrument_id="AAPL.XNAS", sign=1,
            quantity=Decimal(10), price=Decimal("232.1"), ts_event=T0,
        )  # fmt: skip
        head.link.send(market.delta(fills=(fill,)))
        await head.settle()
        assert "now: bought 10 AAPL at 232.10" in head.text()
        head.link.send(market.delta(alerts=(Alert(ts_event=T0, level="danger", text="margin call"),)))
        await head.settle()
        assert "now: margin call" in head.text()
        assert head.app.live.fills["F9"] == fill
        assert "F9" not in head.app.store.fills


async def test_back_to_now_shows_what_happened_meanwhile() -> None:
    async with rewound() as (head, _):
        market = head.link.market
        market.last["AAPL.XNAS"] = Decimal("300.00")
        head.link.send(market.delta(quotes=(market.quote(market.instruments[0], T0),)))
        await go_back(head, "@ now")
        assert "REWOUND" not in head.text()
        assert f"back from {WORDS}" in head.text()
        rows = {row.symbol: row for row in board(head).rows}
        assert rows["AAPL"].last == Decimal("300.00")
        assert not head.app.painter_for(False).theme.name.endswith(" past")
        assert {row[0] for row in head.rows()[1:-1]} == {" "}


async def test_esc_and_now_go_back_once_nothing_else_is_open() -> None:
    async with rewound() as (head, _):
        for keys in (("escape",), ("colon", *"present", "enter")):
            await go_back(head)
            await head.press("z")
            await head.press("escape")
            assert head.app.rewind.is_past, "Esc left the past while a pane was zoomed"
            await head.press(*keys)
            await rest(head)
            assert not head.app.rewind.is_past


async def test_esc_goes_back_from_screens_that_hear_it_themselves() -> None:
    async with rewound() as (head, _):
        for screen in ("2", "6"):  # whose panes hear Esc themselves
            await head.press(screen)
            await go_back(head)
            assert head.app.rewind.is_past
            await head.press("escape")
            await rest(head)
            assert not head.app.rewind.is_past, f"not from screen {screen}"


async def test_an_instrument_that_history_alone_knows_is_not_taken_along() -> None:
    async with rewound() as (head, desk):
        ibm = replace(head.app.live.instruments["AAPL.XNAS"], instrument_id="ZZZ.XNYS")
        view = desk.view()
        desk.way = [replace(view, instruments=(*view.instruments, ibm))]
        await go_back(head)
        await go_back(head, "GP ZZZ")
        assert head.app.instrument_id == "ZZZ.XNYS"
        await go_back(head, "PRESENT")
        assert head.app.instrument_id == "AAPL.XNAS"


async def test_the_instrument_stays_and_other_screens_come_along() -> None:
    async with rewound(is_there=False) as (head, _):
        head.app.pick_instrument("NVDA.XNAS")
        await go_back(head)
        assert head.app.instrument_id == "NVDA.XNAS"
        await head.press("4")
        await rest(head)
        assert "REWOUND" in head.text()
        await head.press("escape")
        await rest(head)
        assert (head.app.view_id, head.app.instrument_id) == ("screen.positions", "NVDA.XNAS")
        await head.press("1")
        await rest(head)
        assert "AAPL" in head.text()


# -- no order out of it


@pytest.mark.parametrize("action", [one for one in ACTIONS if one.role is not Role.VIEWER], ids=lambda one: str(one.id))
async def test_nothing_that_trades_is_done_but_what_brakes(action: object) -> None:
    from stockpulse_tui.rewind import Rewind

    rewind = Rewind.__new__(Rewind)
    rewind.moment = MOMENT
    refused = rewind.refuses(action.id)  # type: ignore[attr-defined] # an Action
    is_open = action.id in LET_THROUGH or action.id.startswith(("market.", "world."))  # type: ignore[attr-defined] # the same
    assert bool(refused) is not is_open
    if refused:
        assert WORDS in refused
        assert "`@ now` goes back" in refused


async def test_every_request_that_changes_anything_is_refused_at_the_last_door() -> None:
    async with rewound() as (head, desk):
        commands = head.app.link.commands
        asked = len(desk.asked)
        names = {name for name, _ in inspect.getmembers(Commands, inspect.isfunction) if not name.startswith("_")}
        for name in sorted(names - SAFE_READS - LIVE - {"set_halt", "arm", "send"}):
            with pytest.raises(ForbiddenError, match="Nothing is sent or changed"):
                await getattr(commands, name)("x")
        for action in ("flatten", "resume"):
            with pytest.raises(ForbiddenError, match=WORDS):
                await commands.set_halt(action, word=action.upper())
        with pytest.raises(ForbiddenError, match="armed"):
            await commands.arm("main")
        assert (len(desk.asked), desk.submitted, desk.modified) == (asked, [], [])
        with pytest.raises(ForbiddenError, match="Nothing is sent or changed"):
            await commands.send(calls.stop_engine())
        assert {"halt", "reduce"} == BRAKES


async def test_the_ticket_refuses_in_words() -> None:
    async with rewound() as (head, desk):
        assert "No order leaves from here" in head.text()
        for key in ("b", "v"):
            await head.press(key)
            assert "nothing is sent or changed from" in head.text()
            assert head.app.windows.top is None
        await head.press("tab", "tab")
        await head.type("buy AAPL 1 mkt")
        await head.press("enter", "enter")
        await go_back(head, "buy AAPL 10 lmt mid")
        assert "buy: nothing is sent or changed from" in head.text()
        assert (desk.submitted, desk.previewed, desk.modified) == ([], [], [])


async def test_the_brake_and_cancels_work_on_what_is_live() -> None:
    async with rewound() as (head, desk):
        await head.press("exclamation_mark", "exclamation_mark")
        await rest(head)
        assert ("halt", "") in desk.asked
        assert " HALTED " in head.rows()[0]
        assert " REWOUND " in head.rows()[0]
        await go_back(head, "CANCELALL AAPL")
        assert any(word[0].startswith("cancel") for word in desk.asked)


async def test_an_armed_head_is_safe_before_it_looks_back() -> None:
    async with rewound(is_there=False) as (head, desk):
        await head.press("A")
        await rest(head)
        assert head.app.status.armed_until()
        await go_back(head)
        assert ("arm", "main", "0") in desk.asked
        assert not head.app.status.armed_until()


async def test_a_statement_sees_what_was_known_then() -> None:
    seen: list[SqlRequest] = []

    class Noted(RewindCommands):
        async def run_sql(self, asked: SqlRequest) -> object:  # type: ignore[override] # only what was asked matters
            seen.append(asked)
            return None

    async with head_of(Noted) as (_, desk):
        await PastCommands(desk, MOMENT).run_sql(SqlRequest(statement="SELECT 1"))  # type: ignore[arg-type] # a fake
    assert seen[0].as_of == "2026-11-20T15:27:07.412000+00:00"


# -- the way there


async def test_the_way_is_told_and_can_be_given_up() -> None:
    async with rewound(is_there=False) as (head, desk):
        desk.way = [PastView(moment=MOMENT, is_ready=False, done=0.42, step="reading the journal")] * 2
        desk.gate.clear()
        await go_back(head, is_awaited=False)
        assert "Looking back to -5m: asking." in head.text()
        await head.press("escape")
        assert "-5m is not looked back to" in head.text()
        assert "Looking back" not in head.text()
        desk.gate.set()
        await rest(head)
        assert not head.app.rewind.is_past, "an answer that came late took the head along"


async def test_how_far_it_is_stands_in_the_banner() -> None:
    async with rewound(is_there=False) as (head, desk):
        desk.is_slow = True  # the first answer is how far it is, the next one does not come
        head.app.rewind.go("-5m")
        await until(head, lambda: ("/v1/past", str(THEN)) in desk.asked_then)
        assert f"Looking back to {WORDS}: reading the journal (42%)." in head.text()
        head.app.rewind.give_up()


async def test_what_is_no_moment_is_refused_with_the_fix() -> None:
    async with rewound(is_there=False) as (head, desk):
        desk.refuses = InvalidValueError("'soon' is not a moment.", fix="Say 11:32 or -5m.")
        await go_back(head, "@ soon")
        assert "'soon' is not a moment. Say 11:32 or -5m." in head.text()
        assert not head.app.rewind.is_past
        await go_back(head, "@ now")
        assert "this is now" in head.text()


async def test_the_key_asks_for_the_moment_and_another_one_follows() -> None:
    async with rewound(is_there=False) as (head, desk):
        await head.press("at")
        assert "show what was known at" in head.text()
        await head.type("yesterday close")
        await head.press("enter")
        await until(head, lambda: head.app.rewind.is_past)
        assert ("/v1/past", "yesterday close") in desk.asked_then
        await go_back(head, "@-1h")
        assert ("/v1/past", "-1h") in desk.asked_then
        assert head.app.rewind.is_past


async def test_another_world_has_another_past() -> None:
    async with rewound() as (head, _):
        head.link.market.world = "replay:witness"
        head.link.send(head.link.market.snapshot())
        await rest(head)
        assert not head.app.rewind.is_past
        assert "the engine is in another world" in head.text()
        assert not head.app.painter_for(False).theme.name.endswith(" past")
