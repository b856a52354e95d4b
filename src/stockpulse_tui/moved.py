"""After the engine moved to another world: what was on the screen was about the one before, so it is made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_tui.places import Places

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


class WorldSeen:
    """Remembers which world the screen is about; bars, charts and tickets of one mean nothing in the other."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self._world = ""

    def look(self) -> None:
        """A snapshot came: make the views anew when it is of another world."""
        clock = self._shell.live.clock
        if clock is None or clock.world == self._world:
            return
        is_first, self._world = not self._world, clock.world
        if not is_first:
            self._shell.rewind.forget()
            self._make_anew()

    def _make_anew(self) -> None:
        shell = self._shell
        while shell.windows.top is not None:
            shell.windows.close(shell.windows.top)
        shell.shell_screen.set_focus(None)  # else the framework gives it to some pane of the new view
        for view in shell.views.values():
            view.remove()
        shell.views.clear()
        shell.places = Places()
        if shell.instrument_id not in shell.store.instruments:
            shell.instrument_id = ""
        shell.show_view(shell.view_id)
