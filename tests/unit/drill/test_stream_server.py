"""The stream server's weather, as a real WebSocket client meets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from stockpulse_engine.drill.servers.stream import StreamServer, StreamSession
from stockpulse_engine.drill.servers.weather import FAIR, Weather

END = "end"


async def talk(session: StreamSession) -> None:
    """Who says hello is ready."""
    async for message in session:
        session.is_ready = True
        session.reply(f"welcome {message!s}")


@pytest.fixture
async def server() -> AsyncIterator[StreamServer]:
    """A stream."""
    async with StreamServer(talk, seed=3) as running:
        yield running


async def greeted(server: StreamServer) -> ClientConnection:
    line = await connect(server.url)
    await line.send("me")
    assert await line.recv() == "welcome me"
    return line


async def until_end(line: ClientConnection) -> list[str]:
    found: list[str] = []
    async for message in line:
        if message == END:
            break
        found.append(str(message))
    return found


def send(server: StreamServer, weather: Weather, count: int = 200) -> list[str]:
    frames = [str(number) for number in range(count)]
    server.weather = weather
    for frame in frames:
        server.broadcast(frame)
    server.weather = FAIR
    return frames


async def test_in_fair_weather_everything_comes_in_order(server: StreamServer) -> None:
    async with await greeted(server) as line:
        frames = send(server, FAIR)
        server.broadcast(END)
        assert await until_end(line) == frames


async def test_frames_are_lost_copied_and_swallowed(server: StreamServer) -> None:
    async with await greeted(server) as line:
        frames = send(server, Weather(drop=0.8))
        server.broadcast(END)
        came = await until_end(line)
        assert 0 < len(came) < 80
        assert came == [frame for frame in frames if frame in set(came)]
        send(server, Weather(copies=5), 50)
        server.broadcast(END)
        counts = [0] * 50
        for frame in await until_end(line):
            counts[int(frame)] += 1
        assert set(counts) <= {2, 3, 4, 5, 6}
        assert len(set(counts)) > 2
        send(server, Weather(is_silent=True))
        server.broadcast(END)
        assert await until_end(line) == [], "silence is no end of the line"


async def test_in_a_window_frames_overtake_each_other_and_none_is_lost(server: StreamServer) -> None:
    async with await greeted(server) as line:
        frames = send(server, Weather(window_s=0.05))
        came = [str(await line.recv()) for _ in frames]
    assert came != frames
    assert sorted(came, key=int) == frames


async def test_a_cut_line_ends_and_may_come_back_and_refused_is_refused(server: StreamServer) -> None:
    line = await greeted(server)
    server.cut()
    with pytest.raises(ConnectionClosed):
        await line.recv()
    async with await greeted(server):
        await server.refuse()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await connect(server.url)
        await server.start()
    async with await greeted(server) as again:
        server.broadcast(END)
        assert await until_end(again) == []


async def test_a_frozen_line_answers_no_ping(server: StreamServer) -> None:
    line = await greeted(server)
    await (await line.ping())
    (session,) = server.sessions
    session.freeze()
    pong = await line.ping()
    done, _ = await asyncio.wait({asyncio.ensure_future(pong)}, timeout=0.2)
    assert not done
    session.cut()
    with pytest.raises(ConnectionClosed):
        await line.recv()
