"""The real engine over stored history: charts of what it does not trade, and a simulated market that is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES
from stockpulse_engine.storage.history.store import open_history
from tests.system.process import EngineProcess
from tests.system.shell import Shell
from tests.unit.storage.history.build import D1, bar_frame

DAY_NS = 86_400_000_000_000
WAIT_S = 30.0
OPEN_DAY = ("--at", "2026-03-04 11:00", "--speed", "200")


def test_a_chart_of_held_history_and_a_recording_of_the_market(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKPULSE__HISTORY__RECORD", "always")
    directory = resolve_paths(home).history
    with open_history(directory, WallClock()) as store:
        prices = bar_frame(range(100, 130), name="ZZ.XNYS", start=1_577_975_400_000_000_000, step=DAY_NS)
        store.writer.write_bars(prices, spec=D1, source="lean")
    with EngineProcess(home, OPEN_DAY):
        sp = Shell(home)
        bars = sp("chart", "ZZ.XNYS", "--bar", "1d", "-n", "5", "--json").data
        assert [bar["close"] for bar in bars] == ["125", "126", "127", "128", "129"]
        drawn = sp("chart", "ZZ", "--bar", "1d", "--size", "100x16", "-s", "sma 3")
        assert (drawn.code, drawn.err) == (0, "")
        assert "ZZ.XNYS" in drawn.out
        assert "source lean" in drawn.out
        assert sp("chart", "NONE.XNYS").code == 4
        with open_history(directory, WallClock()) as store:
            assert wait_until(lambda: len(store.reader.bars("AAPL.XNAS", BarSpec(1, "m"))) >= 3, WAIT_S)
            assert store.reader.bars("AAPL.XNAS", BarSpec(1, "m")).source == "sim:7"
        assert sp("engine", "stop").code == 0
    with open_history(directory, WallClock()) as store:
        before = store.reader.bars("AAPL.XNAS", BarSpec(1, "m")).close.tolist()
        assert store.compact().refused == 0
        after = store.reader.bars("AAPL.XNAS", BarSpec(1, "m"))
        assert (after.close.tolist(), after.source) == (before, "sim:7")
        held = {(row.table, row.source) for row in store.reader.series("AAPL.XNAS")}
        assert held == {(BARS, "sim:7"), (QUOTES, "sim:7"), (TRADES, "sim:7")}
