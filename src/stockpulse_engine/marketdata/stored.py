"""Charts from stored history: of what this world does not trade, and where its provider has none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Bar, BarSpec, parse_bar_spec
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.history import BARS, Adjustment, AsOf, HistoryReader
from stockpulse_engine.marketdata.hours import with_hours
from stockpulse_engine.marketdata.resample import require_longer, resample
from stockpulse_engine.marketdata.venues import calendar_of

BARS_PER_DAY: Final = 960
"""Minutes of a day with extended hours: how many shorter bars a longer one is made of, at most."""
MAX_SHORT_BARS: Final = 400_000
"""Shorter bars read for one chart."""


class StoredCharts:
    """Reads history in a thread. Nothing is shown that the market's time does not know yet.

    Prices are adjusted for the splits known by then, so that a chart of the past joins the prices of now.

    Args:
        open_reader: gives the store; asked in a thread, and not before the first chart.
        now_ns: market time.
    """

    def __init__(self, open_reader: Callable[[], HistoryReader], now_ns: Callable[[], int]) -> None:
        self._open_reader = open_reader
        self._now_ns = now_ns
        self._held: tuple[int, dict[str, list[str]]] = (-1, {})

    async def find(self, text: str) -> str:
        """The instrument of `IBM.XNYS`, or of a symbol that one alone has; "" when no bars of it are held.

        Raises:
            InvalidValueError: several have the symbol; it names them.
        """
        wanted = text.strip().upper()
        held = await asyncio.to_thread(self._instruments)
        if wanted in held.get(symbol_of(wanted), ()):
            return wanted
        found = held.get(wanted, [])
        if len(found) > 1:
            raise InvalidValueError(f"{wanted} is held of several venues.", fix=f"Name one of {', '.join(found)}.")
        return found[0] if found else ""

    async def fetch_bars(
        self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last bars known by now, oldest first, made of shorter ones where the length is not held."""
        as_of = AsOf(known_at=self._now_ns())
        bars = await asyncio.to_thread(lambda: self._read(instrument_id, spec, limit, end_ns, as_of).to_bars())
        return with_hours(bars, calendar_of(instrument_id))

    def _read(self, instrument_id: str, spec: BarSpec, limit: int, end_ns: int | None, as_of: AsOf) -> BarColumns:
        return read_bars(self._open_reader(), instrument_id, spec, limit, end_ns=end_ns, as_of=as_of)

    def _instruments(self) -> dict[str, list[str]]:
        """Symbol → instruments with bars, as of the store's newest commit."""
        reader = self._open_reader()
        generation = reader.generation
        if self._held[0] != generation:
            held: dict[str, list[str]] = {}
            for name in sorted({one.instrument_id for one in reader.series(table=BARS)}):
                held.setdefault(symbol_of(name), []).append(name)
            self._held = (generation, held)
        return self._held[1]


def read_bars(
    reader: HistoryReader, instrument_id: str, spec: BarSpec, limit: int, *, end_ns: int | None, as_of: AsOf
) -> BarColumns:
    """The last `limit` bars that start before `end_ns`, made of shorter ones where the length is not held.

    Prices are adjusted for the splits known by `as_of`. The last bar made of shorter ones may lack what came later.
    """
    asked: dict[str, Any] = {"end_ns": end_ns, "as_of": as_of, "adjustment": Adjustment.SPLIT}
    found = reader.bars(instrument_id, spec, limit=limit, **asked)
    if len(found):
        return found
    for short in _shorter(reader, instrument_id, spec):
        per_bar = min(spec.duration_ns // short.duration_ns, 7 * BARS_PER_DAY)
        count = min((limit + 1) * per_bar, MAX_SHORT_BARS)
        parts = reader.bars(instrument_id, short, limit=count, **asked)
        if len(parts):
            return resample(parts, spec, calendar_of(instrument_id)).tail(limit)
    return found


def _shorter(reader: HistoryReader, instrument_id: str, spec: BarSpec) -> list[BarSpec]:
    """Lengths held that `spec` can be made of, the longest first."""
    held = {parse_bar_spec(one.spec) for one in reader.series(instrument_id, table=BARS)}
    return sorted((one for one in held if _makes(one, spec)), key=lambda one: -one.duration_ns)


def _makes(short: BarSpec, long: BarSpec) -> bool:
    try:
        require_longer(short, long)
    except InvalidValueError:
        return False
    return True
