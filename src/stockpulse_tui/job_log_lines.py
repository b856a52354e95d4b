"""Lines of a job's log as rows: time of the exchange, the word that tells, the rest. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from stockpulse_engine.domain.jobs import JobView
from stockpulse_engine.render.format import format_clock, format_date
from stockpulse_engine.render.span import Line, Span

_TOKENS = {"done": "up", "failed": "danger", "stays": "warn", "refused": "warn"}
_PARTS = 3


class LogLine(NamedTuple):
    """A line taken apart; `at_ns` 0 where it does not begin with a time."""

    at_ns: int
    key: str
    text: str


def read_line(line: str) -> LogLine:
    """`2026-11-20T11:00:00.012000Z key words`."""
    parts = line.split(" ", 2)
    if len(parts) == _PARTS:
        try:
            moment = datetime.strptime(parts[0], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        except ValueError:
            return LogLine(0, "", line)
        return LogLine(int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000, parts[1], parts[2])
    return LogLine(0, "", line)


def log_row(line: LogLine, zone: str, width: int, *, day: str) -> list[Line]:
    """One line of the log, wrapped under its words; a line of another day says which."""
    stamp = format_clock(line.at_ns, zone, digits=3) if line.at_ns else ""
    if line.at_ns and format_date(line.at_ns, zone) != day:
        stamp = f"{format_date(line.at_ns, zone)[5:]} {format_clock(line.at_ns, zone)}"
    head = Span(f"  {stamp:<14} ", "muted")
    room = max(8, width - len(head.text) - 1)
    first, _, _ = line.text.partition(" ")
    token = _TOKENS.get(first.rstrip(":"), "")
    rows: list[Line] = []
    for number, part in enumerate(_wrapped(line.text, room)):
        lead = head if not number else Span(" " * len(head.text))
        if not number and token:
            rows.append((lead, Span(first, token, bold=True), Span(part[len(first) :], "text")))
        else:
            rows.append((lead, Span(part, "text")))
    return rows


def fix_line(job: JobView | None) -> Line:
    """What cures the newest run, as the last row; nothing when it went well."""
    last = job.last if job is not None else None
    if last is None or last.state == "DONE" or not last.fix:
        return ()
    return (Span("  fix ", "muted"), Span(last.fix, "strong", bold=True))


def _wrapped(text: str, room: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, room, break_on_hyphens=False)[:6] or [""]
