"""What is stored: bars, prints and quotes, corporate actions, coverage, as of any moment, and SQL over all of it."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from stockpulse_engine.api.auth import Role
from stockpulse_engine.api.presence import while_present
from stockpulse_engine.api.requests import EngineRequest
from stockpulse_engine.api.roles import allow
from stockpulse_engine.domain.market import parse_bar_spec
from stockpulse_engine.marketdata.asking import Asked, BarsAsked, StoredBars, StoredCoverage, StoredTicks
from stockpulse_engine.marketdata.history import Adjustment, CorporateAction
from stockpulse_engine.marketdata.moments import as_of as point_in_time
from stockpulse_engine.marketdata.moments import moment_ns
from stockpulse_engine.marketdata.universes import UniverseOnDay, UniverseRow
from stockpulse_engine.wire.sql import SqlRequest, SqlTable, SqlView

MAX_ROWS = 5000
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_ROWS)]
Name = Annotated[str, QueryParameter(name="id", max_length=64)]
From = Annotated[str, QueryParameter(name="from", max_length=40)]
To = Annotated[str, QueryParameter(name="to", max_length=40)]


@get("/v1/history/bars")
@allow(Role.VIEWER)
async def get_stored_bars(
    request: EngineRequest,
    *,
    stored_of: Name,
    spec: FromQuery[str] = "1d",
    start: From = "",
    end: To = "",
    limit: Limit = 300,
    adjust: FromQuery[Literal["raw", "split", "total"]] = "raw",
    source: FromQuery[str] = "",
    as_of: FromQuery[str] = "",
    as_recorded: FromQuery[str] = "",
) -> StoredBars:
    """The last `limit` stored bars of `id` between two moments, as known and recorded at any other, adjusted or raw."""
    asked = BarsAsked(
        instrument=stored_of,
        spec=parse_bar_spec(spec),
        start_ns=moment_ns(start) if start else None,
        end_ns=moment_ns(end, is_end=True) if end else None,
        limit=limit,
        source=source,
        as_of=point_in_time(as_of, as_recorded),
        adjustment=Adjustment(adjust),
    )
    return await request.services.history.bars(asked)


@get("/v1/history/ticks")
@allow(Role.VIEWER)
async def get_stored_ticks(
    request: EngineRequest,
    *,
    stored_of: Name,
    kind: FromQuery[Literal["trades", "quotes"]] = "trades",
    start: From = "",
    end: To = "",
    limit: Limit = 300,
    source: FromQuery[str] = "",
    as_of: FromQuery[str] = "",
    as_recorded: FromQuery[str] = "",
) -> StoredTicks:
    """The last `limit` stored prints, or quotes, of `id` between two moments, in the source's own order."""
    asked = Asked(
        instrument=stored_of,
        start_ns=moment_ns(start) if start else None,
        end_ns=moment_ns(end, is_end=True) if end else None,
        limit=limit,
        source=source,
        as_of=point_in_time(as_of, as_recorded),
    )
    return await request.services.history.ticks(asked, kind)


@get("/v1/history/actions")
@allow(Role.VIEWER)
async def get_stored_actions(
    request: EngineRequest, stored_of: Name = "", as_of: FromQuery[str] = "", as_recorded: FromQuery[str] = ""
) -> list[CorporateAction]:
    """Splits, dividends, renames and delistings of `id`, or the last 5,000 of all instruments."""
    found = await request.services.history.actions(stored_of, point_in_time(as_of, as_recorded))
    return list(found[-MAX_ROWS:])


@get("/v1/history/coverage")
@allow(Role.VIEWER)
async def get_stored_coverage(
    request: EngineRequest,
    *,
    stored_of: Name = "",
    spec: FromQuery[str] = "",
    limit: Limit = 1000,
    as_of: FromQuery[str] = "",
    as_recorded: FromQuery[str] = "",
) -> StoredCoverage:
    """What is held and, with `id`, what is missing; `limit` bounds the series and the gaps of each."""
    moment = point_in_time(as_of, as_recorded)
    return await request.services.history.coverage(stored_of, str(parse_bar_spec(spec)) if spec else "", moment, limit)


@get("/v1/universes")
@allow(Role.VIEWER)
async def get_universes(request: EngineRequest) -> list[UniverseRow]:
    """Named sets of instruments, and whether they know their past."""
    return list(await request.services.history.universes())


@get("/v1/universes/{name:str}")
@allow(Role.VIEWER)
async def get_universe(
    request: EngineRequest, name: FromPath[str], as_of: FromQuery[str] = "", todays_members: FromQuery[bool] = False
) -> UniverseOnDay:
    """Who belonged on the day of `as_of`; without a past only with `todays_members`, and `bias` says so."""
    return await request.services.history.universe(name, as_of, takes_todays=todays_members)


@get("/v1/sql/views")
@allow(Role.VIEWER)
async def get_sql_views(request: EngineRequest) -> list[SqlView]:
    """What a statement can select from, with its columns."""
    return list(await request.services.history.sql_views())


@post("/v1/sql", status_code=200, responses={200: ResponseSpec(SqlTable, description="The answer's rows.")})
@allow(Role.TRADER)
async def run_sql(request: EngineRequest, data: JSONBody[SqlRequest]) -> Response[bytes]:
    """One SELECT over stored history, in a process that can only read; it ends when the caller hangs up."""
    # Its text is written where the statement runs, and passes through here unread.
    answer = await while_present(request.receive, request.services.history.sql(data))
    return Response(answer, media_type="application/json")


HANDLERS = (
    get_stored_bars,
    get_stored_ticks,
    get_stored_actions,
    get_stored_coverage,
    get_universes,
    get_universe,
    get_sql_views,
    run_sql,
)
