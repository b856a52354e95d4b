"""The adapters' registry: nothing is loaded before it is built, and what is missing is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stockpulse_engine.adapters.registry import ADAPTERS, adapter_row, build_broker
from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError

CONFIG = BrokerConfig(name="mine", adapter="alpaca", kind=AccountKind.PAPER)


@pytest.mark.covers("F17")
def test_knowing_the_adapters_loads_none_of_them() -> None:
    probe = (
        "import sys, stockpulse_engine.adapters.registry, stockpulse_engine.adapters.brokersfile as b\n"
        "rooms = [f'stockpulse_engine.adapters.{name}' for name in b.ADAPTERS]\n"
        "print([room for room in rooms if room in sys.modules] + [m for m in ('httpx', 'websockets') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_adapter_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean alpaca"):
        adapter_row("alpacca")


def test_a_missing_secret_is_named_and_nothing_is_loaded() -> None:
    with pytest.raises(ConfigError, match="mine lacks its API secret key"):
        build_broker(CONFIG, {"key_id": "k"}, clock=ManualClock())


def test_each_row_says_what_was_never_tried_and_whom_it_may_speak_to() -> None:
    for row in ADAPTERS.values():
        assert row.untried
        assert row.advice
        assert set(row.hosts) == set(AccountKind)
        assert row.capabilities("x").name == "x"


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_the_matrix_says_of_a_broker_what_its_adapter_says(name: str) -> None:
    row = ADAPTERS[name]
    config = BrokerConfig(name="mine", adapter=name, kind=AccountKind.PAPER, port=4002)
    made = build_broker(config, {field.name: "k" * 20 for field in row.secrets}, clock=ManualClock())
    assert made.capabilities == row.capabilities("mine")
    assert not made.is_connected
