"""Following one account: the stream while it speaks, questions while it may not, and both as one order of facts.

The stream has no replay and can be open and mute (F22), so it is only the fast way. After each time it came up, every
`poll_s` while orders are open, and after anything that could not be read, orders and executions are asked for. What a
question tells and the stream has not told by the next question proves it mute: it is told again to listen, and the
time after that the connection is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

import msgspec

from stockpulse_engine.adapters.alpaca.orders import OrderBook
from stockpulse_engine.adapters.alpaca.parse import AlpacaFill, AlpacaOrder, AlpacaUpdate
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings
from stockpulse_engine.adapters.alpaca.stream import Dead, Down, Put, Signal, TradeStream, Unreadable, Up
from stockpulse_engine.adapters.alpaca.teller import Teller
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.reports import ExecutionReport

OVERLAP_NS: Final = 600_000_000_000
"""How far before what was told last everything is asked for again."""
MOST_WAITING: Final = 10_000
"""Frames between the reader and us; beyond that the line itself waits. Not one is dropped."""
_MOST_ABSENT: Final = 30
_FIRST_LOOK_S: Final = 3.0
"""How long the first questions wait for the stream, so that nothing falls between them and it."""
_FAILURES: Final = 3
_RESTLESS_S: Final = 120.0
_RETRY_S: Final = 2.0
_NEVER: Final = float("inf")


class Nudge(msgspec.Struct, frozen=True):
    """Something was put aside to be told."""


class Looked(msgspec.Struct, frozen=True):
    """What Alpaca showed when everything was asked for; facts up to `after` are known to whoever listens."""

    orders: tuple[AlpacaOrder, ...]
    fills: tuple[AlpacaFill, ...]
    after: int


class Failed(msgspec.Struct, frozen=True):
    """No answer: that proves nothing."""

    error: UnavailableError


Inbox = asyncio.Queue[Signal | Nudge | Looked | Failed]
MakeStream = Callable[[Put], TradeStream]
Reports = list[ExecutionReport]


class Follower:
    """One listener's way through the facts. There is one at a time: Alpaca gives an account one stream.

    Questions run beside the listening, so that a slow answer never holds back what the stream tells.
    """

    def __init__(
        self,
        book: OrderBook,
        teller: Teller,
        settings: AlpacaSettings,
        make_stream: MakeStream,
        aside: deque[ExecutionReport],
    ) -> None:
        self._book = book
        self._teller = teller
        self._settings = settings
        self._aside = aside
        self._inbox: Inbox = asyncio.Queue(MOST_WAITING)
        self._stream = make_stream(self._inbox.put)
        self._asking: asyncio.Task[None] | None = None
        self._due = 0.0
        self._first_after = 0
        self._is_first = True
        self._strikes = 0
        self._failures = 0
        self._told_to = 0
        self._restless_until = 0.0
        self._is_over = False
        self._answered: deque[AlpacaOrder] = deque(maxlen=MOST_WAITING)
        self._unheard: deque[AlpacaUpdate] = deque(maxlen=MOST_WAITING)
        self._is_fresh = True
        self._owed_before: frozenset[str] = frozenset()
        self._answers = -1

    def nudge(self) -> None:
        """Look at what was put aside."""
        if not self._inbox.full():
            self._inbox.put_nowait(Nudge())

    def learn(self, order: AlpacaOrder) -> None:
        """An order as the answer to a request showed it: its word counts as well as the stream's."""
        self._answered.extend((order, *order.legs))
        self.nudge()

    def be_restless(self) -> None:
        """An order may be there that nobody confirmed: go on asking for a while."""
        self._restless_until = _time() + _RESTLESS_S

    def end(self) -> None:
        """Another listener takes over."""
        self._is_over = True
        self.nudge()

    async def batches(self, after_seq: int) -> AsyncGenerator[Sequence[ExecutionReport], None]:
        """First what was missed, then what comes. Raises UnavailableError when there is no way to Alpaca any more."""
        self._told_to = self._first_after = after_seq
        self._due = _time() + _FIRST_LOOK_S
        reader = spawn(self._stream.run(), name="alpaca stream")
        try:
            while not self._is_over:
                found: Reports = []
                await self._hear(await self._wait(), found)
                self._begin_look()
                while self._aside:
                    found.append(self._aside.popleft())
                if found:
                    self._told_to = max(self._told_to, *(one.report_seq for one in found))
                    yield found
        finally:
            tasks = {reader} if self._asking is None else {reader, self._asking}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _wait(self) -> list[Signal | Nudge | Looked | Failed]:
        """What came, all of it at once; nothing when it is time to ask."""
        found: list[Signal | Nudge | Looked | Failed] = []
        if self._inbox.empty() and not self._aside and not self._answered:
            patience = None if self._asking is not None else max(0.0, self._due - _time())
            try:
                async with asyncio.timeout(patience):
                    found.append(await self._inbox.get())
            except TimeoutError:
                return found
        while not self._inbox.empty():
            found.append(self._inbox.get_nowait())
        return found

    async def _hear(self, signals: Sequence[Signal | Nudge | Looked | Failed], found: Reports) -> None:
        """Everything is added to `found` as soon as it is told: what fails later takes nothing of it away."""
        while self._answered:
            await self._show(self._answered.popleft(), found)
        for signal in signals:
            if isinstance(signal, Dead):
                raise UnavailableError(
                    f"Alpaca refuses the key: {signal.why}.", fix="Give a new pair with `sp broker add`."
                )
            if isinstance(signal, Up | Down | Unreadable):
                self._is_fresh = self._is_fresh or isinstance(signal, Up)
                self._due = 0.0
            elif isinstance(signal, AlpacaUpdate):
                self._strikes = 0
                await self._translate(signal, found)
            elif isinstance(signal, Looked):
                await self._take(signal, found)
            elif isinstance(signal, Failed):
                self._fail(signal.error)

    async def _translate(self, update: AlpacaUpdate, found: Reports) -> None:
        try:
            told = await self._teller.of_update(update)
        except UnavailableError:
            self._due = 0.0  # it needs a question that has no answer now: it is heard again after the next look
            self._unheard.append(update)
            return
        found += told
        if not told and update.event in ("fill", "partial_fill", "replaced", "restated"):
            self._due = min(self._due, _time() + 1.0)

    async def _show(self, order: AlpacaOrder, found: Reports) -> None:
        try:
            found += await self._teller.of_order(order)
        except UnavailableError:
            self._due = 0.0

    # --- asking for everything ------------------------------------------------------------------------------

    def _begin_look(self) -> None:
        if self._asking is not None or self._due > _time():
            return
        if not self._is_first and not self._is_curious():
            self._due = _time() + self._settings.poll_s
            return
        self._due = _NEVER
        after = self._first_after if self._is_first else -1
        self._asking = spawn(self._ask(after), name="alpaca look")

    def _is_curious(self) -> bool:
        return (
            not self._stream.is_up
            or self._due == 0.0
            or _time() < self._restless_until
            or bool(self._book.known.open_entries())
            or bool(self._teller.owed)
        )

    async def _ask(self, after: int) -> None:
        book = self._book
        since = max(book.since, self._told_to - OVERLAP_NS)
        try:
            orders = {one.order_id: one for one in await book.recent_orders(since)}
            orders.update((one.order_id, one) for one in await book.open_orders())
            fills = await book.fills(max(book.since, after) if after >= 0 else since)
            absent = await self._absent(orders)
        except UnavailableError as error:
            await self._inbox.put(Failed(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the asking
            await self._inbox.put(Failed(UnavailableError(f"Alpaca's answer was not understood: {error!r}"[:200])))
        else:
            await self._inbox.put(Looked((*orders.values(), *absent), tuple(fills), after))

    async def _absent(self, shown: dict[str, AlpacaOrder]) -> list[AlpacaOrder]:
        """Orders that worked and are not shown: they are over, or hidden; each is asked for by itself."""
        gone = [one.order_id for one in self._book.known.open_entries() if one.order_id not in shown]
        found = [await self._book.by_id(order_id) for order_id in gone[:_MOST_ABSENT]]
        return [one for one in found if one is not None]

    async def _take(self, looked: Looked, found: Reports) -> None:
        self._asking = None
        told: Reports = []
        try:
            for order in looked.orders:
                told += await self._teller.of_order(order, looked.after)
            for fill in looked.fills:
                told += await self._teller.of_fill(fill)
        except UnavailableError as error:
            self._fail(error)
        else:
            self._failures = 0
            self._is_first = False
            self._due = min(self._due, _time() + self._settings.poll_s)
        found += sorted(told, key=lambda one: one.report_seq)
        for update in [self._unheard.popleft() for _ in range(len(self._unheard))]:
            await self._translate(update, found)
        if not self._failures:
            await self._judge_stream()

    def _fail(self, error: UnavailableError) -> None:
        """A failure is no verdict; too many of them, with the stream down, end the listening."""
        self._asking = None
        self._failures += 1
        if self._failures >= _FAILURES and not self._stream.is_up:
            raise error
        self._due = _time() + _RETRY_S

    async def _judge_stream(self) -> None:
        """What the look before told and the stream still owes proves it mute: listen anew, then connect anew (F22)."""
        owed = self._teller.owed
        if not self._stream.is_up or self._is_fresh:
            owed.clear()
        overdue = self._owed_before & owed
        self._is_fresh, self._owed_before = False, frozenset(owed)
        owed -= overdue
        if self._answers == self._stream.answers:  # it was told to listen anew and did not even answer
            await self._stream.drop()
        self._answers = -1
        if not overdue:
            return
        self._strikes += 1
        if self._strikes == 1:
            self._answers = self._stream.answers
            await self._stream.resubscribe()
        else:
            await self._stream.drop()


def _time() -> float:
    return asyncio.get_running_loop().time()
