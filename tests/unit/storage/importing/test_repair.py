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
