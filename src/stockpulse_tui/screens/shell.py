"""The one Textual screen: chrome around a stage on which views come and go, windows above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.screens.base import View, ground
from stockpulse_tui.screens.slots import Box, size_class
from stockpulse_tui.widgets.footer import Footer
from stockpulse_tui.widgets.frame import Banner, FrameColumn
from stockpulse_tui.widgets.header import Header
from stockpulse_tui.widgets.health import HealthLine
from stockpulse_tui.widgets.line_view import LineView
from stockpulse_tui.widgets.overlay import Overlay, Prompt
from stockpulse_tui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.strip import Strip


class TooSmall(LineView):
    """Below 80×24: what it needs, what it has, and that the brake still works."""

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """One sentence."""
        text = f" needs 80×24, has {self.app.size.width}×{self.app.size.height}; !! still halts"
        return [(Span(text, "warn", bold=True),)]


class RootLayout(Layout):
    """Chrome at the edges, one reserved column on each side, the rest for the view; windows where they say."""

    name = "root"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """One placement per child that has a place."""
        assert isinstance(parent, ShellScreen)
        boxes = parent.boxes(size.width, size.height)
        found: list[WidgetPlacement] = []
        for child in children:
            box = (
                child.region_for(size.width, size.height) if isinstance(child, Overlay) else boxes.get(_place_of(child))
            )
            if box is not None and box.width > 0 and box.height > 0:
                region = Region(box.x, box.y, box.width, box.height)
                found.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return found


def _place_of(widget: Widget) -> str:
    return "view" if isinstance(widget, View) else widget.id or ""


class ShellScreen(Screen[None], inherit_bindings=False):
    """Header, tabs, banner, view, footer, health."""

    DEFAULT_CSS = """
    ShellScreen { layers: base overlay notice; background: $sp-ground; overflow: hidden hidden; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._root = RootLayout()
        self.header = Header(id="header")
        self.tabs = Tabs(id="tabs")
        self.banner = Banner()
        self.footer = Footer()
        self.health = HealthLine(id="health")
        self.left = FrameColumn(id="left")
        self.right = FrameColumn(id="right")
        self.has_banner = False

    @property
    def layout(self) -> Layout:
        """Ours."""
        return self._root

    def render_lines(self, crop: Region) -> list[Strip]:
        """What neither chrome nor view covers."""
        return ground(self, crop)

    def compose(self) -> ComposeResult:
        """The chrome; views are added by the application."""
        self.footer.id, self.banner.id = "footer", "banner"
        yield from (self.header, self.tabs, self.banner, self.left, self.right)
        yield from (self.footer, self.health, TooSmall(id="small"))

    def boxes(self, width: int, height: int) -> dict[str, Box]:
        """Where each part lies."""
        boxes = {"header": Box(0, 0, width, 1)}
        if not size_class(width, height):
            return {**boxes, "small": Box(0, 1, width, 1)}
        inner = width - 2
        top = 2
        if self.has_banner:
            rows = 3 if height >= 32 else 1
            boxes["banner"] = Box(1, top, inner, rows)
            top += rows + (1 if rows > 1 else 0)
        rows = self.footer.rows_for(inner)
        lift = 1 if rows > 1 and self.has_prompt else 0
        return boxes | {
            "tabs": Box(1, 1, inner, 1),
            "view": Box(1, top, inner, height - top - 2),
            "footer": Box(1, height - 1 - rows - lift, inner, rows),
            "health": Box(0, height - 1, width, 1),
            "left": Box(0, 1, 1, height - 2),
            "right": Box(width - 1, 1, 1, height - 2),
        }

    @property
    def has_prompt(self) -> bool:
        """Whether a line is typed in the footer's place."""
        return any(isinstance(child, Prompt) for child in self.children)

    def paint_now(self) -> None:
        """Paint what is dirty in this turn.

        The shell paces itself at 30 frames a second; waiting for the framework's own timer would only put up to one
        more period between a tick and its cell.
        """
        if self.is_current:
            self._on_timer_update()

    @property
    def is_settled(self) -> bool:
        """Whether every widget lies where the next frame will find it."""
        return self.is_current and not self._layout_required

    def painted(self) -> list[Strip]:
        """Every row as it is on the screen now; Textual's own screenshots read the same."""
        return self._compositor.render_strips() if self.size else []

    def show_banner(self, is_shown: bool) -> None:
        """Make room for the banner, or take it back."""
        if is_shown != self.has_banner:
            self.has_banner = is_shown
            self.banner.refresh(layout=True)  # a child's request is what makes the framework ask `boxes` again

    @property
    def chrome(self) -> list[LineView]:
        """Everything around the view that may have changed."""
        return [self.header, self.tabs, self.footer, self.health, self.left, self.right]

    def lines(self) -> list[LineView]:
        """Everything drawn, for a new theme."""
        return list(self.query(LineView))
