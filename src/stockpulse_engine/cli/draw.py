"""`sp chart`: the same candles as the screen, printed once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.cli.link import engine
from stockpulse_engine.cli.output import emit
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.money import decimals_of
from stockpulse_engine.domain.views import StudyView
from stockpulse_engine.render.chart import render_chart
from stockpulse_engine.render.chartdata import ChartData
from stockpulse_engine.render.glyphs import glyphs_named
from stockpulse_engine.render.span import to_ansi, to_plain
from stockpulse_engine.render.studies import study_lines
from stockpulse_engine.render.theme import choose_theme

ZONE = "America/New_York"
MOST_PLACES = 4
MIN_SIZE, MAX_SIZE = (40, 10), (400, 120)


def draw_chart(symbol: str, bars: Sequence[Bar], *, studies: Sequence[str], size: str, at: str = "") -> None:
    """Print a chart of `bars` with `studies` (as of `at` where one is named), as large as asked or as the terminal."""
    width, height = _size(size)
    views = [_study(symbol, str(bars[-1].spec), text, len(bars), at) for text in studies]
    lines = [line for index, view in enumerate(views) for line in study_lines(view, bars, index + 1)]
    last = bars[-1].close
    change = last - bars[-2].close if len(bars) > 1 else None
    places = max(decimals_of(bar.close) for bar in bars[-20:])
    if last >= 1:  # a price adjusted for a split has as many decimals as the store keeps
        places = min(places, MOST_PLACES)
    data = ChartData(
        symbol=symbol_of(bars[-1].instrument_id),
        name=bars[-1].instrument_id,
        venue=f"source {bars[-1].source}" if bars[-1].source else "",
        tick=Decimal(1).scaleb(-max(2, places)),
        bars=bars,
        spec=bars[-1].spec,
        zone=ZONE,
        last=last,
        change=change,
        change_ratio=change / bars[-2].close if change is not None else None,
        studies=tuple(lines),
    )
    glyphs = glyphs_named("full" if "utf" in (sys.stdout.encoding or "").lower() else "ascii")
    drawn = render_chart(data, width, height, glyphs)
    if sys.stdout.isatty():
        emit(to_ansi(drawn, choose_theme("dark", os.environ)))
    else:
        emit(to_plain(drawn))


def _study(symbol: str, spec: str, text: str, limit: int, at: str) -> StudyView:
    if not at:
        return engine().study(symbol, spec, text, limit=limit)
    from stockpulse_engine.client import past

    return engine().send(past.study(symbol, spec, text, limit, at=at))


def _size(text: str) -> tuple[int, int]:
    if not text:
        columns, rows = shutil.get_terminal_size((120, 40))
        return columns, max(MIN_SIZE[1], rows - 2)
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InvalidValueError(f"--size {text[:20]!r} is not COLUMNSxROWS.", fix="Write it like 120x40.")
    return (
        min(max(int(width), MIN_SIZE[0]), MAX_SIZE[0]),
        min(max(int(height), MIN_SIZE[1]), MAX_SIZE[1]),
    )
