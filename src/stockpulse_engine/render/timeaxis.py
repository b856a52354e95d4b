"""The time axis: new days (or months and years) named, times between them where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.market import Bar
from stockpulse_engine.render.canvas import CHIP, GRID, Canvas
from stockpulse_engine.render.chartdata import ChartData
from stockpulse_engine.render.chartview import ChartView
from stockpulse_engine.render.format import format_date, format_day, format_minute

_SPACING = 12
_GAP = 2
_ROUND_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def draw_time_axis(data: ChartData, view: ChartView, width: int) -> Canvas:
    """One row of labels; the time under the cross-hair is a chip and wins."""
    canvas = Canvas(width, 1)
    if data.cursor is not None and view.contains(data.cursor):
        text = f" {_moment(data, view, data.cursor)} "
        x = min(max(0, view.column(data.cursor) - len(text) // 2), max(0, view.width - len(text)))
        canvas.text(x, 0, text, ("ink", "muted", True), CHIP)
    for x, text in _labels(data, view):
        left = max(0, x - _GAP)
        if x + len(text) <= view.width and canvas.is_free(left, 0, x + len(text) + 1 - left, below=GRID):
            canvas.text(x, 0, text, ("muted", "panel", False), GRID)
    return canvas


def _moment(data: ChartData, view: ChartView, index: int) -> str:
    ts = view.bars[index - view.start].ts_event
    return format_minute(ts, data.zone) if data.spec.is_intraday else format_date(ts, data.zone)


def _labels(data: ChartData, view: ChartView) -> Iterator[tuple[int, str]]:
    """Labels with their columns, the most important first."""
    moments = [_local(bar.ts_event, data.zone) for bar in view.bars]
    columns = [view.shift + i * view.step for i in range(len(moments))]
    if data.spec.is_intraday:
        yield from _intraday(data, view, moments, columns)
        return
    for i in range(1, len(moments)):
        if moments[i].year != moments[i - 1].year:
            yield columns[i], str(moments[i].year)
    if moments:
        yield columns[0], f"{_MONTHS[moments[0].month - 1]} {moments[0].year}"
    for i in range(1, len(moments)):
        if moments[i].month != moments[i - 1].month:
            yield columns[i], _MONTHS[moments[i].month - 1]


def _intraday(
    data: ChartData, view: ChartView, moments: list[datetime], columns: list[int]
) -> Iterator[tuple[int, str]]:
    for i in range(1, len(moments)):
        if moments[i].date() != moments[i - 1].date():
            day = format_day(view.bars[i].ts_event, data.zone)
            yield columns[i], _with_hours(day, view.bars[i])
            yield columns[i], day  # where the hours beside it have no room
    if moments:
        yield columns[0], _with_hours(format_minute(view.bars[0].ts_event, data.zone), view.bars[0])
    for i in range(1, len(moments)):
        if view.bars[i].hours != view.bars[i - 1].hours:
            yield columns[i], view.bars[i].hours or "open"
    minutes = data.spec.duration_ns / 60e9 * _SPACING / view.step
    every = next((m for m in _ROUND_MINUTES if m >= minutes), _ROUND_MINUTES[-1])
    for i, moment in enumerate(moments):
        if (moment.hour * 60 + moment.minute) % every == 0 and moment.second == 0:
            yield columns[i], format_minute(view.bars[i].ts_event, data.zone)


def _with_hours(text: str, bar: Bar) -> str:
    """A label that says that its bar lies outside regular hours."""
    return f"{text} {bar.hours}" if bar.hours else text


@lru_cache(maxsize=16_384)
def _local(ts_ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, ZoneInfo(zone))
