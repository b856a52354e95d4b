"""The wire to the venue: an answer that never comes costs only the request it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stockpulse_engine.adapters.paper.link import VenueLink
from stockpulse_engine.marketdata.ports import ClockState
from stockpulse_engine.trading.ports import AmbiguousOutcomeError
from stockpulse_engine.venue import protocol as p

CLOCK = ClockState(market_ns=1, wall_ns=1, speed=1.0, session_date="2026-11-20")


class MuteVenue:
    """Greets, and keeps every other question until it is told to answer."""

    def __init__(self) -> None:
        self.asked: list[p.Request] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[MuteVenue]:
        """Listen on a socket for as long as the block runs."""
        server = await asyncio.start_unix_server(self._serve, str(path))
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        frames = p.FrameReader(p.MAX_REQUEST)
        while data := await reader.read(4096):
            for frame in frames.feed(data):
                request = p.decode_request(frame)
                if isinstance(request.question, p.Hello):
                    self.answer(request, p.Welcome(p.VENUE_PROTOCOL, "sim", 1, 7, CLOCK, 0))
                else:
                    self.asked.append(request)
                    self._news.set()

    def answer(self, request: p.Request, answer: p.Answered) -> None:
        """Answer one question."""
        self._writers[-1].write(p.encode_frame(p.Reply(request.request_id, answer)))

    async def until_asked(self, count: int) -> None:
        """Wait for so many questions."""
        while len(self.asked) < count:
            self._news.clear()
            await self._news.wait()


@pytest.mark.timeout(30)
async def test_a_request_that_gets_no_answer_takes_nobody_elses(home: Path) -> None:
    async with MuteVenue().serving(home / "venue.sock") as venue:
        link = VenueLink(home / "venue.sock", "test", 0.05)
        await link.connect()
        first = asyncio.ensure_future(link.ask(p.CancelAll("main"), p.Done))
        await venue.until_asked(1)
        link._answer_s = 20.0  # whoever asks now has patience
        second = asyncio.ensure_future(link.ask(p.CancelAll("main"), p.Done))
        await venue.until_asked(2)
        with pytest.raises(AmbiguousOutcomeError, match="no answer within"):
            await first
        venue.answer(venue.asked[1], p.Done())
        assert isinstance(await second, p.Done)
        await link.close()
