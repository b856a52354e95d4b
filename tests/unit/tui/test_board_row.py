"""A row painted cell by cell looks as if it had been painted as a whole, whatever came before."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.render.theme import THEMES
from stockpulse_tui.painter import Painter
from stockpulse_tui.store import Store
from stockpulse_tui.widgets import board_book
from stockpulse_tui.widgets.board_book import Pieces, RowLook
from stockpulse_tui.widgets.board_cells import Cells, visible_columns
from stockpulse_tui.widgets.board_row import BoardRow
from stockpulse_tui.widgets.flash import HOT, WARM, Flash
from tests.fakes.fake_terminal import FakeTerminal

WIDTH = 84
AAPL = Instrument(
    instrument_id="AAPL.XNAS",
    name="Apple Inc",
    asset_class=AssetClass.EQUITY,
    currency="USD",
    tick_size=Decimal("0.01"),
    average_daily_volume=Decimal(1_000_000),
)

STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "cents": st.sampled_from((1, 9_999, 10_000, 10_001, 99_999, 100_000)) | st.integers(9_800, 10_200),
            "sizes": st.sampled_from((0, 100)),
            "held": st.booleans(),
            "is_flooded": st.booleans(),
            "is_selected": st.booleans(),
            "flash": st.none() | st.builds(Flash, st.integers(0, 9), st.booleans(), st.just(0), st.sampled_from((HOT, WARM))),
            "stale_ns": st.sampled_from((-1, -1, -1, 61 * 10**9)),
            "underlined": st.sampled_from((-1, -1, -1, 1)),
            "is_slow": st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


class Painted:
    """A row, a look and a terminal that sees only what changed."""

    def __init__(self, theme: str) -> None:
        self.store = Store()
        self.store.references["AAPL.XNAS"] = (Decimal(100), Decimal(99), Decimal(101))
        self.look = RowLook(Painter(THEMES[theme]), WIDTH, *visible_columns(WIDTH))
        self.row = BoardRow("AAPL", AAPL)
        self.terminal = FakeTerminal(WIDTH, 1)
        self.whole()

    def quote(self, cents: int, sizes: int) -> None:
        last, size = Decimal(cents) / 100, Decimal(sizes)
        self.store.quotes["AAPL.XNAS"] = Quote("AAPL.XNAS", last, last, size, size, 1, "sim", last, Decimal(9_000))

    def aim(self, step: dict[str, object]) -> None:
        from stockpulse_engine.render.span import Span

        look, is_selected = self.look, bool(step["is_selected"])
        look.bg = "select" if is_selected else "panel"
        look.book = look.book_of(look.bg)
        look.mark = Span("▌", "accent", "select") if is_selected else None
        for name in ("flash", "stale_ns", "underlined", "is_flooded"):
            setattr(look, name, step[name])

    def whole(self) -> None:
        self.terminal.write("\x1b[1;1H" + self.look.painter.ansi(self.row.line(self.look)))

    def changed(self) -> None:
        """As the board does it: the quick way, the careful way, the whole row."""
        look, row = self.look, self.row
        is_plain = look.stale_ns < 0 and look.underlined < 0 and look.mark is None and look.flash is None
        if is_plain and row.is_hot and row.book is look.book:
            text: str | None = look.book.start + row.hurry(look)
        else:
            text = row.renew(look)
        if text is None:
            self.whole()
        elif text:
            self.terminal.write("\x1b[1;1H" + text)

    def anew(self) -> FakeTerminal:
        """The same row on an empty terminal, by a painter that made nothing before."""
        look = RowLook(Painter(self.look.painter.theme), WIDTH, *visible_columns(WIDTH))
        for name in ("bg", "flash", "stale_ns", "underlined", "is_flooded", "mark"):
            setattr(look, name, getattr(self.look, name))
        look.book = look.book_of(look.bg)
        terminal = FakeTerminal(WIDTH, 1)
        terminal.write(look.painter.ansi(copy.copy(self.row).line(look)))
        return terminal


@pytest.mark.parametrize("theme", ["dark", "mono", "dark-256"])
@settings(max_examples=120, deadline=None)
@given(steps=STEPS)
def test_what_changed_is_all_that_has_to_be_written(theme: str, steps: list[dict[str, object]]) -> None:
    painted = Painted(theme)
    for step in steps:
        painted.quote(int(str(step["cents"])), int(str(step["sizes"])))
        painted.row.hold(bool(step["held"]))
        painted.row.update(painted.store)
        if step["is_slow"]:
            painted.row.update_slow(painted.store, 0.001 * int(str(step["cents"])) % 1, " ▁▂▃▄▅▆▇█")
        painted.aim(step)
        painted.changed()
        assert painted.terminal.cells == painted.anew().cells


def test_nothing_is_written_for_a_quote_that_looks_the_same() -> None:
    painted = Painted("dark")
    painted.quote(10_050, 100)
    painted.row.update(painted.store)
    painted.changed()
    painted.quote(10_050, 200)
    painted.row.update(painted.store)
    assert painted.row.hurry(painted.look) == ""


def test_neighbours_are_one_run_and_what_stands_between_is_stepped_over() -> None:
    painted = Painted("dark")
    painted.quote(10_150, 100)
    painted.row.update(painted.store)
    painted.changed()
    painted.quote(10_149, 100)
    painted.row.update(painted.store)
    text = painted.row.hurry(painted.look)
    assert "101.49" in text
    assert "+1.49%" in text
    assert text.count("C") == 1, "from the row's first cell to the price; the change follows at once"


def test_a_cell_is_made_once_and_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make(key: str) -> Cells:
        made.append(key)
        return ()

    monkeypatch.setattr(board_book, "MAX_PIECES", 2)
    pieces = Pieces(make)
    assert pieces["a"] is pieces["a"]
    for key in ("b", "c", "a"):
        pieces[key]
    assert made == ["a", "b", "c", "a"]
    assert len(pieces) <= 2


def test_text_and_tint_of_a_change_follow_from_one_number() -> None:
    """+0.60% is tinted where it says so, though the change behind it is a hair less."""
    row = BoardRow("AAPL", AAPL)
    store = Store()
    store.references["AAPL.XNAS"] = (Decimal("233.333"), Decimal(1), Decimal(1000))
    last = Decimal("234.73")
    store.quotes["AAPL.XNAS"] = Quote("AAPL.XNAS", last, last, Decimal(1), Decimal(1), 1, "sim", last)
    row.update(store)
    assert row.change is not None
    assert row.change < 0.6
    assert row.change_text == "+0.60%"
    look = RowLook(Painter(THEMES["dark"]), WIDTH, *visible_columns(WIDTH))
    assert next(span.bg for span in row.line(look) if "0.60%" in span.text) == "up_bg"
