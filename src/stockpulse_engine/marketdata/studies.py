"""Studies over the service's bars: computed in batch when asked for, then carried on bar by bar for the heads."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import StudyOutput, StudyPoint, StudyView
from stockpulse_engine.marketdata.kernelload import load_nine
from stockpulse_engine.marketdata.ninestudies import MAX_ROWS, STANDARD, NineStudies

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stockpulse_engine.indicators.kernels.nine import Nine
    from stockpulse_engine.indicators.streaming import StudyStream
    from stockpulse_engine.indicators.studies import Study

    FloatArray = npt.NDArray[np.float64]

WARMUP_BARS = 500
"""Bars before the answer that a study may look back on."""
MAX_BARS = 5_000
MAX_STREAMS = 64
"""Studies kept current at once; the least recently asked for is dropped."""
PERIOD_S = 0.1
"""How often changed studies are told."""
MANY = MAX_STREAMS // 2
"""Standard studies from which on the kernels are worth their memory."""
_log = get_logger("marketdata.studies")

StudyKey = tuple[str, BarSpec, str]
FetchBars = Callable[[str, BarSpec, int], Awaitable[Sequence[Bar]]]
LoadNine = Callable[[int], Awaitable["Nine | None"]]
DaysOf = Callable[[str, Iterable[int]], Sequence[float]]
"""The day number of the session in which each moment of an instrument lies."""


class _Current:
    """One study kept current: its stream over closed bars, and the bar that is still open."""

    def __init__(self, stream: StudyStream, bars: Sequence[Bar], days_of: DaysOf) -> None:
        self.stream = stream
        self.bar = bars[-1]
        self.begins_at = bars[0].ts_event
        self.length = len(bars)
        """Bars since then, the open one included."""
        self.is_dirty = False
        self._days_of = days_of

    def row(self) -> tuple[float, ...]:
        """The open bar as the stream takes it."""
        return (*_row(self.bar), *_days(self.stream.study, self.bar.instrument_id, (self.bar,), self._days_of))

    def take(self, bar: Bar) -> None:
        """Take the newest state of the open bar; a later one closes the one before."""
        if bar.ts_event > self.bar.ts_event:
            self.stream.update(self.row())
            self.length += 1
        if bar.ts_event >= self.bar.ts_event:
            self.bar = bar
            self.is_dirty = True


class StudyService:
    """Answers `GET /v1/study` and publishes a `StudyPoint` for each kept study whose bar changed."""

    def __init__(self, fetch_bars: FetchBars, bus: Bus, days_of: DaysOf, load_nine: LoadNine = load_nine) -> None:
        """`load_nine` gets the kernels ready; it is called once, when many standard studies are kept."""
        self._fetch_bars = fetch_bars
        self._load_nine = load_nine
        self._nine: NineStudies | None = None
        self._days_of = days_of
        self._bus = bus
        self._streams: OrderedDict[StudyKey, _Current] = OrderedDict()
        bus.subscribe(Bar, self._on_bar)

    async def compute(self, instrument_id: str, spec: BarSpec, text: str, limit: int) -> StudyView:
        """The study over the last `limit` bars, the open one included; it is kept current from now on.

        Raises:
            InvalidValueError: an unknown function or a parameter out of range, naming the nearest.
        """
        from stockpulse_engine.indicators.registry import compute, parse_study

        study = parse_study(text)
        bars = await self._fetch_bars(instrument_id, spec, min(MAX_BARS, limit + WARMUP_BARS))
        columns = _columns(bars, _days(study, instrument_id, bars, self._days_of))
        found = {name: _drawn(values, study.shift_of(name)) for name, values in compute(study, *columns).items()}
        if bars:
            self._keep((instrument_id, spec, study.text), study, bars, columns)
        view = _view((instrument_id, spec), study, list(bars), found, limit)
        return _with_ahead(view, study, columns)

    async def run(self) -> None:
        """Tell changed studies again and again; with many standard ones get the kernels for them."""
        loading: asyncio.Task[None] | None = None
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                self.flush()
                if loading is None and self.standard_streams >= MANY:
                    loading = spawn(self.load_kernels(), name="kernels")
        finally:
            if loading is not None:
                loading.cancel()

    @property
    def standard_streams(self) -> int:
        """Standard studies that are carried on by streams of their own."""
        return sum(text in STANDARD for _, _, text in self._streams)

    @property
    def kernel_series(self) -> int:
        """Series that the kernels reckon together."""
        return len(self._nine) if self._nine is not None else 0

    async def load_kernels(self) -> None:
        """Get the kernels, where they are installed, and hand the standard studies over to them."""
        try:
            nine = await self._load_nine(MAX_ROWS)
        except Exception as error:  # noqa: BLE001 - whatever a compiler says: the streams go on
            _log.exception("kernels_not_loaded", error)
            return
        if nine is None:
            return
        self._nine = NineStudies(nine, self._days_of)
        together: dict[tuple[str, BarSpec, int], list[StudyKey]] = {}
        for key, current in self._streams.items():
            if key[2] in STANDARD:
                together.setdefault((*key[:2], current.begins_at), []).append(key)
        for keys in together.values():
            await self._hand_over(self._nine, keys)
            await asyncio.sleep(0)  # a history takes some milliseconds, and the market waits for no more than one
        _log.info("kernels_loaded", series=self.kernel_series)

    def flush(self) -> None:
        """Publish one point for each study whose bar changed since the last call."""
        for (instrument_id, spec, text), current in self._streams.items():
            if not current.is_dirty:
                continue
            current.is_dirty = False
            values = current.stream.peek(current.row())
            study = current.stream.study
            point = StudyPoint(
                instrument_id=instrument_id,
                spec=str(spec),
                study=text,
                ts_event=current.bar.ts_event,
                values={name: None if study.shift_of(name) else _finite(value) for name, value in values.items()},
            )
            self._bus.publish(point)
        for point in self._nine.flush() if self._nine is not None else ():
            self._bus.publish(point)

    def clear(self) -> None:
        """Forget the streams: history changed under them; heads ask again after their resync."""
        self._streams.clear()
        if self._nine is not None:
            self._nine.clear()

    async def _hand_over(self, nine: NineStudies, keys: Sequence[StudyKey]) -> None:
        """Open the history of studies that share one again, for the kernels; one that is another by now stays."""
        (instrument_id, spec, _), first = keys[0], self._streams.get(keys[0])
        if first is None:
            return
        bars = (await self._fetch_bars(instrument_id, spec, first.length))[-first.length :]
        ends = (bars[0].ts_event, bars[-1].ts_event) if bars else ()
        same = {
            key: current
            for key in keys
            if (current := self._streams.get(key)) is not None and (current.begins_at, current.bar.ts_event) == ends
        }
        texts = [text for _, _, text in same]
        if not same or not nine.keep(instrument_id, texts, bars, _columns(bars, (0.0,) * len(bars))):
            return
        for key in same:
            del self._streams[key]
        if any(current.is_dirty for current in same.values()):
            nine.take(bars[-1])

    def _keep(self, key: StudyKey, study: Study, bars: Sequence[Bar], columns: Sequence[FloatArray]) -> None:
        if self._nine is not None and key[2] in STANDARD and self._nine.keep(key[0], key[2:], bars, columns):
            self._streams.pop(key, None)
            return
        from stockpulse_engine.indicators.streaming import StudyStream

        closed = StudyStream(study, *(values[:-1] for values in columns))
        self._streams[key] = _Current(closed, bars, self._days_of)
        self._streams.move_to_end(key)
        while len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)

    def _on_bar(self, bar: Bar) -> None:
        for (instrument_id, spec, _), current in self._streams.items():
            if instrument_id == bar.instrument_id and spec == bar.spec:
                current.take(bar)
        if self._nine is not None:
            self._nine.take(bar)


def study_of(
    text: str, bars: Sequence[Bar], instrument_id: str, spec: BarSpec, *, limit: int, days_of: DaysOf
) -> StudyView:
    """A study over these bars and nothing else.

    Raises:
        InvalidValueError: an unknown function or a parameter out of range, naming the nearest.
    """
    from stockpulse_engine.indicators.registry import compute, parse_study

    study = parse_study(text)
    columns = _columns(bars, _days(study, instrument_id, bars, days_of))
    found = {name: _drawn(values, study.shift_of(name)) for name, values in compute(study, *columns).items()}
    return _with_ahead(_view((instrument_id, spec), study, bars, found, limit), study, columns)


def _with_ahead(view: StudyView, study: Study, columns: Sequence[FloatArray]) -> StudyView:
    """The values already known of bars to come. Any bars will do to reckon them with: they do not look at those."""
    import numpy as np

    from stockpulse_engine.indicators.registry import compute

    reach = max((study.ahead_of(output.name) for output in view.outputs), default=0)
    if not reach or not view.times:
        return view
    longer = compute(study, *(np.concatenate([column, np.repeat(column[-1:], reach)]) for column in columns))
    count = len(columns[0])
    outputs = tuple(
        replace(
            output, ahead=tuple(map(_finite, longer[output.name][count : count + study.ahead_of(output.name)].tolist()))
        )
        for output in view.outputs
    )
    return replace(view, outputs=outputs)


def _view(
    of: tuple[str, BarSpec], study: Study, bars: Sequence[Bar], found: dict[str, FloatArray], limit: int
) -> StudyView:
    tail = bars[-limit:]
    return StudyView(
        instrument_id=of[0],
        spec=str(of[1]),
        study=study.text,
        label=study.label,
        is_overlay=study.info.is_overlay,
        times=tuple(bar.ts_event for bar in tail),
        outputs=tuple(
            StudyOutput(name=name, values=tuple(_finite(one) for one in values[len(bars) - len(tail) :].tolist()))
            for name, values in found.items()
        ),
        levels=study.info.levels,
        hidden=study.info.hidden,
        cloud=study.info.cloud,
        tones=study.info.tones,
        split=study.info.split,
        columns=study.info.columns,
    )


def _columns(bars: Sequence[Bar], days: Sequence[float]) -> tuple[FloatArray, ...]:
    """Open, high, low, close, volume and session as float64: the one conversion from exact prices to studies."""
    import numpy as np

    table = np.array([_row(bar) for bar in bars], dtype=np.float64).reshape(len(bars), 5)
    prices = tuple(np.ascontiguousarray(table[:, column]) for column in range(5))
    return (*prices, np.array(days, dtype=np.float64))


def _days(study: Study, instrument_id: str, bars: Sequence[Bar], days_of: DaysOf) -> Sequence[float]:
    """The session of each bar, looked up for the studies that ask for it."""
    if "session" not in study.info.inputs:
        return (0.0,) * len(bars)
    return days_of(instrument_id, (bar.ts_event for bar in bars))


def _drawn(values: FloatArray, shift: int) -> FloatArray:
    """Values at the bars they are drawn at: `shift` bars before the one at which they were known."""
    import numpy as np

    return np.concatenate([values[shift:], np.full(min(shift, len(values)), math.nan)]) if shift else values


def _row(bar: Bar) -> tuple[float, ...]:
    return (float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
