"""Studies as the engine computed them, laid over the bars of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.views import StudyView
from stockpulse_engine.render.chartdata import StudyLine

SERIES = 4
"""Study colours there are; further studies start again at the first."""


def study_lines(view: StudyView, bars: Sequence[Bar], first_series: int) -> tuple[StudyLine, ...]:
    """One line per output, its values placed under the bars that start when they do."""
    at = {time: i for i, time in enumerate(view.times)}
    places = [at.get(bar.ts_event) for bar in bars]
    lines = []
    for number, output in enumerate(view.outputs):
        values = [_value(output.values, place) for place in places]
        name = view.label if len(view.outputs) == 1 else f"{view.label} {output.name}" if number == 0 else output.name
        lines.append(
            StudyLine(
                name=name,
                values=values,
                pane="price" if view.is_overlay else view.study,
                series=1 + (first_series - 1 + (0 if view.is_overlay else number)) % SERIES,
                levels=view.levels if number == 0 else (),
            )
        )
    return tuple(lines)


def _value(values: Sequence[float | None], place: int | None) -> float:
    value = values[place] if place is not None and place < len(values) else None
    return math.nan if value is None else value
