"""Universes: who belonged when, which instrument a ticker meant then, and what a list without days may not be asked."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.listings import Listing, symbols_on
from stockpulse_engine.marketdata.universes import (
    BIAS,
    MAX_MEMBERS,
    Member,
    Universe,
    members_on,
    placed,
    problems_of,
    read_universe,
    require_name,
)

FB_OF_1999 = Listing("FB.1", "FB", "1999-09-29", "2003-03-28")
FACEBOOK = Listing("META", "FB", "2012-05-18", "2022-06-08")
META = Listing("META", "META", "2022-06-09", "2050-12-31")
AAPL = Listing("AAPL", "AAPL", "1998-01-02", "2050-12-31")
MAPS = (FB_OF_1999, FACEBOOK, META, AAPL)


@pytest.mark.parametrize(
    ("symbol", "day", "names"),
    [
        ("FB", "2000-06-01", ("FB~1999",)),  # another company
        ("FB", "2005-06-01", ()),  # nobody
        ("FB", "2015-06-01", ("META", "FB")),  # kept under its last ticker, or imported before the maps were
        ("FB", "2023-06-01", ("META", "FB")),  # the same company under its new ticker
        ("META", "2015-06-01", ("META", "FB")),  # and under its old one
        ("META", "2005-06-01", ()),
        ("META", "2023-06-01", ("META",)),
        ("AAPL", "1990-06-01", ("AAPL",)),  # older than the maps: they may know no more
        ("IBM", "1990-06-01", ("IBM",)),  # not in the maps
    ],
)
def test_a_ticker_means_who_had_it_on_that_day(symbol: str, day: str, names: tuple[str, ...]) -> None:
    assert symbols_on(MAPS, symbol, day) == names


def dow() -> Universe:
    return read_universe(
        "dow",
        ".csv",
        b"# about: a few\n# source: by hand\nsymbol,mic,from,to\nFB,XNAS,1999-10-01,2003-01-01\n"
        b"META,XNAS,2013-12-23,\nGE,XNYS,1907-11-07,2018-06-25\nAAPL.XNAS,,2015-03-19,\n",
    )


def on(day: str, held: set[str]) -> dict[str, str]:
    members, bias = members_on(dow(), day, is_past=True)
    assert bias == ""
    return {one.symbol: one.instrument_id for one in placed(members, day, MAPS, held, {})}


def test_members_are_those_of_the_day_under_the_instruments_of_the_day() -> None:
    assert (dow().about, dow().source, dow().is_dated) == ("a few", "by hand", True)
    assert on("2000-06-01", set()) == {"FB": "FB~1999.XNAS", "GE": "GE.XNYS"}
    assert on("2016-06-01", {"META.XNAS"}) == {"META": "META.XNAS", "GE": "GE.XNYS", "AAPL": "AAPL.XNAS"}
    assert on("2016-06-01", {"FB.XNAS"})["META"] == "FB.XNAS"
    assert on("2018-06-25", set())["GE"] == "GE.XNYS", "its last day is one of them"
    assert "GE" not in on("2018-06-26", set())


def test_a_list_without_days_refuses_the_past_or_says_its_bias() -> None:
    undated = read_universe(
        "mine", ".toml", b'mic = "XNAS"\nmembers = ["AAPL", "MSFT", {symbol = "SPY", mic = "ARCX"}]'
    )
    assert not undated.is_dated
    members, bias = members_on(undated, "2026-01-01", is_past=False)
    assert ([(one.symbol, one.mic) for one in members][1:], bias) == ([("MSFT", "XNAS"), ("SPY", "ARCX")], "")
    with pytest.raises(InvalidValueError, match="3 of 3 members have no first day") as caught:
        members_on(undated, "2013-10-07", is_past=True)
    assert "--todays-members" in caught.value.fix
    members, bias = members_on(undated, "2013-10-07", is_past=True, takes_todays=True)
    assert (len(members), bias) == (3, BIAS)


def test_today_s_members_are_not_those_who_left() -> None:
    mixed = Universe(name="m", members=(Member(symbol="A"), Member(symbol="B", since="2001-01-01", until="2002-01-01")))
    members, _ = members_on(mixed, "2001-06-01", is_past=True, takes_todays=True)
    assert [one.symbol for one in members] == ["A"]


def test_what_is_wrong_with_a_universe_is_told_in_words() -> None:
    assert problems_of(dow(), MAPS) == ()
    twice = Member(symbol="A", since="2001-01-01", until="2005-01-01"), Member(symbol="A", since="2004-01-01")
    both = Member(symbol="FB", since="1999-10-01")
    found = problems_of(Universe(name="x", members=(*twice, both, Member(symbol="Z"))), MAPS)
    assert [word in text for word, text in zip(("no first day", "in twice", "2 companies"), found, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("suffix", "data", "said"),
    [
        (".csv", b"symbol,from\nAAPL,soon\n", "member 1: 'soon' is no day"),
        (".csv", b"symbol,from,to\nAAPL,2002-01-01,2001-01-01\n", "ends (2001-01-01) before it begins"),
        (".csv", b"symbol,weight\nAAPL,1\n", "'weight' is not known"),
        (".csv", b"symbol\nA APL\n", "names no instrument"),
        (".csv", b"symbol\nAAPL,1,2\n", "is not known"),
        (".csv", b"symbol\n", "needs 1 to"),
        (".csv", b"\xff\xfe", "x.csv:"),
        (".toml", b"members = 3", "needs 1 to"),
        (".toml", b"members = [3]", "no symbol and no table"),
        (".toml", b"memebrs = []", "'memebrs' is not known"),
        (".toml", b"members = [", "x.toml:"),
        (".csv", b"symbol\n" + b"A\n" * (MAX_MEMBERS + 1), "needs 1 to"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_place(suffix: str, data: bytes, said: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_universe("x", suffix, data)
    assert said in caught.value.message


@pytest.mark.covers("R41")
@pytest.mark.parametrize("name", ["", "../x", "a/b", "Ä", "x" * 41, ".hidden", "a b"])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(InvalidValueError):
        require_name(name)


DAYS = st.dates(dt.date(1995, 1, 1), dt.date(2030, 1, 1)).map(dt.date.isoformat)


@given(st.lists(st.tuples(st.sampled_from("ABC"), DAYS, DAYS), min_size=1, max_size=8), DAYS)
def test_who_is_in_on_a_day_began_by_then_and_has_not_ended(stays: list[tuple[str, str, str]], day: str) -> None:
    rows = [(symbol, *sorted((a, b))) for symbol, a, b in stays]
    text = "symbol,from,to\n" + "".join(f"{symbol},{since},{until}\n" for symbol, since, until in rows)
    members, _ = members_on(read_universe("x", ".csv", text.encode()), day, is_past=True)
    assert sorted((one.symbol, one.since, one.until) for one in members) == sorted(
        row for row in rows if row[1] <= day <= row[2]
    )
