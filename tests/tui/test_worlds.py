"""The market's pace and the engine's world, from the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.views import FeedCounts, SourceCounts
from stockpulse_tui.widgets.confirm import Confirm
from stockpulse_tui.widgets.overlay import Sheet
from tests.tui.harness import Head, running_head


async def enter(head: Head, line: str) -> None:
    await head.press("colon")
    top = head.app.windows.top
    assert top is not None
    top.edit.insert(line)  # type: ignore[attr-defined] # the palette's line
    await head.press("enter")


async def test_a_comma_pauses_and_runs_and_the_header_says_so() -> None:
    async with running_head() as head:
        await head.press("comma")
        assert "PAUSED" in head.rows()[0]
        await head.press("comma")
        assert "PAUSED" not in head.rows()[0]
        assert [asked[0] for asked in head.link.fake_commands.asked] == ["pause", "resume"]


async def test_pace_by_codes() -> None:
    async with running_head() as head:
        await enter(head, "speed 10")
        assert "10×" in head.rows()[0]
        await enter(head, "pause")
        assert "10× PAUSED" in head.rows()[0]
        await enter(head, "pause")
        await enter(head, "step 5m")
        await enter(head, "run")
        assert head.link.fake_commands.asked == [
            ("speed", "10", "0"), ("pause", "1", "0"), ("step", "1", "300000000000"), ("resume", "1", "0"),
        ]  # fmt: skip


async def test_a_step_of_a_running_market_stops_it_first() -> None:
    async with running_head() as head:
        await head.press("full_stop")
        assert [asked[0] for asked in head.link.fake_commands.asked] == ["pause", "step"]
        assert "PAUSED" in head.rows()[0]


@pytest.mark.parametrize("line", ["speed", "speed fast", "speed 5000", "step 1y", "step 0s"])
async def test_what_is_no_pace_is_said_with_the_fix(line: str) -> None:
    async with running_head() as head:
        await enter(head, line)
        assert head.link.fake_commands.asked == []
        assert "Say " in head.rows()[-2]


async def test_a_replay_is_asked_for_told_and_shown(tmp_path: Path) -> None:
    ticks = tmp_path / "my ticks"
    ticks.mkdir()
    for name in ("a.parquet", "b.parquet"):
        (ticks / name).write_bytes(b"")
    async with running_head() as head:
        first = head.app.view
        await enter(head, f"replay witness '{ticks}/*.parquet' at '2013-10-07 10:00' speed 10")
        assert isinstance(head.app.windows.top, Confirm)
        assert "Move to replay:witness" in head.text()
        assert "a.parquet," in head.text()
        assert "b.parquet," in head.text()
        assert "at 10×" in head.text()
        assert "(5 working)" in head.text()
        assert head.link.moved == []
        await head.press("enter")
        await head.settle()
        files = [word for file in sorted(ticks.iterdir()) for word in ("--from", str(file))]
        assert head.link.moved == [("--world", "replay:witness", *files, "--at", "2013-10-07 10:00", "--speed", "10")]
        assert "replay:witness" in head.rows()[0]
        assert head.app.view is not first, "nothing of the other world stays on the screen"
        assert "AAPL" in head.text()
        assert head.app.view.front == "watchlist"
        await enter(head, "world sim")
        await head.press("enter")
        await head.settle()
        assert head.link.moved[-1] == ("--world", "sim")


async def test_esc_leaves_the_engine_where_it_is() -> None:
    async with running_head() as head:
        await enter(head, "world sim")
        await head.press("escape")
        assert head.app.windows.top is None
        assert head.link.moved == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("replay", "needs a name"),
        ("replay witness", "nothing to play"),
        ("replay witness /no/such/file", "There is nothing at /no/such/file"),
        ("replay ../evil /tmp", "not a name"),
        ("replay witness 'open", "not closed"),
        ("replay witness /tmp at noon", "not a moment"),
        ("replay witness /tmp speed 0", "not a speed"),
        ("world mars", "not a world"),
    ],
)
async def test_what_can_not_be_played_stops_nothing(line: str, words: str) -> None:
    async with running_head() as head:
        await enter(head, line)
        assert words in head.rows()[-2]
        assert head.app.windows.top is None
        assert head.link.moved == []


async def test_a_world_that_does_not_start_is_told_and_the_one_before_is_back(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("nonsense")
    async with running_head() as head:
        head.link.refuses = UnavailableError("x.csv: as quotes it lacks 'bid'.", fix="Give it the columns of one kind.")
        await enter(head, f"replay bad {file}")
        await head.press("enter")
        await head.settle()
        assert isinstance(head.app.windows.top, Sheet)
        text = head.text()
        assert "replay:bad could not be started" in text
        assert "it lacks 'bid'" in text
        assert "started in sim again" in text
        assert "moves to" not in text


async def test_days_of_the_store_are_asked_for_without_files() -> None:
    async with running_head() as head:
        await enter(head, "replay 2013-10-07..2013-10-11 only ibm,spy")
        assert "IBM, SPY of" in head.text()
        await head.press("enter")
        await head.settle()
        assert head.link.moved == [("--world", "replay:2013-10-07..2013-10-11", "--symbols", "IBM,SPY")]


async def test_a_recorded_session_is_asked_for_by_its_name(home: Path) -> None:
    (home / "data" / "history" / "recordings" / "morning").mkdir(parents=True)
    async with running_head() as head:
        await enter(head, "replay morning")
        assert isinstance(head.app.windows.top, Confirm), head.rows()[-2]
        assert "Move to replay:morning" in head.text()
        await head.press("enter")
        await head.settle()
        assert head.link.moved == [("--world", "replay:morning")]


async def test_seek_and_record_from_the_line() -> None:
    async with running_head() as head:
        await enter(head, "seek noon")
        assert "is not a time" in head.rows()[-2]
        await enter(head, "seek +30m")
        assert "played on to that time" in head.rows()[-2]
        await enter(head, "record morning")
        await head.settle()
        assert "recording morning" in head.rows()[-2]
        await enter(head, "record stop")
        await head.settle()
        assert "REPLAY morning" in head.rows()[-2]
        assert [asked[0] for asked in head.link.fake_commands.asked] == ["seek", "record", "record"]


async def test_what_a_replay_lacks_is_listed() -> None:
    async with running_head() as head:
        await enter(head, "gaps")
        assert "nothing is replayed from the store" in head.rows()[-2]
        health = head.app.store.health
        assert health is not None
        source = SourceCounts(played=("IBM.XNYS: 1m bars (lean), 2013-10-07",), gaps=("2013-10-08: nothing is held",))
        head.app.store.health = replace(health, feed=FeedCounts(source=source))
        await enter(head, "gaps")
        assert isinstance(head.app.windows.top, Sheet)
        assert "2013-10-08: nothing is held" in head.text()
        assert "1m bars (lean)" in head.text()
