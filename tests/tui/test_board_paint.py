"""Whatever happens, the terminal shows the board as if it had been painted anew."""

from __future__ import annotations

import copy
import random
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase
from stockpulse_tui.painter import Painter
from stockpulse_tui.widgets.board import Board
from stockpulse_tui.widgets.board_actions import TOP
from stockpulse_tui.widgets.board_book import RowLook
from stockpulse_tui.widgets.board_cells import visible_columns
from stockpulse_tui.widgets.board_row import BoardRow
from tests.fakes.fake_terminal import FakeTerminal
from tests.tui.harness import SIZES, Head, running_head

STEPS = 40


class Watched:
    """A head, everything it wrote on a terminal, and what may happen to it."""

    def __init__(self, head: Head, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.head = head
        self.rng = random.Random(seed)
        self.terminal = FakeTerminal(*head.app.size)
        shown = head.app._display

        def display(screen: Screen[object], update: object) -> None:
            if isinstance(update, CompositorUpdate):
                self.terminal.write(update.render_segments(head.app.console))
            shown(screen, update)  # type: ignore[arg-type] # whatever Textual hands over

        monkeypatch.setattr(head.app, "_display", display)
        pane = head.app.view.panes["watchlist"]
        assert isinstance(pane, Board)
        self.board = pane

    # -- what may happen

    async def quotes(self) -> None:
        """Some rows, many, or all move; by a tick, through the previous close, or into another width."""
        market = self.head.link.market
        some = self.rng.sample(market.instruments, self.rng.choice((1, 5, 20, len(market.instruments))))
        for instrument in some:
            close = Decimal(market.references[instrument.instrument_id][0])
            last = market.last[instrument.instrument_id]
            ticks = instrument.tick_size * self.rng.randrange(-3, 4)
            wild = (close, close * Decimal("1.003"), last * 10, max(instrument.tick_size, last / 10))
            moved = last + ticks if self.rng.random() < 0.8 else self.rng.choice(wild)
            market.last[instrument.instrument_id] = max(instrument.tick_size, moved.quantize(instrument.tick_size))
        now = self.head.clock.now_ns()
        self.head.link.send(market.delta(quotes=tuple(market.quote(i, now) for i in some)))

    async def flood(self) -> None:
        """More changes within a second than eyes can follow, the last frame of one row."""
        market = self.head.link.market
        for count in (*[len(market.instruments) - 9] * 9, 1):
            self.head.link.send(market.move(count))
            await self.head.settle()

    async def time(self) -> None:
        """Flashes fade, a second passes, or so much that rows go stale."""
        self.head.clock.advance(self.rng.choice((50, 200, 1_000, 61_000)) * 1_000_000)
        if self.rng.random() < 0.5:
            self.board._fade()
        self.head.app.each_second()

    async def scroll(self) -> None:
        """The cursor moves, and with it what is in sight."""
        await self.head.press(self.rng.choice(("j", "k", "ctrl+f", "ctrl+b", "G", "l", "s", "S")))

    async def resize(self) -> None:
        """Another terminal."""
        size = self.rng.choice((*SIZES, (100, 30), (90, 50)))
        self.terminal = FakeTerminal(*size)
        await self.head.pilot.resize_terminal(*size)
        await self.head.settle()
        self.head.app.shell_screen.refresh(layout=True)  # a terminal of another size is empty: all of it is sent again

    async def slow(self) -> None:
        """Halts, positions, sparklines and references."""
        market, now = self.head.link.market, self.head.clock.now_ns()
        one = self.rng.choice(market.instruments).instrument_id
        status = InstrumentStatus(one, MarketPhase.OPEN, self.rng.random() < 0.5, now)
        position = replace(next(iter(market.positions())), instrument_id=one, quantity=Decimal(self.rng.randrange(2)))
        sparks = {one: tuple(self.rng.random() for _ in range(8))}
        references = {one: ("100", "90", "110")}
        frame = self.rng.choice(
            (
                market.delta(statuses=(status,)),
                market.delta(positions=(position,)),
                market.delta(sparks=sparks),
                market.delta(references=references),
            )
        )
        self.head.link.send(frame)

    async def window(self) -> None:
        """A window opens above, quotes come, it closes."""
        await self.head.press("colon")
        await self.quotes()
        await self.head.settle()
        await self.head.press("escape")

    async def look(self) -> None:
        """Another theme."""
        self.head.app.settings.change("theme", self.rng.choice(("dark", "light", "mono", "dark-256")))
        self.head.app.apply_look()

    def acts(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """Everything, quotes most of the time."""
        rest = [self.flood, self.time, self.scroll, self.resize, self.slow, self.window, self.look]
        return [self.quotes] * 8 + [self.time, self.scroll, *rest]

    # -- what is seen

    async def settle(self) -> None:
        """Everything that is due is painted."""
        await self.head.settle()
        self.head.app.shell_screen.paint_now()
        self.head.app.direct.flush()

    def board_on_terminal(self) -> list[str]:
        """Rows of the board that look other than painted anew, in words; and that know other values than the store."""
        board, region = self.board, self.board.region
        painter = Painter(board.painter.theme)
        look = RowLook(painter, region.width, *visible_columns(region.width, board._longest))
        board._read_age()
        wrong = []
        for place in range(board.top, min(len(board.rows), board.top + region.height - TOP)):
            row = board.rows[place]
            board._aim(place, look)
            anew = FakeTerminal(region.width, 1)
            anew.write("\x1b[1;1H" + painter.ansi(copy.copy(row).line(look)))
            y = region.y + TOP + place - board.top
            if self.terminal.cells[y][region.x : region.right] != anew.cells[0] or not self.is_read(row):
                wrong.append(f"{self.terminal.row(y)} is not {anew.row(0)}")
        return wrong

    def is_read(self, row: BoardRow) -> bool:
        """Whether a row that reads everything now has the same to say."""
        fresh = BoardRow(row.symbol, row.instrument)
        fresh.update(self.board.store)
        told = fresh.texts() | {"rvol": row.texts()["rvol"]}  # which moves with the clock, once a second
        return told == row.texts()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_terminal_shows_what_a_full_paint_would(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_head(SIZES[seed % 3], only=("watchlist",)) as head:
        watched = Watched(head, seed, monkeypatch)
        head.app.shell_screen.refresh(layout=True)
        await watched.settle()
        told: list[str] = []
        for _ in range(STEPS):
            act = watched.rng.choice(watched.acts())
            told.append(act.__name__)
            await act()
            await watched.settle()
            assert watched.board_on_terminal() == [], f"after {', '.join(told)}"
