"""The windows that are open, bottom to top; the last one owns the keyboard, what is under it is dimmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_tui.live_words import money_word
from stockpulse_tui.widgets.overlay import Overlay, Prompt
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

MAX_OPEN = 8


class Windows:
    """Opens and closes windows in one frame each."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self._open: list[Overlay] = []

    @property
    def top(self) -> Overlay | None:
        """The window that owns the keyboard."""
        return self._open[-1] if self._open else None

    def open(self, overlay: Overlay) -> None:
        """Put a window above everything."""
        if len(self._open) >= MAX_OPEN:
            self.close(self._open[0])
        self._open.append(overlay)
        self._shell.shell_screen.mount(overlay)
        overlay.focus(scroll_visible=False)
        self.shade()

    def tell(self, overlay: Overlay) -> None:
        """Open a window whose answer took its time: under one that is typed in by now, or it would take its keys."""
        top = self.top
        if top is None or not top.is_entry:
            self.open(overlay)
            return
        self._open.insert(-1, overlay)
        self._shell.shell_screen.mount(overlay, before=top)
        self.shade()
        self._shell.notify_line("the answer lies under this window")

    def close(self, overlay: Overlay) -> None:
        """Take a window away; the focus goes back to what was under it."""
        if overlay not in self._open:
            return
        self._open.remove(overlay)
        overlay.remove()
        self.shade()
        if self._open:
            self._open[-1].focus(scroll_visible=False)
        else:
            self._shell.view.focus_front()
        self._shell.call_after_refresh(self._shell.redraw_chrome)

    def shade(self) -> None:
        """Dim the panes while a window wants it, and take the focus marks from them."""
        is_dimmed = any(overlay.dims_body for overlay in self._open)
        for pane in self._shell.view.panes.values():
            pane.is_shut_out = bool(self._open)
            pane.set_dimmed(is_dimmed)
            pane.redraw()
        self._shell.redraw_chrome()

    def welcome(self) -> None:
        """The first start in this home: a page that is never shown again. The engine starts behind it."""
        settings = self._shell.settings
        if settings.is_first:
            from stockpulse_tui.widgets.welcome import Welcome  # needed once in a home's life

            settings.is_first = False
            settings.save()
            self.open(Welcome())

    def ask(
        self,
        purpose: str,
        label: str,
        *,
        on_change: Callable[[str], None] | None = None,
        initial: str = "",
        is_hidden: bool = False,
    ) -> None:
        """Ask for one line; the focused pane, then the handlers hear the answer."""
        if purpose.startswith(("order.", "trading.")):  # whose money it is, wherever an order is changed
            label = f"{money_word(self._shell)} · {label}"
        owner = self._shell.dispatch.owner
        prompt = Prompt(purpose, label, owner if isinstance(owner, Panel) else None, initial)
        prompt.on_change, prompt.is_hidden = on_change, is_hidden
        self.open(prompt)

    def on_store(self) -> None:
        """Frames were applied."""
        for overlay in self._open:
            overlay.on_store()
