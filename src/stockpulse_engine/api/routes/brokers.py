"""Connections to brokers: which there are, opened and locked; and arming for live money."""

from __future__ import annotations

from litestar import get, post
from litestar.params import JSONBody

from stockpulse_engine.api.arms import holder_of
from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.brokers import BY_HAND
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.brokers import BrokerView, LiveView
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.wire.rest import ArmLive, DisarmLive, LockBrokers, UnlockBrokers


@get("/v1/brokers")
@allow(Role.VIEWER)
async def get_brokers(request: EngineRequest) -> list[BrokerView]:
    """Every configured connection as it stands."""
    return list(await request.services.brokers.views())


@post("/v1/brokers/unlock", status_code=200)
@allow(Role.ADMIN, mutates=True)
async def unlock_brokers(request: EngineRequest, data: JSONBody[UnlockBrokers]) -> list[BrokerView]:
    """Open credentials for this run of the engine and join the brokers; opening twice is opening once."""
    # Never through the memory of answers: that would keep the passphrase.
    brokers = request.services.brokers
    return list(await brokers.unlock(data.names, data.passphrase, with_live=data.with_live))


@post("/v1/brokers/lock", status_code=200)
@allow(Role.TRADER, mutates=True)
async def lock_brokers(request: EngineRequest, data: JSONBody[LockBrokers]) -> list[BrokerView]:
    """Give brokers up and forget their credentials; all without names."""
    return list(await request.services.brokers.lock(data.names))


@get("/v1/live")
@allow(Role.VIEWER)
async def get_live(request: EngineRequest) -> list[LiveView]:
    """Every live account: armed or not, for how much and how long, and what is missing."""
    return list(request.services.trading.live.views())


@post("/v1/live/arm", status_code=200)
@allow(Role.ADMIN, mutates=True)
async def arm_live(request: EngineRequest, data: JSONBody[ArmLive]) -> LiveView:
    """Arm a live account for the calling head (R11)."""
    arms, head_id = request.offer.arms, request.caller.head_id
    if not head_id:
        raise InvalidValueError("Only a head can be armed.", fix="Send the head's id with the request.")
    account_id = request.known_account(data.account_id)

    async def act() -> LiveView:
        arms.refuse_second_live(head_id)
        view = await request.services.trading.live.arm(
            account_id,
            holder=holder_of(head_id),
            suffix=data.suffix,
            cap=data.cap,
            minutes=data.minutes,
            strategy=data.strategy,
            actor=request.caller.actor,
        )
        if data.strategy == BY_HAND:
            arms.arm(head_id, request.services.portfolio.account(account_id).account, data.minutes)
        return view

    return await request.offer.replays.once(f"live {head_id}", data.request_id, data, act)


@post("/v1/live/disarm", status_code=200)
@allow(Role.TRADER, mutates=True)
async def disarm_live(request: EngineRequest, data: JSONBody[DisarmLive]) -> list[LiveView]:
    """Disarm a live account, all with ""; done every time it is asked for."""
    request.offer.arms.disarm_account(data.account_id)
    return list(
        await request.services.trading.live.disarm(
            data.account_id, reason=f"asked for by {request.caller.actor}", actor=request.caller.actor
        )
    )


HANDLERS = (get_brokers, unlock_brokers, lock_brokers, get_live, arm_live, disarm_live)
