"""Quotes, depth, bars, instruments, news, the market's clock."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.past import At
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Bar, Depth, NewsItem, Quote, parse_bar_spec
from stockpulse_engine.domain.views import ClockView, Explanation, StudyView
from stockpulse_engine.wire.codec import MAX_INT
from stockpulse_engine.wire.rest import MarketControlRequest

MAX_IDS = 600
MAX_BARS = 5000
MAX_NEWS = 500
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_BARS)]


@get("/v1/quotes")
@allow(Role.VIEWER)
async def get_quotes(request: EngineRequest, ids: FromQuery[str] = "", at: At = "") -> list[Quote]:
    """Latest quotes: of all instruments, or of the comma-separated `ids` (symbols are resolved)."""
    market = request.services.market
    if at:
        return await _quotes_then(request, ids, request.moment(at))
    if not ids:
        return list(market.quotes())
    names = [name for name in ids.split(",") if name]
    if len(names) > MAX_IDS:
        raise InvalidValueError(f"{len(names)} ids are more than {MAX_IDS}.", fix="Leave `ids` out for all.")
    found = [await _quote_of(request, name) for name in names]
    return [quote for quote in found if quote is not None]


async def _quotes_then(request: EngineRequest, ids: str, at_ns: int) -> list[Quote]:
    names = [name for name in ids.split(",") if name][: MAX_IDS + 1]
    if len(names) > MAX_IDS:
        raise InvalidValueError(f"More than {MAX_IDS} ids are named.", fix="Leave `ids` out for all that trade here.")
    wanted = [await request.held_id(name) for name in names]
    wanted = wanted or [one.instrument_id for one in request.services.market.instruments()]
    return [one.quote for one in await request.services.past.quotes(wanted, at_ns) if one.quote is not None]


async def _quote_of(request: EngineRequest, name: str) -> Quote | None:
    """A provider's own symbol (`yahoo:AAPL`) is not in the list of instruments."""
    market = request.services.market
    return await market.external_quote(name) if ":" in name else market.quote(market.resolve(name).instrument_id)


@get("/v1/depth/{instrument_id:str}")
@allow(Role.VIEWER)
async def get_depth(request: EngineRequest, instrument_id: FromPath[str]) -> Depth:
    """The visible book of one instrument."""
    market = request.services.market
    wanted = market.resolve(instrument_id).instrument_id
    depth = market.depth(wanted)
    if depth is None:
        raise NotFoundError(f"There is no depth for {wanted} yet.", fix="Try again when the market moves.")
    return depth


@get("/v1/bars")
@allow(Role.VIEWER)
async def get_bars(
    request: EngineRequest,
    *,
    bars_of: Annotated[str, QueryParameter(name="id")],
    spec: FromQuery[str] = "1m",
    limit: Limit = 300,
    end_ns: Annotated[int | None, QueryParameter(ge=0, le=MAX_INT)] = None,
    at: At = "",
) -> list[Bar]:
    """The last `limit` bars of `id`, oldest first, the newest possibly open."""
    length = parse_bar_spec(spec)
    market = request.services.market
    if at:
        held, at_ns = await request.held_id(bars_of), request.moment(at)
        return list(await request.services.past.bars(held, length, limit=limit, at_ns=at_ns, end_ns=end_ns))
    wanted = await market.chart_id(bars_of)
    return list(await market.bars(wanted, length, limit=limit, end_ns=end_ns))


@get("/v1/study")
@allow(Role.VIEWER)
async def get_study(
    request: EngineRequest,
    *,
    study_of: Annotated[str, QueryParameter(name="id")],
    study: FromQuery[str],
    spec: FromQuery[str] = "1m",
    limit: Limit = 300,
    at: At = "",
) -> StudyView:
    """A study (`sma 20`, `rsi 14`, `ichimoku`: any of TA-Lib's or of ours) over the last `limit` bars of `id`."""
    market = request.services.market
    length = parse_bar_spec(spec)
    if at:
        held, at_ns = await request.held_id(study_of), request.moment(at)
        return await request.services.past.study(held, length, study, limit=limit, at_ns=at_ns)
    return await market.study(await market.chart_id(study_of), length, study, limit)


@get("/v1/instruments")
@allow(Role.VIEWER)
async def get_instruments(request: EngineRequest) -> list[Instrument]:
    """Everything tradable in this world."""
    return list(request.services.market.instruments())


@get("/v1/news")
@allow(Role.VIEWER)
async def get_news(
    request: EngineRequest, limit: Annotated[int, QueryParameter(ge=1, le=MAX_NEWS)] = 50, at: At = ""
) -> list[NewsItem]:
    """Latest headlines, newest first."""
    if at:
        at_ns = request.moment(at)
        return [one for one in request.services.market.news(MAX_NEWS) if one.ts_event <= at_ns][:limit]
    return list(request.services.market.news(limit))


@get("/v1/market/clock")
@allow(Role.VIEWER)
async def get_clock(request: EngineRequest) -> ClockView:
    """Market time and session."""
    clock = request.services.market.clock()
    if clock is None:
        raise UnavailableError("The market's clock is not known yet.", fix="Wait until the venue answers.")
    return clock


@post("/v1/market/control", status_code=200)
@allow(Role.TRADER, mutates=True)
async def control_market(request: EngineRequest, data: JSONBody[MarketControlRequest]) -> ClockView:
    """Speed, pause, resume, step or seek of a simulated or replayed market."""

    async def act() -> ClockView:
        market = request.services.market
        return await market.control(data.action, speed=data.speed, step_ns=data.step_ns, to_ns=data.to_ns)

    return await request.offer.replays.once("control", data.request_id, data, act)


@get("/v1/explain")
@allow(Role.VIEWER)
async def get_explanation(
    request: EngineRequest,
    name: FromQuery[str],
    explain_for: Annotated[str, QueryParameter(name="id")] = "",
    at: At = "",
) -> Explanation:
    """How a number on the screen is made: value, source, age, formula, inputs."""
    market = request.services.market
    if at:
        return await request.services.past.explain(name, await request.held_id(explain_for), request.moment(at))
    wanted = market.resolve(explain_for).instrument_id if explain_for else ""
    return market.explain(name, wanted)


HANDLERS = (
    get_quotes,
    get_depth,
    get_bars,
    get_study,
    get_instruments,
    get_news,
    get_clock,
    control_market,
    get_explanation,
)
