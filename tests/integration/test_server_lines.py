"""News, runs of jobs, retention, and the tables that wait for what fills them, on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from stockpulse_engine.base.clock import ManualClock, WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.bootstrap.servermirror import orders_of
from stockpulse_engine.bootstrap.stored import EngineHistory
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import NewsItem
from stockpulse_engine.jobs.runs import DONE, RunStore
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.history import QUOTES, TRADES
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.newslog import NewsLog
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.schema import metadata
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.timescale import Features
from stockpulse_engine.storage.server.worker import Parts
from tests.fakes.postgres_server import PostgresServer
from tests.integration.test_server_mirror import M1, bars, count, mirror

NOON = 1_700_000_000_000_000_000
DAY = 86_400_000_000_000
CUT = NewsItem("AAPL raises its dividend", ("AAPL.XNAS",), NOON, "wire", 1)
STORM = NewsItem("Storm closes two ports", ("AAPL.XNAS", "SPY.ARCX"), NOON + 5_000, "", -1)


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    found = postgres.settings()
    migrate(found)
    return found


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def reader(settings: StorageSettings) -> Iterator[ServerReader]:
    found = ServerReader(settings, WallClock())
    yield found
    found.close()


def copied(paths: Paths, settings: StorageSettings) -> int:
    """What the mirror brings until everything is there."""
    with ExitStack() as stack:
        connection = stack.enter_context(connect(settings))
        parts = Parts(orders_of(paths, settings, ()), connection, Features(), stack)
        total = 0
        while rows := parts.step():
            total += rows
    return total


async def test_news_of_a_recorded_world_is_kept_and_arrives_once(
    paths: Paths, settings: StorageSettings, reader: ServerReader
) -> None:
    bus = Bus(lambda _value, error: pytest.fail(str(error)))
    options = StartOptions(world="sim", seed=7, speed=1.0)
    history = EngineHistory(paths, HistorySettings(record="always"), options, ManualClock(NOON), bus)
    assert history.start(load_calendar("XNYS"))
    for item in (CUT, STORM, CUT):
        bus.publish(item)
    await history.stop()
    assert copied(paths, settings) == 2
    assert copied(paths, settings) == 0
    first = NewsItem(CUT.headline, CUT.instrument_ids, CUT.ts_event, "sim:7/wire", CUT.tone)
    second = NewsItem(STORM.headline, STORM.instrument_ids, STORM.ts_event, "sim:7", STORM.tone)
    assert reader.news() == (first, second)
    assert reader.news("SPY.ARCX") == (second,)
    assert reader.news(start_ns=NOON, end_ns=NOON + 5_000) == (first,)
    assert reader.news(limit=1) == (second,)
    NewsLog(paths.history).append([CUT, NewsItem("Later", (), NOON + DAY)], "sim:7", NOON)
    assert copied(paths, settings) == 1
    assert [one.headline for one in reader.news()][-1] == "Later"


def test_a_run_is_followed_from_its_start_to_its_end_and_a_dead_one_is_said_to_be(
    paths: Paths, settings: StorageSettings, reader: ServerReader
) -> None:
    clock = ManualClock(NOON)
    runs = RunStore(paths.state / "jobs", clock)
    _, lock = runs.begin("eod", "2023-11-14", NOON)
    assert copied(paths, settings) == 1
    assert copied(paths, settings) == 0
    assert [(one.key, one.outcome, one.ended_ns) for one in reader.runs()] == [("2023-11-14", "RUNNING", 0)]
    lock.release()  # its process died: the next try says so
    clock.advance(DAY)
    run, lock = runs.begin("eod", "2023-11-14", NOON)
    clock.advance(DAY)
    runs.end(run, lock, state=DONE, wrote=3, detail="three rows", fix="", exit_code=0)
    assert copied(paths, settings) == 1
    assert copied(paths, settings) == 0
    done, died = reader.runs("eod")
    assert (done.outcome, done.ended_ns - done.started_ns, done.detail) == (DONE, DAY, "three rows")
    assert (died.outcome, died.started_ns) == ("DIED", NOON)
    assert reader.runs("other") == ()


def test_a_plain_server_keeps_what_the_settings_say_and_knows_from_when(
    home: Path, paths: Paths, postgres: PostgresServer
) -> None:
    settings = postgres.settings(keep_quotes_days=30, keep_trades_days=400)
    migrate(settings)
    now = WallClock().now_ns()
    with open_history(paths.history, ManualClock(now)) as store:
        for age in (500, 40, 10):
            for shift in (0, 1):  # the second one corrects the first
                store.writer.write_quotes(one_quote(now - age * DAY, 1 + shift), source="live:test")
                prints = one_quote(now - age * DAY, 1 + shift).rename({"bid_e8": "price_e8", "bid_size_e8": "size_e8"})
                store.writer.write_trades(prints.drop("ask_e8", "ask_size_e8"), source="live:test")
        store.writer.write_bars(bars(0, 10), spec=M1, source="yahoo")
        mirror(store, settings)
    tables = (QUOTES, f"{QUOTES}_superseded", TRADES, f"{TRADES}_superseded", "bars_minute")
    assert [count(settings, table) for table in tables] == [3, 3, 3, 3, 50]
    with ExitStack() as stack:
        connection = stack.enter_context(connect(settings))
        parts = Parts(orders_of(paths, settings, ()), connection, Features(), stack)
        parts.prune()
        assert parts.step() == 0
        parts.prune()
    assert [count(settings, table) for table in tables] == [1, 1, 2, 2, 50]
    reader = ServerReader(settings, WallClock())
    spans = {one.table: one.first_ts for one in reader.spans().series if one.instrument_id == "A.XNAS"}
    assert now - 31 * DAY < spans[QUOTES] < now - 29 * DAY
    assert now - 401 * DAY < spans[TRADES] < now - 399 * DAY
    assert {one.rows for one in reader.series("A.XNAS", table=QUOTES)} == {2}
    reader.close()


def one_quote(ts: int, bid: int) -> pl.DataFrame:
    values = {"bid_e8": [bid], "bid_size_e8": [1], "ask_e8": [2], "ask_size_e8": [2]}
    return pl.DataFrame({"instrument_id": ["A.XNAS"], "ts_event": [ts], "known_at": [ts], **values})


WAITING: dict[str, dict[str, Any]] = {
    "predictions": {
        "instrument": 1,
        "model": "tcn-1",
        "horizon_s": 3600,
        "ts": dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
        "ts_ns": 7,
        "known_at": NOON,
        "value": 0.5,
        "low": 0.25,
        "high": 0.75,
        "probability": 0.625,
    },
    "earnings_calendar": {
        "instrument": 1,
        "report_date": dt.date(2026, 11, 20),
        "source": "company",
        "at": "after close",
        "eps_estimate": None,
        "eps_actual": None,
        "known_at": NOON,
    },
    "model_metadata": {
        "model": "tcn",
        "version": "1",
        "trained_at": dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
        "card": {"data": "2013", "seed": 7},
    },
}


@pytest.mark.parametrize("name", WAITING)
def test_a_table_that_waits_takes_a_row_and_gives_it_back(settings: StorageSettings, name: str) -> None:
    table = metadata.tables[name]
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(settings), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(table.insert(), WAITING[name])
        assert dict(connection.execute(table.select()).one()._mapping) == WAITING[name]
