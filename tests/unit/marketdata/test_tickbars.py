"""Bars out of prints: each print counts once, in its session, and conditions say what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import parse_bar_spec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import TradeColumns
from stockpulse_engine.marketdata.resample import resample
from stockpulse_engine.marketdata.tickbars import Prints, bars_of_trades

XNYS = load_calendar("XNYS")
DAY = XNYS.by_ordinal(5_000)
SECOND = 10**9
MINUTE = 60 * SECOND


def prints_of(*rows: tuple[int, int, int, str]) -> TradeColumns:
    """Prints as (nanoseconds after the open, price, size, conditions), in the order of time."""
    ordered = sorted(rows, key=lambda row: row[0])
    times = np.array([DAY.open + row[0] for row in ordered], dtype=np.int64)
    columns: dict[str, Any] = {
        name: np.array([row[place] for row in ordered], dtype=np.int64) for place, name in ((1, "price"), (2, "size"))
    }
    zeros = np.zeros(len(times), np.int64)
    return TradeColumns(
        instrument_id="IBM.XNYS",
        source="ticks",
        ts_event=times,
        known_at=times,
        recorded_at=times,
        seq=zeros,
        exchange=np.full(len(times), "", dtype=object),
        conditions=np.array([row[3] for row in ordered], dtype=object),
        flags=zeros,
        **columns,
    )


def regular(*rows: tuple[int, int, int, str], spec: str = "1m") -> list[tuple[int, ...]]:
    """Bars as (minutes after the open, open, high, low, close, volume)."""
    bars = bars_of_trades(prints_of(*rows), parse_bar_spec(spec), XNYS, Prints.REGULAR)
    values = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    starts = (bars.ts_event - DAY.open) // MINUTE
    return list(zip(starts.tolist(), *(each.tolist() for each in values), strict=True))


ticks = st.tuples(st.integers(-20 * MINUTE, 400 * MINUTE), st.integers(1, 9), st.integers(1, 9), st.just("1"))


@given(st.lists(ticks, min_size=1, max_size=60), st.sampled_from(["1m", "5m", "1h", "1d"]))
def test_seconds_put_together_are_what_the_prints_make(rows: list[tuple[int, int, int, str]], spec: str) -> None:
    trades, length = prints_of(*rows), parse_bar_spec(spec)
    direct = bars_of_trades(trades, length, XNYS)
    seconds = bars_of_trades(trades, parse_bar_spec("1s"), XNYS)
    put_together = resample(seconds, length, XNYS)
    for name in ("ts_event", "open", "high", "low", "close", "volume"):
        assert getattr(direct, name).tolist() == getattr(put_together, name).tolist(), name
    assert seconds.volume.sum() == trades.size.sum()


def test_only_plain_prints_make_prices_and_all_make_volume() -> None:
    assert regular((0, 100, 5, "20"), (1, 102, 5, "1"), (2, 101, 5, "1"), (3, 90, 5, "20000020")) == [
        (0, 102, 102, 101, 101, 20)
    ]


def test_a_minute_without_a_plain_print_has_the_prices_of_the_others() -> None:
    assert regular((0, 100, 5, "20"), (1, 90, 5, "20")) == [(0, 100, 100, 90, 90, 10)]


def test_an_official_open_is_no_trade() -> None:
    assert regular((0, 100, 5, "1"), (1, 500, 64, "4000000"), (2, 1, 64, "1000000")) == [(0, 100, 100, 100, 100, 5)]


def test_auctions_begin_and_end_the_session_they_are_of() -> None:
    length = DAY.close - DAY.open
    last = length // MINUTE - 1
    found = regular(
        (SECOND, 100, 1, "1"),
        (16 * SECOND, 99, 1000, "40"),
        (length - SECOND, 105, 1, "1"),
        (length + SECOND, 106, 2, "2000"),
        (length + MINUTE, 104, 3000, "80"),
    )
    assert found == [(0, 99, 100, 99, 100, 1001), (last, 105, 105, 104, 104, 3001), (last + 1, 106, 106, 106, 106, 2)]


def test_a_bar_with_a_late_auction_is_known_when_that_printed() -> None:
    length = DAY.close - DAY.open
    trades = prints_of((length - SECOND, 105, 1, "1"), (length + MINUTE, 104, 3000, "80"))
    bars = bars_of_trades(trades, parse_bar_spec("1d"), XNYS, Prints.REGULAR)
    assert (bars.ts_event.tolist(), bars.known_at.tolist()) == ([DAY.open], [DAY.close + MINUTE])


def test_conditions_in_another_spelling_are_refused_and_not_guessed() -> None:
    with pytest.raises(InvalidValueError, match="sale conditions"):
        regular((0, 100, 5, "@ T"))


def test_weeks_are_not_made_of_prints() -> None:
    with pytest.raises(InvalidValueError, match="not made of ticks"):
        regular((0, 100, 5, "1"), spec="1w")
