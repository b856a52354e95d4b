"""The short way to the terminal for what changes thirty times a second: finished text, past the compositor.

A pane that nothing covers may hand over the cells that changed as text at a place; the application writes them inside
its own synchronised update (`App._display`), so cursor, batching and headless runs keep working. The pane's own rows
hold the same content, so any repaint the compositor makes later is right. The method is private to Textual: it is
pinned by the version range and by a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual._compositor import CompositorUpdate

from stockpulse_tui.painter import RESET

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from stockpulse_tui.app import StockPulseApp


class FinishedUpdate(CompositorUpdate):
    """Text that is ready to be written."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As one segment, for whoever renders it through rich."""
        yield Segment(self._text)

    def render_segments(self, console: Console) -> str:
        """The text itself."""
        return self._text


def place(x: int, y: int) -> str:
    """What moves the terminal's cursor to a cell of the screen."""
    return f"\x1b[{y + 1};{x + 1}H"


class DirectWriter:
    """Collects cells of one turn and writes them at once."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self._parts: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether the short way may be used now: our screen in front, nothing above it, no layout pending."""
        shell = self._shell
        screen = shell.shell_screen
        return shell.windows.top is None and screen.is_settled and not screen.footer.is_tall

    def put(self, text: str) -> None:
        """Finished text with its own addresses (`place`)."""
        self._parts.append(text)

    def flush(self) -> None:
        """Write what was collected."""
        if self._parts:
            text = "".join(self._parts) + RESET
            self._parts.clear()
            self._shell._display(self._shell.screen, FinishedUpdate(text))  # noqa: SLF001 - see the module's docstring
