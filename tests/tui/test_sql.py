"""The SQL screen: type, run, look around in thousands of rows, draw, write, end, and what it says when it can not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.wire.sql import MAX_ROWS, SqlColumn
from stockpulse_tui.sql_table import AnswerTable
from stockpulse_tui.sql_words import EXAMPLES
from stockpulse_tui.widgets.sql_result import SqlResult
from tests.fakes.fake_book import BookCommands
from tests.tui.book_head import book_head, inside, rest
from tests.tui.harness import SIZES, Head, running_head, same_as_snapshot

ASK = ("f", "r", "o", "m", "space", "b", "a", "r", "s", "enter")


async def ask(head: Head) -> SqlResult:
    """Open the screen, run a statement, go to its answer."""
    await head.press("f6", *ASK)
    await rest(head)
    await head.press("tab")
    pane = head.app.view.panes["result"]
    assert isinstance(pane, SqlResult)
    return pane


def sql_asked(desk: BookCommands) -> list[str]:
    return [one[1] for one in desk.asked if one[0] == "sql"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    async with book_head(size) as (head, _):
        await head.press("f6")
        await rest(head)
        assert same_as_snapshot(f"sql-{size[0]}x{size[1]}", inside(head))
        await ask(head)
        await head.press("j", "l")
        assert same_as_snapshot(f"sql-answer-{size[0]}x{size[1]}", inside(head))


async def test_an_example_is_put_into_the_statement_and_run() -> None:
    async with book_head() as (head, desk):
        await head.press("f6", "tab", "j", "enter")
        await rest(head)
        assert sql_asked(desk) == [EXAMPLES[1].statement]
        assert "60 rows" in head.text()
        assert "order by ts desc" in head.text()


async def test_the_code_runs_the_statement_behind_it() -> None:
    async with book_head() as (head, desk):
        head.app.dispatch.run_line("sql select Close from bars")
        await rest(head)
        assert sql_asked(desk) == ["select Close from bars"]
        assert head.app.view_id == "history.sql"


async def test_letters_are_text_keys_are_keys_and_two_marks_still_halt() -> None:
    async with book_head() as (head, desk):
        await head.press("f6")
        await head.type("q1b")
        await head.press("exclamation_mark", "equals_sign", "ctrl+j")
        await head.type("x")
        assert head.app.view_id == "history.sql"
        assert " › q1b!=" in head.text()
        assert desk.asked[-1] == ("views",)
        await head.press("exclamation_mark", "exclamation_mark")
        assert ("halt", "") in desk.asked


async def test_a_pasted_statement_keeps_its_lines() -> None:
    async with book_head() as (head, _):
        await head.press("f6")
        head.app.dispatch.paste("select close\n  from bars\x1b[31m")
        await head.settle()
        rows = [row.rstrip() for row in head.rows()]
        assert any(row.startswith("  › select close") for row in rows)
        assert any(row.startswith("      from bars") and "[31m" not in row for row in rows)


async def test_statements_of_before_come_back_in_the_next_run_of_the_head(tmp_path: Path) -> None:
    state = tmp_path / "head.json"
    async with running_head(only=(), commands=BookCommands, state_file=state) as head:
        await head.press("enter", "f6", *ASK)  # a first head says welcome
    async with running_head(only=(), commands=BookCommands, state_file=state) as head:
        await head.press("f6", "up")
        assert "› from bars" in head.text()
        await head.press("down")
        assert "› from bars" not in head.text()


async def test_a_refusal_is_told_in_words_with_its_cure() -> None:
    async with book_head() as (head, _):
        await head.press("f6")
        await head.type("copy")
        await head.press("enter")
        await rest(head)
        assert "COPY is not run here: this SQL only reads." in head.text()
        assert "Write one SELECT." in head.text()


async def test_an_engine_that_is_gone_is_told_too() -> None:
    async with book_head() as (head, desk):

        async def gone(_: object) -> bytes:
            raise UnavailableError("No engine is running.", fix="Start it: `sp engine start`.")

        desk.history.sql = gone  # type: ignore[method-assign,assignment]  # nobody answers
        await head.press("f6", *ASK)
        await rest(head)
        assert "No engine is running." in head.text()


async def test_a_running_statement_shows_its_seconds_and_ends_when_told() -> None:
    async with book_head() as (head, desk):
        await head.press("f6")
        await head.type("endless")
        await head.press("enter")
        await desk.history.is_running.wait()
        await head.tick(12)
        assert "running 12 s" in head.text()
        await head.press("enter")
        assert "a statement is running" in head.text()
        await head.press("ctrl+c")
        await desk.history.canceled.wait()
        await rest(head)
        assert "Ended: nothing more of it runs." in head.text()
        assert "running 12 s" not in head.text()
        await head.press("ctrl+c")
        assert "nothing is running" in head.text()


async def test_a_head_that_leaves_ends_its_statement() -> None:
    async with book_head() as (head, desk):
        await head.press("f6")
        await head.type("endless")
        await head.press("enter")
        await desk.history.is_running.wait()
    assert desk.history.canceled.is_set()


async def test_only_what_is_in_sight_is_made_of_ten_thousand_rows() -> None:
    async with book_head() as (head, desk):
        desk.history.columns = tuple(SqlColumn(f"c{number}", "VARCHAR") for number in range(30))
        desk.history.rows = tuple(tuple(f"{row}.{column}" for column in range(30)) for row in range(MAX_ROWS))
        pane = await ask(head)
        for key in ("G", "l", "l"):  # whatever has to be measured once
            await head.press(key)
        made: list[int] = []
        text = AnswerTable.text

        def counted(self: AnswerTable, row: int, column: int) -> str:
            made.append(row)
            return text(self, row, column)

        with patch.object(AnswerTable, "text", counted):
            await head.press("k", "k", "h", "pageup")
        assert pane.at < MAX_ROWS - 4
        assert "c0" in head.text()
        assert len(set(made)) <= 3 * head.app.size.height, "no row out of sight was looked at"


async def test_the_cursor_stays_in_sight_in_both_directions() -> None:
    async with book_head((80, 24)) as (head, desk):
        desk.history.columns = tuple(SqlColumn(f"column_{number}", "VARCHAR") for number in range(12))
        desk.history.rows = tuple(tuple(f"{row}x{column}" for column in range(12)) for row in range(200))
        pane = await ask(head)
        assert "column_0" in head.text()
        await head.press("G", *["l"] * 12)
        assert (pane.at, pane.column) == (199, 11)
        assert "column_11" in head.text()
        assert "199x11" in head.text()
        assert "column_0 " not in head.text()
        await head.press("l")
        assert "column_0" in head.text(), "behind the last one comes the first"


async def test_text_from_an_answer_is_never_markup_and_never_a_control() -> None:
    async with book_head((200, 60)) as (head, _):
        await ask(head)
        text = head.text()
        assert "red [b]bold[/b]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


async def test_a_column_of_numbers_is_drawn_and_esc_brings_the_rows_back() -> None:
    async with book_head() as (head, _):
        pane = await ask(head)
        await head.press("p")
        text = head.text()
        assert "close" in text
        assert "60 points" in text
        assert "2013-08-09 13:30:00" in text
        await head.press("escape")
        assert not pane.is_plot
        assert head.app.view.front == "result"


async def test_rows_are_written_to_a_new_file_of_each_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with book_head() as (head, _):
        await ask(head)
        await head.press("x", "ctrl+u")
        await head.type("out.csv")
        await head.press("enter")
        for line in ("EXPORT out.json", "EXPORT out.parquet"):
            head.app.dispatch.run_line(line)
        names = ("out.csv", "out.json", "out.parquet")
        while not all((tmp_path / name).exists() for name in names):
            await head.pilot.pause(0.02)
        await rest(head)
        assert "60 rows written to out." in head.text()
        head.app.dispatch.run_line("EXPORT out.csv")
        await rest(head)
        assert "is there already" in head.text()
    rows = list(csv.reader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert (rows[0][1], rows[1][1], len(rows)) == ("close", "100.00000000", 61)
    assert len(json.loads((tmp_path / "out.json").read_text())["rows"]) == 60
    assert str(pl.read_parquet(tmp_path / "out.parquet")["close"][0]) == "100.00000000"


async def test_a_file_that_does_not_say_its_format_is_refused() -> None:
    async with book_head() as (head, _):
        await ask(head)
        head.app.dispatch.run_line("EXPORT out.xlsx")
        await rest(head)
        assert "End it in .csv, .json, .parquet" in head.text()


async def test_a_name_of_the_views_goes_into_the_statement() -> None:
    async with book_head((80, 24)) as (head, _):
        await head.press("f6", "f3")
        await rest(head)
        assert "open, high, low, close" in head.text()
        await head.press("enter")
        assert "› select * from bars limit 100" in head.text()
        await head.press("space", "f3", "j", "j", "enter")
        assert "limit 100 close" in head.text()


async def test_a_universe_is_put_into_the_watchlist_as_far_as_it_is_traded_here() -> None:
    async with book_head() as (head, _):
        head.app.dispatch.run_line("UNIVERSE two")
        await rest(head)
        assert "members added" in head.text()
        assert "1 are not traded here" in head.text()
        assert "AMD" in head.app.watchlists.group.symbols
        head.app.dispatch.run_line("UNIVERSE three")
        await rest(head)
        assert "There is no universe 'three'." in head.text()
