"""A drill on paper: the report as JSON and as Markdown, and where reports lie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import structs

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.drill.run import median_gap_ms
from stockpulse_engine.wire.drill import DrillReport, FaultResult, end_line

KEPT = 20
"""Reports that are kept; older ones go."""


def write_report(report: DrillReport, directory: Path) -> DrillReport:
    """Write both files and forget old ones; returns the report with its place."""
    ensure_private(directory)
    moment = datetime.fromtimestamp(report.started_at / 1e9, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = directory / f"drill-{moment}-seed{report.seed}"
    placed = structs.replace(report, path=str(stem.with_suffix(".json")))
    atomic_write(stem.with_suffix(".json"), msgspec.json.format(msgspec.json.encode(placed), indent=1) + b"\n")
    atomic_write(stem.with_suffix(".md"), markdown(placed).encode())
    for old in sorted(directory.glob("drill-*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)
        old.with_suffix(".md").unlink(missing_ok=True)
    return placed


def last_report(directory: Path) -> DrillReport | None:
    """The newest report that can be read; None without one."""
    for path in sorted(directory.glob("drill-*.json"), reverse=True):
        try:
            return msgspec.json.decode(path.read_bytes(), type=DrillReport)
        except (OSError, msgspec.DecodeError):
            continue
    return None


def markdown(report: DrillReport) -> str:
    """The report for people."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: DrillReport) -> Iterator[str]:
    when = datetime.fromtimestamp(report.started_at / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield f"# Drill of {when}"
    yield ""
    yield f"**{end_line(report)}**"
    yield ""
    yield f"StockPulse {report.version}, broker {report.broker}, seed {report.seed}, {report.took_ms / 1000:.0f} s, "
    yield f"{report.orders} orders, {report.fills} executions, median gap {median_gap_ms(report.results) / 1000:.2f} s."
    yield f"Journal: {report.journal}. Kill switch: {report.kill.state}, {report.kill.words}."
    yield f"The same again: `sp drill --seed {report.seed}`; one of them: add `--fault NAME`."
    yield ""
    account = report.account
    yield f"Account {account.account_id}, a copy ({account.source}): {account.cash:,f} {account.currency}, "
    held = ", ".join(f"{quantity:f} {name}" for name, quantity in account.positions.items())
    yield f"holdings {held or 'none'}."
    yield from (f"Not copied: {words}." for words in account.left_out)
    yield from (f"The venue complains: {words}." for words in report.complaints)
    yield ""
    yield "A gap is the time from a fault's beginning until orders and holdings were proven equal to the venue's again;"
    yield "it holds the fault's own duration."
    yield ""
    yield "| # | fault | result | gap | orders | fills | name |"
    yield "| --- | --- | --- | ---: | ---: | ---: | --- |"
    for one in report.results:
        gap = f"{one.gap_ms / 1000:.2f} s" if one.gap_ms else "–"
        yield f"| {one.number} | {one.title} | {one.state} | {gap} | {one.orders} | {one.fills} | `{one.name}` |"
    for one in report.results:
        yield from _of_fault(one)


def _of_fault(one: FaultResult) -> Iterator[str]:
    yield ""
    yield f"## {one.number}. {one.title}: {one.state}"
    yield ""
    yield f"What was done: {one.done}." + (f" Scaled: {one.scaled}." if one.scaled else "")
    yield from (f"- problem: {words}" for words in one.problems)
    yield ""
    yield "```text"
    yield from (f"{event.at_ms:>7} ms  {event.who:<5}  {event.words}" for event in one.events)
    yield "```"
    if one.rows:
        yield ""
        yield "| | ours | venue | |"
        yield "| --- | ---: | ---: | --- |"
        yield from (f"| {row.label} | {row.ours} | {row.venue} | {row.verdict} |" for row in one.rows)
