"""Splits and dividends: exact out of rounded factors, and undone where a source divided its prices by them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.actions import ActionKind
from stockpulse_engine.marketdata.asking import held
from stockpulse_engine.marketdata.columns import from_e8
from stockpulse_engine.storage.importing.actionrows import amount_of
from stockpulse_engine.storage.importing.splits import ratio_of
from tests.unit.storage.importing.desk import HEAD, Desk

YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits"
MAPS = ["file_symbol,until,ticker,exchange", "AAPL,1998-01-02,AAPL,Q", "AAPL,2050-12-31,AAPL,Q",
        "FB.1,1999-09-29,FB,", "FB.1,2003-03-28,FB,", "FB,2012-05-18,FB,Q", "FB,2050-12-31,FB,Q",
        "EEM,2003-04-11,EEM,P", "EEM,2050-12-31,EEM,P"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("7", Fraction(7)),
        ("7:1", Fraction(7)),
        ("1/10", Fraction(1, 10)),
        ("6.99999720000112", Fraction(7)),
        ("0.0001", Fraction(1, 10_000)),
        ("0.471428571428571", Fraction(33, 70)),
    ],
)
def test_a_ratio_is_of_whole_numbers(text: str, ratio: Fraction) -> None:
    assert ratio_of(text) == ratio


@pytest.mark.parametrize("text", ["", "0", "-2", "nan", "7:0", "x", "inf"])
def test_what_is_no_ratio_is_said(text: str) -> None:
    with pytest.raises(InvalidValueError):
        ratio_of(text)


@given(st.integers(1, 999), st.integers(2_000, 90_000), st.integers(100_000, 10_000_000))
def test_a_dividend_comes_exactly_out_of_rounded_factors(cents: int, reference: int, following: int) -> None:
    amount, close, after = Decimal(cents) / 100, Decimal(reference) / 100, Decimal(following) / 10_000_000
    factor = round(after * (1 - amount / close), 7)
    if factor == after or amount / close * after < Decimal("0.00001"):
        return  # too small to be seen in seven decimals
    found = amount_of(factor, after, close)
    assert abs(after * (1 - found / close) - factor) <= Decimal("1.1e-7")
    if close * Decimal("1.1e-7") / after < Decimal("0.004"):
        assert found == amount


def test_factors_become_splits_and_dividends_of_the_next_session(desk: Desk) -> None:
    lines = ["file_symbol,date,price_factor,split_factor,reference_price", "AAPL,1998-01-02,0.8613657,0.0357143,1.0",
             "AAPL,2012-08-08,0.8613657,0.0357143,619.86", "AAPL,2014-06-06,0.8650639,0.0357143,645.57",
             "AAPL,2050-12-31,0.8650639,0.25,0.0"]  # fmt: skip
    report = desk.take_lines(lines, "factors.csv")
    assert (report.added, report.refused) == (2, 0)
    dividend, split = desk.store.reader.actions("AAPL.XNAS")
    assert (dividend.kind, from_e8(dividend.amount_e8), from_e8(dividend.reference_e8)) == (
        ActionKind.DIVIDEND, Decimal("2.65"), Decimal("619.86"),
    )  # fmt: skip
    assert (split.numerator, split.denominator) == (7, 1)
    assert split.ts_event == split.known_at == 1_402_320_600 * 10**9  # Monday's open, 2014-06-09 09:30 in New York
    assert desk.take_lines(lines, "factors.csv").unchanged == 2


def test_events_say_what_they_lack(desk: Desk) -> None:
    lines = ["symbol,ex_date,split,dividend", "AAPL,2014-06-09,7:1,0", "AAPL,2014-08-07,,0.47", "AAPL,2014-08-08,1,0",
             "AAPL,2014-08-11,0,-1", "AAPL,never,2,0", "AAPL,2014-08-12,x,0"]  # fmt: skip
    report = desk.take_lines(lines, "events.csv")
    assert (report.added, report.refused) == (2, 4)
    assert [line.split(",")[0] for line in desk.refused(report)] == ["3", "4", "5", "6"]


def test_yahoo_bars_are_stored_as_printed(desk: Desk) -> None:
    """645.57 was the close before the split of 7 for 1; Yahoo says 92.22; its dividend of 0.47 is 3.29 a share then."""
    lines = [YAHOO, "2014-05-07,84,85,83,84.62,75,700,0,0", "2014-05-08,84,85,83,84.0,75,700,0.47,0",
             "2014-06-06,92,93,92,92.22,84,700,0,0", "2014-06-09,92.7,94,92,93.7,85,700,0,7"]  # fmt: skip
    report = desk.take_lines(lines, "aapl.csv")
    assert (report.added, report.actions, report.warnings) == (4, 2, ())
    bars = desk.store.reader.bars("AAPL.XNAS", BarSpec(1, "d")).to_bars()
    assert [bar.close for bar in bars] == [Decimal("592.34"), Decimal(588), Decimal("645.54"), Decimal("93.7")]
    assert [bar.volume for bar in bars] == [100, 100, 100, 700]
    dividend, _ = desk.store.reader.actions("AAPL.XNAS")
    assert from_e8(dividend.amount_e8) == Decimal("3.29")
    assert desk.splits("AAPL.XNAS") == [(7, 1)]


def test_bars_that_show_the_split_are_raw_already(desk: Desk) -> None:
    lines = [YAHOO, "2014-06-06,644,646,643,645.57,645.57,100,0,0", "2014-06-09,92.7,94,92,93.7,93.7,700,0,7"]
    desk.take_lines(lines, "aapl.csv")
    bars = desk.store.reader.bars("AAPL.XNAS", BarSpec(1, "d")).to_bars()
    assert [bar.close for bar in bars] == [Decimal("645.57"), Decimal("93.7")]


def test_a_reused_ticker_is_two_instruments(desk: Desk) -> None:
    desk.take_lines(MAPS, "maps.csv")
    rows = ["FB,1999-09-29,20,20,20,20,1", "FB,2003-03-28,21,21,21,21,1", "FB,2012-05-18,38,45,38,38.23,1",
            "EEM,1998-01-06,9,9,9,9,1", "EEM,2003-04-14,100,101,99,100,1"]  # fmt: skip
    report = desk.take_lines([HEAD, *rows])
    assert report.instruments == ("EEM.ARCX", "FB.XNAS", "FB~1999.XNAS")
    assert (report.added, report.reasons) == (4, {"… is older than its ticker by the map files": 1})
    assert len(desk.store.reader.bars("FB~1999.XNAS", BarSpec(1, "d"))) == 2


QQQ = ["QQQ,1999-03-10,QQQ,Q", "QQQ,2004-11-30,QQQ,Q", "QQQ,2011-03-22,QQQQ,Q", "QQQ,2050-12-31,QQQ,Q"]
META = ["FB,2012-05-18,FB,Q", "FB,2022-06-08,FB,Q", "FB,2050-12-31,META,Q"]


def test_a_companys_tickers_are_one_instrument_and_its_renames_are_told(desk: Desk) -> None:
    report = desk.take_lines([*MAPS, *QQQ], "maps.csv")
    assert (report.added, report.actions) == (7, 2)
    days = ["QQQ,2004-11-30", "QQQQ,2004-12-01", "QQQQ,2011-03-22", "QQQ,2011-03-23"]
    report = desk.take_lines([HEAD, *(f"{day},50,50,50,50,1" for day in days)])
    assert (report.added, report.instruments) == (4, ("QQQ.XNAS",))
    told = desk.store.reader.actions("QQQ.XNAS")
    assert [(one.kind.value, one.other_id, one.note) for one in told] == [
        ("RENAME", "QQQQ.XNAS", "formerly QQQ"),
        ("RENAME", "QQQ.XNAS", "formerly QQQQ"),
    ]
    assert told[0].ts_event == desk.store.reader.bars("QQQ.XNAS", BarSpec(1, "d")).ts_event[1]
    assert held(desk.store.reader, "qqqq", "bars") == "QQQ.XNAS"
    assert desk.take_lines([*MAPS, *QQQ], "maps.csv").actions == 0


def test_a_renamed_company_is_apart_from_who_had_its_ticker_before(desk: Desk) -> None:
    desk.take_lines([*MAPS[:5], *META], "maps.csv")
    days = ["FB,2003-03-28", "FB,2012-05-18", "FB,2022-06-08", "META,2022-06-09"]
    report = desk.take_lines([HEAD, *(f"{day},50,50,50,50,1" for day in days)])
    assert report.instruments == ("FB~1999.XNAS", "META.XNAS")
    assert len(desk.store.reader.bars("META.XNAS", BarSpec(1, "d"))) == 3


def test_a_companys_own_past_is_not_a_tickers(desk: Desk) -> None:
    """Yahoo's series follow the company through its renamings, so map files say nothing about them."""
    desk.take_lines(MAPS, "maps.csv")
    report = desk.take_lines(["date,EEM", "1998-01-06,9", "2003-04-14,100"], "closes.csv")
    assert (report.added, report.refused) == (2, 0)
