"""Studies as the engine computed them, laid over the bars of a chart."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.views import StudyView
from stockpulse_engine.render.chartdata import StudyLine

SERIES = 4
"""Study colours there are; further studies start again at the first."""


def study_lines(view: StudyView, bars: Sequence[Bar], first_series: int) -> tuple[StudyLine, ...]:
    """One line per output that is drawn, its values placed under the bars that start when they do."""
    at = {time: i for i, time in enumerate(view.times)}
    places = [at.get(bar.ts_event) for bar in bars]
    drawn = [(number, output) for number, output in enumerate(view.outputs) if output.name not in view.hidden]
    drawn = [one for one in drawn if any(value is not None for value in one[1].values)] or drawn
    columns = {output.name: [_value(output.values, place) for place in places] for _, output in drawn}
    begun = _bars_since(view, bars)
    ahead = {output.name: _numbers(output.ahead[begun:]) for _, output in drawn}
    if view.split:
        side = next(output.values for output in view.outputs if output.name == view.split)
        return _two_sides(view, columns[drawn[0][1].name], [_value(side, place) for place in places], first_series)
    decimals = None if view.is_overlay else _decimals(columns.values())
    lines = []
    for number, output in drawn:
        is_first = number == drawn[0][0]
        name = view.label if len(drawn) == 1 else f"{view.label} {output.name}" if is_first else output.name
        lines.append(
            StudyLine(
                name=name,
                values=columns[output.name],
                pane="price" if view.is_overlay else view.study,
                series=1 + (first_series - 1 + _tone(view, number)) % SERIES,
                levels=view.levels if is_first else (),
                decimals=decimals,
                is_columns=output.name in view.columns,
                fill_to=columns.get(view.cloud[1], ()) if view.cloud and output.name == view.cloud[0] else (),
                ahead=ahead[output.name],
                fill_ahead=ahead.get(view.cloud[1], ()) if view.cloud and output.name == view.cloud[0] else (),
            )
        )
    return tuple(lines)


def _two_sides(
    view: StudyView, values: Sequence[float], side: Sequence[float], first_series: int
) -> tuple[StudyLine, ...]:
    """A line that jumps from under the price over it and back, as two that break off."""
    lines = []
    for number, (name, sign) in enumerate(((f"{view.label} long", 1.0), ("short", -1.0))):
        shown = [value if way * sign > 0 else math.nan for value, way in zip(values, side, strict=True)]
        pane, series = "price" if view.is_overlay else view.study, 1 + (first_series - 1 + number) % SERIES
        lines.append(StudyLine(name=name, values=shown, pane=pane, series=series))
    return tuple(lines)


def _tone(view: StudyView, number: int) -> int:
    """How far the colour of an output is from the study's first."""
    if number < len(view.tones):
        return view.tones[number]
    return 0 if view.is_overlay else number


def _decimals(columns: Iterable[Sequence[float]]) -> int:
    """Decimals that leave the largest value three digits and more: one for an index, three for a small difference."""
    largest = max((abs(value) for values in columns for value in values if math.isfinite(value)), default=0.0)
    return next((places for places, least in ((1, 10.0), (2, 1.0), (3, 0.1)) if largest >= least), 4 if largest else 1)


def _bars_since(view: StudyView, bars: Sequence[Bar]) -> int:
    """Bars that began after the study's last: their place ahead of it is taken."""
    last = view.times[-1] if view.times else 0
    return len(bars) - bisect_right(bars, last, key=lambda bar: bar.ts_event)


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else value for value in values)


def _value(values: Sequence[float | None], place: int | None) -> float:
    value = values[place] if place is not None and place < len(values) else None
    return math.nan if value is None else value
