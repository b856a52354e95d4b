"""A broker's own model prices, Greeks and implied volatilities, reproduced from its underlying prices.

What its files do not say was read out of them, and is said in docs/reference/options.md: times are UTC, options live to
16:00 in New York, the rate is 5.5 percent, and the index pays 2.96 points until 11 August 2023 and 8.20 until
1 September.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from stockpulse_engine.analytics.options.implied import Problem, implied_volatility
from stockpulse_engine.analytics.options.pricing import option_greeks, option_price
from stockpulse_engine.analytics.options.terms import Dividend, Style, Terms, make_terms

pytestmark = pytest.mark.real_data
Floats = npt.NDArray[np.float64]

RATE = 0.055
DAY_S = 86_400
INDEX_POINTS = {"SPX230811": 2.96, "SPX230901": 8.20}
TERMS = ("model_price", "model_impliedVol", "model_delta", "model_gamma", "model_vega", "model_theta")


class Told(NamedTuple):
    """What the broker says."""

    price: Floats
    volatility: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


def years(now: dt.datetime, expiry: dt.datetime) -> float:
    return (expiry - now).total_seconds() / DAY_S / 365


@pytest.fixture(scope="session")
def greeks_file(shared: Path) -> list[dict[str, str]]:
    with (shared / "data" / "expected" / "options" / "ib_greeks.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def contract(rows: list[dict[str, str]], name: str) -> tuple[Terms, Told]:
    """The rows of one contract, priced at the broker's volatility."""
    mine = [row for row in rows if row["contract"] == name]
    expiry = dt.datetime.strptime(name[3:9], "%y%m%d").replace(hour=20)  # noqa: DTZ007 - both moments are UTC
    moments = [dt.datetime.strptime(row["ts_new_york_naive"], "%Y%m%d %H:%M:%S.%f") for row in mine]  # noqa: DTZ007 - the same
    told = Told(*(np.array([float(row[field]) for row in mine]) for field in TERMS))
    spot = np.array([float(row["model_undPrice"]) for row in mine])
    times = [years(moment, expiry) for moment in moments]
    return make_terms(name[9] == "C", spot, int(name[10:]) / 1000, times, RATE, volatility=told.volatility), told


@pytest.mark.parametrize("name", ["SPX230811C04300000", "SPX230811P04500000", "SPX230901C04500000"])
def test_european_options_on_the_index(greeks_file: list[dict[str, str]], name: str) -> None:
    terms, told = contract(greeks_file, name)
    dividends = (Dividend(3 / 365, INDEX_POINTS[name[:9]]),)
    greeks = option_greeks(terms, Style.EUROPEAN, dividends)
    assert np.abs(option_price(terms, Style.EUROPEAN, dividends) - told.price).max() < 0.004, "of 18 to 230 points"
    assert np.abs(greeks.delta - told.delta).max() < 1e-4
    assert np.abs(greeks.gamma / told.gamma - 1).max() < 5e-4
    assert np.abs(greeks.vega / told.vega - 1).max() < 5e-4
    found = implied_volatility(told.price, terms, Style.EUROPEAN, dividends)
    assert np.abs(found.volatility - told.volatility).max() < 1e-4
    apart = np.abs(greeks.theta / told.theta - 1)
    assert np.sort(apart)[-3] < 0.005
    assert (apart > 0.005).sum() == (2 if name == "SPX230811C04300000" else 0), (
        "two thetas of the deep call are bounded there"
    )


@pytest.mark.parametrize(
    ("name", "price", "vega", "theta"),
    [("SPY230811C00430000", 0.006, 0.009, 0.009), ("SPY230811P00450000", 0.012, 0.005, 0.0015), ("SPY230901C00450000", 0.009, 0.003, 0.0005)],
)  # fmt: skip
def test_american_options_on_the_fund(
    greeks_file: list[dict[str, str]], name: str, price: float, vega: float, theta: float
) -> None:
    terms, told = contract(greeks_file, name)
    greeks = option_greeks(terms, Style.AMERICAN)
    assert np.abs(option_price(terms, Style.AMERICAN) - told.price).max() < price
    assert np.abs(greeks.delta - told.delta).max() < 0.001
    assert np.abs(greeks.gamma / told.gamma - 1).max() < 0.015
    assert np.abs(greeks.vega - told.vega).max() < vega
    assert np.abs(greeks.theta - told.theta).max() < theta
    found = implied_volatility(told.price, terms, Style.AMERICAN)
    assert np.abs(found.volatility - told.volatility).max() < 0.0015


@pytest.mark.parametrize(("is_call", "offset"), [(False, 0), (True, 1)], ids=["puts", "calls"])
def test_american_options_over_two_days(shared: Path, is_call: bool, offset: int) -> None:
    with (shared / "data" / "expected" / "options" / "american_third_party_1.csv").open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[3:]
    numbers = np.array([[float(text) for text in row[4:]] for row in rows])
    told = Told(*(numbers[:, 2 * i + offset] for i in range(6)))
    expiry = dt.datetime(2024, 2, 9, 21)  # noqa: DTZ001 - both moments are UTC
    times = [years(dt.datetime.strptime(row[3], "%d/%m/%Y %H:%M:%S"), expiry) for row in rows]  # noqa: DTZ007 - the same
    strike = np.array([float(row[2]) for row in rows])
    terms = make_terms(is_call, numbers[:, 12], strike, times, RATE, volatility=told.volatility)
    price, greeks = option_price(terms, Style.AMERICAN), option_greeks(terms, Style.AMERICAN)
    near = np.abs(strike / numbers[:, 12] - 1) < 0.012
    assert near.sum() == 10
    assert np.abs(price - told.price)[near].max() < 0.025
    assert np.abs(price - told.price).max() < 0.05
    assert np.abs(greeks.delta - told.delta).max() < 0.003
    assert np.abs(greeks.gamma - told.gamma).max() < 0.0016
    assert np.abs(greeks.vega - told.vega).max() < 0.01
    assert np.abs(greeks.theta - told.theta)[near].max() < 0.004
    assert np.abs(greeks.theta - told.theta).max() < 0.065
    found = implied_volatility(told.price, terms, Style.AMERICAN)
    assert (found.problem != Problem.NONE).sum() == (1 if not is_call else 0), "one deep put is worth its exercise"
    assert np.nanmax(np.abs(found.volatility - told.volatility)[near]) < 0.003
