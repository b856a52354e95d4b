"""A study shows the same values whether it was just computed or carried on from bar to bar."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import StudyPoint
from stockpulse_engine.marketdata.studies import StudyService
from tests.fakes.fake_provider import MINUTE, a_bar

SPEC = BarSpec(1, "m")


class Desk:
    """A study service over a list of bars."""

    def __init__(self, count: int) -> None:
        self.bars = [a_bar(SPEC, n * MINUTE, str(100 + (n * 7) % 11)) for n in range(count)]
        self.points: list[StudyPoint] = []
        self.bus = Bus(self._fail)
        self.bus.subscribe(StudyPoint, self.points.append)
        self.service = StudyService(self._fetch, self.bus)

    def _fail(self, value: object, error: Exception) -> None:
        raise AssertionError(value) from error

    async def _fetch(self, instrument_id: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        assert (instrument_id, spec) == ("AAPL.XNAS", SPEC)
        return self.bars[-limit:]

    def trade(self, bar: Bar) -> None:
        """A new state of the newest bar, or a new bar."""
        if self.bars[-1].ts_event == bar.ts_event:
            self.bars[-1] = bar
        else:
            self.bars.append(bar)
        self.bus.publish(bar)
        self.service.flush()


async def test_the_answer_covers_the_bars_asked_for_and_warms_up_before_them() -> None:
    desk = Desk(60)
    view = await desk.service.compute("AAPL.XNAS", SPEC, "sma 20", 10)
    assert (view.study, view.label, view.is_overlay) == ("sma 20", "sma20", True)
    assert view.times == tuple(bar.ts_event for bar in desk.bars[-10:])
    expected = sum(bar.close for bar in desk.bars[-20:]) / 20
    assert view.outputs[0].values[-1] == pytest.approx(float(expected), abs=1e-12)
    assert None not in view.outputs[0].values


async def test_warm_up_is_nothing_and_never_a_number() -> None:
    view = await Desk(5).service.compute("AAPL.XNAS", SPEC, "sma 20", 10)
    assert view.outputs[0].values == (None,) * 5


async def test_the_stream_goes_on_where_the_batch_ended() -> None:
    desk = Desk(60)
    for study in ("sma 20", "rsi 14", "macd", "bbands 20 2 2"):
        await desk.service.compute("AAPL.XNAS", SPEC, study, 10)
    start = desk.bars[-1].ts_event
    for step, close in ((0, "130"), (0, "131"), (1, "99"), (2, "120"), (2, "121"), (5, "104")):
        desk.trade(a_bar(SPEC, start + step * MINUTE, close, is_open=True))
        told = {point.study: point for point in desk.points[-4:]}
        for study, point in told.items():
            again = Desk(0)
            again.bars = list(desk.bars)
            view = await again.service.compute("AAPL.XNAS", SPEC, study, 1)
            for output in view.outputs:
                assert point.values[output.name] == output.values[-1], (study, output.name, step)


async def test_only_changed_studies_are_told() -> None:
    desk = Desk(60)
    await desk.service.compute("AAPL.XNAS", SPEC, "sma 20", 10)
    desk.service.flush()
    assert not desk.points
    desk.bus.publish(a_bar(SPEC, desk.bars[-1].ts_event, "1", is_open=True, instrument_id="MSFT.XNAS"))
    desk.service.flush()
    assert not desk.points


async def test_a_wrong_study_names_the_nearest() -> None:
    with pytest.raises((InvalidValueError, NotFoundError), match="rsi"):
        await Desk(5).service.compute("AAPL.XNAS", SPEC, "rsj 14", 10)


async def test_the_number_of_kept_studies_is_bounded() -> None:
    desk = Desk(200)
    for period in range(2, 100):
        await desk.service.compute("AAPL.XNAS", SPEC, f"sma {period}", 1)
    desk.trade(a_bar(SPEC, desk.bars[-1].ts_event, str(Decimal(120)), is_open=True))
    assert len(desk.points) == 64
