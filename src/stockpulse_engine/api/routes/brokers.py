"""Connections to brokers: which there are, opened and locked."""

from __future__ import annotations

from litestar import get, post
from litestar.params import JSONBody

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.brokers import BrokerView
from stockpulse_engine.wire.rest import LockBrokers, UnlockBrokers


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


HANDLERS = (get_brokers, unlock_brokers, lock_brokers)
