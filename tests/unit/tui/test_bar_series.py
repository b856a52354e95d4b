"""The bars a chart knows: history and live joined, the newest always there, never more than the bound."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.domain.market import Bar, parse_bar_spec
from stockpulse_tui import bar_series
from stockpulse_tui.bar_series import BarSeries

SPEC = parse_bar_spec("1m")
MINUTE = 60_000_000_000


def bar(number: int, close: int = 10) -> Bar:
    price = Decimal(close)
    return Bar("AAPL.XNAS", SPEC, number * MINUTE, price, price, price, price, Decimal(1), number * MINUTE)


def times(series: BarSeries) -> list[int]:
    return [one.ts_event // MINUTE for one in series.bars]


def test_live_bars_follow_history_and_replace_the_open_one() -> None:
    series = BarSeries()
    assert series.take_history([bar(1), bar(2)])
    assert series.take_live([bar(2, 11), bar(3)]) == 1
    assert times(series) == [1, 2, 3]
    assert series.bars[1].close == Decimal(11)
    assert (series.take_live([bar(3, 12)]), series.rolled) == (0, 1)


def test_a_head_that_stands_for_weeks_keeps_the_newest_bars_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar_series, "MAX_BARS", 5)
    series = BarSeries()
    series.take_history([bar(1), bar(2)])
    for number in range(3, 20):
        series.take_live([bar(number - 1), bar(number)])
    assert times(series) == [15, 16, 17, 18, 19]
    assert series.rolled == 17
