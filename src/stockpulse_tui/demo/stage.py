"""Where the story is told: on the screen of a terminal, or as plain text. The teller knows no difference."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import DayReview, OrderLife

WIDEST_PAGE = 150
"""Two rows of a terminal of 80 columns."""


class Stage(Protocol):
    """What the teller can do. Each act is what a person's keys would do; the engine then says what came of it."""

    @property
    def is_hurried(self) -> bool:
        """Whether the reader asked to go on while something is under way, or nobody reads at all."""
        ...

    async def enter(self) -> None:
        """Wait until the engine is seen."""
        ...

    async def open_chapter(self, number: int, total: int, title: str) -> None:
        """A new chapter begins."""
        ...

    async def tell(self, text: str) -> None:
        """Put a page of at most `WIDEST_PAGE` characters before the reader."""
        ...

    async def turn(self) -> None:
        """Wait until the reader goes on."""
        ...

    async def look(self, screen: str, instrument_id: str = "") -> None:
        """Show a screen (`1`, `2`, …) with an instrument."""
        ...

    async def arm(self) -> None:
        """Let Enter send."""
        ...

    async def draft(self, line: str) -> None:
        """Write an order line and have it previewed; nothing is sent."""
        ...

    async def drop(self) -> None:
        """Put away what is being written or read."""
        ...

    async def order(self, line: str) -> None:
        """Write an order line and send it; a refusal is the engine's to tell."""
        ...

    async def move_stop(self, order: Order, price: Decimal) -> None:
        """Ask for another stop price."""
        ...

    async def halt(self) -> None:
        """The brake."""
        ...

    async def resume(self) -> None:
        """Type the word."""
        ...

    async def show_life(self, life: OrderLife) -> None:
        """The life of an order, step by step."""
        ...

    async def show_day(self, review: DayReview) -> None:
        """The review of the session."""
        ...

    async def show_rows(self, rows: Sequence[str]) -> None:
        """A few rows of proof, where no screen shows them anyway."""
        ...
