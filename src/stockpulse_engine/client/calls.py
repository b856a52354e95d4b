"""Every request the API knows, written once: method, path, body and the type of its answer.

The blocking and the async client both send these, so that they can not differ. A mutation without a
`request_id` gets a fresh one: pass your own to send the same intent again.
"""

from __future__ import annotations

from urllib.parse import quote as escape

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.call import Call
from stockpulse_engine.client.call import get as _get
from stockpulse_engine.client.call import post as _post
from stockpulse_engine.domain import views
from stockpulse_engine.domain.brokers import BrokerView, LiveView
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, NewsItem, Quote
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.wire import rest

BACKUP_S = 900.0


def _part(text: str) -> str:
    return escape(text, safe="")


def health() -> Call[views.HealthView]:
    """State of the engine."""
    return _get("/v1/health", views.HealthView)


def quotes(ids: tuple[str, ...] = ()) -> Call[list[Quote]]:
    """Latest quotes of all instruments or of some."""
    return _get("/v1/quotes", list[Quote], ids=",".join(ids))


def depth(instrument_id: str) -> Call[Depth]:
    """The visible book."""
    return _get(f"/v1/depth/{_part(instrument_id)}", Depth)


def bars(instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None) -> Call[list[Bar]]:
    """The last bars, oldest first."""
    return _get("/v1/bars", list[Bar], id=instrument_id, spec=spec, limit=limit, end_ns=end_ns)


def study(instrument_id: str, spec: str, text: str, limit: int = 300) -> Call[views.StudyView]:
    """A study over the last bars."""
    return _get("/v1/study", views.StudyView, id=instrument_id, spec=spec, study=text, limit=limit)


def instruments() -> Call[list[Instrument]]:
    """Everything tradable."""
    return _get("/v1/instruments", list[Instrument])


def news(limit: int = 50) -> Call[list[NewsItem]]:
    """Latest headlines, newest first."""
    return _get("/v1/news", list[NewsItem], limit=limit)


def clock() -> Call[views.ClockView]:
    """Market time and session."""
    return _get("/v1/market/clock", views.ClockView)


def control_market(
    action: str, *, speed: float = 1.0, step_ns: int = 0, to_ns: int = 0, request_id: str = ""
) -> Call[views.ClockView]:
    """speed, pause, resume, step or seek."""
    body = rest.MarketControlRequest(
        request_id=request_id or new_id("R"), action=action, speed=speed, step_ns=step_ns, to_ns=to_ns
    )
    return _post("/v1/market/control", views.ClockView, body)


def explain(name: str, instrument_id: str = "") -> Call[views.Explanation]:
    """How a number is made."""
    return _get("/v1/explain", views.Explanation, name=name, id=instrument_id)


def orders(scope: str = "today", account_id: str = "", limit: int = 500) -> Call[list[Order]]:
    """Orders, newest first."""
    return _get("/v1/orders", list[Order], scope=scope, account=account_id, limit=limit)


def order(client_order_id: str) -> Call[Order]:
    """One order by id or unambiguous prefix."""
    return _get(f"/v1/orders/{_part(client_order_id)}", Order)


def order_life(client_order_id: str) -> Call[views.OrderLife]:
    """Everything the journal knows about the order."""
    return _get(f"/v1/orders/{_part(client_order_id)}/life", views.OrderLife)


def fills(account_id: str = "", client_order_id: str = "", limit: int = 500) -> Call[list[Fill]]:
    """Fills, newest first."""
    return _get("/v1/fills", list[Fill], account=account_id, order=client_order_id, limit=limit)


def submit_order(command: SubmitOrder) -> Call[rest.SubmitAnswer]:
    """Submit or stage; the command's own id makes it happen once."""
    return _post("/v1/orders", rest.SubmitAnswer, command)


def preview_order(command: SubmitOrder) -> Call[views.Preview]:
    """What would happen if it were sent now."""
    return _post("/v1/orders/preview", views.Preview, rest.PreviewRequest(command=command))


def send_order(client_order_id: str, request_id: str = "") -> Call[rest.SubmitAnswer]:
    """Send a staged order."""
    return _post(f"/v1/orders/{_part(client_order_id)}/send", rest.SubmitAnswer, _key(request_id))


def discard_order(client_order_id: str, request_id: str = "") -> Call[Order]:
    """Throw a staged order away."""
    return _post(f"/v1/orders/{_part(client_order_id)}/discard", Order, _key(request_id))


def cancel_order(client_order_id: str, request_id: str = "") -> Call[Order]:
    """Ask to cancel one order."""
    return _post(f"/v1/orders/{_part(client_order_id)}/cancel", Order, _key(request_id))


def cancel_orders(pattern: str = "*", account_id: str = "", request_id: str = "") -> Call[rest.CancelManyAnswer]:
    """Ask to cancel every open order whose symbol matches."""
    body = rest.CancelMany(request_id=request_id or new_id("R"), pattern=pattern, account_id=account_id)
    return _post("/v1/orders/cancel", rest.CancelManyAnswer, body)


def modify_order(client_order_id: str, body: rest.ModifyBody) -> Call[Order]:
    """Ask for new terms."""
    return _post(f"/v1/orders/{_part(client_order_id)}/modify", Order, body)


def declare_dead(client_order_id: str, body: rest.DeclareDead) -> Call[Order]:
    """Say that an UNKNOWN order does not work at its broker."""
    return _post(f"/v1/orders/{_part(client_order_id)}/dead", Order, body)


def positions(account_id: str = "") -> Call[list[views.PositionView]]:
    """Open positions."""
    return _get("/v1/positions", list[views.PositionView], account=account_id)


def lots(account_id: str = "", instrument_id: str = "") -> Call[list[views.LotView]]:
    """Open lots."""
    return _get("/v1/lots", list[views.LotView], account=account_id, instrument=instrument_id)


def portfolio(account_id: str = "") -> Call[views.PortfolioView]:
    """Account, positions, equity curve."""
    return _get("/v1/portfolio", views.PortfolioView, account=account_id)


def account(account_id: str = "") -> Call[views.AccountView]:
    """Balances of one account."""
    return _get("/v1/account", views.AccountView, account=account_id)


def accounts() -> Call[list[views.AccountView]]:
    """Balances of every account."""
    return _get("/v1/accounts", list[views.AccountView])


def open_account(body: rest.OpenAccount) -> Call[views.AccountView]:
    """Open a paper account."""
    return _post("/v1/accounts", views.AccountView, body, "admin")


def day(account_id: str = "", session_date: str = "") -> Call[views.DayReview]:
    """The session's review."""
    return _get("/v1/day", views.DayReview, account=account_id, date=session_date)


def halt_view() -> Call[views.HaltView]:
    """The trading state."""
    return _get("/v1/halt", views.HaltView)


def set_halt(
    action: str, *, reason: str = "", word: str = "", account_id: str = "", request_id: str = ""
) -> Call[views.HaltView]:
    """halt, reduce, flatten or resume."""
    body = rest.HaltRequest(
        request_id=request_id or new_id("R"), action=action, reason=reason, word=word, account_id=account_id
    )
    return _post("/v1/halt", views.HaltView, body)


def arms() -> Call[list[views.ArmView]]:
    """Heads that are armed."""
    return _get("/v1/arms", list[views.ArmView])


def arm(account_id: str, minutes: int = 30, request_id: str = "") -> Call[list[views.ArmView]]:
    """Arm this head, or disarm it with 0 minutes."""
    body = rest.ArmRequest(request_id=request_id or new_id("R"), account_id=account_id, minutes=minutes)
    return _post("/v1/arm", list[views.ArmView], body)


def brokers() -> Call[list[BrokerView]]:
    """Connections to brokers."""
    return _get("/v1/brokers", list[BrokerView])


def unlock_brokers(
    names: tuple[str, ...] = (), passphrase: str = "", *, with_live: bool = False
) -> Call[list[BrokerView]]:
    """Open credentials for this run of the engine."""
    body = rest.UnlockBrokers(request_id=new_id("R"), names=names, passphrase=passphrase, with_live=with_live)
    return _post("/v1/brokers/unlock", list[BrokerView], body, role="admin")


def lock_brokers(names: tuple[str, ...] = ()) -> Call[list[BrokerView]]:
    """Give brokers up and forget their credentials."""
    return _post("/v1/brokers/lock", list[BrokerView], rest.LockBrokers(request_id=new_id("R"), names=names))


def reconciliation(account_id: str = "") -> Call[list[views.ReconcileView]]:
    """How our figures stand against the brokers'."""
    return _get("/v1/reconcile", list[views.ReconcileView], account=account_id)


def reconcile(account_id: str = "") -> Call[list[views.ReconcileView]]:
    """Compare with the brokers now."""
    body = rest.ReconcileNow(request_id=new_id("R"), account_id=account_id)
    return _post("/v1/reconcile", list[views.ReconcileView], body)


def explain_suspense(body: rest.ExplainSuspense) -> Call[list[views.ReconcileView]]:
    """Say which side of a difference is right."""
    return _post("/v1/reconcile/explain", list[views.ReconcileView], body)


def adopt_account(body: rest.AdoptAccount) -> Call[views.AccountView]:
    """Open an account that exists at a broker, with what it holds there."""
    return _post("/v1/accounts/adopt", views.AccountView, body, "admin")


def live() -> Call[list[LiveView]]:
    """How every live account stands."""
    return _get("/v1/live", list[LiveView])


def arm_live(body: rest.ArmLive) -> Call[LiveView]:
    """Arm a live account for this head."""
    return _post("/v1/live/arm", LiveView, body, role="admin")


def disarm_live(account_id: str = "") -> Call[list[LiveView]]:
    """Disarm a live account, all with ""."""
    return _post("/v1/live/disarm", list[LiveView], rest.DisarmLive(request_id=new_id("R"), account_id=account_id))


def log(after_seq: int | None = None, limit: int = 200) -> Call[list[views.LogEntry]]:
    """Journal records: the newest, or those after a sequence number."""
    return _get("/v1/log", list[views.LogEntry], after=after_seq, limit=limit)


def verify_log() -> Call[views.VerifyResult]:
    """Walk the journal's chain."""
    return _get("/v1/log/verify", views.VerifyResult)


def backup(request_id: str = "") -> Call[rest.BackupAnswer]:
    """Write a backup; the first one of a large history takes its time."""
    return Call("/v1/backup", rest.BackupAnswer, _key(request_id), {}, "admin", BACKUP_S)


def stop_engine(request_id: str = "") -> Call[rest.Accepted]:
    """Begin the ordered stop."""
    return _post("/v1/engine/stop", rest.Accepted, _key(request_id), "admin")


def _key(request_id: str) -> rest.RequestId:
    return rest.RequestId(request_id=request_id or new_id("R"))
