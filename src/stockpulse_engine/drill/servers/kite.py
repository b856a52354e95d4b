"""Kite's personality (Connect v3) over the simulated broker: forms in, times without a zone out, no idempotency.

Shapes follow the recordings; what has none is marked synthetic below: the words of refusals of orders, and the order
of the transient statuses in an order's history. No adapter of ours speaks to it yet.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.orders import OrderType, Side, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Execution, NewsKind, Refused, Rules
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import FaultPlan
from stockpulse_engine.drill.servers.http import HttpServer, Request, Response, json_response
from stockpulse_engine.drill.servers.stream import StreamServer, StreamSession

RULES: Final = Rules(dedup=Dedup.NONE)
ORDERS_PER_S: Final = 10
HEARTBEAT: Final = b"\x00"
_IST: Final = timedelta(hours=5, minutes=30)
_SECOND_NS: Final = 1_000_000_000
_TAG: Final = re.compile(r"[A-Za-z0-9]{1,20}")
_TYPES: Final = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.STOP_LIMIT,
    "SL-M": OrderType.STOP,
}
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}
_VALIDITY: Final = {"DAY": TimeInForce.DAY, "IOC": TimeInForce.IOC}
_STATUS: Final = {
    o.ACCEPTED: "OPEN",
    o.TRIGGERED: "OPEN",
    o.PARTIALLY_FILLED: "OPEN",
    o.HELD: "OPEN PENDING",
    o.FILLED: "COMPLETE",
    o.CANCELED: "CANCELLED",
    o.EXPIRED: "CANCELLED",
    o.REJECTED: "REJECTED",
}
_BEFORE: Final = ("PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING")
_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "TokenException": (403, "Incorrect `api_key` or `access_token`."),
    "InputException": (400, ""),
    "OrderException": (400, ""),
    "MarginException": (400, ""),
    "GeneralException": (500, ""),
}


class KiteLogin(msgspec.Struct, kw_only=True):
    """An app, its user, and the token of the day; "" before the user has logged in."""

    api_key: str
    api_secret: str
    user_id: str
    account_id: str
    access_token: str = ""


class KiteServer:
    """The stand-in. Call `tell` after anything was done to `venue` from outside.

    Args:
        venue: with `RULES`; instruments are `SYMBOL.XNSE`.
        now: UTC ns, the venue's own.
        login: who may come.
    """

    def __init__(
        self, venue: DrillVenue, now: Callable[[], int], login: KiteLogin, plan: FaultPlan | None = None
    ) -> None:
        self.venue = venue
        self.login = login
        self.rest = HttpServer(self._answer, plan, now_s=lambda: now() / 1e9, refusal=_gateway)
        self.stream = StreamServer(self._talk, plan)
        self.complaints: list[str] = []
        """What the client did wrong."""
        self._now = now
        self._requests_tokens: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._recent: deque[int] = deque()
        self._reads: dict[str, Callable[[], Any]] = {
            "/user/profile": self._profile,
            "/user/margins/equity": self._margins,
            "/orders": self._orders,
            "/trades": self._trades,
            "/portfolio/positions": self._positions,
        }

    def log_in(self) -> str:
        """The user has logged in by browser: the request token of the redirect. The old session is dead."""
        token = hashlib.sha256(f"{self.login.user_id}/{self._now()}/{len(self._requests_tokens)}".encode()).hexdigest()
        self._requests_tokens[token[:32]] = self.login.user_id
        self.login.access_token = ""
        return token[:32]

    def end_day(self) -> None:
        """The morning comes: the token is dead, and nothing but a person's login makes another."""
        self.login.access_token = ""

    def tell(self) -> None:
        """Send what has happened at the broker since the last call to the open streams."""
        for news in self.venue.take_news():
            if news.order is not None and news.kind not in {NewsKind.CANCEL_REJECT, NewsKind.REPLACE_REJECT}:
                data = {**self._order(news.order), "user_id": self.login.user_id, "app_id": 1}
                self.stream.broadcast(msgspec.json.encode({"type": "order", "data": data}).decode())

    # --- requests -----------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        try:
            if request.headers.get("x-kite-version") != "3":
                self.complaints.append(f"{request.method} {request.path} without X-Kite-Version: 3")
            if request.path == "/session/token" and request.method == "POST":
                return _done(self._session(request))
            self._check_token(request)
            return _done(self._route(request))
        except _KiteError as error:
            status, words = _ERRORS[error.kind]
            return _error(status, error.words or words, error.kind)
        except Refused as refused:
            kind = "MarginException" if refused.code == "insufficient" else "OrderException"
            return _error(400, refused.words, kind)
        finally:
            self.tell()

    def _session(self, request: Request) -> dict[str, Any]:
        form, login = request.form(), self.login
        token = form.get("request_token", "")
        wanted = hashlib.sha256(f"{login.api_key}{token}{login.api_secret}".encode()).hexdigest()
        if self._requests_tokens.pop(token, None) is None or form.get("checksum") != wanted:
            raise _KiteError("TokenException", "Token is invalid or has expired.")
        login.access_token = hashlib.sha256(f"access/{token}".encode()).hexdigest()[:32]
        return {
            "user_id": login.user_id,
            "api_key": login.api_key,
            "access_token": login.access_token,
            "refresh_token": "",
            "login_time": _local(self._now()),
            "exchanges": ["NSE"],
        }

    def _check_token(self, request: Request) -> None:
        login = self.login
        said = request.headers.get("authorization", "")
        if not said.startswith("token "):
            self.complaints.append(f"{request.method} {request.path} without `Authorization: token`")
        if not login.access_token or said != f"token {login.api_key}:{login.access_token}":
            raise _KiteError("TokenException", "")

    def _route(self, request: Request) -> Any:
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "orders", number):
                return self._history(self._find(number))
            case ("GET", "orders", number, "trades"):
                return self._trades(self._find(number).venue_order_id)
            case ("GET", *_) if read := self._reads.get(request.path):
                return read()
            case ("DELETE", "session", "token"):
                self.login.access_token = ""
                return True
            case (("POST" | "PUT" | "DELETE"), "orders", variety, *number):
                return self._change(request, variety, number[0] if number else "")
            case _:
                self.complaints.append(f"{request.method} {request.path} does not exist")
                raise _KiteError("GeneralException", "Route not found")

    def _profile(self) -> dict[str, Any]:
        return {"user_id": self.login.user_id, "broker": "ZERODHA", "exchanges": ["NSE"]}

    def _orders(self) -> list[dict[str, Any]]:
        return [self._order(one) for one in self.venue.orders(self.login.account_id)]

    def _trades(self, venue_order_id: str = "") -> list[dict[str, Any]]:
        done = self.venue.executions(self.login.account_id)
        return [self._trade(one) for one in done if venue_order_id in {"", one.venue_order_id}]

    def _change(self, request: Request, variety: str, number: str) -> dict[str, str]:
        self._count_order()
        if variety != "regular":
            raise _KiteError("InputException", f"Invalid `variety`: {variety[:20]}.")
        if request.method == "DELETE":
            self.venue.cancel(self.login.account_id, self._find(number).venue_order_id)
            return {"order_id": number}
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self.complaints.append("the body of an order is not form-encoded")
            raise _KiteError("InputException", "Missing or empty field `tradingsymbol`")
        form = request.form()
        return self._place(form) if request.method == "POST" else self._modify(number, form)

    def _place(self, form: Mapping[str, str]) -> dict[str, str]:
        for name in ("tradingsymbol", "exchange", "transaction_type", "order_type", "quantity", "product", "validity"):
            if not form.get(name):
                raise _KiteError("InputException", f"Missing or empty field `{name}`")
        tag = form.get("tag", "")
        if tag and not _TAG.fullmatch(tag):
            self.complaints.append(f"the tag {tag[:40]!r} is not of 1 to 20 letters and digits")
            raise _KiteError("InputException", "Invalid `tag`.")
        if form["order_type"] not in _TYPES or form["validity"] not in _VALIDITY or form["product"] not in _PRODUCTS:
            raise _KiteError("InputException", "Invalid `order_type`, `validity` or `product`.")
        order = DrillOrder(
            client_order_id=tag,
            instrument_id=f"{form['tradingsymbol']}.XNSE",
            side=Side.BUY if form["transaction_type"] == "BUY" else Side.SELL,
            quantity=_number(form, "quantity") or Decimal(0),
            order_type=_TYPES[form["order_type"]],
            limit_price=_number(form, "price"),
            stop_price=_number(form, "trigger_price"),
            time_in_force=_VALIDITY[form["validity"]],
        )
        (made,) = self.venue.submit(self.login.account_id, [order])
        self._tags[made.venue_order_id] = tag
        return {"order_id": _id(made)}

    def _modify(self, number: str, form: Mapping[str, str]) -> dict[str, str]:
        order = self._find(number)
        self.venue.replace(
            self.login.account_id,
            order.venue_order_id,
            quantity=_number(form, "quantity"),
            limit_price=_number(form, "price"),
            stop_price=_number(form, "trigger_price"),
        )
        return {"order_id": number}

    def _count_order(self) -> None:
        """Ten orders a second: more are refused as too many."""
        now = self._now()
        while self._recent and self._recent[0] <= now - _SECOND_NS:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > ORDERS_PER_S:
            self.complaints.append(f"more than {ORDERS_PER_S} orders within a second")
            raise Refused("rate", "Too many requests")

    # --- shapes -------------------------------------------------------------------------------------------

    def _find(self, number: str) -> DrillOrder:
        found = [one for one in self.venue.orders(self.login.account_id) if _id(one) == number]
        if not found:
            raise _KiteError("GeneralException", "Couldn't find that `order_id`.")
        return found[-1]

    def _order(self, order: DrillOrder) -> dict[str, Any]:
        at = _local(order.received_ns)
        changed = _local(order.changed_ns)
        return {
            "placed_by": self.login.user_id,
            "order_id": _id(order),
            "exchange_order_id": order.venue_order_id,
            "parent_order_id": None,
            "status": _STATUS[order.status],
            "status_message": order.reason or None,
            "status_message_raw": order.code or None,
            "order_timestamp": at,
            "exchange_update_timestamp": changed,
            "exchange_timestamp": changed,
            "variety": "regular",
            "exchange": "NSE",
            "tradingsymbol": order.instrument_id.partition(".")[0],
            "instrument_token": _token(order.instrument_id),
            "order_type": _NAMES[order.order_type],
            "transaction_type": order.side.value,
            "validity": order.time_in_force.value,
            "product": "CNC",
            "quantity": int(order.quantity),
            "price": float(order.limit_price or 0),
            "trigger_price": float(order.stop_price or 0),
            "average_price": float(order.average or 0),
            "filled_quantity": int(order.filled),
            "pending_quantity": int(order.quantity - order.filled) if order.is_open else 0,
            "cancelled_quantity": int(order.quantity - order.filled) if order.status == o.CANCELED else 0,
            "tag": self._tags.get(order.venue_order_id) or order.client_order_id or None,
        }

    def _history(self, order: DrillOrder) -> list[dict[str, Any]]:
        """The order's statuses, oldest first: the transient ones came before the one it has."""
        now = self._order(order)
        empty = {"average_price": 0.0, "filled_quantity": 0, "pending_quantity": int(order.quantity)}
        return [*({**now, **empty, "status": word, "exchange_order_id": None} for word in _BEFORE), now]

    def _trade(self, done: Execution) -> dict[str, Any]:
        order = self.venue.order(self.login.account_id, venue_order_id=done.venue_order_id)
        at = _local(done.ts_ns)
        return {
            "trade_id": done.execution_id,
            "order_id": _id(order) if order else "",
            "exchange": "NSE",
            "tradingsymbol": done.instrument_id.partition(".")[0],
            "instrument_token": _token(done.instrument_id),
            "product": "CNC",
            "average_price": float(done.price),
            "quantity": int(done.quantity),
            "exchange_order_id": done.venue_order_id,
            "transaction_type": done.side.value,
            "fill_timestamp": at,
            "order_timestamp": at.partition(" ")[2],
            "exchange_timestamp": at,
        }

    def _positions(self) -> dict[str, Any]:
        state = self.venue.account(self.login.account_id)
        rows = [
            {
                "tradingsymbol": name.partition(".")[0],
                "exchange": "NSE",
                "instrument_token": _token(name),
                "product": "CNC",
                "quantity": int(held.quantity),
                "multiplier": 1,
                "average_price": float(held.cost),
                "last_price": float(self.venue.quote(name)[0]),
            }
            for name, held in state.positions.items()
        ]
        return {"net": rows, "day": rows}

    def _margins(self) -> dict[str, Any]:
        state = self.venue.account(self.login.account_id)
        available = {"cash": float(state.cash), "live_balance": float(state.cash)}
        return {"enabled": True, "net": float(state.buying_power), "available": available, "utilised": {"debits": 0}}

    # --- the stream ---------------------------------------------------------------------------------------

    async def _talk(self, session: StreamSession) -> None:
        login = self.login
        wanted = f"api_key={login.api_key}&access_token={login.access_token}"
        if not login.access_token or wanted not in session.path:
            self.complaints.append("a stream was opened with a token that is dead")
            await session.close(1008, "token")
            return
        session.is_ready = True
        session.reply(HEARTBEAT)
        async for message in session:
            asked = _asked(message)
            if asked not in {"subscribe", "unsubscribe", "mode"}:
                self.complaints.append(f"the stream was sent {message!r:.60}")


_PRODUCTS: Final = frozenset({"CNC", "MIS", "NRML"})


class _KiteError(Exception):
    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


def _done(data: Any) -> Response:
    return json_response({"status": "success", "data": data})


def _error(status: int, words: str, kind: str) -> Response:
    return json_response({"status": "error", "message": words, "error_type": kind}, status)


def _gateway(status: int, words: str, _request: Request) -> Response:
    if status == 429:  # noqa: PLR2004 - plain, without a JSON body
        return Response(429, b"Too many requests", "text/plain")
    kind = {401: "TokenException", 403: "TokenException", 503: "NetworkException"}.get(status, "GeneralException")
    return _error(status, words, kind)


def _id(order: DrillOrder) -> str:
    """Digits beyond what a float can hold."""
    return f"{2205310000000000000 + order.number}"


def _token(instrument_id: str) -> int:
    return int.from_bytes(hashlib.sha256(instrument_id.encode()).digest()[:3]) << 8 | 1


def _local(ns: int) -> str:
    """Indian time, and nothing says so."""
    return (datetime.fromtimestamp(ns / 1e9, tz=UTC) + _IST).strftime("%Y-%m-%d %H:%M:%S")


def _number(form: Mapping[str, str], name: str) -> Decimal | None:
    text = form.get(name, "")
    try:
        value = Decimal(text) if text else None
    except InvalidOperation:
        raise _KiteError("InputException", f"Invalid `{name}`.") from None
    return value or None


def _asked(message: bytes | str) -> object:
    try:
        said = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return None
    return said.get("a") if isinstance(said, dict) else None
