"""The table at the end: figure, measured, goal, verdict, and the peer measured in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scripts.bench._figures import Figure, Peer
from scripts.bench._process import Outcome, Row

HEAD = ("figure", "goal", "median", "best", "", "peer in the same run")
OK, MISSED = "ok", "MISSED"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line as a value; None where a figure was not measured, has no goal or no peer."""

    figure: str
    unit: str
    goal: float | None
    is_floor: bool
    values: tuple[float, ...]
    median: float | None
    best: float | None
    verdict: str
    """ok, MISSED, "" without a goal, or why there is no figure."""
    peer: str = ""
    peer_values: tuple[float, ...] = ()
    times_as_good: float | None = None
    """Our median against the peer's: above 1 is better, whichever way the figure goes."""
    peer_problem: str = ""


def line_of(figure: Figure, ours: Sequence[Outcome], peers: Mapping[Peer, Sequence[Outcome]]) -> Line:
    """The line of one figure from what every round gave; one that is better than its goal in the median meets it."""
    values = [value for outcome in ours if (value := our_figure(figure, outcome)) is not None]
    median = statistics.median(values) if values else None
    line = Line(
        figure=figure.name,
        unit=figure.unit,
        goal=figure.goal,
        is_floor=figure.is_floor,
        values=tuple(values),
        median=median,
        best=(max if figure.is_floor else min)(values) if values else None,
        verdict=_verdict(figure, median, ours),
    )
    return line if figure.peer is None else _beside(line, figure, figure.peer, peers.get(figure.peer, ()))


def _verdict(figure: Figure, median: float | None, ours: Sequence[Outcome]) -> str:
    if median is None:
        problem = next((outcome.problem for outcome in ours if outcome.problem), "it printed no such figure")
        return f"not measured: {problem[:100]}"
    if figure.goal is None:
        return ""
    return OK if figure.is_met(median) else MISSED


def _beside(line: Line, figure: Figure, peer: Peer, outcomes: Sequence[Outcome]) -> Line:
    values = [value for outcome in outcomes if (value := peer_figure(peer, outcome)) is not None]
    if not values:
        problem = next((outcome.problem for outcome in outcomes if outcome.problem), "not run: no peers' scripts here")
        return msgspec.structs.replace(line, peer=peer.name, peer_problem=problem[:100])
    theirs, times = statistics.median(values), None
    if line.median and theirs:
        times = line.median / theirs if figure.is_floor else theirs / line.median
    return msgspec.structs.replace(line, peer=peer.name, peer_values=tuple(values), times_as_good=times)


def our_figure(figure: Figure, outcome: Outcome) -> float | None:
    """The figure in what our bench printed."""
    for row in outcome.rows:
        if row.get("bench") == figure.bench and row.get("what", "ours") == "ours":
            return look_up(row, figure.key)
    return None


def peer_figure(peer: Peer, outcome: Outcome) -> float | None:
    """The same figure of a peer, in our unit."""
    for row in outcome.rows:
        value = look_up(_with_frames(row), peer.key)
        if value:
            return peer.scale / value if peer.is_inverse else peer.scale * value
    return None


def _with_frames(row: Row) -> Row:
    """CPU per frame, for the peer that tells CPU and frames apart."""
    if row.get("cpu_pct") and row.get("frames_per_s"):
        return {**row, "cpu_per_frame": 10 * row["cpu_pct"] / row["frames_per_s"]}
    return row


def look_up(row: Row, key: str) -> float | None:
    """A number by its dotted path."""
    found: Any = row
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) else None


def table(lines: Sequence[Line]) -> str:
    """Columns as wide as their widest cell; the best of several rounds only where there were several."""
    cells = [HEAD, *(_cells(line) for line in lines)]
    if all(len(line.values) < 2 for line in lines):
        cells = [(*row[:3], *row[4:]) for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _cells(line: Line) -> tuple[str, ...]:
    goal = "" if line.goal is None else f"{'≥' if line.is_floor else '≤'} {line.goal:,g}"
    median = "-" if line.median is None else f"{readable(line.median)} {line.unit}"
    best = "" if line.best is None else readable(line.best)
    return line.figure, goal, median, best, line.verdict, _peer_words(line)


def _peer_words(line: Line) -> str:
    if line.peer_problem:
        return f"{line.peer}: {line.peer_problem}"
    if line.times_as_good is None:
        return ""
    theirs = statistics.median(line.peer_values)
    return f"{line.times_as_good:,.2g}× as good as {line.peer} ({readable(theirs)})"


def readable(value: float) -> str:
    """Three digits or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
