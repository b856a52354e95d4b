"""The mirror as the engine keeps it, and `sp store` over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bootstrap.servermirror import ServerMirror, build_server_mirror
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import PartChanged
from stockpulse_engine.cli.app import run
from stockpulse_engine.cli.doctor import examine
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.settings import StorageSettings
from tests.fakes.postgres_server import PostgresServer
from tests.integration.test_server_mirror import M1, bars, count


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


def write(paths: Paths, first: int) -> None:
    with open_history(paths.history, WallClock()) as store:
        store.writer.write_bars(bars(first, 10), spec=M1, source="yahoo")


@pytest.mark.covers("F31", "S16")
async def test_a_mirror_that_is_killed_is_started_again_and_says_so(postgres: PostgresServer, paths: Paths) -> None:
    settings = postgres.settings()
    write(paths, 0)
    heard: asyncio.Queue[PartChanged] = asyncio.Queue()
    bus = Bus(lambda _value, _error: None)
    bus.subscribe(PartChanged, heard.put_nowait)
    mirror = ServerMirror(paths, settings, "sim", bus)
    task = spawn(mirror.run(), name="store")
    async with asyncio.timeout(45):
        assert (await heard.get()).state == "ok"
        while (word := await heard.get()).state == "ok":
            with connect(settings) as connection:  # end it from the other side, as an administrator would
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'stockpulse' AND pid <> pg_backend_pid()"
                )
        assert word.name == "store"
        assert word.state == "late"
        assert "database" in word.detail
        assert (await heard.get()).state == "ok"
    task.cancel()
    await asyncio.wait((task,))
    assert count(settings, "bars_minute") == 50


def test_without_an_address_there_is_none(paths: Paths) -> None:
    assert build_server_mirror(paths, StorageSettings(), "sim", Bus(lambda _value, _error: None)) is None


def test_the_commands_tell_move_and_prove(
    postgres: PostgresServer, paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["store", "status"]) == 9
    assert "storage.url" in capsys.readouterr().err
    settings = postgres.settings()
    monkeypatch.setenv("STOCKPULSE__STORAGE__URL", settings.url)
    write(paths, 0)

    def said(*words: str, code: int = 0) -> str:
        assert run(["store", *words]) == code
        return capsys.readouterr().out

    def verdict() -> tuple[str, str]:
        return next((one.verdict, one.fix) for one in examine(paths) if one.name == "server")

    assert "no tables yet" in said("status")
    assert verdict() == ("!", "sp store migrate")
    assert said("migrate").startswith("From nothing to 0001")
    assert "50 rows were new" in said("move")
    assert "0 rows were new" in said("move", "--to", "embedded")
    assert said("verify") == "Equal: 5 series, 50 versions.\n"
    assert verdict()[0] == "ok"
    status = json.loads(said("status", "--json"))
    assert [(one["stream"], one["waiting"]) for one in status["streams"]] == [("history", 0)]
    write(paths, 10)
    assert json.loads(said("status", "--json"))["streams"][0]["waiting"] == 50
    with connect(settings) as connection:
        connection.execute("UPDATE bars_minute SET volume_e8 = 0 WHERE open_e8 = 500000000 AND instrument = 1")
    said("move")
    found = said("verify", code=8)
    assert "volume_e8 500000000 is 0 there" in found
    assert found.count("\n") == 2
    assert not json.loads(said("verify", "--json", code=8))["is_equal"]
    said("migrate", "--down", code=5)
    assert said("migrate", "--down", "--yes") == "From 0001 to nothing on plain PostgreSQL.\n"
