"""`sp doctor` says who reckons the indicators of all instruments, and how to make it faster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stockpulse_engine.cli.app import make_app
from stockpulse_engine.indicators.kernels.nine import kernel_cache


def kernels_line() -> dict[str, str]:
    done = CliRunner().invoke(make_app("doctor"), ["doctor", "--json"], catch_exceptions=False)
    found: dict[str, str] = next(one for one in json.loads(done.stdout) if one["name"] == "kernels")
    return found


def test_with_numba_it_says_whether_the_code_is_there_already(home: Path) -> None:
    assert kernels_line()["verdict"] == "ok"
    assert "when first asked for" in kernels_line()["found"]
    cache = kernel_cache() / "loops"
    cache.mkdir()
    (cache / "loops.take-1.py311.1.nbc").write_bytes(b"")
    assert kernels_line()["found"].partition("; ")[0].endswith(", compiled")


def test_without_numba_talib_does_the_work_and_the_cure_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockpulse_engine.indicators.kernels.nine.importlib.util.find_spec", lambda name: None)
    line = kernels_line()
    assert line["verdict"] == "ok", "nothing is wrong without it"
    assert "TA-Lib" in line["found"]
    assert "pip install 'stockpulse[kernels]'" in line["found"]
