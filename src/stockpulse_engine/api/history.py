"""What the API needs of stored history; `bootstrap` hands in an object that satisfies it."""

from __future__ import annotations

from typing import Protocol

from stockpulse_engine.marketdata.asking import Asked, BarsAsked, StoredBars, StoredCoverage, StoredTicks
from stockpulse_engine.marketdata.history import AsOf, CorporateAction
from stockpulse_engine.marketdata.universes import UniverseOnDay, UniverseRow
from stockpulse_engine.wire.sql import SqlRequest, SqlView


class HistoryPort(Protocol):
    """Reads of what is stored, away from the event loop. Unknown instruments raise NotFoundError with the nearest."""

    async def bars(self, asked: BarsAsked) -> StoredBars:
        """Bars, where they are from and what to know about them."""
        ...

    async def ticks(self, asked: Asked, table: str) -> StoredTicks:
        """`trades` or `quotes`."""
        ...

    async def actions(self, instrument: str, as_of: AsOf) -> tuple[CorporateAction, ...]:
        """Corporate actions of one instrument, or of all with ""."""
        ...

    async def coverage(self, instrument: str, spec: str, as_of: AsOf, most: int) -> StoredCoverage:
        """What is held and, for one instrument, what is missing; lists end at `most`."""
        ...

    async def sql(self, asked: SqlRequest) -> bytes:
        """The answer to one statement as the JSON of a `SqlTable`. Canceled, it ends the statement.

        Raises:
            InvalidValueError: the statement is not one that is run here, is wrong, or needs more than it may have.
            UnavailableError: as many statements as may run at a time do so already.
        """
        ...

    async def universes(self) -> tuple[UniverseRow, ...]:
        """Every universe of this home."""
        ...

    async def universe(self, name: str, as_of: str, *, takes_todays: bool) -> UniverseOnDay:
        """Its members on the day of a typed moment, "" for today.

        Raises:
            NotFoundError: there is none of that name.
            InvalidValueError: its file is wrong, or it does not know its past and `takes_todays` is not set.
        """
        ...

    async def sql_views(self) -> tuple[SqlView, ...]:
        """What a statement can select from."""
        ...
