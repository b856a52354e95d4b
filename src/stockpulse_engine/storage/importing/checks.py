"""What makes a row unfit, in words. Each check is one expression over columns; the first that fails names the row.

Nothing is repaired here and nothing is dropped in silence: a row is taken or refused with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from stockpulse_engine.storage.importing.mapping import PRICES
from stockpulse_engine.storage.importing.table import ROW

REASON = "reason"
REPEATS = "repeats row "
"""Begins the reason of a row that says again what was said: nothing is lost by it."""
UNIT_JUMP = 50.0
"""From one bar to the next no price moves by this factor; its unit does (pence for pounds)."""


Check = tuple[pl.Expr, pl.Expr]
"""What is True of a row that fails, and the words."""


def with_reason(frame: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """Add `reason`: the words of the first check that fails, null where none does; words are made of failing rows."""
    fails = frame.select(pl.any_horizontal(fails.fill_null(value=False) for fails, _ in checks)).to_series()
    none = pl.Series(REASON, [None], pl.String)
    if not fails.any():
        return frame.with_columns(none.new_from_index(0, frame.height))
    words = pl.coalesce(*(pl.when(fails.fill_null(value=False)).then(words) for fails, words in checks)).alias(REASON)
    found = frame.filter(fails).select(words).to_series()
    place = pl.when(fails).then(fails.cum_sum() - 1)
    return frame.with_columns(found.gather(frame.select(place).to_series()))


def price_checks(names: tuple[str, ...], *, prefix: str = "") -> list[Check]:
    """Prices must be positive."""
    return [
        (pl.col(name) <= 0, pl.format(f"{name.removesuffix('_e8')} is not positive: {{}}", _shown(name)))
        for name in (f"{prefix}{each}_e8" for each in names)
    ]


def ohlc_checks(prefix: str = "") -> list[Check]:
    """High is the highest and low the lowest of a bar."""
    opened, high, low, close = (f"{prefix}{each}_e8" for each in PRICES)
    top, bottom = pl.max_horizontal(opened, close), pl.min_horizontal(opened, close)
    return [
        (pl.col(high) < pl.col(low), _two(f"{prefix}high", high, "below low", low)),
        (pl.col(high) < top, pl.format(f"{prefix}high {{}} is below open or close {{}}", _shown(high), _e8_text(top))),
        (
            pl.col(low) > bottom,
            pl.format(f"{prefix}low {{}} is above open or close {{}}", _shown(low), _e8_text(bottom)),
        ),
    ]


def negative_checks(names: tuple[str, ...]) -> list[Check]:
    """Sizes and volumes may be zero, never less."""
    return [
        (pl.col(name) < 0, pl.format(f"{name.removesuffix('_e8')} is negative: {{}}", _shown(name))) for name in names
    ]


def mark_repeats(frame: pl.DataFrame, values: list[str]) -> pl.DataFrame:
    """Rows that tell a time again: the first stands, one with the same values is a repeat, others are refused."""
    keys = ["instrument_id", "ts_event"]
    is_fit = pl.col(REASON).is_null()
    if _is_strict(frame) or not frame.filter(is_fit).select(keys).is_duplicated().any():
        return frame
    fit = is_fit.alias("fit")
    again = is_fit & (pl.int_range(pl.len()).over([*keys, fit]) > 0)
    first = pl.col(ROW).filter(is_fit).first().over(keys)
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).filter(is_fit).first().over(keys)) for name in values)
    differs = pl.format("other values for the time of row {}", first)
    words = pl.when(same).then(pl.format(f"{REPEATS}{{}}", first)).otherwise(differs)
    return frame.with_columns(pl.when(again).then(words).otherwise(pl.col(REASON)).alias(REASON))


def _is_strict(frame: pl.DataFrame) -> bool:
    """Whether times only grow inside each instrument's one run of rows: most files, and much cheaper to see."""
    names, moments = frame["instrument_id"], frame["ts_event"]
    if names.null_count() or moments.null_count():
        return False
    codes, times = names.to_physical().to_numpy(), moments.to_numpy()
    is_same = codes[1:] == codes[:-1]
    is_later: Any = ~is_same | (times[1:] > times[:-1])
    return bool(is_later.all()) and len(is_same) - int(is_same.sum()) + 1 == max(1, names.n_unique())


def _is_steady(frame: pl.DataFrame) -> bool:
    """Whether no close of an orderly frame without a fault jumps: what nearly every file is, and cheap to see."""
    if frame[REASON].null_count() < frame.height or not _is_strict(frame):
        return False
    close, codes = frame["close_e8"].to_numpy(), frame["instrument_id"].to_physical().to_numpy()
    times = close[1:] / close[:-1]
    jumps = ((times > UNIT_JUMP) | (times < 1 / UNIT_JUMP)) & (codes[1:] == codes[:-1])
    return not jumps.any()


def unit_levels(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows and `level`: the price's distance from the usual of its instrument, in hundreds (1: 100×), and `times`.

    A level changes where the close jumps to more than UNIT_JUMP times the one before it, or to less than its inverse.
    The usual level is the one most rows have.
    """
    edge = math.log10(UNIT_JUMP)
    fit = frame.select(ROW, "instrument_id", "ts_event", pl.col("close_e8").cast(pl.Float64).log10().alias("log"))
    fit = fit.sort("instrument_id", "ts_event", maintain_order=True)
    step = pl.col("log").diff().over("instrument_id").fill_null(0.0)
    fit = fit.with_columns(pl.when(step.abs() >= edge).then(step).otherwise(0.0).alias("step"))
    if not (fit["step"] != 0.0).any():
        return fit.head(0).select(ROW, "instrument_id", level=pl.lit(0.0), times=pl.lit(1.0))
    fit = fit.with_columns(pl.col("step").cum_sum().over("instrument_id").alias("away"))
    fit = fit.with_columns((pl.col("away") / 2).round().alias("level"))
    usual = pl.col("level").mode().max().over("instrument_id")
    base = pl.col("log").filter(pl.col("level") == usual).median().over("instrument_id")
    fit = fit.with_columns((pl.col("level") - usual).alias("level"), (10 ** (pl.col("log") - base)).alias("times"))
    return fit.filter(pl.col("level") != 0).select(ROW, "instrument_id", "level", "times")


def mark_units(frame: pl.DataFrame) -> pl.DataFrame:
    """Bars in another unit than the rest of their instrument: pence among pounds, a price with its point lost."""
    if _is_steady(frame):
        return frame
    off = unit_levels(frame.filter(pl.col(REASON).is_null()))
    if off.is_empty():
        return frame
    times = pl.col("times")
    large = times.round().cast(pl.String).str.strip_suffix(".0")
    shown = pl.when(times >= 1).then(large).otherwise(times.round_sig_figs(2).cast(pl.String))
    words = pl.format("close is about {} times the usual: another unit?", shown)
    off = off.select(ROW, "instrument_id", words.alias("words"))
    joined = frame.join(off, on=[ROW, "instrument_id"], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(REASON, "words").alias(REASON)).drop("words")


SPLIT_RATIOS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0)
SPLIT_NEAR = 0.03
"""Part by which an overnight step may miss a ratio and is still suspected."""


def split_suspects(frame: pl.DataFrame) -> pl.DataFrame:
    """Days whose open is a split's ratio away from the close before: instrument_id, ts_event and `ratio`."""
    frame = frame.sort("instrument_id", "ts_event")
    opened, close = pl.col("open_e8").cast(pl.Float64), pl.col("close_e8").cast(pl.Float64)
    overnight = close.shift(1).over("instrument_id") / opened
    frame = frame.with_columns(pl.max_horizontal(overnight, 1 / overnight).alias("apart"), overnight.alias("ratio"))
    frame = frame.filter(pl.col("apart") > SPLIT_RATIOS[0] * (1 - SPLIT_NEAR))
    is_near = pl.any_horizontal((pl.col("apart") / ratio - 1).abs() < SPLIT_NEAR for ratio in SPLIT_RATIOS)
    return frame.filter(is_near).select("instrument_id", "ts_event", "ratio")


def _two(name: str, one: str, words: str, other: str) -> pl.Expr:
    return pl.format(f"{name} {{}} is {words} {{}}", _shown(one), _shown(other))


def _shown(name: str) -> pl.Expr:
    return _e8_text(pl.col(name))


def _e8_text(value: pl.Expr) -> pl.Expr:
    return (value / 100_000_000).cast(pl.String).str.strip_suffix(".0")
