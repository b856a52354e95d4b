"""The command line on a real engine: data and talk, exit codes, questions, and the same id sent twice."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.cli.register import split_help
from tests.system.cli_fields import FIELDS, HALT, ORDER, fields_of
from tests.system.process import EngineProcess
from tests.system.shell import Shell

OPEN_DAY = ("--at", "2026-03-04 11:00")
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def engine(sandbox: Path) -> Iterator[EngineProcess]:
    """One engine for this file, in the middle of a simulated session, with a bracket that is filled."""
    with EngineProcess(sandbox / "cli", OPEN_DAY) as running:
        sp = Shell(running.home)
        assert sp("buy", "AAPL", "10", "+4%", "-4%", "--yes", "--id", "FIELDS-B").code == 0
        assert wait_until(lambda: bool(sp("positions", "--json").data), 10.0), "a market order fills at once"
        yield running


@pytest.fixture
def sp(engine: EngineProcess) -> Shell:
    return Shell(engine.home)


# -- data on stdout, stable names


@pytest.mark.parametrize("line", FIELDS)
def test_json_keeps_its_field_names(sp: Shell, line: str) -> None:
    done = sp(*line.split(), "--json")
    assert (done.code, done.err) == (0, "")
    for part, names in FIELDS[line].items():
        assert fields_of(done.data, part) == names, f"sp {line} --json: {part or 'top'}"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("quote AAPL MSFT", ("bid", "ask", "AAPL.XNAS", "MSFT.XNAS")),
        ("chart AAPL --size 80x16 -s 'sma 20'", ("AAPL", "5m", "sma20")),
        ("depth AAPL", ("size", "bid", "ask")),
        ("market", ("America/New_York", "2026-03-04", "OPEN")),
        ("orders", ("FIELDS-B-T", "FIELDS-B-S", "FILLED")),
        ("order FIELDS-B", ("fill", "price", "fee")),
        ("why FIELDS-B", ("journalled", "made durable first", "where the time went", "journal verified")),
        ("positions", ("avg cost", "AAPL.XNAS", "at stop")),
        ("lots AAPL", ("lot", "days")),
        ("account", ("equity", "buying power", "loss left")),
        ("positions --at -0s", ("avg cost", "AAPL.XNAS", "at stop")),
        ("lots AAPL --at -0s", ("lot", "days")),
        ("account --at -0s", ("equity", "buying power", "loss left")),
        ("orders --at -0s", ("FIELDS-B-T", "FIELDS-B-S", "FILLED")),
        ("quote AAPL --at -5m", ("1m bars of sim", "prev close", "age")),
        ("chart AAPL --size 80x16 -s 'sma 20' --at -5m", ("AAPL", "5m", "sma20")),
        ("portfolio", ("equity", "worst fall")),
        ("day", ("# 2026-03-04, account main", "## Orders", "## Refused", "arrival mid")),
        ("log -n 5", ("seq", "recorded", "kind")),
        ("log verify", ("journal verified",)),
        ("config show ui", ("ui.theme", "default")),
        ("config check", ("settings are right",)),
        ("config path", ("stockpulse.toml",)),
        ("doctor", ("python", "engine", "quotes", "crossed", "halt latch")),
        ("engine status", ("world", "journal", "kills survived", "quotes", "crossed")),
        ("engine logs -n 2", ('"event"',)),
        ("news", ("",)),
    ],
)
def test_the_plain_form_is_readable_and_carries_no_escape(sp: Shell, line: str, says: tuple[str, ...]) -> None:
    import shlex

    done = sp(*shlex.split(line))
    assert done.code == 0, done.err
    assert [word for word in says if word not in done.out] == []
    assert ESCAPE not in done.out + done.err


def test_a_stream_of_quotes_is_one_document_a_line_and_ends_when_asked(sp: Shell) -> None:
    import json

    done = sp("watch", "AAPL", "-n", "3", "--json")
    assert done.code == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["instrument_id"] for row in rows] == ["AAPL.XNAS"] * 3


def test_talk_goes_to_stderr_and_data_to_stdout(sp: Shell) -> None:
    done = sp("buy", "KO", "3", "lmt", "bid-2", "--yes", "--json")
    assert done.code == 0
    assert fields_of(done.data["orders"]) == ORDER
    assert done.err == "", "with --json nothing is said"
    plain = sp("buy", "PFE", "3", "lmt", "bid-2", "--yes")
    assert "Buy 3 PFE" in plain.err
    assert "Buy 3 PFE" not in plain.out
    assert "PFE.XNYS" in plain.out


# -- exit codes


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("quote AAPL", 0, ""),
        ("buy AAPL", 2, "Invalid value"),
        ("buy AAPL 10 lmt abc", 2, "abc"),
        ("buy AAPL 10 --nonsense", 2, "nonsense"),
        ("orders --scope nonsense", 2, "nonsense"),
        ("modify FIELDS-B-S", 2, "Nothing to change"),
        ("cancel", 2, "which order"),
        ("chart AAPL --size big", 2, "120x40"),
        ("nosuch", 2, "No such command"),
        ("buy AAPL 1000000 --yes", 3, "MAX_QUANTITY"),
        ("buy AAPL 5 lmt 9000 --yes", 3, "collar"),
        ("order nosuch", 4, "sp orders"),
        ("why nosuch", 4, "Not found"),
        ("depth NOSUCH", 4, "Not found"),
        ("quote NOSUCH", 4, "NOSUCH"),
        ("chart NOSUCH", 4, "Not found"),
        ("account nosuch", 4, "nosuch"),
        ("buy AAPL 11 lmt 200 --yes --id FIELDS-B", 5, "another body"),
        ("restore /nonexistent.tar.gz", 5, "runs"),
        ("engine run", 5, "held by process"),
        ("resume --word NO", 7, "RESUME"),
        ("send FIELDS-B", 5, "not staged"),
    ],
)
def test_each_failure_has_its_exit_code_and_says_what_to_do(
    engine: EngineProcess, sp: Shell, line: str, code: int, says: str
) -> None:
    done = engine.sp(*line.split()) if line == "engine run" else sp(*line.split())
    assert getattr(done, "code", None) in {code, None}, done
    assert getattr(done, "returncode", code) == code
    err = getattr(done, "err", "") or getattr(done, "stderr", "")
    assert says.lower() in err.lower()
    assert "Traceback" not in err


# -- an order is confirmed


def test_without_a_terminal_an_order_needs_yes(sp: Shell) -> None:
    before = len(sp("orders", "--json").data)
    done = sp("buy", "AAPL", "2", "lmt", "bid-3", answer="y\n")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert len(sp("orders", "--json").data) == before


def ask_in_terminal(engine: EngineProcess, answer: str) -> tuple[int, str]:
    """`sp buy` in a pseudo-terminal: what it said and how it ended."""
    words = ("buy", "CSCO", "4", "lmt", "bid-1", "--id", f"PTY-{answer}")
    command = [sys.executable, "-m", "stockpulse_engine.cli", "--home", str(engine.home), *words]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as child:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer.encode() + b"\n")
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    return child.returncode, said.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other side is gone
        return b""


def test_in_a_terminal_it_shows_the_sentence_and_asks(engine: EngineProcess, sp: Shell) -> None:
    code, said = ask_in_terminal(engine, "n")
    assert code == 0
    assert "Buy 4 CSCO" in said
    assert "Not sent." in said
    assert sp("order", "PTY-n").code == 4
    code, said = ask_in_terminal(engine, "y")
    assert code == 0
    assert "CSCO.XNAS" in said
    assert sp("order", "PTY-y", "--json").data["order"]["terms"]["quantity"] == "4"


def test_flatten_and_resume_take_the_word_from_the_terminal_alone(sp: Shell) -> None:
    for word in ("flatten", "resume"):
        done = sp(word, answer=f"{word.upper()}\n")
        assert done.code == 2
        assert f"--word {word.upper()}" in done.err


# -- one intent, one order


def test_the_same_id_sends_once_and_another_body_is_a_conflict(sp: Shell) -> None:
    price = str(round(float(sp("quote", "GE", "--json").data[0]["bid"])) - 2)
    line = ("buy", "GE", "2", "lmt", price, "--yes", "--id", "ONCE", "--json")
    first, second = sp(*line), sp(*line)
    assert (first.code, second.code) == (0, 0)
    assert second.data["orders"][0]["client_order_id"] == "ONCE"
    assert second.data["is_replay"] is True
    assert len([one for one in sp("orders", "--json").data if one["client_order_id"] == "ONCE"]) == 1
    assert sp("buy", "GE", "3", "lmt", price, "--yes", "--id", "ONCE").code == 5


def test_an_order_is_staged_sent_changed_and_canceled(sp: Shell) -> None:
    def status() -> str:
        return str(sp("order", "LIFE", "--json").data["order"]["status"])

    assert sp("buy", "JPM", "2", "lmt", "bid-2", "--stage", "--yes", "--id", "LIFE").code == 0
    assert status() == "INITIALIZED"
    assert sp("send", "LIFE").code == 0
    assert wait_until(lambda: status() == "ACCEPTED", 10.0)
    price = sp("order", "LIFE", "--json").data["order"]["terms"]["limit_price"]
    wanted = f"{float(price) - 1:.2f}"
    assert sp("modify", "LIFE", "--limit", wanted).code == 0
    assert wait_until(lambda: sp("order", "LIFE", "--json").data["order"]["terms"]["limit_price"] == wanted, 10.0)
    assert sp("cancel", "LIFE").code == 0
    assert wait_until(lambda: status() == "CANCELED", 10.0)
    assert sp("buy", "JPM", "3", "lmt", "bid-2", "--stage", "--yes", "--id", "DROP").code == 0
    assert sp("discard", "DROP").code == 0
    assert sp("order", "DROP", "--json").data["order"]["status"] == "CANCELED"


# -- the fast path


def test_the_fast_path_prints_what_the_full_command_line_prints(engine: EngineProcess, sp: Shell) -> None:
    from stockpulse_engine.cli.app import make_app
    from tests.system.shell import typed

    assert sp("market", "pause").code == 0
    try:
        for words in (("quote", "AAPL"), ("quote", "AAPL", "MSFT", "--json")):
            assert sp(*words) == typed(engine.home, make_app, words)
    finally:
        assert sp("market", "resume").code == 0


@pytest.mark.parametrize("command", ["orders", "positions", "lots", "account", "portfolio", "day"])
def test_a_mistyped_account_is_no_empty_list(sp: Shell, command: str) -> None:
    done = sp(command, *(("maim",) if command == "account" else ("--account", "maim")))
    assert (done.code, done.out) == (4, "")
    assert "'maim'" in done.err
    assert "Did you mean main?" in done.err


def test_the_same_order_may_be_sent_again_at_once_when_the_first_was_canceled(sp: Shell) -> None:
    order = ("buy", "KO", "3", "lmt", "bid-1", "--yes")
    assert sp("market", "pause").code == 0  # a resting price that stays the same
    try:
        first = sp(*order, "--id", "TWICE-1")
        assert first.code == 0, first.err
        assert sp("cancel", "TWICE-1").code == 0
        assert wait_until(lambda: sp("order", "TWICE-1", "--json").data["order"]["status"] == "CANCELED", 10.0)
        second = sp(*order, "--id", "TWICE-2")
        assert second.code == 0, second.err
        assert sp("cancel", "TWICE-2").code == 0
    finally:
        assert sp("market", "resume").code == 0


def test_what_the_gate_refused_a_trader_is_in_the_days_review_and_what_was_only_looked_at_is_not(sp: Shell) -> None:
    def refused() -> list[str]:
        return [one["code"] for one in sp("day", "--json").data["refusals"]]

    before = refused()
    agreed, asked = (sp("buy", "AAPL", "9999", "mid", *words) for words in (("--yes",), ()))
    assert (agreed.code, asked.code) == (3, 3)
    after = refused()
    assert len(after) == len(before) + 2
    assert after[-1] in asked.err
    assert sp("buy", "AAPL", "9999", "mid", "--stage").code == 3
    assert refused() == after, "nobody tried to send it"


def test_a_step_answers_with_the_time_after_it(sp: Shell) -> None:
    try:
        before = sp("market", "pause", "--json").data
        for seconds in (5, 900):
            after = sp("market", "step", str(seconds), "--json").data
            assert after["market_ns"] == before["market_ns"] + seconds * 1_000_000_000
            assert not after["is_stepping"]
            before = after
    finally:
        assert sp("market", "resume").code == 0


# -- brake


def test_halt_reduce_and_resume(engine: EngineProcess, sp: Shell) -> None:
    from stockpulse_engine.cli.app import make_app
    from tests.system.shell import typed

    assert fields_of(sp("reduce", "--json").data) == HALT
    assert "REDUCING" in sp("engine", "status").out
    assert sp("resume", "--word", "RESUME").code == 0
    halted = sp("halt", "--json")
    assert (halted.code, halted.data["state"]) == (0, "HALTED")
    again = typed(engine.home, make_app, ("halt", "--json"))
    assert again.data == halted.data, "both ways to halt say the same; the first reason stays"
    assert sp("buy", "AAPL", "1", "lmt", "bid-1", "--yes").code in {3, 7}
    assert sp("resume", "--word", "RESUME", "--json").data["state"] == "ACTIVE"


# -- one engine


def test_a_second_start_says_who_holds_the_home(engine: EngineProcess, sp: Shell) -> None:
    done = sp("engine", "start")
    assert done.code == 0
    assert f"process {engine.pid}" in done.err
    other = sp("engine", "start", "--seed", "99")
    assert other.code == 5
    assert f"process {engine.pid}" in other.err


def test_a_rotated_token_opens_and_the_old_one_does_not(engine: EngineProcess, sp: Shell) -> None:
    file = engine.paths.tokens / "trader"
    old = file.read_text()
    assert sp("token", "rotate", "trader").code == 0
    assert file.read_text() != old
    assert file.stat().st_mode & 0o777 == 0o600
    assert sp("account").code == 0, "the command line reads the token when it needs it"
    assert sp("token", "rotate", "owner").code == 2


def test_every_command_explains_itself_with_an_example(sp: Shell) -> None:
    from scripts.make_docs import command_tree

    for words, command in command_tree().items():
        done = sp(*words.split(), "--help")
        assert done.code == 0
        for example in split_help(command.callback)[1]:
            assert f"  {example}\n" in done.out
