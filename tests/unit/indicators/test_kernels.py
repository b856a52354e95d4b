"""The nine of many instruments say what TA-Lib says, whoever does the work, bar by bar and over whole histories."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.indicators.kernels import layout, nine
from stockpulse_engine.indicators.kernels.nine import Nine, compute_nine, find_engine, nine_in_parts, open_nine
from stockpulse_engine.indicators.registry import library

pytestmark = pytest.mark.timeout(300)
"""The first run compiles: some seconds of a core that may be shared."""

Floats = npt.NDArray[np.float64]
Bars = tuple[Floats, Floats, Floats, Floats]

NEAR = 1e-9
ENGINES = ("numba", "talib")


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once for all tests, and where pytest keeps things between runs once for all of those."""
    kept = getattr(request.config, "cache", None)  # pytest can run without
    return kept.mkdir("kernels") if kept is not None else tmp_path_factory.mktemp("kernels")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def said_by_talib(high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """The nine of one instrument: outputs × bars."""
    talib = library("talib")
    upper, _, lower = talib.BBANDS(close, 20)
    traded = np.cumsum(volume)
    vwap = np.full(len(close), np.nan)
    np.divide(np.cumsum((high + low + close) / 3 * volume), traded, out=vwap, where=traded > 0)
    return np.array([
        talib.SMA(close, 20), talib.EMA(close, 20), talib.RSI(close, 14), *talib.MACD(close), upper, lower,
        talib.ATR(high, low, close, 14), *talib.STOCH(high, low, close, 14, 3, 0, 3, 0), talib.OBV(close, volume), vwap,
    ])  # fmt: skip


def walk(instruments: int, count: int, seed: int = 3) -> Bars:
    """Instruments × bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (instruments, count)), axis=1))
    high, low = (
        close * (1 + rng.random((instruments, count)) / 100),
        close * (1 - rng.random((instruments, count)) / 100),
    )
    return high, low, close, np.round(rng.lognormal(9, 1, (instruments, count)))


def assert_near(ours: Floats, theirs: Floats, scale: float) -> None:
    """Values in the same places, as near as the size of what they were reckoned from allows."""
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs))
    good = np.isfinite(theirs)
    apart = np.abs(ours[good] - theirs[good]) / np.maximum(scale, np.abs(theirs[good]))
    assert apart.max(initial=0.0) <= NEAR


def frames(nine_of: Nine, bars: Bars, first: int = 0) -> None:
    rows = np.arange(len(bars[0]))
    for at in range(first, bars[0].shape[1]):
        nine_of.take(rows, *(table[:, at] for table in bars))


def test_both_ways_say_what_talib_says(engine: str, cache: Path) -> None:
    bars = walk(7, 300)
    whole = compute_nine(*bars, engine=engine, cache=cache)
    live = open_nine(7, engine=engine, cache=cache)
    frames(live, bars)
    for row in range(7):
        theirs = said_by_talib(*(table[row] for table in bars))
        assert_near(whole[row], theirs, 1.0)
        assert_near(live.values[row], theirs[:, -1], 1.0)


@st.composite
def markets(draw: st.DrawFn) -> tuple[Bars, float]:
    """One instrument's bars: walks, flat stretches, gaps of any size, bars without volume; and the highest price."""
    price, close = draw(st.floats(0.01, 5_000.0)), []
    for _ in range(draw(st.integers(1, 6))):
        kind, length = draw(st.sampled_from(["walk", "flat", "gap", "tick"])), draw(st.integers(1, 45))
        if kind == "gap":
            price *= draw(st.floats(0.2, 5.0))
        rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        steps = {"walk": rng.normal(0, 0.02, length), "tick": rng.integers(-1, 2, length) * 1e-4}.get(kind)
        stretch = price * np.exp(np.cumsum(steps)) if steps is not None else np.full(length, price)
        close += [float(value) for value in stretch]
        price = close[-1]
    closes = np.array(close)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    reach = rng.random(len(close)) * closes * draw(st.sampled_from([0.0, 0.001, 0.05]))
    volume = np.round(rng.random(len(close)) * 1000) * rng.integers(0, 2, len(close))
    volume *= draw(st.sampled_from([0.0, 1.0]))
    return (closes + reach, closes - reach, closes, volume), float(closes.max())


@given(markets())
@example(((np.full(60, 50.0),) * 3 + (np.zeros(60),), 50.0))
@example(((np.array([1.0]),) * 4, 1.0))
def test_any_market(cache: Path, market: tuple[Bars, float]) -> None:
    bars, scale = market
    theirs = said_by_talib(*bars)
    tables: Bars = (bars[0][None, :], bars[1][None, :], bars[2][None, :], bars[3][None, :])
    assert_near(compute_nine(*tables, engine="numba", cache=cache)[0], theirs, max(scale, 100.0))
    live, told = open_nine(1, engine="numba", cache=cache), []
    for bar in zip(*(line.tolist() for line in bars), strict=True):
        live.tick(0, *bar)
        told.append(live.values[0].copy())
    assert_near(np.array(told).T, theirs, max(scale, 100.0))


def test_a_bar_is_looked_at_without_being_taken(engine: str, cache: Path) -> None:
    bars = walk(3, 120)
    live = open_nine(3, engine=engine, cache=cache)
    frames(live, tuple(table[:, :-1] for table in bars))  # type: ignore[arg-type] # four tables again
    before = live.values.copy()
    rows = np.array([2, 0])
    seen = live.peek(rows, *(table[rows, -1] for table in bars))
    assert np.array_equal(live.values, before)
    live.take(rows, *(table[rows, -1] for table in bars))
    assert np.array_equal(live.values[rows], seen)
    assert np.array_equal(live.values[1], before[1])


def test_a_frame_may_hold_some_instruments_only_and_one_twice(engine: str, cache: Path) -> None:
    high, low, close, volume = walk(1, 80)
    live, one = open_nine(3, engine=engine, cache=cache), open_nine(1, engine=engine, cache=cache)
    for at in range(0, 80, 2):
        pair = slice(at, at + 2)
        live.take(np.array([1, 1]), high[0, pair], low[0, pair], close[0, pair], volume[0, pair])
    frames(one, (high, low, close, volume))
    assert np.array_equal(live.values[1], one.values[0])
    assert np.isnan(live.values[[0, 2]]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_and_nothing_of_its_frame_is_taken(engine: str, cache: Path, bad: float) -> None:
    bars = walk(4, 60)
    live = open_nine(4, engine=engine, cache=cache)
    frames(live, bars)
    before = live.values.copy()
    for column in range(4):
        frame = [table[:, -1].copy() for table in bars]
        frame[column][2] = bad
        with pytest.raises(InvalidValueError, match="instrument 2"):
            live.take(np.arange(4), *frame)
        with pytest.raises(InvalidValueError, match="instrument 2"):
            live.peek(np.arange(4), *frame)
        with pytest.raises(InvalidValueError, match="instrument 1"):
            live.tick(1, *(float(line[2]) for line in frame))
        broken = [table.copy() for table in bars]
        broken[column][1, 30] = bad
        with pytest.raises(InvalidValueError, match="no number"):
            compute_nine(*broken, engine=engine, cache=cache)
    assert np.array_equal(live.values, before)


@pytest.mark.parametrize("row", [-1, 4])
def test_a_row_that_is_not_there_is_refused(engine: str, cache: Path, row: int) -> None:
    live = open_nine(4, engine=engine, cache=cache)
    with pytest.raises(InvalidValueError, match="among 4"):
        live.tick(row, 2.0, 1.0, 1.5, 10.0)
    with pytest.raises(InvalidValueError, match="among 4"):
        live.take(np.array([row]), *(np.ones(1),) * 4)


def test_shapes_that_do_not_fit_are_refused(engine: str, cache: Path) -> None:
    live = open_nine(4, engine=engine, cache=cache)
    with pytest.raises(InvalidValueError, match="equally long"):
        live.take(np.arange(3), *(np.ones(2),) * 4)
    with pytest.raises(InvalidValueError, match="equally long"):
        live.take(np.arange(2), *(np.ones(2),) * 3)
    high, low, close, volume = walk(2, 40)
    with pytest.raises(InvalidValueError, match="one shape"):
        compute_nine(high, low, close, volume[:, :-1], engine=engine, cache=cache)
    with pytest.raises(InvalidValueError, match="write into"):
        compute_nine(high, low, close, volume, out=np.empty((2, 3, 40)), engine=engine, cache=cache)


def test_a_snapshot_goes_on_as_if_nothing_had_happened(cache: Path) -> None:
    bars = walk(5, 200)
    live = open_nine(5, engine="numba", cache=cache)
    frames(live, tuple(table[:, :90] for table in bars))  # type: ignore[arg-type] # four tables again
    saved = live.snapshot()
    other = open_nine(5, engine="numba", cache=cache)
    other.restore(saved)
    assert other.snapshot() == saved
    assert np.array_equal(other.values, live.values)
    for one in (live, other):
        frames(one, bars, first=90)
    assert other.snapshot() == live.snapshot()
    for wrong in (b"", saved[:-1], b"x" + saved[1:], open_nine(4, engine="numba", cache=cache).snapshot()):
        with pytest.raises(InvalidValueError, match="no snapshot"):
            other.restore(wrong)


def test_without_kernels_a_snapshot_is_not_to_be_had_and_says_why() -> None:
    live = open_nine(2, engine="talib")
    with pytest.raises(UnavailableError) as error:
        live.snapshot()
    assert "stockpulse[kernels]" in error.value.fix


def test_a_new_session_begins_its_own_vwap_and_nothing_else(engine: str, cache: Path) -> None:
    bars = walk(2, 100)
    live, whole = open_nine(2, engine=engine, cache=cache), open_nine(2, engine=engine, cache=cache)
    frames(whole, bars)
    frames(live, tuple(table[:, :60] for table in bars))  # type: ignore[arg-type] # four tables again
    live.begin_session()
    frames(live, bars, first=60)
    rest = [table[1, 60:] for table in bars]
    mean = float(((rest[0] + rest[1] + rest[2]) / 3 * rest[3]).sum() / rest[3].sum())
    assert live.values[1, layout.VWAP] == pytest.approx(mean, rel=1e-12)
    assert np.array_equal(live.values[:, : layout.VWAP], whole.values[:, : layout.VWAP])


def test_threads_share_the_instruments_and_say_the_same(cache: Path) -> None:
    bars = walk(5, 200)
    alone = compute_nine(*bars, engine="numba", cache=cache)
    out = np.empty_like(alone)
    shared = compute_nine(*bars, engine="numba", cache=cache, workers=3, out=out)
    assert shared is out
    assert np.array_equal(alone, shared, equal_nan=True)


def test_nothing_at_all_is_nothing(engine: str, cache: Path) -> None:
    for shape in ((0, 10), (3, 0), (2, 1)):
        made = compute_nine(*(np.ones(shape),) * 4, engine=engine, cache=cache)
        assert made.shape == (shape[0], layout.WIDTH, shape[1])
    assert open_nine(0, engine=engine, cache=cache).values.shape == (0, layout.WIDTH)


def test_the_cache_is_private(tmp_path: Path) -> None:
    place = tmp_path / "kernels"
    place.mkdir(mode=0o755)
    assert nine.kernel_cache(place).stat().st_mode & 0o077 == 0


def test_the_engine_is_found_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from stockpulse_engine.indicators.kernels.nine import find_engine, open_nine;"
        "found = find_engine(); open_nine(1, engine='talib'); print(found.name, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numba", "False"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_engine().name == "talib"
    assert not find_engine().is_compiled
    assert open_nine(1).engine == "talib"


@pytest.mark.parametrize("at_once", [0, 1, 3, 7, 50])
def test_in_parts_it_says_the_same_in_one_small_table(engine: str, cache: Path, at_once: int) -> None:
    bars = walk(7, 60)
    whole = compute_nine(*bars, engine=engine, cache=cache)
    seen: list[int] = []
    for first, table in nine_in_parts(*bars, at_once=at_once, engine=engine, cache=cache):
        assert np.array_equal(table, whole[first : first + len(table)], equal_nan=True)
        seen += range(first, first + len(table))
    assert seen == list(range(7))


def test_no_instruments_have_no_parts(engine: str, cache: Path) -> None:
    nothing = np.empty((0, 10))
    assert not list(nine_in_parts(nothing, nothing, nothing, nothing, engine=engine, cache=cache))
