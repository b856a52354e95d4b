"""The parts of the SQL screen that need no screen: editing, statements of before, cells of an answer, a drawing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.wire.sql import Cell, SqlColumn, SqlTable
from stockpulse_tui.sql_plot import drawing_of
from stockpulse_tui.sql_table import AnswerTable
from stockpulse_tui.sql_words import EXAMPLES, MAX_KEPT, MAX_KEPT_TEXT, Past, tinted
from stockpulse_tui.text_edit import MAX_TEXT, TextEdit

KEYS = ["a", "'", "=", "!", "Space", "Backspace", "Delete", "Left", "Right", "Home", "End", "Ctrl+W", "Ctrl+U", "\x1b"]


def answer(*columns: tuple[str, str], rows: list[tuple[Cell, ...]]) -> SqlTable:
    return SqlTable(columns=tuple(SqlColumn(*one) for one in columns), rows=tuple(rows), is_cut=False, elapsed_ms=1.0)


def typed(*keys: str) -> TextEdit:
    edit = TextEdit()
    for key in keys:
        edit.take(key)
    return edit


def test_a_pasted_statement_keeps_its_lines_and_nothing_else() -> None:
    edit = TextEdit()
    assert edit.insert("select\t1\r\nfrom\x1b[2J bars\x00\n -- a  b")
    assert edit.text == "select    1\nfrom bars\n -- a  b"
    assert not edit.insert("x" * MAX_TEXT)
    assert edit.text.startswith("select")


def test_one_exclamation_mark_waits_for_what_makes_it_an_operator() -> None:
    assert typed("a", "!", "=", "1").text == "a!=1"
    assert typed("a", "!", "1").text == "a1"
    assert typed("!", "!").text == ""


def test_the_cursor_goes_up_and_down_within_the_text_and_says_where_it_ends() -> None:
    edit = TextEdit("select a,\n  b\nfrom bars")
    assert edit.place == (2, 9)
    assert edit.move_line(-1)
    assert edit.place == (1, 3)
    edit.home()
    edit.kill_line()
    assert edit.move_line(-1)
    assert not edit.move_line(-1)
    edit.end()
    assert edit.place == (0, 9)


@given(st.lists(st.sampled_from([*KEYS, "up", "down", "paste"])))
def test_whatever_is_pressed_the_cursor_is_in_the_text_and_the_text_is_clean(keys: list[str]) -> None:
    edit = TextEdit()
    for key in keys:
        if key in ("up", "down"):
            edit.move_line(-1 if key == "up" else 1)
        elif key == "paste":
            edit.insert("one\ntwo")
        else:
            edit.take(key)
        assert 0 <= edit.cursor <= len(edit.text) <= MAX_TEXT
        assert all(letter.isprintable() for letter in edit.text if letter != "\n")
        assert len(tinted(edit.text)) == len(edit.text)


def test_statements_of_before_come_newest_first_then_the_examples_then_the_draft_again() -> None:
    kept: list[str] = []
    past = Past(kept)
    for statement in ("a", "b", "a"):
        past.add(statement)
    assert kept == ["a", "b"]
    assert [past.walk(1, "draft") for _ in range(3)] == ["a", "b", EXAMPLES[0].statement]
    assert [past.walk(-1, "") for _ in range(4)] == ["b", "a", "draft", None]


def test_what_is_remembered_is_bounded() -> None:
    kept: list[str] = []
    past = Past(kept)
    for number in range(300):
        past.add(f"{number}" + "x" * 2_000)
    assert len(kept) <= MAX_KEPT
    assert sum(map(len, kept)) <= MAX_KEPT_TEXT
    assert kept[0].startswith("299")


def test_numbers_have_the_decimals_their_column_needs_and_are_never_cut() -> None:
    rows: list[tuple[Cell, ...]] = [("1234.50000000", 7, 0.1, None), ("0.12500000", 123456789012, 1e30, "x" * 100)]
    table = AnswerTable(answer(("p", "DECIMAL(28,8)"), ("n", "BIGINT"), ("f", "DOUBLE"), ("t", "VARCHAR"), rows=rows))
    assert [table.text(y, 0) for y in (0, 1)] == ["1,234.500", "0.125"]
    assert (table.text(1, 1), table.text(0, 2), table.text(0, 3)) == ("123456789012", "0.1", "·")
    assert [table.width(i) for i in range(4)] == [9, 12, 5, 40]
    whole = AnswerTable(answer(("v", "DECIMAL(28,8)"), rows=[("5.00000000",), ("1000.00000000",)]))
    assert [whole.text(y, 0) for y in (0, 1)] == ["5", "1,000"]


def test_text_of_an_answer_is_one_harmless_line() -> None:
    table = AnswerTable(answer(("\x1b[1mname", "VARCHAR"), rows=[("a\nb\x1b]0;x\x07\u202ec",)]))
    assert (table.names[0], table.text(0, 0)) == ("name", "a bc")


def test_as_many_columns_as_fit_and_never_none() -> None:
    table = AnswerTable(answer(("a", "VARCHAR"), ("b", "VARCHAR"), ("c", "VARCHAR"), rows=[("x" * 10,) * 3]))
    assert table.seen_from(0, 22) == [0, 1]
    assert table.seen_from(1, 100) == [1, 2]
    assert table.seen_from(2, 3) == [2]


def test_a_drawing_is_over_time_whatever_the_order_of_the_rows() -> None:
    rows: list[tuple[Cell, ...]] = [
        (3.0, "2014-01-04 00:00:00.123456789"), (None, "2014-01-03"), (2.0, "2014-01-02 00:00:00+00"), (1.0, None),
        (1.0, "2014-01-01 00:00:00"),
    ]  # fmt: skip
    drawn = drawing_of(answer(("x", "DOUBLE"), ("t", "TIMESTAMP_NS"), rows=rows), 0, 80)
    assert drawn.values == [1.0, 2.0, 3.0]
    assert [round(at, 2) for at in drawn.places] == [0.0, 0.33, 1.0]
    assert (drawn.first, drawn.last[:10]) == ("2014-01-01 00:00:00", "2014-01-04")
    plain = drawing_of(answer(("x", "DOUBLE"), rows=[(1.0,), (5.0,)]), 0, 80)
    assert (plain.values, plain.first, plain.last) == ([1.0, 5.0], "row 1", "row 2")


def test_a_line_goes_through_one_series_only_that_of_the_row_under_the_cursor() -> None:
    rows: list[tuple[Cell, ...]] = [("A", 1.0), ("B", 900.0), ("A", 2.0), ("B", 901.0)]
    both = answer(("instrument_id", "VARCHAR"), ("x", "DOUBLE"), rows=rows)
    assert (drawing_of(both, 1, 80, 0).values, drawing_of(both, 1, 80, 0).of) == ([1.0, 2.0], "A")
    assert (drawing_of(both, 1, 80, 3).values, drawing_of(both, 1, 80, 3).of) == ([900.0, 901.0], "B")


def test_of_many_points_the_highest_and_the_lowest_are_kept() -> None:
    rows: list[tuple[Cell, ...]] = [(float(number % 100),) for number in range(10_000)]
    rows[5_555], rows[7_777] = (9_999.0,), (-9_999.0,)
    drawn = drawing_of(answer(("x", "DOUBLE"), rows=rows), 0, 50)
    assert len(drawn.values) <= 202
    assert (max(drawn.values), min(drawn.values)) == (9_999.0, -9_999.0)
    assert drawn.places == sorted(drawn.places)
