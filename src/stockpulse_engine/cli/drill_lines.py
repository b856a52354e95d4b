"""A drill's progress on a terminal, on a pipe, or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Callable

from stockpulse_engine.cli.output import emit, paint, reader_may_leave
from stockpulse_engine.wire.drill import (
    FAILED,
    OK,
    SKIPPED,
    DrillBegan,
    DrillLine,
    DrillReport,
    EventTold,
    FaultBegan,
    FaultEnded,
    FaultResult,
    encode_line,
    end_line,
)

Tell = Callable[[DrillLine], None]
_GREEN, _RED, _FAINT = "\x1b[32m", "\x1b[31m", "\x1b[90m"
_MARKS = {OK: ("ok", _GREEN), FAILED: ("!!", _RED), SKIPPED: ("·", _FAINT)}
BAR = 20
BAR_MS = 8_000
"""A bar is full at so long a gap."""


def teller(*, as_json: bool) -> Tell:
    """What prints each step."""
    return _tell_json if as_json else Printed().tell


def _tell_json(line: DrillLine) -> None:
    if isinstance(line, DrillReport) and not line.path:
        return  # it is told again with its place
    with reader_may_leave():
        sys.stdout.buffer.write(encode_line(line) + b"\n")
        sys.stdout.flush()


class Printed:
    """Lines for people: one a fault, and on a terminal the running one in place."""

    def __init__(self) -> None:
        self._is_live = sys.stdout.isatty()
        self._titles: dict[int, str] = {}

    def tell(self, line: DrillLine) -> None:
        """Print one step."""
        match line:
            case DrillBegan():
                self._begin(line)
            case FaultBegan():
                self._show(f"►  {line.number:>2}  {self._titles.get(line.number, '')}")
            case EventTold():
                event = line.event
                self._show(
                    f"►  {line.number:>2}  {self._titles.get(line.number, ''):<28} {event.who} {event.words}"[:100]
                )
            case FaultEnded():
                self._clear()
                emit(fault_line(line.result, is_colored=self._is_live))
                for words in line.result.problems[:3]:
                    emit(f"       {words}")
            case DrillReport(path=path) if path:
                self._end(line)
            case _:
                pass

    def _begin(self, began: DrillBegan) -> None:
        self._titles = {one.number: one.title for one in began.faults}
        account, count = began.account, "1 fault" if len(began.faults) == 1 else f"{len(began.faults)} faults"
        emit(f"Drill, seed {began.seed}: {count} at a simulated {began.broker} broker, real engine.")
        held = f", {len(account.positions)} holdings" if account.positions else ""
        emit(f"Account {account.account_id}, copied from {account.source}: {account.cash:,f} {account.currency}{held}.")
        for words in account.left_out:
            emit(f"Not copied: {words}")

    def _end(self, report: DrillReport) -> None:
        self._clear()
        emit(f"kill switch {report.kill.state}: {report.kill.words}")
        for words in report.complaints[:5]:
            emit(f"the venue complains: {words}")
        scaled = [f"{one.title}: {one.scaled}" for one in report.results if one.scaled]
        for words in scaled:
            emit(f"scaled: {words}")
        took = report.took_ms / 1000
        emit(f"{report.orders} orders, {report.fills} executions, journal {report.journal}, {took:.0f} s")
        emit(f"report {report.path}")
        emit(end_line(report))

    def _show(self, text: str) -> None:
        if self._is_live:
            sys.stdout.write(f"\r\x1b[K{text}")
            sys.stdout.flush()

    def _clear(self) -> None:
        if self._is_live:
            sys.stdout.write("\r\x1b[K")


def fault_line(result: FaultResult, *, is_colored: bool) -> str:
    """One fault in one line: how it ended, a bar of the gap, the gap."""
    mark, color = _MARKS[result.state]
    full = min(BAR, max(1, round(result.gap_ms * BAR / BAR_MS))) if result.gap_ms else 0
    bar = "━" * full + "─" * (BAR - full)
    gap = f"{result.gap_ms / 1000:7.2f} s" if result.gap_ms else " " * 9
    return f"{paint(mark, color, is_colored)}  {result.number:>2}  {result.title:<28} {bar} {gap}"
