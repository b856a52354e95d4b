"""From the bus to a mirror outside: quotes conflated, order events and alerts complete until a queue is full.

Handlers only put a value aside; encoding, sending and waiting happen in the bridge's own task. So a mirror that is
slow, hangs or dies costs the publisher nothing, and trading does not notice.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import Final, Protocol

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.queues import BoundedQueue, Overflow
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised, OrderChanged, PartChanged
from stockpulse_engine.domain.market import Quote

MAX_RECORDS: Final = 20_000
"""Order events and alerts that wait for a mirror which is away (some 40 MB); beyond it the oldest are lost there."""
MAX_INSTRUMENTS: Final = 20_000
BATCH_RECORDS: Final = 50
"""Encoding that many holds the engine's loop for less than 5 ms."""
BATCH_QUOTES: Final = 1000
QUOTES_EVERY_NS: Final = 250_000_000
SIGN_EVERY_NS: Final = 1_000_000_000
"""With nothing to say a sign of life is written, so that a dead mirror is noticed on a quiet market too."""
GONE_AFTER_NS: Final = 3_000_000_000
GATHER_S: Final = 0.02
"""A record waits this long for others: under a flow of orders one write carries many."""
WRITE_LIMIT_S: Final = 5.0
LAST_WORDS_S: Final = 1.0
RETRY: Final = Backoff(first_s=0.2, limit_s=5.0)
_log = get_logger("bus.bridge")

Record = OrderChanged | AlertRaised


class MirrorError(Exception):
    """The mirror did not take a batch; args[0] says why in a few words, without any secret."""


class MirrorBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is written at once. `key` names the batch for good: the same key again is the same batch again."""

    key: str
    at_ns: int
    """Wall time at which it was made."""
    records: tuple[Record, ...] = ()
    quotes: tuple[Quote, ...] = ()
    lost: int = 0
    """Records lost to a full queue so far."""


class MirrorPort(Protocol):
    """Something outside that keeps a copy."""

    async def write(self, batch: MirrorBatch) -> None:
        """Write the whole batch once; one that arrived although it was reported as failed is not written again.

        Raises:
            MirrorError: it may or may not have arrived; the bridge comes back with the same batch.
        """
        ...

    async def close(self) -> None:
        """Give up the connection."""
        ...


class Bridge:
    """Subscribes at once, sends while `run` runs, and says on the bus how the mirror is.

    Args:
        bus: what is mirrored, and where its part is reported.
        port: where to.
        clock: wall time for stamps, monotonic time for ages.
        run_id: unlike that of any other run: it makes the batches' keys unique.
        part: name of the part on the health board.
        limit: records that may wait.
        rng: spreads the retries.
    """

    def __init__(
        self,
        bus: Bus,
        port: MirrorPort,
        clock: Clock,
        *,
        run_id: str,
        part: str,
        limit: int = MAX_RECORDS,
        rng: Random | None = None,
    ) -> None:
        self._bus = bus
        self._port = port
        self._clock = clock
        self._run_id = run_id
        self._part = part
        self._rng = rng or Random()
        self._records: BoundedQueue[Record] = BoundedQueue(limit, Overflow.DROP_OLDEST)
        self._quotes: dict[str, Quote] = {}
        self._wake = asyncio.Event()
        self._sending: MirrorBatch | None = None
        self._batches = 0
        self._failures = 0
        self._quotes_at = self._seen_ns = self._told_ns = clock.monotonic_ns()
        self._told = ("", "")
        bus.subscribe(OrderChanged, self._keep)
        bus.subscribe(AlertRaised, self._keep)
        bus.subscribe(Quote, self._keep_quote)

    @property
    def lost(self) -> int:
        """Records that a full queue threw away."""
        return self._records.dropped

    @property
    def waiting(self) -> int:
        """Records not yet in the mirror."""
        return len(self._records) + (len(self._sending.records) if self._sending else 0)

    def age_ns(self) -> int:
        """Time since the mirror last took something."""
        return self._clock.monotonic_ns() - self._seen_ns

    # --- what is put aside ----------------------------------------------------------------------------------

    def _keep(self, record: Record) -> None:
        self._records.put(record)
        self._wake.set()

    def _keep_quote(self, quote: Quote) -> None:
        if quote.instrument_id in self._quotes or len(self._quotes) < MAX_INSTRUMENTS:
            self._quotes[quote.instrument_id] = quote

    # --- what is sent ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until canceled; then what is left, when the mirror is there to take it."""
        self._told = ("", "")
        try:
            while True:
                await self._rest(await self.turn())
        except asyncio.CancelledError:
            await self._say_last_words()
            raise
        finally:
            await self._port.close()

    async def turn(self) -> float:
        """Send what is due, if anything; the seconds until something will be."""
        batch = self._sending or self._next_batch()
        if batch is None:
            return self._until_due()
        try:
            await self._send(batch)
        except MirrorError as error:
            self._failures += 1
            self._tell_failure(str(error))
            return RETRY.delay(self._failures, self._rng)
        self._tell_success()
        return 0.0 if len(self._records) >= BATCH_RECORDS else self._until_due()

    async def _send(self, batch: MirrorBatch) -> None:
        self._sending = batch
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self._port.write(batch)
        except TimeoutError:
            raise MirrorError("does not answer") from None
        self._sending = None
        self._failures = 0
        self._seen_ns = self._clock.monotonic_ns()

    def _next_batch(self) -> MirrorBatch | None:
        now = self._clock.monotonic_ns()
        quotes = self._take_quotes(now) if now >= self._quotes_at else ()
        records = tuple(self._records.take(BATCH_RECORDS))
        if not quotes and not records and now < self._seen_ns + SIGN_EVERY_NS and self._told[0]:
            return None
        self._batches += 1
        return MirrorBatch(
            key=f"{self._run_id}:{self._batches}",
            at_ns=self._clock.now_ns(),
            records=records,
            quotes=quotes,
            lost=self.lost,
        )

    def _take_quotes(self, now: int) -> tuple[Quote, ...]:
        """Those that changed longest ago come first: a new value keeps its instrument's place."""
        self._quotes_at = now + QUOTES_EVERY_NS
        chosen = tuple(self._quotes.values())[:BATCH_QUOTES]
        for quote in chosen:
            del self._quotes[quote.instrument_id]
        return chosen

    def _until_due(self) -> float:
        now = self._clock.monotonic_ns()
        return max(0, min(self._quotes_at, self._seen_ns + SIGN_EVERY_NS) - now) / 1e9 or GATHER_S

    async def _rest(self, seconds: float) -> None:
        """Wait; a record ends it early, unless the mirror has just failed."""
        if self._failures or not seconds:
            await asyncio.sleep(seconds)
            return
        if not len(self._records):
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if len(self._records):
            await asyncio.sleep(GATHER_S)

    async def _say_last_words(self) -> None:
        if self._told[0] in ("", "gone") or self._failures:
            return
        with suppress(MirrorError, TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while (batch := self._sending or self._next_batch()) is not None:
                    await self._send(batch)

    # --- what is said ---------------------------------------------------------------------------------------

    def _tell_failure(self, why: str) -> None:
        lost = f", {self.lost} lost" if self.lost else ""
        state = "gone" if self.age_ns() >= GONE_AFTER_NS else "late"
        self._tell(state, f"{why}; {self.waiting} wait{lost}; trading goes on")

    def _tell_success(self) -> None:
        if len(self._records) >= BATCH_RECORDS:
            self._tell("late", f"catching up; {self.waiting} wait")
        else:
            self._tell("ok", f"{self.lost} order events and alerts were lost there" if self.lost else "")

    def _tell(self, state: str, detail: str) -> None:
        """A change of state at once, another wording of the same at most once a second."""
        now = self._clock.monotonic_ns()
        if state == self._told[0] and (detail == self._told[1] or now < self._told_ns + SIGN_EVERY_NS):
            return
        if state != self._told[0]:
            (_log.info if state == "ok" else _log.warning)("mirror", part=self._part, state=state, detail=detail)
        self._told, self._told_ns = (state, detail), now
        self._bus.publish(PartChanged(name=self._part, state=state, detail=detail))
