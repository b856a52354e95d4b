"""`sp limits`: a table anybody reads, JSON for scripts, and a raise only after a question."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stockpulse_engine.cli import limits
from stockpulse_engine.cli.app import make_app
from stockpulse_engine.client.call import Call
from stockpulse_engine.domain.errors import InvalidValueError, StockPulseError
from tests.fakes.fake_risk import FakeRisk, stopped_view


class Client:
    """The engine's answers without an engine; `instruments` trade there."""

    def __init__(self) -> None:
        self.risk = FakeRisk()
        self.asked: list[dict[str, str]] = []

    def send(self, call: Call[Any]) -> Any:
        if call.path == "/v1/risk":
            self.asked.append(dict(call.query))
            return self.risk.view()
        if call.path == "/v1/instruments":
            return []
        if call.path == "/v1/limits":
            return asyncio.run(self.risk.set_limit(call.body, "cli", may_raise=call.role == "admin"))
        if call.path == "/v1/limits/withdraw":
            return asyncio.run(self.risk.withdraw(call.body.change_id, "cli"))
        return asyncio.run(self.risk.release(call.body, "cli"))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(limits, "engine", lambda: made)
    return made


def sp(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(make_app("limits"), ["limits", *words], input=typed)


def test_the_table_has_the_fullest_first_with_its_source_and_what_waits(client: Client) -> None:
    lines = sp().output.splitlines()
    assert lines[0] == "main: ACTIVE"
    assert "GME.XNYS is paused after 3 refusals alike: NOT_SHORTABLE" in lines[1]
    assert lines[3].split()[:4] == ["AAPL", "weight", "all", "23.8"]
    assert any("set by tui/trader" in line for line in lines)
    assert "waits 41 s   max_gross: 1.50 → 1.80   R-raise-1   cli/admin" in lines[-1]
    assert sp("--account", "main", "--strategy", "trend").exit_code == 0
    assert client.asked[-1] == {"account": "main", "strategy": "trend"}


def test_scripts_read_the_same_as_json(client: Client) -> None:
    document = json.loads(sp("--json").output)
    assert document["limits"][0]["fraction"] == "0.952"
    assert document["waiting"][0]["change_id"] == "R-raise-1"
    assert json.loads(sp("waiting", "--json").output)[0]["new"] == "1.80"
    assert json.loads(sp("set", "max_gross", "1.2", "--json").output)["waits"] is False
    assert client.risk.effects == ["limit max_gross 1.2"]


def test_a_raise_is_asked_for_and_said_how_to_take_back(client: Client) -> None:
    assert sp("set", "max_gross", "9", typed="n\n").exit_code != 0
    assert client.risk.effects == []
    done = sp("set", "max_gross", "9", "--reason", "month end", typed="y\n")
    assert "in 60 s. Take it back with: sp limits withdraw R" in done.output
    assert client.risk.effects == ["limit max_gross 9"]
    assert sp("set", "max_gross", "9", "--yes").exit_code == 0
    assert "max_gross stays 1.50" in sp("withdraw", "R-raise").output


def test_a_stopped_account_is_freed_by_the_word_alone(client: Client) -> None:
    client.risk.shown = stopped_view()
    assert "daily loss of 3,010.20 reached 3,000.00" in sp().output
    refused = sp("release", "--word", "please")
    assert isinstance(refused.exception, StockPulseError)
    assert "main: ACTIVE" in sp("release", "--word", "RELEASE").output


def test_a_limit_belongs_to_one_scope_and_something_that_trades(client: Client) -> None:
    both = sp("set", "max_gross", "1", "--account", "main", "--strategy", "trend")
    assert isinstance(both.exception, InvalidValueError)
    assert isinstance(sp("set", "max_gross", "1", "--instrument", "APPL").exception, InvalidValueError)
    sp("set", "max_gross", "1.1", "--instrument", "AAPL.XNAS")
    assert client.risk.effects == ["limit max_gross 1.1 instrument AAPL.XNAS"]
