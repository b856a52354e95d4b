"""What columns mean: guessed, put right by a person, remembered for the next file with the same header."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.storage.importing.mapping import Kind, guess
from tests.unit.storage.importing.desk import Desk

GERMAN = ["Zeit;Kurs;Hoch;Tief;Schluss", "2014-06-05T13:00:00Z;1;1;1;1", "2014-06-05T13:01:00Z;1;1;1;1"]
SAID = ("ts=Zeit", "open=Kurs", "high=Hoch", "low=Tief", "close=Schluss")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume", Kind.BARS),
        ("ts,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close", Kind.QUOTE_BARS),
        ("time,bid,ask", Kind.QUOTES),
        ("timestamp,price,qty", Kind.TRADES),
        ("date,AAPL,MSFT", Kind.CLOSES),
        ("file_symbol,last_cum_date,split_ratio,cash_dividend", Kind.ACTIONS),
        ("file_symbol,date,price_factor,split_factor,reference_price", Kind.FACTORS),
        ("file_symbol,until,ticker,exchange", Kind.MAPS),
    ],
)
def test_a_header_says_what_it_is(header: str, kind: Kind) -> None:
    assert guess(header.split(",")).kind is kind


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("date,daily_return", "returns, not prices"),
        ("id,note", "is missing"),
        ("date,open,high,low", "no bars: close is missing"),
    ],
)
def test_what_is_no_price_is_refused_as_a_whole(header: str, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        guess(header.split(","), kind=Kind.BARS if "open" in header else None)


def test_a_mapping_that_was_said_is_remembered_and_can_be_said_anew(desk: Desk) -> None:
    file = desk.write("eurusd.csv", GERMAN)
    with pytest.raises(InvalidValueError, match=r"eurusd\.csv: The columns"):
        desk.plan(file)
    assert desk.take(file, columns=SAID).added == 2
    again = desk.plan(file)
    assert (again.is_remembered, again.mapping.columns["close"]) == (True, "Schluss")
    changed = desk.plan(file, columns=("close=Hoch",))
    assert changed.mapping.columns["close"] == "Hoch"


def test_a_pair_that_makes_no_sense_is_refused(desk: Desk) -> None:
    file = desk.write("eurusd.csv", GERMAN)
    with pytest.raises(InvalidValueError, match="no column of ours"):
        desk.plan(file, columns=(*SAID, "clsoe=Tief"))
    with pytest.raises(InvalidValueError, match="has no column 'Mitte'"):
        desk.plan(file, columns=(*SAID, "volume=Mitte"))


@pytest.mark.parametrize(
    ("name", "source", "symbol"),
    [
        ("ibm_20131007_trade.csv", "ticks", "IBM"),
        ("djia_2006_2017.csv", "djia", "DJIA"),
        ("usdjpy_ask_2013.csv", "ticks/ask", "USDJPY"),
        ("xrp_eth_trades.csv", "ticks", "XRPETH"),
    ],
)
def test_files_of_one_vendor_are_one_source(desk: Desk, name: str, source: str, symbol: str) -> None:
    (desk.place / "ticks").mkdir()
    has_symbols = name.startswith("djia")
    lines = (
        ["symbol,ts,price,size", "A,1381132800000,1,1", "B,1381132800000,1,1"]
        if has_symbols
        else ["ts,price,size", "1381132800000,1,1"]
    )
    plan = desk.plan(desk.write(f"ticks/{name}", lines))
    assert (plan.source, plan.symbol) == (source, symbol)
