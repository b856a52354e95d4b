"""Recorded bars: played as four prints that give the same bar again, and served as history up to the clock."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, Quote, Trade, parse_bar_spec
from stockpulse_engine.venue.replay import ReplaySource
from tests.unit.venue.replay.recordings import DATE, MINUTE, bar, day, everything, ns, opened, trade, write

SPY = "SPY.ARCX"
ONE_MINUTE, ONE_DAY, ONE_WEEK = (parse_bar_spec(text) for text in ("1m", "1d", "1w"))
MINUTES = [
    bar("09:29:00", (99.0, 99.0, 99.0, 99.0), 500),
    bar("09:30:00", (100.0, 100.5, 99.8, 100.2), 4_001),
    bar("09:31:00", (100.2, 100.2, 100.0, 100.0), 3),
    bar("15:59:00", (101.0, 101.0, 100.9, 101.0), 2),
    bar("16:00:00", (101.0, 102.0, 101.0, 102.0), 700),
]


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """Minute bars of one day, some minutes absent."""
    return write(tmp_path / "us_trade.parquet", MINUTES)


def daily(path: Path, rows: list[tuple[str, float]]) -> Path:
    """Daily bars (date, close)."""
    frame = [
        {"symbol": "SPY", "date": dt.date.fromisoformat(date), "open": close, "high": close + 1, "low": close - 1}
        | {"close": close, "volume": 1_000}
        for date, close in rows
    ]
    return write(path, frame)


def test_prints_of_a_bar_give_the_bar_again(minutes: Path) -> None:
    """Open, high, low, close and volume of each minute, exactly, and marked as bars."""
    source = opened(minutes)
    events = everything(source)
    bars = source.bars(SPY, ONE_MINUTE, 10)
    assert [(b.open, b.high, b.low, b.close, b.volume) for b in bars] == [
        tuple(Decimal(str(row[name])) for name in ("open", "high", "low", "close", "volume")) for row in MINUTES
    ]
    assert {e.source for e in events if isinstance(e, Quote | Trade)} == {"bars"}
    first = [e for e in events if isinstance(e, Trade) and e.ts_event < ns("09:31:00") and e.ts_event >= ns("09:30:00")]
    assert [(t.price, t.size) for t in first] == [
        (Decimal("100.00"), Decimal(1_001)),
        (Decimal("99.80"), Decimal(1_000)),
        (Decimal("100.50"), Decimal(1_000)),
        (Decimal("100.20"), Decimal(1_000)),
    ]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prices=st.lists(st.integers(9_000, 9_010), min_size=1, max_size=12),
    volume=st.integers(12, 10_000) | st.floats(0.001, 50.0),
)
def test_any_bar_that_prints_could_make_comes_back(tmp_path: Path, prices: list[int], volume: float) -> None:
    """Also with few shares and with fractions."""
    values = [price / 100 for price in prices]
    whole = volume if isinstance(volume, float) else max(volume, len(values))
    row = bar("10:00:00", (values[0], max(values), min(values), values[-1]), whole)
    source = opened(write(tmp_path / "one.parquet", [row]))
    everything(source)
    [back] = source.bars(SPY, ONE_MINUTE, 5)
    assert [float(x) for x in (back.open, back.high, back.low, back.close)] == [
        row["open"],
        row["high"],
        row["low"],
        row["close"],
    ]
    assert abs(float(back.volume) - whole) < 1e-6 * max(1.0, whole)


def test_quotes_come_from_quote_bars_where_present(minutes: Path, tmp_path: Path) -> None:
    """In the minutes that have them; each print finds a quote around it."""
    row = {"symbol": "SPY", "ts": MINUTES[1]["ts"], "bid_size": 300, "ask_size": 0}
    row |= {"bid_open": 99.99, "bid_high": 100.49, "bid_low": 99.79, "bid_close": 100.19}
    row |= {"ask_open": 100.01, "ask_high": 100.51, "ask_low": 99.81, "ask_close": 100.21}
    quotes = [
        e for e in everything(opened(minutes, write(tmp_path / "us_quote.parquet", [row]))) if isinstance(e, Quote)
    ]
    assert [(q.bid, q.ask) for q in quotes] == [
        (Decimal("99.99"), Decimal("100.01")),
        (Decimal("99.79"), Decimal("99.81")),
        (Decimal("100.49"), Decimal("100.51")),
        (Decimal("100.19"), Decimal("100.21")),
    ]
    assert {(q.bid_size, q.ask_size) for q in quotes} == {(Decimal(300), Decimal(1))}


def test_ticks_are_played_and_bars_of_the_same_day_are_not(minutes: Path, tmp_path: Path) -> None:
    """The finest recording of a symbol's day wins; other symbols still come from the bars."""
    both = write(tmp_path / "more.parquet", [*MINUTES, bar("10:00:00", (1.0, 1.0, 1.0, 1.0), 9, symbol="IBM")])
    ticks = write(tmp_path / "ibm_trade.parquet", [trade("10:00:30", 180.0)])
    trades = [e for e in everything(opened(both, ticks)) if isinstance(e, Trade)]
    assert {t.price for t in trades if t.instrument_id == "IBM.XNYS"} == {Decimal("180.00")}
    assert {t.instrument_id for t in trades} == {"IBM.XNYS", SPY}


def test_bars_before_the_first_day_played_are_history(tmp_path: Path) -> None:
    """With ticks on one day, minute bars of earlier days are not played but served; later ones never are."""
    rows = [
        bar(clock, (p, p, p, p), 9, symbol="IBM", date=date)
        for date, p in (("2013-12-09", 1.0), ("2013-12-11", 3.0))
        for clock in ("10:00:00", "10:01:00")
    ]
    source = opened(write(tmp_path / "bars.parquet", rows), write(tmp_path / "ibm.parquet", [trade("10:00:30", 2.0)]))
    everything(source)
    assert [float(b.close) for b in source.bars("IBM.XNYS", ONE_MINUTE, 10)] == [1.0, 1.0, 2.0]


def test_daily_bars_are_known_from_their_close_on(minutes: Path, tmp_path: Path) -> None:
    """Today is built from the prints until the exchange has closed."""
    days = daily(
        tmp_path / "days.parquet", [("2013-12-06", 90.0), ("2013-12-09", 95.0), (DATE, 101.5), ("2013-12-11", 9.0)]
    )
    source = opened(minutes, days, clock="09:30:30")
    known = source.bars(SPY, ONE_DAY, 10)
    assert [(float(b.close), b.is_open) for b in known] == [(90.0, False), (95.0, False), (99.8, True)]
    assert known[-1].known_at == ns("09:30:30")
    source.advance(day().close)
    assert [(float(b.close), b.is_open) for b in source.bars(SPY, ONE_DAY, 2)] == [(95.0, False), (101.5, False)]
    week = source.bars(SPY, ONE_WEEK, 1)[0]
    assert (float(week.open), float(week.close), week.is_open) == (95.0, 101.5, True)
    assert week.ts_event == day("2013-12-09").open


def test_without_daily_bars_the_day_is_built_with_its_closing_auction(tmp_path: Path) -> None:
    """Regular hours, then the closing print as the last price."""
    rows = [
        trade("09:00:00", 1.0),
        trade("10:00:00", 180.0, 10),
        trade("16:00:04", 181.0, 50, conditions="80"),
        trade("16:05:00", 9.0),
    ]
    source = opened(write(tmp_path / "ibm_trade.parquet", rows))
    everything(source)
    [bar_] = source.bars("IBM.XNYS", ONE_DAY, 5)
    assert (float(bar_.open), float(bar_.close), float(bar_.volume)) == (180.0, 181.0, 60.0)
    assert bar_.known_at == ns("16:00:04")


def test_limit_end_and_the_running_bar(minutes: Path) -> None:
    """As everywhere else."""
    source = opened(minutes, clock="09:31:10")
    bars = source.bars(SPY, ONE_MINUTE, 2)
    assert [(b.ts_event, b.is_open) for b in bars] == [(ns("09:30:00"), False), (ns("09:31:00"), True)]
    assert source.bars(SPY, ONE_MINUTE, 5, ns("09:30:00"))[-1].ts_event == ns("09:29:00")
    hours = source.bars(SPY, parse_bar_spec("1h"), 5)
    assert [b.ts_event for b in hours] == [ns("09:00:00"), ns("09:30:00")]
    assert source.bars(SPY, ONE_MINUTE, 0) == []


def test_broken_bars_are_refused_and_counted(tmp_path: Path) -> None:
    """High under open, no volume, a price of zero."""
    rows = [
        bar("10:00:00", (10.0, 9.0, 8.0, 9.0), 5),
        bar("10:01:00", (10.0, 10.0, 10.0, 10.0), 0),
        bar("10:02:00", (10.0, 10.0, 0.0, 10.0), 5),
        bar("10:03:00", (10.0, 10.0, 10.0, 10.0), 5),
    ]
    source = opened(write(tmp_path / "bars.parquet", rows))
    assert len([e for e in everything(source) if isinstance(e, Trade)]) == 1
    assert dict(source.counts.refused) == {
        "high and low do not hold open and close": 1,
        "volume is not positive": 1,
        "price is not a positive number": 1,
    }


def test_a_csv_file_plays_like_parquet(minutes: Path, tmp_path: Path) -> None:
    """With times in UTC and their zone."""
    path = tmp_path / "us_trade.csv"
    frame = pl.read_parquet(minutes)
    frame.with_columns(pl.col("ts").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(path)
    assert everything(opened(path)) == everything(opened(minutes))


def test_currencies_never_close(tmp_path: Path) -> None:
    """An exchange's hours do not apply to them."""
    rows = [{"symbol": "EURUSD", "ts": MINUTES[0]["ts"], "bid": 1.37651, "ask": 1.37655}]
    source = opened(write(tmp_path / "eurusd.parquet", rows), clock="20:30:00")
    [instrument] = source.instruments
    assert (instrument.instrument_id, instrument.asset_class.value) == ("EURUSD.XXXX", "FX")
    status = source.seed_events(ns("12:00:00"))[0]
    assert getattr(status, "phase").value == "OPEN"  # noqa: B009 - the event's kind is known from its place


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"ts": ["2013-12-10T15:00:00Z"], "bid": [1.0]}, r"quotes it lacks 'ask'"),
        ({"ts": ["2013-12-10 15:00:00"], "price": [1.0], "size": [1]}, r"column 'ts' has no time zone"),
        ({"time": [5], "price": [1.0], "size": [1]}, r"column 'time' is Int64"),
        ({"ts": ["2013-12-10T15:00:00Z"], "symbol": ["A B"], "price": [1.0], "size": [1]}, r"symbol 'A B'"),
        ({"date": ["2013-12-10"], "open": [1], "high": [1], "low": [1], "close": [1], "volume": [1]}, "alone can not"),
    ],
)
def test_files_that_are_not_understood_are_named_with_the_fix(
    tmp_path: Path, columns: dict[str, list[object]], says: str
) -> None:
    """File, column and what to do."""
    path = tmp_path / "odd.csv"
    pl.DataFrame(columns).write_csv(path)
    with pytest.raises(InvalidValueError, match=says) as caught:
        ReplaySource("test", [path])
    assert "odd.csv" in str(caught.value)
    assert caught.value.fix


def test_missing_broken_and_doubled_files_are_named(tmp_path: Path, minutes: Path) -> None:
    """Each with its own words."""
    with pytest.raises(NotFoundError, match=r"nowhere\.parquet"):
        ReplaySource("test", [tmp_path / "nowhere.parquet"])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 no")
    with pytest.raises(InvalidValueError, match=r"broken\.parquet: it can not be read"):
        ReplaySource("test", [broken])
    first, second = (write(tmp_path / name, [trade("10:00:00", 1.0)]) for name in ("a.parquet", "b.parquet"))
    with pytest.raises(InvalidValueError, match=r"a\.parquet and b\.parquet both hold IBM"):
        ReplaySource("test", [first, second])
    with pytest.raises(NotFoundError, match="not in this replay"):
        opened(minutes).bars("IBM.XNYS", ONE_MINUTE, 5)
    with pytest.raises(InvalidValueError, match=DATE):
        opened(minutes, date="2013-12-09")


def test_a_directory_stands_for_its_files(minutes: Path) -> None:
    """One level deep."""
    assert everything(opened(minutes.parent)) == everything(opened(minutes))
    assert opened(minutes.parent).first_ns + 330 * MINUTE + SECOND_NS == day().open
