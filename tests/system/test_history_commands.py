"""Stored history from the command line: what is held, bars as of any moment, and SQL over it, no engine running."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import resolve_paths
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.history import ActionKind, CorporateAction
from stockpulse_engine.storage.history.store import open_history
from tests.system.shell import Shell

E8 = 100_000_000
DATES = ("2013-10-03", "2013-10-04", "2013-10-07", "2013-10-08")
XNYS = load_calendar("XNYS")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A home that holds four daily bars of IBM, the third corrected a day later, a split before the last."""
    sessions = [session for date in DATES if (session := XNYS.session(date))]
    rows = [_bar(session.open, session.close, 100 + number) for number, session in enumerate(sessions)]
    clock = ManualClock(sessions[3].post_close)
    with open_history(resolve_paths(tmp_path).history, clock) as store:
        store.writer.write_bars(pl.DataFrame(rows), spec=BarSpec(1, "d"), source="own")
        clock.advance(1_000_000_000)
        store.writer.write_bars(
            pl.DataFrame([_bar(sessions[2].open, sessions[2].close, 222)]), spec=BarSpec(1, "d"), source="own"
        )
        store.writer.write_actions(
            [
                CorporateAction(
                    instrument_id="IBM.XNYS",
                    kind=ActionKind.SPLIT,
                    ts_event=sessions[3].open,
                    known_at=sessions[3].open,
                    source="own",
                    numerator=2,
                )
            ]
        )
    return Shell(tmp_path)


def _bar(start: int, end: int, close: int) -> dict[str, object]:
    prices = {f"{name}_e8": close * E8 for name in ("open", "high", "low", "close")}
    return {"instrument_id": "IBM.XNYS", "ts_event": start, "known_at": end, **prices, "volume_e8": 1_000 * E8}


def closes(shell: Shell, *options: str) -> list[str]:
    return [bar["close"] for bar in shell("bars", "ibm", "--json", *options).data["bars"]]


def test_bars_are_told_as_known_now_as_known_then_and_adjusted(shell: Shell) -> None:
    assert closes(shell) == ["100", "101", "222", "103"]
    assert closes(shell, "--as-of", "2013-10-08 12:00") == ["100", "101", "102"]
    assert closes(shell, "--to", "2013-10-04") == ["100", "101"]
    assert closes(shell, "--adjust", "split") == ["50.0", "50.5", "111.0", "103.0"]
    assert closes(shell, "--adjust", "split", "--as-of", "2013-10-07 20:00") == ["100", "101", "102"]


def test_what_is_held_is_listed_with_its_corrections_and_gaps(shell: Shell) -> None:
    done = shell("coverage", "IBM")
    assert "IBM.XNYS" in done.out
    assert "4 bars, 0 missing" in done.err
    series = {one["table"]: one for one in shell("coverage", "--json").data}
    assert (series["bars"]["rows"], series["bars"]["corrections"]) == (5, 1)
    assert "2:1" in shell("actions").out


def test_what_is_not_held_is_said_with_the_way_on(shell: Shell) -> None:
    assert "held are 1d" in shell("bars", "IBM", "--spec", "1m").out
    missing = shell("bars", "IBN.XNYS")
    assert missing.code
    assert "IBM.XNYS" in missing.err
    wrong = shell("bars", "IBM", "--from", "yesterday")
    assert wrong.code
    assert "2013-10-07 11:32" in wrong.err


def test_an_empty_home_says_how_to_fill_it(tmp_path: Path) -> None:
    empty = Shell(tmp_path / "empty")
    assert "sp import" in empty("coverage").out
    assert empty("sql", "select * from bars").out == "No rows.\n"


def test_sql_answers_as_table_json_csv_file_and_drawing(shell: Shell, tmp_path: Path) -> None:
    asked = "select spec, close from bars order by ts"
    assert "222.00000000" in shell("sql", asked).out
    assert shell("sql", asked, "--json").data["rows"][0] == ["1d", "100.00000000"]
    assert shell("sql", asked, "--csv").out.splitlines()[:2] == ["spec,close", "1d,100.00000000"]
    assert "222" in shell("sql", asked, "--plot").out
    for suffix in ("csv", "json", "parquet"):
        assert shell("sql", asked, "--out", str(tmp_path / f"out.{suffix}")).code == 0
    assert json.loads((tmp_path / "out.json").read_bytes())["rows"][3][1] == "103.00000000"
    assert str(pl.read_parquet(tmp_path / "out.parquet")["close"].item(0)) == "100.00000000"
    then = shell("sql", asked, "--json", "--as-of", "2013-10-08 12:00").data["rows"]
    assert [row[1] for row in then] == ["100.00000000", "101.00000000", "102.00000000"]


def test_sql_that_is_not_a_select_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "stolen.csv"
    done = shell("sql", f"copy bars to '{target}'")
    assert done.code
    assert "only reads" in done.err
    assert not target.exists()
    assert "End it in .csv" in shell("sql", "from bars", "--out", str(tmp_path / "x.xlsx")).err


def test_a_universe_names_its_members_of_a_day_or_says_why_it_can_not(shell: Shell) -> None:
    refused = shell("universe", "show", "sim", "--as-of", "2013-10-08")
    assert refused.code == 2
    assert "--todays-members" in refused.err
    told = shell("universe", "show", "sim", "--as-of", "2013-10-08", "--todays-members", "--json").data
    assert (told["bias"], told["as_of"]) == ("today's members: survivorship bias", "2013-10-08")
    folder = resolve_paths(shell.home).config / "universes"
    folder.mkdir(parents=True)
    (folder / "blue.csv").write_text("symbol,mic,from,to\nIBM,XNYS,2013-10-04,2013-10-07\nGE,XNYS,2000-01-01,\n")
    assert shell("universe", "list", "--json").data[1]["members"] == 1
    assert shell("universe", "show", "blue", "--as-of", "2013-10-07", "--plain").out == "IBM GE\n"
    bars = shell("bars", "--universe", "blue", "--as-of", "2013-10-07 23:00", "--json").data
    assert (bars["members"], bars["bias"], bars["without_bars"]) == (2, "", ["GE.XNYS"])
    assert [bar["instrument_id"] for bar in bars["bars"]] == ["IBM.XNYS"]
    now = shell("bars", "--universe", "blue")
    assert "No bars of its members are held." in now.out
    assert "survivorship bias" in now.err, "bars of the past of whoever is in today"
    assert shell("universe", "check", "blue").code == 0
    (folder / "blue.csv").write_text("symbol,mic\nIBM,XNYS\n")
    assert shell("universe", "check", "blue").code == 2
    assert shell("bars").code == 2


@pytest.mark.real_data
def test_a_member_is_the_company_that_had_its_ticker_on_that_day(shell: Shell, shared: Path) -> None:
    assert shell("import", str(shared / "data" / "corporate_actions" / "lean_map_files.csv"), "--yes").code == 0
    folder = resolve_paths(shell.home).config / "universes"
    folder.mkdir(parents=True)
    (folder / "social.csv").write_text(
        "symbol,mic,from,to\nFB,XNAS,1999-10-01,2003-01-31\nFB,XNAS,2013-12-23,\nIBM,XNYS,2000-01-01,\n"
    )

    def members(day: str) -> list[str]:
        told = shell("universe", "show", "social", "--as-of", day, "--json").data
        return [one["instrument_id"] for one in told["members"]]

    assert members("2000-06-01") == ["FB~1999.XNAS", "IBM.XNYS"]
    assert members("2005-06-01") == ["IBM.XNYS"]
    assert members("2015-06-01") == ["FB.XNAS", "IBM.XNYS"]
    assert shell("universe", "check", "social").code == 0
    (folder / "social.csv").write_text("symbol,mic,from,to\nFB,XNAS,1999-10-01,\n")
    assert "was 2 companies" in shell("universe", "check", "social").out
