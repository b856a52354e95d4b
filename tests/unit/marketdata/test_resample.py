"""Longer bars from shorter ones: the sessions decide, and the sums are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec, parse_bar_spec
from stockpulse_engine.marketdata.bars import bucket_start
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.resample import resample

CALENDAR = load_calendar("XNYS")
MINUTE = 60_000_000_000
M1 = BarSpec(1, "m")


def columns(starts: list[int], spec: BarSpec = M1) -> BarColumns:
    """Bars whose values follow from their place."""
    at = np.array(starts, dtype=np.int64)
    place = np.arange(len(at), dtype=np.int64)
    return BarColumns(
        instrument_id="AAPL.XNAS",
        spec=spec,
        source="lean",
        ts_event=at,
        known_at=at + spec.duration_ns,
        recorded_at=at + 2 * spec.duration_ns,
        open=100 + place,
        high=200 + place % 7,
        low=50 - place % 5,
        close=101 + place,
        volume=10 + place,
    )


def session_minutes(day: str, *, extended: bool = False) -> list[int]:
    session = CALENDAR.session(day)
    assert session is not None
    edges = (session.pre_open, session.post_close) if extended else (session.open, session.close)
    return list(range(*edges, MINUTE))


def test_five_minutes_are_counted_from_the_open() -> None:
    starts = session_minutes("2023-11-24", extended=True)
    found = resample(columns(starts), BarSpec(5, "m"), CALENDAR)
    assert found.ts_event.tolist() == sorted({bucket_start(CALENDAR, at, BarSpec(5, "m")) or 0 for at in starts})
    assert found.spec == BarSpec(5, "m")
    first = starts.index(CALENDAR.session("2023-11-24").open)  # type: ignore[union-attr] # a session
    row = int(found.ts_event.searchsorted(starts[first]))
    assert (found.open[row], found.close[row]) == (100 + first, 101 + first + 4)
    assert found.volume[row] == sum(10 + first + k for k in range(5))
    assert found.known_at[row] == starts[first] + 5 * MINUTE


def test_a_day_is_its_regular_hours_also_when_it_is_half() -> None:
    starts = [at for day in ("2023-11-22", "2023-11-24") for at in session_minutes(day, extended=True)]
    found = resample(columns(starts), BarSpec(1, "d"), CALENDAR)
    full, half = (CALENDAR.session(day) for day in ("2023-11-22", "2023-11-24"))
    assert full is not None
    assert half is not None
    assert found.ts_event.tolist() == [full.open, half.open]
    assert found.known_at.tolist() == [full.close, half.close]
    inside = [10 + place for place, at in enumerate(starts) if half.open <= at < half.close]
    assert found.volume[1] == sum(inside)
    assert len(inside) == 210


def test_a_week_begins_with_its_first_session() -> None:
    days = ("2023-11-20", "2023-11-22", "2023-11-24", "2023-11-28")
    opens = [session_minutes(day)[0] for day in days]
    found = resample(columns(opens, BarSpec(1, "d")), BarSpec(1, "w"), CALENDAR)
    monday = CALENDAR.session("2023-11-27")
    assert monday is not None
    assert found.ts_event.tolist() == [opens[0], monday.open]
    assert found.volume.tolist() == [10 + 11 + 12, 13]


@pytest.mark.parametrize(
    ("spec", "starts"),
    [
        ("1h", ["2023-11-24T22", "2023-11-24T23", "2023-11-25T00"]),
        ("1d", ["2023-11-24", "2023-11-25"]),
        ("1w", ["2023-11-20"]),
    ],
)
def test_what_never_closes_is_cut_by_the_clock_of_utc(spec: str, starts: list[str]) -> None:
    begin = int(np.datetime64("2023-11-24T22:30").astype("datetime64[ns]").astype(np.int64))
    found = resample(columns([begin + k * MINUTE for k in range(120)]), parse_bar_spec(spec), None)
    assert found.ts_event.tolist() == [
        int(np.datetime64(at).astype("datetime64[ns]").astype(np.int64)) for at in starts
    ]
    assert int(found.volume.sum()) == sum(10 + k for k in range(120))


@pytest.mark.parametrize(("short", "long"), [("5m", "1m"), ("1m", "1m"), ("2m", "5m"), ("1w", "1d"), ("1d", "2d")])
def test_what_can_not_be_made_is_refused(short: str, long: str) -> None:
    with pytest.raises(InvalidValueError, match="can not be made"):
        resample(columns([0], parse_bar_spec(short)), parse_bar_spec(long), CALENDAR)


def test_nothing_becomes_nothing_and_nights_are_left_out() -> None:
    assert len(resample(columns([]), BarSpec(1, "d"), CALENDAR)) == 0
    session = CALENDAR.session("2023-11-24")
    assert session is not None
    assert len(resample(columns([session.post_close + MINUTE]), BarSpec(1, "d"), CALENDAR)) == 0


def test_a_volume_that_outgrows_its_column_is_refused() -> None:
    bars = columns(session_minutes("2023-11-22"))
    huge = np.full(len(bars), 2**62, dtype=np.int64)
    with pytest.raises(InvalidValueError, match="too large"):
        resample(
            BarColumns(**{name: getattr(bars, name) for name in bars.__struct_fields__} | {"volume": huge}),
            BarSpec(1, "d"),
            CALENDAR,
        )


@given(st.sets(st.integers(0, 4 * 960), min_size=1), st.sampled_from(["5m", "15m", "1h", "1d", "1w"]))
def test_it_agrees_with_one_bar_at_a_time(minutes: set[int], spec: str) -> None:
    length = parse_bar_spec(spec)
    days = [session_minutes(day, extended=True) for day in ("2023-11-21", "2023-11-22", "2023-11-24", "2023-11-27")]
    every = [at for day in days for at in day]
    starts = [every[place] for place in sorted(minutes) if place < len(every)]
    bars = columns(starts)
    expected: dict[int, list[int]] = {}
    for place, at in enumerate(starts):
        session = CALENDAR.session_at(at)
        assert session is not None
        bucket = bucket_start(CALENDAR, at, length)
        if bucket is not None and (length.is_intraday or session.open <= at < session.close):
            expected.setdefault(bucket, []).append(place)
    found = resample(bars, length, CALENDAR)
    rows = [
        (start, bars.open[k[0]], bars.high[k].max(), bars.low[k].min(), bars.close[k[-1]], bars.volume[k].sum())
        for start, k in sorted(expected.items())
    ]
    got = zip(found.ts_event, found.open, found.high, found.low, found.close, found.volume, strict=True)
    assert list(got) == rows
