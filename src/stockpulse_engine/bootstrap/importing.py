"""Importing into a home's history: files, and what Yahoo charts, planned first and taken in after a yes."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stockpulse_engine.adapters.yahoo.rest import YahooChart
from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, BarSpec, parse_bar_spec
from stockpulse_engine.settings import Settings, load_settings
from stockpulse_engine.storage.history.store import EmbeddedHistory, open_history
from stockpulse_engine.storage.importing.days import session_ns
from stockpulse_engine.storage.importing.identity import Maps
from stockpulse_engine.storage.importing.mapping import Kind, Remembered
from stockpulse_engine.storage.importing.plan import ImportOptions, ImportPlan, plan_import
from stockpulse_engine.storage.importing.progress import Progress
from stockpulse_engine.storage.importing.repair import repaired
from stockpulse_engine.storage.importing.report import ImportReport
from stockpulse_engine.storage.importing.run import Hooks, Into, run_import
from stockpulse_engine.storage.importing.table import Table, find_files

if TYPE_CHECKING:
    from stockpulse_engine.adapters.yahoo.parse import YahooAnswer

__all__ = ["Hooks", "ImportDesk", "ImportOptions", "ImportPlan", "ImportReport", "Planned", "Progress", "import_desk"]

KEPT_BYTES = 64 * 1024 * 1024
"""A file up to this size stays in memory between its plan and its import; larger ones are opened again."""
YAHOO_BARS = 5_000
_FIRST = (Kind.MAPS, Kind.FACTORS, Kind.ACTIONS)
"""Who a ticker was and what was split must be known before prices are."""
_EAST_NS = 2 * 3600 * SECOND_NS
"""Sydney opens at 23:00 UTC of the day before."""


class Planned:
    """A file and how it will be read."""

    def __init__(self, plan: ImportPlan, table: Table | None) -> None:
        self.plan = plan
        self.table = table

    @property
    def order(self) -> int:
        """Its place in a run: listings, then actions, then prices."""
        kind = self.plan.mapping.kind
        return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


class ImportDesk:
    """Plans and runs imports into one store."""

    def __init__(self, store: EmbeddedHistory, settings: Settings, clock: Clock) -> None:
        root = store.layout.root
        self._settings = settings
        self._clock = clock
        self._remembered = Remembered(root / "importing" / "mappings.json")
        self._into = Into(
            writer=store.writer,
            reader=store.reader,
            maps=Maps(root / "importing" / "listings.json"),
            directory=root,
            clock=clock,
        )

    def files(self, paths: list[Path]) -> list[Path]:
        """Files named, and those in directories named; raises NotFoundError."""
        return find_files(paths)

    def plan(self, path: Path, options: ImportOptions) -> Planned:
        """How a file will be read; raises InvalidValueError with the reason why it will not."""
        table, plan = plan_import(path, options, self._remembered)
        is_small = path.stat().st_size <= KEPT_BYTES
        return Planned(plan, table if is_small else None)

    def run(self, planned: Planned, hooks: Hooks | None = None) -> ImportReport:
        """Take it in; a mapping that a person gave is remembered for the next file with this header."""
        plan = planned.plan
        table = planned.table or Table(Path(plan.path))
        if plan.options.columns:
            self._remembered.keep(table.names, plan.mapping)
        if plan.options.repair:
            table = repaired(table, plan)
        return run_import(plan, table, self._into, hooks)

    @contextmanager
    def yahoo(self, symbol: str, options: ImportOptions) -> Iterator[Planned]:
        """Ask Yahoo for what it has of a symbol; the answer is a file like any other while this is open."""
        if not self._settings.market.yahoo:
            raise InvalidValueError("Yahoo is switched off.", fix="Set market.yahoo to true.")
        spec = parse_bar_spec(options.spec or "1d")
        if not spec.is_intraday and str(spec) != "1d":
            raise InvalidValueError(f"Bars of {spec} are made from days.", fix="Import --spec 1d.")
        answer = asyncio.run(_ask(self._settings.market.yahoo_url, self._clock, symbol, spec))
        with tempfile.TemporaryDirectory(prefix="spi-") as place:
            file = Path(place) / "yahoo.csv"
            file.write_text(yahoo_csv(answer, spec, self._clock.now_ns()))
            name, _, mic = answer.instrument.instrument_id.rpartition(".")
            told = ImportOptions(spec=str(spec), source=options.source or "yahoo", symbol=name, venue=mic)
            yield self.plan(file, told)


@contextmanager
def import_desk(paths: Paths) -> Iterator[ImportDesk]:
    """The desk of a home; the engine may run meanwhile."""
    settings, clock = load_settings(paths, os.environ), WallClock()
    with open_history(paths.history, clock, settings.history) as store:
        yield ImportDesk(store, settings, clock)


def yahoo_csv(answer: YahooAnswer, spec: BarSpec, now_ns: int) -> str:
    """The closed bars of an answer as Yahoo's own download spells them, events beside the bar they fall on.

    Raises:
        NotFoundError: there is no closed bar.
    """
    splits = {_day(moment): ratio for moment, ratio in answer.splits}
    dividends = {_day(moment): amount for moment, amount in answer.dividends}
    lines = ["Date,Open,High,Low,Close,Volume,Dividends,Stock Splits"]
    name = answer.instrument.instrument_id
    for bar in answer.bars:
        day = _day(bar.ts_event)
        end = bar.ts_event + spec.duration_ns if spec.is_intraday else session_ns(name, day)[1]
        if end is not None and end > now_ns:
            continue
        told = dt.datetime.fromtimestamp(bar.ts_event // SECOND_NS, dt.UTC).isoformat() if spec.is_intraday else day
        split, dividend = splits.pop(day, Fraction(1)), dividends.pop(day, 0)
        prices = ",".join(format(each, "f") for each in (bar.open, bar.high, bar.low, bar.close, bar.volume))
        ratio = f"{split.numerator}:{split.denominator}" if split != 1 else "0"
        lines.append(f"{told},{prices},{dividend},{ratio}")
    if len(lines) == 1:
        raise NotFoundError(f"Yahoo has no closed {spec} bars of {name}.", fix="Try --spec 1d.")
    return "\n".join(lines) + "\n"


def _day(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp((moment + _EAST_NS) // SECOND_NS, dt.UTC).date()


async def _ask(url: str, clock: Clock, symbol: str, spec: BarSpec) -> YahooAnswer:
    chart = YahooChart(url, clock=clock)
    try:
        return await chart.fetch(symbol, spec, YAHOO_BARS)
    finally:
        await chart.close()
