"""A home that holds a part only reads the rest from the server, and says what it lacks when the server is away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psycopg
import pytest

from stockpulse_engine.base.clock import ManualClock, WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.retry import Backoff
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.bootstrap.stored import EngineHistory
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.cli.app import run
from stockpulse_engine.cli.doctor import examine
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind, Adjustment, CorporateAction
from stockpulse_engine.marketdata.history import QUOTES, TRADES, AsOf
from stockpulse_engine.storage.history.settings import HistorySettings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.server.cursors import owner_of
from stockpulse_engine.storage.server.line import ServerLine
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.reader import ServerReader
from stockpulse_engine.storage.server.settings import StorageSettings
from stockpulse_engine.storage.server.tier import TieredReader
from tests.contract.history_contract import plain, plain_bars
from tests.fakes.postgres_server import PostgresServer
from tests.integration.test_server_mirror import MINUTE, mirror

M1, M5 = BarSpec(1, "m"), BarSpec(5, "m")
DAY = 86_400_000_000_000
MONDAY = 1_699_885_800_000_000_000
"""2023-11-13 14:30, an open of New York."""
IBM = "IBM.XNYS"
QUICK = Backoff(first_s=0.01, limit_s=0.02)
TICKS = ("ts_event", "known_at", "recorded_at", "seq", "price", "size", "exchange", "conditions", "flags")


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    found = postgres.settings()
    migrate(found)
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY + 60 * DAY)


def day_of_rows(day: int) -> dict[str, list[Any]]:
    starts = [MONDAY + day * DAY + number * MINUTE for number in range(40)]
    return {"instrument_id": [IBM] * len(starts), "ts_event": starts, "known_at": [at + MINUTE for at in starts]}


def write_day(store: EmbeddedHistory, day: int) -> None:
    """A segment of minutes, one of prints and one of quotes."""
    head = day_of_rows(day)
    values = {f"{name}_e8": [(100 + day) * 10**8] * 40 for name in ("open", "high", "low", "close", "volume")}
    store.writer.write_bars(pl.DataFrame({**head, **values}), spec=M1, source="lean")
    prints = pl.DataFrame({**head, "price_e8": [day + 1] * 40, "size_e8": [1] * 40})
    store.writer.write_trades(prints, source="lean")
    quotes = prints.rename({"price_e8": "bid_e8", "size_e8": "bid_size_e8"})
    none = pl.lit(None, pl.Int64)
    store.writer.write_quotes(quotes.with_columns(none.alias("ask_e8"), none.alias("ask_size_e8")), source="lean")


def split(day: int) -> CorporateAction:
    return CorporateAction(
        instrument_id=IBM,
        kind=ActionKind.SPLIT,
        ts_event=MONDAY + day * DAY,
        known_at=MONDAY,
        source="lean",
        numerator=7,
    )


@pytest.fixture
def store(home: Path, settings: StorageSettings, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    """Three days, and a day two weeks later, all of it mirrored."""
    with open_history(home / "full", clock) as opened:
        for day in (0, 1, 2, 16):
            write_day(opened, day)
        opened.writer.write_actions([split(2)])
        mirror(opened, settings)
        yield opened


class Above(NamedTuple):
    """A home above the server, and what was told of that."""

    reader: Callable[[EmbeddedHistory], TieredReader]
    told: list[str]


@pytest.fixture
def above(settings: StorageSettings, clock: ManualClock) -> Iterator[Above]:
    told: list[str] = []
    line = ServerLine(ServerReader(settings, clock), WallClock(), told.append, QUICK)
    yield Above(lambda store: TieredReader(store.reader, line, owner_of(store.layout.root), clock), told)
    line.close()


class Unasked(ServerReader):
    """Tells what it holds, and nothing else."""

    def _read(self, *_: object) -> Any:
        pytest.fail("the server was asked for what is here")


def test_what_is_here_is_never_asked_of_the_server(
    store: EmbeddedHistory, settings: StorageSettings, clock: ManualClock
) -> None:
    line = ServerLine(Unasked(settings, clock), WallClock(), pytest.fail)
    tier = TieredReader(store.reader, line, owner_of(store.layout.root), clock)
    for adjustment in Adjustment:
        ours = store.reader.bars(IBM, M1, limit=70, adjustment=adjustment)
        assert plain_bars(tier.bars(IBM, M1, limit=70, adjustment=adjustment)) == plain_bars(ours)
    assert tier.last_bars([IBM], M1, 5)[IBM].tier == "hot"
    assert {one.tier for one in tier.series()} == {"here+server"}
    assert tier.notes() == ()
    line.close()


def test_what_was_dropped_here_comes_from_there(store: EmbeddedHistory, above: Above) -> None:
    window: dict[str, Any] = {"start_ns": MONDAY + 5 * MINUTE, "end_ns": MONDAY + 16 * DAY + 3 * MINUTE}
    limits = (None, 1, 3, 4, 30, 50, 500)
    asked = [{**window, "limit": limit, "as_of": as_of} for limit in limits for as_of in (AsOf(), AsOf(MONDAY + DAY))]
    bars = [plain_bars(store.reader.bars(IBM, M1, adjustment=Adjustment.SPLIT, **one)) for one in asked]
    prints = [plain(store.reader.trades(IBM, **one), TICKS) for one in asked]
    quotes = [plain(store.reader.quotes(IBM, **one), ("ts_event", "seq", "bid", "ask")) for one in asked]
    last = {limit: plain_bars(store.reader.last_bars([IBM], M1, limit)[IBM]) for limit in (1, 40, 41, 100)}
    for table, spec in ((QUOTES, ""), (TRADES, ""), ("bars", "1m")):
        assert store.upkeep.prune(table, MONDAY + 3 * DAY, spec=spec) == 3
    assert len(store.reader.trades(IBM, **window)) == 3
    tier, told = above.reader(store), above.told
    assert [plain_bars(tier.bars(IBM, M1, adjustment=Adjustment.SPLIT, **one)) for one in asked] == bars
    assert [plain(tier.trades(IBM, **one), TICKS) for one in asked] == prints
    assert [plain(tier.quotes(IBM, **one), ("ts_event", "seq", "bid", "ask")) for one in asked] == quotes
    assert {limit: plain_bars(tier.last_bars([IBM], M1, limit)[IBM]) for limit in last} == last
    (covered,) = tier.coverage(IBM, M1, quiet=1)
    assert covered.bars == 160
    assert "server" in tier.bars(IBM, M1).tier
    assert told == []


def test_a_new_machine_fills_the_weeks_between_from_another_homes_copy(
    store: EmbeddedHistory, home: Path, clock: ManualClock, above: Above
) -> None:
    whole = plain_bars(store.reader.bars(IBM, M1))[2]
    with open_history(home / "new", clock) as other:
        for day in (0, 16):
            write_day(other, day)
        tier = above.reader(other)
        found = tier.bars(IBM, M1)
        assert [found.ts_event.tolist(), found.close.tolist()] == [whole[0][1], whole[6][1]]
        between = tier.bars(IBM, M1, start_ns=MONDAY + DAY, end_ns=MONDAY + 15 * DAY)
        assert len(between) == 80
        assert len(tier.bars(IBM, M1, start_ns=MONDAY + 4 * DAY, end_ns=MONDAY + 15 * DAY)) == 0


# --- away ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_killed_leaves_what_is_here_and_the_reason(
    store: EmbeddedHistory, above: Above, postgres: PostgresServer
) -> None:
    store.upkeep.prune("bars", MONDAY + 3 * DAY, spec="1m")
    tier, told = above.reader(store), above.told
    assert len(tier.bars(IBM, M1)) == 160
    postgres.kill()
    try:
        found = tier.bars(IBM, M1, adjustment=Adjustment.SPLIT)
        assert len(found) == 40
        assert any("2023-11-13 … 2023-11-29 may lie on the server" in word for word in found.warnings)
        assert len(tier.trades(IBM, start_ns=MONDAY, end_ns=MONDAY + 99 * DAY)) == 160
        assert [word for word in told if word]
        assert "reach further there" in tier.notes()[0]
    finally:
        postgres.start()
    assert wait_until(lambda: len(tier.bars(IBM, M1)) == 160, 30)
    assert told[-1] == ""
    assert tier.notes() == ()


def test_connections_of_before_a_restart_cost_no_answer(
    store: EmbeddedHistory, above: Above, postgres: PostgresServer
) -> None:
    store.upkeep.prune("bars", MONDAY + 3 * DAY, spec="1m")
    tier, told = above.reader(store), above.told
    assert len(tier.bars(IBM, M1)) == 160
    postgres.kill()
    postgres.start()
    assert len(tier.bars(IBM, M1)) == 160
    assert told == []


def test_a_server_that_falls_silent_is_waited_for_once(
    store: EmbeddedHistory, settings: StorageSettings, clock: ManualClock
) -> None:
    store.upkeep.prune("bars", MONDAY + 3 * DAY, spec="1m")
    impatient = StorageSettings(url=settings.url, read_timeout_s=4, pool=1)
    told: list[str] = []
    line = ServerLine(ServerReader(impatient, clock), WallClock(), told.append, Backoff(first_s=600, limit_s=600))
    tier = TieredReader(store.reader, line, owner_of(store.layout.root), clock)
    assert len(tier.bars(IBM, M1)) == 160
    pid = backend_of(settings)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert len(tier.bars(IBM, M1)) == 40
        assert told == [line.problem]
        for _ in range(50):  # at once: each would take seconds else, and this test minutes
            assert len(tier.bars(IBM, M1)) == 40
    finally:
        os.kill(pid, signal.SIGCONT)
    line.close()


def backend_of(settings: StorageSettings) -> int:
    """The process that serves our reader."""
    with psycopg.connect(settings.url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'stockpulse' AND datname = current_database() "
            "AND pid <> pg_backend_pid()"
        ).fetchall()
    assert len(row) == 1
    return int(row[0][0])


# --- through the engine and the commands ----------------------------------------------------------------------


async def test_a_chart_in_the_engine_is_whole_and_its_loop_never_waits(
    home: Path, store: EmbeddedHistory, settings: StorageSettings, clock: ManualClock, postgres: PostgresServer
) -> None:
    heard: list[PartChanged] = []
    bus = Bus(lambda _value, _error: None)
    bus.subscribe(PartChanged, heard.append)
    paths = resolve_paths(home / "new")
    history = EngineHistory(
        paths, HistorySettings(record="never"), StartOptions(world="sim", seed=7, speed=1.0), clock, bus, settings
    )
    task = spawn(history.run(), name="history")
    charts = history.charts(clock.now_ns)
    assert charts is not None
    assert await charts.find("IBM") == IBM
    assert len(await charts.fetch_bars(IBM, M5, 100)) == 32
    assert str((await charts.fetch_bars(IBM, M1, 500))[0].close) == "14.28571429"
    postgres.kill()
    try:
        assert len(await charts.fetch_bars(IBM, M1, 500)) == 0
        await until(lambda: [(one.name, one.state) for one in heard] == [("server", "late")])
        assert "charts and reads show what is here" in heard[0].detail
    finally:
        postgres.start()
    while not await charts.fetch_bars(IBM, M1, 500):
        await asyncio.sleep(0.05)
    await until(lambda: heard[-1].state == "ok")
    await silent_server(charts_of=paths)
    task.cancel()
    await asyncio.wait((task,))
    await history.stop()


async def silent_server(charts_of: Paths) -> None:
    """Something that takes connections and says nothing: the loop goes on while a chart waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"postgresql://ann@127.0.0.1:{door.getsockname()[1]}/none"
        bus = Bus(lambda _value, _error: None)
        never = HistorySettings(record="never")
        storage = StorageSettings(url=url, read_timeout_s=1)
        history = EngineHistory(
            charts_of, never, StartOptions(world="sim", seed=7, speed=1.0), ManualClock(), bus, storage
        )
        charts = history.charts(lambda: MONDAY)
        assert charts is not None
        chart = asyncio.ensure_future(charts.fetch_bars(IBM, M1, 10))
        turns = 0
        while not chart.done():
            turns += 1
            await asyncio.sleep(0.001)
        assert await chart == []
        assert turns > 1
        await history.stop()


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_commands_read_both_and_say_what_they_lack(
    home: Path,
    store: EmbeddedHistory,
    settings: StorageSettings,
    postgres: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STOCKPULSE_HOME", str(home / "new"))
    monkeypatch.setenv("STOCKPULSE__STORAGE__URL", settings.url)
    assert run(["bars", "IBM", "--spec", "1m", "--limit", "500", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["bars"]) == 160
    assert run(["ticks", "IBM", "--limit", "100", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 100
    assert run(["actions", "IBM", "--json"]) == 0
    assert [one["numerator"] for one in json.loads(capsys.readouterr().out)] == [7]
    assert run(["coverage", "IBM"]) == 0
    said = capsys.readouterr()
    assert said.out.count("server") == 4
    assert "160 bars" in said.err
    assert run(["store", "status"]) == 0
    assert "4 series reach further there" in capsys.readouterr().out
    finding = next(one for one in examine(resolve_paths(home / "new")) if one.name == "server")
    assert (finding.verdict, finding.found.rpartition("; ")[2]) == ("ok", "4 series reach further there")
    postgres.kill()
    try:
        finding = next(one for one in examine(resolve_paths(home / "new")) if one.name == "server")
        assert finding.verdict == "!!"
        assert run(["coverage"]) == 0
        assert "the server does not answer" in capsys.readouterr().err
        assert run(["bars", "IBM"]) == NotFoundError.exit_code
        assert "the server does not answer" in capsys.readouterr().err
    finally:
        postgres.start()
