"""Stored history of one instrument with fixed answers; a statement called "endless" runs until it is canceled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.marketdata.asking import Asked, BarsAsked, StoredBars, StoredCoverage, StoredTicks
from stockpulse_engine.marketdata.history import AsOf, CorporateAction
from stockpulse_engine.marketdata.universes import BIAS, Placed, UniverseOnDay, UniverseRow
from stockpulse_engine.wire.codec import encode
from stockpulse_engine.wire.sql import Cell, SqlColumn, SqlRequest, SqlTable, SqlView

COLUMNS = (
    SqlColumn("ts", "TIMESTAMP_NS"),
    SqlColumn("close", "DECIMAL(28,8)"),
    SqlColumn("source", "VARCHAR"),
    SqlColumn("volume", "DECIMAL(28,8)"),
    SqlColumn("change", "DOUBLE"),
    SqlColumn("note", "VARCHAR"),
)


class FakeHistory:
    """Implements the API's HistoryPort."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.statements: list[SqlRequest] = []
        self.rows: tuple[tuple[Cell, ...], ...] = tuple(_row(number) for number in range(60))
        self.columns: tuple[SqlColumn, ...] = COLUMNS
        self.is_running = asyncio.Event()
        self.canceled = asyncio.Event()

    async def bars(self, asked: BarsAsked) -> StoredBars:
        """None, of AAPL."""
        self.asked.append(asked)
        name = _known(asked.instrument)
        spec = str(asked.spec)
        return StoredBars(
            instrument_id=name, spec=spec, source="own", adjustment=asked.adjustment, warnings=(), bars=()
        )

    async def ticks(self, asked: Asked, table: str) -> StoredTicks:
        """None, of AAPL."""
        self.asked.append((asked, table))
        return StoredTicks(instrument_id=_known(asked.instrument), source="own")

    async def actions(self, instrument: str, as_of: AsOf) -> tuple[CorporateAction, ...]:
        """None."""
        self.asked.append((instrument, as_of))
        return ()

    async def coverage(self, instrument: str, spec: str, as_of: AsOf, most: int) -> StoredCoverage:
        """Nothing is held."""
        self.asked.append((instrument, spec, as_of, most))
        return StoredCoverage(series=(), series_count=0, coverage=())

    async def sql(self, asked: SqlRequest) -> bytes:
        """The rows; "endless" waits to be canceled, and what is no SELECT is refused."""
        self.statements.append(asked)
        if asked.statement == "endless":
            await self._wait()
        if asked.statement.startswith(("copy", "x")):
            raise InvalidValueError("COPY is not run here: this SQL only reads.", fix="Write one SELECT.")
        return encode(SqlTable(columns=self.columns, rows=self.rows[: asked.limit], is_cut=False, elapsed_ms=1.5))

    async def universes(self) -> tuple[UniverseRow, ...]:
        """One."""
        return (UniverseRow(name="two", about="", source="", members=2, is_dated=False),)

    async def universe(self, name: str, as_of: str, *, takes_todays: bool) -> UniverseOnDay:
        """AAPL, and one that is not traded here."""
        self.asked.append((name, as_of, takes_todays))
        if name != "two":
            raise NotFoundError(f"There is no universe {name!r}.", fix="There are two.")
        members = tuple(
            Placed(symbol=symbol, instrument_id=f"{symbol}.XNAS", since="", until="", is_held=True)
            for symbol in ("AMD", "ZZZZ")
        )
        return UniverseOnDay(name=name, as_of=as_of or "2026-11-20", bias=BIAS if takes_todays else "", members=members)

    async def sql_views(self) -> tuple[SqlView, ...]:
        """One view."""
        return (SqlView(name="bars", about="open, high, low, close", columns=COLUMNS),)

    async def _wait(self) -> None:
        self.is_running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.canceled.set()
            raise


def _row(number: int) -> tuple[Cell, ...]:
    """A day's bar, the newest first; every seventh has no change and a note from outside."""
    date = (datetime(2013, 10, 7, tzinfo=UTC) - timedelta(days=number)).strftime("%Y-%m-%d 13:30:00")
    is_odd = number % 7 == 3
    note = "\x1b[31mred\x1b[0m [b]bold[/b]\u202e" if is_odd else "plain"
    close = f"{100 + number % 9}.{number % 4 * 25:02d}000000"
    return (date, close, "own", f"{1_000_000 + number * 1_000}.00000000", None if is_odd else number / 8 - 1, note)


def _known(instrument: str) -> str:
    if instrument not in ("AAPL", "AAPL.XNAS"):
        raise NotFoundError(f"Nothing is stored of {instrument!r}.", fix="Did you mean AAPL.XNAS?")
    return "AAPL.XNAS"
