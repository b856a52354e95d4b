"""Cells as scaled integers: exact where the file is text, rounded once where it is binary floating point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = 100_000_000
E8_TOP = 9_000_000_000_000_000_000
"""Largest scaled value taken, ninety billion: a hundredth below what the column holds."""
_FLOAT_DIGITS = 12
"""From so many digits on, a text is a binary float spelled out, and rounding it loses nothing that was known."""
_SURE = 2.0**50
"""Scaled values below this are told apart by a double with room to spare."""
_NOISE = 2.0**-50
"""What the two roundings, of a text to a double and of its multiple, may add up to."""
_TIE = 2.0**-10
"""A half is looked at as text: which neighbour is the even one, a double can not say."""


def e8(cells: pl.Series) -> pl.Series:
    """A column in units of 1e-8; null where the cell is empty or no finite number that fits."""
    if cells.dtype.is_integer():
        whole = cells.cast(pl.Int64, strict=False)
        return (whole * SCALE).set(whole.abs() > E8_TOP // SCALE, None)
    if cells.dtype.is_float():
        return _of_floats(cells)
    return _of_texts(cells.cast(pl.String))


def fault(column: str, kind: pl.DataType, name: str) -> pl.Expr:
    """Why `e8` of a cell is null, in words."""
    cell = pl.col(column)
    text = cell.cast(pl.String).str.strip_chars().str.slice(0, 24)
    missing = cell.is_null() | (text == "")
    if kind.is_float():
        missing = missing | cell.is_nan()
    fine = _is_too_fine(cell.str.strip_chars()) if kind == pl.String else pl.lit(value=False)
    return (
        pl.when(missing)
        .then(pl.lit(f"{name} is missing"))
        .when(fine)
        .then(pl.format(f"{name} has more than 8 decimals: {{}}", text))
        .otherwise(pl.format(f"{name} is no number that fits: {{}}", text))
    )


def _of_floats(cells: pl.Series) -> pl.Series:
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(cells.cast(pl.Float64).to_numpy() * SCALE)
        fits = np.abs(scaled) <= E8_TOP
        whole = scaled.astype(np.int64)
    found = pl.Series(cells.name, whole)
    return found if fits.all() else found.set(pl.Series(~fits), None)


def _of_texts(cells: pl.Series) -> pl.Series:
    """Most texts go through a double, which is exact for what it can hold; the others are read digit by digit."""
    numbers = cells.cast(pl.Float64, strict=False).to_numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = numbers * SCALE
        whole = np.rint(scaled)
        off = np.abs(scaled - whole)
        size = np.abs(scaled)
        is_plain = (off <= np.minimum(size * _NOISE, _TIE)) & (size < _SURE)
    if is_plain.all():
        return pl.Series(cells.name, whole.astype(np.int64))
    rest = np.flatnonzero(~is_plain)
    is_plain[rest] = _is_spelled(numbers[rest], off[rest], size[rest])
    whole[~is_plain] = 0
    found = pl.Series(cells.name, whole.astype(np.int64))
    rest = np.flatnonzero(~is_plain)
    return found.scatter(pl.Series(rest), _large(cells.gather(pl.Series(rest)), numbers[rest]))


def _is_spelled(numbers: NDArray[np.float64], off: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a number surely has so many digits that it is a float spelled out, and no half that must be looked at."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        places = 10.0 ** (_FLOAT_DIGITS - 2 - np.floor(np.log10(np.abs(numbers))))
        is_long = np.abs(numbers - np.rint(numbers * places) / places) > np.abs(numbers) * _NOISE * 8
        found: NDArray[np.bool_] = is_long & (np.abs(off - 0.5) > _TIE) & (size < _SURE / 2**9)
    return found


def _large(cells: pl.Series, numbers: NDArray[np.float64]) -> pl.Series:
    """Whole numbers too large for a double's multiple, as volumes are; what is none of these goes by its digits."""
    is_whole = (numbers == np.rint(numbers)) & (np.abs(numbers) <= E8_TOP // SCALE)
    is_whole &= ~cells.str.contains(".", literal=True).fill_null(value=True).to_numpy()
    if not is_whole.any():
        return _by_digits(cells)
    found = pl.Series(np.where(is_whole, numbers, 0).astype(np.int64) * SCALE)
    rest = pl.Series(np.flatnonzero(~is_whole))
    return found.scatter(rest, _by_digits(cells.gather(rest))) if len(rest) else found


def _by_digits(cells: pl.Series) -> pl.Series:
    text = pl.col("text").str.strip_chars()
    exact = text.cast(pl.Decimal(38, 8), strict=False)
    fits = exact.abs() <= E8_TOP // SCALE
    found = pl.when(fits & ~_is_too_fine(text)).then(exact * SCALE).cast(pl.Int64, strict=False)
    return cells.alias("text").to_frame().select(found.alias("found")).to_series()


def _is_too_fine(text: pl.Expr) -> pl.Expr:
    decimals = text.str.extract(r"^-?\d*\.(\d+?)0*$", 1).str.len_chars().fill_null(0)
    digits = text.str.replace_all(r"[^0-9]", "").str.strip_chars_start("0").str.len_chars()
    return (decimals > 8) & (digits < _FLOAT_DIGITS)  # noqa: PLR2004 - places of an e8
