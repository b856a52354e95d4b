"""What makes a row unfit, in words. Each check is one expression over columns; the first that fails names the row.

Nothing is repaired here and nothing is dropped in silence: a row is taken or refused with its reason.
"""

from __future__ import annotations

import polars as pl

from stockpulse_engine.storage.importing.mapping import PRICES
from stockpulse_engine.storage.importing.table import ROW

REASON = "reason"
UNIT_LOW, UNIT_HIGH = 50.0, 200.0
"""A price this many times its neighbours' median is in another unit (pence for pounds), not another price."""
NEIGHBOURS = 7


def first_reason(*checks: tuple[pl.Expr, pl.Expr]) -> pl.Expr:
    """The words of the first (failing, words) pair, null where none fails."""
    return pl.coalesce(*(pl.when(fails.fill_null(value=False)).then(words) for fails, words in checks)).alias(REASON)


def price_checks(names: tuple[str, ...], *, prefix: str = "") -> list[tuple[pl.Expr, pl.Expr]]:
    """Prices must be positive."""
    return [
        (pl.col(name) <= 0, pl.format(f"{name.removesuffix('_e8')} is not positive: {{}}", _shown(name)))
        for name in (f"{prefix}{each}_e8" for each in names)
    ]


def ohlc_checks(prefix: str = "") -> list[tuple[pl.Expr, pl.Expr]]:
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


def negative_checks(names: tuple[str, ...]) -> list[tuple[pl.Expr, pl.Expr]]:
    """Sizes and volumes may be zero, never less."""
    return [
        (pl.col(name) < 0, pl.format(f"{name.removesuffix('_e8')} is negative: {{}}", _shown(name))) for name in names
    ]


def mark_repeats(frame: pl.DataFrame, values: list[str]) -> pl.DataFrame:
    """Rows that tell a time again: the first stands, one with the same values is a repeat, others are refused."""
    keys = ["instrument_id", "ts_event"]
    fit = pl.col(REASON).is_null()
    again = fit & (pl.int_range(pl.len()).over([*keys, fit]) > 0)
    first = pl.col(ROW).filter(fit).first().over(keys)
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).filter(fit).first().over(keys)) for name in values)
    differs = pl.format("other values for the time of row {}", first)
    words = pl.when(same).then(pl.format("repeats row {}", first)).otherwise(differs)
    return frame.with_columns(pl.when(again).then(words).otherwise(pl.col(REASON)).alias(REASON))


def mark_units(frame: pl.DataFrame) -> pl.DataFrame:
    """Bars whose close is about a hundred times (or a hundredth of) the median of its neighbours."""
    close = pl.col("close_e8").cast(pl.Float64)
    fit = pl.when(pl.col(REASON).is_null()).then(close)
    usual = fit.rolling_median(NEIGHBOURS, min_samples=3, center=True).over("instrument_id")
    ratio = close / usual
    is_off = ratio.is_between(UNIT_LOW, UNIT_HIGH) | ratio.is_between(1 / UNIT_HIGH, 1 / UNIT_LOW)
    words = pl.format("close is {} times its neighbours: another unit?", ratio.round_sig_figs(3))
    wrong = pl.col(REASON).is_null() & is_off.fill_null(value=False)
    return frame.with_columns(pl.when(wrong).then(words).otherwise(pl.col(REASON)).alias(REASON))


SPLIT_RATIOS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 1.5)


def split_suspects(frame: pl.DataFrame) -> pl.DataFrame:
    """Days on which the close fell (or rose) by a split's ratio overnight while the open went with it: warnings."""
    opened, close = pl.col("open_e8").cast(pl.Float64), pl.col("close_e8").cast(pl.Float64)
    before = close.shift(1).over("instrument_id")
    overnight = before / opened
    is_near = pl.any_horizontal(
        ((overnight / ratio - 1).abs() < 0.02) | ((overnight * ratio - 1).abs() < 0.02)  # noqa: PLR2004 - two percent
        for ratio in SPLIT_RATIOS
    )
    return frame.filter(is_near.fill_null(value=False)).select("instrument_id", "ts_event", overnight.alias("ratio"))


def _two(name: str, one: str, words: str, other: str) -> pl.Expr:
    return pl.format(f"{name} {{}} is {words} {{}}", _shown(one), _shown(other))


def _shown(name: str) -> pl.Expr:
    return _e8_text(pl.col(name))


def _e8_text(value: pl.Expr) -> pl.Expr:
    return (value / 100_000_000).cast(pl.String).str.strip_suffix(".0")
