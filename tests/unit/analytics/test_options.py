"""Options: what they are worth, how that changes, and what must hold between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stockpulse_engine.analytics.options.american import american_greeks, american_price
from stockpulse_engine.analytics.options.european import cdf, european_greeks, european_price
from stockpulse_engine.analytics.options.pricing import option_greeks, option_price
from stockpulse_engine.analytics.options.terms import Dividend, Style, Terms, make_terms
from stockpulse_engine.domain.errors import InvalidValueError

STEP = 1e-4
"""Relative move of a finite difference."""


@st.composite
def options(draw: st.DrawFn, least_years: float = 0.02) -> Terms:
    """One option, call or put, that has some life in it."""
    return make_terms(
        draw(st.booleans()),
        100.0,
        draw(st.floats(60, 160)),
        draw(st.floats(least_years, 3)),
        draw(st.floats(-0.02, 0.12)),
        dividend_yield=draw(st.floats(0, 0.08)),
        volatility=draw(st.floats(0.08, 0.9)),
    )


def one(values: object) -> float:
    """The value of the one option."""
    return float(np.asarray(values)[0])


def moved(terms: Terms, **changes: float) -> Terms:
    """The option with something else, as a number."""
    return terms._replace(**{name: np.array([value]) for name, value in changes.items()})


# -- European


@pytest.mark.parametrize(
    ("is_call", "terms", "price"),
    [(True, (42, 40, 0.5, 0.1, 0.0, 0.2), 4.7594), (False, (42, 40, 0.5, 0.1, 0.0, 0.2), 0.8086),
     (True, (930, 900, 2 / 12, 0.08, 0.03, 0.2), 51.83), (False, (50, 50, 5 / 12, 0.1, 0.0, 0.4), 4.0760)],
)  # fmt: skip
def test_european_prices_of_the_textbook(is_call: bool, terms: tuple[float, ...], price: float) -> None:
    spot, strike, years, rate, dividend_yield, volatility = terms
    option = make_terms(is_call, spot, strike, years, rate, dividend_yield=dividend_yield, volatility=volatility)
    assert one(european_price(option)) == pytest.approx(price, abs=10 ** -len(str(price).split(".")[1]))


@given(options())
def test_put_call_parity(option: Terms) -> None:
    other = option._replace(is_call=~option.is_call)
    call, put = (option, other) if option.is_call[0] else (other, option)
    forward = option.spot * np.exp(-option.dividend_yield * option.years)
    strike = option.strike * np.exp(-option.rate * option.years)
    assert one(european_price(call) - european_price(put)) == pytest.approx(one(forward - strike), abs=1e-11)


@given(options())
def test_european_greeks_are_the_slopes_of_the_price(option: Terms) -> None:
    greeks = european_greeks(option)

    def slope(name: str, step: float) -> float:
        value = one(getattr(option, name))
        above, below = moved(option, **{name: value + step}), moved(option, **{name: value - step})
        return one(european_price(above) - european_price(below)) / (2 * step)

    assert one(greeks.delta) == pytest.approx(slope("spot", 100 * STEP), abs=1e-6)
    assert one(greeks.vega) == pytest.approx(slope("volatility", STEP) / 100, abs=1e-6)
    assert one(greeks.rho) == pytest.approx(slope("rate", STEP) / 100, abs=1e-6)
    assert one(greeks.theta) == pytest.approx(-slope("years", STEP / 10) / 365, abs=1e-5)
    spots = [moved(option, spot=100.0 + move) for move in (-0.02, 0.0, 0.02)]
    low, here, high = (one(european_price(near)) for near in spots)
    assert one(greeks.gamma) == pytest.approx((high - 2 * here + low) / 0.02**2, abs=1e-5)


def test_greeks_with_cash_dividends_are_the_slopes_too() -> None:
    option = make_terms(True, 100, 95, 0.7, 0.05, volatility=0.25)
    dividends = (Dividend(0.2, 1.5), Dividend(0.45, 1.5), Dividend(2.0, 9.0))
    greeks = european_greeks(option, dividends)
    up, down = (one(european_price(moved(option, rate=0.05 + move), dividends)) for move in (1e-5, -1e-5))
    assert one(greeks.rho) == pytest.approx((up - down) / 2e-5 / 100, abs=1e-7)
    day = 1e-5
    sooner = tuple(Dividend(years - day, amount) for years, amount in dividends)
    later = one(european_price(moved(option, years=0.7 - day), sooner))
    assert one(greeks.theta) == pytest.approx((later - one(european_price(option, dividends))) / day / 365, abs=1e-5)


def test_nothing_left_to_chance_is_what_is_certain() -> None:
    for is_call in (True, False):
        over = make_terms(is_call, 100, [90, 100, 110], 0.0, 0.05, volatility=0.3)
        assert np.array_equal(european_price(over), over.intrinsic())
        assert np.array_equal(american_price(over), over.intrinsic())
        still = make_terms(is_call, 100, [90, 100, 110], 1.0, 0.05, volatility=0.0)
        certain = np.maximum(still.sign * (100 - still.strike * math.exp(-0.05)), 0)
        assert np.allclose(european_price(still), certain, atol=1e-12)
        assert np.allclose(american_price(still), np.maximum(certain, still.intrinsic()), atol=1e-12)
        for greeks in (
            *european_greeks(over),
            *european_greeks(still),
            *american_greeks(over),
            *american_greeks(still),
        ):
            assert np.isfinite(greeks).all()


def test_the_normal_distribution_keeps_its_digits_far_out() -> None:
    assert one(cdf(np.array([-38.0]))) == pytest.approx(2.885428e-316, rel=1e-5)
    assert one(cdf(np.array([-10.0]))) == pytest.approx(7.619853024160527e-24, rel=1e-13)
    assert one(cdf(np.array([math.inf]))) == 1.0
    assert one(cdf(np.array([0.0]))) == 0.5


# -- American

GESKE_JOHNSON = {
    (35, 0.2): (0.0062, 0.2004, 0.4328), (40, 0.2): (0.8522, 1.5798, 1.9904), (45, 0.2): (5.0, 5.0883, 5.2670),
    (35, 0.3): (0.0774, 0.6975, 1.2198), (40, 0.3): (1.3099, 2.4825, 3.1696), (45, 0.3): (5.0597, 5.7056, 6.2436),
    (35, 0.4): (0.2466, 1.3460, 2.1549), (40, 0.4): (1.7681, 3.3874, 4.3526), (45, 0.4): (5.2868, 6.5099, 7.3830),
}  # fmt: skip
"""American puts at a spot of 40 and 4.88 percent, by strike and volatility, for 1, 4 and 7 months."""


@pytest.mark.parametrize(("kind", "prices"), GESKE_JOHNSON.items(), ids=str)
def test_american_puts_of_the_literature(kind: tuple[int, float], prices: tuple[float, ...]) -> None:
    strike, volatility = kind
    puts = make_terms(False, 40, strike, [1 / 12, 4 / 12, 7 / 12], 0.0488, volatility=volatility)
    assert np.allclose(american_price(puts), prices, atol=6e-4)


@given(options())
def test_an_american_option_is_worth_a_european_one_and_its_exercise(option: Terms) -> None:
    american = one(american_price(option, steps=51))
    assert american >= one(european_price(option))
    assert american >= one(option.intrinsic())
    limit = option.spot if option.is_call[0] else option.strike * np.exp(np.maximum(-option.rate * option.years, 0))
    assert american <= one(limit) + 1e-9


@given(options())
def test_a_call_without_dividends_is_never_exercised_early(option: Terms) -> None:
    call = option._replace(is_call=np.array([True]), dividend_yield=np.array([0.0]), rate=np.abs(option.rate))
    assert one(american_price(call)) == pytest.approx(one(european_price(call)), abs=2e-3)


@given(options())
def test_the_lattice_without_early_exercise_is_the_closed_form(option: Terms) -> None:
    assert one(american_price(option, is_early=False)) == pytest.approx(one(european_price(option)), abs=2e-3)


def test_both_lattices_go_to_the_same_value() -> None:
    puts = make_terms(False, 100, [80, 95, 100, 105, 130], 0.75, 0.06, dividend_yield=0.02, volatility=0.3)
    fine = american_price(puts, steps=1501)
    for steps, apart in ((201, 0.03), (801, 0.008)):
        assert np.abs(american_price(puts, steps=steps, method="crr") - fine).max() < apart
        assert np.abs(american_price(puts, steps=steps) - fine).max() < apart / 20


@pytest.mark.parametrize("style", list(Style))
@given(option=options(0.05), more=st.floats(0.01, 0.3))
def test_values_move_the_way_they_must(style: Style, option: Terms, more: float) -> None:
    def worth(terms: Terms) -> float:
        return one(option_price(terms, style, steps=101))

    near, base, sign = 2e-3, worth(option), 1 if option.is_call[0] else -1
    assert worth(moved(option, volatility=one(option.volatility) + more)) >= base - near
    assert sign * (worth(moved(option, spot=100 * (1 + more))) - base) >= -near
    assert sign * (worth(moved(option, strike=one(option.strike) * (1 + more))) - base) <= near
    if style is Style.AMERICAN:
        assert worth(moved(option, years=one(option.years) + more)) >= base - near


@settings(max_examples=15)
@given(options(0.1))
def test_american_greeks_are_the_slopes_of_the_price(option: Terms) -> None:
    assume(one(american_price(option) - option.intrinsic()) > 0.5)  # where exercise begins, gamma jumps
    rough, fine = american_greeks(option), american_greeks(option, steps=401)
    assert one(rough.delta) == pytest.approx(one(fine.delta), abs=3e-3)
    assert one(rough.gamma) == pytest.approx(one(fine.gamma), abs=1e-3)
    assert one(rough.vega) == pytest.approx(one(fine.vega), abs=4e-3)
    assert one(rough.theta) == pytest.approx(one(fine.theta), abs=2e-3)
    assert one(rough.rho) == pytest.approx(one(fine.rho), abs=1e-2)
    reach = 10 * one(option.volatility) * math.sqrt(one(option.years))
    above, below = (one(american_price(moved(option, spot=100 + move), steps=401)) for move in (reach, -reach))
    assert one(fine.delta) == pytest.approx((above - below) / (2 * reach), abs=0.02)


def test_where_early_exercise_is_worth_nothing_both_styles_have_the_same_greeks() -> None:
    calls = make_terms(True, 100, [80, 100, 125], 0.5, 0.04, volatility=0.3)
    for american, european in zip(american_greeks(calls), european_greeks(calls), strict=True):
        assert np.allclose(american, european, atol=5e-4)


# -- cash dividends


def test_cash_dividends_come_off_the_spot() -> None:
    option = make_terms(True, 40, 40, 0.5, 0.09, volatility=0.3)
    dividends = (Dividend(2 / 12, 0.5), Dividend(5 / 12, 0.5))
    assert one(european_price(option, dividends)) == pytest.approx(3.67, abs=0.005)
    beyond = (*dividends, Dividend(0.6, 5.0), Dividend(-0.1, 5.0))
    assert one(european_price(option, beyond)) == one(european_price(option, dividends))


def test_a_call_is_exercised_just_before_a_large_dividend() -> None:
    option = make_terms(True, 100, 80, 0.5, 0.03, volatility=0.15)
    dividends = (Dividend(0.25, 10.0),)
    american = one(american_price(option, dividends, steps=501))
    before = make_terms(True, 100, 80, 0.25, 0.03, volatility=0.15)
    held = one(american_price(before))
    assert one(european_price(option, dividends)) < held - 3
    assert held - 0.3 < american < one(european_price(moved(option, spot=100.0)))
    small = one(american_price(option, (Dividend(0.25, 0.01),)))
    assert small == pytest.approx(one(european_price(option, (Dividend(0.25, 0.01),))), abs=2e-3)


def test_a_put_waits_for_its_dividend() -> None:
    option = make_terms(False, 100, 100, 0.5, 0.05, volatility=0.2)
    without, with_one = (one(american_price(option, dividends)) for dividends in ((), (Dividend(0.4, 3.0),)))
    assert with_one > without + 0.5
    assert with_one >= one(european_price(option, (Dividend(0.4, 3.0),)))


# -- what is refused, and shapes


@pytest.mark.parametrize(
    ("change", "words"),
    [({"spot": 0.0}, "above zero"), ({"strike": -1.0}, "above zero"), ({"years": -0.1}, "expired"), ({"volatility": -0.1}, "below zero"),
     ({"rate": math.nan}, "rate is no number"), ({"spot": math.inf}, "spot is no number")],
)  # fmt: skip
def test_terms_that_can_not_be_are_refused(change: dict[str, float], words: str) -> None:
    given_terms = {"spot": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.0, "volatility": 0.2} | change
    with pytest.raises(InvalidValueError, match=words):
        make_terms(True, **given_terms)


def test_dividends_that_can_not_be_are_refused() -> None:
    option = make_terms(True, 100, 100, 1.0, volatility=0.2)
    for dividends, words in (
        ((Dividend(0.5, 200.0),), "more than the share"),
        ((Dividend(0.5, -1.0),), "not below zero"),
        ((Dividend(math.nan, 1.0),), "not below zero"),
        ((Dividend(0.5, 0.01),) * 201, "over 200"),
    ):
        for price in (european_price, american_price):
            with pytest.raises(InvalidValueError, match=words):
                price(option, dividends)
    for steps, method in ((0, "lr"), (9999, "lr"), (100, "baw")):
        with pytest.raises(InvalidValueError, match="lattice"):
            american_price(option, steps=steps, method=method)


@pytest.mark.parametrize("style", list(Style))
def test_a_chain_is_priced_as_its_options_are(style: Style) -> None:
    strikes = np.linspace(50, 200, 150)
    chain = make_terms(np.arange(150) % 2 == 0, 100, strikes, 0.4, 0.03, dividend_yield=0.01, volatility=0.35)
    prices, greeks = option_price(chain, style), option_greeks(chain, style)
    assert prices.shape == greeks.theta.shape == (150,)
    for row in (0, 63, 64, 149):
        alone = chain.at(slice(row, row + 1))
        assert one(option_price(alone, style)) == pytest.approx(prices[row], abs=1e-12)
        assert one(option_greeks(alone, style).gamma) == pytest.approx(greeks.gamma[row], abs=1e-10)


@pytest.mark.parametrize("steps", [1, 24, 101, 2001])
def test_wild_options_go_to_their_limits(steps: int) -> None:
    for volatility in (5.0, 20.0, 50.0):
        wild = make_terms([True, True, False, False], 100, [50, 200, 50, 200], 2.0, 0.03, volatility=volatility)
        values = american_price(wild, steps=steps)
        assert np.isfinite(values).all()
        assert np.all(values >= european_price(wild) - 1e-9)
        if volatility > 15:
            assert np.allclose(values, [100, 100, 50, 200], rtol=0.07)
