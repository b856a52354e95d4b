"""What the panes of the risk screen share: the engine's view of risk, read again every second while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stockpulse_engine.client.risk import risk
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.risk import LimitRow, RiskView

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


class RiskFeed:
    """Reads while the screen is in sight; `changed` is called whenever there is something new to show."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self.view: RiskView | None = None
        self.problem = ""
        self.shows_all: bool | None = None
        """Whether limits that are never used up are listed as well; None while nobody said: where there is room."""
        self.room = 0
        """Rows of the table of limits."""
        self._is_asking = False

    @property
    def rows(self) -> tuple[LimitRow, ...]:
        """The limits to list, in the engine's order: fullest first."""
        if self.view is None:
            return ()
        is_all = self.lists_all
        return tuple(row for row in self.view.limits if is_all or row.fraction is not None)

    @property
    def lists_all(self) -> bool:
        """Whether every limit is listed now."""
        if self.shows_all is not None:
            return self.shows_all
        return self.view is not None and len(self.view.limits) <= self.room

    def toggle_all(self) -> None:
        """The other way round."""
        self.shows_all = not self.lists_all
        self._changed()

    @property
    def now_ns(self) -> int:
        """Wall time: raises wait by the world's clock."""
        return self._shell.clock.now_ns()

    def ask(self) -> None:
        """Read again, one reading at a time."""
        if not self._is_asking:
            self._is_asking = True
            self._shell.in_background(self._read())

    async def _read(self) -> None:
        try:
            self.view = await self._shell.link.commands.send(risk())
        except StockPulseError as error:
            self.problem = str(error)
        else:
            self.problem = ""
        finally:
            self._is_asking = False
        self._changed()
