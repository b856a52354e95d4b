"""One connection to the gateway: ib_async's client and decoder, without its wrapper, its state and its judgement.

Nothing of the library that blocks is called, and its patch of asyncio is never applied.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from ib_async.client import Client
from ib_async.contract import Contract
from ib_async.decoder import Decoder
from ib_async.objects import ExecutionFilter
from ib_async.order import Order as IbOrder

from stockpulse_engine.adapters.ibkr.settings import IbkrSettings
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.errors import UnavailableError

logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # it writes accounts and orders into its log
_log = get_logger("ibkr")
SUMMARY_TAGS: Final = "TotalCashValue,NetLiquidation,BuyingPower"
Table = Mapping[str, Callable[..., None]]
"""ib_async's name of a message → who hears it."""


class ClientInUseError(Exception):
    """Our client id is taken: try the same one again."""


class Line:
    """From `open` to its end. `table` hears messages; `unreadable` and `over` are told when that happens."""

    def __init__(
        self, settings: IbkrSettings, table: Table, unreadable: Callable[[], None], over: Callable[[Line], None]
    ) -> None:
        self._settings = settings
        self._over = over
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_refused = self.is_up = False
        own = {"setEventsDone": self._end, "connectionClosed": _nothing, "connectAck": _nothing}
        more = {"ib": SimpleNamespace(TimezoneTWS=settings.zone), "defaultTimezone": dt.UTC}
        guarded = {name: _guarded(hear, unreadable) for name, hear in table.items()}
        make: Any = Client  # half of it has no types
        self._client = make(_Wrapper({**guarded, **own, **more}))
        self._client.decoder = _Decoder(self._client.wrapper, unreadable)

    async def open(self, within_s: float) -> None:
        """Connect and greet. Raises ClientInUseError or UnavailableError."""
        place = f"{self._settings.host}:{self._settings.port}"
        client = self._client
        task = spawn(
            client.connectAsync(self._settings.host, self._settings.port, self._settings.client_id, within_s),
            name="ibkr connect",
        )
        try:
            await asyncio.wait((task, self._failure), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if self._is_refused:
                raise ClientInUseError
            if not task.done() or task.exception() is not None or not client.isReady():
                raise UnavailableError(
                    f"There is no TWS or IB Gateway at {place} that answers.",
                    fix="Start it, log in, and switch on its API socket.",
                )
            self.is_up = True
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
            if not self.is_up:
                self.close()

    def refuse_client(self) -> None:
        """The gateway says that our client id is taken."""
        self._is_refused = True
        self._end()

    def close(self) -> None:
        """End the connection."""
        self._end()
        self._client.disconnect()

    @property
    def accounts(self) -> list[str]:
        """The accounts of the login."""
        return list(self._client.getAccounts())

    @property
    def next_order_id(self) -> int:
        """What the gateway calls the next number."""
        return int(self._client.getReqId())

    # --- what is sent -------------------------------------------------------------------------------------

    def place(self, number: int, contract: Contract, order: IbOrder) -> None:
        """An order, or new terms of one. What a broken line takes is lost, or not."""
        self._client.placeOrder(number, contract, order)

    def cancel(self, number: int) -> None:
        """Ask to cancel one order of this client id."""
        self._client.cancelOrder(number)

    def cancel_all(self) -> None:
        """Ask to cancel everything that works in the login."""
        self._client.reqGlobalCancel()

    def ask_next_id(self) -> None:
        """Which number the gateway would take next."""
        self._client.reqIds(1)

    def ask_open_orders(self) -> None:
        """All open orders, those of others too."""
        self._client.reqAllOpenOrders()

    def ask_completed_orders(self) -> None:
        """Orders that are over, as far as the gateway remembers."""
        self._client.reqCompletedOrders(False)

    def ask_executions(self, number: int) -> None:
        """Executions since midnight, as far as the gateway remembers."""
        self._client.reqExecutions(number, ExecutionFilter(acctCode=self._settings.account))

    def ask_positions(self) -> None:
        """What is held."""
        self._client.reqPositions()

    def leave_positions(self) -> None:
        """Without news of it."""
        self._client.cancelPositions()

    def ask_summary(self, number: int) -> None:
        """Cash."""
        self._client.reqAccountSummary(number, "All", SUMMARY_TAGS)

    def leave_summary(self, number: int) -> None:
        """Without news of it."""
        self._client.cancelAccountSummary(number)

    def ask_contract(self, number: int, contract: Contract) -> None:
        """What a contract is."""
        self._client.reqContractDetails(number, contract)

    def ask_time(self) -> None:
        """The gateway's time, which also proves that it is there."""
        self._client.reqCurrentTime()

    def _end(self, *_: Any) -> None:
        was_up, self.is_up = self.is_up, False
        if not self._failure.done():
            self._failure.set_result("")
            if was_up:
                self._over(self)


class _UnheardError(AttributeError):
    """A message that nobody here hears."""


class _Wrapper:
    """Whom ib_async calls: only what somebody hears is there."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        try:
            return self._table[name]
        except KeyError:
            raise _UnheardError(name) from None


class _Decoder(Decoder):
    """Theirs, but that what it can not read is told."""

    def __init__(self, wrapper: Any, unreadable: Callable[[], None]) -> None:
        super().__init__(wrapper, 0)
        self._unreadable = unreadable

    def interpret(self, fields: list[str]) -> None:
        """One message. Of an unknown kind it is none of ours; of a known kind it may have been an order's."""
        try:
            handler = self.handlers.get(int(fields[0]))
            if handler is not None:
                handler(fields)
        except _UnheardError:
            return
        except Exception:  # noqa: BLE001 - whatever it was: what it spoke of is asked for
            self._unreadable()


def _guarded(hear: Callable[..., None], unreadable: Callable[[], None]) -> Callable[..., None]:
    """What fails in hearing is asked for; the reader goes on."""

    def heard(*row: Any) -> None:
        try:
            hear(*row)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("a message could not be taken", error=repr(error))
            unreadable()

    return heard


def _nothing(*_: Any) -> None:
    pass
