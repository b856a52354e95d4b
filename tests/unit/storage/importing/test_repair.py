"""Yahoo's known errors put right, judged by what a peer makes of the same files; what is right stays as it is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.storage.importing.mapping import Remembered
from stockpulse_engine.storage.importing.plan import ImportOptions, plan_import
from stockpulse_engine.storage.importing.repair import repaired
from stockpulse_engine.storage.importing.table import Table
from tests.unit.storage.importing.desk import HEAD, Desk, minute

UNIT, SPLIT = "price in another unit", "split not (or twice) adjusted"
MISSING, GAINS, TWICE = "dividend missing in the adjusted close", "capital gains counted twice", "dividend told twice"
CASES = [
    ("AET-L-1d-100x-error", {UNIT: 14}),
    ("ASAI-L-1h-bad-unit", {UNIT: 1}),
    ("4063-T-1d-bad-stock-split", {SPLIT: 9}),
    ("ALPHA-PA-1d-bad-stock-split", {SPLIT: 1}),
    ("CNE-L-1d-bad-stock-split", {SPLIT: 1}),
    ("8TRA-DE-1d-missing-div-adjust", {MISSING: 1}),
    ("1398-HK-1d-bad-div", {MISSING: 1}),
    ("KAP-IL-1d-bad-div", {TWICE: 1}),
    ("DODFX-1d-cg-double-count", {GAINS: 1}),
    ("CALM-1d-no-bad-divs", {}),
    ("EA-15m-no-bad-divs", {}),
]
CLOSE = 2e-6
"""The peer rounds what it writes."""


def mended(file: Path, nowhere: Path) -> Table:
    table, plan = plan_import(file, ImportOptions(), Remembered(nowhere / "mappings.json"))
    return repaired(table, plan)


def numbers(table: Table, name: str) -> list[float]:
    return table.columns([name])[name].cast(pl.Float64, strict=False).fill_null(-1.0).to_list()


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "counts"), CASES, ids=[name for name, _ in CASES])
def test_a_peers_repair_is_ours(shared: Path, tmp_path: Path, name: str, counts: dict[str, int]) -> None:
    place = shared / "data/dirty/yahoo_repair"
    found = mended(place / f"{name}.csv", tmp_path)
    fixed = place / f"{name}-fixed.csv"
    wanted = Table(fixed if fixed.exists() else place / f"{name}.csv")
    assert found.repaired == counts
    for column in found.names[1:]:
        assert numbers(found, column) == pytest.approx(numbers(wanted, column), rel=CLOSE), column


@pytest.mark.real_data
@pytest.mark.parametrize("name", [name for name, counts in CASES if counts])
def test_what_is_right_already_stays(shared: Path, tmp_path: Path, name: str) -> None:
    assert mended(shared / f"data/dirty/yahoo_repair/{name}-fixed.csv", tmp_path).repaired == {}


@pytest.mark.real_data
def test_a_dividend_in_the_shares_before_its_split_is_told_in_those_after(shared: Path, tmp_path: Path) -> None:
    place = shared / "contracts/yahoo/price_repair"
    found, wanted = mended(place / "4063-T-1d-bad-div.csv", tmp_path), Table(place / "4063-T-1d-bad-div-fixed.csv")
    assert found.repaired == {"dividend in the shares before its split": 1}
    for column in found.names[1:]:
        assert numbers(found, column) == pytest.approx(numbers(wanted, column), rel=CLOSE), column


@pytest.mark.real_data
def test_repaired_bars_go_in_as_printed(shared: Path, desk: Desk) -> None:
    """Before its split of 5 for 1 the share stood at 20,710: stored so, whatever the file has of it."""
    file = shared / "data/dirty/yahoo_repair/4063-T-1d-bad-stock-split.csv"
    report = desk.take(file, repair=True)
    assert (report.added, report.refused, report.repaired) == (22, 0, {SPLIT: 9})
    closes = {bar.close for bar in desk.store.reader.bars("4063.XXXX", BarSpec(1, "d")).to_bars()}
    assert {20710, 21030, 4161} <= closes
    assert desk.splits("4063.XXXX") == [(5, 1)]


def test_without_asking_nothing_is_repaired(desk: Desk) -> None:
    lines = [HEAD, *(minute(number, 50.0) for number in range(9)), minute(9, 0.5)]
    assert (desk.take_lines(lines).refused, desk.take_lines(lines, repair=True).repaired) == (1, {UNIT: 1})


def test_only_bars_are_repaired(desk: Desk) -> None:
    with pytest.raises(InvalidValueError, match="only bars"):
        desk.take_lines(["ts,price,size", "1381132800000,1,1"], "ibm.csv", repair=True)


@pytest.mark.real_data
def test_a_split_that_yahoo_applied_days_late_is_applied_on_its_day(shared: Path, tmp_path: Path) -> None:
    place = shared / "contracts/yahoo/price_repair"
    found = mended(place / "SPM-MI-1d-bad-stock-split.csv", tmp_path)
    wanted = Table(place / "SPM-MI-1d-bad-stock-split-fixed.csv")
    assert found.repaired == {"split applied on a later day": 13}
    for column in found.names[1:]:
        assert numbers(found, column) == pytest.approx(numbers(wanted, column), rel=CLOSE), column
    assert mended(place / "SPM-MI-1d-bad-stock-split-fixed.csv", tmp_path).repaired == {}


YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits"
PENCE = "dividend in another unit"


def paying(dividend: float, believed: float, opened: float) -> list[str]:
    """Five days around an ex-date at 28: what the dividend's cell says, what the adjusted close makes of it, the open."""
    before = [f"2022-02-{day},28,28,28,28,{28 * (1 - believed / 28)},1000,0,0" for day in (14, 15, 16)]
    after = [f"2022-02-{day},{opened},{opened},{opened},{opened},{opened},1000,0,0" for day in (18, 21)]
    return [YAHOO, *before, f"2022-02-17,{opened},{opened},{opened},{opened},{opened},1000,{dividend},0", *after]


@pytest.mark.parametrize("believed", [0.0753, 7.53, 0.0], ids=["known better", "believed", "left out"])
def test_a_dividend_in_pence_beside_pounds_is_told_in_pounds(desk: Desk, tmp_path: Path, believed: float) -> None:
    file = desk.write("PSH-L.csv", paying(7.53, believed, 27.9))
    found = mended(file, tmp_path)
    assert found.repaired[PENCE] == 1
    assert numbers(found, "Dividends") == pytest.approx([0, 0, 0, 0.0753, 0, 0])
    assert numbers(found, "Adj Close")[0] == pytest.approx(28 - 0.0753)


def test_a_large_dividend_that_the_price_followed_stays(desk: Desk, tmp_path: Path) -> None:
    assert mended(desk.write("SPECIAL.csv", paying(7.53, 7.53, 20.4)), tmp_path).repaired == {}
