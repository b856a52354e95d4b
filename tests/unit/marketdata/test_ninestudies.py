"""Standard studies reckoned together say what each says alone, whoever does the work, and whenever it takes over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.domain.views import StudyPoint
from stockpulse_engine.indicators.kernels.nine import Nine, find_engine, open_nine
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.marketdata.kernelload import load_nine
from stockpulse_engine.marketdata.ninestudies import STANDARD, NineStudies
from stockpulse_engine.marketdata.session_days import SessionDays
from stockpulse_engine.marketdata.studies import MANY, StudyService

pytestmark = pytest.mark.timeout(300)
"""The first run compiles: some seconds of a core that may be shared."""

SPEC = BarSpec(1, "h")
HOUR = SPEC.duration_ns
CALENDAR = load_calendar()
NAMES = tuple(f"S{number}.XNAS" for number in range(5))
NEAR = 1e-9
ENGINES = ("numba", "talib") if find_engine().is_compiled else ("talib",)


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once, and where pytest keeps things between runs once for all of those."""
    kept = getattr(request.config, "cache", None)
    return kept.mkdir("kernels") if kept is not None else tmp_path_factory.mktemp("kernels")


class Market:
    """Hourly bars of some instruments over several sessions, and a service that keeps studies of them."""

    def __init__(self, nine: Nine | None = None, error: Exception | None = None) -> None:
        self.asked: list[int] = []
        self._nine, self._error = nine, error
        self._random = Random(5)
        session = CALENDAR.session("2026-03-02")
        assert session is not None
        self._times = [
            CALENDAR.by_ordinal(session.ordinal + day).open + hour * HOUR for day in range(20) for hour in range(7)
        ]
        self.bars: dict[str, list[Bar]] = {name: [] for name in NAMES}
        self.points: dict[tuple[str, str], StudyPoint] = {}
        self.bus = Bus(self._fail)
        self.bus.subscribe(StudyPoint, self._hear)
        self.service = StudyService(self._fetch, self.bus, SessionDays(CALENDAR).of, load_nine=self._load)
        for _ in range(60):
            self.next_bar()

    def next_bar(self, names: Sequence[str] = NAMES) -> None:
        """The hour after the last, then some prints in it."""
        for name in names:
            at = self._times[len(self.bars[name])]
            self._tell(name, self._bar(name, at))
            self.move(name)

    def move(self, name: str) -> None:
        """A print in the open bar."""
        last = self.bars[name].pop()
        price, size = Decimal(self._random.randint(9_000, 11_000)) / 100, Decimal(self._random.randint(0, 3) * 100)
        self._tell(
            name,
            Bar(
                name, SPEC, last.ts_event, last.open, max(last.high, price), min(last.low, price), price,
                last.volume + size, last.known_at, True, "fake",
            ),
        )  # fmt: skip

    async def keep_all(self, limit: int = 10) -> None:
        """Ask for each standard study of each instrument."""
        for name in NAMES:
            for text in STANDARD:
                await self.service.compute(name, SPEC, text, limit)

    async def agrees(self, names: Sequence[str] = NAMES) -> None:
        """What was told of each study is what the batch says now."""
        self.points.clear()
        self.service.flush()
        for name in names:
            for text in STANDARD:
                alone = StudyService(self._fetch, Bus(self._fail), SessionDays(CALENDAR).of)
                view = await alone.compute(name, SPEC, text, 10)
                point = self.points[name, text]
                assert point.ts_event == view.times[-1]
                for output in view.outputs:
                    assert point.values[output.name] == pytest.approx(output.values[-1], rel=NEAR, abs=NEAR)

    def _bar(self, name: str, at: int) -> Bar:
        price = Decimal(self._random.randint(9_000, 11_000)) / 100
        return Bar(name, SPEC, at, price, price, price, price, Decimal(0), at + HOUR, True, "fake")

    def _tell(self, name: str, bar: Bar) -> None:
        self.bars[name].append(bar)
        self.bus.publish(bar)

    async def _fetch(self, instrument_id: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        assert spec == SPEC
        return self.bars[instrument_id][-limit:]

    async def _load(self, size: int) -> Nine | None:
        self.asked.append(size)
        if self._error is not None:
            raise self._error
        return self._nine

    def _hear(self, point: StudyPoint) -> None:
        self.points[point.instrument_id, point.study] = point

    def _fail(self, value: object, error: Exception) -> None:
        raise AssertionError(value) from error


@pytest.mark.parametrize("engine", ENGINES)
async def test_together_they_say_what_each_says_alone(engine: str, cache: Path) -> None:
    """Before the kernels take over, after it, and over new hours and new sessions."""
    market = Market(open_nine(256, engine=engine, cache=cache))
    await market.keep_all()
    assert market.service.standard_streams >= MANY
    market.next_bar()
    await market.agrees()
    market.move(NAMES[0])  # told by nobody yet when the kernels take over
    await market.service.load_kernels()
    assert (market.service.kernel_series, market.service.standard_streams) == (len(NAMES), 0)
    for name in NAMES[1:]:
        market.move(name)
    await market.agrees()
    for hours in (1, 2, 9):  # several bars close between two flushes, also over the night
        for _ in range(hours):
            market.next_bar()
        await market.agrees()
    market.points.clear()
    market.service.flush()
    assert not market.points, "nothing changed since"
    market.move(NAMES[3])
    market.service.flush()
    assert {name for name, _ in market.points} == {NAMES[3]}


@pytest.mark.parametrize("engine", ENGINES)
async def test_asked_again_a_history_is_opened_again(engine: str, cache: Path) -> None:
    """A corrected bar is in every value from then on; another study of the same bars shares the row."""
    market = Market(open_nine(256, engine=engine, cache=cache))
    await market.service.load_kernels()
    await market.keep_all()
    name = NAMES[0]
    market.bars[name][-5] = replace(market.bars[name][-5], high=Decimal(150), close=Decimal(150), volume=Decimal(700))
    for text in STANDARD:
        await market.service.compute(name, SPEC, text, 10)
    assert market.service.kernel_series == len(NAMES)
    market.next_bar()
    await market.agrees()


async def test_a_history_that_begins_elsewhere_has_a_row_of_its_own() -> None:
    """OBV counts from the first bar that its asker was given."""
    market = Market()
    name = NAMES[0]
    studies = NineStudies(open_nine(2, engine="talib"), SessionDays(CALENDAR).of, rows=2)
    bars = market.bars[name]
    for text, part in (("sma 20", bars), ("obv", bars[20:])):
        assert studies.keep(name, [text], part, columns(part))
    assert len(studies) == 2
    assert studies.keep(name, ["obv"], bars, columns(bars)), "asked with the longer one, it moves there"
    assert len(studies) == 1
    other = market.bars[NAMES[1]]
    assert studies.keep(NAMES[1], ["obv"], other, columns(other))
    third = market.bars[NAMES[2]]
    assert studies.keep(NAMES[2], ["obv"], third, columns(third)), "the least recently asked for makes room"
    market.bus.subscribe(Bar, studies.take)
    market.next_bar()
    assert {point.instrument_id for point in studies.flush()} == {NAMES[1], NAMES[2]}
    bad = [*columns(bars)]
    bad[2][3] = float("nan")
    assert not studies.keep(name, ["obv"], bars, bad)
    studies.clear()
    assert len(studies) == 0


@pytest.mark.parametrize("error", [None, ImportError("no LLVM here")])
async def test_without_kernels_the_streams_go_on(error: Exception | None) -> None:
    """Not installed, or broken: the same values, and no second try."""
    market = Market(None, error)
    for text in STANDARD:
        await market.service.compute(NAMES[0], SPEC, text, 10)
    await market.service.load_kernels()
    market.next_bar()
    assert (market.asked, market.service.kernel_series, market.service.standard_streams) == ([256], 0, len(STANDARD))
    await market.agrees(NAMES[:1])


async def test_the_kernels_are_compiled_in_another_process_and_come_ready(cache: Path) -> None:
    """What is handed over has every loop in it already."""
    if not find_engine().is_compiled:
        assert await load_nine(3, cache) is None
        return
    nine = await load_nine(3, cache)
    assert nine is not None
    assert nine.engine == "numba"
    assert len(nine.values) == 3


def test_the_engine_starts_without_the_compiler() -> None:
    """Neither numba nor numpy is loaded by what the market service is made of."""
    code = "import sys, stockpulse_engine.marketdata.service as m; print(sorted({'numba', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def columns(bars: Sequence[Bar]) -> list[npt.NDArray[np.float64]]:
    """Open, high, low, close, volume as the studies read them."""
    return [
        np.array([float(getattr(bar, name)) for bar in bars]) for name in ("open", "high", "low", "close", "volume")
    ]
