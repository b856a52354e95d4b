"""An order number is used once, whatever is restarted and whatever the gateway says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.adapters.ibkr.orderids import AHEAD, MOST, OrderIds
from stockpulse_engine.domain.errors import UnavailableError

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 3)),
        st.tuples(st.just("told"), st.integers(0, 2_000)),
        st.tuples(st.just("killed"), st.just(0)),
    ),
    max_size=40,
)


@pytest.mark.covers("F04")
@given(steps=STEPS)
@settings(max_examples=60)
def test_no_number_twice_over_kills_and_counters_that_go_back(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "ids" / "ib-1.json"
        ids, used = OrderIds(file), [0]
        for what, value in steps:
            if what == "take":
                taken = ids.take(value)
                assert taken[0] > used[-1]
                used += taken
            elif what == "told":
                ids.raise_to(value)
            else:
                ids = OrderIds(file)


def test_a_file_that_can_not_be_read_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    file = tmp_path / "ib-1.json"
    file.write_bytes(b"{")
    with pytest.raises(UnavailableError, match="which order numbers were used is not known"):
        OrderIds(file)


def test_numbers_of_orders_stay_below_those_of_questions(tmp_path: Path) -> None:
    ids = OrderIds(tmp_path / "ib-1.json")
    ids.raise_to(MOST - 2)
    with pytest.raises(UnavailableError, match="no order numbers left"):
        ids.take(3)


def test_a_block_is_written_for_many_orders(tmp_path: Path) -> None:
    file = tmp_path / "ib-1.json"
    ids = OrderIds(file)
    ids.take()
    written = file.stat().st_mtime_ns
    ids.take(AHEAD)
    assert file.stat().st_mtime_ns == written
