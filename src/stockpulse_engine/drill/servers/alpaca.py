"""Alpaca's personality: its REST and its stream of order updates over the simulated broker.

It speaks as the recordings do, keeps state, fails when told to, and checks what it is sent: keys in headers and
nowhere else, JSON bodies with numbers as strings, one way of sizing an order, the order of the stream's handshake, one
stream for each account, and how often it is asked. Whatever is wrong is kept in `complaints`.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderRole, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Execution, News, NewsKind, Refused, Rules
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import FaultPlan
from stockpulse_engine.drill.servers import alpaca_shapes as shapes
from stockpulse_engine.drill.servers.http import HttpServer, Request, Response, json_response
from stockpulse_engine.drill.servers.stream import StreamServer, StreamSession

RULES: Final = Rules(repeats_answer=False, replaces_with_new_id=True, legs_wait_for_all=True)
PER_MINUTE: Final = 200
_MINUTE_NS: Final = 60_000_000_000
_PAGE: Final = 100
_ORDERS_PAGE: Final = 500
_LONGEST_ID: Final = 128
_REFUSALS: Final[Mapping[str, tuple[int, int, str]]] = {
    "duplicate_id": (422, 40010001, "client_order_id must be unique"),
    "insufficient": (403, 40310000, "insufficient buying power"),
    "short": (403, 40310000, "insufficient qty available for order"),
    "bad_price": (422, 42210000, "invalid price: sub-penny increment does not fulfill minimum pricing criteria"),
    "unknown_order": (404, 40410000, "order not found"),
    "too_late": (422, 42210000, "order is not cancelable"),
    "unknown_instrument": (422, 40010001, "asset not found"),
}
_GATEWAY: Final = {401: (40110000, "request is not authorized"), 403: (0, "forbidden."), 429: (42910000, "too many")}


class Login(msgspec.Struct, frozen=True):
    """A pair of keys and the account it opens."""

    key_id: str
    secret_key: str
    account_id: str


class AlpacaServer:
    """The stand-in. Call `tell` after anything was done to `venue` from outside.

    Args:
        venue: with `RULES`; its accounts are opened by whoever sets the scene.
        now: UTC ns, the venue's own.
        logins: who may come.
        is_paper: paper sends binary frames.
    """

    def __init__(
        self,
        venue: DrillVenue,
        now: Callable[[], int],
        logins: Sequence[Login],
        plan: FaultPlan | None = None,
        *,
        is_paper: bool = True,
        per_minute: int = PER_MINUTE,
    ) -> None:
        self.venue = venue
        self.rest = HttpServer(self._answer, plan, now_s=lambda: now() / 1e9, refusal=_refusal)
        self.stream = StreamServer(self._talk, plan)
        self.logins = {one.key_id: one for one in logins}
        self.dead_keys: set[str] = set()
        self.posts: Counter[str] = Counter()
        """POSTs of an order that arrived, by client order id, whatever became of them."""
        self.stubborn = 0
        """So many items of the next bulk cancel fail with a status of their own."""
        self.assets: dict[str, dict[str, Any]] = {}
        """Fields of assets that are other than usual, by symbol."""
        self.next_refusal: Response | None = None
        """The answer of the next request that changes something."""
        self.strange = ""
        """An event whose word replaces the next one's."""
        self.is_crowded = False
        """The stream says that there are too many connections."""
        self.throttled = 0
        self._now = now
        self._is_paper = is_paper
        self._per_minute = per_minute
        self._asked: dict[str, deque[int]] = {}
        self._streams: dict[str, StreamSession] = {}
        self._ids: dict[str, str] = {}

    @property
    def complaints(self) -> list[str]:
        """What was wrong with what came."""
        return self.rest.complaints + self.stream.complaints

    @property
    def url(self) -> str:
        """Of the REST."""
        return self.rest.url

    @property
    def stream_url(self) -> str:
        """Of the stream."""
        return f"{self.stream.url}/stream"

    async def start(self) -> None:
        """Listen."""
        await self.rest.start()
        await self.stream.start()

    async def close(self) -> None:
        """End; nothing is left open."""
        await self.rest.close()
        await self.stream.close()

    def tell(self) -> None:
        """Send what has happened since the last call to who listens."""
        for news in self.venue.take_news():
            frame = self._frame(news)
            session = self._streams.get(news.account_id)
            if frame is not None and session is not None and session.is_ready:
                session.push(self._encode(frame))

    # --- the stream ---------------------------------------------------------------------------------------

    async def _talk(self, session: StreamSession) -> None:
        account_id = ""
        try:
            async for raw in session:
                message = _object(raw)
                action = message.get("action")
                if action in ("authenticate", "auth"):
                    account_id = self._greet(session, message)
                elif action == "listen" and account_id:
                    self._listen(session, message)
                else:
                    self.stream.complaints.append(f"the stream was sent {action!r} before it was opened")
                    self._say(session, "authorization", {"status": "unauthorized", "action": str(action)})
        finally:
            if account_id and self._streams.get(account_id) is session:
                del self._streams[account_id]

    def _greet(self, session: StreamSession, message: Mapping[str, Any]) -> str:
        data = message.get("data")
        given = data if isinstance(data, dict) else {"key_id": message.get("key"), "secret_key": message.get("secret")}
        login = self._login(str(given.get("key_id")), str(given.get("secret_key")))
        if login is None:
            self._say(session, "authorization", {"status": "unauthorized", "action": "authenticate"})
            return ""
        held = self._streams.get(login.account_id)
        if self.is_crowded or (held is not None and held is not session and held in self.stream.sessions):
            self._say(session, "error", {"code": 406, "message": "connection limit exceeded"})
            return ""
        self._streams[login.account_id] = session
        self._say(session, "authorization", {"status": "authorized", "action": "authenticate"})
        return login.account_id

    def _listen(self, session: StreamSession, message: Mapping[str, Any]) -> None:
        data = message.get("data")
        streams = data.get("streams") if isinstance(data, dict) else None
        if streams != ["trade_updates"]:
            self.stream.complaints.append(f"listens to {streams!r}")
        session.is_ready = True
        self._say(session, "listening", {"streams": streams})

    def _say(self, session: StreamSession, stream: str, data: Mapping[str, Any]) -> None:
        session.reply(self._encode({"stream": stream, "data": data}))

    def _encode(self, frame: Mapping[str, Any]) -> bytes | str:
        words = json.dumps(frame)
        return words.encode() if self._is_paper else words

    def _frame(self, news: News) -> dict[str, Any] | None:
        order, execution = news.order, news.execution
        if order is None or news.kind in (NewsKind.TRIGGER, NewsKind.REJECT):
            return None
        if news.kind in (NewsKind.CANCEL_REJECT, NewsKind.REPLACE_REJECT):
            return None  # the request itself was answered so
        word, more = shapes.EVENTS.get(news.kind, ""), {}
        if news.kind is NewsKind.FILL and execution is not None:
            word = "fill" if order.filled >= order.quantity else "partial_fill"
            held = self.venue.account(news.account_id).positions.get(order.instrument_id)
            more = shapes.fill_fields(execution, held.quantity if held is not None else Decimal(0))
        elif news.kind is NewsKind.REPLACE:
            word = "replaced" if order.replaces else "restated"
            old = self.venue.order(news.account_id, venue_order_id=order.replaces) if order.replaces else None
            order = old or order
        elif news.kind is NewsKind.ACCEPT and order.status == o.HELD:
            word = "held"
        word = word or f"x_{news.reason or news.kind.value.lower()}"
        word, self.strange = self.strange or word, ""
        return shapes.update_json(word, self._shown(order), news.ts_ns, **more)

    # --- the requests -------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        login = self._check(request)
        if isinstance(login, Response):
            return login
        left = self._count(login.key_id)
        limits: tuple[tuple[str, str], ...] = (
            ("X-RateLimit-Limit", str(self._per_minute)),
            ("X-RateLimit-Remaining", str(max(0, left))),
        )
        if left < 0:
            self.throttled += 1
            return json_response(
                {"code": 42910000, "message": "too many requests"}, 429, (*limits, ("Retry-After", "2"))
            )
        try:
            response = self._route(login.account_id, request)
        except Refused as refused:
            status, code, words = _REFUSALS.get(refused.code, (422, 40010001, refused.words))
            response = json_response({"code": code, "message": words}, status)
        finally:
            self.tell()
        return msgspec.structs.replace(response, headers=(*response.headers, *limits))

    def _check(self, request: Request) -> Login | Response:
        complaints, headers = self.rest.complaints, request.headers
        key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
        if any(word and word in f"{request.path}?{request.query}" for word in (key, secret)):
            complaints.append("a key in an address")
        if not headers.get("user-agent", "").startswith("stockpulse/"):
            complaints.append(f"user-agent {headers.get('user-agent')!r}")
        if request.method in ("POST", "PATCH") and headers.get("content-type") != "application/json":
            complaints.append(f"{request.method} with content-type {headers.get('content-type')!r}")
        if request.method in ("GET", "DELETE") and request.body:
            complaints.append(f"{request.method} with a body")
        login = self._login(key, secret)
        return login or json_response({"code": 40110000, "message": "request is not authorized"}, 401)

    def _login(self, key_id: str, secret_key: str) -> Login | None:
        login = self.logins.get(key_id)
        return login if login and login.secret_key == secret_key and key_id not in self.dead_keys else None

    def _count(self, key_id: str) -> int:
        """Requests left in the last minute."""
        now, asked = self._now(), self._asked.setdefault(key_id, deque())
        while asked and asked[0] <= now - _MINUTE_NS:
            asked.popleft()
        asked.append(now)
        return self._per_minute - len(asked)

    def _route(self, account_id: str, request: Request) -> Response:
        path, method = unquote(request.path), request.method
        if method != "GET" and self.next_refusal is not None:
            response, self.next_refusal = self.next_refusal, None
            return response
        fixed = {
            ("GET", "/v2/account"): self._account,
            ("GET", "/v2/clock"): self._clock,
            ("GET", "/v2/positions"): self._positions,
            ("GET", "/v2/orders"): self._orders,
            ("GET", "/v2/orders:by_client_order_id"): self._by_client_id,
            ("GET", "/v2/account/activities/FILL"): self._activities,
            ("POST", "/v2/orders"): self._submit,
            ("DELETE", "/v2/orders"): self._cancel_all,
        }.get((method, path))
        if fixed is not None:
            return fixed(account_id, request)
        head, _, name = path.rpartition("/")
        if (method, head) == ("GET", "/v2/assets"):
            return self._asset(name)
        if head == "/v2/orders":
            return self._one(account_id, name, request)
        self.rest.complaints.append(f"{method} {path}")
        return json_response({"message": "endpoint not found."}, 404)

    def _account(self, account_id: str, _: Request) -> Response:
        state = self.venue.account(account_id)
        worth = sum((one.quantity * self.venue.quote(name)[0] for name, one in state.positions.items()), Decimal(0))
        return json_response(shapes.account_json(account_id, state.cash, state.cash + worth, state.buying_power))

    def _clock(self, _account_id: str, _: Request) -> Response:
        now = self._now()
        later = shapes.stamp(now + 3600 * 1_000_000_000, digits=0).replace(".Z", "Z")
        return json_response(
            {
                "timestamp": shapes.local_stamp(now),
                "is_open": self.venue.is_open,
                "next_open": later,
                "next_close": later,
            }
        )

    def _positions(self, account_id: str, _: Request) -> Response:
        held = self.venue.account(account_id).positions
        rows = [
            shapes.position_json(one, self._instrument(name), self.venue.quote(name)[0])
            for name, one in held.items()
            if one.quantity
        ]
        return json_response(rows)

    def _asset(self, name: str) -> Response:
        for each in self.venue.instruments():
            row = shapes.asset_json(each)
            if name in (row["id"], row["symbol"], row["symbol"].replace("/", "")):
                return json_response({**row, **self.assets.get(row["symbol"], {})})
        return json_response({"code": 40410000, "message": f"asset not found for {name}"}, 404)

    def _orders(self, account_id: str, request: Request) -> Response:
        asked = request.params()
        status, most = asked.get("status", "open"), min(int(asked.get("limit", "50")), _ORDERS_PAGE)
        found = self.venue.open_orders(account_id) if status == "open" else self.venue.orders(account_id)
        after = asked.get("after", "")
        symbols = set(filter(None, asked.get("symbols", "").split(",")))
        rows = []
        for order in sorted(found, key=lambda one: one.received_ns):
            row = self._shown(order, is_nested=asked.get("nested") == "true")
            if order.status == o.REJECTED or shapes.stamp(order.received_ns) <= after:
                continue
            if (status == "closed" and order.is_open) or (symbols and row["symbol"] not in symbols):
                continue
            if asked.get("nested") == "true" and row["order_class"] and row["legs"] is None:
                continue  # it hangs on its first
            rows.append(row)
        rows = rows if asked.get("direction") == "asc" else rows[::-1]
        return json_response(rows[:most])

    def _by_client_id(self, account_id: str, request: Request) -> Response:
        order = self.venue.order(account_id, client_order_id=request.params().get("client_order_id", ""))
        if order is None or order.status == o.REJECTED:
            return json_response({"code": 40410000, "message": "order not found"}, 404)
        return json_response(self._shown(order))

    def _activities(self, account_id: str, request: Request) -> Response:
        asked = request.params()
        most = int(asked.get("page_size", str(_PAGE)))
        if most > _PAGE:
            self.rest.complaints.append(f"page_size {most}")
        rows = []
        for execution in self.venue.executions(account_id):
            order = self.venue.order(account_id, venue_order_id=execution.venue_order_id)
            if order is not None:
                total = self._total(account_id, execution)
                rows.append(shapes.activity_json(execution, order, total, self._symbol(order.instrument_id)))
        rows.sort(key=lambda row: str(row["id"]), reverse=asked.get("direction", "desc") == "desc")
        rows = [row for row in rows if str(row["transaction_time"]) > asked.get("after", "").rstrip("Z")]
        ids = [row["id"] for row in rows]
        token = asked.get("page_token")
        start = ids.index(token) + 1 if token in ids else 0
        return json_response(rows[start : start + most])

    def _one(self, account_id: str, name: str, request: Request) -> Response:
        order = self._find(account_id, name)
        if request.method == "GET":
            return json_response(self._shown(order, is_nested=request.params().get("nested") == "true"))
        if request.method == "DELETE":
            self.venue.cancel(account_id, order.venue_order_id)
            return Response(204)
        if request.method == "PATCH":
            return self._replace(account_id, order, self._body(request))
        self.rest.complaints.append(f"{request.method} {request.path}")
        return json_response({"message": "method not allowed."}, 405)

    def _submit(self, account_id: str, request: Request) -> Response:
        body = self._body(request)
        sent = body.get("client_order_id")
        if not isinstance(sent, str) or not 0 < len(sent) <= _LONGEST_ID:
            self.rest.complaints.append(f"client_order_id {sent!r}")
        self.posts[str(sent)] += 1
        made = self.venue.submit(account_id, self._group(body))
        return json_response(self._shown(made[0], is_nested=True))

    def _replace(self, account_id: str, order: DrillOrder, body: Mapping[str, Any]) -> Response:
        if self.venue.order(account_id, client_order_id=str(body.get("client_order_id"))) is not None:
            raise Refused("duplicate_id", "used")
        if not order.is_open:
            return json_response(
                {"code": 42210000, "message": f"unable to replace order, order is {order.status}"}, 422
            )
        new = self.venue.replace(
            account_id,
            order.venue_order_id,
            quantity=_number(body, "qty"),
            limit_price=_number(body, "limit_price"),
            stop_price=_number(body, "stop_price"),
            client_order_id=str(body.get("client_order_id") or shapes.uuid_of(f"{order.venue_order_id} changed")),
        )
        return json_response(self._shown(new))

    def _cancel_all(self, account_id: str, _: Request) -> Response:
        rows: list[dict[str, Any]] = []
        for order in self.venue.open_orders(account_id):
            row: dict[str, Any] = {"id": shapes.uuid_of(order.venue_order_id), "status": 200}
            if self.stubborn:
                self.stubborn -= 1
                row = {**row, "status": 500, "body": {"code": 50010000, "message": "failed to cancel order"}}
            else:
                now = self.venue.order(account_id, venue_order_id=order.venue_order_id)
                if now is not None and now.is_open:  # a leg goes with its entry
                    self.venue.cancel(account_id, order.venue_order_id)
            rows.append(row)
        return json_response(rows, 207)

    # --- small things -------------------------------------------------------------------------------------

    def _body(self, request: Request) -> Mapping[str, Any]:
        body = _object(request.body)
        for name in ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent", "trail"):
            if name in body and not isinstance(body[name], str):
                self.rest.complaints.append(f"{name} is no string: {body[name]!r}")
        if "qty" in body and "notional" in body:
            self.rest.complaints.append("an order with two sizes")
        return body

    def _group(self, body: Mapping[str, Any]) -> list[DrillOrder]:
        group, sent = body.get("order_class", ""), str(body.get("client_order_id"))
        first = self._drill_order(body, sent)
        take, stop = body.get("take_profit"), body.get("stop_loss")
        if group == "oto" and isinstance(stop, dict) and "stop_price" not in stop:
            raise Refused("bad_group", "oto orders require stop_loss.stop_price")
        if group not in ("", "simple", "bracket", "oco", "oto") or (group == "bracket" and not (take and stop)):
            raise Refused("bad_group", "bracket orders require take_profit and stop_loss")
        orders = [first]
        side = first.side if group == "oco" else first.side.opposite
        if group == "oco":
            first.role, first.limit_price = OrderRole.TAKE, _number(take or {}, "limit_price")
        elif take or stop:
            first.role = OrderRole.ENTRY
        if isinstance(take, dict) and group != "oco":
            orders.append(self._leg(first, side, OrderRole.TAKE, take))
        if isinstance(stop, dict):
            orders.append(self._leg(first, side, OrderRole.STOP, stop))
        return orders

    def _drill_order(self, body: Mapping[str, Any], sent: str) -> DrillOrder:
        kind, time = shapes.TYPES.get(str(body.get("type"))), shapes.TIMES.get(str(body.get("time_in_force")))
        quantity = _number(body, "qty")
        if kind is None or time is None or quantity is None or body.get("side") not in ("buy", "sell"):
            raise Refused("bad_request", "a field is missing or not known")
        extended = body.get("extended_hours") is True
        if extended and (kind is not OrderType.LIMIT or time not in (TimeInForce.DAY, TimeInForce.GTC)):
            raise Refused("bad_request", "extended hours order must be DAY limit orders")
        return DrillOrder(
            client_order_id=sent,
            instrument_id=self._instrument_named(str(body.get("symbol"))),
            side=Side.BUY if body["side"] == "buy" else Side.SELL,
            quantity=quantity,
            order_type=kind,
            limit_price=_number(body, "limit_price"),
            stop_price=_number(body, "stop_price"),
            trail=_number(body, "trail_price"),
            trail_percent=_number(body, "trail_percent"),
            time_in_force=time,
            session=SessionHours.EXTENDED if extended else SessionHours.REGULAR,
        )

    def _leg(self, first: DrillOrder, side: Side, role: OrderRole, given: Mapping[str, Any]) -> DrillOrder:
        limit, stop = _number(given, "limit_price"), _number(given, "stop_price")
        kind = OrderType.LIMIT if stop is None else OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        return DrillOrder(
            client_order_id=shapes.uuid_of(f"{first.client_order_id} {role.value}"),
            instrument_id=first.instrument_id,
            side=side,
            quantity=first.quantity,
            order_type=kind,
            limit_price=limit,
            stop_price=stop,
            time_in_force=first.time_in_force,
            role=role,
        )

    def _find(self, account_id: str, name: str) -> DrillOrder:
        venue_id = self._ids.get(name)
        if venue_id is None:
            self._ids.update(
                (shapes.uuid_of(one.venue_order_id), one.venue_order_id) for one in self.venue.orders(account_id)
            )
            venue_id = self._ids.get(name, "")
        order = self.venue.order(account_id, venue_order_id=venue_id) if venue_id else None
        if order is None:
            raise Refused("unknown_order", "order not found")
        return order

    def _shown(self, order: DrillOrder, *, is_nested: bool = False) -> dict[str, Any]:
        family = self.venue.family(order.account_id, order.venue_order_id) if order.status != o.REPLACED else (order,)
        is_first = is_nested and family[0].venue_order_id == order.venue_order_id
        return shapes.order_json(order, self._instrument(order.instrument_id), family, is_nested=is_first)

    def _total(self, account_id: str, execution: Execution) -> Decimal:
        """What its order had executed after an execution."""
        same = [one for one in self.venue.executions(account_id) if one.venue_order_id == execution.venue_order_id]
        return sum((one.quantity for one in same if one.seq <= execution.seq), Decimal(0))

    def _instrument(self, instrument_id: str) -> Instrument:
        return next(one for one in self.venue.instruments() if one.instrument_id == instrument_id)

    def _instrument_named(self, symbol: str) -> str:
        for one in self.venue.instruments():
            if shapes.symbol_of(one) == symbol:
                return one.instrument_id
        raise Refused("unknown_instrument", "asset not found")

    def _symbol(self, instrument_id: str) -> str:
        return shapes.symbol_of(self._instrument(instrument_id))


def _number(body: Mapping[str, Any], name: str) -> Decimal | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise Refused("bad_request", f"{name} is not a number") from None


def _object(raw: bytes | str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, words: str, _: Request) -> Response:
    code, said = _GATEWAY.get(status, (0, words))
    return json_response({"code": code, "message": said} if code else {"message": said}, status)
