"""What a file holds is what was given, and a write looks only at files that can hold its rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.marketdata.history import AsOf, Query
from stockpulse_engine.storage.history import segments
from stockpulse_engine.storage.history.schema import FORMAT, connect
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.words import spelled
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


def test_a_file_says_words_and_not_how_they_were_held(tmp_path: Path, clock: ManualClock) -> None:
    frame = trade_frame([(T0, 10.0), (T0 + 1, 10.1)]).with_columns(exchange=pl.Series(["K", "P"], dtype=pl.Categorical))
    with open_history(tmp_path / "history", clock) as store:
        store.writer.write_trades(frame, source="ticks")
        (segment,) = store.reader.segments()
        kinds = pl.read_parquet_schema(segment.path)
        assert {kinds[name] for name in ("instrument_id", "exchange", "conditions")} == {pl.String()}
        assert store.reader.trades(AAPL, start_ns=T0, end_ns=T0 + 9).exchange.tolist() == ["K", "P"]


def test_the_time_a_tick_was_known_is_kept_only_where_it_is_another(tmp_path: Path, clock: ManualClock) -> None:
    at_once, later = trade_frame([(T0, 10.0), (T0 + 1, 10.1)]), trade_frame([(T0 + 2, 10.2), (T0 + 3, 10.3)])
    later = later.with_columns(known_at=pl.Series([T0 + 2, T0 + 9]))
    with open_history(tmp_path / "history", clock) as store:
        for frame in (at_once, later):
            store.writer.write_trades(frame, source="ticks")
        held = [pl.read_parquet(segment.path)["known_at"].to_list() for segment in store.reader.segments()]
        assert held == [[None, None], [T0 + 2, T0 + 9]]
        found = store.reader.frame(Query(table="trades", source="ticks"))
        assert found["known_at"].to_list() == [T0, T0 + 1, T0 + 2, T0 + 9]
        early = Query(table="trades", source="ticks", as_of=AsOf(known_at=T0 + 8))
        assert store.reader.frame(early)["ts_event"].to_list() == [T0, T0 + 1, T0 + 2]
        assert store.writer.write_trades(at_once, source="ticks").unchanged == 2


def test_files_of_the_first_format_are_read_as_ever(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trade_frame([(T0, 10.0), (T0 + 1, 10.1)])
    with monkeypatch.context() as before, open_history(tmp_path / "history", clock) as store:
        nothing = pl.col("conditions").cast(pl.Categorical)
        before.setattr(segments, "_slim", lambda frame: spelled(frame).with_columns(nothing))
        before.setattr(segments, "_hide_types", lambda _path: None)
        store.writer.write_trades(first, source="ticks")
    catalog = tmp_path / "history" / "catalog.db"
    connect(catalog).execute("UPDATE meta SET value = 1 WHERE key = 'format'")
    with open_history(tmp_path / "history", clock) as store:
        assert store.writer.write_trades(first, source="ticks").unchanged == 2
        assert store.writer.write_trades(trade_frame([(T0 + 2, 10.2)]), source="ticks").added == 1
        found = store.reader.frame(Query(table="trades", source="ticks"))
        assert found["known_at"].to_list() == [T0, T0 + 1, T0 + 2]
        assert found["conditions"].to_list() == ["", "", ""]
    assert connect(catalog).execute("SELECT value FROM meta WHERE key = 'format'").fetchall() == [(FORMAT,)]
