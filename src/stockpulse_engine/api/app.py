"""The application: every route, one guard in front, one place where errors become documents."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi import OpenAPIConfig

from stockpulse_engine import __version__
from stockpulse_engine.api.auth import Tokens
from stockpulse_engine.api.description import complete
from stockpulse_engine.api.guard import App, Guard
from stockpulse_engine.api.hub import StreamHub
from stockpulse_engine.api.limits import RateLimiter
from stockpulse_engine.api.metrics import Metrics
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.api.problems import PROBLEM_TYPE, problem, problem_of
from stockpulse_engine.api.replays import Replays
from stockpulse_engine.api.requests import EngineRequest, Offer, check_role
from stockpulse_engine.api.roles import allowed
from stockpulse_engine.api.routes import (
    accounts,
    brokers,
    history,
    jobs,
    market,
    orders,
    past,
    reconcile,
    recordings,
    risk,
    system,
)
from stockpulse_engine.api.settings import ApiSettings
from stockpulse_engine.api.stream import stream
from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.domain.errors import InvariantError, StockPulseError
from stockpulse_engine.wire import codec
from stockpulse_engine.wire.rest import Problem

HANDLERS: tuple[BaseRouteHandler, ...] = (
    *market.HANDLERS,
    *history.HANDLERS,
    *past.HANDLERS,
    *orders.HANDLERS,
    *accounts.HANDLERS,
    *brokers.HANDLERS,
    *jobs.HANDLERS,
    *reconcile.HANDLERS,
    *risk.HANDLERS,
    *recordings.HANDLERS,
    *system.HANDLERS,
    stream,
)
_log = get_logger("api")
_FAULTS = ("internal", "error", "invariant", "integrity", "config")


class Api:
    """The ASGI application and what it holds; `hub` must be started before heads are let in."""

    def __init__(
        self,
        services: EngineServices,
        tokens: Tokens,
        *,
        clock: Clock | None = None,
        settings: ApiSettings | None = None,
    ) -> None:
        clock = clock or WallClock()
        settings = settings or ApiSettings()
        self.hub = StreamHub(services, clock, settings=settings)
        self.metrics = Metrics(services, self.hub)
        offer = Offer(services=services, arms=self.hub.arms, replays=Replays())
        self.litestar = _litestar({"offer": offer, "hub": self.hub, "metrics": self.metrics, "clock": clock})
        limiter = RateLimiter(clock, rate=settings.rate_limit)
        inner = cast("App", self.litestar)  # ASGI too, spelt with closed dictionaries
        self.asgi = Guard(inner, tokens, limiter, on_answer=self.metrics.count)


def _litestar(state: dict[str, Any]) -> Litestar:
    _require_decorated()
    return Litestar(
        route_handlers=HANDLERS,
        guards=[check_role],
        request_class=EngineRequest,
        exception_handlers={Exception: _answer_error},
        openapi_config=None,
        logging_config=None,
        state=State({**state, "describe": describe}),
        debug=False,
    )


def _require_decorated() -> None:
    for handler in HANDLERS:
        if allowed(handler.fn) is None:
            raise InvariantError(f"The route {sorted(handler.paths)} names no role.")


@cache
def describe() -> dict[str, Any]:
    """The OpenAPI document of every REST route."""
    config = OpenAPIConfig(title="StockPulse engine", version=__version__)
    app = Litestar(route_handlers=HANDLERS[:-1], request_class=EngineRequest, openapi_config=config)
    return complete(app.openapi_schema.to_schema())


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    document = _document(error)
    if document.code in _FAULTS:
        _log.exception("request_failed", error, path=request.url.path)
    return Response(codec.encode(document), status_code=document.status, media_type=PROBLEM_TYPE)


def _document(error: Exception) -> Problem:
    if isinstance(error, StockPulseError):
        return problem_of(error)
    if isinstance(error, NotFoundException):
        return problem(404, "not_found", "There is no such route.", fix="See /openapi.json.")
    if isinstance(error, MethodNotAllowedException):
        return problem(405, "method_not_allowed", "This route has another method.", fix="See /openapi.json.")
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.BAD_REQUEST:
        return problem(400, "invalid_value", _validation(error), fix="See /openapi.json.")
    return problem_of(error)


def _validation(error: HTTPException) -> str:
    """Which parameter is wrong, from litestar's list of findings."""
    extra = error.extra if isinstance(error.extra, list) else []
    found = [
        f"{item.get('key', 'a value')}: {item.get('message', 'wrong')}" for item in extra if isinstance(item, dict)
    ]
    return "; ".join(found) or error.detail.split(" for ")[0] or "A parameter is wrong or missing."
