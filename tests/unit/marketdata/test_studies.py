"""A study shows the same values whether it was just computed or carried on from bar to bar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pytest

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import StudyPoint
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.session_days import SessionDays
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
        self.service = StudyService(self._fetch, self.bus, SessionDays(load_calendar()).of)

    def _fail(self, value: object, error: Exception) -> None:
        raise AssertionError(value) from error

    async def _fetch(self, instrument_id: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        assert (instrument_id, spec) in {("AAPL.XNAS", SPEC), ("yahoo:AAPL", SPEC)}
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


@pytest.mark.parametrize(("study", "reach"), [("ichimoku", 26), ("ichimoku 5 9 18", 9), ("alligator", 8)])
async def test_what_is_told_of_bars_to_come_is_what_they_show_when_they_came(study: str, reach: int) -> None:
    desk = Desk(120)
    before = await desk.service.compute("AAPL.XNAS", SPEC, study, 10)
    known = {output.name: output.ahead for output in before.outputs}
    assert max(map(len, known.values())) == reach
    assert not any(known[name] for name in ("tenkan", "kijun", "chikou") if name in known)
    last = desk.bars[-1].ts_event
    for step in range(1, reach + 1):
        desk.bars.append(a_bar(SPEC, last + step * MINUTE, str(200 + step * 3 % 7)))
    after = await desk.service.compute("AAPL.XNAS", SPEC, study, reach)
    for output in after.outputs:
        ahead = known[output.name]
        assert None not in ahead
        assert ahead == output.values[: len(ahead)]


async def test_without_bars_nothing_is_known_of_those_to_come() -> None:
    view = await Desk(0).service.compute("AAPL.XNAS", SPEC, "ichimoku", 10)
    assert not any(output.ahead for output in view.outputs)


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


async def test_a_session_study_begins_anew_with_the_session_and_goes_on_live() -> None:
    desk = Desk(0)
    friday, monday = at("2026-03-06T15:00"), at("2026-03-09T14:00")
    desk.bars = [a_bar(SPEC, start + n * MINUTE, str(100 + n)) for start in (friday, monday) for n in range(5)]
    view = await desk.service.compute("AAPL.XNAS", SPEC, "vwap", 10)
    values = view.outputs[0].values
    assert values[4] == pytest.approx(102, abs=0.5)
    assert values[5] == pytest.approx(100, abs=0.5), "the first bar of the new session is its own average"
    whole = await desk.service.compute("AAPL.XNAS", SPEC, "vwap first", 10)
    assert whole.outputs[0].values[5] == pytest.approx((102 * 5 + 100) / 6, abs=0.5)
    desk.trade(a_bar(SPEC, at("2026-03-10T14:00"), "180", is_open=True))
    told = {point.study: point.values["real"] for point in desk.points[-2:]}
    assert told["vwap session"] == pytest.approx(180, abs=0.5)
    assert told["vwap first"] == pytest.approx((102 * 5 + 102 * 5 + 180) / 11, abs=0.5)


async def test_bars_of_an_outside_source_have_the_days_of_utc() -> None:
    desk = Desk(0)
    saturday = at("2026-03-07T12:00")
    desk.bars = [a_bar(SPEC, start, price) for start, price in ((at("2026-03-06T15:00"), "100"), (saturday, "110"))]
    ours, outside = [
        (await desk.service.compute(name, SPEC, "vwap", 2)).outputs[0].values for name in ("AAPL.XNAS", "yahoo:AAPL")
    ]
    assert ours[1] == pytest.approx(105, abs=0.5)
    assert outside[1] == pytest.approx(110, abs=0.5)


async def test_a_line_drawn_back_is_moved_and_its_newest_values_are_open() -> None:
    desk = Desk(60)
    view = await desk.service.compute("AAPL.XNAS", SPEC, "ichimoku 3 5 7", 20)
    lines = {output.name: output.values for output in view.outputs}
    closes = [float(bar.close) for bar in desk.bars]
    assert lines["chikou"][:15] == tuple(closes[45:])
    assert lines["chikou"][15:] == (None,) * 5
    assert (view.cloud, view.hidden) == (("senkoua", "senkoub"), ())
    desk.trade(a_bar(SPEC, desk.bars[-1].ts_event, "130", is_open=True))
    assert desk.points[-1].values["chikou"] is None
    assert desk.points[-1].values["tenkan"] is not None


async def test_a_study_of_two_instruments_says_that_a_chart_has_one() -> None:
    with pytest.raises(InvalidValueError, match="benchmark"):
        await Desk(60).service.compute("AAPL.XNAS", SPEC, "prs 20", 10)


def test_days_of_sessions_are_those_of_the_calendar() -> None:
    days = SessionDays(load_calendar())
    moments = [at(text) for text in ("2026-03-06T12:00", "2026-03-07T00:30", "2026-03-08T12:00", "2026-03-09T13:00")]
    friday = dt.date(2026, 3, 6).toordinal()
    assert days.of("AAPL.XNAS", moments) == [friday, friday, friday, friday + 3]
    assert days.of("yahoo:BTC-USD", moments) == [friday, friday + 1, friday + 2, friday + 3]
    assert days.of("AAPL.XNAS", [at("1901-01-02T12:00")]) == [dt.date(1901, 1, 2).toordinal()]


def at(text: str) -> int:
    """A moment of UTC in nanoseconds."""
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000_000
