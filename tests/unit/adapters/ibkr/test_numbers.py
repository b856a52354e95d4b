"""Numbers of the gateway are exact, or none."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.adapters.ibkr.errors import Meaning, meaning_of
from stockpulse_engine.adapters.ibkr.numbers import exact, price, quantity, sent


@pytest.mark.parametrize("none", [1.7976931348623157e308, math.nan, math.inf, -math.inf, None, ""])
def test_what_means_none_is_none(none: float | str | None) -> None:
    assert exact(none) is None
    assert quantity(none) == 0


@pytest.mark.parametrize("none", [0.0, -1.0, 1.7976931348623157e308])
def test_a_price_that_is_not_positive_is_none(none: float) -> None:
    assert price(none) is None


@given(st.decimals(min_value="0.0001", max_value="99999999", places=4))
def test_what_a_double_can_tell_comes_back_as_it_was_meant(value: Decimal) -> None:
    assert exact(float(value)) == value


@given(st.decimals(min_value="0.0001", max_value="1e20", allow_nan=False))
def test_nothing_is_sent_with_an_exponent(value: Decimal) -> None:
    assert "E" not in str(sent(value))
    assert sent(value) == value


@pytest.mark.covers("F14")
@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (110, Meaning.REFUSED),
        (321, Meaning.REFUSED),
        (201, Meaning.REFUSED),
        (103, Meaning.REFUSED),
        (200, Meaning.REFUSED),
        (460, Meaning.REFUSED),
        (202, Meaning.CANCELED),
        (10147, Meaning.CANCEL_REFUSED),
        (10148, Meaning.CANCEL_REFUSED),
        (104, Meaning.CHANGE_REFUSED),
        (105, Meaning.CHANGE_REFUSED),
        (399, Meaning.NOTICE),
        (404, Meaning.NOTICE),
        (10349, Meaning.NOTICE),
        (1100, Meaning.LINK_LOST),
        (1101, Meaning.LINK_BACK),
        (1102, Meaning.LINK_BACK),
        (326, Meaning.CLIENT_IN_USE),
        (1300, Meaning.LINE_ENDS),
        (2103, Meaning.FARM),
        (2105, Meaning.FARM),
        (2158, Meaning.FARM),
        (31_337, Meaning.DOUBT),
    ],
)
def test_each_number_means_what_it_is_known_to_mean_and_an_unknown_one_is_asked_about(
    code: int, meaning: Meaning
) -> None:
    assert meaning_of(code) is meaning
