"""Another library's expected values are ours, from the row on and as closely as the table of cases says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from stockpulse_engine.indicators.own.bricks import renko_bricks
from stockpulse_engine.indicators.registry import compute, parse_study
from tests.unit.indicators.expected import (
    APART,
    LEAN,
    LEAN_APART,
    SKENDER,
    Case,
    FloatArray,
    check,
    lean_series,
    skender_series,
    table,
)

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="session")
def skender(shared: Path) -> Path:
    return shared / "data" / "expected" / "indicators" / "skender"


@pytest.fixture(scope="session")
def lean(shared: Path) -> Path:
    return shared / "data" / "expected" / "indicators" / "lean"


def said(directory: Path, line: str, output: str = "real") -> FloatArray:
    return compute(parse_study(line), *skender_series(directory, "bars"))[output]


@pytest.mark.parametrize("case", SKENDER, ids=lambda case: case.column)
def test_first_library(skender: Path, case: Case) -> None:
    file, _, column = case.column.partition(".")
    found = compute(parse_study(case.line), *skender_series(skender, case.reads))
    check(case, table(skender / f"{file}.csv").column(column), found[case.output])


@pytest.mark.parametrize("case", LEAN, ids=lambda case: case.column)
def test_second_library(lean: Path, case: Case) -> None:
    file, _, column = case.column.partition(".")
    bars = table(lean / f"{file}.csv")
    check(case, bars.column(column), compute(parse_study(case.line), *lean_series(bars))[case.output])


@pytest.mark.parametrize(("name", "rows", "apart"), [("skender", SKENDER, APART), ("lean", LEAN, LEAN_APART)])
def test_every_column_of_every_file_is_compared_or_said_to_be_apart(
    shared: Path, name: str, rows: tuple[Case, ...], apart: dict[str, dict[str, str]]
) -> None:
    directory = shared / "data" / "expected" / "indicators" / name
    known = {case.column for case in rows} | {f"{file}.{column}" for file, names in apart.items() for column in names}
    for path in sorted(directory.glob("*.csv")):
        if path.stem == "spy_candle_patterns":
            continue
        bars = {"input_default", "input_compare"}
        found = set(table(path).names) if path.stem in bars else table(path).compared()
        missing = sorted(column for column in found if f"{path.stem}.{column}" not in known)
        assert not missing, f"{path.stem}: {missing}"


def test_the_page_names_every_file(shared: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "indicators.md").read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
    files = {path.stem for path in (shared / "data" / "expected" / "indicators").glob("*/*.csv")}
    assert len(files) == 83
    assert files <= rows, sorted(files - rows)


# -- what needs a sentence of its own


def test_adxr_looks_back_one_bar_further_there(skender: Path) -> None:
    file = table(skender / "adx.csv")
    adx, adxr = file.column("adx"), file.column("adxr")
    assert np.nanmax(np.abs(adxr[14:] - (adx[14:] + adx[:-14]) / 2)) < 1e-12
    ours = said(skender, "adx 14")
    assert np.nanmax(np.abs(said(skender, "adxr 14")[13:] - (ours[13:] + ours[:-13]) / 2)) < 1e-12


def test_aroon_takes_the_latest_of_equal_extremes_and_they_the_first(skender: Path) -> None:
    opened, high, low, *_ = skender_series(skender, "bars")
    assert opened.shape == high.shape
    file = table(skender / "aroon.csv")
    for name, output, prices in (("aroonUp", "aroonup", high), ("aroonDown", "aroondown", -low)):
        apart = np.flatnonzero(np.abs(file.column(name) - said(skender, "aroon 25", output)) > 1e-9)
        for row in apart:
            window = prices[row - 25 : row + 1]
            assert (window == window.max()).sum() > 1, f"{name}: row {row} has no tie"
        assert len(apart) == 1


def test_balance_of_power_is_smoothed_there(skender: Path) -> None:
    ours = said(skender, "bop")
    smooth = np.array([ours[at - 13 : at + 1].mean() if at >= 13 else math.nan for at in range(len(ours))])
    check(Case("bop.bop", "bop", near=1e-12), table(skender / "bop.csv").column("bop"), smooth)


def test_obv_starts_at_the_first_volume_here_and_at_nothing_there(skender: Path) -> None:
    first = skender_series(skender, "bars")[4][0]
    assert np.array_equal(said(skender, "obv") - first, table(skender / "obv.csv").column("obv"))


def test_dominant_cycle_is_cut_to_whole_bars_there(skender: Path) -> None:
    bars = skender_series(skender, "median")
    ours = compute(parse_study("ht_dcperiod"), *bars)["real"][250:]
    assert np.array_equal(table(skender / "htl.csv").column("dcPeriods")[250:], np.floor(ours + 0.5))


def test_fractals_are_told_when_they_are_sure(skender: Path) -> None:
    _, high, low, *_ = skender_series(skender, "bars")
    for column, output, prices in (("fractalBear", "swinghigh", high), ("fractalBull", "swinglow", low)):
        theirs = table(skender / "fractal.csv").column(column)
        flags = said(skender, "fractal 2 2", output)
        rows = np.flatnonzero(flags)
        assert np.array_equal(np.flatnonzero(np.isfinite(theirs)), rows - 2)
        assert np.array_equal(theirs[rows - 2], prices[rows - 2])


@pytest.mark.parametrize(("file", "line"), [("doji", "dojipct 0.1"), ("marubozu", "marubozupct 95")])
def test_candles_by_percent(skender: Path, file: str, line: str) -> None:
    theirs = table(skender / f"{file}.csv").column("match")
    assert np.array_equal(np.sign(said(skender, line, "integer")) * np.sign(np.abs(theirs)), np.sign(theirs))
    assert np.array_equal(said(skender, line, "integer") != 0, theirs != 0)
    assert (theirs != 0).sum() > 5


@pytest.mark.parametrize("file", ["renko", "renko-atr"])
def test_renko_bricks(skender: Path, file: str) -> None:
    bars = skender_series(skender, "bars")
    size = 1.0 if file == "renko" else float(said(skender, "atr 14")[-1])
    bricks = renko_bricks(zip(*(values.tolist() for values in bars[1:5]), strict=True), size)
    theirs = table(skender / f"{file}.csv")
    assert len(bricks) == len(theirs.rows)
    for name in ("open", "high", "low", "close", "volume"):
        ours = np.array([getattr(brick, name) for brick in bricks])
        assert np.allclose(ours, theirs.column(name), rtol=1e-12, atol=0), name
    assert [brick.is_up for brick in bricks] == [text == "true" for text in theirs.text("isUp")]
    dates = table(skender / "input_default.csv").text("date")
    assert [dates[brick.bar] for brick in bricks] == [text[:10] for text in theirs.text("timestamp")]


def test_candle_patterns(lean: Path) -> None:
    bars = table(lean / "spy_candle_patterns.csv")
    series = lean_series(bars)
    names = [name for name in bars.names if name.startswith("CDL")]
    assert len(names) == 61
    apart: dict[str, int] = {}
    for name in names:
        ours = compute(parse_study(name), *series)["integer"]
        theirs = bars.column(name)
        sure = np.isfinite(theirs) & np.isfinite(ours)
        sure[:11] = False  # they begin with no candle, and so with no average body
        apart[name] = int((ours[sure] != theirs[sure]).sum())
    assert {name: count for name, count in apart.items() if count} == {"CDLHARAMI": 1}


def test_their_simple_average_of_the_true_range(lean: Path) -> None:
    bars = table(lean / "spy_atr.csv")
    ranges = compute(parse_study("trange"), *lean_series(bars))["real"]
    smooth = np.array([ranges[at - 13 : at + 1].mean() if at >= 14 else math.nan for at in range(len(ranges))])
    check(Case("spy_atr", "atr", near=1e-5), bars.column("Average True Range 14"), smooth)


def test_their_band_width_is_in_percent(lean: Path) -> None:
    bars = table(lean / "spy_bollinger_bands.csv")
    ours = 100 * compute(parse_study("bandwidth 20"), *lean_series(bars))["real"]
    check(Case("spy_bollinger_bands", "bandwidth", near=2e-4), bars.column("BandWidth"), ours)


def test_their_other_rsi_has_simple_averages(lean: Path) -> None:
    bars = table(lean / "spy_with_indicators.csv")
    change = np.diff(bars.price("close"), prepend=math.nan)
    theirs, rows = bars.column("RSI 14"), range(15, len(change))
    for row in rows:
        window = change[row - 13 : row + 1]
        up, down = window[window > 0].sum(), -window[window < 0].sum()
        assert theirs[row] == pytest.approx(100 * up / (up + down), abs=5e-4)


def test_their_obv_of_the_index_counts_from_the_first_change(lean: Path) -> None:
    bars = table(lean / "spy_with_indicators.csv")
    theirs = bars.column("OBV")
    moves = np.sign(np.diff(bars.price("close")))[1:]
    assert (
        np.sign(np.diff(theirs[1:])) == moves
    ).mean() > 0.99  # no volume in the file: only the direction can be held


def test_their_rma_is_three_simple_averages(lean: Path) -> None:
    """Their relative moving average has only the name in common; the columns SMA5 and SMA15 are named in reverse."""
    bars = table(lean / "spy_with_rma.csv")
    series = lean_series(bars)
    averages = {n: compute(parse_study(f"sma {n}"), *series)["real"] for n in (5, 10, 15)}
    for name, ours in (("SMA15", averages[5]), ("SMA10", averages[10]), ("SMA5", averages[15])):
        check(Case(name, "sma", first=14, near=1e-5), bars.column(name), ours)
    check(Case("RMA5", "sma", first=14, near=1e-5), bars.column("RMA5"), averages[15] - averages[10] + averages[5])
