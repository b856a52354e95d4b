"""Batch jobs as rows of a table. Pure."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.jobs import JobRun, JobsView, JobView
from stockpulse_engine.render.format import format_age, format_date, format_day, format_minute
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.span import Line, Span
from stockpulse_engine.render.table import Cell, Column, Row

SHOWN: Final = 14
SECOND, MINUTE, HOUR, DAY = 1_000_000_000, 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000
SLOW: Final = 1.5
"""A run that takes longer than this many times the usual is worth a look, when it took at least `SLOW_NS`."""
SLOW_NS: Final = 5 * SECOND
_WORDS = {
    "DONE": ("ok", "up"),
    "FAILED": ("failed", "danger"),
    "DIED": ("died", "danger"),
    "CANCELED": ("stopped", "warn"),
}
_UNITS = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1000
_TEN: Final = 10

COLUMNS = (
    Column(title="job", width=8, is_right=False),
    Column(title="when", width=23, is_right=False, drop=2),
    Column(title="next", width=9),
    Column(title="in", width=7),
    Column(title="last", width=8, is_right=False),
    Column(title="took", width=6),
    Column(title="usual", width=6, drop=4),
    Column(title="last 14", width=SHOWN, is_right=False, drop=5),
    Column(title="wrote", width=9, drop=3),
    Column(title="state", width=12, is_right=False),
    Column(title="what it does", width=50, is_right=False, drop=1, grow=True),
)


def job_row(job: JobView, view: JobsView, now_ns: int, glyphs: Glyphs) -> Row:
    """One job."""
    last = job.last
    word, token = ("never", "faint") if last is None else _WORDS.get(last.state, (last.state.lower(), "text"))
    if last is not None and last.state == "FAILED" and last.tries > 1:
        word = f"{word} {last.tries}"
    slow = is_slow(last, job.usual_ns)
    state, state_token = state_of(job, view.zone)
    return Row(
        cells=(
            Cell(job.name, "strong", bold=True),
            Cell(job.when, "muted"),
            Cell(moment(job.next_ns, now_ns, view.zone)),
            Cell(until(job.next_ns - now_ns), "muted"),
            Cell(word, token),
            Cell(duration(last.took_ns) if last else "·", "warn" if slow else "text" if last else "faint", bold=slow),
            Cell(duration(job.usual_ns) if job.usual_ns else "·", "faint"),
            Cell("", parts=marks(job.results, glyphs)),
            Cell(amount(last.wrote, job.unit) if last else "·", "text" if last else "faint"),
            Cell(state, state_token, bold=job.state == "running"),
            Cell(clean_line(job.doing) if job.doing else clean_line(job.about), "muted"),
        )
    )


def state_of(job: JobView, zone: str) -> tuple[str, str]:
    """What it does or waits for, and the colour of that."""
    if job.state == "running":
        return (f"running {percent(job)}%" if job.total else "running"), "accent"
    if job.state == "retry":
        return f"retry {format_minute(job.retry_ns, zone)}", "warn"
    if job.state == "late":
        return ("catch up?" if job.missed == 1 else f"catch up {job.missed}?"), "warn"
    return ("stopped", "warn") if job.state == "canceled" else ("waits", "muted")


def percent(job: JobView) -> int:
    """How far a running job is."""
    return 100 * min(job.done, job.total) // job.total if job.total else 0


def is_slow(run: JobRun | None, usual_ns: int) -> bool:
    """Whether a run took clearly longer than its like."""
    return run is not None and usual_ns > 0 and run.took_ns > SLOW_NS and run.took_ns > SLOW * usual_ns


def marks(results: tuple[str, ...], glyphs: Glyphs) -> Line:
    """The last runs, oldest first, one sign each; the newest at the right edge."""
    signs = {"DONE": (glyphs.held, "up"), "CANCELED": (glyphs.nothing, "warn")}
    spans = [Span(" " * (SHOWN - len(results[-SHOWN:])), "faint")]
    spans += [Span(*signs.get(state, (glyphs.times, "danger"))) for state in results[-SHOWN:]]
    return tuple(span for span in spans if span.text)


def counts(view: JobsView) -> Line:
    """`1 running   1 late   6 done` for a title; what is zero is not said."""
    running = sum(job.state == "running" for job in view.jobs)
    late = sum(job.state in {"late", "retry", "canceled"} for job in view.jobs)
    well = sum(job.state == "waits" and job.last is not None and job.last.state == "DONE" for job in view.jobs)
    told = ((running, "running", "accent"), (late, "late", "warn"), (well, "ok", "up"))
    return tuple(Span(f"{count} {word}   ", token) for count, word, token in told if count)


def moment(at_ns: int, now_ns: int, zone: str) -> str:
    """A time of today, or the day and the time: `16:30`, `Mon 09:15`, `30 Nov` as its date."""
    clock = format_minute(at_ns, zone)
    if format_date(at_ns, zone) == format_date(now_ns, zone):
        return clock
    if at_ns - now_ns < 6 * DAY:
        return f"{format_day(at_ns, zone).partition(' ')[0]} {clock}"
    return format_date(at_ns, zone)[5:]


def until(left_ns: int) -> str:
    """Time left, in its two largest parts: `13 m`, `5 h 33 m`, `2 d 23 h`; `now` when there is none."""
    left = left_ns // MINUTE + 1
    if left_ns <= 0:
        return "now"
    if left < 60:
        return f"{left} m"
    hours, minutes = divmod(left, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d}"
    return f"{hours // 24} d {hours % 24:02d}"


def duration(ns: int) -> str:
    """How long something took: `0.4 s`, `9.8 s`, then `0:42`, `38:20`, `2:05:10`."""
    if ns < _TEN * SECOND:
        return f"{ns / SECOND:.1f} s"
    seconds = ns // SECOND
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def amount(wrote: int, unit: str) -> str:
    """What a run wrote: bytes as `8.1 GB`, everything else counted."""
    if unit != "bytes":
        return f"{wrote:,}"
    value, place = float(wrote), 0
    while value >= _THOUSAND - 0.5 and place < len(_UNITS) - 1:
        value, place = value / _THOUSAND, place + 1
    return f"{value:.0f} {_UNITS[place]}" if value >= _TEN or not place else f"{value:.1f} {_UNITS[place]}"


def verdict(job: JobView) -> str:
    """One sentence on the newest run: against what is usual."""
    last = job.last
    if last is None:
        return "never ran"
    took = duration(last.took_ns)
    if not job.usual_ns:
        return f"took {took}"
    times = last.took_ns / job.usual_ns
    compared = f", {times:.1f} × the usual {duration(job.usual_ns)}" if is_slow(last, job.usual_ns) else ""
    return f"took {took}{compared or f', usually {duration(job.usual_ns)}'}"


def ago(run: JobRun, now_ns: int) -> str:
    """How long ago a run ended."""
    return f"{format_age(now_ns - run.ended_ns)} ago"


def plain_row(job: JobView, view: JobsView, now_ns: int) -> dict[str, str]:
    """The row as names and texts, for copying."""
    last = job.last
    return {
        "job": job.name,
        "when": job.when,
        "next": moment(job.next_ns, now_ns, view.zone),
        "last": last.state if last else "never",
        "took": duration(last.took_ns) if last else "",
        "usual": duration(job.usual_ns) if job.usual_ns else "",
        "wrote": amount(last.wrote, job.unit) if last else "",
        "state": state_of(job, view.zone)[0],
        "what": clean_line(last.detail) if last else "",
    }
