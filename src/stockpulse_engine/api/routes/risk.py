"""Risk and limits: how full they are, setting one, taking a raise back, freeing an account."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.risk import LimitAnswer, RiskView
from stockpulse_engine.wire.risk import ReleaseLoss, SetLimit, WithdrawLimit


@get("/v1/risk")
@allow(Role.VIEWER)
async def get_risk(
    request: EngineRequest, account: FromQuery[str] = "", strategy: FromQuery[str] = "", instrument: FromQuery[str] = ""
) -> RiskView:
    """Limits of an account fullest first, for one strategy or instrument where they are named; exposure; what waits."""
    wanted = request.services.market.resolve(instrument).instrument_id if instrument else ""
    account_id = request.known_account(account)
    return request.services.risk.view(account_id, strategy=strategy, instrument_id=wanted)


@post("/v1/limits", status_code=200)
@allow(Role.TRADER, mutates=True)
async def set_limit(request: EngineRequest, data: JSONBody[SetLimit]) -> LimitAnswer:
    """Set one limit: a tighter one acts at once, a looser one needs the admin token and acts after a minute."""
    caller = request.caller
    may_raise = caller.role >= Role.ADMIN

    async def act() -> LimitAnswer:
        return await request.services.risk.set_limit(data, caller.actor, may_raise=may_raise)

    return await request.offer.replays.once(f"limit {caller.role.file_name}", data.request_id, data, act)


@post("/v1/limits/withdraw", status_code=200)
@allow(Role.TRADER, mutates=True)
async def withdraw_limit(request: EngineRequest, data: JSONBody[WithdrawLimit]) -> LimitAnswer:
    """Take back a raise that is not in force yet."""

    async def act() -> LimitAnswer:
        return await request.services.risk.withdraw(data.change_id, request.caller.actor)

    return await request.offer.replays.once("limit withdraw", data.request_id, data, act)


@post("/v1/limits/release", status_code=200)
@allow(Role.ADMIN, mutates=True)
async def release_loss(request: EngineRequest, data: JSONBody[ReleaseLoss]) -> RiskView:
    """Let an account open positions again although a loss limit acted: needs the word RELEASE."""
    request.known_account(data.account_id)

    async def act() -> RiskView:
        return await request.services.risk.release(data, request.caller.actor)

    return await request.offer.replays.once("loss release", data.request_id, data, act)


HANDLERS = (get_risk, set_limit, withdraw_limit, release_loss)
