"""What a head that looks back may ask: reads of its moment, and of what changes anything, the brake alone.

Whoever asks the engine for anything asks here while the head looks back. What is not let through by name is refused,
in words: a way to send an order that nobody has thought of yet ends here as well.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from msgspec.structs import replace

from stockpulse_engine.client import past
from stockpulse_engine.domain.errors import ForbiddenError
from stockpulse_tui.rewind import BACK

if TYPE_CHECKING:
    from stockpulse_engine.client.call import Call
    from stockpulse_engine.domain.fills import Fill
    from stockpulse_engine.domain.market import Bar
    from stockpulse_engine.domain.orders import Order
    from stockpulse_engine.domain.past import Moment
    from stockpulse_engine.domain.views import Explanation, HaltView, LotView, OrderLife, PortfolioView, StudyView
    from stockpulse_engine.wire.sql import SqlRequest, SqlTable
    from stockpulse_tui.ports import Commands

T = TypeVar("T")
LIVE: Final = frozenset({"cancel_order", "cancel_orders", "control_market", "sql_views", "universe_symbols"})
"""Let through as they are: cancels and the market's pace act on what is live, and say so."""
BRAKES: Final = frozenset({"halt", "reduce"})


class PastCommands:
    """Stands in for `ports.Commands`; `at` is the moment as every route takes it."""

    def __init__(self, live: Commands, moment: Moment) -> None:
        self._live = live
        self._moment = moment
        self._at = str(moment.at_ns)

    def __getattr__(self, name: str) -> Any:
        """Everything that is not a read of the moment."""
        if name in LIVE:
            return getattr(self._live, name)

        async def refuse(*_: object, **__: object) -> NoReturn:
            raise self._refusal()

        return refuse

    def _refusal(self) -> ForbiddenError:
        return ForbiddenError(f"Nothing is sent or changed from {self._moment.words}.", fix=BACK)

    async def send(self, call: Call[T]) -> T:
        """A request that only reads."""
        if call.body is not None:
            raise self._refusal()
        return await self._live.send(call)

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> HaltView:
        """The brake works from everywhere; what lets orders leave does not."""
        if action not in BRAKES:
            raise ForbiddenError(f"{action.capitalize()} is of now, this is {self._moment.words}.", fix=BACK)
        return await self._live.set_halt(action, reason=reason, word=word, account_id=account_id, request_id=request_id)

    async def arm(self, account_id: str, minutes: int = 30, request_id: str = "") -> Any:
        """A head that looks back is never armed; it may be made safe."""
        if minutes:
            raise ForbiddenError(f"Nothing can be armed from {self._moment.words}.", fix=BACK)
        return await self._live.arm(account_id, minutes, request_id)

    async def bars(
        self, instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None
    ) -> list[Bar]:
        """Bars known then."""
        return await self._live.send(past.bars(instrument_id, spec, limit, end_ns, at=self._at))

    async def study(self, instrument_id: str, spec: str, text: str, limit: int = 300) -> StudyView:
        """A study over those bars."""
        return await self._live.send(past.study(instrument_id, spec, text, limit, at=self._at))

    async def explain(self, name: str, instrument_id: str = "") -> Explanation:
        """How a market cell of that moment is made."""
        return await self._live.send(past.explain(name, instrument_id, at=self._at))

    async def orders(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Orders as they stood."""
        return await self._live.send(past.orders(scope, account_id, limit, at=self._at))

    async def order_life(self, client_order_id: str) -> OrderLife:
        """An order as far as it had come."""
        return await self._live.send(past.order_life(client_order_id, at=self._at))

    async def fills(self, account_id: str = "", client_order_id: str = "", limit: int = 500) -> list[Fill]:
        """Fills known then."""
        return await self._live.send(past.fills(account_id, client_order_id, limit, at=self._at))

    async def lots(self, account_id: str = "", instrument_id: str = "") -> list[LotView]:
        """Lots as they stood."""
        return await self._live.send(past.lots(account_id, instrument_id, at=self._at))

    async def portfolio(self, account_id: str = "") -> PortfolioView:
        """Account, positions and equity so far."""
        return await self._live.send(past.portfolio(account_id, at=self._at))

    async def run_sql(self, asked: SqlRequest) -> SqlTable:
        """A statement sees what was known then."""
        since = dt.timedelta(microseconds=self._moment.at_ns // 1_000)
        stamp = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + since
        return await self._live.run_sql(replace(asked, as_of=stamp.isoformat()))
