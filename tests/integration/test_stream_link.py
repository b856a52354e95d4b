"""The stream end to end: a real server, a real WebSocket, the client that heads use."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from stockpulse_engine.api import stream
from stockpulse_engine.api.outbox import RESYNC_CODE
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.api.stream import BAD_CODE, FULL_CODE
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.client.stream import LinkState, StreamLink
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.wire.codec import decode_frame, encode
from stockpulse_engine.wire.stream import DEFAULT_TOPICS, Frame, Hello, Subscribe
from tests.fakes.fake_engine import FakeEngine, fill_of, quote, terms
from tests.fakes.live_api import LiveApi, serving

QUICK = Backoff(first_s=0.001, limit_s=0.01)
Event = Frame | LinkState


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        yield live


def link_to(api: LiveApi, **options: object) -> StreamLink:
    """A head that reconnects at once."""
    return StreamLink(api.paths, **{"rate_ms": 10, "backoff": QUICK, **options})  # type: ignore[arg-type]  # test options


class Follower:
    """A head's loop: gathers what came, and waits for what is to come."""

    def __init__(self, link: StreamLink) -> None:
        self.link = link
        self.seen: list[Event] = []
        self._changed = asyncio.Condition()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        async with contextlib.aclosing(self.link.events()) as events:
            async for event in events:
                async with self._changed:
                    self.seen.append(event)
                    self._changed.notify_all()

    async def until(self, found: Callable[[Event], bool]) -> Event:
        """The first event like that since the last call, which is forgotten with all before it."""
        async with self._changed:
            await self._changed.wait_for(lambda: any(map(found, self.seen)))
            index = next(number for number, event in enumerate(self.seen) if found(event))
            event = self.seen[index]
            del self.seen[: index + 1]
            return event

    async def frame(self, found: Callable[[Frame], bool]) -> Frame:
        """The next frame like that."""
        event = await self.until(lambda event: isinstance(event, Frame) and found(event))
        assert isinstance(event, Frame)
        return event

    async def close(self) -> None:
        """End."""
        await self.link.close()
        await self._task


@contextlib.asynccontextmanager
async def following(api: LiveApi, **options: object) -> AsyncIterator[Follower]:
    follower = Follower(link_to(api, **options))
    try:
        yield follower
    finally:
        await follower.close()


def is_state(name: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, LinkState) and event.state == name


async def raw_head(api: LiveApi, *, receive_buffer: int = 0, more: Mapping[str, str] | None = None) -> ClientConnection:
    """A WebSocket without a client behind it."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.connect(str(api.paths.socket))
    peer.setblocking(False)
    headers = api.headers(Host=None, **(more or {}))
    return await unix_connect(
        uri="ws://localhost/v1/stream", sock=peer, additional_headers=headers, compression=None, max_queue=1,
        ping_interval=None, proxy=None, max_size=2**24,
    )  # fmt: skip


async def closed(head: ClientConnection) -> tuple[list[Frame], int]:
    """What came until the engine closed, and the code."""
    frames = []
    try:
        while True:
            frames.append(decode_frame(await head.recv(decode=False)))
    except ConnectionClosed as end:
        return frames, end.rcvd.code if end.rcvd else 0


async def test_a_head_lives_through_snapshot_deltas_and_new_topics(api: LiveApi) -> None:
    async with following(api) as head:
        await head.until(is_state("connecting"))
        await head.until(is_state("live"))
        snapshot = await head.frame(lambda frame: True)
        assert (snapshot.seq, snapshot.kind, len(snapshot.quotes)) == (1, "snapshot", 3)
        api.engine.market.set_quote(quote(bid="123.45"))
        assert str((await head.frame(lambda frame: bool(frame.quotes))).quotes[0].bid) == "123.45"
        order = Order(client_order_id="C1", terms=terms(), status=OrderStatus.FILLED)
        api.engine.trading.put(order, fill_of(order))
        filled = await head.frame(lambda frame: bool(frame.orders))
        assert (filled.orders, filled.fills) == ((order,), (fill_of(order),))
        await head.link.subscribe((*DEFAULT_TOPICS, "depth:MSFT.XNAS"))
        assert (await head.frame(lambda frame: bool(frame.depths))).depths[0].instrument_id == "MSFT.XNAS"


async def test_several_heads_see_the_same(api: LiveApi) -> None:
    async with contextlib.AsyncExitStack() as stack:
        heads = [await stack.enter_async_context(following(api)) for _ in range(8)]
        for head in heads:
            await head.frame(lambda frame: frame.kind == "snapshot")
        assert api.server.api.hub.heads == 8
        api.engine.market.set_quote(quote(bid="77.00"))
        frames = [await head.frame(lambda frame: bool(frame.quotes)) for head in heads]
        assert {frame.quotes for frame in frames} == {(quote(bid="77.00"),)}
    for _ in range(200):
        if api.server.api.hub.heads == 0:
            break
        await asyncio.sleep(0.001)
    assert api.server.api.hub.heads == 0


@pytest.mark.covers("F27")
async def test_a_slow_reader_never_holds_up_another_and_loses_no_order(api: LiveApi) -> None:
    slow = await raw_head(api, receive_buffer=4096)
    await slow.send(encode(Hello(head_id="slow", kind="test", rate_ms=10)), text=True)
    assert decode_frame(await slow.recv(decode=False)).kind == "snapshot"
    async with following(api) as quick:
        await quick.frame(lambda frame: frame.kind == "snapshot")
        for number in range(1500):
            api.engine.trading.put(Order(client_order_id=f"C{number}", terms=terms(), reason="x" * 400))
            if number % 100 == 99:
                api.engine.market.set_quote(quote(bid=f"{number}.00"))
                last = number
                await quick.frame(lambda frame: bool(frame.quotes) and str(frame.quotes[-1].bid) == f"{last}.00")  # noqa: B023 - awaited at once
    seen: list[str] = []
    seqs: list[int] = []
    while len(seen) < 1500:
        frame = decode_frame(await slow.recv(decode=False))
        seqs.append(frame.seq)
        seen += [order.client_order_id for order in frame.orders]
    assert seen == [f"C{number}" for number in range(1500)]
    assert seqs == list(range(2, len(seqs) + 2))
    await slow.close()


async def test_a_reader_that_overflows_is_told_to_resync_and_can_come_back(api: LiveApi) -> None:
    stuck = await raw_head(api, receive_buffer=4096)
    await stuck.send(encode(Hello(head_id="stuck", kind="test", rate_ms=10)), text=True)
    assert decode_frame(await stuck.recv(decode=False)).kind == "snapshot"
    async with following(api) as quick:
        for number in range(6000):
            api.engine.trading.put(Order(client_order_id=f"C{number}", terms=terms(), reason="x" * 400))
            if number % 200 == 199:
                wanted = f"C{number}"
                await quick.frame(lambda frame: any(one.client_order_id == wanted for one in frame.orders))  # noqa: B023 - awaited at once
    frames, code = await closed(stuck)
    assert (frames[-1].kind, code) == ("resync", RESYNC_CODE)
    assert api.server.api.hub.resyncs == 1
    async with following(api, head_id="stuck") as again:
        snapshot = await again.frame(lambda frame: frame.kind == "snapshot")
        assert len(snapshot.orders) >= 500


async def test_the_engine_goes_and_comes_back_and_the_head_says_both(home: Path) -> None:
    engine = FakeEngine()
    async with serving(home, engine) as api:
        head = Follower(link_to(api))
        await head.frame(lambda frame: frame.kind == "snapshot")
    lost = await head.until(is_state("lost"))
    assert isinstance(lost, LinkState)
    assert lost.detail
    engine.market.set_quote(quote(bid="55.00"))
    async with serving(home, engine):
        await head.until(is_state("live"))
        snapshot = await head.frame(lambda frame: frame.kind == "snapshot")
        assert "55.00" in {str(one.bid) for one in snapshot.quotes}
        await head.close()


async def test_a_head_of_another_version_reads_and_is_told_why(api: LiveApi) -> None:
    head = await raw_head(api)
    hello = encode(Hello(head_id="old", kind="tui", protocol=99)).replace(b'"kind"', b'"later_field":1,"kind"')
    await head.send(hello, text=True)
    frame = decode_frame(await head.recv(decode=False))
    assert (frame.kind, frame.is_read_only) == ("snapshot", True)
    assert "protocol 99" in frame.reason
    await head.close()


async def test_a_viewer_reads_and_is_told_why(api: LiveApi) -> None:
    async with following(api, role="viewer") as head:
        state = await head.until(is_state("read_only"))
        assert isinstance(state, LinkState)
        assert "viewer" in state.detail


@pytest.mark.parametrize(
    "first",
    [b"", b"{}", b"nonsense", b'{"type":"hello"}', b'{"type":"pong","seq":1}', b'{"type":"hello","head_id":"x","kind":"x","topics":["*"]}',
     b'{"type":"hello","head_id":"x","kind":"x","rate_ms":NaN}', b"[" * 1000],
)  # fmt: skip
async def test_a_bad_hello_is_answered_in_words_and_closed(api: LiveApi, first: bytes) -> None:
    head = await raw_head(api)
    await head.send(first, text=True)
    frames, code = await closed(head)
    assert code == BAD_CODE
    assert [(frame.kind, frame.is_read_only) for frame in frames] == [("resync", True)]
    assert frames[0].reason


async def test_a_message_that_is_none_ends_the_session(api: LiveApi) -> None:
    for message in (b'{"type":"subscribe","topics":["nope"]}', b"x", encode(Subscribe(topics=("quotes",) * 601))):
        head = await raw_head(api)
        await head.send(encode(Hello(head_id="x", kind="x")), text=True)
        await head.recv(decode=False)
        await head.send(message, text=True)
        assert (await closed(head))[1] == BAD_CODE


async def test_a_message_over_64_kib_ends_the_session(api: LiveApi) -> None:
    head = await raw_head(api)
    await head.send(b"x" * 65_537)
    assert (await closed(head))[1] == 1009


async def test_the_stream_is_refused_before_the_upgrade(api: LiveApi) -> None:
    for more in ({"Origin": "http://evil.example"}, {"Authorization": "Bearer x"}, {"Sec_Fetch_Site": "cross-site"}):
        with pytest.raises(InvalidStatus) as refused:
            await raw_head(api, more=more)
        assert refused.value.response.status_code in (401, 403)
        assert b"about:blank#" in (refused.value.response.body or b"")


async def test_one_head_too_many_is_turned_away(home: Path) -> None:
    async with serving(home, settings=ApiSettings(max_sockets=1)) as api, following(api) as head:
        await head.frame(lambda frame: frame.kind == "snapshot")
        second = await raw_head(api)
        await second.send(encode(Hello(head_id="2", kind="x")), text=True)
        frames, code = await closed(second)
        assert (code, frames[0].reason) == (FULL_CODE, "1 heads are attached already.")


async def test_a_gap_makes_the_client_start_again(api: LiveApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async with following(api) as head:
        await head.frame(lambda frame: frame.kind == "snapshot")
        (outbox,) = next(iter(api.server.api.hub.tickers.values())).heads
        outbox.seq += 1
        api.engine.market.set_quote(quote(bid="66.00"))
        state = await head.until(is_state("connecting"))
        assert isinstance(state, LinkState)
        assert "missing" in state.detail
        assert (await head.frame(lambda frame: frame.kind == "snapshot")).seq == 1


async def test_a_heartbeat_is_answered_with_the_heads_latency(api: LiveApi) -> None:
    async with following(api) as head:
        await head.frame(lambda frame: frame.kind == "snapshot")
        head.link.report_latency(2_000_000)
        (outbox,) = next(iter(api.server.api.hub.tickers.values())).heads
        outbox.ask_heartbeat()
        await head.frame(lambda frame: frame.kind == "heartbeat")
        hub = api.server.api.hub
        while not hub.tick_to_cell_ns:
            await asyncio.sleep(0.001)
        assert hub.worst_tick_s == pytest.approx(0.002)


async def test_without_an_engine_the_link_says_so_and_goes_on_trying(home: Path) -> None:
    async with serving(home) as api:
        link = link_to(api)
    head = Follower(link)
    for _ in range(3):
        lost = await head.until(is_state("lost"))
        assert isinstance(lost, LinkState)
        assert lost.detail == "The engine does not answer."
    await head.close()


def test_bytes_that_are_no_frame_are_refused() -> None:
    with pytest.raises(InvalidValueError):
        decode_frame(b"\x93\x01\x02\x03")


async def test_a_socket_that_takes_nothing_at_all_is_cut(api: LiveApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEND_S", 0.05)
    dead = await raw_head(api, receive_buffer=4096)
    await dead.send(encode(Hello(head_id="dead", kind="test", rate_ms=10)), text=True)
    hub = api.server.api.hub
    number = 0
    while not hub.heads:
        await asyncio.sleep(0)
    while hub.heads:
        number += 1
        api.engine.trading.put(Order(client_order_id=f"C{number % 100}", terms=terms(), reason="x" * 4000))
        await asyncio.sleep(0.001)
    open_now = api.server._server.server_state.connections
    while open_now:  # cut at once, not when its buffer is empty: that would be never
        await asyncio.sleep(0)
    assert (await api.get("/v1/health")).status == 200
    await dead.close()
