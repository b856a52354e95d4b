"""Enter in the ticket: it is carried out, or refused in words; it is never lost, and never sent twice."""

from __future__ import annotations

from textual import events

from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_tui.screens.ticket import TicketWindow
from stockpulse_tui.widgets.overlay import Sheet
from tests.fakes.fake_desk import DeskCommands
from tests.tui.desk_head import desk_head, until
from tests.tui.harness import SIZES, Head
from tests.tui.test_ticket_window import previewed, window, write


def at_once(head: Head, *pressed: str) -> None:
    """Keys that arrive in one read of the terminal: nothing settles between them."""
    named = {"Enter": ("enter", "\r"), "Esc": ("escape", "\x1b"), " ": ("space", " ")}
    for key in pressed:
        head.app.post_message(events.Key(*named.get(key, (key, key))))


def starting(desk: DeskCommands) -> None:
    """The engine has said nothing yet."""
    desk.link.is_late = True


def comes(head: Head) -> None:
    """The engine is there."""
    head.link.say("live", "")
    head.link.send(head.link.market.snapshot())


def sizes(desk: DeskCommands) -> list[tuple[str, str]]:
    """What the engine was asked to submit."""
    return [(command.terms.instrument_id, str(command.terms.quantity)) for command in desk.submitted]


# -- refused, in words


async def test_an_enter_on_a_denied_order_says_that_nothing_was_sent() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        assert "NOT SENT" not in head.text()
        await head.press("enter")
        assert desk.submitted == []
        assert "NOT SENT   BUYING_POWER" in head.text()
        await head.type("0")
        assert "NOT SENT" not in head.text(), "it spoke of another line"


async def test_a_denial_that_passes_leaves_the_order_to_the_next_enter() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        await write(head, "5000 lmt 231.40")
        await previewed(head)
        asked = len(desk.previewed)
        desk.is_lenient = True
        await head.press("enter")
        assert len(desk.previewed) == asked + 1, "what denied it may be over: it is asked again at once"
        await until(head, lambda: not window(head).session.ticket.is_denied)
        assert desk.submitted == [], "nobody saw that it would pass when Enter was pressed"
        assert "NOT SENT" in head.text()
        assert "Enter sends it as it stands now" in head.text()
        await head.press("enter")
        assert len(desk.submitted) == 1


async def test_an_enter_on_half_an_order_says_what_is_missing() -> None:
    async with desk_head() as (head, desk):
        await head.press("b", "enter")
        assert "NOT SENT   How much?" in head.text()
        await head.type("100 lmt 231.40 gcc ")
        assert "NOT SENT" not in head.text()
        await head.press("enter")
        assert "Did you mean gtc?" in head.text().partition("NOT SENT")[2]
        assert desk.submitted == []


async def test_every_size_says_it() -> None:
    for size in SIZES:
        async with desk_head(size) as (head, _):
            await head.press("b", "enter")
            assert "NOT SENT   How much?" in head.text(), size


async def test_an_enter_that_begins_nothing_new_says_so() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("enter", "enter")
        assert "SAFE: it stays staged; A arms, then Enter sends it" in head.text()
        await head.press("f2", "enter", "enter")
        assert "it is sent already: d begins the same order again" in head.text()
        assert len(desk.submitted) == 1


async def test_an_enter_on_the_chart_says_what_it_does_not_do() -> None:
    async with desk_head(only=("watchlist", "chart")) as (head, desk):
        await head.press("2")
        await head.settle()
        await head.press("enter")
        assert "b or v opens a line at the cursor" in head.text()
        await head.press("b", "number_sign", "enter")
        assert "not sent: the line needs a size" in head.text()
        assert desk.submitted == []
        await head.press("4", "5", "enter", "enter")
        assert "SAFE: it stays staged; A arms, then Enter sends it" in head.text()
        await head.press("A", "enter", "enter")
        assert "it is sent already" in head.text()
        assert sizes(desk) == [("AAPL.XNAS", "45")]


# -- before the market is known


async def test_keys_before_the_market_is_known_are_refused_in_words_and_the_line_is_whole_when_it_comes() -> None:
    async with desk_head(prepare=starting) as (head, desk):
        at_once(head, "b", *"100", "Enter")
        await head.settle()
        assert "NOT SENT   The market is not here yet" in head.text()
        comes(head)
        await until(head, lambda: "100 AAPL at market" in head.text())
        assert "buy AAPL 100" in head.text(), "typed behind the symbol, as if it had stood there"
        assert "NOT SENT" in head.text(), "and nobody is made to believe that it went"
        assert desk.submitted == []
        await head.press("enter")
        assert sizes(desk) == [("AAPL.XNAS", "100")]


async def test_a_symbol_of_ones_own_is_left_as_it_is() -> None:
    async with desk_head(prepare=starting) as (head, _):
        at_once(head, "b", *"MSFT 5")
        await head.settle()
        comes(head)
        await until(head, lambda: "5 MSFT at market" in head.text())
        assert window(head).session.ticket.edit.text == "buy MSFT 5"


async def test_a_line_without_a_symbol_means_the_same_whatever_is_picked_under_the_window() -> None:
    async with desk_head() as (head, _):
        await head.press("b", "ctrl+u")
        await head.type("buy 10 ")
        assert "10 AAPL at market" in head.text()
        head.app.pick_instrument("MSFT.XNAS")
        await head.type("gtc")
        assert "10 AAPL at market" in head.text()


# -- never lost, never twice


async def test_an_enter_waits_for_no_preview() -> None:
    async with desk_head() as (head, desk):
        desk.previews.clear()
        at_once(head, "b", *"45", "Enter")
        await head.settle()
        assert sizes(desk) == [("AAPL.XNAS", "45")]
        desk.previews.set()
        await head.settle()
        assert "STAGED" in head.text(), "a late preview changes nothing"


async def test_enter_twice_before_the_answer_is_one_order() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        desk.answers.clear()
        at_once(head, *"45", "Enter", "Enter", "Enter")
        await head.settle()
        assert "nothing is sent twice" in head.text()
        desk.answers.set()
        await until(head, lambda: "WORKING" in head.text())
        assert len(desk.submitted) == 1


async def test_esc_behind_enter_takes_nothing_back_and_the_answer_is_told() -> None:
    async with desk_head() as (head, desk):
        await head.press("A", "b")
        desk.answers.clear()
        at_once(head, *"45", "Enter", "Esc")
        await head.settle()
        assert head.app.windows.top is None
        assert "buy 45 AAPL: the engine is asked" in head.text()
        desk.answers.set()
        await until(head, lambda: "buy 45 AAPL: working" in head.text())
        (order,) = desk.orders.values()
        assert order.status is OrderStatus.ACCEPTED


async def test_a_refusal_after_the_window_was_closed_is_told() -> None:
    async with desk_head() as (head, desk):
        desk.is_lenient = True
        await head.press("A", "b")
        await write(head, "5000 lmt 231.40")
        desk.answers.clear()
        at_once(head, "Enter", "Esc")
        desk.answers.set()
        await until(head, lambda: "buy 5,000 AAPL was not sent: Buying power" in head.text())


async def test_a_draft_that_is_dropped_says_that_it_was_not_sent() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        await write(head, "45 lmt 231.40")
        await head.press("escape")
        assert "not sent: buy 45 AAPL" in head.text()
        assert desk.submitted == []


async def test_a_ticket_that_opens_whole_hears_the_enter_right_behind() -> None:
    async with desk_head() as (head, desk):
        await head.press("colon")
        at_once(head, *"buy MSFT 5", "Enter", "Enter")
        await head.settle()
        assert sizes(desk) == [("MSFT.XNAS", "5")]


async def test_an_answer_that_comes_late_does_not_take_the_keys_of_the_ticket() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        ticket = window(head)
        late = Sheet("AAPL  last", [])
        head.app.windows.tell(late)
        await head.settle()
        assert window(head) is ticket
        assert "the answer lies under this window" in head.text()
        await head.type("45")
        await head.press("enter")
        assert len(desk.submitted) == 1
        await head.press("escape")
        assert head.app.windows.top is late


async def test_a_whole_order_typed_while_a_view_is_on_its_way_is_heard() -> None:
    async with desk_head(only=("watchlist", "orders", "life")) as (head, desk):
        line = "45 lmt 231.40 take 236.00 stop 229.00 gtc"
        at_once(head, "5", "b", *line, "Enter")
        await head.settle()
        await head.settle()
        assert [size for _, size in sizes(desk)] == ["45"]


# -- pasted text keeps its turn


async def test_text_pasted_right_behind_the_key_is_in_the_line_before_the_enter_behind_it() -> None:
    async with desk_head() as (head, desk):
        at_once(head, "b")
        head.app.post_message(events.Paste("45 lmt 231.40\n"))
        at_once(head, "Enter")
        await head.settle()
        assert sizes(desk) == [("AAPL.XNAS", "45")]
        assert str(desk.submitted[0].terms.limit_price) == "231.40"


async def test_a_text_that_does_not_fit_is_not_pasted_in_part() -> None:
    async with desk_head() as (head, desk):
        await head.press("b")
        head.app.post_message(events.Paste("100 lmt 231.40 " + "and\nmore " * 1_000))
        await head.settle()
        assert window(head).session.ticket.edit.text == "buy AAPL "
        assert "nothing of it was taken" in head.text()
        head.app.post_message(events.Paste("100 lmt 231." + " " * 300 + "40"))
        await head.settle()
        assert desk.submitted == []
        await head.press("escape", "colon")
        head.app.post_message(events.Paste("x" * 10_000))
        await head.settle()
        assert "nothing of it was taken" in head.text()


async def test_where_nothing_is_typed_a_paste_is_answered() -> None:
    async with desk_head() as (head, _):
        head.app.post_message(events.Paste("buy AAPL 100"))
        await head.settle()
        assert "nothing here takes pasted text" in head.text()


async def test_hostile_and_wide_text_in_the_line_is_shown_as_it_is_and_breaks_nothing() -> None:
    for size in SIZES:
        async with desk_head(size) as (head, _):
            await head.press("b")
            head.app.post_message(events.Paste("\x1b[2J\u202e東京 🚀 [b]x[/b]\x1b]0;owned\x07\r\nend"))
            await head.settle()
            text = head.text()
            assert "東京 🚀 [b]x[/b] end" in text
            assert not set("\x1b\x07\u202e") & set(text)
            assert isinstance(head.app.windows.top, TicketWindow)
            await head.press("escape", "colon")
            head.app.post_message(events.Paste("東京 🚀 [b]x[/b]\nend"))
            await head.settle()
            assert "東京 🚀 [b]x[/b] end" in head.text()


async def test_the_instrument_of_last_time_is_still_meant_when_the_market_comes() -> None:
    async with desk_head(prepare=starting) as (head, _):
        head.app.instrument_id = "NVDA.XNAS"  # as the head remembers it
        head.app.refresh_all()
        at_once(head, "b", *"5")
        comes(head)
        await until(head, lambda: "5 NVDA at market" in head.text())
        await head.press("escape")
        assert head.app.instrument_id == "NVDA.XNAS"
