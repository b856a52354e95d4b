"""Sparklines: eight columns of eighth blocks, at most six eighths high, so that rows stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from stockpulse_engine.render.glyphs import FULL, Glyphs
from stockpulse_engine.render.span import Span

_TALLEST = 6
_HUGE = 1e300
"""From here on sums and differences are no numbers any more."""


def sparkline(
    values: Sequence[float], width: int = 8, *, is_up: bool | None = None, bg: str = "panel", glyphs: Glyphs = FULL
) -> Span:
    """The course of `values` in `width` cells; its tone follows the day's sign, or the course itself when not given."""
    finite = [value for value in values if abs(value) < _HUGE]
    if not finite:
        return Span(" " * (width - 1) + glyphs.nothing, "faint", bg) if width else Span("")
    means = _buckets(finite, width)
    low, high = min(means), max(means)
    span = high - low
    steps = [1 + round((mean - low) / span * (_TALLEST - 1)) if span else _TALLEST // 2 for mean in means]
    rising = finite[-1] >= finite[0] if is_up is None else is_up
    text = "".join(glyphs.eighths_up[step] for step in steps).rjust(width)
    return Span(text, "wick_up" if rising else "wick_down", bg)


def _buckets(values: Sequence[float], count: int) -> list[float]:
    """At most `count` means of neighbouring values, oldest first."""
    size = min(count, len(values))
    edges = [round(i * len(values) / size) for i in range(size + 1)] if size else []
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges) if b > a]
