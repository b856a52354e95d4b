"""Ticks in the store's order, each with its number among those of one instrument and moment."""

from __future__ import annotations

import numpy as np
import polars as pl


def counted(frame: pl.DataFrame, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows by (instrument_id, ts_event, seq); `seq` counts, in the file's order, those that share the other two.

    `before` has, row by row, how many such ticks earlier parts of the file had. Ids are an Enum in the order of names,
    so sorting happens on small integers; a tick is known when it happened, and most files are sorted by time.
    """
    codes = frame["instrument_id"].to_physical().to_numpy()
    moments = frame["ts_event"].to_numpy()
    is_in_time = bool((moments[1:] >= moments[:-1]).all())
    if before is not None:
        frame = frame.with_columns(before.to_series().alias("seq"))
    if not is_in_time or not (codes[1:] >= codes[:-1]).all():
        order = np.argsort(codes, kind="stable") if is_in_time else np.lexsort((moments, codes))
        codes, moments = codes[order], moments[order]
        frame = frame.drop("known_at")[order]
    is_new = np.ones(len(codes), bool)
    is_new[1:] = (codes[1:] != codes[:-1]) | (moments[1:] != moments[:-1])
    places = np.arange(len(codes), dtype=np.int64)
    seq = places - np.maximum.accumulate(np.where(is_new, places, 0))
    counts = pl.Series("seq", seq) if before is None else pl.Series("seq", seq) + frame["seq"]
    return frame.with_columns(counts, pl.col("ts_event").alias("known_at"))
