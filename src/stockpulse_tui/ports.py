"""What this head needs from the engine's client; the real one is in `link`, a fake one feeds the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.recordings import RecordingView
from stockpulse_engine.domain.views import (
    ArmView,
    ClockView,
    DayReview,
    Explanation,
    HaltView,
    LotView,
    OrderLife,
    PortfolioView,
    Preview,
    StudyView,
)
from stockpulse_engine.wire.rest import CancelManyAnswer, ModifyBody, SubmitAnswer
from stockpulse_engine.wire.sql import SqlRequest, SqlTable, SqlView
from stockpulse_engine.wire.stream import Frame

if TYPE_CHECKING:
    from stockpulse_engine.client.call import Call

T = TypeVar("T")
OnFrame = Callable[[Frame], None]
OnState = Callable[[str, str], None]
"""Called with starting, live, lost or read-only, and the sentence that says it."""


class Commands(Protocol):
    """Requests of a head, named and shaped as in `client.EngineClient`; each may raise a StockPulseError."""

    async def send(self, call: Call[T]) -> T:
        """A request as `client` spells it, for what few panes ask."""
        ...

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> HaltView:
        """halt, reduce, flatten, resume."""
        ...

    async def arm(self, account_id: str, minutes: int = 30, request_id: str = "") -> list[ArmView]:
        """Arm this head, or disarm it with 0 minutes."""
        ...

    async def start_recording(self, name: str, request_id: str = "") -> RecordingView:
        """Write down every event of the market from now on."""
        ...

    async def stop_recording(self, request_id: str = "") -> RecordingView:
        """End the recording."""
        ...

    async def explain(self, name: str, instrument_id: str = "") -> Explanation:
        """How a market cell is made."""
        ...

    async def control_market(
        self, action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, request_id: str = ""
    ) -> ClockView:
        """speed, pause, resume or step."""
        ...

    async def bars(
        self, instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None
    ) -> list[Bar]:
        """The last bars, oldest first."""
        ...

    async def study(self, instrument_id: str, spec: str, text: str, limit: int = 300) -> StudyView:
        """A study over the last bars; from then on its newest value comes by the stream."""
        ...

    async def orders(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Orders, newest first."""
        ...

    async def order_life(self, client_order_id: str) -> OrderLife:
        """Everything the journal knows about the order."""
        ...

    async def fills(self, account_id: str = "", client_order_id: str = "", limit: int = 500) -> list[Fill]:
        """Fills, newest first."""
        ...

    async def submit_order(self, command: SubmitOrder) -> SubmitAnswer:
        """Submit or stage."""
        ...

    async def preview_order(self, command: SubmitOrder) -> Preview:
        """What would happen if it were sent now."""
        ...

    async def send_order(self, client_order_id: str, request_id: str = "") -> SubmitAnswer:
        """Send a staged order."""
        ...

    async def discard_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Throw a staged order away."""
        ...

    async def cancel_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Ask to cancel one order."""
        ...

    async def cancel_orders(self, pattern: str = "*", account_id: str = "", request_id: str = "") -> CancelManyAnswer:
        """Ask to cancel every open order whose symbol matches."""
        ...

    async def modify_order(self, client_order_id: str, body: ModifyBody) -> Order:
        """Ask for new terms."""
        ...

    async def lots(self, account_id: str = "", instrument_id: str = "") -> list[LotView]:
        """Open lots."""
        ...

    async def portfolio(self, account_id: str = "") -> PortfolioView:
        """Account, positions, equity curve."""
        ...

    async def day(self, account_id: str = "", session_date: str = "") -> DayReview:
        """The session's review."""
        ...

    async def run_sql(self, asked: SqlRequest) -> SqlTable:
        """One SELECT over stored history; canceled, the statement ends."""
        ...

    async def sql_views(self) -> list[SqlView]:
        """What a statement can select from."""
        ...

    async def universe_symbols(self, name: str) -> list[str]:
        """Symbols of today's members of a universe."""
        ...


class Link(Protocol):
    """The connection of one head: frames in, topics out, commands."""

    @property
    def head_id(self) -> str:
        """Id of this head, for arming."""
        ...

    @property
    def commands(self) -> Commands:
        """Requests to the engine."""
        ...

    async def run(self, on_frame: OnFrame, on_state: OnState) -> None:
        """Connect, stay connected, resync by itself; returns only when canceled."""
        ...

    async def latch(self, reason: str) -> str:
        """Set the halt latch, which needs no engine; "" once it holds, else what went wrong."""
        ...

    def last_alarm(self, since: int) -> str:
        """What the watchdog said last after a wall time, "" when nothing; needs no engine."""
        ...

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Replace the set of topics; also after the next reconnect."""
        ...

    async def start_engine(self, on_state: OnState) -> None:
        """Start the engine where none runs, saying each step."""
        ...

    async def change_world(self, arguments: tuple[str, ...], world_now: str, on_state: OnState) -> None:
        """Stop the engine in order and start it with these arguments, saying each step; raises when that failed."""
        ...

    def report_latency(self, tick_to_cell_ns: int) -> None:
        """Tell the engine how long a tick took to its cell."""
        ...
