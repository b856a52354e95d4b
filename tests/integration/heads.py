"""Heads on a real engine: each folds its own stream, and all must end with the same state as REST tells."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import msgspec

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.stream import LinkState, StreamLink
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import AccountView, PositionView
from stockpulse_tui.store import Store

WAIT_S = 30.0
QUICK = Backoff(first_s=0.02, limit_s=0.2)
MOVING = ("reconciled_at", "reconciled_wall")
"""When the venue was last asked differs from one look to the next; what it said does not."""


class Head:
    """One head: its link, what it knows, and every state the link went through."""

    def __init__(self, paths: Paths, *, rate_ms: int = 33, role: str = "trader") -> None:
        self.link = StreamLink(paths, rate_ms=rate_ms, role=role, kind="test", backoff=QUICK)
        self.store = Store()
        self.states: list[LinkState] = []
        self.snapshots = 0
        self._gate = asyncio.Event()
        self._gate.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Fold frames until closed."""
        async with aclosing(self.link.events()) as events:
            async for event in events:
                await self._gate.wait()
                if isinstance(event, LinkState):
                    self.states.append(event)
                else:
                    self.snapshots += event.kind == "snapshot"
                    self.store.apply(event)
                self._news.set()

    def sleep(self) -> None:
        """Read nothing any more."""
        self._gate.clear()

    def wake(self) -> None:
        """Go on reading."""
        self._gate.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a frame or a state after which `holds`."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    @property
    def state(self) -> str:
        """State of the link now."""
        return self.states[-1].state if self.states else ""

    def digest(self) -> str:
        """Hash of the trading state it holds."""
        store = self.store
        positions = [one for one in store.positions.values() if one.quantity]
        return digest(store.orders.values(), store.fills.values(), positions, store.accounts.values())


@asynccontextmanager
async def attached(paths: Paths, count: int, **options: str) -> AsyncIterator[list[Head]]:
    """So many heads, each at a rate of its own, all with their snapshot."""
    heads = [Head(paths, rate_ms=10 + 40 * number, **options) for number in range(count)]
    tasks = [asyncio.get_running_loop().create_task(head.run()) for head in heads]
    try:
        for head in heads:
            await head.until(lambda head=head: head.snapshots > 0)  # type: ignore[misc] # bound at once
        yield heads
    finally:
        for head in heads:
            head.wake()
            await head.link.close()
        await asyncio.gather(*tasks)


def digest(*parts: object) -> str:
    """One hash over orders, fills, positions and accounts, whatever order they come in."""
    lines = sorted(_line(one) for part in parts for one in part)  # type: ignore[attr-defined] # each part is iterable
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _line(one: Order | Fill | PositionView | AccountView) -> bytes:
    fields = msgspec.to_builtins(one)
    for name in MOVING:
        fields.pop(name, None)
    return type(one).__name__.encode() + msgspec.json.encode(fields, order="sorted")


def rest_digest(client: BlockingClient) -> str:
    """The same hash from what REST says."""
    return digest(client.orders("all", limit=5000), client.fills(limit=5000), client.positions(), client.accounts())


async def until_same(client: BlockingClient, heads: list[Head]) -> str:
    """Wait until every head and REST agree; returns the hash. The market must stand still."""
    found: set[str] = set()
    for _ in range(200):
        found = {await asyncio.to_thread(rest_digest, client), *(head.digest() for head in heads)}
        if len(found) == 1:
            return found.pop()
        await asyncio.sleep(0.05)
    raise AssertionError(_differences(client, heads))


def _differences(client: BlockingClient, heads: list[Head]) -> str:
    """Which line of which head is not REST's."""
    parts = (client.orders("all", limit=5000), client.fills(limit=5000), client.positions(), client.accounts())
    said = {_line(one) for part in parts for one in part}
    out = []
    for number, head in enumerate(heads):
        store = head.store
        positions = [one for one in store.positions.values() if one.quantity]
        mine = {_line(one) for part in (store.orders, store.fills, store.accounts) for one in part.values()}
        mine |= {_line(one) for one in positions}
        out.append(f"head {number}: lacks {sorted(said - mine)[:2]}, has {sorted(mine - said)[:2]}")
    return "\n".join(out)
