"""Decimal text to integers column by column: exactly what one number at a time gives."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.columns import E8_MAX, from_e8, rounded_e8, to_decimals, to_e8, to_floats
from stockpulse_engine.storage.history.tickframes import e8_column

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=None)


def one(text: str) -> int | None:
    try:
        return rounded_e8(Decimal(text))
    except InvalidValueError:
        return None


@given(st.lists(numbers.map(str) | st.decimals(places=2, min_value=0, max_value=10**6).map(str), min_size=1))
def test_a_column_is_what_its_numbers_are(texts: list[str]) -> None:
    assert e8_column(pl.Series(texts)).to_list() == [one(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "stored"),
    [("0.123456785", 12345678), ("0.123456775", 12345678), ("1E+2", 10**10), ("NaN", None), ("-0", 0), ("1e30", None)],
)
def test_ties_exponents_and_what_is_none(text: str, stored: int | None) -> None:
    assert e8_column(pl.Series([text, "1"])).to_list() == [stored, 10**8]


@given(st.integers(-E8_MAX, E8_MAX))
def test_e8_there_and_back(value: int) -> None:
    assert to_e8(from_e8(value)) == value
    assert to_decimals(pl.Series([value, 10**8], dtype=pl.Int64).to_numpy())[0] == from_e8(value)


@given(st.lists(st.integers(0, E8_MAX), min_size=1))
def test_floats_are_the_nearest_to_whole_volumes(values: list[int]) -> None:
    whole = [value // 10**8 * 10**8 for value in values]
    found = to_floats(pl.Series(whole, dtype=pl.Int64).to_numpy()).tolist()
    assert found == [float(value // 10**8) for value in values]


@pytest.mark.parametrize("text", ["0.000000001", "92233720368.54775808", "Infinity", "NaN"])
def test_what_can_not_be_stored_exactly_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        to_e8(Decimal(text))
