"""`sp broker` against a stand-in on a real socket: what is typed is proven, kept sealed, and never shown (R20, R21, F45)."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.logs import LogSettings, configure_logs
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.bootstrap import brokersetup
from stockpulse_engine.bootstrap.brokers import BrokerDesk
from stockpulse_engine.cli.app import run
from stockpulse_engine.storage.secrets.sealed import Cost
from stockpulse_engine.storage.secrets.vault import Vault
from tests.fakes.alpaca_stand import KEY, SECRET, AlpacaStage, alpaca_stage

PHRASE = "CANARY passphrase of the vault"
CANARIES = (KEY, SECRET, PHRASE)
GIVEN = json.dumps({"key_id": KEY, "secret_key": SECRET, "passphrase": PHRASE})


class Home:
    """One home and its commands."""

    def __init__(self, root: Path, stage: AlpacaStage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.paths: Paths = resolve_paths(root)
        self.stage = stage
        self.said: list[str] = []
        self._patch = monkeypatch

    async def sp(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """Run a command beside the stand-in's loop; exit code and everything it said."""
        heard = io.TextIOWrapper(io.BytesIO(), write_through=True)
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        self._patch.setattr(sys, "stdout", heard)
        self._patch.setattr(sys, "stderr", heard)
        try:
            code = await asyncio.to_thread(run, words)
        finally:
            self._patch.undo()
            quick(self._patch, self.root)
        self.said.append(heard.buffer.getvalue().decode())
        return code, self.said[-1]

    async def add(self, stdin: str = GIVEN, *more: str) -> tuple[int, str]:
        """Add the stand-in."""
        url, stream = self.stage.server.url, self.stage.server.stream_url
        words = ("broker", "add", "practice", "--kind", "paper", "--url", url, "--stream-url", stream, "--stdin", *more)
        return await self.sp(*words, stdin=stdin)

    def leaks(self) -> list[str]:
        """Where a canary lies in the clear: in what was said, and in every file of the home."""
        files = {str(one): one.read_bytes() for one in self.root.rglob("*") if one.is_file()}
        heard = {f"output {number}": text.encode() for number, text in enumerate(self.said)}
        spelt = [one.encode() for one in CANARIES]
        return [place for place, data in {**files, **heard}.items() if any(canary in data for canary in spelt)]


def vault(paths: Paths, clock: Clock) -> Vault:
    """One that guesses cheaply and leaves this process as it is."""
    return Vault(paths, clock, find_ring=lambda: None, cost=Cost(n=1024, r=1, p=1), harden=lambda: None)


def quick(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """What every command of a test runs with."""
    monkeypatch.setenv("STOCKPULSE_HOME", str(root))
    monkeypatch.setattr(brokersetup, "Vault", vault)
    monkeypatch.setattr(brokersetup, "STREAM_S", 0.2)


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    quick(monkeypatch, tmp_path / "home")
    async with alpaca_stage() as stage:
        yield Home(tmp_path / "home", stage, monkeypatch)


@pytest.mark.covers("R20", "R21", "F45")
async def test_a_connection_is_added_tested_listed_and_removed_and_no_secret_is_ever_seen(home: Home) -> None:
    code, said = await home.add()
    assert code == 0, said
    assert "ok  connect: the credentials are taken" in said
    assert "practice  PAPER  added" in said
    assert stat.S_IMODE(home.paths.vault.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.paths.brokers_file.stat().st_mode) == 0o600

    code, said = await home.sp("broker", "list", "--json")
    assert [(one["name"], one["mode"], one["state"]) for one in json.loads(said)] == [("practice", "PAPER", "locked")]

    code, said = await home.sp("broker", "test", "practice", "--stdin", "--json", stdin=GIVEN)
    steps = {one["step"]: one["is_ok"] for one in json.loads(said)}
    assert steps == dict.fromkeys(("connect", "account", "clock", "open orders", "stream"), True)
    assert not home.stage.server.posts, "no order was sent"

    code, said = await home.sp("broker", "test", "practice", "--stdin", stdin='{"passphrase": "not the right one"}')
    assert code == 7
    assert "The passphrase is wrong" in said

    code, said = await home.sp("broker", "remove", "practice", "--stdin", stdin=GIVEN)
    assert code == 0, said
    assert (await home.sp("broker", "list", "--json"))[1].strip() == "[]"
    assert home.leaks() == []
    assert home.stage.server.complaints == []


@pytest.mark.covers("R20", "R21")
async def test_what_the_broker_refuses_is_not_kept_and_not_repeated(home: Home) -> None:
    home.stage.server.dead_keys.add(KEY)
    code, said = await home.add()
    assert code == 6
    assert "Nothing was kept: connect" in said
    assert not home.paths.vault.exists()
    assert not home.paths.brokers_file.exists()
    code, said = await home.add(stdin=f'{{"secret_key": "{SECRET}" oops')
    assert code == 2
    code, said = await home.sp("broker", "add", "x", "--kind", "paper", "--secret", SECRET)
    home.said.pop()  # whoever puts a secret on the line sees that line refused, and nothing is kept of it
    assert code == 2
    assert home.leaks() == []


async def test_live_money_names_its_account_and_a_terminal_is_needed_without_stdin(home: Home) -> None:
    code, said = await home.sp("broker", "add", "money", "--kind", "live", "--stdin", stdin=GIVEN)
    assert code == 2
    assert "names its account" in said
    code, said = await home.sp("broker", "add", "practice", "--kind", "paper")
    assert code == 2
    assert "typed at a terminal" in said


@pytest.mark.covers("R20", "F17")
async def test_the_search_for_leaks_finds_a_planted_one(home: Home) -> None:
    await home.add()
    assert home.leaks() == []
    (home.paths.state / "logs").mkdir(parents=True)
    (home.paths.state / "logs" / "planted.log").write_text(f"request failed with {SECRET}")
    assert len(home.leaks()) == 1


class _Joined:
    """The order service as far as connections go; it connects as a link would."""

    async def join(self, name: str, broker: object) -> None:
        self.broker = broker

    async def leave(self, name: str) -> None: ...


@pytest.mark.covers("R21", "F45")
@pytest.mark.parametrize("status", [401, 403, 500, 0])
async def test_refusals_failures_and_silence_leave_no_secret_in_the_logs_at_debug(
    home: Home, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The library that speaks HTTP is told to log everything, and so are we."""
    await home.add()
    root_level, quiet = (
        logging.getLogger().level,
        {name: logging.getLogger(name).level for name in ("httpx", "httpcore")},
    )
    configure_logs(home.paths, name="canary", settings=LogSettings(level="debug"))
    for name in quiet:
        logging.getLogger(name).setLevel(logging.DEBUG)
    joined = _Joined()
    desk = BrokerDesk(
        home.paths,
        "live",
        WallClock(),
        connections=lambda: joined,
        accounts=lambda: (),
        locks=home.root / "locks",
        vault=vault(home.paths, WallClock()),
    )
    try:
        await desk.unlock(["practice"], PHRASE, with_live=False)
        broker = joined.broker
        if status in {401, 403}:
            home.stage.server.dead_keys.add(KEY)
        elif status == 500:
            await home.stage.server.close()
        try:
            await broker.connect()  # type: ignore[attr-defined]  # any broker can
        except Exception as error:
            logging.getLogger("stockpulse.canary").exception(
                "it failed with %s and %s", SECRET, repr(vars(broker)), exc_info=error
            )
            assert not any(canary in f"{error!r} {error}" for canary in CANARIES)
        logging.getLogger("httpx").debug("headers %s", {"APCA-API-SECRET-KEY": SECRET})
        logging.getLogger("httpcore").debug("send %r", [(b"APCA-API-KEY-ID", KEY.encode())])
        await broker.close()  # type: ignore[attr-defined]  # any broker can
    finally:
        await desk.stop()
        logging.getLogger().setLevel(root_level)
        for name, level in quiet.items():
            logging.getLogger(name).setLevel(level)
        for handler in [one for one in logging.getLogger().handlers if getattr(one, "is_stockpulse", False)]:
            logging.getLogger().removeHandler(handler)
            handler.close()
    assert (home.paths.logs / "canary.log").stat().st_size > 0
    assert home.leaks() == []
