"""The jobs screen: what each job did and will do, its log, and that nothing starts or stops without being meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.jobs import JobLog, JobsView
from stockpulse_tui.screens.jobs import JobsScreen
from tests.fakes.fake_jobs import FakeJobs
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, same_as_snapshot


@asynccontextmanager
async def jobs_head(size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Head, FakeJobs]]:
    """A head on the jobs screen, and the engine's jobs behind it."""
    async with book_head(size, screen="0") as (head, desk):
        yield head, desk.jobs


async def keys(head: Head, *names: str) -> None:
    """Press keys and let the answers come."""
    await head.press(*names)
    await rest(head)


def row_of(head: Head, job: str) -> str:
    """The table's row of a job."""
    return next(row for row in head.rows() if row[2:].startswith(f"{job} "))


class Away(FakeJobs):
    """An engine that can not tell."""

    async def view(self) -> JobsView:
        raise UnavailableError("The table of runs can not be read.", fix="Run `sp doctor`.")

    async def log(self, job: str, limit: int) -> JobLog:
        raise UnavailableError("The log can not be read.", fix="Run `sp doctor`.")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    async with jobs_head(size) as (head, _):
        await keys(head, "j")
        assert same_as_snapshot(f"jobs-{size[0]}x{size[1]}", inside(head))


async def test_nothing_starts_or_stops_without_being_meant() -> None:
    async with jobs_head() as (head, jobs):
        await keys(head, "c")
        assert "eod has missed nothing" in head.text()
        await keys(head, "K")
        assert "eod does not run" in head.text()
        await keys(head, "r")
        assert "Nothing is due: the run 2026-11-20T15:00Z ended at Thu 16:31 ET" in head.text()
        await keys(head, "escape")
        assert jobs.effects == []
        await keys(head, "r", "enter")
        assert jobs.effects.pop() == "job run eod again"
        await keys(head, "j", "r")
        assert jobs.effects.pop() == "job run backfill"
        assert "backfill started, process 4411" in head.text()
        await keys(head, "j")
        assert "64%  history" in head.text()
        await keys(head, "r")
        assert "backup runs already, 64% done" in head.text()
        await keys(head, "K")
        assert jobs.effects == []
        await keys(head, "enter")
        assert jobs.effects.pop() == "job stop backup"
        await head.press("j", "j")
        assert "catch up?" in row_of(head, "prune")
        await keys(head, "c")
        assert jobs.effects == ["job run prune"]


async def test_the_log_opens_whole_and_closes_again() -> None:
    async with jobs_head() as (head, jobs):
        jobs.lines["backfill"] = tuple(f"2026-11-20T11:00:{n:02d}.000000Z k line {n}" for n in range(60))
        await keys(head, "j", "L")
        assert "line 59" in head.text()
        assert "eod" not in head.text()
        await head.press("g", "g")
        assert "line 0\n" in head.text() + "\n"
        await keys(head, "G")
        assert "line 59" in head.text()
        await keys(head, "L")
        assert row_of(head, "eod")
        await keys(head, "enter")
        view = head.app.view
        assert isinstance(view, JobsScreen)
        assert view.front == "joblog"
        await keys(head, "escape")
        assert view.front == "jobs"


async def test_the_log_follows_its_end_until_it_is_held() -> None:
    async with jobs_head() as (head, jobs):
        await keys(head, "j", "enter")
        await head.press("k")
        jobs.lines["backfill"] = (*jobs.lines["backfill"], "2026-11-20T11:00:32.000000Z k one more")
        for _ in range(2):
            await head.tick()
            await rest(head)
        pane = head.app.view.panes["joblog"]
        assert pane.cell() is not None
        assert "stays" in pane.cell().value  # type: ignore[union-attr] # it has lines
        await head.press("G")
        assert "one more" in pane.cell().value  # type: ignore[union-attr] # it has lines


async def test_a_failure_shows_its_cure_a_slow_run_how_slow_and_old_rows_their_age() -> None:
    async with jobs_head() as (head, jobs):
        await keys(head, "j")
        assert "fix It is tried again" in head.text()
        backup = jobs.jobs[2]
        assert backup.last is not None
        slow = structs.replace(backup.last, ended_ns=backup.last.started_ns + 372_000_000_000)
        jobs.jobs = (*jobs.jobs[:2], structs.replace(backup, state="waits", last=slow), *jobs.jobs[3:])
        await keys(head, "j")
        for _ in range(2):
            await head.tick()
            await rest(head)
        assert "took 6:12, 3.1 × the usual 2:00" in head.text()
        await head.press(*"lllllll")
        await keys(head, "question_mark")
        assert "the middle of how long" in head.text()
        await keys(head, "escape")
        head.link.say("lost", "the engine is gone")
        await head.tick(3)
        assert "as it was 5.0 s ago" in head.text()


async def test_a_new_home_says_that_nothing_starts_them() -> None:
    async with book_head() as (head, desk):
        blank = {"last": None, "missed": 0, "state": "waits", "results": (), "today": (), "usual_ns": 0}
        desk.jobs.jobs = tuple(structs.replace(one, **blank) for one in desk.jobs.jobs)
        desk.jobs.is_timed = False
        await keys(head, "0")
        assert "no timer starts them" in head.text()
        assert "Nothing has run yet" in head.text()
        assert "never" in row_of(head, "backup")
        await keys(head, "i")
        assert "sp jobs install --systemd" in head.text()
        await keys(head, "escape")


async def test_what_can_not_be_read_says_so_and_what_was_read_stays() -> None:
    async with book_head() as (head, desk):
        good, desk.jobs = desk.jobs, Away()
        await keys(head, "0")
        assert "The jobs could not be read" in head.text()
        assert "sp doctor" in head.text()
        desk.jobs = good
        for _ in range(5):
            await head.tick()
        await rest(head)
        assert "30 min after the close" in row_of(head, "eod")
        desk.jobs = Away()
        for _ in range(2):
            await head.tick()
            await rest(head)
        assert "could not be read again" in head.text()
        assert row_of(head, "eod")


async def test_a_job_is_named_on_the_command_line_from_anywhere() -> None:
    async with book_head() as (head, desk):
        await head.press("colon")
        await head.type("RUNJOB prune")
        await keys(head, "enter")
        assert desk.jobs.effects == ["job run prune"]
        await head.press("colon")
        await head.type("RUNJOB nosuch")
        await keys(head, "enter")
        assert "There is no job 'nosuch'" in head.text()
        await head.press("colon")
        await head.type("JOBLOG backfill")
        await keys(head, "enter")
        assert head.app.view_id == "screen.jobs"
        assert "inbox vendor.csv" in head.text()
        await head.press("colon")
        await head.type("JB")
        await keys(head, "enter")
        assert head.app.view_id == "screen.jobs"
