"""Cells as scaled integers: exact where the file is text, rounded once where it is binary floating point."""

from __future__ import annotations

import polars as pl

SCALE = 100_000_000
E8_TOP = 9_000_000_000_000_000_000
"""Largest scaled value taken, ninety billion: a hundredth below what the column holds."""
_FLOAT_DIGITS = 12
"""From so many digits on, a text is a binary float spelled out, and rounding it loses nothing that was known."""


def e8(column: str, kind: pl.DataType) -> pl.Expr:
    """A column in units of 1e-8; null where the cell is empty or no finite number that fits."""
    cell = pl.col(column)
    if kind.is_integer():
        whole = cell.cast(pl.Int64)
        return pl.when(whole.abs() <= E8_TOP // SCALE).then(whole * SCALE)
    if kind.is_float():
        scaled = (cell.cast(pl.Float64) * SCALE).round(mode="half_to_even")
        return pl.when(cell.is_finite() & (scaled.abs() <= E8_TOP)).then(scaled).cast(pl.Int64, strict=False)
    text = cell.cast(pl.String).str.strip_chars()
    exact = text.cast(pl.Decimal(38, 8), strict=False)
    fits = exact.abs() <= E8_TOP // SCALE
    return pl.when(fits & ~_is_too_fine(text)).then(exact * SCALE).cast(pl.Int64, strict=False)


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


def _is_too_fine(text: pl.Expr) -> pl.Expr:
    decimals = text.str.extract(r"^-?\d*\.(\d+?)0*$", 1).str.len_chars().fill_null(0)
    digits = text.str.replace_all(r"[^0-9]", "").str.strip_chars_start("0").str.len_chars()
    return (decimals > 8) & (digits < _FLOAT_DIGITS)  # noqa: PLR2004 - places of an e8
