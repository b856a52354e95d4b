"""A real engine moves to another world by the head's own request, and comes back when that world can not be started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stockpulse_engine.client.worlds import change_world, last_start
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import ClockView
from tests.system.process import EngineProcess

QUOTES = "ts,symbol,bid,ask,bid_size,ask_size\n" + "".join(
    f"2013-10-07T14:{minute:02d}:00Z,IBM,{182 + minute / 100:.2f},{182.02 + minute / 100:.2f},300,400\n"
    for minute in range(60)
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path / "home", ["--world", "sim", "--seed", "7"]) as started:
        yield started


def clock_of(engine: EngineProcess) -> ClockView:
    with engine.client() as client:
        return client.clock()


@pytest.mark.covers("F32")
async def test_there_and_back_and_not_into_nonsense(engine: EngineProcess, tmp_path: Path) -> None:
    good, bad = tmp_path / "day.csv", tmp_path / "bad.csv"
    good.write_text(QUOTES)
    bad.write_text("colour,taste\nred,sweet\n")
    steps: list[str] = []

    await change_world(engine.paths, ("--world", "replay:day", "--from", str(good), "--speed", "5"), steps.append)
    assert clock_of(engine).world == "replay:day"
    assert steps[0].startswith("stopping the engine")
    assert "starting the engine" in steps

    with pytest.raises(StockPulseError, match="lacks"):
        await change_world(engine.paths, ("--world", "replay:bad", "--from", str(bad)), steps.append)
    assert any("back to the world before" in step for step in steps)
    clock = clock_of(engine)
    assert (clock.world, clock.speed) == ("replay:day", 5)
    assert "replay:day" in last_start(engine.paths), "the next start finds the world that works"
