"""Command `sp import`: files, directories or Yahoo into the history, after showing what they are taken for."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.cli.errors import INTERRUPTED
from stockpulse_engine.cli.link import paths
from stockpulse_engine.cli.options import JsonFlag, YesFlag
from stockpulse_engine.cli.output import emit, emit_json, emit_pairs, say, strong
from stockpulse_engine.cli.register import add_command
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError, StockPulseError

if TYPE_CHECKING:
    from stockpulse_engine.bootstrap.importing import (
        ImportDesk,
        ImportOptions,
        ImportPlan,
        ImportReport,
        Planned,
        Progress,
    )

YAHOO = "yahoo:"
Refused = tuple[str, StockPulseError]


def import_(
    sources: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, directories, or `yahoo:SYMBOL`.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="bars, quote-bars, quotes, trades, closes, actions …")
    ] = "",
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="A column's meaning; can be repeated.")
    ] = None,
    spec: Annotated[str, typer.Option("--spec", "-s", metavar="SPEC", help="Length of the bars: 1m, 1d …")] = "",
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="Name to keep the rows under.")] = "",
    venue: Annotated[str, typer.Option("--venue", metavar="MIC", help="Venue, where the file names none.")] = "",
    symbol: Annotated[str, typer.Option("--symbol", metavar="SYMBOL", help="Of a file without symbols.")] = "",
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="Of times without one: America/New_York.")] = "",
    dates: Annotated[Literal["", "mdy", "dmy"], typer.Option("--dates", help="Order of dates like 1/2/2014.")] = "",
    label: Annotated[
        Literal["start", "end"], typer.Option("--label", help="What a bar's time is: its start or its end.")
    ] = "start",
    repair: Annotated[bool, typer.Option("--repair", help="Put right what Yahoo is known to get wrong.")] = False,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Take bars, quotes, prints, closes and corporate actions in: CSV, Parquet, JSON. The same again adds nothing.

    What a file is taken for is shown first. Every row is checked; refused ones go to a file with the reason each.
    Ctrl-C stops after the rows at work; the same command goes on from there.

    Example: sp import ticks/ibm_20131007_trade.parquet
    Example: sp import bars.csv --map ts=Zeit --zone Europe/Berlin --venue XETR
    Example: sp import yahoo:AAPL --yes
    """
    from stockpulse_engine.bootstrap.importing import ImportOptions, import_desk

    options = ImportOptions(
        kind=kind,
        columns=tuple(columns or ()),
        spec=spec,
        source=source,
        venue=venue.strip().upper(),
        symbol=symbol,
        zone=zone,
        dates=dates,
        label=label,
        repair=repair,
    )
    with import_desk(paths()) as desk, ExitStack() as open_answers:
        planned, refused = _plan(desk, sources, options, open_answers)
        _show(planned, refused)
        if planned and not yes:
            _confirm(len(planned))
        reports = _run(desk, planned, refused)
    _tell(reports, refused, as_json=as_json)


def _plan(
    desk: ImportDesk, sources: Sequence[str], options: ImportOptions, answers: ExitStack
) -> tuple[list[Planned], list[Refused]]:
    """What each file is taken for, in the order in which they go in, and what is refused as a whole."""
    asked = [one.removeprefix(YAHOO) for one in sources if one.startswith(YAHOO)]
    planned = [answers.enter_context(desk.yahoo(symbol, options)) for symbol in asked]
    refused: list[Refused] = []
    named = [Path(one).expanduser() for one in sources if not one.startswith(YAHOO)]
    for file in desk.files(named) if named else ():
        try:
            planned.append(desk.plan(file, options))
        except (InvalidValueError, NotFoundError) as error:
            refused.append((str(file), error))
    if refused and not planned and len(refused) == 1:
        raise refused[0][1]
    return sorted(planned, key=lambda one: one.order), refused


def _show(planned: Sequence[Planned], refused: Sequence[Refused]) -> None:
    for one in planned:
        say(strong(_name(one.plan)))
        for name, value in one.plan.lines():
            say(f"  {name.ljust(8)} {clean_line(value)}")
    for path, error in refused:
        say(f"{strong(clean_line(Path(path).name))}\n  refused  {clean_line(str(error))}")


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        raise InvalidValueError("An import needs a yes and there is no terminal to ask.", fix="Pass --yes.")
    say(f"Import {'this file' if count == 1 else f'these {count} files'}? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        emit("Nothing was imported.")
        raise SystemExit(0)


def _run(desk: ImportDesk, planned: Sequence[Planned], refused: list[Refused]) -> list[ImportReport]:
    from stockpulse_engine.bootstrap.importing import Hooks

    reports: list[ImportReport] = []
    with _interrupts() as is_stopped, _Line() as line:
        for one in planned:
            if is_stopped():
                break
            try:
                reports.append(desk.run(one, Hooks(on_progress=line.show, should_stop=is_stopped)))
            except InvalidValueError as error:
                refused.append((one.plan.path, error))
    return reports


def _tell(reports: Sequence[ImportReport], refused: Sequence[Refused], *, as_json: bool) -> None:
    if as_json:
        whole = [{"path": path, "reason": str(error)} for path, error in refused]
        emit_json({"imports": list(reports), "refused": whole})
    else:
        for report in reports:
            emit(f"{clean_line(Path(report.path).name)}: {report.word()}")
            emit_pairs([(f"  {name}", value) for name, value in report.lines()])
    if any(not report.is_complete for report in reports):
        raise SystemExit(INTERRUPTED)
    if len(refused) == 1 and not reports:
        raise refused[0][1]
    if refused:
        first = refused[0][1].message
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise InvalidValueError(f"Refused as a whole: {first}{more}", fix="The others are in; see above.")


def _name(plan: ImportPlan) -> str:
    remembered = " (columns as you said last time)" if plan.is_remembered else ""
    return clean_line(Path(plan.path).name) + remembered


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks the import to stop where it is whole, the second one ends it at once."""
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        say("\nStopping after the rows at work; Ctrl-C again ends at once, and nothing is half in.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


class _Line(contextlib.AbstractContextManager["_Line"]):
    """Progress on one line of a terminal; without one nothing is drawn."""

    def __init__(self) -> None:
        self._is_drawn = False

    def show(self, progress: Progress) -> None:
        """Draw it over the last one."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{progress.line()}")
            sys.stderr.flush()
            self._is_drawn = True

    def __exit__(self, *_: object) -> None:
        if self._is_drawn:
            sys.stderr.write("\r\x1b[K")


def register(app: typer.Typer) -> None:
    """Add this subject's command."""
    add_command(app, import_, name="import")
