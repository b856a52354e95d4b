"""The session: connecting again under the same client id, questions and their answers, and the link behind the gateway.

A question is answered whole or not at all. The gateway numbers some questions; of the others one is asked at a time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ib_async.contract import Contract, ContractDetails
from ib_async.objects import CommissionReport, Execution
from ib_async.order import Order as IbOrder
from ib_async.order import OrderState

from stockpulse_engine.adapters.ibkr.errors import GLOBAL, Meaning, meaning_of
from stockpulse_engine.adapters.ibkr.line import ClientInUseError, Line
from stockpulse_engine.adapters.ibkr.orderids import MOST as FIRST_QUESTION
from stockpulse_engine.adapters.ibkr.settings import IbkrSettings
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError

Sleep = Callable[[float], Awaitable[None]]
OpenOrder = tuple[Contract, IbOrder, OrderState]
Deal = tuple[Contract, Execution]
Holding = tuple[str, Contract, float, float]
"""Account, contract, signed quantity, average cost."""
Summary = tuple[str, str, str, str]
"""Account, tag, value, currency."""


class Hearer(Protocol):
    """Who hears what the gateway says by itself."""

    def hear_order(self, contract: Contract, order: IbOrder, state: OrderState) -> None:
        """An order, as it is now."""
        ...

    def hear_status(self, number: int, status: str, filled: float, perm_id: int, client_id: int) -> None:
        """The status of an order; it repeats, and may be skipped."""
        ...

    def hear_deal(self, contract: Contract, execution: Execution) -> None:
        """An execution, or another statement of one."""
        ...

    def hear_commission(self, report: CommissionReport) -> None:
        """What an execution cost."""
        ...

    def hear_error(self, number: int, code: int, text: str) -> None:
        """Something about an order."""
        ...

    def hear_next_id(self, number: int) -> None:
        """The number that the gateway would take next."""
        ...

    def hear_loss(self, *, is_over: bool) -> None:
        """The connection, or (not `is_over`) the link behind it, is gone."""
        ...

    def hear_doubt(self) -> None:
        """Something may have been missed: orders and executions are to be asked for."""
        ...


class _Question:
    """What came in answer, and when it was all."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(UnavailableError(why))


class Session:
    """One login at one gateway, through any number of connections one after the other."""

    def __init__(self, settings: IbkrSettings, hearer: Hearer, *, sleep: Sleep = asyncio.sleep) -> None:
        self._settings = settings
        self._hearer = hearer
        self._sleep = sleep
        self._line: Line | None = None
        self._is_linked = True
        self._probe: asyncio.Task[None] | None = None
        self._numbers = itertools.count(FIRST_QUESTION + 1)
        self._asked: dict[int | str, _Question] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.accounts: tuple[str, ...] = ()
        self.next_order_id = 0

    @property
    def is_up(self) -> bool:
        """Whether the gateway is there and has the broker."""
        return self.has_line and self._is_linked

    @property
    def has_line(self) -> bool:
        """Whether the gateway is there, with or without the broker."""
        return self._line is not None and self._line.is_up

    @property
    def line(self) -> Line:
        """The connection. Raises UnavailableError when nothing could leave over it."""
        if self._line is None or not self._line.is_up:
            raise UnavailableError(f"{self._settings.name} is not connected.", fix="It connects again by itself.")
        if not self._is_linked:
            raise UnavailableError("The gateway has lost Interactive Brokers.", fix="Wait until it has it again.")
        return self._line

    def require_line(self) -> None:
        """Say what is lacking for anything to leave. Raises UnavailableError."""
        _ = self.line

    async def connect(self) -> None:
        """Open a connection; a client id that is still held for our last one is waited for. Raises UnavailableError."""
        self.close()
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._settings.connect_s
        while True:
            line = Line(self._settings, self._table(), self._hearer.hear_doubt, self._lost)
            self._line, self._is_linked = line, True
            try:
                await line.open(max(0.1, give_up - loop.time()))
            except ClientInUseError:
                if loop.time() + self._settings.retry_s >= give_up:
                    raise UnavailableError(
                        f"The gateway has another client {self._settings.client_id}.",
                        fix="End it, or give this connection a client id of its own.",
                    ) from None
                await self._sleep(self._settings.retry_s)
            else:
                break
        self.accounts, self.next_order_id = tuple(line.accounts), line.next_order_id
        self._probe = spawn(self._watch(line), name="ibkr probe")

    def close(self) -> None:
        """End the connection; what was asked stays without an answer."""
        line, self._line = self._line, None
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
        if line is not None:
            line.close()
        self._fail("the connection was closed")

    # --- questions ----------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OpenOrder]:
        """All open orders of the login."""
        return await self._ask("open orders", lambda line: line.ask_open_orders())

    async def completed_orders(self) -> list[OpenOrder]:
        """Orders that are over, as far as the gateway remembers."""
        return await self._ask("completed orders", lambda line: line.ask_completed_orders())

    async def executions(self) -> list[Deal]:
        """Executions of the day."""
        return await self._ask_numbered(lambda line, number: line.ask_executions(number))

    async def positions(self) -> list[Holding]:
        """What is held, in every account of the login."""
        found: list[Holding] = await self._ask("positions", lambda line: line.ask_positions())
        self.line.leave_positions()
        return found

    async def summary(self) -> list[Summary]:
        """Cash, in every account of the login."""
        numbers: list[int] = []

        def send(line: Line, number: int) -> None:
            numbers.append(number)
            line.ask_summary(number)

        found: list[Summary] = await self._ask_numbered(send)
        self.line.leave_summary(numbers[0])
        return found

    async def contracts(self, contract: Contract) -> list[ContractDetails]:
        """What fits a description; nothing where nothing does."""
        return await self._ask_numbered(lambda line, number: line.ask_contract(number, contract))

    async def time(self) -> int:
        """The gateway's time in seconds."""
        return int((await self._ask("time", lambda line: line.ask_time()))[0])

    async def _ask(self, name: str, send: Callable[[Line], None]) -> list[Any]:
        async with self._turns[name]:
            return await self._wait(name, send)

    async def _ask_numbered(self, send: Callable[[Line, int], None]) -> list[Any]:
        number = next(self._numbers)
        return await self._wait(number, lambda line: send(line, number))

    async def _wait(self, key: int | str, send: Callable[[Line], None]) -> list[Any]:
        line = self.line
        question = self._asked[key] = _Question()
        try:
            send(line)
            async with asyncio.timeout(self._settings.answer_s):
                await question.done
        except (TimeoutError, ConnectionError) as error:
            raise UnavailableError("The gateway does not answer.", fix="Look at TWS or IB Gateway.") from error
        finally:
            del self._asked[key]
        return question.rows

    # --- what is heard ------------------------------------------------------------------------------------

    def _table(self) -> dict[str, Callable[..., None]]:
        hearer = self._hearer
        return {
            "openOrder": self._open_order,
            "openOrderEnd": lambda: self._end("open orders"),
            "completedOrder": lambda *row: self._row("completed orders", row),
            "completedOrdersEnd": lambda: self._end("completed orders"),
            "orderStatus": self._status,
            "execDetails": self._deal,
            "execDetailsEnd": self._end,
            "commissionReport": hearer.hear_commission,
            "position": lambda *row: self._row("positions", row),
            "positionEnd": lambda: self._end("positions"),
            "accountSummary": lambda number, *row: self._row(number, row),
            "accountSummaryEnd": self._end,
            "contractDetails": self._row,
            "contractDetailsEnd": self._end,
            "currentTime": self._time,
            "error": self._error,
            "nextValidId": hearer.hear_next_id,
        }

    def _row(self, key: int | str, row: Any) -> None:
        if key in self._asked:
            self._asked[key].rows.append(row)

    def _end(self, key: int | str) -> None:
        if key in self._asked:
            self._asked[key].end()

    def _open_order(self, _number: int, contract: Contract, order: IbOrder, state: OrderState) -> None:
        self._row("open orders", (contract, order, state))
        self._hearer.hear_order(contract, order, state)

    def _status(self, number: int, status: str, filled: float, *rest: Any) -> None:
        _remaining, _average, perm_id, _parent, _last, client_id, *_ = rest
        self._hearer.hear_status(number, status, filled, perm_id, client_id)

    def _deal(self, number: int, contract: Contract, execution: Execution) -> None:
        self._row(number, (contract, execution))
        self._hearer.hear_deal(contract, execution)

    def _time(self, seconds: int) -> None:
        self._row("time", seconds)
        self._end("time")

    def _error(self, number: int, code: int, text: str, *_: Any) -> None:
        if number > FIRST_QUESTION:
            self._answer_error(number, code, text)
            return
        meaning = meaning_of(code)
        if meaning is Meaning.CLIENT_IN_USE and self._line is not None:
            self._line.refuse_client()
        elif meaning is Meaning.LINK_LOST:
            self._is_linked = False
            self._hearer.hear_loss(is_over=False)
        elif meaning is Meaning.LINK_BACK:
            self._is_linked = True
            self._hearer.hear_doubt()
        elif meaning is Meaning.LINE_ENDS and number == GLOBAL and self._line is not None:
            self._line.close()
        elif number != GLOBAL and meaning not in (Meaning.FARM, Meaning.NOTICE):
            self._hearer.hear_error(number, code, text)

    def _answer_error(self, number: int, code: int, text: str) -> None:
        question = self._asked.get(number)
        if question is None or meaning_of(code) in (Meaning.FARM, Meaning.NOTICE):
            return
        if code == 200:  # noqa: PLR2004 - nothing fits the description, which is an answer
            question.end()
        else:
            question.fail(f"The gateway refuses a question ({code}: {text[:80]}).")

    def _lost(self, line: Line) -> None:
        if line is not self._line:
            return  # an older one
        self._fail("the connection was lost")
        self._hearer.hear_loss(is_over=True)

    def _fail(self, why: str) -> None:
        for question in list(self._asked.values()):
            question.fail(why)

    async def _watch(self, line: Line) -> None:
        """A line that answers nothing any more is no line."""
        while line.is_up:
            await self._sleep(self._settings.probe_s)
            try:
                if self._is_linked:
                    await self.time()
            except UnavailableError:
                line.close()
