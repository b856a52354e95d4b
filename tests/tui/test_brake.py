"""`!!` needs no engine: the latch is set beside telling it, and what holds is said."""

from __future__ import annotations

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.views import HaltView
from tests.fakes.fake_link import FakeCommands, FakeLink
from tests.tui.harness import Head, running_head


class Deaf(FakeCommands):
    """An engine that is gone."""

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> HaltView:
        """Nobody is there."""
        raise UnavailableError("Nobody answers.", fix="Start it: `sp engine start`.")


def deaf(link: FakeLink) -> Deaf:
    """Its commands."""
    return Deaf(link)


def told(head: Head) -> str:
    """The screen as one line: a long notice is wrapped."""
    return " ".join(head.text().split())


async def test_a_halt_sets_the_latch_beside_telling_the_engine() -> None:
    async with running_head() as head:
        await head.press("colon")
        await head.type("halt fat finger")
        await head.press("enter")
        assert head.link.latched == ["fat finger"]
        assert head.link.fake_commands.asked == [("halt", "")]


async def test_an_engine_that_does_not_hear_is_halted_by_the_latch_and_the_head_says_both() -> None:
    async with running_head(commands=deaf) as head:
        head.link.say("lost", "The engine does not answer.")
        await head.press("!", "!")
        assert head.link.latched == ["!! on a head"]
        assert "HALTED: the latch is set, no order leaves any more" in told(head)
        assert "Nobody answers." in told(head)
        assert "HALTED" in head.rows()[0]
        await head.tick()
        assert "The latch is set: no order leaves." in head.text()
        head.link.say("live", "")
        head.link.send(head.link.market.snapshot())
        await head.settle()
        assert "HALTED" not in head.rows()[0], "what the engine says counts again"


async def test_with_neither_engine_nor_disk_it_is_said_that_nothing_is_halted() -> None:
    async with running_head(commands=deaf) as head:
        head.link.latch_problem = "the latch file could not be written: No space left on device"
        await head.press("!", "!")
        assert "NOT HALTED: Nobody answers." in head.text()
        assert "No space left on device" in told(head)
        assert "HALTED" not in head.rows()[0]


async def test_with_a_broken_disk_the_engine_still_halts() -> None:
    async with running_head() as head:
        head.link.latch_problem = "the latch file could not be written: Read-only file system"
        await head.press("!", "!")
        assert "HALTED: every order is being canceled" in head.text()
