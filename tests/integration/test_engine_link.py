"""A head's link to a real API: what it begins for a session ends with that session, and with the head."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.flagfile import FlagFile
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.client.launch import OnStep
from stockpulse_engine.domain.views import HaltView
from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.link import EngineLink
from stockpulse_tui.ports import OnState
from tests.fakes.live_api import LiveApi, serving


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        yield live


class SlowClient(EngineClient):
    """Its first request hangs until it is canceled, or fails."""

    bug: Exception | None = None

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # the same as its parent's
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.is_closed = False

    async def halt_view(self) -> HaltView:
        """No answer."""
        self.began.set()
        try:
            if self.bug is not None:
                raise self.bug
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError

    async def close(self) -> None:
        """Remembered."""
        assert self.ended.is_set() or not self.began.is_set(), "what uses it has ended before"
        self.is_closed = True
        await super().close()


class Link(EngineLink):
    """The head's own link, to an engine that runs already."""

    def __init__(self, api: LiveApi) -> None:
        super().__init__(api.paths)
        self._client = self.slow = SlowClient(api.paths)
        self.frames: list[Frame] = []
        self.states: list[str] = []
        self.is_live = asyncio.Event()
        self.is_lost = asyncio.Event()

    async def start_engine(self, on_state: OnState | OnStep) -> None:
        """It is there."""

    def told(self, state: str, text: str) -> None:
        """A state of the link."""
        self.states.append(state)
        {"live": self.is_live, "lost": self.is_lost}.get(state, asyncio.Event()).set()

    def begin(self) -> asyncio.Task[None]:
        """Run it."""
        return asyncio.get_running_loop().create_task(self.run(self.frames.append, self.told))


async def test_leaving_ends_what_was_begun_and_then_closes_the_connections(api: LiveApi) -> None:
    link = Link(api)
    task = link.begin()
    await link.slow.began.wait()
    link.subscribe(("quotes", "depth:AAPL.XNAS"))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert link.slow.ended.is_set()
    assert link.slow.is_closed
    link.subscribe(("quotes",))
    assert {each.get_name() for each in asyncio.all_tasks()}.isdisjoint({"subscribe", "warm up the first request"})


async def test_an_engine_that_is_lost_ends_what_was_begun_for_it(api: LiveApi) -> None:
    link = Link(api)
    task = link.begin()
    await link.slow.began.wait()
    await api.server.stop()
    await link.is_lost.wait()
    assert link.slow.ended.is_set()
    assert not link.slow.is_closed, "the head lives on"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_bug_in_the_first_request_is_not_swallowed(api: LiveApi) -> None:
    link = Link(api)
    link.slow.bug = TypeError("a bug")
    with pytest.raises(ExceptionGroup) as caught:
        await link.begin()
    assert caught.group_contains(TypeError, match="a bug")
    assert link.slow.is_closed


async def test_the_latch_is_a_file_that_needs_no_engine(home: Path) -> None:
    paths = resolve_paths(home)
    assert await EngineLink(paths).latch("fat finger") == ""
    assert "fat finger" in FlagFile(paths.latch, WallClock()).note()


async def test_a_latch_that_can_not_be_written_is_said(home: Path) -> None:
    paths = resolve_paths(home)
    paths.latch.parent.parent.mkdir(parents=True, exist_ok=True)
    paths.latch.parent.write_text("a file where a directory should be")
    assert (await EngineLink(paths).latch("")).startswith("the latch file could not be written: ")
