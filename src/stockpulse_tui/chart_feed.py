"""What a chart is fed with: history asked for in pages, live bars and study points joined on, every silence in words.

Studies are computed by the engine, so that every head shows the same values. A point of the stream changes the newest
value at once; when a bar is finished the whole study is asked again, because the stream keeps only the latest point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stockpulse_engine.domain.errors import StockPulseError, UnavailableError
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.views import StudyOutput, StudyPoint, StudyView
from stockpulse_engine.render.chartdata import StudyLine
from stockpulse_engine.render.studies import study_lines
from stockpulse_tui.bar_series import BarSeries

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

PAGE = 600
"""Bars asked for at once."""
MAX_LIMIT = 5_000
MAX_SERIES = 8
MAX_VIEWS = 24
AGAIN_NS = 1_000_000_000
"""Least time between two questions for the same study."""
RETRY_NS = 5_000_000_000
"""Between two questions for what could not be had because nobody answered."""

Key = tuple[str, str]
"""Instrument and bar length."""


class StudyState:
    """One study of one series: its values, or why there are none."""

    def __init__(self) -> None:
        self.view: StudyView | None = None
        self.problem = ""
        self.version = 0
        self.is_passing = False
        """Whether the problem may be gone when asked again."""
        self.asked_at = 0
        self.rolled = 0
        self.is_asking = False
        self._point: StudyPoint | None = None
        self._cache: tuple[tuple[int, int, int], tuple[StudyLine, ...]] | None = None

    def take_point(self, point: StudyPoint) -> None:
        """The newest value, for the bar it says."""
        view = self.view
        if point is self._point or view is None or not view.times or point.ts_event < view.times[-1]:
            return
        self._point = point
        is_new = point.ts_event > view.times[-1]
        outputs = tuple(_with_point(output, point, is_new=is_new) for output in view.outputs)
        times = (*view.times, point.ts_event) if is_new else view.times
        self.view = replace(view, times=times, outputs=outputs)
        self.version += 1

    def lines(self, bars: list[Bar], bars_version: int, series: int) -> tuple[StudyLine, ...]:
        """As the chart draws it, made again only when something changed."""
        if self.view is None:
            return ()
        key = (bars_version, self.version, series)
        if self._cache is None or self._cache[0] != key:
            self._cache = (key, study_lines(self.view, bars, series))
        return self._cache[1]


def _with_point(output: StudyOutput, point: StudyPoint, *, is_new: bool) -> StudyOutput:
    value = point.values.get(output.name)
    kept = output.values if is_new else output.values[:-1]
    return StudyOutput(name=output.name, values=(*kept, value), ahead=output.ahead[is_new:])


class ChartFeed:
    """All series and studies of one chart pane; `changed` draws it again."""

    def __init__(self, shell: StockPulseApp, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self._series: dict[Key, BarSeries] = {}
        self._studies: dict[tuple[str, str, str], StudyState] = {}

    def series(self, instrument_id: str, spec: str) -> BarSeries:
        """The series; the first call asks for it."""
        key = (instrument_id, spec)
        series = self._series.get(key)
        if series is None:
            while len(self._series) >= MAX_SERIES:
                self._series.pop(next(iter(self._series)))
            series = self._series[key] = BarSeries()
            self._load(key, series, None)
        return series

    def older(self, instrument_id: str, spec: str) -> None:
        """Ask for the page before the oldest bar, unless it is on its way or there is none."""
        series = self.series(instrument_id, spec)
        if series.bars and not series.is_whole and not series.is_asking:
            self._load((instrument_id, spec), series, series.bars[0].ts_event)

    def again(self, instrument_id: str, spec: str) -> None:
        """Ask for the newest page again: frames may have been missed."""
        series = self._series.get((instrument_id, spec))
        if series is not None and not series.is_asking:
            self._load((instrument_id, spec), series, None)

    def tend(self, instrument_id: str, spec: str) -> None:
        """Ask again for what nobody gave an answer to: a market that hung is back without a key."""
        due = self._shell.clock.monotonic_ns() - RETRY_NS
        series = self._series.get((instrument_id, spec))
        if series is not None and series.problem and series.is_passing and series.asked_at <= due:
            self.again(instrument_id, spec)
        for key, state in tuple(self._studies.items()):
            if key[:2] == (instrument_id, spec) and state.problem and state.is_passing and state.asked_at <= due:
                self._ask_study(key, state)

    def _load(self, key: Key, series: BarSeries, end_ns: int | None) -> None:
        series.is_asking, series.asked_at = True, self._shell.clock.monotonic_ns()
        self._shell.in_background(self._fetch(key, series, end_ns))

    async def _fetch(self, key: Key, series: BarSeries, end_ns: int | None) -> None:
        try:
            bars = await self._shell.link.commands.bars(key[0], key[1], PAGE, end_ns)
        except StockPulseError as error:
            series.problem, series.has_answer = str(error), True
            series.is_passing = isinstance(error, UnavailableError)
        else:
            had_bars = bool(series.bars)
            is_longer = series.take_history(bars)
            if end_ns is not None and not is_longer:
                series.is_whole = True
            if is_longer and had_bars:
                self._ask_studies(key)
        finally:
            series.is_asking = False
        self._changed()

    # -- studies

    def study(self, instrument_id: str, spec: str, text: str) -> StudyState:
        """The study; the first call asks for it."""
        key = (instrument_id, spec, text)
        state = self._studies.get(key)
        if state is None:
            while len(self._studies) >= MAX_VIEWS:
                self._studies.pop(next(iter(self._studies)))
            state = self._studies[key] = StudyState()
            self._ask_study(key, state)
        return state

    def forget_study(self, text: str) -> None:
        """It is shown no more, in no series."""
        for key in [key for key in self._studies if key[2] == text]:
            del self._studies[key]

    def _ask_studies(self, key: Key) -> None:
        for own, state in self._studies.items():
            if own[:2] == key:
                self._ask_study(own, state)

    def _ask_study(self, key: tuple[str, str, str], state: StudyState) -> None:
        if not state.is_asking:
            state.is_asking, state.asked_at = True, self._shell.clock.monotonic_ns()
            self._shell.in_background(self._fetch_study(key, state))

    async def _fetch_study(self, key: tuple[str, str, str], state: StudyState) -> None:
        series = self._series.get(key[:2])
        limit = min(MAX_LIMIT, max(PAGE, len(series.bars) if series else 0))
        try:
            state.view = await self._shell.link.commands.study(key[0], key[1], key[2], limit)
            state.problem = ""
        except StockPulseError as error:
            state.problem, state.is_passing = str(error), isinstance(error, UnavailableError)
        finally:
            state.is_asking = False
        state.version += 1
        self._changed()

    # -- the stream

    def on_store(self, instrument_id: str, spec: str) -> bool:
        """Join what the stream brought for the series on show; True when something changed."""
        store = self._shell.store
        series = self._series.get((instrument_id, spec))
        if series is None:
            return False
        before = series.version
        series.take_live(store.bars.get((instrument_id, spec), ()))
        is_changed = series.version != before
        now = self._shell.clock.monotonic_ns()
        for key, state in self._studies.items():
            if key[:2] != (instrument_id, spec):
                continue
            point = store.studies.get((key[0], key[1], state.view.study)) if state.view else None
            if point is not None:
                old = state.version
                state.take_point(point)
                is_changed = is_changed or state.version != old
            if state.view is not None and state.rolled != series.rolled and now - state.asked_at > AGAIN_NS:
                state.rolled = series.rolled
                self._ask_study(key, state)
        return is_changed
