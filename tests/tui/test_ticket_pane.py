"""The ticket as a pane of the desk: it types while it has the focus, and never takes a key that is not its own."""

from __future__ import annotations

from stockpulse_tui.widgets.ticket import TicketPane
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import Head

PANES = ("watchlist", "ticket")


def pane(head: Head) -> TicketPane:
    """The ticket pane of the desk."""
    found = head.app.view.panes["ticket"]
    assert isinstance(found, TicketPane)
    return found


async def test_it_types_previews_and_stages() -> None:
    async with desk_head(only=PANES) as (head, desk):
        await head.press("tab")
        assert head.app.focused is pane(head)
        pane(head).session.paste("buy AAPL 45 lmt 231.40 +2% -1%")
        await until(head, lambda: pane(head).session.ticket.is_fresh)
        assert "45 AAPL at 231.40 limit, day" in head.text()
        assert "reward 207.90" in head.text()
        await head.press("enter")
        assert desk.submitted[0].is_staged
        assert "STAGED" in head.text()
        await head.press("escape")
        assert pane(head).session.ticket.edit.text == ""


async def test_digits_are_text_while_it_types_and_screens_elsewhere() -> None:
    async with desk_head(only=("watchlist", "ticket", "chart")) as (head, _):
        await head.press("tab", "tab")
        assert head.app.focused is pane(head)
        await head.press("b", "2")
        assert pane(head).session.ticket.edit.text == "b2"
        assert head.app.view_id == "screen.desk"
        await head.press("escape", "shift+tab", "2")
        assert head.app.view_id == "screen.chart"


async def test_tab_leaves_an_empty_line() -> None:
    async with desk_head(only=PANES) as (head, _):
        await head.press("tab")
        assert head.app.focused is pane(head)
        await head.press("tab")
        assert head.app.focused is not pane(head)


async def test_right_takes_the_example_and_tab_completes_a_word() -> None:
    async with desk_head(only=PANES) as (head, _):
        await head.press("tab", "right")
        assert pane(head).session.ticket.edit.text == "buy AAPL 40 lmt mid"
        await head.press("ctrl+u")
        await head.type("buy MS")
        await head.press("tab")
        assert pane(head).session.ticket.edit.text == "buy MSFT"


async def test_the_line_follows_the_market_and_the_instrument() -> None:
    async with desk_head(only=PANES) as (head, _):
        await head.press("j")
        await head.press("tab")
        pane(head).session.paste("buy 10 mid")
        await head.settle()
        assert "10 MSFT at 418.36 limit" in head.text()
        instrument = head.app.store.by_symbol["MSFT"]
        head.link.market.last["MSFT.XNAS"] += 1
        quote = head.link.market.quote(instrument, head.clock.now_ns())
        head.link.send(head.link.market.delta(quotes=(quote,)))
        await until(head, lambda: "10 MSFT at 419.36 limit" in head.text())
