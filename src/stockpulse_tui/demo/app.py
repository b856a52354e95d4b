"""The normal application with the teller's strip under its tabs, and three keys that are the reader's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from stockpulse_tui.app import StockPulseApp
from stockpulse_tui.demo.strip import ROWS, Strip
from stockpulse_tui.screens.shell import RootLayout, ShellScreen
from stockpulse_tui.screens.slots import Box, size_class
from stockpulse_tui.widgets.overlay import Overlay

Story = Callable[["DemoApp"], Coroutine[Any, Any, None]]


class StoryLayout(RootLayout):
    """The normal layout; windows lie below the strip as if the screen began there."""

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Windows one strip lower, everything else where the screen's boxes say."""
        windows = [child for child in children if isinstance(child, Overlay)]
        found = list(super().arrange(parent, [child for child in children if child not in windows], size, greedy))
        is_told = bool(size_class(size.width, size.height))
        down = ROWS if is_told else 0
        for window in windows:
            box = window.region_for(size.width, size.height - down)
            found.append(
                WidgetPlacement(Region(box.x, box.y + down, box.width, box.height), NULL_OFFSET, NULL_SPACING, window)
            )
        return found


class DemoScreen(ShellScreen):
    """The shell with three rows for the story."""

    def __init__(self) -> None:
        super().__init__()
        self._root = StoryLayout()
        self.strip = Strip()

    def compose(self) -> Any:
        """The chrome, then the strip."""
        yield from super().compose()
        yield self.strip

    def boxes(self, width: int, height: int) -> dict[str, Box]:
        """Where each part lies: what was under the tabs moves down."""
        boxes = super().boxes(width, height)
        if "view" not in boxes:
            return boxes
        view = boxes["view"]
        boxes["view"] = Box(view.x, view.y + ROWS, view.width, view.height - ROWS)
        if "banner" in boxes:
            banner = boxes["banner"]
            boxes["banner"] = Box(banner.x, banner.y + ROWS, banner.width, banner.height)
        return boxes | {"story": Box(1, 2, width - 2, ROWS)}


class DemoApp(StockPulseApp):
    """One head whose keys are pressed by a teller."""

    story: Story | None = None
    on_space: Callable[[], None] | None = None
    """Called when the reader goes on and no older page is in sight."""

    def get_default_screen(self) -> Screen[None]:
        """Ours."""
        return DemoScreen()

    @property
    def strip(self) -> Strip:
        """The teller's rows."""
        screen = self.shell_screen
        assert isinstance(screen, DemoScreen)
        return screen.strip

    async def on_mount(self) -> None:
        """The story beside the head; the framework calls the head's own `on_mount` as well."""
        if self.story is not None:
            self.in_background(self.story(self))

    async def on_event(self, event: events.Event) -> None:
        """Space, Backspace and q belong to the reader; every other key is the head's."""
        if isinstance(event, events.Key) and event.key in ("space", "backspace", "q"):
            self._read(event.key)
            return
        await super().on_event(event)

    def _read(self, key: str) -> None:
        if key == "q":
            self.leave()
        elif key == "backspace":
            self.strip.turn(-1)
        elif not self.strip.turn(1) and self.on_space is not None:
            self.on_space()
