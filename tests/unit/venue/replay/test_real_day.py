"""The witness: 7 October 2013, IBM and BAC from ticks, SPY from minute bars."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote, Trade, parse_bar_spec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.replay import ReplaySource
from tests.unit.venue.replay.recordings import MINUTE

pytestmark = pytest.mark.real_data
IDS = {"IBM": "IBM.XNYS", "BAC": "BAC.XNYS", "SPY": "SPY.ARCX"}


@dataclass(frozen=True)
class Played:
    """What came out of a whole day."""

    source: ReplaySource
    quotes: dict[str, list[Quote]]
    trades: dict[str, list[Trade]]
    auctions: list[Trade]
    phases: Counter[MarketPhase]
    files: list[Path]


@lru_cache(maxsize=1)
def played(data: Path) -> Played:
    """Play the day once, checking the order as it goes."""
    names = ["ticks/ibm_20131007_quote", "ticks/ibm_20131007_trade", "ticks/bac_20131007_quote"]
    names += ["ticks/bac_20131007_trade", "bars_minute/us_equity_trade", "bars_minute/us_equity_quote"]
    files = [data / f"{name}.parquet" for name in [*names, "bars_daily/lean_us_raw"]]
    source = ReplaySource("2013-10-07", files)
    out = Played(source, {i: [] for i in IDS.values()}, {i: [] for i in IDS.values()}, [], Counter(), files)
    source.seed_events(source.first_ns)
    now = source.first_ns
    assert source.last_ns is not None
    while now <= source.last_ns:
        now += 10 * MINUTE
        before = now - 10 * MINUTE
        for event in source.advance(now):
            assert before <= event.ts_event <= now
            before = event.ts_event
            _keep(out, event)
    return out


def _keep(out: Played, event: object) -> None:
    match event:
        case Quote():
            assert 0 < event.bid < event.ask
            out.quotes[event.instrument_id].append(event)
        case Trade():
            out.trades[event.instrument_id].append(event)
            out.auctions.extend([event] if event.is_auction else [])
        case InstrumentStatus():
            out.phases[event.phase] += 1
        case _:
            pass


@pytest.fixture
def day(shared: Path) -> Played:
    """The day, played."""
    return played(shared / "data")


def test_every_print_of_the_files_is_played(day: Played) -> None:
    """Counts and volumes equal the files'."""
    for symbol in ("IBM", "BAC"):
        frame = pl.read_parquet(next(f for f in day.files if f.name == f"{symbol.lower()}_20131007_trade.parquet"))
        trades = day.trades[IDS[symbol]]
        assert len(trades) == frame.height
        assert sum((t.size for t in trades), Decimal(0)) == frame["size"].sum()
    bars = pl.read_parquet(next(f for f in day.files if f.name == "us_equity_trade.parquet"))
    bars = bars.filter((pl.col("symbol") == "SPY") & (pl.col("ts").dt.date() == pl.date(2013, 10, 7)))
    assert sum((t.size for t in day.trades[IDS["SPY"]]), Decimal(0)) == bars["volume"].sum()


def test_rows_that_are_not_shown_are_accounted_for(day: Played) -> None:
    """Every quote row is shown, crossed, locked, refused, or came before both sides were known."""
    counts = day.source.counts
    assert (counts.crossed, counts.locked, dict(counts.refused)) == (
        96,
        10_188,
        {"marked suspicious in the file": 1},
    )
    shown = {name: sum(quote.bid_size > 0 for quote in quotes) for name, quotes in day.quotes.items()}
    assert shown[IDS["IBM"]] == 109_067 - 1 - 1 - 89 - 658
    assert shown[IDS["BAC"]] == 476_855 - 1 - 9_433


def test_first_and_last_quotes(day: Played) -> None:
    """What the files say when both sides are first known, and at the end (the very last row is marked suspicious)."""
    first, last = day.quotes[IDS["IBM"]][0], day.quotes[IDS["IBM"]][-1]
    assert (first.bid, first.ask, first.bid_size) == (Decimal("180.01"), Decimal("183.63"), Decimal(300))
    assert (last.bid, last.ask) == _last_sides(day.files[0])
    assert last.volume == sum((t.size for t in day.trades[IDS["IBM"]]), Decimal(0))


def _last_sides(path: Path) -> tuple[Decimal, Decimal]:
    frame = pl.read_parquet(path).filter(~pl.col("suspicious"))
    bid, ask = (frame.filter(pl.col(side).is_not_null())[side][-1] for side in ("bid", "ask"))
    return Decimal(f"{bid:.2f}"), Decimal(f"{ask:.2f}")


def test_the_listing_exchange_opens_and_closes_each_stock(day: Played) -> None:
    """Opening and closing prints of both, and the phases of all three."""
    assert sorted((t.instrument_id, t.price, t.size) for t in day.auctions) == [
        ("BAC.XNYS", Decimal("13.81"), Decimal(2_000_995)),
        ("BAC.XNYS", Decimal("13.90"), Decimal(1_201_174)),
        ("IBM.XNYS", Decimal("182.00"), Decimal(138_862)),
        ("IBM.XNYS", Decimal("182.01"), Decimal(151_665)),
    ]
    assert day.phases[MarketPhase.OPEN] == day.phases[MarketPhase.POST] == day.phases[MarketPhase.CLOSED] == 3


def test_minutes_from_ticks_agree_with_another_programs_minutes(day: Played) -> None:
    """For IBM in regular hours: open, high, low, close of nearly all, volume of all but the auctions' minutes."""
    frame = pl.read_parquet(next(f for f in day.files if f.name == "us_equity_trade.parquet"))
    frame = frame.filter((pl.col("symbol") == "IBM") & (pl.col("ts").dt.date() == pl.date(2013, 10, 7)))
    theirs = {row["ts"]: row for row in frame.with_columns(pl.col("ts").dt.epoch("ns")).iter_rows(named=True)}
    ours = day.source.bars(IDS["IBM"], parse_bar_spec("1m"), 100_000)
    ours = [bar for bar in ours if bar.ts_event >= day.source.first_ns]
    assert {bar.ts_event for bar in ours} == set(theirs)
    same = [bar for bar in ours if float(bar.volume) == theirs[bar.ts_event]["volume"]]
    assert len(same) >= len(ours) - 4
    close = [bar for bar in ours if abs(float(bar.close) - theirs[bar.ts_event]["close"]) < 0.05]
    assert len(close) > 0.97 * len(ours)


def test_minutes_of_spy_come_back_exactly(day: Played) -> None:
    """Bars in, bars out."""
    frame = pl.read_parquet(next(f for f in day.files if f.name == "us_equity_trade.parquet"))
    frame = frame.filter((pl.col("symbol") == "SPY") & (pl.col("ts").dt.date() == pl.date(2013, 10, 7)))
    rows = frame.with_columns(pl.col("ts").dt.epoch("ns")).sort("ts").select(pl.exclude("symbol")).rows()
    bars = [b for b in day.source.bars(IDS["SPY"], parse_bar_spec("1m"), 5_000) if b.ts_event >= rows[0][0]]
    assert [
        (b.ts_event, float(b.open), float(b.high), float(b.low), float(b.close), int(b.volume)) for b in bars
    ] == rows
    assert {bar.source for bar in bars} == {"bars"}


def test_history_knows_nothing_before_its_time(day: Played) -> None:
    """At noon of the day the daily file's row of that day is not yet known."""
    session = load_calendar().session("2013-10-07")
    assert session is not None
    source = ReplaySource("noon", day.files)
    source.seed_events(session.open + 150 * MINUTE)
    bars = source.bars(IDS["IBM"], parse_bar_spec("1d"), 400)
    assert len(bars) == 400
    assert [bar.is_open for bar in bars[-2:]] == [False, True]
    assert bars[-2].close == Decimal("184.10")
    assert bars[-1].high < Decimal("183.30") + 1
    assert source.instruments[1].average_daily_volume > 2_000_000
    minutes = source.bars(IDS["IBM"], parse_bar_spec("1m"), 100_000)
    assert load_calendar().session_at(minutes[0].ts_event) == load_calendar().session("2013-10-04")
    assert all(bar.known_at <= session.open + 150 * MINUTE for bar in minutes)
