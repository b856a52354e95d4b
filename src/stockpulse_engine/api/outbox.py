"""The outbox of one head: bounded, conflating, and honest about what it had to drop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from stockpulse_engine.api.frames import Body, FrameMaker, Topics, seal
from stockpulse_engine.api.pending import Pending
from stockpulse_engine.base.clock import Clock

MAX_LOSSLESS = 2_000
"""Order events, fills, alerts and headlines that may wait for a slow reader; one more means resync."""
RESYNC_CODE = 4408
IDLE_CODE = 4000
STOP_CODE = 4001


@dataclass(frozen=True, slots=True)
class Closing:
    """How a session ends: an optional last frame's kind and the close code."""

    code: int
    reason: str
    kind: str = ""


class Outbox:
    """Frames for one head, in order, one at a time.

    A head that keeps up is handed bodies shared with others. One that does not has what it missed gathered in a
    `Pending` of its own, and is sent that in one frame as soon as its socket takes bytes again.
    """

    def __init__(self, head_id: str, topics: Topics, clock: Clock, *, max_lossless: int = MAX_LOSSLESS) -> None:
        self.head_id = head_id
        self.topics = topics
        self.heard_at = clock.monotonic_ns()
        """Monotonic time of the head's last sign of life."""
        self.seq = 0
        self.read_only_reason = ""
        self._clock = clock
        self._max_lossless = max_lossless
        self._shared: Body | None = None
        self._missed: Pending | None = None
        self._kind = "snapshot"
        self._wants_heartbeat = False
        self._closing: Closing | None = None
        self._is_waiting = False
        self._news = asyncio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether it has not yet taken what it was offered before."""
        return not self._is_waiting or self._shared is not None or self._missed is not None

    @property
    def waiting(self) -> int:
        """Facts gathered for it that may not be dropped."""
        return self._missed.lossless if self._missed is not None else 0

    @property
    def is_closing(self) -> bool:
        """Whether its end has been decided."""
        return self._closing is not None

    def offer(self, maker: FrameMaker, pending: Pending) -> None:
        """Hand over one moment's changes."""
        if self._closing is not None:
            return
        if self.is_behind:
            self.add(pending)
        elif body := maker.body(self.topics):
            self._shared = body
            self._news.set()

    def add(self, pending: Pending) -> None:
        """Gather changes for this head alone; too many facts that may not be lost end the session."""
        if self._closing is not None:
            return
        missed = self._missed = self._missed or Pending()
        missed.merge(pending)
        _keep_only(missed, self.topics)
        if missed.lossless > self._max_lossless:
            self.close(Closing(RESYNC_CODE, "You fell too far behind; take a new snapshot.", "resync"))
        self._news.set()

    def set_topics(self, topics: Topics, added: Pending) -> None:
        """Replace the topics; `added` holds the state of the new ones."""
        self.topics = topics
        self.add(added)

    def ask_heartbeat(self) -> None:
        """Send a heartbeat when nothing else is under way."""
        self._wants_heartbeat = True
        self._news.set()

    def close(self, closing: Closing) -> None:
        """End the session after the frame under way; what waited is forgotten."""
        if self._closing is None:
            self._closing = closing
            self._shared = self._missed = None
            self._news.set()

    async def next(self) -> bytes | Closing:
        """The next frame to write, or how to end; waits until there is something."""
        while (found := self._take()) is None:
            self._news.clear()
            self._is_waiting = True
            try:
                await self._news.wait()
            finally:
                self._is_waiting = False
        return found

    def last_frame(self, closing: Closing) -> bytes:
        """The frame that says why the session ends."""
        return self._seal(Body(0, b""), kind=closing.kind, reason=closing.reason)

    def _take(self) -> bytes | Closing | None:
        if self._closing is not None:
            return self._closing
        if self._shared is not None:
            body, self._shared = self._shared, None
            return self._seal(body)
        if self._missed is not None:
            missed, self._missed = self._missed, None
            body = FrameMaker(missed).body(self.topics)
            if body or self._kind:
                return self._first_or_delta(body)
        if self._wants_heartbeat:
            self._wants_heartbeat = False
            return self._seal(Body(0, b""), kind="heartbeat")
        return None

    def _first_or_delta(self, body: Body) -> bytes:
        if not self._kind:
            return self._seal(body)
        own: dict[str, object] = {"kind": self._kind}
        if self.read_only_reason:
            own |= {"is_read_only": True, "reason": self.read_only_reason}
        self._kind = ""
        return self._seal(body, **own)

    def _seal(self, body: Body, **own: object) -> bytes:
        self.seq += 1
        return seal(body, seq=self.seq, sent_at=self._clock.now_ns(), **own)


def _keep_only(pending: Pending, topics: Topics) -> None:
    """Forget the facts this head does not follow, so that they do not count against it."""
    if "orders" not in topics:
        pending.orders.clear()
        pending.fills.clear()
    if "news" not in topics:
        pending.news.clear()
