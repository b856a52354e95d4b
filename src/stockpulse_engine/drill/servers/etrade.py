"""E*TRADE's personality (v1) over the simulated broker: OAuth 1.0a, preview before place, nothing echoed, no stream.

Shapes follow the recordings and the documentation's examples; synthetic are the codes of refused orders but 101, and
that an id which was used is refused (claimed by clients, never seen). No adapter of ours speaks to it yet.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.orders import OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.drill.core import orders as o
from stockpulse_engine.drill.core.orders import DrillOrder, Refused, Rules
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.faults import FaultPlan
from stockpulse_engine.drill.servers.http import HttpServer, Request, Response, json_response
from stockpulse_engine.drill.servers.oauth1 import OAuthError, Verifier

RULES: Final = Rules(repeats_answer=False, replaces_with_new_id=True)
PREVIEW_NS: Final = 180 * 1_000_000_000
IDLE_NS: Final = 2 * 3600 * 1_000_000_000
ORDERS_PER_S: Final = 2
_SECOND_NS: Final = 1_000_000_000
_EASTERN: Final = ZoneInfo("America/New_York")
_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}")
_TYPES: Final = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP": OrderType.STOP,
    "STOP_LIMIT": OrderType.STOP_LIMIT,
}
_TERMS: Final = {
    "GOOD_FOR_DAY": TimeInForce.DAY,
    "GOOD_UNTIL_CANCEL": TimeInForce.GTC,
    "IMMEDIATE_OR_CANCEL": TimeInForce.IOC,
    "FILL_OR_KILL": TimeInForce.FOK,
}
_ACTIONS: Final = {"BUY": Side.BUY, "SELL": Side.SELL, "BUY_TO_COVER": Side.BUY, "SELL_SHORT": Side.SELL}
_STATUS: Final = {
    o.ACCEPTED: "OPEN",
    o.TRIGGERED: "OPEN",
    o.HELD: "OPEN",
    o.PARTIALLY_FILLED: "PARTIAL",
    o.FILLED: "EXECUTED",
    o.CANCELED: "CANCELLED",
    o.REPLACED: "CANCELLED",
    o.EXPIRED: "EXPIRED",
    o.REJECTED: "REJECTED",
}
_TIMED_OUT: Final = (101, "Your order was timed out. Please preview it again and place it within three minutes.")
_TOO_MANY: Final = b"<html><body>Number of requests exceeded the rate limit set</body></html>"
Body = Mapping[str, Any]


class EtradeLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer and the account its user has."""

    consumer_key: str
    consumer_secret: str
    account_id: str
    account_key: str
    """`accountIdKey`: what paths want instead of the number."""


class _Token(msgspec.Struct, kw_only=True):
    secret: str
    day: str
    used_ns: int


class EtradeServer:
    """The stand-in.

    Args:
        venue: with `RULES`; instruments are `SYMBOL.MIC`, found by their symbol.
        now: UTC ns, the venue's own.
        login: who may come.
        is_single_plain: a list of one is sent as that one, as JSON made from XML does.
    """

    def __init__(
        self,
        venue: DrillVenue,
        now: Callable[[], int],
        login: EtradeLogin,
        plan: FaultPlan | None = None,
        *,
        seed: int = 0,
        is_single_plain: bool = True,
    ) -> None:
        self.venue = venue
        self.login = login
        self.rest = HttpServer(self._answer, plan, now_s=lambda: now() / 1e9, refusal=_gateway)
        self.complaints: list[str] = []
        self._now = now
        self._random = Random(f"{seed}/etrade")
        self._is_single_plain = is_single_plain
        self._verifier = Verifier(login.consumer_key, login.consumer_secret)
        self._requested: dict[str, tuple[str, str]] = {}
        """Request token → its secret and the code the user was shown ("" before)."""
        self._tokens: dict[str, _Token] = {}
        self._previews: dict[int, tuple[Body, int]] = {}
        self._recent: deque[int] = deque()

    def authorize(self, request_token: str) -> str:
        """The user agrees in the browser and is shown a code of five."""
        secret = self._requested[request_token][0]
        code = f"{self._random.randrange(16**5):05X}"
        self._requested[request_token] = secret, code
        return code

    # --- requests -----------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        try:
            fields = self._check(request)
            if request.path.startswith("/oauth/"):
                return self._oauth(request.path, fields)
            return self._route(request)
        except OAuthError as error:
            self.complaints.append(f"{request.method} {request.path}: {error}")
            words = f"<html><body>oauth_problem={error}</body></html>"
            return Response(401, words.encode(), "text/html")
        except _EtradeError as error:
            return json_response({"Error": {"code": error.code, "message": error.words}}, error.status)
        except Refused as refused:
            return json_response({"Error": {"code": 1037, "message": refused.words}}, 400)

    def _check(self, request: Request) -> Mapping[str, str]:
        url = f"{self.rest.url}{request.path}" + (f"?{request.query}" if request.query else "")
        known = {"": ""} | {token: secret for token, (secret, _) in self._requested.items()}
        known |= {name: token.secret for name, token in self._tokens.items()}
        fields = self._verifier.check(
            request.method, url, request.headers.get("authorization", ""), known, self._now() / 1e9
        )
        if request.path.startswith("/oauth/"):
            return fields
        token = self._tokens.get(fields.get("oauth_token", ""))
        if token is None or token.day != self._day():
            raise OAuthError("token_expired")
        if self._now() - token.used_ns > IDLE_NS:
            raise OAuthError("token_inactive")
        token.used_ns = self._now()
        return fields

    def _oauth(self, path: str, fields: Mapping[str, str]) -> Response:
        name = fields.get("oauth_token", "")
        match path:
            case "/oauth/request_token":
                if fields.get("oauth_callback") != "oob":
                    raise OAuthError("parameter_absent: oauth_callback=oob")
                return self._give(self._requested.__setitem__, lambda secret: (secret, ""))
            case "/oauth/access_token":
                code = self._requested.pop(name, ("", ""))[1]
                if not code or fields.get("oauth_verifier") != code:
                    raise OAuthError("verifier_invalid")
                return self._give(self._tokens.__setitem__, self._token)
            case "/oauth/renew_access_token":
                token = self._tokens.get(name)
                if token is None or token.day != self._day():
                    raise OAuthError("token_expired")
                token.used_ns = self._now()
                return Response(200, b"Access Token has been renewed", "text/plain")
            case _:
                raise OAuthError("no such call")

    def _give(self, keep: Callable[[str, Any], None], made: Callable[[str], Any]) -> Response:
        """A new token; it holds what has to be escaped in a signature."""
        name, secret = (f"{self._random.getrandbits(96):x}/+=" for _ in range(2))
        keep(name, made(secret))
        form = urlencode({"oauth_token": name, "oauth_token_secret": secret, "oauth_callback_confirmed": "true"})
        return Response(200, form.encode(), "application/x-www-form-urlencoded")

    def _token(self, secret: str) -> _Token:
        return _Token(secret=secret, day=self._day(), used_ns=self._now())

    def _day(self) -> str:
        return datetime.fromtimestamp(self._now() / 1e9, tz=UTC).astimezone(_EASTERN).date().isoformat()

    def _route(self, request: Request) -> Response:
        path = request.path
        if path.endswith(".json"):
            path = path.removesuffix(".json")
        elif "application/json" not in request.headers.get("accept", ""):
            self.complaints.append(f"{request.method} {request.path} asks for XML, which nobody here reads")
        parts = path.strip("/").split("/")
        if parts[:3] == ["v1", "accounts", "list"]:
            return self._accounts()
        if parts[:2] != ["v1", "accounts"] or len(parts) < 4 or parts[2] != self.login.account_key:  # noqa: PLR2004 - /v1/accounts/KEY/what
            raise _EtradeError(400, 102, "Please enter valid Account Key.")
        return self._call(request, "/".join(parts[3:]))

    def _call(self, request: Request, what: str) -> Response:
        match (request.method, what):
            case ("GET", "balance"):
                return self._balance()
            case ("GET", "portfolio"):
                return self._portfolio()
            case ("GET", "orders"):
                return self._orders(request)
            case ("POST", "orders/preview"):
                return self._limited(lambda: self._preview(_body(request, "PreviewOrderRequest")))
            case ("POST", "orders/place"):
                return self._limited(lambda: self._place(_body(request, "PlaceOrderRequest")))
            case ("PUT", "orders/cancel"):
                return self._limited(lambda: self._cancel(_body(request, "CancelOrderRequest")))
            case _:
                raise _EtradeError(404, 404, "There is no such call.")

    def _limited(self, work: Callable[[], Response]) -> Response:
        """Two orders a second; more are answered by a page, with status 400."""
        now = self._now()
        while self._recent and self._recent[0] <= now - _SECOND_NS:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > ORDERS_PER_S:
            self.complaints.append(f"more than {ORDERS_PER_S} calls about orders within a second")
            return Response(400, _TOO_MANY, "text/html")
        return work()

    # --- orders -------------------------------------------------------------------------------------------

    def _preview(self, body: Body) -> Response:
        order = self._drill_order(body)
        number = self._random.randrange(10**9, 10**10)
        self._previews[number] = _plain(body), self._now()
        details = {**_detail(body), "estimatedCommission": 0, "netPrice": 0}
        answer = {
            "orderType": "EQ",
            "accountId": self.login.account_id,
            "previewTime": self._now() // 1_000_000,
            "Order": self._many([details]),
            "PreviewIds": self._many([{"previewId": number}]),
            "totalOrderValue": float(order.quantity * (order.limit_price or self.venue.quote(order.instrument_id)[1])),
        }
        return json_response({"PreviewOrderResponse": answer})

    def _place(self, body: Body) -> Response:
        """The same body as previewed, with the preview's id, within three minutes: anything else is timed out."""
        ids = [each.get("previewId") for each in _list(body.get("PreviewIds"))]
        held = self._previews.get(ids[0]) if ids and isinstance(ids[0], int) else None
        if held is None or held[0] != _plain(body) or self._now() - held[1] > PREVIEW_NS:
            self.complaints.append("an order was placed that was not previewed so, or too late")
            raise _EtradeError(400, *_TIMED_OUT)
        (made,) = self.venue.submit(self.login.account_id, [self._drill_order(body)])
        answer = {
            "orderType": "EQ",
            "placedTime": self._now() // 1_000_000,
            "accountId": self.login.account_id,
            "Order": self._many([{**_detail(body), "messages": {"Message": self._many([_ENTERED])}}]),
            "OrderIds": self._many([{"orderId": made.number}]),
        }
        return json_response({"PlaceOrderResponse": answer})

    def _cancel(self, body: Body) -> Response:
        """The answer is a warning: canceled is what the list of orders says later."""
        number = body.get("orderId")
        found = [one for one in self.venue.orders(self.login.account_id) if one.number == number]
        if not found:
            raise _EtradeError(400, 5001, "There is no such order.")
        self.venue.cancel(self.login.account_id, found[-1].venue_order_id)
        answer = {
            "accountId": self.login.account_id,
            "orderId": number,
            "cancelTime": self._now() // 1_000_000,
            "messages": {"Message": self._many([_BEING_CANCELED])},
        }
        return json_response({"CancelOrderResponse": answer})

    def _drill_order(self, body: Body) -> DrillOrder:
        key, detail = body.get("clientOrderId", ""), _detail(body)
        if not isinstance(key, str) or not _ID.fullmatch(key):
            self.complaints.append(f"the clientOrderId {key!r:.40} is not of 1 to 20 letters and digits")
            raise _EtradeError(400, 3, "Invalid clientOrderId.")
        (line,) = _list(detail.get("Instrument")) or [{}]
        symbol = line.get("Product", {}).get("symbol", "")
        kind, term, action = detail.get("priceType"), detail.get("orderTerm"), line.get("orderAction")
        if kind not in _TYPES or term not in _TERMS or action not in _ACTIONS:
            raise _EtradeError(400, 4, "Invalid priceType, orderTerm or orderAction.")
        return DrillOrder(
            client_order_id=key,
            instrument_id=self._named(symbol),
            side=_ACTIONS[action],
            quantity=_number(line.get("quantity")) or Decimal(0),
            order_type=_TYPES[kind],
            limit_price=_number(detail.get("limitPrice")),
            stop_price=_number(detail.get("stopPrice")),
            time_in_force=_TERMS[term],
            session=SessionHours.EXTENDED if detail.get("marketSession") == "EXTENDED" else SessionHours.REGULAR,
        )

    def _named(self, symbol: str) -> str:
        for instrument in self.venue.instruments():
            if instrument.symbol == symbol:
                return instrument.instrument_id
        raise _EtradeError(400, 1019, f"Invalid symbol {symbol[:20]}.")

    # --- lists --------------------------------------------------------------------------------------------

    def _accounts(self) -> Response:
        one = {"accountId": self.login.account_id, "accountIdKey": self.login.account_key, "accountStatus": "ACTIVE"}
        return json_response({"AccountListResponse": {"Accounts": {"Account": self._many([one])}}})

    def _balance(self) -> Response:
        state = self.venue.account(self.login.account_id)
        computed = {"netCash": float(state.cash), "cashBalance": float(state.cash)}
        computed["marginBuyingPower"] = float(state.buying_power)
        return json_response({"BalanceResponse": {"accountId": self.login.account_id, "Computed": computed}})

    def _portfolio(self) -> Response:
        held = self.venue.account(self.login.account_id).positions
        if not held:
            return Response(204)
        rows = [
            {
                "symbolDescription": name.partition(".")[0],
                "quantity": float(one.quantity),
                "positionType": "LONG" if one.quantity > 0 else "SHORT",
                "pricePaid": float(one.cost),
                "Product": {"symbol": name.partition(".")[0], "securityType": "EQ"},
            }
            for name, one in held.items()
        ]
        account = {"accountId": self.login.account_id, "Position": self._many(rows)}
        return json_response({"PortfolioResponse": {"AccountPortfolio": self._many([account])}})

    def _orders(self, request: Request) -> Response:
        """Newest first, a page at a time; nothing to list has no body at all."""
        asked = request.params()
        count = min(100, int(asked.get("count", "25")))
        newest = list(self.venue.orders(self.login.account_id))[::-1]
        below = int(asked["marker"]) if asked.get("marker", "").isdigit() else None
        rest = [one for one in newest if below is None or one.number < below]
        rest = [one for one in rest if asked.get("status", _STATUS[one.status]) == _STATUS[one.status]]
        if not rest:
            return Response(204)
        page = rest[:count]
        more = {"marker": str(page[-1].number), "next": "more"} if len(rest) > count else {}
        return json_response({"OrdersResponse": {**more, "Order": self._many([_listed(one) for one in page])}})

    def _many(self, rows: Sequence[Any]) -> Any:
        return rows[0] if self._is_single_plain and len(rows) == 1 else list(rows)


_ENTERED: Final = {"description": "200|Your order was successfully entered.", "code": 1026, "type": "WARNING"}
_BEING_CANCELED: Final = {
    "description": "200|Your request to cancel your order is being processed.",
    "code": 4186,
    "type": "WARNING",
}


class _EtradeError(Exception):
    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


def _listed(order: DrillOrder) -> dict[str, Any]:
    symbol = order.instrument_id.partition(".")[0]
    line = {
        "symbolDescription": symbol,
        "orderAction": order.side.value,
        "quantityType": "QUANTITY",
        "orderedQuantity": float(order.quantity),
        "filledQuantity": float(order.filled),
        "averageExecutionPrice": float(order.average or 0),
        "Product": {"symbol": symbol, "securityType": "EQ"},
    }
    detail = {
        "placedTime": order.received_ns // 1_000_000,
        "executedTime": order.filled_ns // 1_000_000,
        "status": _STATUS[order.status],
        "orderTerm": next(name for name, term in _TERMS.items() if term is order.time_in_force),
        "priceType": next(name for name, kind in _TYPES.items() if kind is order.order_type),
        "limitPrice": float(order.limit_price or 0),
        "stopPrice": float(order.stop_price or 0),
        "marketSession": order.session.value,
        "Instrument": [line],
    }
    return {"orderId": order.number, "orderType": "EQ", "OrderDetail": [detail]}


def _body(request: Request, name: str) -> Body:
    said = request.json()
    inner = said.get(name) if isinstance(said, dict) else None
    if not isinstance(inner, dict):
        raise _EtradeError(400, 400, f"The body must be a {name}.")
    return inner


def _plain(body: Body) -> Body:
    """What preview and place must have in common."""
    return {name: value for name, value in body.items() if name != "PreviewIds"}


def _detail(body: Body) -> dict[str, Any]:
    found = _list(body.get("Order"))
    return dict(found[0]) if found else {}


def _list(value: Any) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    return [one for one in rows if isinstance(one, dict)]


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value)) if value else None
    except InvalidOperation:
        raise _EtradeError(400, 4, "A number is none.") from None


def _gateway(status: int, words: str, _request: Request) -> Response:
    if status in {401, 403}:
        return Response(401, b"<html><body>oauth_problem=token_rejected</body></html>", "text/html")
    if status in {418, 429}:
        return Response(400, _TOO_MANY, "text/html")
    return json_response({"Error": {"code": 100, "message": words}}, status)


def tokens_of(form: str) -> tuple[str, str]:
    """Token and secret of an answer of the OAuth calls."""
    found = dict(parse_qsl(form))
    return found["oauth_token"], found["oauth_token_secret"]
