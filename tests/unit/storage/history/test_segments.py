"""What a file holds is what was given, and a write looks only at files that can hold its rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.marketdata.history import Query
from stockpulse_engine.storage.history import segments
from stockpulse_engine.storage.history.store import open_history
from tests.unit.storage.history.build import AAPL, IBM, M1, T0, bar_frame, trade_frame


def test_columns_of_nothing_and_columns_of_words_are_read_together(tmp_path: Path, clock: ManualClock) -> None:
    silent = trade_frame([(T0, 10.0), (T0 + 1, 10.1)])
    spoken = trade_frame([(T0 + 2, 10.2)]).with_columns(exchange=pl.lit("K"), conditions=pl.lit(""))
    with open_history(tmp_path / "history", clock) as store:
        for frame in (silent, spoken):
            store.writer.write_trades(frame, source="ticks")
        assert store.writer.write_trades(silent, source="ticks").unchanged == 2
        found = store.reader.trades(AAPL, start_ns=T0, end_ns=T0 + 9)
        assert (found.exchange.tolist(), found.conditions.tolist()) == (["", "", "K"], ["", "", ""])
        frame = store.reader.frame(Query(table="trades", source="ticks"))
        assert frame["exchange"].to_list() == ["", "", "K"]
        assert frame["conditions"].dtype == pl.String()


def test_a_file_of_other_instruments_is_not_even_opened(tmp_path: Path, clock: ManualClock) -> None:
    with open_history(tmp_path / "history", clock) as store:
        store.writer.write_bars(bar_frame([100, 101]), spec=M1, source="yahoo")
        (segment,) = store.reader.segments()
        whole = Path(segment.path).read_bytes()
        Path(segment.path).write_bytes(whole[:-9] + b"nine more")
        segments._sound.clear()  # as in another process
        assert store.writer.write_bars(bar_frame([50], name=IBM), spec=M1, source="yahoo").added == 1
        with pytest.raises(IntegrityError, match="SHA-256"):
            store.writer.write_bars(bar_frame([100, 101]), spec=M1, source="yahoo")
