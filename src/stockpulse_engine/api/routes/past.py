"""A moment of the past as a head shows it; the reads of now take the same moment as `at`."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.past import KnownQuote, Moment, PastView

MAX_IDS = 600
Required = Annotated[str, QueryParameter(name="at", max_length=64, description="A moment of the past, as in `at`.")]


@get("/v1/past")
@allow(Role.VIEWER)
async def get_past(request: EngineRequest, moment_at: Required) -> PastView:
    """Everything known at a moment. While `is_ready` is false ask again: `done` and `step` say how far it is."""
    return await request.services.past.view(request.services.past.moment(moment_at).at_ns)


@get("/v1/past/moment")
@allow(Role.VIEWER)
async def get_moment(request: EngineRequest, moment_at: Required) -> Moment:
    """What a moment as people say it means: UTC nanoseconds, and in words with its zone."""
    return request.services.past.moment(moment_at)


@get("/v1/past/quotes")
@allow(Role.VIEWER)
async def get_known_quotes(
    request: EngineRequest, moment_at: Required, ids: Annotated[str, QueryParameter(name="ids")] = ""
) -> list[KnownQuote]:
    """What was known of the prices of the comma-separated `ids`, where from, and where nothing is held, that."""
    names = [name for name in ids.split(",") if name]
    if not names or len(names) > MAX_IDS:
        raise InvalidValueError(f"{len(names)} ids are named.", fix=f"Name 1 to {MAX_IDS}, with a comma between two.")
    at_ns = request.services.past.moment(moment_at).at_ns
    return list(await request.services.past.quotes([await request.held_id(name) for name in names], at_ns))


HANDLERS = (get_past, get_moment, get_known_quotes)
