"""A whole import: counted, the same again nothing new, stopped and taken up, in parts as in one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.storage.importing.progress import Progress
from stockpulse_engine.storage.importing.run import Hooks
from tests.unit.storage.importing.desk import HEAD, Desk, minute

M1 = BarSpec(1, "m")
LINES = [HEAD, *(minute(number, 100 + number % 7) for number in range(100))]


def test_the_same_file_again_adds_nothing_and_says_so(desk: Desk) -> None:
    first, again = desk.take_lines(LINES), desk.take_lines(LINES)
    assert (first.added, first.word()) == (100, "100 added")
    assert (again.added, again.unchanged, again.word()) == (0, 100, "Nothing new: all of it was held already.")
    assert again.import_id == first.import_id


def test_other_values_are_corrections(desk: Desk) -> None:
    desk.take_lines(LINES)
    report = desk.take_lines([HEAD, *(minute(number, 100 + number % 7 + (number == 3)) for number in range(100))])
    assert (report.added, report.unchanged, report.corrected) == (0, 99, 1)


def test_progress_has_rate_and_time_to_go(desk: Desk) -> None:
    seen: list[Progress] = []
    desk.take(desk.write("bars.csv", LINES), Hooks(on_progress=seen.append, chunk_rows=40))
    assert [one.done for one in seen] == [40, 80, 100]
    shown = Progress(done=60, rows=100, elapsed_ns=2 * 10**9, since=20)
    assert (shown.rate, shown.eta_s) == (20.0, 2.0)
    assert shown.line() == "60 of 100 rows (60%), 20 rows/s, 2 s to go"


def test_stopped_after_a_part_it_goes_on_from_there(desk: Desk) -> None:
    file = desk.write("bars.csv", [*LINES[:50], "AAPL,2014-06-05T18:00:00Z,1,1,1,-1,1", *LINES[50:]])
    half = desk.take(file, Hooks(should_stop=lambda: True, chunk_rows=60))
    assert (half.is_complete, half.done, half.added, half.refused) == (False, 60, 59, 1)
    assert "Stopped after row 60 of 101" in half.word()
    assert len(desk.store.reader.bars("AAPL.XNAS", M1)) == 59
    whole = desk.take(file, Hooks(chunk_rows=60))
    assert (whole.resumed_at, whole.added, whole.unchanged, whole.refused, whole.is_complete) == (60, 100, 0, 1, True)
    assert len(desk.refused(whole)) == 1
    assert not list((desk.store.layout.root / "importing").glob("*.json"))


def test_refused_rows_written_after_the_last_commit_are_not_there_twice(desk: Desk) -> None:
    bad = [f"AAPL,2014-06-05T18:{number:02}:00Z,1,1,1,-1,1" for number in range(20)]
    file = desk.write("bars.csv", [HEAD, *bad])
    half = desk.take(file, Hooks(should_stop=lambda: True, chunk_rows=10))
    with Path(half.refused_file).open("a") as torn:
        torn.write("11,close is not positive: -1,AAPL,2014-06")
    whole = desk.take(file, Hooks(chunk_rows=10))
    assert [line.split(",")[0] for line in desk.refused(whole)] == [str(number) for number in range(1, 21)]


def test_ticks_in_parts_are_the_ticks_in_one(desk: Desk) -> None:
    """Many prints share a moment, and a part may end between them."""
    lines = [
        "symbol,ts,price,size",
        *(f"IBM,{1381132800000 + number // 9},{100 + number % 5},1" for number in range(200)),
    ]
    file = desk.write("ibm_ticks.csv", lines)
    parts = desk.take(file, Hooks(chunk_rows=13), source="parts")
    whole = desk.take(file, source="whole")
    assert (parts.added, whole.added) == (200, 200)
    held = [
        desk.store.reader.trades("IBM.XNYS", start_ns=0, end_ns=2**62, source=source) for source in ("parts", "whole")
    ]
    assert held[0].price.tolist() == held[1].price.tolist()
    assert held[0].ts_event.tolist() == held[1].ts_event.tolist()
    assert desk.take(file, source="parts").unchanged == 200


def test_a_part_that_goes_back_is_refused(desk: Desk) -> None:
    file = desk.write("bars.csv", [*LINES, minute(5, 200)])
    report = desk.take(file, Hooks(chunk_rows=50))
    assert (report.added, report.reasons) == (
        100, {"goes back to a time that an earlier part of the file has covered": 1},
    )  # fmt: skip


def test_quotes_of_one_side_and_bars_of_both(desk: Desk) -> None:
    quotes = [
        "symbol,ts,bid,bid_size,ask,ask_size",
        "IBM,1381132800000,,0,184,1",
        "IBM,1381132800001,183,2,,0",
        "IBM,1381132800002,,,,",
    ]
    report = desk.take_lines(quotes, "quotes.csv")
    assert (report.added, report.reasons) == (2, {"neither bid nor ask": 1})
    names = ",".join(f"{side}_{price}" for side in ("bid", "ask") for price in ("open", "high", "low", "close"))
    bars = [f"symbol,ts,{names}", *(f"EURUSD,2014-06-05T13:0{n}:00Z,1,1,1,1,2,2,2,{2 if n else 0}" for n in range(2))]
    both = desk.take_lines(bars, "fx.csv")
    assert (both.entries, both.added, both.reasons) == (4, 3, {"ask bar, ask_close is not positive": 1})
    held = {one.source: one.rows for one in desk.store.reader.series("EURUSD.XXXX")}
    assert held == {"fx/bid": 2, "fx/ask": 1}


def test_closes_are_bars_of_one_price(desk: Desk) -> None:
    report = desk.take_lines(["date,AAPL,IBM", "2014-06-05,100,", "2014-06-06,101,200"], "prices.csv")
    assert (report.entries, report.added, report.source) == (3, 3, "prices")
    (bar, _) = desk.store.reader.bars("AAPL.XNAS", BarSpec(1, "d"), source="prices/close").to_bars()
    assert [bar.open, bar.close, bar.volume] == [100, 100, 0]


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".ndjson"])
def test_every_format_gives_the_same_rows(desk: Desk, suffix: str) -> None:
    desk.take_lines(LINES, source="csv")
    frame = pl.read_csv(desk.place / "bars.csv")
    file = desk.place / f"bars{suffix}"
    if suffix == ".parquet":
        frame.write_parquet(file)
    else:
        file.write_text(frame.write_json() if suffix == ".json" else frame.write_ndjson())
    desk.take(file, source="other")
    one, two = (desk.store.reader.bars("AAPL.XNAS", M1, source=source) for source in ("csv", "other"))
    assert one.close.tolist() == two.close.tolist()
    assert one.ts_event.tolist() == two.ts_event.tolist()
