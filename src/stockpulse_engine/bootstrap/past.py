"""The engine's view of a moment of its own past: market, books and news as they were known then. Reads only.

A moment is put together once and kept for the heads that look at it; nobody waits on the market's loop for it. Who
asks for the whole view is told how far it is and asks again; where nobody asks any more it is given up.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bootstrap.pastbooks import MODULE, BooksAnswer, BooksAsked, BooksRefused, BooksWord
from stockpulse_engine.domain.errors import NotFoundError, StockPulseError, UnavailableError
from stockpulse_engine.domain.market import Bar, BarSpec, NewsItem, Quote
from stockpulse_engine.domain.past import KnownQuote, Moment, PastBooks, PastView
from stockpulse_engine.domain.views import ClockView, Explanation, OrderLife, StudyView
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.past import PastMarket
from stockpulse_engine.marketdata.spokentime import read_moment
from stockpulse_engine.portfolio.service import PortfolioSettings

MAX_KEPT: Final = 4
"""Moments kept whole."""
PATIENCE_S: Final = 0.4
"""A question for the whole view is answered after this, ready or not."""
WAIT_S: Final = 8.0
"""A question for a part of it waits this long."""
MOST_S: Final = 120.0
"""A moment that takes longer to put together is given up."""
FORGOTTEN_S: Final = 6.0
"""So is one that nobody has asked for since."""
LOOK_S: Final = 0.25
LINE_BYTES: Final = 64 * 1024 * 1024


class PastSources(NamedTuple):
    """What a moment is put together from."""

    market: PastMarket
    calendar: Calendar
    now_ns: Callable[[], int]
    """Market time."""
    news: Callable[[], Sequence[NewsItem]]
    clock: Callable[[], ClockView | None]
    life: Callable[[str], Awaitable[OrderLife]]
    """Everything the journal knows of an order, up to now."""
    settings: PortfolioSettings = PortfolioSettings()


class _Making:
    """One moment on its way."""

    def __init__(self, moment: Moment, generation: int) -> None:
        self.moment = moment
        self.generation = generation
        self.done = 0.0
        self.step = "beginning"
        self.view: PastView | None = None
        self.problem: StockPulseError | None = None
        self.is_over = asyncio.Event()
        self.asked_at = 0.0
        self.waiting = 0
        """How many wait for it now."""

    def tell(self, done: float, step: str) -> None:
        """How far it is."""
        self.done, self.step = done, step

    def answer(self) -> PastView:
        """The view, or how far it is; raises what stood in the way."""
        if self.problem is not None:
            raise self.problem
        return self.view or PastView(moment=self.moment, is_ready=False, done=round(self.done, 3), step=self.step)


class PastService:
    """Implements `api.ports.PastPort`."""

    def __init__(self, paths: Paths, world: str, sources: PastSources) -> None:
        self._journal = paths.journal(world)
        self._from = sources
        self._kept: OrderedDict[int, _Making] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def moment(self, text: str) -> Moment:
        """The moment meant by `2013-10-07 11:32`, `-5m`, `yesterday close` or UTC nanoseconds.

        Raises:
            InvalidValueError: it is none, or lies ahead; with the fix.
        """
        return read_moment(text, self._from.now_ns(), self._from.calendar)

    async def view(self, at_ns: int) -> PastView:
        """Everything a head shows of a moment, or how far it is: ask again while it is not ready."""
        making = await self._make(at_ns)
        await self._wait(making, PATIENCE_S)
        return making.answer()

    async def books(self, at_ns: int) -> PastBooks:
        """Orders, money and holdings of a moment.

        Raises:
            UnavailableError: the journal is long and still being read.
        """
        making = await self._make(at_ns)
        await self._wait(making, WAIT_S)
        books = making.answer().books
        if books is None:
            raise UnavailableError(
                f"The books of {making.moment.words} are still being read: {making.done:.0%}.",
                fix="Ask again in a moment.",
            )
        return books

    async def quotes(self, names: Sequence[str], at_ns: int) -> tuple[KnownQuote, ...]:
        """What was known of each instrument's price."""
        return await self._from.market.quotes(names, at_ns)

    async def bars(
        self, instrument_id: str, spec: BarSpec, *, limit: int, at_ns: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """Bars known then, the open one as it stood."""
        return await self._from.market.bars(instrument_id, spec, limit=limit, at_ns=at_ns, end_ns=end_ns)

    async def study(self, instrument_id: str, spec: BarSpec, text: str, *, limit: int, at_ns: int) -> StudyView:
        """A study over those bars and nothing else."""
        return await self._from.market.study(instrument_id, spec, text, limit=limit, at_ns=at_ns)

    async def explain(self, name: str, instrument_id: str, at_ns: int) -> Explanation:
        """How a market cell of that moment is made."""
        return await self._from.market.explain(name, instrument_id, at_ns)

    async def life(self, client_order_id: str, at_ns: int) -> OrderLife:
        """What the journal knew of an order by then.

        Raises:
            NotFoundError: the order was made later, or never.
        """
        books = await self.books(at_ns)
        whole = await self._from.life(client_order_id)
        known = {one.client_order_id: one for one in books.orders}.get(whole.order.client_order_id)
        steps = tuple(one for one in whole.steps if one.seq <= books.entries)
        if known is None or not steps:
            raise NotFoundError(f"There was no order {client_order_id[:40]!r} then.", fix="`@ now` shows what is.")
        fills = tuple(one for one in reversed(books.fills) if one.client_order_id == known.client_order_id)
        hops = whole.hops if len(steps) == len(whole.steps) else {}
        return OrderLife(order=known, fills=fills, steps=steps, hops=hops, is_verified=whole.is_verified)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    # --- making -------------------------------------------------------------------------------------------

    async def _make(self, at_ns: int) -> _Making:
        """The moment, kept or begun; one that history has changed under is made again."""
        moment = self.moment(str(at_ns))
        generation = await self._from.market.generation()
        known = self._kept.get(at_ns)
        if known is not None and known.generation == generation and known.problem is None:
            self._kept.move_to_end(at_ns)
            return known
        making = self._kept[at_ns] = _Making(moment, generation)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        making.asked_at = asyncio.get_running_loop().time()
        task = spawn(self._look_after(making), name=f"past {at_ns}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return making

    @staticmethod
    async def _wait(making: _Making, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        making.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await making.is_over.wait()
        except TimeoutError:
            return
        finally:
            making.waiting -= 1
            making.asked_at = loop.time()

    async def _look_after(self, making: _Making) -> None:
        """Put it together; give it up when it takes too long or nobody asks any more."""
        loop = asyncio.get_running_loop()
        until = loop.time() + MOST_S
        work = spawn(self._put_together(making), name="past view")
        try:
            while not work.done():
                await asyncio.wait((work,), timeout=LOOK_S)
                is_forgotten = not making.waiting and loop.time() - making.asked_at > FORGOTTEN_S
                if loop.time() > until or is_forgotten:
                    break
            making.problem = await self._outcome(work, making)
        finally:
            work.cancel()
            making.is_over.set()
            if making.view is None and self._kept.get(making.moment.at_ns) is making:
                del self._kept[making.moment.at_ns]

    @staticmethod
    async def _outcome(work: asyncio.Task[None], making: _Making) -> StockPulseError | None:
        if not work.done():
            work.cancel()
            await asyncio.wait((work,))
            return UnavailableError(
                f"{making.moment.words} was given up at {making.done:.0%}: {making.step}.", fix="Ask again."
            )
        error = work.exception()
        if error is None or isinstance(error, StockPulseError):
            return error
        raise error

    async def _put_together(self, making: _Making) -> None:
        at_ns, market = making.moment.at_ns, self._from.market
        making.tell(0.0, "looking what is held")
        instruments = await market.instruments(at_ns)
        names = [one.instrument_id for one in instruments]
        known = await market.quotes(names, at_ns, lambda done, step: making.tell(done / 2, step))
        books = await self._read_books(making, {one.instrument_id: one.quote for one in known if one.quote is not None})
        making.view = PastView(
            moment=making.moment,
            is_ready=True,
            done=1.0,
            clock=self._clock_at(at_ns),
            instruments=instruments,
            quotes=known,
            news=tuple(one for one in self._from.news() if one.ts_event <= at_ns),
            books=books,
            notes=_notes(books),
        )

    async def _read_books(self, making: _Making, quotes: dict[str, Quote]) -> PastBooks:
        """In a process of its own, which ends with this question."""
        making.tell(0.5, "reading the journal")
        asked = BooksAsked(
            journal=str(self._journal), at_ns=making.moment.at_ns, quotes=quotes, settings=self._from.settings
        )
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_BYTES,
        )
        try:
            return await self._listen(child, msgspec.json.encode(asked), making)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()

    async def _listen(self, child: asyncio.subprocess.Process, question: bytes, making: _Making) -> PastBooks:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(question)
            await child.stdin.drain()
            child.stdin.close()
            async for line in child.stdout:
                word = msgspec.json.decode(line, type=BooksWord)
                if isinstance(word, BooksAnswer):
                    await child.wait()
                    start = self._session_start(making.moment.at_ns)
                    return replace(word.books, session_start=start)
                if isinstance(word, BooksRefused):
                    raise UnavailableError(word.message, fix=word.fix)
                share = word.read / max(1, word.entries)
                making.tell(0.5 + share / 2, f"reading the journal: {word.read:,} of {word.entries:,} entries")
        except (ConnectionError, msgspec.MsgspecError, ValueError) as error:
            raise UnavailableError(f"The journal's reader failed: {str(error)[:100]}.", fix="Ask again.") from error
        raise UnavailableError("The journal's reader ended without an answer.", fix="Ask again; see `sp log verify`.")

    def _session_start(self, at_ns: int) -> int:
        try:
            return self._from.calendar.current_or_previous(at_ns).pre_open
        except NotFoundError:
            return at_ns

    def _clock_at(self, at_ns: int) -> ClockView | None:
        """The market's clock as it stood: still, as everything else is."""
        now, calendar = self._from.clock(), self._from.calendar
        if now is None:
            return None
        try:
            next_ns, next_phase = calendar.next_change(at_ns)
            session = calendar.current_or_previous(at_ns)
        except NotFoundError:  # beyond the calendar
            return replace(now, market_ns=at_ns, is_paused=True, is_stepping=False)
        return replace(
            now,
            market_ns=at_ns,
            is_paused=True,
            is_stepping=False,
            speed=1.0,
            session_date=session.date,
            phase=calendar.phase_at(at_ns).value,
            next_change_ns=next_ns,
            next_phase=next_phase.value,
            is_half_day=session.is_half_day,
        )


def _notes(books: PastBooks) -> tuple[str, ...]:
    notes = []
    if not books.accounts:
        notes.append("no account was open then")
    if books.left_out:
        notes.append(f"{books.left_out:,} older orders are not shown")
    return tuple(notes)
