"""A stream says what the batch says, to the last bit, for each function; and so does one opened again."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from stockpulse_engine.indicators.registry import compute, list_studies, parse_study
from stockpulse_engine.indicators.streaming import StudyStream
from stockpulse_engine.indicators.studies import Study

Arrays = tuple[npt.NDArray[np.float64], ...]

BARS = 320
OPENED = 150
NAMES = [info.name for info in list_studies()]
OURS = [info.name for info in list_studies() if info.is_own]


def market(count: int = BARS) -> Arrays:
    """A market that rises, falls, gaps and stands still: enough for every pattern to appear or not."""
    rng = np.random.default_rng(11)
    close = 100 + np.cumsum(rng.normal(0, 0.8, count)) + 5 * np.sin(np.arange(count) / 15)
    opened = close + rng.normal(0, 0.6, count)
    high = np.maximum(opened, close) + np.abs(rng.normal(0, 0.4, count))
    low = np.minimum(opened, close) - np.abs(rng.normal(0, 0.4, count))
    volume = np.round(rng.lognormal(9, 0.6, count))
    session = np.floor(735_000.0 + np.arange(count) / 26)
    benchmark = 50 + np.cumsum(rng.normal(0, 0.3, count))
    made: Arrays = (opened, high, low, close, volume, session, benchmark)
    return made


class Known:
    """What the batch says at a bar; a study that repaints is asked with the bars up to it alone."""

    def __init__(self, study: Study, bars: Arrays) -> None:
        self._study = study
        self._bars = bars
        self._whole = compute(study, *bars)

    def at(self, bar: int) -> tuple[dict[str, npt.NDArray[np.float64]], int]:
        if not self._study.info.repaints:
            return self._whole, bar
        return compute(self._study, *(values[: bar + 1] for values in self._bars)), bar


def same(streamed: dict[str, float], batch: dict[str, npt.NDArray[np.float64]], at: int) -> bool:
    return all(
        value == batch[name][at] or (math.isnan(value) and math.isnan(batch[name][at]))
        for name, value in streamed.items()
    )


@pytest.mark.parametrize("name", NAMES)
def test_stream_equals_batch(name: str) -> None:
    study, bars = parse_study(name), market()
    known = Known(study, bars)
    stream = StudyStream(study, *(values[:OPENED] for values in bars))
    assert same(stream.values, *known.at(OPENED - 1))
    for at in range(OPENED, BARS):
        bar = [float(values[at]) for values in bars]
        assert same(stream.peek(bar), *known.at(at)), f"{name}: peek at bar {at}"
        assert same(stream.update(bar), *known.at(at)), f"{name}: bar {at}"


@pytest.mark.parametrize("name", OURS)
def test_no_study_of_ours_looks_ahead_unless_it_says_so(name: str) -> None:
    study, bars = parse_study(name), market()
    whole = compute(study, *bars)
    early = compute(study, *(values[:OPENED] for values in bars))
    is_same = all(np.array_equal(values, whole[name][:OPENED], equal_nan=True) for name, values in early.items())
    assert is_same is not study.info.repaints


@pytest.mark.parametrize("name", NAMES)
def test_reopened_after_a_correction_equals_batch(name: str) -> None:
    study, bars = parse_study(name), market()
    stream = StudyStream(study, *bars)
    corrected = tuple(values.copy() for values in bars)
    for values in corrected[:4]:
        values[BARS - 40] += 2.5
    stream.reopen(*corrected)
    assert same(stream.values, compute(study, *corrected), BARS - 1)


@pytest.mark.parametrize(
    "line",
    ["sma 20", "rsi 14", "macd", "bbands 20", "obv", "atr 14", "mavp", "cdlengulfing", *(n.lower() for n in OURS)],
)
def test_stream_from_nothing_equals_batch_from_the_first_bar(line: str) -> None:
    study, bars = parse_study(line), market(120)
    known = Known(study, bars)
    stream = StudyStream(study, *(values[:0] for values in bars))
    for at in range(120):
        assert same(stream.update([float(values[at]) for values in bars]), *known.at(at)), f"{line}: bar {at}"
    assert stream.is_open


def test_bar_that_is_not_finite_is_left_out_as_in_the_batch() -> None:
    study, bars = parse_study("ema 10"), market(80)
    bars[3][50] = np.nan
    batch = compute(study, *bars)
    stream = StudyStream(study, *(values[:40] for values in bars))
    for at in range(40, 80):
        assert same(stream.update([float(values[at]) for values in bars]), batch, at)


@pytest.mark.parametrize("name", OURS)
def test_studies_of_ours_leave_it_out_too(name: str) -> None:
    study, bars = parse_study(name), market(230)
    for values in bars:
        values[170] = np.nan
    known = Known(study, bars)
    stream = StudyStream(study, *(values[:OPENED] for values in bars))
    for at in range(OPENED, 230):
        assert same(stream.update([float(values[at]) for values in bars]), *known.at(at)), f"{name}: bar {at}"
    assert all(math.isnan(known.at(170)[0][output][170]) for output in study.info.outputs)


def test_series_a_function_does_not_read_may_be_missing() -> None:
    study, bars = parse_study("sma 5"), market(30)
    bars[4][:] = np.nan
    assert np.isfinite(compute(study, *bars)["real"][-1])
    assert math.isfinite(StudyStream(study, *bars).values["real"])
