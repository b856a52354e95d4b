"""Every TA-Lib function is known by name, with typed parameters and their ranges."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.indicators.registry import compute, list_studies, parse_study, study_info


def test_all_functions_are_listed_with_what_they_need() -> None:
    studies = {info.name: info for info in list_studies()}
    assert sum(not info.is_own for info in studies.values()) == 200
    assert "VWAP" in studies, "the 201st is ours: TA-Lib's has no session to begin with"
    bands = studies["BBANDS"]
    assert bands.inputs == ("close",)
    assert bands.outputs == ("upperband", "middleband", "lowerband")
    assert [(p.name, p.is_integer, p.default) for p in bands.parameters[:2]] == [
        ("timeperiod", True, 20),
        ("nbdevup", False, 2),
    ]
    assert (bands.parameters[0].low, bands.parameters[0].high) == (2, 100_000)
    assert studies["OBV"].inputs == ("close", "volume")
    assert studies["CDLENGULFING"].is_pattern
    for info in studies.values():
        assert all(p.low <= p.default <= p.high for p in info.parameters), info.name


def test_prices_lie_over_the_candles_and_the_rest_in_panes() -> None:
    assert study_info("sma").is_overlay
    assert study_info("VWAP").is_overlay
    assert not study_info("rsi").is_overlay
    assert study_info("rsi").levels == (30, 70)


@pytest.mark.parametrize(
    ("line", "text", "label"),
    [("rsi 14", "rsi 14", "rsi14"), ("RSI", "rsi 14", "rsi14"), ("sma(50)", "sma 50", "sma50"),
     ("bbands 20 2 2", "bbands 20", "bbands20"), ("bbands 20 2.5 2", "bbands 20 2.5", "bbands20"),
     ("macd fastperiod=8 21", "macd 8 21", "macd8"), ("macdext 12 ema", "macdext 12 ema", "macdext12"), ("obv", "obv", "obv"),
     ("vwap", "vwap session", "vwap session"), ("pivots week 3", "pivots week fibonacci", "pivots week"),
     ("hull 9", "hma 9", "hma9"), ("avwap 20131007", "avwap 20131007", "avwap20131007"),
     ("renko 0.000125", "renko 0.000125", "renko0.000125")],
)  # fmt: skip
def test_lines_are_read_and_have_one_canonical_form(line: str, text: str, label: str) -> None:
    study = parse_study(line)
    assert (study.text, study.label) == (text, label)
    assert parse_study(study.text) == study


@pytest.mark.parametrize(
    ("line", "message", "fix"),
    [("rsy 14", "'rsy'", "rsi"), ("bband", "'bband'", "bbands"), ("rsi 1", "out of range", "from 2 to 100000"),
     ("rsi 2.5", "whole number", "like 14"), ("rsi 14 2", "number 2", "timeperiod=14"), ("macd fast=3", "'fast'", "fastperiod"),
     ("bbands 20 x", "nbdevup", "a number"), ("macdext 12 foo", "fastmatype", "ema"), ("", "function name", "rsi 14"),
     ("mavp 30 5", "together", "mavp"), ("stc 10 50 23", "shorter", "stc"), ("avwap 20131350", "no date", "avwap"),
     ("vwap monht", "anchor", "month"), ("icimoku", "'icimoku'", "ichimoku"), ("sma " + "9" * 400, "function name", "rsi 14"), ("sma nan", "timeperiod", "whole")],
)  # fmt: skip
def test_errors_name_the_nearest_function_and_parameter(line: str, message: str, fix: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        parse_study(line)
    assert message in error.value.message
    assert fix in error.value.fix


def test_one_bad_bar_does_not_spoil_the_rest() -> None:
    closes = np.arange(1.0, 31.0)
    broken = closes.copy()
    broken[10] = np.nan
    study = parse_study("sma 5")
    result = compute(study, closes, closes, closes, broken, closes)["real"]
    without = compute(study, *(np.delete(closes, 10),) * 5)["real"]
    assert np.isnan(result[10])
    assert np.array_equal(np.delete(result, 10), without, equal_nan=True)


def test_nothing_usable_gives_nothing() -> None:
    empty = np.full(5, np.nan)
    assert np.isnan(compute(parse_study("rsi"), *(empty,) * 5)["real"]).all()
    none = np.empty(0)
    assert compute(parse_study("bbands"), *(none,) * 5)["upperband"].shape == (0,)


def test_series_must_be_five_and_equally_long() -> None:
    closes = np.arange(10.0)
    with pytest.raises(InvalidValueError, match="5 series"):
        compute(parse_study("rsi"), closes)
    with pytest.raises(InvalidValueError, match="equally long"):
        compute(parse_study("rsi"), closes, closes, closes, closes, closes[1:])


def test_importing_the_room_does_not_load_talib() -> None:
    code = "import sys, stockpulse_engine.indicators.streaming; print('talib' in sys.modules or 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_differences_are_drawn_as_columns() -> None:
    drawn = {info.name: info.columns for info in list_studies() if info.columns}
    histogram = dict.fromkeys(("MACD", "MACDEXT", "MACDFIX"), ("macdhist",))
    assert drawn == histogram | {
        "AO": ("real",), "AC": ("real",), "GATOR": ("upper", "lower"), "PVOS": ("histogram",)
    }  # fmt: skip
    assert all(set(info.columns) <= set(info.outputs) for info in list_studies())
