"""Orders: commands, views and lives."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.past import At, fills_then, order_then, orders_then
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import OrderLife, Preview
from stockpulse_engine.wire.rest import (
    CancelMany,
    CancelManyAnswer,
    DeclareDead,
    ModifyBody,
    PreviewRequest,
    RequestId,
    SubmitAnswer,
)

SCOPES = ("working", "unknown", "today", "history", "staged", "held", "all")
Limit = Annotated[int, QueryParameter(ge=1, le=5000)]


@get("/v1/orders")
@allow(Role.VIEWER)
async def get_orders(
    request: EngineRequest,
    scope_name: Annotated[str, QueryParameter(name="scope")] = "today",
    account: FromQuery[str] = "",
    limit: Limit = 500,
    at: At = "",
) -> list[Order]:
    """Orders, newest first. `scope`: working, unknown, today, history, staged, held or all."""
    if scope_name not in SCOPES:
        raise InvalidValueError(f"{scope_name[:40]!r} is not a scope.", fix=f"Use one of: {', '.join(SCOPES)}.")
    if at:
        return orders_then(await request.past_books(at), scope_name, account, limit)
    return list(
        request.services.trading.orders(scope=scope_name, account_id=request.known_account(account), limit=limit)
    )


@get("/v1/orders/{client_order_id:str}")
@allow(Role.VIEWER)
async def get_order(request: EngineRequest, client_order_id: FromPath[str], at: At = "") -> Order:
    """One order by its id or an unambiguous prefix."""
    if at:
        return order_then(await request.past_books(at), client_order_id)
    return request.services.trading.order(client_order_id)


@get("/v1/orders/{client_order_id:str}/life")
@allow(Role.VIEWER)
async def get_order_life(request: EngineRequest, client_order_id: FromPath[str], at: At = "") -> OrderLife:
    """Everything the journal knows about the order, step by step."""
    if at:
        return await request.services.past.life(client_order_id, request.moment(at))
    return await request.services.trading.life(client_order_id)


@get("/v1/fills")
@allow(Role.VIEWER)
async def get_fills(
    request: EngineRequest,
    account: FromQuery[str] = "",
    order: FromQuery[str] = "",
    limit: Limit = 500,
    at: At = "",
) -> list[Fill]:
    """Fills, newest first, of one account or order."""
    if at:
        return fills_then(await request.past_books(at), account, order, limit)
    wanted = request.known_account(account)
    return list(request.services.trading.fills(account_id=wanted, client_order_id=order, limit=limit))


@post("/v1/orders", status_code=201)
@allow(Role.TRADER, mutates=True)
async def submit_order(request: EngineRequest, data: JSONBody[SubmitOrder]) -> SubmitAnswer:
    """Submit or stage an order; answered after its intent is on disk."""
    if not data.is_staged:
        _require_arm(request, data.terms.account_id)
    orders, is_replay = await request.services.trading.submit(data, request.caller.actor)
    return SubmitAnswer(orders=orders, is_replay=is_replay)


@post("/v1/orders/preview", status_code=200)
@allow(Role.VIEWER)
async def preview_order(request: EngineRequest, data: JSONBody[PreviewRequest]) -> Preview:
    """What would happen if it were sent now; nothing is."""
    return await request.services.trading.preview(data.command)


@post("/v1/orders/{client_order_id:str}/send", status_code=200)
@allow(Role.TRADER, mutates=True)
async def send_order(request: EngineRequest, client_order_id: FromPath[str], data: JSONBody[RequestId]) -> SubmitAnswer:
    """Send a staged order and its bracket."""
    order = request.services.trading.order(client_order_id)
    _require_arm(request, order.terms.account_id)
    orders = await request.services.trading.send_staged(order.client_order_id, data.request_id, request.caller.actor)
    return SubmitAnswer(orders=orders)


@post("/v1/orders/{client_order_id:str}/discard", status_code=200)
@allow(Role.TRADER, mutates=True)
async def discard_order(request: EngineRequest, client_order_id: FromPath[str], data: JSONBody[RequestId]) -> Order:
    """Throw a staged order away."""
    return await request.services.trading.discard_staged(client_order_id, data.request_id, request.caller.actor)


@post("/v1/orders/{client_order_id:str}/cancel", status_code=200)
@allow(Role.TRADER, mutates=True)
async def cancel_order(request: EngineRequest, client_order_id: FromPath[str], data: JSONBody[RequestId]) -> Order:
    """Ask to cancel one order."""
    actor = request.caller.actor
    command = CancelOrder(client_order_id=client_order_id, request_id=data.request_id, source=actor)
    return await request.services.trading.cancel(command, actor)


@post("/v1/orders/{client_order_id:str}/dead", status_code=200)
@allow(Role.TRADER, mutates=True)
async def declare_dead(request: EngineRequest, client_order_id: FromPath[str], data: JSONBody[DeclareDead]) -> Order:
    """Say that an UNKNOWN order does not work at its broker: signed, with a reason, and never by a timer."""

    async def act() -> Order:
        return await request.services.trading.declare_dead(
            client_order_id, reason=data.reason, word=data.word, actor=request.caller.actor
        )

    return await request.offer.replays.once(f"dead {client_order_id}", data.request_id, data, act)


@post("/v1/orders/{client_order_id:str}/modify", status_code=200)
@allow(Role.TRADER, mutates=True)
async def modify_order(request: EngineRequest, client_order_id: FromPath[str], data: JSONBody[ModifyBody]) -> Order:
    """Ask for a new quantity or new prices of a working order."""
    actor = request.caller.actor
    command = ModifyOrder(
        client_order_id=client_order_id,
        request_id=data.request_id,
        quantity=data.quantity,
        limit_price=data.limit_price,
        stop_price=data.stop_price,
        source=actor,
        trail_amount=data.trail_amount,
        trail_fraction=data.trail_fraction,
        limit_offset=data.limit_offset,
    )
    return await request.services.trading.modify(command, actor)


@post("/v1/orders/cancel", status_code=200)
@allow(Role.TRADER, mutates=True)
async def cancel_orders(request: EngineRequest, data: JSONBody[CancelMany]) -> CancelManyAnswer:
    """Ask to cancel every open order whose symbol matches the pattern; asking twice does no harm."""
    trading = request.services.trading
    account_id = request.known_account(data.account_id)
    ids = await trading.cancel_matching(data.pattern, account_id, request.caller.actor)
    return CancelManyAnswer(client_order_ids=tuple(ids))


def _require_arm(request: EngineRequest, account_id: str) -> None:
    account = request.services.portfolio.account(request.known_account(account_id)).account
    request.offer.arms.require(request.caller.head_id, account)


HANDLERS = (
    get_orders,
    get_order,
    get_order_life,
    get_fills,
    submit_order,
    preview_order,
    send_order,
    discard_order,
    cancel_order,
    declare_dead,
    modify_order,
    cancel_orders,
)
