"""The volatility a price implies is found wherever there is one, and where there is none it says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from stockpulse_engine.analytics.options.implied import Problem, implied_volatility
from stockpulse_engine.analytics.options.pricing import option_greeks, option_price
from stockpulse_engine.analytics.options.terms import Dividend, Style, Terms, make_terms


@st.composite
def options(draw: st.DrawFn) -> Terms:
    """One option with a volatility from quiet to wild."""
    return make_terms(
        draw(st.booleans()),
        draw(st.floats(0.01, 5_000)),
        1.0,
        draw(st.floats(1 / 365, 4)),
        draw(st.floats(-0.02, 0.15)),
        dividend_yield=draw(st.floats(0, 0.1)),
        volatility=draw(st.floats(0.01, 4.0)),
    )._replace(strike=np.array([draw(st.floats(0.005, 8_000))]))


FLAT = Terms(
    is_call=np.array([True]),
    spot=np.array([1142.0]),
    strike=np.array([3289.0]),
    years=np.array([0.3125]),
    rate=np.array([0.0]),
    dividend_yield=np.array([0.0]),
    volatility=np.array([1.0]),
)
"""So far out of the money that Newton's first step is beyond all numbers."""


@given(options())
@example(FLAT)
def test_a_european_price_gives_its_volatility_back(option: Terms) -> None:
    price = option_price(option)
    found = implied_volatility(price, option._replace(volatility=np.zeros(1)))
    vega = 100 * float(option_greeks(option).vega[0])
    scale = float(max(option.spot[0], option.strike[0]))  # a price is known no better than its largest part
    if found.problem[0] != Problem.NONE:
        assert float(price[0] - _least(option)) < 1e-9 * scale or vega < 1e-6 * scale
        return
    assert option_price(option._replace(volatility=found.volatility))[0] == pytest.approx(price[0], abs=1e-10 * scale)
    assume(vega > 1e-4 * scale)
    assert found.volatility[0] == pytest.approx(option.volatility[0], rel=1e-7)


def _least(option: Terms) -> float:
    return float(option_price(option._replace(volatility=np.zeros(1)))[0])


STILL = FLAT._replace(
    is_call=np.array([False]),
    spot=np.ones(1),
    strike=np.ones(1),
    years=np.array([0.00273973]),
    rate=np.array([0.04882812]),
)
"""So near its end that the lowest volatility moves no lattice."""


@given(options())
@example(STILL)
def test_an_american_price_gives_its_volatility_back(option: Terms) -> None:
    price = option_price(option, Style.AMERICAN, steps=25)
    assume(price[0] > option.intrinsic()[0] * (1 + 1e-6) + 1e-6 * option.spot[0])
    assume(option.volatility[0] > 0.05)
    found = implied_volatility(price, option, Style.AMERICAN, steps=25)
    assume(found.problem[0] == Problem.NONE)
    again = option_price(option._replace(volatility=found.volatility), Style.AMERICAN, steps=25)
    assert again[0] == pytest.approx(price[0], abs=1e-7 * float(option.spot[0] + option.strike[0]))


def test_the_whole_smile_at_once() -> None:
    strikes = np.linspace(60, 150, 91)
    smile = 0.2 + 0.3 * (np.log(strikes / 100)) ** 2
    for style in Style:
        chain = make_terms(strikes > 100, 100, strikes, 0.3, 0.05, dividend_yield=0.01, volatility=smile)
        found = implied_volatility(option_price(chain, style), chain, style)
        assert (found.problem == Problem.NONE).all()
        assert np.abs(found.volatility - smile).max() < 1e-7


def test_cash_dividends_are_heeded() -> None:
    call = make_terms(True, 100, 95, 0.5, 0.04, volatility=0.27)
    dividends = (Dividend(0.1, 1.0), Dividend(0.35, 1.0))
    for style in Style:
        price = option_price(call, style, dividends)
        assert implied_volatility(price, call, style, dividends).volatility[0] == pytest.approx(0.27, abs=1e-8)
        without = implied_volatility(price, call, style)
        assert without.problem[0] != Problem.NONE or without.volatility[0] < 0.25


@pytest.mark.parametrize(
    ("is_call", "style", "price", "problem"),
    [(True, Style.EUROPEAN, 13.0, Problem.TOO_LOW), (True, Style.EUROPEAN, 100.0, Problem.TOO_HIGH),
     (True, Style.EUROPEAN, 0.0, Problem.TOO_LOW), (True, Style.EUROPEAN, -1.0, Problem.TOO_LOW),
     (False, Style.EUROPEAN, 0.0, Problem.NO_TIME_VALUE), (False, Style.EUROPEAN, 88.0, Problem.TOO_HIGH),
     (True, Style.AMERICAN, 9.99, Problem.TOO_LOW), (True, Style.AMERICAN, 100.0, Problem.TOO_HIGH),
     (False, Style.AMERICAN, 90.0, Problem.TOO_HIGH), (False, Style.AMERICAN, 0.0, Problem.NO_TIME_VALUE)],
)  # fmt: skip
def test_what_no_volatility_explains_says_why(is_call: bool, style: Style, price: float, problem: Problem) -> None:
    option = make_terms(is_call, 100, 90, 1.0, 0.05)
    found = implied_volatility(price, option, style)
    assert found.problem[0] == problem
    assert math.isnan(found.volatility[0])
    assert Problem(int(found.problem[0])).words


def test_an_american_put_that_is_exercised_at_once_has_no_volatility() -> None:
    put = make_terms(False, 50, 100, 1.0, 0.1)
    assert implied_volatility(50.0, put, Style.AMERICAN).problem[0] == Problem.NO_TIME_VALUE
    assert implied_volatility(49.9, put, Style.AMERICAN).problem[0] == Problem.TOO_LOW
    assert implied_volatility(55.0, put, Style.AMERICAN).problem[0] == Problem.NONE


def test_an_option_without_time_has_none_either() -> None:
    for style in Style:
        assert implied_volatility(5.0, make_terms(True, 100, 95, 0.0), style).problem[0] == Problem.EXPIRED


def test_good_and_bad_prices_lie_side_by_side() -> None:
    chain = make_terms(True, 100, [90, 95, 100, 105], 0.5, 0.02)
    for style in Style:
        found = implied_volatility([5.0, 9.0, 6.0, 101.0], chain, style)
        assert found.problem.tolist() == [Problem.TOO_LOW, Problem.NONE, Problem.NONE, Problem.TOO_HIGH]
        assert np.isfinite(found.volatility).tolist() == [False, True, True, False]
