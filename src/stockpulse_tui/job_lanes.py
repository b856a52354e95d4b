"""Today as lanes: when each job ran, how it ended, when it is still due, the session behind it and now. Pure."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.domain.jobs import JobsView, JobView
from stockpulse_engine.render.format import format_minute
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.span import Line, Span

NAME: Final = 11
"""Cells for the names at the left."""
_RANK = {"": 0, "due": 1, "missed": 1, "DONE": 2, "CANCELED": 3, "RUNNING": 4, "FAILED": 5, "DIED": 5}
"""Where two fall on one cell, the one that matters more is seen."""
_TOKENS = {
    "due": "muted",
    "missed": "warn",
    "DONE": "up",
    "CANCELED": "warn",
    "RUNNING": "accent",
    "FAILED": "danger",
    "DIED": "danger",
}
_HOURS: Final = 3


def lane_lines(view: JobsView, now_ns: int, size: tuple[int, int], glyphs: Glyphs) -> list[Line]:
    """Axis, one lane a job, and what the band behind them is."""
    width, height = size
    cells = max(12, width - NAME - 3)
    scale = _Scale(view, now_ns, cells)
    lanes = [_lane(job, scale, glyphs) for job in view.jobs]
    room = max(1, height - 2)
    foot = _foot(view, scale)
    return [_axis(view, scale), *lanes[:room], *([foot] if len(lanes) < height - 1 else [])]


class _Scale:
    """From moments to cells."""

    def __init__(self, view: JobsView, now_ns: int, cells: int) -> None:
        self._start, self._length = view.day_start_ns, max(1, view.day_end_ns - view.day_start_ns)
        self.cells = cells
        self.now = self.cell(now_ns)
        self.session = range(self.cell(view.open_ns), self.cell(view.close_ns)) if view.open_ns else range(0)

    def cell(self, at_ns: int) -> int:
        """The cell of a moment; outside the day the nearest edge."""
        place = (at_ns - self._start) * self.cells // self._length
        return max(0, min(self.cells - 1, place))

    def bg(self, cell: int) -> str:
        """Token behind a cell."""
        return "raised" if cell in self.session else "panel"


def _axis(view: JobsView, scale: _Scale) -> Line:
    """Every third hour above its cell."""
    row = [" "] * (scale.cells + 2)
    hour = 3_600_000_000_000
    for number in range(0, 24, _HOURS):
        place = scale.cell(view.day_start_ns + number * hour)
        row[place : place + 2] = f"{number:02d}"
    row[scale.cells - 2 : scale.cells] = "24"
    return (Span(" " * (NAME + 1)), Span("".join(row[: scale.cells]), "muted"))


def _lane(job: JobView, scale: _Scale, glyphs: Glyphs) -> Line:
    states = [""] * scale.cells
    long = [False] * scale.cells
    for due in job.due_today:
        _put(states, scale.cell(due), "due")
    for due in job.missed_today:
        _put(states, scale.cell(due), "missed")
    for one in job.today:
        first, last = scale.cell(one.start_ns), scale.cell(one.end_ns)
        for cell in range(first, last + 1):
            _put(states, cell, one.state)
            long[cell] = last - first > 1
    if not job.due_today and job.today:  # due every few minutes: a line to the end of the day
        for cell in range(scale.now, scale.cells):
            if not states[cell]:
                states[cell], long[cell] = "due", True
    spans = [Span(f" {job.name[:NAME].ljust(NAME)}", "muted")]
    for cell, state in enumerate(states):
        text, token = _sign(state, glyphs, is_long=long[cell])
        if cell == scale.now and state in {"", "due"}:
            text, token = glyphs.vertical, "accent"
        spans.append(Span(text, token, scale.bg(cell)))
    return tuple(spans)


def _put(states: list[str], cell: int, state: str) -> None:
    if _RANK.get(state, 0) > _RANK.get(states[cell], 0):
        states[cell] = state


def _sign(state: str, glyphs: Glyphs, *, is_long: bool) -> tuple[str, str]:
    if not state:
        return " ", "text"
    token = _TOKENS.get(state, "text")
    if state in {"FAILED", "DIED"}:
        return glyphs.times, token
    if state in {"CANCELED", "missed"}:
        return glyphs.nothing, token
    if is_long:
        return (glyphs.thin if state == "due" else glyphs.thick), token
    return glyphs.held, token


def _foot(view: JobsView, scale: _Scale) -> Line:
    """What the band is."""
    if not view.open_ns:
        return (Span(" " * (NAME + 1)), Span("no session today", "muted"))
    words = f"open to {format_minute(view.close_ns, view.zone)}"
    start = scale.session.start if len(scale.session) else 0
    room = max(0, min(len(scale.session), scale.cells - start))
    text = words[:room].ljust(room)
    return (Span(" " * (NAME + 1 + start)), Span(text, "muted", "raised"))
