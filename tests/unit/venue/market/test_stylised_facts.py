"""The simulated market moves like real ones: fat tails, clusters, the daily U, gaps, sectors, spreads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stockpulse_engine.venue.market.days import BLOCK
from tests.unit.venue.market.stream import session, whole_market

Floats = NDArray[np.float64]
FIRST_BLOCK = 230
BLOCKS = 24
"""Three years of sessions."""
MINUTES = 390


@lru_cache(maxsize=1)
def days() -> NDArray[np.int64]:
    """Daily bars as [instrument, session, open/high/low/close/volume]."""
    count = len(whole_market().universe)
    rows = [
        np.concatenate([whole_market().daily(place, FIRST_BLOCK + block).values for block in range(BLOCKS)])
        for place in range(count)
    ]
    return np.stack(rows)


@lru_cache(maxsize=1)
def minutes() -> tuple[Floats, Floats, Floats]:
    """Closes, volumes and relative spreads of full sessions as [instrument, session, minute]."""
    first = session("2026-01-05").ordinal
    ordinals = [o for o in range(first, first + 14) if not whole_market().calendar.by_ordinal(o).is_half_day]
    shape = (len(whole_market().universe), len(ordinals), MINUTES)
    close, volume, spread = np.empty(shape), np.empty(shape), np.empty(shape)
    for place in range(shape[0]):
        for row, ordinal in enumerate(ordinals):
            day = whole_market().day(place, ordinal)
            regular = slice(day.first_regular, day.end_regular)
            close[place, row] = day.minutes.close[regular]
            volume[place, row] = day.minutes.volume[regular]
            spread[place, row] = day.minutes.spread[regular] / day.minutes.end[regular]
    return close, volume, spread


def daily_returns() -> Floats:
    """Close to close, logs."""
    returns: Floats = np.diff(np.log(days()[:, :, 3]), axis=1)
    return returns


def kurtosis(values: Floats) -> float:
    """Fourth standardised moment; 3 for a normal distribution."""
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def autocorrelation(series: Floats, lag: int) -> float:
    """Mean over rows."""
    return float(np.mean([np.corrcoef(row[:-lag], row[lag:])[0, 1] for row in series]))


def test_daily_returns_have_fat_tails() -> None:
    """Typical kurtosis well above a normal distribution's 3."""
    values = [kurtosis(row) for row in daily_returns()]
    assert np.median(values) > 4.5
    assert np.min(values) > 3.0


def test_five_minute_returns_have_fatter_tails() -> None:
    """Jumps and bursts show more over short times."""
    close, _, _ = minutes()
    returns = np.diff(np.log(close[:, :, 4::5]), axis=2).reshape(close.shape[0], -1)
    assert np.median([kurtosis(row) for row in returns]) > 5


def test_volatility_comes_in_clusters_that_fade() -> None:
    """Size of returns is autocorrelated, less and less; their sign is not."""
    moves = np.abs(daily_returns())
    near, far = autocorrelation(moves, 1), autocorrelation(moves, 60)
    assert near > 0.03
    assert autocorrelation(moves, 5) > 0.02
    assert far < near
    assert abs(autocorrelation(daily_returns(), 1)) < 0.03


def test_intraday_moves_cluster_too() -> None:
    """Five-minute moves, after the daily shape is divided out."""
    close, _, _ = minutes()
    moves = np.abs(np.diff(np.log(close[:, :, 4::5]), axis=2))
    relative = (moves / moves.mean(axis=(0, 1))).reshape(close.shape[0], -1)
    near = autocorrelation(relative, 1)
    assert near > 0.04
    assert near > autocorrelation(relative, 30) > -0.02


def test_volume_and_volatility_are_u_shaped_over_the_day() -> None:
    """More at the open and at the close than at noon."""
    close, volume, _ = minutes()
    share = (volume / volume.sum(axis=2, keepdims=True)).mean(axis=(0, 1))
    noon = share[180:210].mean()
    assert share[1:16].mean() > 2 * noon
    assert share[-16:-1].mean() > 1.8 * noon
    moves = np.abs(np.diff(np.log(close), axis=2)).mean(axis=(0, 1))
    assert moves[:15].mean() > 1.8 * moves[180:210].mean()
    assert moves[-15:].mean() > 1.15 * moves[180:210].mean()


def test_volume_goes_with_movement() -> None:
    """Busy days are wild days."""
    span = np.log(days()[:, :, 1] / days()[:, :, 2])
    volume = np.log(days()[:, :, 4])
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(span, volume, strict=True)]) > 0.3


def test_sectors_move_together() -> None:
    """More than with the rest, and the rest more than not at all."""
    universe = whole_market().universe
    together: Floats = np.asarray(np.corrcoef(daily_returns()))
    same = universe.sector_of[:, None] == universe.sector_of[None]
    other = ~same
    np.fill_diagonal(same, val=False)
    assert together[same].mean() > together[other].mean() + 0.1
    assert together[other].mean() > 0.1
    spy, qqq = universe.index["SPY.ARCX"], universe.index["QQQ.XNAS"]
    assert together[spy, qqq] > 0.7


def test_nights_leave_gaps() -> None:
    """The open is not the close before, by about half a day's move."""
    gaps = np.log(days()[:, 1:, 0] / days()[:, :-1, 3])
    inside = np.log(days()[:, :, 3] / days()[:, :, 0])
    ratio = gaps.std(axis=1) / inside.std(axis=1)
    assert np.median(ratio) > 0.3
    assert np.median(ratio) < 1.2


def test_spreads_follow_price_and_volume() -> None:
    """In basis points: wide for cheap and for rarely traded names, tight for the busiest."""
    universe = whole_market().universe
    _, _, spread = minutes()
    typical = dict(zip(universe.ids, 1e4 * spread.mean(axis=(1, 2)), strict=True))
    assert typical["AAPL.XNAS"] < 1.5
    assert typical["SPY.ARCX"] < 1.0
    assert typical["PLUG.XNAS"] > 10 * typical["AAPL.XNAS"]
    assert typical["WDFC.XNAS"] > 2 * typical["HD.XNYS"]
    value = np.log(universe.dollar_volume)
    assert np.corrcoef(value, np.log(list(typical.values())))[0, 1] < -0.4


def test_prices_stay_near_their_level() -> None:
    """Over three years no price runs away or dies."""
    levels = days()[:, :, 3] / np.exp(whole_market().universe.base_log)[:, None]
    assert levels.min() > 0.1
    assert levels.max() < 8


def test_halts_and_news_happen_now_and_then() -> None:
    """Over a quarter: some halts, not one every day."""
    first = session("2026-01-05").ordinal
    halts = [halt for ordinal in range(first, first + 60) for halt in whole_market().halts(ordinal)]
    assert 5 < len(halts) < 80
    assert days().shape[1] == BLOCK * BLOCKS
