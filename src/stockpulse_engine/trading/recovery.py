"""The start of the order service, which is always a recovery: replay, say that we are here, join the venue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.events import EngineStarted, EngineStopped
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.evidence import needs_answer
from stockpulse_engine.trading.halt import Halter
from stockpulse_engine.trading.link import Link
from stockpulse_engine.trading.resolver import Resolver

_BREATH: Final = 500
"""Entries replayed between two breaths of the loop: heads that are attached see the start go on."""


class Recovery:
    """Start and stop in order; both leave their mark in the journal."""

    def __init__(
        self, desk: Desk, links: Mapping[str, Link], resolver: Resolver, halter: Halter, *, version: str, world: str
    ) -> None:
        self._desk = desk
        self._halter = halter
        self._links = links
        self._resolver = resolver
        self._version = version
        self._world = world
        self._has_started = False

    async def replay(self) -> int:
        """Fold the whole journal, letting the loop breathe; returns the number of entries.

        Raises:
            IntegrityError: an entry does not hold.
            InvariantError: an entry is illegal: the journal was not written by this state machine.
        """
        recorder = self._desk.recorder
        count = 0
        for entry in recorder.journal.scan():
            recorder.replay(entry)
            count += 1
            if count % _BREATH == 0:
                await asyncio.sleep(0)
            event = entry.event
            if isinstance(event, OrderEvent) and event.kind is OrderEventKind.SUBMIT:
                order = recorder.book.orders[event.client_order_id]
                if not order.parent_id:
                    self._desk.gate.note(order, entry.recorded_at)
        return count

    async def start(self) -> None:
        """Replay, record the start, and try to join each venue once; `run` goes on trying."""
        desk = self._desk
        await self.replay()
        was_clean = not desk.recorder.book.is_running
        fact = EngineStarted(
            version=self._version,
            world=self._world,
            was_clean=was_clean,
            ts_event=desk.market_now(),
            recorded_at=desk.clock.now_ns(),
        )
        await desk.recorder.write([fact])
        self._has_started = True
        for link in tuple(self._links.values()):
            await self._join(link)
        for order in tuple(desk.recorder.front.all_open()):
            if needs_answer(order):
                self._resolver.ask(order.client_order_id)
        await self._halter.resume_flatten()

    async def _join(self, link: Link) -> None:
        try:
            await link.open()
        except Exception as error:  # noqa: BLE001 - the engine starts without its venue, and says so
            why = clean_line(str(error) or type(error).__name__, 200)
            self._desk.alert("danger", f"{link.name} cannot be reached yet: {why}", link.name)

    async def stop(self) -> None:
        """Take nothing new, wait for what is under way, record the ordered stop."""
        desk = self._desk
        desk.is_stopping = True
        waiting = [event.wait() for event in tuple(desk.sending.values())]
        if waiting:
            try:
                await asyncio.wait_for(asyncio.gather(*waiting), desk.timing.connect)
            except TimeoutError:
                desk.alert("warn", "Some orders were still on their way at the stop; the next start asks about them.")
        await desk.crew.stop()
        await desk.recorder.settle()
        if self._has_started:  # a start that failed half-way leaves the mark of the kill before it alone
            fact = EngineStopped(ts_event=desk.market_now(), recorded_at=desk.clock.now_ns())
            await desk.recorder.write([fact])
        for link in tuple(self._links.values()):
            await link.broker.close()
