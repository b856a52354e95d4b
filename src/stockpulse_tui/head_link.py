"""The link as the panes know it: what they ask goes to the moment they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stockpulse_tui.ports import Commands, Link
    from stockpulse_tui.rewind import Rewind


class HeadLink:
    """Everything of the real link but its commands, which are those of the moment shown."""

    def __init__(self, link: Link, rewind: Rewind) -> None:
        self._link = link
        self._rewind = rewind

    @property
    def commands(self) -> Commands:
        """Requests to the engine, as of the moment shown."""
        return self._rewind.commands(self._link.commands)

    def __getattr__(self, name: str) -> Any:
        """The stream, the engine's start, the latch: as they are."""
        return getattr(self._link, name)
