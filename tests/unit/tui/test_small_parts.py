"""The shell's pure parts: slots, keymap, watchlists, line editing, flashes, latency, places, splash."""

from __future__ import annotations

import os
import select
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.actions.registry import Context
from stockpulse_tui.keymap import Keymap, key_name
from stockpulse_tui.latency import Latency
from stockpulse_tui.line_edit import LineEdit
from stockpulse_tui.places import Places
from stockpulse_tui.screens.desk import _LARGE, _MEDIUM
from stockpulse_tui.screens.slots import Box, place, size_class
from stockpulse_tui.settings import load_settings
from stockpulse_tui.splash import compose, frame_bytes, quiet_keyboard, read_frame, welcome
from stockpulse_tui.watchlists import Group, Watchlists, expand, load_watchlists
from stockpulse_tui.welcome_art import big_name, count_cards, places, sky
from stockpulse_tui.widgets.flash import HOT, MAX_PER_SECOND, WARM, Flashes

ALL = ("watchlist", "ticket", "chart", "orders", "positions", "news", "ladder")


def test_the_medium_desk_is_the_one_of_the_picture() -> None:
    boxes = place(_MEDIUM, ALL, 118, 36)
    assert boxes == {
        "watchlist": Box(0, 0, 47, 20),
        "ticket": Box(0, 21, 47, 15),
        "chart": Box(48, 0, 70, 22),
        "orders": Box(48, 23, 70, 7),
        "positions": Box(48, 30, 70, 6),
    }


@given(
    st.sets(st.sampled_from(ALL)),
    st.sampled_from((_MEDIUM, _LARGE)),
    st.integers(108, 300),
    st.integers(28, 90),
)
def test_panes_never_overlap_and_fill_the_room(present: set[str], columns: tuple[object, ...], w: int, h: int) -> None:
    boxes = place(columns, present, w, h)  # type: ignore[arg-type] # tuples of columns
    cells = [(x, y) for b in boxes.values() for x in range(b.x, b.x + b.width) for y in range(b.y, b.y + b.height)]
    assert len(cells) == len(set(cells))
    assert all(0 <= x < w and 0 <= y < h for x, y in cells)
    if boxes:
        assert max(b.x + b.width for b in boxes.values()) == w
        assert max(b.y + b.height for b in boxes.values()) == h


@pytest.mark.parametrize(
    ("size", "wanted"), [((79, 24), ""), ((80, 24), "S"), ((110, 32), "M"), ((180, 49), "M"), ((180, 50), "L")]
)
def test_size_classes(size: tuple[int, int], wanted: str) -> None:
    assert size_class(*size) == wanted


def test_keys_are_named_as_people_say_them() -> None:
    names = [key_name("enter", "\r"), key_name("ctrl+p", "\x10"), key_name("exclamation_mark", "!")]
    names += [key_name("f1", None), key_name("shift+tab", None), key_name("upper_j", "J"), key_name("space", " ")]
    assert names == ["Enter", "Ctrl+P", "!", "F1", "Shift+Tab", "J", "Space"]


def test_a_user_keymap_rebinds_and_its_mistakes_are_said(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[global]\n"Ctrl+B" = "order.buy"\n"b" = ""\n"!!" = ""\n[chart]\n"1" = "chart.zoom_in"\n"w" = "no.such"\n[moon]\n'
    )
    (tmp_path / "torn.toml").write_text("[global")
    keymap = Keymap()
    keymap.load(tmp_path)
    assert keymap.action_for("Ctrl+B", Context.WATCHLIST) == "order.buy"
    assert keymap.action_for("b", Context.GLOBAL) == ""
    assert keymap.key_of("order.buy", Context.CHART) == "Ctrl+B"
    assert keymap.action_for("!!", Context.CHART) == "trading.halt"
    said = "\n".join(keymap.problems)
    for words in ("always halts", "would hide a global key", "no.such", "[moon]", "torn.toml"):
        assert words in said


def test_config_adds_keys_by_action() -> None:
    keymap = Keymap()
    keymap.load_actions({"order.buy": "Ctrl+B, F7", "no.such": "x"})
    assert keymap.action_for("F7", Context.LADDER) == "order.buy"
    assert keymap.problems == ["ui.keymap: 'no.such' is not an action"]


def test_brace_syntax_expands() -> None:
    assert expand("aapl {msft,nvda} BRK.{A,B}, spy") == ["AAPL", "MSFT", "NVDA", "BRK.A", "BRK.B", "SPY"]


def test_a_removed_row_comes_back_where_it_was() -> None:
    lists = Watchlists((Group("Core", ("A", "B", "C")),))
    lists.remove("B")
    assert list(lists.group.symbols) == ["A", "C"]
    assert lists.undo()
    assert list(lists.group.symbols) == ["A", "B", "C"]
    assert not lists.undo()


@given(st.lists(st.tuples(st.sampled_from("arud"), st.sampled_from("ABCDEF")), max_size=40))
def test_undoing_everything_gives_the_beginning_back(steps: list[tuple[str, str]]) -> None:
    lists = Watchlists((Group("Core", ("A", "B", "C")),))
    for what, symbol in steps:
        if what == "a":
            lists.add([symbol])
        elif what == "r":
            lists.remove(symbol)
        else:
            lists.move(symbol, 1 if what == "d" else -1)
        assert len(set(lists.group.symbols)) == len(lists.group.symbols)
    while lists.undo():
        pass
    assert lists.group.symbols == ("A", "B", "C")


def test_watchlists_survive_a_restart_and_a_torn_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "watchlists.json"
    lists = Watchlists((Group("Core", ("A",)),))
    lists.add(["B"])
    lists.save(file)
    again, problem = load_watchlists(file)
    assert problem == ""
    assert list(again.group.symbols) == ["A", "B"]
    file.write_text("[")
    again, problem = load_watchlists(file)
    assert again.groups == ()
    assert "watchlists.json" in problem


@given(st.lists(st.sampled_from(["a", " ", "Left", "Right", "Home", "End", "Backspace", "Delete", "Ctrl+W", "Ctrl+U"])))
def test_the_cursor_stays_inside_the_line(keys: list[str]) -> None:
    edit = LineEdit("buy AAPL")
    for key in keys:
        assert edit.take(key)
        assert 0 <= edit.cursor <= len(edit.text)


def test_the_halt_key_is_never_typed() -> None:
    edit = LineEdit()
    assert not edit.take("!")
    edit.insert("buy\x1b[31m AAPL\n100")
    assert edit.text == "buy AAPL 100"


def test_only_the_changed_digits_light_up_and_go_out() -> None:
    flashes, start = Flashes(), 10**12
    flashes.changed("NVDA", "148.88", "148.90", True, start)
    lit = flashes.get("NVDA")
    assert lit is not None
    assert (lit.at, lit.stage) == (4, HOT)
    assert flashes.expire(start + 130_000_000) == ["NVDA"]
    assert lit.stage == WARM
    flashes.changed("NVDA", "148.90", "148.95", True, start + 200_000_000)
    assert flashes.expire(start + 300_000_000) == ["NVDA"]
    assert not flashes


def test_a_flood_lights_nothing() -> None:
    flashes, start = Flashes(), 10**12
    for i in range(MAX_PER_SECOND + 50):
        flashes.changed(f"S{i}", "1", "2", True, start)
    assert flashes.is_flooded
    assert flashes.get(f"S{MAX_PER_SECOND + 49}") is None


def test_latency_percentiles() -> None:
    latency = Latency()
    latency.add(9_000)
    assert latency.percentile(0.99) == 0, "just connected: the state so far is no tick"
    latency.is_settling = False
    for value in range(1, 101):
        latency.add(value)
    assert (latency.percentile(0.5), latency.percentile(0.99)) == (51, 100)


def test_back_and_forward() -> None:
    places = Places()
    for name in "abc":
        places.visit((name, ""))
    assert places.step(-1) == ("b", "")
    assert places.step(-1) == ("a", "")
    assert places.step(-1) is None
    assert places.step(1) == ("b", "")
    places.visit(("d", ""))
    assert places.step(1) is None


def test_the_saved_frame_holds_no_control_character(tmp_path: Path) -> None:
    file = tmp_path / "last-frame.ansi"
    file.write_bytes(frame_bytes(["AAPL \x1b]52;c;aGk=\x07 232.12", "x" * 900]) + b"\n\x1b[2Jevil")
    rows, when = read_frame(file)
    assert when > 0
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for row in rows for c in row)
    assert all(len(row) <= 500 for row in rows)


@given(st.integers(12, 220), st.integers(2, 70))
def test_the_first_paint_fits_any_terminal(columns: int, rows: int) -> None:
    picture = compose(["A" * 120] * 40, 0.0, "loading", (columns, rows))
    lines = picture.split("\r\n")
    assert len(lines) == rows
    assert all(len(line) <= columns for line in lines)
    assert "loading" in lines[-1]


def test_what_is_typed_before_the_screen_is_there_waits_unseen_and_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    person, ours = os.openpty()
    before = termios.tcgetattr(ours)
    with os.fdopen(ours, "rb", buffering=0) as keyboard, os.fdopen(person, "r+b", buffering=0) as terminal:
        monkeypatch.setattr(sys, "stdin", keyboard)
        with quiet_keyboard():
            terminal.write(b"b100\r")
            assert keyboard.read(5) == b"b100\r"
            assert select.select([terminal], [], [], 0)[0] == [], "nothing is echoed over the picture"
        assert termios.tcgetattr(ours) == before


def test_without_a_terminal_there_is_no_keyboard_to_quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "input").open("w+") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with quiet_keyboard():
            assert file.write("b") == 1


def test_a_missing_frame_is_no_frame(tmp_path: Path) -> None:
    assert read_frame(tmp_path / "none") == ([], 0.0)


def test_settings_changed_by_hand_are_kept(tmp_path: Path) -> None:
    config, state = tmp_path / "stockpulse.toml", tmp_path / "head.json"
    config.write_text('[ui]\ntheme = "light"\n')
    settings = load_settings(config, state)
    assert settings.ui.theme == "light"
    assert settings.change("motion", "off") == ""
    assert "possible" in settings.change("theme", "pink")
    assert "is not a setting" in settings.change("pink", "on")
    settings.save()
    assert load_settings(config, state).motion == "off"
    config.write_text('[ui]\ntheme = "pink"\n')
    assert "stockpulse.toml" in load_settings(config, state).problems[0]


def test_a_first_start_shows_the_name() -> None:
    rows = welcome(120, 40, has_blocks=True)
    assert all(len(row) <= 120 for row in rows)
    assert "The trading desk in your terminal." in rows[-1]
    assert {len(row) for row in big_name()} == {39}
    tall = places(120, 40, count_cards()).sky
    assert rows[1 : 1 + tall] == ["".join(cell.character for cell in row) for row in sky(120, tall)]
    assert "".join(welcome(80, 24, has_blocks=False)).isascii()
