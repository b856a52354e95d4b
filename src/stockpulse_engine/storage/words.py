"""Columns of few words as small integers that sort like the words: cheap to sort, to compare and to encode."""

from __future__ import annotations

from typing import Final

import polars as pl

FEW: Final = 256
"""Words that one byte tells apart."""
SEEN: Final = 4_096
"""Rows that are looked at first."""


def few_words(column: pl.Series) -> pl.Series:
    """A column of text with few words as an Enum in their order; any other as it is."""
    seen = column.gather_every(max(1, len(column) // SEEN)).unique()
    if len(seen) > FEW or seen.null_count():
        return column
    found = column.cast(pl.Enum(seen.sort()), strict=False)  # mostly these are all there are
    if not found.null_count():
        return found
    words = column.unique()
    return column if len(words) > FEW or words.null_count() else column.cast(pl.Enum(words.sort()))


def is_in_order(kind: pl.DataType) -> bool:
    """Whether a column of this type is such an Enum."""
    return isinstance(kind, pl.Enum) and bool(kind.categories.is_sorted())


def spelled(frame: pl.DataFrame) -> pl.DataFrame:
    """Words as text again: what is compared with text."""
    named = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Enum)]
    return frame.with_columns(pl.col(named).cast(pl.String)) if named else frame
