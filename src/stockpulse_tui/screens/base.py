"""A view: what one digit shows. It owns its panes, lays them out by size and hands changes to those in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from stockpulse_engine.render.span import Span
from stockpulse_tui.screens.panes import make_pane
from stockpulse_tui.screens.slots import SMALL, Box, Column, place
from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.strip import Strip

    from stockpulse_engine.render.span import Line
    from stockpulse_tui.store import Changes


class SlotLayout(Layout):
    """Puts the panes of a view where its boxes say."""

    name = "slots"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """One placement per pane in sight."""
        assert isinstance(parent, View)
        boxes = parent.boxes(size)
        found: list[WidgetPlacement] = []
        for child in children:
            box = boxes.get(child.name_in_view) if isinstance(child, Panel) else None
            if box is not None:
                region = Region(box.x, box.y, box.width, box.height)
                found.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return found


def ground(widget: Widget, crop: Region) -> list[Strip]:
    """Nothing but ground, said as panes say theirs: the framework would name a colour where a palette is told."""
    from stockpulse_tui.app import StockPulseApp

    shell = widget.app
    assert isinstance(shell, StockPulseApp)
    blank: Line = (Span(" " * crop.width, "text", "ground"),)
    return [shell.painter_for(False).bake(blank, crop.width)] * crop.height


class View(Widget, can_focus=False, inherit_bindings=False):
    """Base of the views. Subclasses name their panes and, per size class, their columns."""

    action_id = ""
    pane_names: tuple[str, ...] = ()

    DEFAULT_CSS = """
    View { width: 1fr; height: 1fr; background: $sp-ground; }
    """

    def __init__(self, panes: tuple[str, ...] = (), *, action_id: str = "") -> None:
        super().__init__()
        self.pane_names = panes or self.pane_names
        self.action_id = action_id or self.action_id
        self.front = self.pane_names[0]
        """The pane in sight where there is room for one only."""
        self.zoomed = ""
        self.panes: dict[str, Panel] = {}
        self._layout = SlotLayout()

    @property
    def layout(self) -> Layout:
        """Ours."""
        return self._layout

    def render_lines(self, crop: Region) -> list[Strip]:
        """What no pane covers."""
        return ground(self, crop)

    def compose(self) -> ComposeResult:
        """One widget per pane."""
        for name in self.pane_names:
            pane = make_pane(name)
            pane.name_in_view = name
            self.panes[name] = pane
            yield pane

    def on_mount(self) -> None:
        """The panes are there; before, nothing could be asked for them."""
        from stockpulse_tui.app import StockPulseApp

        if isinstance(self.app, StockPulseApp):
            self.app.view_ready(self)

    def columns(self, size_class: str) -> tuple[Column, ...]:
        """Columns of a size class M or L."""
        raise AssertionError(f"{type(self).__name__} has no columns for {size_class}")

    def boxes(self, size: Size) -> dict[str, Box]:
        """Where each pane in sight lies."""
        if not size:
            return {}
        if self.zoomed or self.size_class == SMALL:
            return {self.zoomed or self.front: Box(0, 0, size.width, size.height)}
        return place(self.columns(self.size_class), self.pane_names, size.width, size.height)

    @property
    def size_class(self) -> str:
        """S, M or L of the whole terminal."""
        from stockpulse_tui.screens.slots import size_class

        return size_class(*self.app.size) or SMALL

    def seen(self) -> Iterable[Panel]:
        """Panes in sight."""
        names = self.boxes(self.size or self.app.size)
        return [pane for name, pane in self.panes.items() if name in names]

    def sync_panes(self) -> None:
        """Hide what is out of sight, so that the focus never lands there."""
        names = self.boxes(self.size or self.app.size)
        came = [pane for name, pane in self.panes.items() if name in names and not pane.display]
        for name, pane in self.panes.items():
            pane.display = name in names
            pane.refresh(layout=True)
        if came:
            self._catch_up(came)

    def _catch_up(self, panes: Iterable[Panel]) -> None:
        """Panes that come into sight read the store, and their topics are asked for."""
        from stockpulse_tui.app import StockPulseApp
        from stockpulse_tui.store import Changes

        everything = Changes()
        everything.is_reset = True
        for pane in panes:
            pane.on_store(everything)
        shell = self.app
        if isinstance(shell, StockPulseApp) and shell.views.get(shell.view_id) is self:
            shell.resubscribe()

    def on_resize(self) -> None:
        """Another size may show other panes."""
        self.sync_panes()

    def cycle(self, step: int) -> None:
        """Give the focus to the next or previous pane; in S it comes to the front."""
        names = list(self.panes)
        alone = bool(self.zoomed) or self.size_class == SMALL
        seen = names if alone else [name for name in names if self.panes[name].display]
        if len(seen) == 1:
            self._say("there is no other pane here")
        here = seen.index(self.front) if self.front in seen else 0
        self.focus_pane(seen[(here + step) % len(seen)])

    def _say(self, text: str) -> None:
        from stockpulse_tui.app import StockPulseApp

        if isinstance(self.app, StockPulseApp):
            self.app.notify_line(text)

    def focus_pane(self, name: str) -> None:
        """Bring a pane to the front and give it the focus."""
        pane = self.panes.get(name)
        if pane is None:
            return
        before, self.front = self.front_pane, name
        if self.zoomed:
            self.zoomed = name
        self.sync_panes()
        pane.focus(scroll_visible=False)
        for one in {before, pane}:
            if one is not None:
                one.redraw()

    @property
    def front_pane(self) -> Panel | None:
        """The pane that hears keys; None before the first one is there."""
        return self.panes.get(self.zoomed or self.front)

    def focus_front(self) -> None:
        """Give the focus to the pane that had it last."""
        self.focus_pane(self.zoomed or self.front)

    def on_descendant_focus(self) -> None:
        """The framework gives the focus to some neighbour when who had it goes out of sight: it goes back."""
        from stockpulse_tui.app import StockPulseApp

        owner = self.app.dispatch.owner if isinstance(self.app, StockPulseApp) else None
        if owner is not None and self.screen.focused is not owner:
            owner.focus(scroll_visible=False)

    def heed_focus(self, widget: Widget | None) -> None:
        """A pane was clicked: it is the front from now on; any other widget changes nothing."""
        name = next((name for name, pane in self.panes.items() if pane is widget), "")
        if name and name != self.front:
            self.focus_pane(name)

    def do_pane_zoom(self) -> None:
        """Give the focused pane everything, or give it back."""
        if not self.zoomed and len(self.boxes(self.size or self.app.size)) < 2:
            self._say("this pane has all the room already")
            return
        self.zoomed = "" if self.zoomed else self.front
        self.sync_panes()

    def on_store(self, changes: Changes) -> None:
        """Hand changes to the panes in sight; the others draw themselves when they come back."""
        for pane in self.panes.values():
            if pane.display:
                pane.on_store(changes)

    def on_second(self) -> None:
        """A second has passed."""
        for pane in self.panes.values():
            if pane.display:
                pane.on_second()

    def show_instrument(self, instrument_id: str) -> None:
        """All panes follow the instrument."""
        for pane in self.panes.values():
            pane.show_instrument(instrument_id)
