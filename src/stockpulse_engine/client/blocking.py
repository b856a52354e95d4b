"""A client for short commands: one request, a bare socket, no event loop: little to load and nothing to wait for."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.client import calls
from stockpulse_engine.client.call import Call
from stockpulse_engine.client.credentials import read_token
from stockpulse_engine.client.errors import error_of, not_there
from stockpulse_engine.client.http1 import UnixHttp
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

T = TypeVar("T")
TIMEOUT_S = 10.0


class BlockingClient:
    """Talks to the engine of one home. Keeps one connection open; use it in a `with` block."""

    def __init__(self, paths: Paths, *, role: str = "trader", head_id: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._paths = paths
        self._role = role
        self.head_id = head_id or new_id("cli-")
        self._timeout_s = timeout_s
        self._connection = UnixHttp(str(paths.socket), timeout_s)

    def __enter__(self) -> BlockingClient:
        """Nothing is opened before the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._connection.close()

    def send(self, call: Call[T]) -> T:
        """Send one request and wait for its answer.

        Raises:
            UnavailableError: nobody answers, or not in time. A mutation may have happened then: send the same
                `request_id` again.
            StockPulseError: what the engine said, as the error it was there.
        """
        answer: T = decode_answer(self.fetch(call), call.kind)
        return answer

    def fetch(self, call: Call[T]) -> bytes:
        """Send one request and return the answer's JSON as it came."""
        body = None if call.body is None else encode(call.body)
        headers = self._headers(call, body)
        try:
            status, data = self._exchange(call, headers, body)
        except TimeoutError:
            self.close()
            raise UnavailableError("The engine did not answer in time.", fix="Ask again; see `sp doctor`.") from None
        except OSError:
            self.close()
            raise not_there() from None
        if not 200 <= status < 300:  # noqa: PLR2004 - the range of good answers
            raise error_of(status, data)
        return data

    def _exchange(self, call: Call[T], headers: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        target = call.target
        self._connection.wait_for(self._timeout_s + call.extra_s)
        was_open = self._connection.sock is not None
        try:
            return self._connection.exchange(target, headers, body)
        except ConnectionError:
            self.close()
            # The engine closes what was idle for a minute. A read is asked again; what changes something is not.
            if not was_open or body is not None:
                raise
        return self._connection.exchange(target, headers, body)

    def _headers(self, call: Call[T], body: bytes | None) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {read_token(self._paths, call.role or self._role)}",
            VERSION_HEADER: str(PROTOCOL_VERSION),
            HEAD_HEADER: self.head_id,
        }
        return headers if body is None else {**headers, "Content-Type": "application/json"}

    def health(self) -> views.HealthView:
        """State of the engine."""
        return self.send(calls.health())

    def quotes(self, ids: tuple[str, ...] = ()) -> list[Quote]:
        """Latest quotes of all instruments or of some."""
        return self.send(calls.quotes(ids))

    def depth(self, instrument_id: str) -> Depth:
        """The visible book."""
        return self.send(calls.depth(instrument_id))

    def bars(self, instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None) -> list[Bar]:
        """The last bars, oldest first."""
        return self.send(calls.bars(instrument_id, spec, limit, end_ns))

    def study(self, instrument_id: str, spec: str, text: str, limit: int = 300) -> views.StudyView:
        """A study over the last bars."""
        return self.send(calls.study(instrument_id, spec, text, limit))

    def instruments(self) -> list[Instrument]:
        """Everything tradable."""
        return self.send(calls.instruments())

    def news(self, limit: int = 50) -> list[NewsItem]:
        """Latest headlines, newest first."""
        return self.send(calls.news(limit))

    def clock(self) -> views.ClockView:
        """Market time and session."""
        return self.send(calls.clock())

    def control_market(
        self, action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, request_id: str = ""
    ) -> views.ClockView:
        """speed, pause, resume, step or seek."""
        return self.send(calls.control_market(action, speed=speed, step_ns=step_ns, to_ns=to_ns, request_id=request_id))

    def explain(self, name: str, instrument_id: str = "") -> views.Explanation:
        """How a number is made."""
        return self.send(calls.explain(name, instrument_id))

    def orders(self, scope: str = "today", account_id: str = "", limit: int = 500) -> list[Order]:
        """Orders, newest first."""
        return self.send(calls.orders(scope, account_id, limit))

    def order(self, client_order_id: str) -> Order:
        """One order by id or unambiguous prefix."""
        return self.send(calls.order(client_order_id))

    def order_life(self, client_order_id: str) -> views.OrderLife:
        """Everything the journal knows about the order."""
        return self.send(calls.order_life(client_order_id))

    def fills(self, account_id: str = "", client_order_id: str = "", limit: int = 500) -> list[Fill]:
        """Fills, newest first."""
        return self.send(calls.fills(account_id, client_order_id, limit))

    def submit_order(self, command: SubmitOrder) -> rest.SubmitAnswer:
        """Submit or stage; the command's own id makes it happen once."""
        return self.send(calls.submit_order(command))

    def preview_order(self, command: SubmitOrder) -> views.Preview:
        """What would happen if it were sent now."""
        return self.send(calls.preview_order(command))

    def send_order(self, client_order_id: str, request_id: str = "") -> rest.SubmitAnswer:
        """Send a staged order."""
        return self.send(calls.send_order(client_order_id, request_id))

    def discard_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Throw a staged order away."""
        return self.send(calls.discard_order(client_order_id, request_id))

    def cancel_order(self, client_order_id: str, request_id: str = "") -> Order:
        """Ask to cancel one order."""
        return self.send(calls.cancel_order(client_order_id, request_id))

    def cancel_orders(self, pattern: str = "*", account_id: str = "", request_id: str = "") -> rest.CancelManyAnswer:
        """Ask to cancel every open order whose symbol matches."""
        return self.send(calls.cancel_orders(pattern, account_id, request_id))

    def modify_order(self, client_order_id: str, body: rest.ModifyBody) -> Order:
        """Ask for new terms."""
        return self.send(calls.modify_order(client_order_id, body))

    def declare_dead(self, client_order_id: str, body: rest.DeclareDead) -> Order:
        """Say that an UNKNOWN order does not work at its broker."""
        return self.send(calls.declare_dead(client_order_id, body))

    def brokers(self) -> list[BrokerView]:
        """Connections to brokers."""
        return self.send(calls.brokers())

    def unlock_brokers(
        self, names: tuple[str, ...] = (), passphrase: str = "", *, with_live: bool = False
    ) -> list[BrokerView]:
        """Open credentials for this run of the engine."""
        return self.send(calls.unlock_brokers(names, passphrase, with_live=with_live))

    def lock_brokers(self, names: tuple[str, ...] = ()) -> list[BrokerView]:
        """Give brokers up and forget their credentials."""
        return self.send(calls.lock_brokers(names))

    def reconciliation(self, account_id: str = "") -> list[views.ReconcileView]:
        """How our figures stand against the brokers'."""
        return self.send(calls.reconciliation(account_id))

    def reconcile(self, account_id: str = "") -> list[views.ReconcileView]:
        """Compare with the brokers now."""
        return self.send(calls.reconcile(account_id))

    def explain_suspense(self, body: rest.ExplainSuspense) -> list[views.ReconcileView]:
        """Say which side of a difference is right."""
        return self.send(calls.explain_suspense(body))

    def adopt_account(self, body: rest.AdoptAccount) -> views.AccountView:
        """Open an account that exists at a broker, with what it holds there."""
        return self.send(calls.adopt_account(body))

    def live(self) -> list[LiveView]:
        """How every live account stands."""
        return self.send(calls.live())

    def arm_live(self, body: rest.ArmLive) -> LiveView:
        """Arm a live account for this head."""
        return self.send(calls.arm_live(body))

    def disarm_live(self, account_id: str = "") -> list[LiveView]:
        """Disarm a live account, all with ""."""
        return self.send(calls.disarm_live(account_id))

    def positions(self, account_id: str = "") -> list[views.PositionView]:
        """Open positions."""
        return self.send(calls.positions(account_id))

    def lots(self, account_id: str = "", instrument_id: str = "") -> list[views.LotView]:
        """Open lots."""
        return self.send(calls.lots(account_id, instrument_id))

    def portfolio(self, account_id: str = "") -> views.PortfolioView:
        """Account, positions, equity curve."""
        return self.send(calls.portfolio(account_id))

    def account(self, account_id: str = "") -> views.AccountView:
        """Balances of one account."""
        return self.send(calls.account(account_id))

    def accounts(self) -> list[views.AccountView]:
        """Balances of every account."""
        return self.send(calls.accounts())

    def open_account(self, body: rest.OpenAccount) -> views.AccountView:
        """Open a paper account."""
        return self.send(calls.open_account(body))

    def day(self, account_id: str = "", session_date: str = "") -> views.DayReview:
        """The session's review."""
        return self.send(calls.day(account_id, session_date))

    def halt_view(self) -> views.HaltView:
        """The trading state."""
        return self.send(calls.halt_view())

    def set_halt(
        self, action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
    ) -> views.HaltView:
        """halt, reduce, flatten or resume."""
        return self.send(calls.set_halt(action, reason=reason, word=word, account_id=account_id, request_id=request_id))

    def arms(self) -> list[views.ArmView]:
        """Heads that are armed."""
        return self.send(calls.arms())

    def arm(self, account_id: str, minutes: int = 30, request_id: str = "") -> list[views.ArmView]:
        """Arm this head, or disarm it with 0 minutes."""
        return self.send(calls.arm(account_id, minutes, request_id))

    def log(self, after_seq: int | None = None, limit: int = 200) -> list[views.LogEntry]:
        """Journal records: the newest, or those after a sequence number."""
        return self.send(calls.log(after_seq, limit))

    def verify_log(self) -> views.VerifyResult:
        """Walk the journal's chain."""
        return self.send(calls.verify_log())

    def backup(self, request_id: str = "") -> rest.BackupAnswer:
        """Write a backup."""
        return self.send(calls.backup(request_id))

    def stop_engine(self, request_id: str = "") -> rest.Accepted:
        """Begin the ordered stop."""
        return self.send(calls.stop_engine(request_id))
