"""Stored history and SQL over the API: what reaches the store, what comes back, and what a caller that leaves ends."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap.queries import MAX_STATEMENTS, EngineQueries
from stockpulse_engine.client import history as stored_calls
from stockpulse_engine.client import sql as sql_calls
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, UnavailableError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.marketdata.asking import BarsAsked
from stockpulse_engine.marketdata.history import Adjustment, AsOf
from stockpulse_engine.marketdata.moments import moment_ns
from stockpulse_engine.marketdata.universes import BIAS
from stockpulse_engine.storage.history.store import EmbeddedHistory
from stockpulse_engine.wire.sql import MAX_ROWS, SqlRequest
from stockpulse_tui.sql_words import EXAMPLES, Example
from tests.fakes.live_api import LiveApi, serving
from tests.unit.storage.history.build import D1, DAY, IBM, T0, bar_frame, store_at, trade_frame

ENDLESS = "select sum(sqrt(range)) from range(100000000000000)"
"""Runs on and on, and holds nothing."""


@pytest.fixture
async def api(home: Path) -> AsyncIterator[LiveApi]:
    async with serving(home) as live:
        yield live


async def ask(api: LiveApi, **body: object) -> tuple[int, dict[str, object]]:
    answer = await api.post("/v1/sql", json.dumps(body).encode())
    return answer.status, json.loads(answer.body)


async def test_moments_adjustment_and_source_reach_the_store(api: LiveApi) -> None:
    query = "id=AAPL&spec=1d&from=2013-10-07&to=2013-10-08&limit=7&adjust=total&source=own"
    answer = await api.get(f"/v1/history/bars?{query}&as_of=2014-06-06T00:00:00Z&as_recorded=2026-01-01", "viewer")
    assert answer.status == 200
    assert api.engine.history.asked == [
        BarsAsked(
            instrument="AAPL",
            spec=BarSpec(1, "d"),
            start_ns=moment_ns("2013-10-07"),
            end_ns=moment_ns("2013-10-08", is_end=True),
            limit=7,
            source="own",
            as_of=AsOf(moment_ns("2014-06-06T00:00:00Z"), moment_ns("2026-01-01")),
            adjustment=Adjustment.TOTAL,
        )
    ]


@pytest.mark.parametrize(
    "target",
    ["bars", "bars?id=AAPL&spec=5x", "bars?id=AAPL&limit=0", "bars?id=AAPL&limit=5001", "bars?id=AAPL&adjust=all",
     "bars?id=AAPL&from=soon", "bars?id=AAPL&as_of=yesterday", "ticks?id=AAPL&kind=bars", "coverage?spec=x",
     f"bars?id={'A' * 65}", "bars?id=AAPL&from=0001-01-01T00:00", "bars?id=AAPL&to=9999-12-31"],
)  # fmt: skip
async def test_a_wrong_parameter_is_named_and_reaches_nothing(api: LiveApi, target: str) -> None:
    answer = await api.get(f"/v1/history/{target}")
    assert (answer.status, answer.problem.code) == (400, "invalid_value"), answer.body
    assert api.engine.history.asked == []


async def test_what_is_not_held_is_not_found_with_the_nearest(api: LiveApi) -> None:
    answer = await api.get("/v1/history/bars?id=APPL")
    assert (answer.status, answer.problem.fix) == (404, "Did you mean AAPL.XNAS?")


async def test_a_statement_is_answered_by_a_table(api: LiveApi) -> None:
    status, table = await ask(api, statement="select ts, close, source from bars", limit=5, as_of="2013-10-08")
    assert status == 200
    assert len(table["rows"]) == 5  # type: ignore[arg-type]  # it is a list
    assert table["rows"][0][:3] == ["2013-10-07 13:30:00", "100.00000000", "own"]  # type: ignore[index]  # the same
    assert table["columns"][1] == {"name": "close", "type": "DECIMAL(28,8)"}  # type: ignore[index]  # it is a list
    assert api.engine.history.statements[0].as_of == "2013-10-08"


@pytest.mark.parametrize(
    "body", [{}, {"statement": 1}, {"statement": "x", "more": 1}, {"statement": "x", "limit": "9"}]
)
async def test_a_body_that_is_not_a_request_is_refused(api: LiveApi, body: dict[str, object]) -> None:
    status, problem = await ask(api, **body)
    assert (status, problem["code"]) == (400, "invalid_value")
    assert api.engine.history.statements == []


async def test_a_viewer_asks_no_statement_and_a_refusal_says_what_to_write(api: LiveApi) -> None:
    refused = await api.post("/v1/sql", b'{"statement":"select 1"}', "viewer")
    assert (refused.status, refused.problem.code) == (403, "forbidden")
    status, problem = await ask(api, statement="copy bars to 'x'")
    assert (status, problem["fix"]) == (400, "Write one SELECT.")


async def test_a_statement_ends_when_its_caller_hangs_up(api: LiveApi) -> None:
    body = b'{"statement":"endless"}'
    head = "".join(f"{name}: {value}\r\n" for name, value in api.headers(Content_Type="application/json").items())
    _, writer = await api.connect()
    writer.write(f"POST /v1/sql HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await api.engine.history.is_running.wait()
    writer.close()
    await api.engine.history.canceled.wait()


async def test_a_client_that_cancels_its_call_ends_the_statement(api: LiveApi) -> None:
    client = EngineClient(api.paths)
    call = asyncio.ensure_future(client.send(sql_calls.run_sql(SqlRequest(statement="endless"))))
    await api.engine.history.is_running.wait()
    call.cancel()
    await api.engine.history.canceled.wait()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    assert [view.name for view in await client.send(sql_calls.sql_views())] == ["bars"]
    assert (await client.send(stored_calls.stored_ticks("AAPL", "quotes", start="2013-10-07"))).source == "own"
    assert await client.send(stored_calls.stored_actions()) == []
    assert (await client.send(stored_calls.stored_coverage("AAPL"))).series == ()
    assert (await client.send(stored_calls.universe("two", "2015-01-01", todays_members=True))).bias == BIAS
    assert [one.name for one in await client.send(stored_calls.universes())] == ["two"]
    await client.close()


# --- over a real store ------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Paths:
    return resolve_paths(tmp_path)


@pytest.fixture
def store(own: Paths) -> EmbeddedHistory:
    store = store_at(own.history, ManualClock(T0 + 900 * DAY))
    store.writer.write_bars(bar_frame([700.0, 714.0, 102.0], step=DAY), spec=D1, source="own")
    store.writer.write_trades(trade_frame([(T0, 10.5), (T0, 10.25)], name=IBM), source="own")
    split = CorporateAction(
        instrument_id="AAPL.XNAS", kind=ActionKind.SPLIT, ts_event=T0 + 2 * DAY, known_at=T0 + 2 * DAY,
        source="own", numerator=7,
    )  # fmt: skip
    store.writer.write_actions([split])
    return store


@pytest.fixture
def queries(store: EmbeddedHistory, own: Paths) -> EngineQueries:
    return EngineQueries(lambda: store.reader, own, ManualClock(T0 + 900 * DAY))


async def test_bars_are_adjusted_and_known_as_of_the_moment_asked(queries: EngineQueries) -> None:
    asked = {"instrument": "aapl", "spec": D1, "limit": 10}
    raw = await queries.bars(BarsAsked(**asked))  # type: ignore[arg-type]  # a dictionary of several types
    split = await queries.bars(BarsAsked(**asked, adjustment=Adjustment.SPLIT))  # type: ignore[arg-type]  # the same
    then = await queries.bars(BarsAsked(**asked, adjustment=Adjustment.SPLIT, as_of=AsOf(T0 + 2 * DAY - 1)))  # type: ignore[arg-type]  # the same
    assert [float(bar.close) for bar in raw.bars] == [700.0, 714.0, 102.0]
    assert [float(bar.close) for bar in split.bars] == [100.0, 102.0, 102.0]
    assert [float(bar.close) for bar in then.bars] == [700.0], "the second day's close was not known yet"
    assert (raw.instrument_id, raw.source) == ("AAPL.XNAS", "own")


async def test_ticks_actions_and_coverage_come_as_they_are_stored(queries: EngineQueries) -> None:
    ticks = await queries.ticks(BarsAsked(instrument="IBM", spec=D1, limit=10), "trades")
    assert [(str(one.price), one.seq) for one in ticks.trades] == [("10.5", 0), ("10.25", 1)]
    assert [one.numerator for one in await queries.actions("AAPL", AsOf())] == [7]
    assert await queries.actions("AAPL", AsOf(T0)) == ()
    covered = await queries.coverage("AAPL", "1d", AsOf(), 1)
    assert (covered.coverage[0].bars, len(covered.coverage[0].gaps) <= 1) == (3, True)
    assert (await queries.coverage("", "", AsOf(), 1)).series_count == 3
    with pytest.raises(NotFoundError, match="MSFT"):
        await queries.actions("MSFT", AsOf())


async def test_a_universe_is_read_from_the_home_and_placed_by_what_is_held(queries: EngineQueries, own: Paths) -> None:
    folder = own.config / "universes"
    folder.mkdir(parents=True)
    (folder / "two.csv").write_text("symbol,mic,from,to\nAAPL,XNAS,2020-01-01,\nMSFT,XNAS,2020-01-01,2021-01-01\n")
    now = await queries.universe("two", "", takes_todays=False)
    assert [(one.instrument_id, one.is_held) for one in now.members] == [("AAPL.XNAS", True)]
    then = await queries.universe("two", "2020-06-01", takes_todays=False)
    assert [(one.instrument_id, one.is_held) for one in then.members] == [("AAPL.XNAS", True), ("MSFT.XNAS", False)]
    assert [(one.name, one.is_dated) for one in await queries.universes()] == [("sim", False), ("two", True)]
    with pytest.raises(InvalidValueError, match="no first day"):
        await queries.universe("sim", "2020-06-01", takes_todays=False)
    assert (await queries.universe("sim", "2020-06-01", takes_todays=True)).bias == BIAS


async def test_the_child_writes_the_answer_and_bounds_it(queries: EngineQueries) -> None:
    answer = json.loads(await queries.sql(SqlRequest(statement="select close, spec from bars order by ts", limit=2)))
    assert answer["rows"] == [["700.00000000", "1d"], ["714.00000000", "1d"]]
    assert answer["is_cut"] is True
    wide = "select repeat('x', 1900) a, repeat('y', 1900) b from range(10000)"
    answer = json.loads(await queries.sql(SqlRequest(statement=wide, limit=MAX_ROWS)))
    assert 0 < len(answer["rows"]) < 10_000, "four megabytes are the most"
    assert answer["is_cut"] is True
    assert json.loads(await queries.sql(SqlRequest(statement="select 1 where false")))["rows"] == []


async def test_every_view_has_the_columns_that_it_names(queries: EngineQueries) -> None:
    views = await queries.sql_views()
    beside = "from " + " positional join ".join(view.name for view in views)
    answer = json.loads(await queries.sql(SqlRequest(statement=beside)))
    named = [(column.name, column.type) for view in views for column in view.columns]
    assert [(one["name"], one["type"]) for one in answer["columns"]] == named


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.about))
async def test_every_example_of_the_screen_is_answered(queries: EngineQueries, example: Example) -> None:
    answer = json.loads(await queries.sql(SqlRequest(statement=example.statement)))
    assert answer["rows"], "each of them has something to say about a store with bars, prints and a split"


async def test_what_is_held_is_told_as_of_the_moment_asked(queries: EngineQueries) -> None:
    """The list of series would tell of rows that nobody could know of then."""
    asked = "select instrument_id, table_name, spec, rows, corrections, first_ts, last_ts from series order by 1, 2"
    now = json.loads(await queries.sql(SqlRequest(statement=asked)))
    stamp = dt.datetime.fromtimestamp((T0 + DAY) // 10**9, dt.UTC).isoformat()
    then = json.loads(await queries.sql(SqlRequest(statement=asked, as_of=stamp)))
    late = json.loads(await queries.sql(SqlRequest(statement=asked, as_of="2100-01-01")))
    assert [row[:4] for row in now["rows"]] == [
        ["AAPL.XNAS", "actions", "", 1], ["AAPL.XNAS", "bars", "1d", 3], ["IBM.XNYS", "trades", "", 2],
    ]  # fmt: skip
    assert [row[:4] for row in then["rows"]] == [["AAPL.XNAS", "bars", "1d", 1], ["IBM.XNYS", "trades", "", 2]]
    assert then["rows"][0][6] == T0
    assert (late["rows"], late["columns"]) == (now["rows"], now["columns"])


async def test_canceled_statements_end_and_make_room_while_the_loop_goes_on(queries: EngineQueries) -> None:
    endless = [asyncio.ensure_future(queries.sql(SqlRequest(statement=ENDLESS, seconds=60))) for _ in range(2)]
    assert len(endless) == MAX_STATEMENTS
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError, match="running already"):
        await queries.sql(SqlRequest(statement="select 1"))
    assert await queries.actions("", AsOf(T0)) == (), "short reads do not wait behind statements"
    for one in endless:
        one.cancel()
    await asyncio.wait(endless)
    assert all(one.cancelled() for one in endless)
    assert json.loads(await queries.sql(SqlRequest(statement="select 1 a")))["rows"] == [[1]]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": MAX_ROWS + 1}, {"seconds": 61.0}, {"seconds": float("nan")}])
async def test_limits_of_a_request_are_limits(queries: EngineQueries, wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError):
        await queries.sql(SqlRequest(statement="select 1", **wrong))  # type: ignore[arg-type]  # one of two fields


async def test_a_problem_tells_no_path_and_no_stack(home: Path, store: EmbeddedHistory, queries: EngineQueries) -> None:
    async with serving(home) as api:
        api.engine.history.sql = queries.sql  # type: ignore[method-assign]  # the real one behind the real door
        for statement in (f"from read_csv('{store.layout.root}/x.csv')", "from read_text('/etc/hostname')"):
            status, problem = await ask(api, statement=statement)
            assert status == 400
            assert str(store.layout.root) not in json.dumps(problem)
            assert "Traceback" not in json.dumps(problem)
        status, problem = await ask(api, statement="insert into bars select 1")
        assert (status, "INSERT" in str(problem["detail"])) == (400, True)
