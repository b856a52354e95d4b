"""Adjusting: exact, from what was known then, and the witness of a real split."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.columns import SCALE, from_e8, to_e8
from stockpulse_engine.marketdata.history import ActionKind, Adjustment, AsOf, CorporateAction, WriteResult
from stockpulse_engine.storage.history.adjust import scale_exactly
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from tests.unit.storage.history.build import AAPL, D1, M1, MINUTE, bar_frame, closes

CALENDAR = load_calendar("XNYS")
DAYS = [CALENDAR.by_ordinal(CALENDAR.session("2023-06-01").ordinal + number) for number in range(12)]  # type: ignore[union-attr] # a session
SPLIT, TOTAL = Adjustment.SPLIT, Adjustment.TOTAL


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedHistory]:
    with open_history(tmp_path / "history", clock) as opened:
        yield opened


def daily(prices: list[float], **more: Any) -> pl.DataFrame:
    frame = bar_frame(prices, **more)
    days = DAYS[: len(prices)]
    return frame.with_columns(
        pl.Series("ts_event", [day.open for day in days]), pl.Series("known_at", [day.close for day in days])
    )


def split(day: int, numerator: int, denominator: int = 1, **more: Any) -> CorporateAction:
    at = DAYS[day].open
    known = {"known_at": at, **more}
    return CorporateAction(
        instrument_id=AAPL,
        kind=ActionKind.SPLIT,
        ts_event=at,
        source="yahoo",
        numerator=numerator,
        denominator=denominator,
        **known,
    )


def dividend(day: int, amount: str, **more: Any) -> CorporateAction:
    at = DAYS[day].open
    cash = {"amount_e8": to_e8(Decimal(amount)), "currency": "USD", "known_at": at, **more}
    return CorporateAction(instrument_id=AAPL, kind=ActionKind.DIVIDEND, ts_event=at, source="yahoo", **cash)


def test_a_split_divides_what_came_before_and_multiplies_its_volume(store: EmbeddedHistory) -> None:
    store.writer.write_bars(daily([700, 714, 101, 102]), spec=D1, source="yahoo")
    assert store.writer.write_actions([split(2, 7)]) == WriteResult(1, 0, 0, 2)
    assert closes(store.reader.bars(AAPL, D1)) == [700, 714, 101, 102]
    found = store.reader.bars(AAPL, D1, adjustment=SPLIT)
    assert closes(found) == [100, 102, 101, 102]
    assert found.volume.tolist() == [700 * SCALE, 700 * SCALE, 100 * SCALE, 100 * SCALE]
    assert found.adjustment is SPLIT
    assert closes(store.reader.last_bars([AAPL], D1, 3, adjustment=SPLIT)[AAPL]) == [102, 101, 102]
    reverse = split(3, 1, 10)
    store.writer.write_actions([reverse])
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT)) == [1000, 1020, 1010, 102]


def test_a_dividend_is_measured_against_the_close_before_it(store: EmbeddedHistory) -> None:
    store.writer.write_bars(daily([50, 100, 98, 99]), spec=D1, source="yahoo")
    store.writer.write_actions([dividend(2, "2.00")])
    found = store.reader.bars(AAPL, D1, adjustment=TOTAL)
    assert closes(found) == [49, 98, 98, 99]
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT)) == [50, 100, 98, 99]
    said = dividend(2, "2.00", reference_e8=200 * SCALE)
    assert store.writer.write_actions([said]).corrected == 1
    assert closes(store.reader.bars(AAPL, D1, adjustment=TOTAL)) == [49.5, 99, 98, 99]
    assert not found.warnings


def test_a_split_and_a_dividend_of_one_day_work_together(store: EmbeddedHistory) -> None:
    store.writer.write_bars(daily([100, 49, 50]), spec=D1, source="yahoo")
    store.writer.write_actions([split(1, 2), dividend(1, "2")])
    assert closes(store.reader.bars(AAPL, D1, adjustment=TOTAL)) == [49, 49, 50]


def test_the_past_does_not_know_a_split_that_comes(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(daily([700, 714, 101]), spec=D1, source="yahoo")
    store.writer.write_actions([split(2, 7, known_at=DAYS[0].open)])  # announced, not yet in effect
    eve = AsOf(known_at=DAYS[1].close)
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT, as_of=eve)) == [700, 714]
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT, as_of=AsOf(known_at=DAYS[2].close))) == [100, 102, 101]
    assert [one.numerator for one in store.reader.actions(AAPL, as_of=eve)] == [7]
    assert store.reader.actions(AAPL, as_of=AsOf(known_at=DAYS[0].open - 1)) == ()


def test_an_action_that_has_not_happened_changes_nothing_yet(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(daily([100, 101]), spec=D1, source="yahoo")
    ahead = split(2, 2, known_at=DAYS[0].open)
    store.writer.write_actions([ahead])
    early = open_history(store.layout.root, ManualClock(DAYS[1].close))
    assert closes(early.reader.bars(AAPL, D1, adjustment=SPLIT)) == [100, 101]
    early.close()
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT)) == [50, 50.5]


def test_a_withdrawn_action_is_gone_and_its_past_is_not(store: EmbeddedHistory, clock: ManualClock) -> None:
    store.writer.write_bars(daily([100, 101]), spec=D1, source="yahoo")
    store.writer.write_actions([split(1, 2)])
    before = clock.now_ns()
    clock.advance(MINUTE)
    assert store.writer.write_actions([split(1, 2, is_retracted=True)]).corrected == 1
    assert store.reader.actions(AAPL) == ()
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT)) == [100, 101]
    then = store.reader.bars(AAPL, D1, adjustment=SPLIT, as_of=AsOf(recorded_at=before))
    assert closes(then) == [50, 101]


def test_minutes_before_the_open_of_the_ex_date_are_already_split(store: EmbeddedHistory) -> None:
    """Extended hours of the ex-date trade the new shares, those of the evening before the old ones."""
    evening = bar_frame([200], start=DAYS[1].close + 60 * MINUTE)
    morning = bar_frame([100, 101], start=DAYS[2].open - 90 * MINUTE)
    store.writer.write_bars(pl.concat([evening, morning]), spec=M1, source="yahoo")
    store.writer.write_actions([split(2, 2)])
    assert closes(store.reader.bars(AAPL, M1, adjustment=SPLIT)) == [100, 100, 101]


def test_a_dividend_without_a_close_is_said_and_left_out(store: EmbeddedHistory) -> None:
    store.writer.write_bars(bar_frame([10, 11], start=DAYS[0].open), spec=M1, source="yahoo")
    store.writer.write_actions([dividend(1, "1"), dividend(2, "99", reference_e8=SCALE)])
    found = store.reader.bars(AAPL, M1, adjustment=TOTAL)
    assert closes(found) == [10, 11]
    assert [text.split(":")[1] for text in found.warnings] == [
        " no close before it is held.",
        " it is not less than the close before it.",
    ]


def test_actions_of_the_bars_own_source_are_preferred(store: EmbeddedHistory) -> None:
    for source in ("yahoo", "lean"):
        store.writer.write_bars(daily([100, 101]), spec=D1, source=source)
    other = CorporateAction(
        instrument_id=AAPL, kind=ActionKind.SPLIT, ts_event=DAYS[1].open, known_at=1, source="lean", numerator=4
    )
    store.writer.write_actions([split(1, 2), other])
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT, source="yahoo")) == [50, 101]
    assert closes(store.reader.bars(AAPL, D1, adjustment=SPLIT, source="lean")) == [25, 101]
    assert len(store.reader.actions(AAPL)) == 1


def test_floats_are_scaled_once_and_not_through_rounded_integers(store: EmbeddedHistory) -> None:
    store.writer.write_bars(daily([0.01, 1]), spec=D1, source="yahoo")
    store.writer.write_actions([split(1, 3_000_000)])
    found = store.reader.bars(AAPL, D1, adjustment=SPLIT)
    assert found.close.tolist() == [0, SCALE]
    assert found.floats().close[0] == pytest.approx(0.01 / 3_000_000, rel=1e-15)
    assert found.tail(1).floats().close.tolist() == [1.0]
    assert found.floats().volume[0] == 300_000_000.0


def test_a_number_that_grows_out_of_its_column_is_refused(store: EmbeddedHistory) -> None:
    store.writer.write_bars(daily([5, 6]), spec=D1, source="yahoo")
    store.writer.write_actions([split(1, 2_000_000_000)])
    with pytest.raises(InvalidValueError, match="too large"):
        store.reader.bars(AAPL, D1, adjustment=SPLIT)


@given(
    st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=20),
    st.integers(1, 2**70),
    st.integers(1, 2**70),
)
def test_scaling_is_exact_and_half_even(values: list[int], numerator: int, denominator: int) -> None:
    factor = Fraction(numerator, denominator)
    if max(abs(value) for value in values) * factor > 2**62:
        factor = 1 / factor
    if max(abs(value) for value in values) * factor > 2**62:
        return
    assert scale_exactly(np.array(values, dtype=np.int64), factor).tolist() == [
        round(value * factor) for value in values
    ]


@pytest.mark.parametrize("value", [1, 3, 5, 7, -1, -3])
def test_a_tie_goes_to_the_even_number(value: int) -> None:
    assert scale_exactly(np.array([value]), Fraction(1, 2)).tolist() == [round(Fraction(value, 2))]


# --- real data ----------------------------------------------------------------------------------------------


def real_actions(directory: Path) -> Iterator[CorporateAction]:
    """The vendor's events: ratios as they were declared, the ex-date the session after the last one with the right."""
    with (directory / "derived_events.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file_symbol"] == "AAPL"]
    for row in rows:
        ex_date = CALENDAR.next_session(row["last_cum_date"])
        base: dict[str, Any] = {
            "instrument_id": AAPL,
            "ts_event": ex_date.open,
            "known_at": ex_date.open,
            "source": "lean",
        }
        reference = to_e8(Decimal(row["reference_price"]))
        if float(row["split_ratio"]) != 1:
            yield CorporateAction(kind=ActionKind.SPLIT, numerator=round(float(row["split_ratio"])), **base)
        if float(row["cash_dividend"]):
            amount = to_e8(Decimal(row["cash_dividend"]))
            yield CorporateAction(
                kind=ActionKind.DIVIDEND, amount_e8=amount, currency="USD", reference_e8=reference, **base
            )


def real_bars(shared: Path) -> pl.DataFrame:
    raw = pl.read_parquet(shared / "bars_daily" / "lean_us_raw.parquet").filter(pl.col("symbol") == "AAPL")
    sessions = [CALENDAR.session(day.isoformat()) for day in raw["date"].to_list()]
    prices = {
        f"{name}_e8": (raw[name] * SCALE).round().cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")
    }
    opens = [session.open for session in sessions]  # type: ignore[union-attr] # every row is of a session
    ends = [session.close for session in sessions]  # type: ignore[union-attr] # the same
    return pl.DataFrame({"instrument_id": [AAPL] * raw.height, "ts_event": opens, "known_at": ends, **prices})


@pytest.fixture
def apple(store: EmbeddedHistory, shared: Path) -> EmbeddedHistory:
    store.writer.write_bars(real_bars(shared / "data"), spec=D1, source="lean")
    store.writer.write_actions(list(real_actions(shared / "data" / "corporate_actions")))
    return store


def on(found: Any, day: str) -> Decimal:
    session = CALENDAR.session(day)
    assert session is not None
    return from_e8(int(found.close[found.ts_event.searchsorted(session.open)]))


@pytest.mark.real_data
def test_the_seven_for_one_of_2014(apple: EmbeddedHistory) -> None:
    raw, adjusted = apple.reader.bars(AAPL, D1), apple.reader.bars(AAPL, D1, adjustment=SPLIT)
    assert on(raw, "2014-06-06") == Decimal("645.57")
    assert on(raw, "2014-06-09") == on(adjusted, "2014-06-09") * 4  # four for one in 2020
    assert on(adjusted, "2014-06-06") == from_e8(round(Fraction(64557 * SCALE, 100 * 28)))
    eve = CALENDAR.session("2014-06-06")
    assert eve is not None
    then = apple.reader.bars(AAPL, D1, adjustment=SPLIT, as_of=AsOf(known_at=eve.close))
    assert on(then, "2014-06-06") == Decimal("645.57")
    assert len(then) < len(raw)


@pytest.mark.real_data
def test_dividends_and_splits_give_the_vendors_own_factors(apple: EmbeddedHistory, shared: Path) -> None:
    """Every day's total factor; the vendor writes seven digits (1/56 as 0.0178571), so his splits are made whole."""
    with (shared / "data" / "corporate_actions" / "lean_factor_files.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] == "AAPL"]
    table = [(date.fromisoformat(row[1]), float(row[2]) / round(1 / float(row[3]))) for row in rows]
    found = apple.reader.bars(AAPL, D1, adjustment=TOTAL)
    assert found.factors is not None
    assert not found.warnings
    last_known = max(day for day, _ in table if day.year < 2050)
    for start, factor in zip(found.ts_event.tolist(), found.factors.price.tolist(), strict=True):
        day = date.fromisoformat(CALENDAR.session_at(start).date)  # type: ignore[union-attr] # a session's open
        if day <= last_known:
            expected = next(value for until, value in sorted(table) if day <= until)
            assert factor == pytest.approx(expected, rel=5e-7)
