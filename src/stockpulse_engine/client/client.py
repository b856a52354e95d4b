"""The client of long-lived heads: async REST over the Unix socket; the stream is `stream.StreamLink`."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.client import calls
from stockpulse_engine.client.call import Call
from stockpulse_engine.client.credentials import read_token
from stockpulse_engine.client.errors import error_of, not_there
from stockpulse_engine.domain import views
from stockpulse_engine.domain.brokers import BrokerView, LiveView
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, NewsItem, Quote
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.wire import rest
from stockpulse_engine.wire.codec import decode_answer, encode
from stockpulse_engine.wire.version import HEAD_HEADER, PROTOCOL_VERSION, VERSION_HEADER

if TYPE_CHECKING:
    import httpx

    from stockpulse_engine.domain.recordings import RecordingView
    from stockpulse_engine.wire.sql import SqlRequest, SqlTable, SqlView

T = TypeVar("T")
TIMEOUT_S = 10.0
MAX_CONNECTIONS = 8


class EngineClient:
    """Talks to the engine of one home. httpx is loaded with the first request, not with this module."""

    def __init__(self, paths: Paths, *, role: str = "trader", head_id: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._paths = paths
        self._role = role
        self._timeout_s = timeout_s
        self.head_id = head_id or new_id("head-")
        self._http: httpx.AsyncClient | None = None
        self._is_loaded = False

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send one request.

        Raises:
            UnavailableError: nobody answers, or not in time. A mutation may have happened then: send the same
                `request_id` again.
            StockPulseError: what the engine said, as the error it was there.
        """
        answer: T = decode_answer(await self.fetch(call), call.kind)
        return answer

    async def fetch(self, call: Call[T]) -> bytes:
        """Send one request and return the answer's JSON as it came."""
        if not self._is_loaded:
            # A head's first frame does not wait for these 150 ms, and no tick does: they pass on another thread.
            for name in ("httpx", "anyio"):
                await asyncio.to_thread(import_module, name)
            self._is_loaded = True
        import httpx

        http = self._http = self._http or self._open()
        body = None if call.body is None else encode(call.body)
        headers = self._headers(call, body)
        method, patience_s = "GET" if body is None else "POST", self._timeout_s + call.extra_s
        try:
            answer = await http.request(method, call.target, content=body, headers=headers, timeout=patience_s)
        except httpx.TimeoutException:
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.") from None
        except httpx.HTTPError:
            raise not_there() from None
        if not answer.is_success:
            raise error_of(answer.status_code, answer.content)
        return answer.content

    def _open(self) -> httpx.AsyncClient:
        import httpx

        # Retries stay off: what was sent may have happened (the order is UNKNOWN then, never sent twice).
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
        transport = httpx.AsyncHTTPTransport(
            uds=str(self._paths.socket),
            retries=0,
            limits=limits,
            verify=False,  # a private socket file without TLS: 20 ms of certificates would be read for nothing
        )
        return httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=self._timeout_s, trust_env=False
        )

    def _headers(self, call: Call[T], body: bytes | None) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {read_token(self._paths, call.role or self._role)}",
            VERSION_HEADER: str(PROTOCOL_VERSION),
            HEAD_HEADER: self.head_id,
        }
        return headers if body is None else {**headers, "Content-Type": "application/json"}

    async def health(self) -> views.HealthView:
        """State of the engine."""
        return await self.send(calls.health())

    async def quotes(self, ids: tuple[str, ...] = ()) -> list[Quote]:
        """Latest quotes of all instruments or of some."""
        return await self.send(calls.quotes(ids))

    async def depth(self, instrument_id: str) -> Depth:
        """The visible book."""
        return await self.send(calls.depth(instrument_id))

    async def bars(
        self, instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None
    ) -> list[Bar]:
        """The last bars, oldest first."""
        return await self.send(calls.bars(instrument_id, spec, limit, end_ns))

    async def study(self, instrument_id: str, spec: str, text: str, limit: int = 300) -> views.StudyView:
        """A study over the last bars."""
        return await self.send(calls.study(instrument_id, spec, text, limit))

    async def instruments(self) -> list[Instrument]:
        """Everything tradable."""
        return await self.send(calls.instruments())

    async def news(self, limit: int = 50) -> list[NewsItem]:
        """Latest headlines, newest first."""
        return await self.send(calls.news(limit))

    async def clock(self) -> views.ClockView:
        """Market time and session."""
        return await self.send(calls.clock())

    async def control_market(
        self, action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, request_id: str = ""
    ) -> views.ClockView:
        """speed, pause, resume, step or seek."""
        return await self.send(
            calls.control_market(action, speed=speed, step_ns=step_ns, to_ns=to_ns, request_id=request_id)
        )

    async def start_recording(self, name: str, request_id: str = "") -> RecordingView:
        """Write down every event of the market from now on."""
        from stockpulse_engine.client import recordings  # few heads ask

        return await self.send(recordings.start_recording(name, request_id))

    async def stop_recording(self, request_id: str = "") -> RecordingView:
        """End the recording."""
        from stockpulse_engine.client import recordings  # few heads ask

        return await self.send(recordings.stop_recording(request_id))

    async def explain(self, name: str, instrument_id: str = "") -> views.Explanation:
        """How a number is made."""
        return await self.send(calls.explain(name, instrument_id))

    async def orders(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Orders, newest first."""
        return await self.send(calls.orders(scope, account_id, limit))

    async def order(self, client_order_id: str) -> Order:
        """One order by id or unambiguous prefix."""
        return await self.send(calls.order(client_order_id))

    async def order_life(self, client_order_id: str) -> views.OrderLife:
        """Everything the journal knows about the order."""
        return await self.send(calls.order_life(client_order_id))

    async def fills(self, account_id: str = "", client_order_id: str = "", limit: int = 500) -> list[Fill]:
        """Fills, newest first."""
        return await self.send(calls.fills(account_id, client_order_id, limit))

    async def submit_order(self, command: SubmitOrder) -> rest.SubmitAnswer:
        """Submit or stage; the command's own id makes it happen once."""
        return await self.send(calls.submit_order(command))

    async def preview_order(self, command: SubmitOrder) -> views.Preview:
        """What would happen if it were sent now."""
        return await self.send(calls.preview_order(command))

    async def send_order(self, client_order_id: str, request_id: str = "") -> rest.SubmitAnswer:
        """Send a staged order."""
        return await self.send(calls.send_order(client_order_id, request_id))

    async def discard_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Throw a staged order away."""
        return await self.send(calls.discard_order(client_order_id, request_id))

    async def cancel_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Ask to cancel one order."""
        return await self.send(calls.cancel_order(client_order_id, request_id))

    async def cancel_orders(
        self, pattern: str = "*", account_id: str = "", request_id: str = ""
    ) -> rest.CancelManyAnswer:
        """Ask to cancel every open order whose symbol matches."""
        return await self.send(calls.cancel_orders(pattern, account_id, request_id))

    async def modify_order(self, client_order_id: str, body: rest.ModifyBody) -> Order:
        """Ask for new terms."""
        return await self.send(calls.modify_order(client_order_id, body))

    async def declare_dead(self, client_order_id: str, body: rest.DeclareDead) -> Order:
        """Say that an UNKNOWN order does not work at its broker."""
        return await self.send(calls.declare_dead(client_order_id, body))

    async def brokers(self) -> list[BrokerView]:
        """Connections to brokers."""
        return await self.send(calls.brokers())

    async def unlock_brokers(
        self, names: tuple[str, ...] = (), passphrase: str = "", *, with_live: bool = False
    ) -> list[BrokerView]:
        """Open credentials for this run of the engine."""
        return await self.send(calls.unlock_brokers(names, passphrase, with_live=with_live))

    async def lock_brokers(self, names: tuple[str, ...] = ()) -> list[BrokerView]:
        """Give brokers up and forget their credentials."""
        return await self.send(calls.lock_brokers(names))

    async def reconciliation(self, account_id: str = "") -> list[views.ReconcileView]:
        """How our figures stand against the brokers'."""
        return await self.send(calls.reconciliation(account_id))

    async def reconcile(self, account_id: str = "") -> list[views.ReconcileView]:
        """Compare with the brokers now."""
        return await self.send(calls.reconcile(account_id))

    async def explain_suspense(self, body: rest.ExplainSuspense) -> list[views.ReconcileView]:
        """Say which side of a difference is right."""
        return await self.send(calls.explain_suspense(body))

    async def adopt_account(self, body: rest.AdoptAccount) -> views.AccountView:
        """Open an account that exists at a broker, with what it holds there."""
        return await self.send(calls.adopt_account(body))

    async def live(self) -> list[LiveView]:
        """How every live account stands."""
        return await self.send(calls.live())

    async def arm_live(self, body: rest.ArmLive) -> LiveView:
        """Arm a live account for this head."""
        return await self.send(calls.arm_live(body))

    async def disarm_live(self, account_id: str = "") -> list[LiveView]:
        """Disarm a live account, all with ""."""
        return await self.send(calls.disarm_live(account_id))

    async def positions(self, account_id: str = "") -> list[views.PositionView]:
        """Open positions."""
        return await self.send(calls.positions(account_id))

    async def lots(self, account_id: str = "", instrument_id: str = "") -> list[views.LotView]:
        """Open lots."""
        return await self.send(calls.lots(account_id, instrument_id))

    async def portfolio(self, account_id: str = "") -> views.PortfolioView:
        """Account, positions, equity curve."""
        return await self.send(calls.portfolio(account_id))

    async def account(self, account_id: str = "") -> views.AccountView:
        """Balances of one account."""
        return await self.send(calls.account(account_id))

    async def accounts(self) -> list[views.AccountView]:
        """Balances of every account."""
        return await self.send(calls.accounts())

    async def open_account(self, body: rest.OpenAccount) -> views.AccountView:
        """Open a paper account."""
        return await self.send(calls.open_account(body))

    async def day(self, account_id: str = "", session_date: str = "") -> views.DayReview:
        """The session's review."""
        return await self.send(calls.day(account_id, session_date))

    async def halt_view(self) -> views.HaltView:
        """The trading state."""
        return await self.send(calls.halt_view())

    async def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> views.HaltView:
        """halt, reduce, flatten or resume."""
        return await self.send(
            calls.set_halt(action, reason=reason, word=word, account_id=account_id, request_id=request_id)
        )

    async def arms(self) -> list[views.ArmView]:
        """Heads that are armed."""
        return await self.send(calls.arms())

    async def arm(self, account_id: str, minutes: int = 30, request_id: str = "") -> list[views.ArmView]:
        """Arm this head, or disarm it with 0 minutes."""
        return await self.send(calls.arm(account_id, minutes, request_id))

    async def log(self, after_seq: int | None = None, limit: int = 200) -> list[views.LogEntry]:
        """Journal records: the newest, or those after a sequence number."""
        return await self.send(calls.log(after_seq, limit))

    async def verify_log(self) -> views.VerifyResult:
        """Walk the journal's chain."""
        return await self.send(calls.verify_log())

    async def backup(self, request_id: str = "") -> rest.BackupAnswer:
        """Write a backup."""
        return await self.send(calls.backup(request_id))

    async def run_sql(self, asked: SqlRequest) -> SqlTable:
        """One SELECT over stored history; canceled, the statement ends."""
        from stockpulse_engine.client import sql  # few heads ask

        return await self.send(sql.run_sql(asked))

    async def sql_views(self) -> list[SqlView]:
        """What a statement can select from."""
        from stockpulse_engine.client import sql  # the same

        return await self.send(sql.sql_views())

    async def universe_symbols(self, name: str) -> list[str]:
        """Symbols of today's members of a universe."""
        from stockpulse_engine.client import history  # the same

        found = await self.send(history.universe(name))
        return [one.instrument_id.rpartition(".")[0] for one in found.members]

    async def stop_engine(self, request_id: str = "") -> rest.Accepted:
        """Begin the ordered stop."""
        return await self.send(calls.stop_engine(request_id))
