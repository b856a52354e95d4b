"""The positions screen as its user meets it: columns, totals, lots, closing, stops, flattening, the broker's word."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.fakes.fake_book import BookCommands
from tests.fakes.fake_comparing import DIFFERENCE
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot


async def to_row(head: Head, instrument_id: str) -> None:
    """Put the cursor on a position."""
    head.app.view.panes["positions"].select_key(f"main/{instrument_id}")  # type: ignore[attr-defined] # the pane
    await rest(head)


def asked(desk: BookCommands, kind: str) -> list[tuple[str, ...]]:
    """Requests of a kind."""
    return [one for one in desk.asked if one[0] == kind]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_positions_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    async with book_head(size, screen="4") as (head, _):
        await to_row(head, "NVDA.XNAS")
        assert same_as_snapshot(f"positions-{size[0]}x{size[1]}", inside(head))


async def test_rows_totals_and_cash() -> None:
    async with book_head(screen="4") as (head, _):
        text = head.text()
        row = next(line for line in text.splitlines() if "TSLA" in line)
        assert "−20" in row
        assert "no stop" in row
        assert "total" in text
        assert "cash 36,491.16" in text
        assert "buying power 71,204.33" in text


async def test_the_brokers_word_is_at_the_title() -> None:
    async with book_head(screen="4") as (head, _):
        await head.tick(12)
        assert "matched broker 12 s ago" in head.text(), "what is UNKNOWN may have changed it since"
        (silent,) = head.app.store.unknown_orders()
        head.link.send(head.link.market.delta(orders=(replace(silent, is_unknown=False),)))
        await head.tick(1)
        assert "matches broker 13 s ago" in head.text()
        head.link.market.speed = 40.0
        head.link.send(head.link.market.delta(clock=head.link.market.clock_view()))
        await head.tick(12)
        assert "matches broker 25 s ago" in head.text(), "a fast market does not age the comparison"
        account = replace(head.link.market.account(), differences=("NVDA: ours +80, theirs +60",))
        head.link.send(head.link.market.delta(accounts=(account,)))
        await head.settle()
        assert "! differs from broker: 1" in head.text()
        assert "NVDA: ours +80, theirs +60" in head.text()


async def test_what_the_broker_shows_otherwise_has_both_numbers_and_waits_for_a_word() -> None:
    async with book_head(screen="4") as (head, desk):
        shares = replace(DIFFERENCE, instrument_id="NVDA.XNAS", ours=Decimal(80), theirs=Decimal(60))
        cash = replace(DIFFERENCE, suspense_id="S2", instrument_id="", ours=Decimal("36491.16"), theirs=Decimal(36_490))
        account = replace(head.link.market.account(), suspense=(shares, cash, replace(DIFFERENCE, is_known=True)))
        head.link.send(head.link.market.delta(accounts=(account,)))
        await head.settle()
        text = head.text()
        assert "! differs from broker: 2" in text
        assert "! NVDA: +80 here, +60 at the broker — E explains" in text
        assert "! cash: 36,491.16 here, 36,490.00 at the broker" in text
        await to_row(head, "NVDA.XNAS")
        await head.press("E")
        assert "type ACCEPT or IGNORE, and why" in head.text()
        await head.type("accept")
        await head.press("enter")
        assert "nothing was changed" in head.text()
        await head.press("E")
        await head.type("accept sold by phone")
        await head.press("enter")
        assert asked(desk, "/v1/reconcile/explain") == [("/v1/reconcile/explain", "accept", "sold by phone")]
        assert "accepted: the broker's figure is posted" in head.text()
        await head.press("=")
        assert asked(desk, "/v1/reconcile") != []
        head.link.send(head.link.market.delta(accounts=(replace(account, suspense=()),)))
        await head.settle()
        await head.press("E")
        assert "nothing differs from the broker" in head.text()


async def test_an_unknown_order_is_declared_dead_by_a_word_and_a_reason_alone() -> None:
    async with book_head(screen="5") as (head, desk):
        await head.press("u", "U")
        assert "type DEAD and why" in head.text()
        await head.type("dead")
        await head.press("enter")
        assert "nothing was changed" in head.text()
        await head.press("U")
        await head.type("DEAD it never came")
        await head.press("enter")
        ((path, _, reason),) = [one for one in desk.asked if one[0].endswith("/dead") and len(one) == 3]
        assert reason == "it never came"
        assert path.startswith("/v1/orders/")


async def test_lots_follow_the_cursor_and_ticked_ones_are_what_x_closes() -> None:
    async with book_head(screen="4") as (head, _):
        await to_row(head, "NVDA.XNAS")
        assert "Lots  of NVDA  4 open" in head.text()
        await head.press("L", "space", "j", "space")
        assert "selling 50" in head.text()
        await head.press("x")
        assert "sell NVDA 50 lots L1,L3" in head.text()


async def test_space_ticks_from_the_positions_pane_too() -> None:
    async with book_head(screen="4") as (head, _):
        await to_row(head, "NVDA.XNAS")
        await head.press("space")
        assert "selling 28" in head.text()
        await to_row(head, "SPY.ARCX")
        await to_row(head, "NVDA.XNAS")
        assert "selling" not in head.text(), "ticks belong to a position, not to a place"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("x", "sell NVDA all"),
        ("X", "sell NVDA half"),
        ("R", "sell NVDA 160"),
        ("T", "sell NVDA all stp 145.92 gtc"),
    ],
)
async def test_keys_open_a_ticket_with_the_line_written(key: str, line: str) -> None:
    async with book_head(screen="4") as (head, desk):
        await to_row(head, "NVDA.XNAS")
        await head.press(key)
        assert line in head.text()
        assert desk.submitted == []


async def test_a_short_is_closed_by_buying_and_stopped_above() -> None:
    async with book_head(screen="4") as (head, _):
        await to_row(head, "TSLA.XNAS")
        await head.press("T")
        assert "buy TSLA all stp 342.88 gtc" in head.text()


async def test_flatten_asks_for_the_symbol_cancels_and_stages_while_safe() -> None:
    async with book_head(screen="4") as (head, desk):
        await to_row(head, "NVDA.XNAS")
        await head.press("F")
        assert "type NVDA to close it, FLATTEN to close all 8 positions" in head.text()
        await head.type("NVDA")
        await head.press("enter")
        assert asked(desk, "cancel many")[0][1] == "NVDA.XNAS"
        (command,) = desk.submitted
        assert command.is_staged
        assert command.terms.is_reduce_only
        assert command.terms.quantity == 80
        assert "staged; A arms" in head.text()


async def test_flatten_with_the_word_closes_everything_and_another_word_nothing() -> None:
    async with book_head(screen="4") as (head, desk):
        await to_row(head, "NVDA.XNAS")
        await head.press("F")
        await head.type("AAPL")
        await head.press("enter")
        assert "The word is FLATTEN" in head.text()
        await head.press("F")
        await head.type("FLATTEN")
        await head.press("enter")
        assert ("flatten", "FLATTEN") in desk.asked
        assert desk.submitted == []


async def test_armed_the_closing_order_is_sent_once() -> None:
    async with book_head(screen="4") as (head, desk):
        await head.press("A")
        await to_row(head, "TSLA.XNAS")
        await head.press("F")
        await head.type("TSLA")
        await head.press("enter")
        (command,) = desk.submitted
        assert not command.is_staged
        assert command.terms.side.value == "BUY"
        assert command.terms.quantity == 20


async def test_the_equity_curve_names_its_falls() -> None:
    async with book_head(screen="4") as (head, _):
        text = head.text()
        assert "Equity" in text
        assert "fall now" in text
        assert "worst −0.82%" in text


async def test_enter_on_the_desk_leads_to_the_lots() -> None:
    async with book_head() as (head, _):
        head.app.view.focus_pane("positions")
        await to_row(head, "NVDA.XNAS")
        await head.press("enter")
        await rest(head)
        assert head.app.view_id == "screen.positions"
        assert "Lots  of NVDA" in head.text()


async def test_nothing_held_is_a_sentence() -> None:
    async with book_head(screen="4") as (head, _):
        flat = [replace(p, quantity=p.quantity * 0) for p in head.link.market.positions()]
        head.link.send(head.link.market.delta(positions=tuple(flat)))
        await head.settle()
        assert "Nothing is held" in head.text()
        await head.press("x")
        assert "nothing is held" in head.text()
