"""The story on the real screens: every act is done by pressing the keys a person would press."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import DayReview, OrderLife
from stockpulse_engine.render.format import for_copy, format_quantity
from stockpulse_tui.screens.ticket import TicketWindow
from stockpulse_tui.status import LIVE
from stockpulse_tui.widgets.list_pane import TablePane

if TYPE_CHECKING:
    from stockpulse_tui.demo.app import DemoApp

KEY_S, LETTER_S, FAST_S = 0.35, 0.045, 0.01
LOOK_S, MAX_LOOKS = 0.05, 1200
PREVIEW_LOOKS = 60
MAX_ROWS = 60
"""Presses of `j` at most until the cursor is on a row."""


class ScreenStage:
    """A reader in front of a terminal. With `is_fast` the pages turn by themselves."""

    def __init__(self, app: DemoApp, *, is_fast: bool) -> None:
        self._app = app
        self._is_fast = is_fast
        self._is_hurried = False
        self._turned: asyncio.Event | None = None
        app.on_space = self._space

    def _space(self) -> None:
        if self._turned is not None:
            self._turned.set()
        else:
            self._is_hurried = True

    @property
    def is_hurried(self) -> bool:
        """The reader pressed Space while something was under way."""
        return self._is_fast or self._is_hurried

    async def enter(self) -> None:
        """Wait until the stream is live and its snapshot is there."""
        await self._until(lambda: self._app.status.state == LIVE and bool(self._app.store.instruments))

    async def open_chapter(self, number: int, total: int, title: str) -> None:
        """Its heading comes with its first page."""
        await self._clear()
        self._app.strip.open_chapter(f"{number}/{total}  {title}")

    async def tell(self, text: str) -> None:
        """A page."""
        self._app.strip.add(text)
        await asyncio.sleep(FAST_S)

    async def turn(self) -> None:
        """Until Space."""
        self._is_hurried = False
        if self._is_fast:
            await asyncio.sleep(FAST_S)
            return
        self._turned = asyncio.Event()
        self._app.strip.wait(True)
        try:
            await self._turned.wait()
        finally:
            self._turned = None
            self._app.strip.clear_keys()
            self._app.strip.wait(False)

    async def look(self, screen: str, instrument_id: str = "") -> None:
        """A digit, and the instrument in every pane."""
        await self._clear()
        if instrument_id:
            self._app.pick_instrument(instrument_id)
        await self._press(screen)

    async def arm(self) -> None:
        """`A`."""
        if not self._app.status.armed_until():
            await self._press("A")

    async def draft(self, line: str) -> None:
        """A ticket by `b` or `v` on the desk, the line letter by letter, and time for the engine to preview it."""
        side, symbol, rest = line.split(maxsplit=2)
        instrument = self._app.store.by_symbol.get(symbol)
        await self.look("1", instrument.instrument_id if instrument else "")
        self._app.view.focus_pane("watchlist")
        await self._press("b" if side == "buy" else "v")
        await self._until(lambda: isinstance(self._app.windows.top, TicketWindow), PREVIEW_LOOKS)
        await self._type(rest)
        window = self._app.windows.top
        if isinstance(window, TicketWindow):
            ticket = window.session.ticket
            await self._until(lambda: ticket.preview_of == ticket.edit.text, PREVIEW_LOOKS)
            await asyncio.sleep(FAST_S if self._is_fast else 2 * KEY_S)

    async def order(self, line: str) -> None:
        """Write it, then `Enter`; the ticket stays to be read."""
        await self.draft(line)
        await self._press("Enter")

    async def drop(self) -> None:
        """`Esc` until no window is open."""
        await self._clear()

    async def move_stop(self, order: Order, price: Decimal) -> None:
        """`5`, to the row, `m`, other words, `Enter`."""
        await self.look("5")
        await self._to_row(order.client_order_id)
        await self._press("m")
        await self._until(lambda: self._app.windows.top is not None, PREVIEW_LOOKS)
        await self._press("Ctrl+U")
        quantity = for_copy(format_quantity(order.terms.quantity)).replace(",", "")
        await self._type(f"{quantity} stp {price}")
        await self._press("Enter")

    async def halt(self) -> None:
        """`!!`."""
        await self._press("!")
        await self._press("!")

    async def resume(self) -> None:
        """The command line takes the code, the prompt takes the word."""
        await self._press(":")
        await self._until(lambda: self._app.windows.top is not None, PREVIEW_LOOKS)
        await self._type("RESUME")
        await self._press("Enter")
        await asyncio.sleep(KEY_S)
        await self._type("RESUME")
        await self._press("Enter")

    async def show_life(self, life: OrderLife) -> None:
        """`5`, to the order, `w`."""
        await self.look("5")
        await self._to_row(life.order.client_order_id)
        await self._press("w")

    async def show_day(self, review: DayReview) -> None:
        """`4`, `D`."""
        await self.look("4")
        await self._press("D")

    async def show_rows(self, rows: Sequence[str]) -> None:
        """The screens show them."""

    # -- hands

    async def _press(self, key: str) -> None:
        self._app.strip.press(key)
        self._app.dispatch.press(key)
        await asyncio.sleep(FAST_S if self.is_hurried else KEY_S)

    async def _type(self, text: str) -> None:
        for letter in text:
            key = "Space" if letter == " " else letter
            self._app.strip.press(key, is_text=True)
            self._app.dispatch.press(key)
            await asyncio.sleep(FAST_S if self.is_hurried else LETTER_S)

    async def _clear(self) -> None:
        for _ in range(4):
            if self._app.windows.top is None:
                break
            await self._press("Esc")

    async def _to_row(self, key: str) -> None:
        """The tab that lists it, then down to it."""
        await self._until(lambda: isinstance(self._pane(), TablePane), PREVIEW_LOOKS)
        self._app.view.focus_pane("orders")
        for _ in range(5):
            if key in self._keys():
                break
            await self._press("]")
        for _ in range(MAX_ROWS):
            pane, keys = self._pane(), self._keys()
            if pane is None or key not in keys or keys[pane.at] == key:
                break
            await self._press("j" if keys.index(key) > pane.at else "k")

    def _pane(self) -> TablePane | None:
        found = self._app.view.panes.get("orders")
        return found if isinstance(found, TablePane) else None

    def _keys(self) -> list[str]:
        pane = self._pane()
        return list(pane.keys) if pane is not None else []

    async def _until(self, holds: Callable[[], bool], looks: int = MAX_LOOKS) -> None:
        for _ in range(looks):
            if holds():
                return
            await asyncio.sleep(LOOK_S)
