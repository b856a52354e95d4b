"""Every file of recorded market data goes in or is refused with its reason, with exactly these counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import from_e8
from tests.unit.storage.importing.desk import Desk

pytestmark = pytest.mark.real_data
FOLDERS = ("bars_daily", "bars_hourly", "bars_minute", "bars_second", "ticks", "closes", "corporate_actions", "dirty")
D1 = BarSpec(1, "d")
OTHER_UNIT = "close is about … times the usual"
NO_NUMBER = "price is no number that fits"


class Case(NamedTuple):
    """A file, what it is, how many rows went in, and why the others did not."""

    path: str
    what: str
    added: int
    reasons: dict[str, int] = {}
    actions: int = 0
    options: dict[str, Any] = {}


SKENDER_BAD = {
    "open is not positive": 52,
    "open is missing": 51,
    "open has more than … decimals": 50,
    "the time can not be read": 50,
    "volume is no number that fits": 50,
    OTHER_UNIT: 50,
    "high … is below low …": 2,
    "high is not positive": 1,
    "low is not positive": 1,
    "volume is negative": 1,
    "high … is below open or close …": 1,
}
DJIA = {
    "low … is above open or close …": 65,
    "high … is below open or close …": 48,
    "open is missing": 17,
    "low is not positive": 1,
}
EARLY = {"… is older than its ticker by the map files": 910}
BERLIN = {"zone": "Europe/Berlin", "label": "end"}
REPAIR = "dirty/yahoo_repair"
CASES = [
    Case("corporate_actions/lean_map_files.csv", "maps", 12, actions=3),
    Case("corporate_actions/derived_events.csv", "actions", 425),
    Case("corporate_actions/lean_factor_files.csv", "factors", 425),
    Case("bars_daily/backtrader_yahoo.parquet", "bars 1d", 9_404),
    Case("bars_daily/crypto_btcusd_coinbase.parquet", "bars 1d", 1_318),
    Case("bars_daily/djia_2006_2017.parquet", "bars 1d", 63_284, DJIA),
    Case("bars_daily/fnspid_with_sentiment.parquet", "bars 1d", 54_439, {"high … is below open or close …": 1}),
    Case("bars_daily/fx_eurusd_quote.parquet", "quote-bars 1d", 2 * 3_738),
    Case("bars_daily/fx_gbpusd_quote.parquet", "quote-bars 1d", 2 * 3_738),
    Case("bars_daily/lean_us_raw.parquet", "bars 1d", 34_656, EARLY),
    Case("bars_daily/stocknet_2012_2017.parquet", "bars 1d", 52_835, {"open is missing": 1}),
    Case("bars_daily/yahoo_aapl_long.parquet", "bars 1d", 10_876),
    Case("bars_hourly/eurusd_2017.csv", "bars 1h", 5_000),
    Case("bars_hourly/lean_us_raw.parquet", "bars 1h", 122_476),
    Case("bars_minute/btcusd_quote.parquet", "quote-bars 1m", 2 * 7_188),
    Case("bars_minute/btcusd_trade.parquet", "bars 1m", 12_423),
    Case("bars_minute/ethusd_quote.parquet", "quote-bars 1m", 2 * 5_750),
    Case("bars_minute/ethusd_trade.parquet", "bars 1m", 5_329),
    Case("bars_minute/eurusd_quote.parquet", "quote-bars 1m", 2 * 18_184),
    Case("bars_minute/index_future_2006_local.parquet", "bars 1m", 30_889, options=BERLIN),
    Case("bars_minute/us_equity_quote.parquet", "quote-bars 1m", 2 * 15_175),
    Case("bars_minute/us_equity_trade.parquet", "bars 1m", 13_174),
    Case("bars_minute/usdjpy_ask_2013.parquet", "bars 1m", 28_761),
    Case("bars_minute/usdjpy_bid_2013.parquet", "bars 1m", 28_761),
    Case("bars_minute/xauusd_quote.parquet", "quote-bars 1m", 2 * 15_222),
    Case("bars_second/spy_20131008_trade.parquet", "bars 1s", 22_383),
    Case("ticks/bac_20131007_quote.parquet", "quotes", 476_855),
    Case("ticks/bac_20131007_trade.parquet", "trades", 88_172),
    Case("ticks/ibm_20131007_quote.parquet", "quotes", 109_067),
    Case("ticks/ibm_20131007_trade.parquet", "trades", 24_293),
    Case("ticks/ibm_20131008_quote.parquet", "quotes", 125_750),
    Case("ticks/ibm_20131008_trade.parquet", "trades", 33_381),
    Case("ticks/spy_20131011_trade.parquet", "trades", 285_605),
    Case("ticks/usdjpy_truefx_quotes.parquet", "quotes", 1_000),
    Case("ticks/xrp_eth_trades.parquet", "trades", 12_477),
    Case("closes/arch_vix.csv", "closes 1d", 1_259, {NO_NUMBER: 46}),
    Case("closes/arch_wti.csv", "closes 1d", 8_321, {NO_NUMBER: 290}),
    Case("closes/pypfopt_20.csv", "closes 1d", 20 * 7_126 - 35_589),
    Case("closes/pypfopt_spy.csv", "closes 1d", 6_765),
    Case("dirty/XRP_OLD-trades.json", "trades", 12_477),
    Case("dirty/skender_bad.csv", "bars 1d", 193, SKENDER_BAD),
    Case("dirty/skender_mismatch.csv", "bars 1d", 502),
    Case("dirty/skender_penny.csv", "bars 1d", 533),
    Case("dirty/skender_zeros.csv", "bars 1d", 0, {"open is not positive": 200}),
    Case(f"{REPAIR}/1398-HK-1d-bad-div-fixed.csv", "bars 1d", 647, {"open is missing": 1}, 3),
    Case(f"{REPAIR}/1398-HK-1d-bad-div.csv", "bars 1d", 647, {"open is missing": 1}, 3),
    Case(f"{REPAIR}/4063-T-1d-bad-stock-split-fixed.csv", "bars 1d", 22, actions=2),
    Case(f"{REPAIR}/4063-T-1d-bad-stock-split.csv", "bars 1d", 22, actions=2),
    Case(f"{REPAIR}/8TRA-DE-1d-missing-div-adjust-fixed.csv", "bars 1d", 5, actions=1),
    Case(f"{REPAIR}/8TRA-DE-1d-missing-div-adjust.csv", "bars 1d", 5, actions=1),
    Case(f"{REPAIR}/AET-L-1d-100x-error-fixed.csv", "bars 1d", 23),
    Case(f"{REPAIR}/AET-L-1d-100x-error.csv", "bars 1d", 14, {OTHER_UNIT: 9}),
    Case(f"{REPAIR}/ALPHA-PA-1d-bad-stock-split-fixed.csv", "bars 1d", 29, actions=1),
    Case(f"{REPAIR}/ALPHA-PA-1d-bad-stock-split.csv", "bars 1d", 28, {OTHER_UNIT: 1}, 1),
    Case(f"{REPAIR}/ASAI-L-1h-bad-unit-fixed.csv", "bars 1h", 20),
    Case(f"{REPAIR}/ASAI-L-1h-bad-unit.csv", "bars 1h", 19, {OTHER_UNIT: 1}),
    Case(f"{REPAIR}/CALM-1d-no-bad-divs.csv", "bars 1d", 662, actions=10),
    Case(f"{REPAIR}/CNE-L-1d-bad-stock-split-fixed.csv", "bars 1d", 10, actions=2),
    Case(f"{REPAIR}/CNE-L-1d-bad-stock-split.csv", "bars 1d", 10, actions=2),
    Case(f"{REPAIR}/DODFX-1d-cg-double-count-fixed.csv", "bars 1d", 502, actions=3),
    Case(f"{REPAIR}/DODFX-1d-cg-double-count.csv", "bars 1d", 502, actions=3),
    Case(f"{REPAIR}/EA-15m-no-bad-divs.csv", "bars 15m", 319, actions=1),
    Case(f"{REPAIR}/KAP-IL-1d-bad-div-fixed.csv", "bars 1d", 665, actions=3),
    Case(f"{REPAIR}/KAP-IL-1d-bad-div.csv", "bars 1d", 665, actions=4),
]
REFUSED = {
    "closes/spy_benchmark_returns.csv": "tell returns, not prices",
    "bars_minute/index_future_2006_local.parquet": "'ts_local_end' has no time zone",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One store that all files go into: listings first, as the cases stand."""
    opened = Desk(tmp_path_factory.mktemp("real"), WallClock())
    yield opened
    opened.close()


def test_no_file_is_left_out(shared: Path) -> None:
    files = {
        str(file.relative_to(shared / "data"))
        for folder in FOLDERS
        for file in (shared / "data" / folder).rglob("*")
        if file.is_file()
    }
    assert files == {case.path for case in CASES} | set(REFUSED)


@pytest.mark.parametrize("case", CASES, ids=[case.path for case in CASES])
def test_a_file_goes_in_with_exactly_these_counts(shared: Path, desk: Desk, case: Case) -> None:
    file = shared / "data" / case.path
    options = {"source": case.path.rpartition("/")[2].rpartition(".")[0].lower()[:30], **case.options}
    report = desk.take(file, **options)
    assert (report.what, report.added, report.reasons, report.actions) == (
        case.what, case.added, case.reasons, case.actions,
    )  # fmt: skip
    assert (report.corrected, report.unchanged, report.repeats) == (0, 0, 0)
    assert len(desk.refused(report)) == report.refused == sum(case.reasons.values())


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_no_price_or_has_no_zone_is_refused_as_a_whole(shared: Path, desk: Desk, path: str) -> None:
    with pytest.raises(InvalidValueError, match=REFUSED[path]):
        desk.plan(shared / "data" / path)


def test_the_same_files_again_add_nothing(shared: Path, desk: Desk) -> None:
    """Of each kind one; those that the cases have put in."""
    for path in ("bars_daily/djia_2006_2017.parquet", "ticks/ibm_20131007_trade.parquet", "closes/pypfopt_spy.csv"):
        name = path.rpartition("/")[2].rpartition(".")[0]
        report = desk.take(shared / "data" / path, source=name)
        assert (report.added, report.corrected) == (0, 0)
        assert report.unchanged == next(case.added for case in CASES if case.path == path)


def test_reused_tickers_are_apart_and_actions_are_exact(desk: Desk) -> None:
    reader = desk.store.reader
    old, new = (reader.bars(name, D1, source="lean_us_raw") for name in ("FB~1999.XNAS", "FB.XNAS"))
    assert (len(old), len(old) + len(new)) == (716, 2_947)
    actions = reader.actions("AAPL.XNAS", source="lean_factor_files")
    assert [(one.numerator, one.denominator) for one in actions if one.denominator != one.numerator] == [
        (2, 1), (2, 1), (7, 1), (4, 1),
    ]  # fmt: skip
    paid = {str(from_e8(one.amount_e8)) for one in actions if one.amount_e8}
    assert {"2.65", "3.05", "3.29", "0.47", "0.52"} <= paid
