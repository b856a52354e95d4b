"""The shell as its user meets it: screens, arming, halting, losing the engine, small terminals, hostile text."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.market import NewsItem
from stockpulse_engine.domain.views import PartHealth
from stockpulse_tui.store import Store
from tests.fakes.fake_link import T0
from tests.tui.harness import SIZES, Head, running_head, same_as_snapshot

HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold]\u202eevil\u202c[/bold]\r\n\x9b31m [link=x]click[/link]"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_chrome_looks_as_it_did(size: tuple[int, int]) -> None:
    async with running_head(size) as head:
        rows = head.rows()
        chrome = "\n".join(row.rstrip() for row in (rows[0], rows[1], rows[-2], rows[-1]))
        assert same_as_snapshot(f"chrome-{size[0]}x{size[1]}", chrome)


async def test_arming_moves_nothing_but_frame_and_badges() -> None:
    async with running_head() as head:
        await head.press("j")
        before = head.rows()
        await head.press("A")
        assert head.link.fake_commands.asked == [("arm", "main", "30")]
        after = head.rows()
        assert "PAPER ● ARMED 30:00" in after[0]
        for y in range(2, 38):
            assert after[y][1:-1] == before[y][1:-1], f"row {y} moved"
            assert after[y][0] == after[y][-1] == "█"
        await head.tick(61)
        assert "ARMED 28:59" in head.rows()[0]
        await head.press("A")
        assert "SAFE" in head.rows()[0]
        assert head.rows()[5][0] == " "


async def test_arming_ends_by_itself() -> None:
    async with running_head() as head:
        await head.press("A")
        await head.tick(1801)
        assert "SAFE" in head.rows()[0]


async def test_two_presses_halt_and_one_does_not() -> None:
    async with running_head() as head:
        await head.press("!")
        assert "! again: halt" in head.rows()[-2]
        assert head.link.fake_commands.asked == []
        await head.press("j", "!", "!")
        assert head.link.fake_commands.asked == [("halt", "")]
        assert "HALTED" in head.rows()[0]


async def test_a_slow_second_press_does_not_halt() -> None:
    async with running_head() as head:
        await head.press("!")
        head.clock.advance(2_000_000_000)
        await head.press("!")
        assert head.link.fake_commands.asked == []


async def test_halting_works_while_a_line_is_being_typed() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("AAPL")
        await head.press("!", "!")
        assert head.link.fake_commands.asked == [("halt", "")]


async def test_resume_needs_the_typed_word() -> None:
    async with running_head() as head:
        await head.press("!", "!", "colon")
        await head.type("resume")
        await head.press("enter")
        await head.type("yes")
        await head.press("enter")
        assert ("resume", "yes") in head.link.fake_commands.asked
        assert "The word is RESUME" in head.rows()[-2]
        assert "HALTED" in head.rows()[0]


async def test_an_engine_that_starts_again_is_told_over_what_was_known_and_nothing_disappears() -> None:
    async with running_head() as head:
        head.link.say("lost", "The engine does not answer.")
        await head.tick(5)
        head.link.say("live", "")
        market = head.link.market
        health = replace(market.health(), step="replaying the journal")
        head.link.send(replace(market.delta(health=health), kind="snapshot"))
        await head.tick(4)
        text = head.text()
        assert "The engine starts: replaying the journal." in text
        assert "What is grey is as it was 9.0 s ago." in text
        assert "232.12" in text
        assert "104,812.40" in text
        head.link.send(market.delta(instruments=tuple(market.instruments), health=market.health()))
        head.link.send(market.snapshot())
        await head.settle()
        await head.tick()
        assert "The engine starts" not in head.text()
        assert "104,812.40" in head.text()


async def test_a_lost_engine_is_said_in_words_with_its_age_and_comes_back() -> None:
    async with running_head() as head:
        head.link.say("lost", "The engine does not answer.")
        await head.tick(47)
        text = head.text()
        assert "The engine has not answered for 47 s." in text
        assert "! engine lost 47 s" in head.rows()[-1]
        assert "? feed  ? broker" in head.rows()[-1], "what is not known is not shown as well"
        assert "47 s old" in text
        assert "232.12" in text, "nothing disappears"
        head.link.alarm = "Orders at the broker: main: 2 canceled, 1 kept."
        await head.tick()
        assert "watchdog: Orders at the broker: main: 2 canceled, 1 kept." in head.text()
        head.link.say("live", "")
        head.link.send(head.link.market.snapshot())
        await head.tick()
        assert "has not answered" not in head.text()
        assert " old" not in head.text()


async def test_a_feed_that_says_nothing_greys_prices_and_leaves_orders() -> None:
    async with running_head() as head:
        health = head.link.market.health()
        feed = PartHealth(name="feed", state="late", detail="silent", age_ns=16 * 10**9)
        head.link.send(head.link.market.delta(health=replace(health, parts=(feed, *health.parts[1:]))))
        await head.tick(1)
        text = head.text()
        assert "! feed silent 16 s" in head.rows()[-1]
        assert text.count("16 s old") > 2, "each price says its age"
        head.link.send(head.link.market.delta(health=health))
        await head.tick(1)
        assert " old" not in head.text()


async def test_a_lost_engine_is_started_by_a_code() -> None:
    async with running_head() as head:
        head.link.say("lost", "The engine does not answer.")
        await head.tick(3)
        assert head.app.status.drops == 1
        await head.press("colon")
        await head.type("engine")
        await head.press("enter")
        await head.tick()
        assert "has not answered" not in head.text()


async def test_a_session_of_another_version_is_read_only_and_says_so() -> None:
    async with running_head() as head:
        head.link.say("read-only", "The engine speaks version 2, this head version 1.")
        await head.settle()
        assert "READ ONLY" in head.rows()[0]
        assert "The engine speaks version 2" in head.text()


async def test_an_engine_that_starts_says_each_step() -> None:
    async with running_head() as head:
        head.app.store.instruments.clear()
        head.app.store.by_symbol.clear()
        head.app.store.health = None
        head.app.watchlists.groups = ()
        head.link.say("starting", "replaying the journal")
        await head.settle()
        head.app.refresh_all()
        head.app.view.panes["watchlist"].reload()  # type: ignore[attr-defined] # the board
        await head.settle()
        assert "replaying the journal" in head.text()


async def test_below_80x24_one_line_says_what_it_needs() -> None:
    async with running_head((72, 20)) as head:
        rows = head.rows()
        assert "PAPER" in rows[0]
        assert "needs 80×24, has 72×20; !! still halts" in rows[1]
        assert not "".join(rows[2:]).strip()
        await head.press("!", "!")
        assert head.link.fake_commands.asked == [("halt", "")]


async def test_tabs_and_footer_name_only_what_works() -> None:
    async with running_head() as head:
        tabs, footer = head.rows()[1], head.rows()[-2]
        assert "Alerts" not in tabs
        assert "filter" not in footer
        await head.press("3", "7", "8", "9", "0")
        assert head.app.view_id == "screen.desk"


async def test_esc_never_leaves_and_q_leaves_the_head_only() -> None:
    async with running_head() as head:
        await head.press("escape", "escape", "escape")
        assert head.app.is_running
        await head.press("q")
        assert not head.app.is_running
        assert head.link.fake_commands.asked == []


async def test_text_from_outside_can_not_drive_the_terminal() -> None:
    async with running_head((200, 60)) as head:
        market = head.link.market
        evil = replace(market.instruments[0], name=HOSTILE)
        part = replace(market.health().parts[0], name="feed\x1b[2J", state="gone", detail=HOSTILE)
        head.link.send(
            market.delta(
                instruments=(evil,),
                news=(NewsItem(HOSTILE, ("AAPL.XNAS",), T0, "\x1b[31m", 1),),
                health=replace(market.health(), parts=(part,)),
            )
        )
        await head.tick()
        await head.press("colon")
        await head.type("AAPL")
        await no_control_characters(head)
        await head.press("enter")
        assert "evil" in head.text()
        await no_control_characters(head)


async def no_control_characters(head: Head) -> None:
    """What goes to the terminal holds escape sequences of our own styles only."""
    import re

    console = head.app.console
    for strip in head.app.shell_screen.painted():
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u202c" for c in strip.text)
        rest = re.sub(r"\x1b\[[0-9;]*m", "", strip.render(console))
        assert "\x1b" not in rest
    for view in head.app.shell_screen.lines():
        for y in range(view.size.height if view.region else 0):
            baked = view.render_lines(view.size.region)[y]
            assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", baked.render(console))


async def test_every_screen_fits_ascii_terminals() -> None:
    async with running_head((200, 60), glyphs="ascii") as head:
        await head.press("A", "l")
        assert head.text().isascii()
        await head.press("colon")
        await head.type("gl")
        assert head.text().isascii()
        await head.press("escape", "f1")
        assert head.text().isascii()


async def test_in_mono_up_and_down_differ_by_a_character() -> None:
    async with running_head((120, 40), theme="mono") as head:
        rows = {row.split()[0].lstrip("▌▪"): row for row in head.rows()[4:38] if row.split()}
        assert "+" in rows["AAPL"]
        assert "−" in rows["MSFT"]
        assert head.app.theme == "mono"


async def test_no_color_chooses_mono(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_head() as head:
        monkeypatch.setenv("NO_COLOR", "1")
        head.app.apply_look()
        await head.settle()
        assert head.app.theme == "mono"


@pytest.mark.parametrize(
    ("term", "theme", "unknown"),
    [
        ("xterm-256color", "dark-256", r"[34]8;2;"),
        ("linux", "ansi-16", r"[34]8;[25];"),
    ],
)
@pytest.mark.parametrize("has_window", [False, True], ids=["", "window"])
async def test_a_terminal_is_told_the_colours_it_has(
    monkeypatch: pytest.MonkeyPatch, term: str, theme: str, unknown: str, has_window: bool
) -> None:
    """Panes, gutters, chrome, and what lies dimmed under a window: nothing that the terminal does not understand."""
    async with running_head((200, 60)) as head:
        monkeypatch.delenv("COLORTERM", raising=False)
        monkeypatch.setenv("TERM", term)
        head.app.apply_look()
        if has_window:
            await head.press("colon")
        await head.settle()
        assert head.app.theme == theme
        written = [strip.render(head.app.console) for strip in head.app.shell_screen.painted()]
        assert len(written) == 60
        assert [row for row in written if re.search(unknown, row)] == []


async def test_a_theme_set_by_hand_repaints_everything() -> None:
    async with running_head() as head:
        console = head.app.console
        before = head.app.shell_screen.header.render_lines(head.app.shell_screen.header.size.region)[0].render(console)
        await head.press("colon")
        await head.type("theme light")
        await head.press("enter")
        after = head.app.shell_screen.header.render_lines(head.app.shell_screen.header.size.region)[0].render(console)
        assert head.app.theme == "light"
        assert before != after


async def test_the_frame_saved_for_next_time_is_the_screen() -> None:
    async with running_head() as head:
        assert head.app.frame_rows() == head.rows()


def test_the_store_needs_no_textual() -> None:
    assert "textual" not in Store.__module__


async def test_ages_stand_still_between_two_words_of_the_engine() -> None:
    async with running_head() as head:
        before = head.rows()[-1]
        await head.tick(2)
        assert head.rows()[-1] == before


async def test_an_engine_that_says_nothing_is_called_silent_then_frozen() -> None:
    async with running_head() as head:
        await head.tick(4)
        assert "! engine silent 4.0 s" in head.rows()[-1]
        assert "? feed  ? broker" in head.rows()[-1]
        await head.tick(3)
        assert "The engine has been silent for 7.0 s." in head.text()
        head.link.send(head.link.market.move(1))
        await head.tick()
        assert "silent" not in head.text()
        assert "● broker" in head.rows()[-1]


async def test_a_part_without_a_sign_of_life_is_late_and_comes_first() -> None:
    async with running_head() as head:
        market = head.link.market
        feed, broker, *rest = market.health().parts
        late = replace(broker, age_ns=5_000_000_000)
        head.link.send(market.delta(health=replace(market.health(), parts=(feed, late, *rest))))
        await head.settle()
        assert head.rows()[-1].strip().startswith("! broker late 5.0 s")


async def test_the_first_second_after_joining_is_no_tick_to_cell() -> None:
    async with running_head() as head:
        head.link.send(head.link.market.move(12))
        await head.settle()
        assert head.app.latency.percentile(0.99) == 0
        head.clock.advance(2_000_000_000)
        head.link.send(head.link.market.move(12))
        assert not head.app.latency.is_settling
        head.link.say("lost", "The engine does not answer.")
        head.link.say("live", "")
        assert head.app.latency.is_settling
