"""One store in a directory, and files taken into it with as few words as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stockpulse_engine.base.clock import Clock, ManualClock
from stockpulse_engine.marketdata.actions import ActionKind
from stockpulse_engine.storage.history.store import open_history
from stockpulse_engine.storage.importing.identity import Maps
from stockpulse_engine.storage.importing.mapping import Remembered
from stockpulse_engine.storage.importing.plan import ImportOptions, ImportPlan, plan_import
from stockpulse_engine.storage.importing.repair import repaired
from stockpulse_engine.storage.importing.report import ImportReport
from stockpulse_engine.storage.importing.run import Hooks, Into, run_import

HEAD = "symbol,ts,open,high,low,close,volume"


class Desk:
    """Imports into `directory`/history; closes with `close`."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self.place = directory
        self.clock = clock or ManualClock()
        self.store = open_history(directory / "history", self.clock)
        self.maps = Maps(directory / "history" / "importing" / "listings.json")
        self.remembered = Remembered(directory / "history" / "importing" / "mappings.json")

    def write(self, name: str, lines: Sequence[str]) -> Path:
        """A file of text."""
        file = self.place / name
        file.write_text("\n".join(lines) + "\n")
        return file

    def plan(self, file: Path, **options: Any) -> ImportPlan:
        """How a file would be read."""
        return plan_import(file, ImportOptions(**options), self.remembered)[1]

    def take(self, file: Path, hooks: Hooks | None = None, **options: Any) -> ImportReport:
        """Import a file; what the report counts adds up."""
        table, plan = plan_import(file, ImportOptions(**options), self.remembered)
        if plan.options.columns:
            self.remembered.keep(table.names, plan.mapping)
        if plan.options.repair:
            table = repaired(table, plan)
        into = Into(
            writer=self.store.writer,
            reader=self.store.reader,
            maps=self.maps,
            directory=self.store.layout.root,
            clock=self.clock,
        )
        report = run_import(plan, table, into, hooks)
        parts = (report.added, report.unchanged, report.corrected, report.repeats, report.refused)
        assert report.entries == sum(parts)
        return report

    def take_lines(self, lines: Sequence[str], name: str = "bars.csv", **options: Any) -> ImportReport:
        """Import text."""
        return self.take(self.write(name, lines), **options)

    def refused(self, report: ImportReport) -> list[str]:
        """Lines of its file of refused rows, without the header."""
        return Path(report.refused_file).read_text().splitlines()[1:] if report.refused_file else []

    def splits(self, instrument_id: str) -> list[tuple[int, int]]:
        """Ratios held of an instrument, oldest first."""
        held = self.store.reader.actions(instrument_id)
        return [(one.numerator, one.denominator) for one in held if one.kind is ActionKind.SPLIT]

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


def minute(number: int, price: float = 100.0, *, symbol: str = "AAPL", volume: float = 10.0) -> str:
    """Bar `number` of a day as a line: its four prices are one."""
    return f"{symbol},2014-06-05T{13 + number // 60}:{number % 60:02}:00Z,{price},{price},{price},{price},{volume}"
