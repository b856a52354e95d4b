"""The command line on a home: halted while down, backed up, restored elsewhere, damaged and found out, misconfigured."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from tests.system.process import EngineProcess
from tests.system.shell import Done, Shell

SOME_DAY = ("--at", "2026-03-04 11:00")


@pytest.fixture(scope="module")
def stopped(sandbox: Path) -> Iterator[EngineProcess]:
    """A home whose engine has traded, was backed up while it ran, and was stopped in order."""
    with EngineProcess(sandbox / "clih", SOME_DAY) as engine:
        sp = Shell(engine.home)
        assert sp("buy", "AAPL", "10", "+4%", "-4%", "--yes", "--id", "HELD").code == 0
        assert sp("buy", "KO", "5", "lmt", "bid-2", "--yes", "--id", "RESTS").code == 0
        assert wait_until(lambda: len(sp("positions", "--json").data) == 1, 10.0)
        assert wait_until(lambda: "SUBMITTED" not in sp("orders").out, 10.0)
        assert sp("backup", str(engine.home / "b.tar.gz")).code == 0
        named = sp("backup", "--json")
        assert Path(named.data["file"]).is_file(), "a person can find the file that is named"
        assert sp("engine", "stop").out == "Stopped.\n"
        yield engine


@contextmanager
def later_stopped(home: Path) -> Iterator[EngineProcess]:
    """A home that some command will start an engine in."""
    with ExitStack() as stack:
        engine = EngineProcess(home)
        stack.push(engine)
        yield engine


def test_with_the_engine_down_status_says_so_and_nothing_is_started(stopped: EngineProcess) -> None:
    done = Shell(stopped.home)("engine", "status")
    assert done.code == 6
    assert "sp engine start" in done.err
    assert stopped.pid == 0


def test_a_restored_home_has_the_same_orders_positions_and_cash(stopped: EngineProcess, sandbox: Path) -> None:
    with later_stopped(sandbox / "clir") as copy:
        there = Shell(copy.home)
        assert there("restore", str(stopped.home / "b.tar.gz")).code == 0
        assert there("restore", str(stopped.home / "b.tar.gz")).code == 5, "the target is not empty any more"
        facts = [("orders", "client_order_id status filled_quantity"), ("positions", "instrument_id quantity")]
        found = {name: _rows(there(name, "--json"), fields) for name, fields in facts}
        assert found["positions"] == [["AAPL.XNAS", "10"]]
        assert sorted(found["orders"]) == [
            ["HELD", "FILLED", "10"],
            ["HELD-S", "ACCEPTED", "0"],
            ["HELD-T", "ACCEPTED", "0"],
            ["RESTS", "ACCEPTED", "0"],
        ]
        account = there("account", "--json").data
        filled = there("order", "HELD", "--json").data["fills"]
        spent = sum(float(one["quantity"]) * float(one["price"]) + float(one["fee"]) for one in filled)
        assert float(account["cash"]) == pytest.approx(100_000 - spent, abs=1e-6)
        assert account["differences"] == [], "the restored engine agrees with the restored venue"
        assert there("log", "verify").code == 0
        assert there("engine", "status", "--json").data["kills_survived"] == 0, "a restore is no kill"
        assert list(there("why", "HELD", "--json").data["hops"]) == ["gate", "fsync", "sent", "ack", "fill"]
        assert "came back from the backup of" in there("log", "-n", "500").out
        copy.kill()
        assert there("engine", "start").code == 0
        assert there("engine", "status", "--json").data["kills_survived"] == 1, "a kill is one"


def _rows(done: Done, fields: str) -> list[list[str]]:
    assert done.code == 0, done.err
    return [[str(one[name]) for name in fields.split()] for one in done.data]


def test_a_halt_with_the_engine_down_is_found_by_the_next_start(stopped: EngineProcess) -> None:
    sp = Shell(stopped.home)
    done = sp("halt", "--json")
    assert (done.code, done.data["state"]) == (0, "HALTED")
    assert stopped.pid == 0, "a halt starts nothing"
    assert "finds the latch" in done.err
    wrong = sp("doctor", "--json").data
    assert [one["verdict"] for one in wrong if one["name"] == "halt latch"] == ["!"]
    stopped.start().close()
    assert sp("engine", "status", "--json").data["halt"]["state"] == "HALTED"
    assert sp("buy", "AAPL", "1", "lmt", "bid-1", "--yes").code in {3, 7}
    assert sp("resume", "--word", "RESUME").code == 0
    assert sp("engine", "stop").code == 0


# -- what is damaged


def flip_a_byte(journal: Path) -> None:
    with sqlite3.connect(journal) as connection:
        (payload,) = connection.execute("SELECT payload FROM entries WHERE seq = 5").fetchone()
        damaged = bytearray(payload)
        damaged[len(damaged) // 2] ^= 1
        connection.execute("UPDATE entries SET payload = ? WHERE seq = 5", (bytes(damaged),))


def cut_the_tail(journal: Path) -> None:
    with sqlite3.connect(journal) as connection:
        connection.execute("DELETE FROM entries WHERE seq > 7")


@pytest.mark.parametrize(("damage", "seq"), [(flip_a_byte, 5), (cut_the_tail, 8)])
def test_log_verify_names_the_first_entry_that_does_not_hold(
    stopped: EngineProcess, damage: Callable[[Path], None], seq: int
) -> None:
    sp, journal = Shell(stopped.home), stopped.paths.journal("sim")
    whole = journal.read_bytes()
    try:
        assert sp("log", "verify").code == 0
        damage(journal)
        done = sp("log", "verify")
        assert (done.code, f"BROKEN at seq {seq}" in done.out) == (8, True)
        assert "sp restore" in done.err
        assert sp("log", "verify", "--json").data["broken_at"] == seq
        start = sp("engine", "start")
        assert start.code == 8, "an engine does not start on a journal that does not hold"
        assert "entry" in start.err
    finally:
        journal.write_bytes(whole)
    assert sp("log", "verify").code == 0


# -- what is wrong in the settings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[ui]\ntheem = "dark"\n', ("stockpulse.toml", "theem", "theme")),
        ('[ui]\ntheme = "drak"\n', ("stockpulse.toml", "ui.theme", "dark")),
        ("[engine]\nseed = -1\n", ("stockpulse.toml", "engine.seed", "0")),
        ("[ui\n", ("stockpulse.toml", "line 1")),
    ],
)
def test_a_wrong_setting_is_named_with_file_key_and_nearest(home: Path, text: str, says: tuple[str, ...]) -> None:
    (home / "config").mkdir()
    (home / "config" / "stockpulse.toml").write_text(text)
    sp = Shell(home)
    for words in (("config", "check"), ("config", "show")):
        done = sp(*words)
        assert done.code == 9
        assert [word for word in says if word not in done.err] == []
    bad = sp("doctor", "--json")
    assert bad.code == 1
    assert [one["verdict"] for one in bad.data if one["name"] == "settings"] == ["!!"]
    assert sp("engine", "start").code == 9, "the daemon's own exit code is ours"


def test_doctor_finds_a_home_that_others_can_read_and_says_the_fix(home: Path) -> None:
    sp = Shell(home)
    assert sp("doctor").code == 0, "an empty home is a good one"
    (home / "state").mkdir(mode=0o755)
    (home / "state").chmod(0o755)
    done = sp("doctor")
    assert done.code == 1
    assert f"chmod 700 {home / 'state'}" in done.err


def test_doctor_finds_a_home_of_a_newer_version_which_no_start_can_open(home: Path) -> None:
    (home / "state").mkdir(mode=0o700, parents=True)
    (home / "state" / "version").write_text("99\n")
    sp = Shell(home)
    done = sp("doctor", "--json")
    assert done.code == 1
    (found,) = [one for one in done.data if one["name"] == "home"]
    assert (found["verdict"], "99" in found["found"]) == ("!!", True)
    assert "rollback" in found["fix"]
    assert "version 99" in sp("engine", "start").err


def test_watch_starts_the_engine_and_tells_each_trouble_once(home: Path) -> None:
    with later_stopped(home) as engine:
        done = Shell(home)("watch", "-n", "2", "--json")
        assert done.code == 0
        assert len(done.out.splitlines()) == 2
        lines = done.err.splitlines()
        assert "… starting the engine" in lines
        assert len(set(lines)) == len(lines)
        assert engine.pid
