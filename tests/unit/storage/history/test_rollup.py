"""Rolling up many instruments gives what each alone would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec, parse_bar_spec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import BAR_COLUMNS
from stockpulse_engine.marketdata.history import BARS, Query
from stockpulse_engine.marketdata.resample import resample
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.storage.history.rollup import rolled_up
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.unit.storage.history.build import AAPL, D1, IBM, M1, MINUTE, bar_frame, closes

CALENDAR = load_calendar("XNYS")
NAMES = (AAPL, "BTCUSD.XXXX", IBM, "INFY.XNSE")


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    opening = CALENDAR.session("2023-11-22")
    assert opening is not None
    parts = [
        bar_frame(range(100 + at, 3100 + at, 2), name=name, start=opening.open + at * MINUTE, step=3 * MINUTE)
        for at, name in enumerate(NAMES)
    ]
    with open_history(tmp_path / "history", clock) as opened:
        opened.writer.write_bars(pl.concat(parts), spec=M1, source="lean")
        yield opened


@pytest.mark.parametrize("spec", ["15m", "1h", "1d", "1w"])
def test_every_instrument_keeps_its_own_sessions(store: EmbeddedHistory, spec: str) -> None:
    length = parse_bar_spec(spec)
    frame = rolled_up(store.reader.frame(Query(table=BARS, spec=M1)), M1, length)
    result = store.writer.write_bars(frame, spec=length, source="lean")
    assert result.added == frame.height
    for name in NAMES:
        alone = resample(store.reader.bars(name, M1), length, calendar_of(name))
        stored = store.reader.bars(name, length)
        for column in set(BAR_COLUMNS) - {"recorded_at"}:
            assert getattr(stored, column).tolist() == getattr(alone, column).tolist(), f"{name} {column}"
    again = rolled_up(store.reader.frame(Query(table=BARS, spec=M1)), M1, length)
    assert store.writer.write_bars(again, spec=length, source="lean").unchanged == frame.height


def test_nothing_rolls_up_to_nothing_and_shorter_bars_are_refused(store: EmbeddedHistory) -> None:
    nothing = store.reader.frame(Query(table=BARS, spec=BarSpec(7, "m")))
    assert rolled_up(nothing, M1, D1).height == 0
    assert store.writer.write_bars(rolled_up(nothing, M1, D1), spec=D1, source="lean").added == 0
    with pytest.raises(InvalidValueError):
        rolled_up(nothing, D1, M1)
    assert closes(store.reader.bars(AAPL, D1)) == []
