"""Bars built from the recorded ticks of four days are the vendor's own bars; each bar that is not is named here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import parse_bar_spec
from stockpulse_engine.marketdata.asking import BarsAsked
from stockpulse_engine.marketdata.calendar import Session, load_calendar
from stockpulse_engine.marketdata.columns import SCALE, BarColumns
from stockpulse_engine.marketdata.resample import resample
from stockpulse_engine.marketdata.tickbars import Prints, bars_of_trades, built_bars
from tests.unit.storage.importing.desk import Desk

pytestmark = pytest.mark.real_data
IBM, BAC, SPY = "IBM.XNYS", "BAC.XNYS", "SPY.ARCX"
VALUES = ("open", "high", "low", "close", "volume")
XNYS = load_calendar("XNYS")


class Day(NamedTuple):
    """A recorded day: bars the vendor has, and those that differ, as {start: {column: (vendor's, ours)}}."""

    name: str
    date: str
    bars: int
    minutes: dict[str, dict[str, tuple[float, float]]] = {}
    days: dict[str, dict[str, tuple[float, float]]] = {}
    all_prints: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """How many bars differ in each value when every print makes a price."""


DAYS = [
    # After the close and before the closing auction 3,040 shares were printed: the vendor's day has them.
    Day(IBM, "2013-10-07", 453, {}, {"13:30": {"volume": (3_908_081, 3_905_041)}}, (81, 75, 90, 75, 4)),
    # The opening auction printed in the second minute; the vendor left its 88,065 shares out of that minute. Its day
    # does not know prints that are in its own minutes.
    Day(
        IBM,
        "2013-10-08",
        424,
        {"13:31": {"volume": (19_705, 107_770)}},
        {"13:30": {"high": (181.92, 181.99), "volume": (5_410_064, 5_466_500)}},
        (82, 56, 76, 59, 4),
    ),
    # 330 shares of another exchange's closing cross: the vendor takes the listing exchange's auction only.
    Day(
        BAC,
        "2013-10-07",
        595,
        {"19:59": {"volume": (4_427_256, 4_427_586)}},
        {"13:30": {"volume": (62_286_611, 62_286_941)}},
        (14, 7, 6, 12, 3),
    ),
    # Arca reports its auctions in hundreds of parts: the vendor leaves them out. One print at an earlier price.
    Day(
        SPY,
        "2013-10-11",
        776,
        {
            "13:30": {"volume": (732_235, 953_596)},
            "19:59": {"volume": (2_579_730, 6_740_146)},
            "20:17": {"open": (170.42, 170.3), "low": (170.39, 170.3)},
        },
        {"13:30": {"volume": (88_751_455, 93_133_232)}},
        (33, 41, 52, 27, 3),
    ),
]
IDS = [f"{day.name} {day.date}" for day in DAYS]


@pytest.fixture(scope="module")
def desk(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("ticks"), WallClock())
    data = shared / "data"
    for name in ("ibm_20131007", "ibm_20131008", "bac_20131007", "spy_20131011"):
        opened.take(data / "ticks" / f"{name}_trade.parquet")
    for path in ("bars_minute/us_equity_trade", "bars_daily/lean_us_raw", "bars_second/spy_20131008_trade"):
        opened.take(data / f"{path}.parquet")
    yield opened
    opened.close()


def session_of(date: str) -> Session:
    session = XNYS.session(date)
    assert session is not None
    return session


def vendor(desk: Desk, day: Day, spec: str) -> BarColumns:
    session = session_of(day.date)
    return desk.store.reader.bars(day.name, parse_bar_spec(spec), start_ns=session.pre_open, end_ns=session.post_close)


def built(desk: Desk, day: Day, spec: str, prints: Prints = Prints.REGULAR) -> BarColumns:
    session = session_of(day.date)
    trades = desk.store.reader.trades(day.name, start_ns=session.pre_open, end_ns=session.post_close)
    return bars_of_trades(trades, parse_bar_spec(spec), XNYS, prints)


def differences(one: BarColumns, two: BarColumns) -> dict[str, dict[str, tuple[float, float]]]:
    """Bar by bar what is not the same; both have the same bars."""
    assert one.ts_event.tolist() == two.ts_event.tolist()
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for value in VALUES:
        ours, theirs = getattr(two, value), getattr(one, value)
        for place in np.flatnonzero(ours != theirs):
            start = str(np.datetime64(int(one.ts_event[place]), "ns"))[11:16]
            found.setdefault(start, {})[value] = (int(theirs[place]) / SCALE, int(ours[place]) / SCALE)
    return found


@pytest.mark.parametrize("day", DAYS, ids=IDS)
def test_minutes_are_the_vendors_and_each_exception_is_known(desk: Desk, day: Day) -> None:
    assert len(vendor(desk, day, "1m")) == day.bars
    assert differences(vendor(desk, day, "1m"), built(desk, day, "1m")) == day.minutes


@pytest.mark.parametrize("day", DAYS, ids=IDS)
def test_days_have_the_vendors_prices(desk: Desk, day: Day) -> None:
    assert differences(vendor(desk, day, "1d"), built(desk, day, "1d")) == day.days


@pytest.mark.parametrize("day", DAYS, ids=IDS)
def test_every_print_counted_is_another_bar_and_we_know_how_often(desk: Desk, day: Day) -> None:
    one, two = vendor(desk, day, "1m"), built(desk, day, "1m", Prints.ALL)
    assert tuple(int((getattr(one, each) != getattr(two, each)).sum()) for each in VALUES) == day.all_prints


@pytest.mark.parametrize("spec", ["5m", "15m", "30m", "1h"])
@pytest.mark.parametrize("day", DAYS, ids=IDS)
def test_longer_bars_are_the_vendors_minutes_put_together(desk: Desk, day: Day, spec: str) -> None:
    put_together = resample(vendor(desk, day, "1m"), parse_bar_spec(spec), XNYS)
    found = differences(put_together, built(desk, day, spec))
    assert len(found) <= len(day.minutes)
    prices = {value for each in found.values() for value in each} - {"volume"}
    assert not prices


def test_a_day_of_the_vendors_own_minutes_is_ours_where_its_day_is_not(desk: Desk) -> None:
    day = DAYS[1]
    put_together = resample(vendor(desk, day, "1m"), parse_bar_spec("1d"), XNYS)
    late_auction = 88_065
    found = differences(put_together, built(desk, day, "1d"))
    assert found == {"13:30": {"volume": (5_466_500 - late_auction, 5_466_500)}}


def test_minutes_of_the_vendors_seconds_have_its_minutes_prices(desk: Desk) -> None:
    day = Day(SPY, "2013-10-08", 828)
    found = differences(vendor(desk, day, "1m"), resample(vendor(desk, day, "1s"), parse_bar_spec("1m"), XNYS))
    assert len(vendor(desk, day, "1m")) == day.bars
    assert {value for each in found.values() for value in each} == {"volume"}
    assert len(found) == 33


def test_the_last_bars_of_several_sessions_are_found_from_the_end(desk: Desk) -> None:
    asked = BarsAsked(instrument="IBM", spec=parse_bar_spec("1m"), limit=500)
    found = built_bars(desk.store.reader, asked, Prints.REGULAR)
    both = [built(desk, day, "1m") for day in DAYS[:2]]
    assert found.ts_event.tolist() == [*both[0].ts_event.tolist(), *both[1].ts_event.tolist()][-500:]
    assert (found.source, found.tier) == ("ticks", "built from ticks")
