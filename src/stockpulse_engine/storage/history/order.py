"""Finding rows by key in sorted frames, instrument by instrument: a fraction of the work of a join on text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import polars as pl

from stockpulse_engine.marketdata.columns import Ints
from stockpulse_engine.storage.history.frames import RECORDED

_FITS = 2**62


def newest_index(frame: pl.DataFrame, keys: Sequence[str]) -> Ints:
    """Row numbers of the newest version of each key, in the order of the keys; the first key is the instrument."""
    pieces = pieces_of(frame)
    columns = [_sortable(frame, name) for name in (*keys[1:], "known_at", RECORDED)]
    found = [_newest_of(pieces[name], columns, len(keys) - 1) for name in sorted(pieces)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def matches(frame: pl.DataFrame, held: pl.DataFrame, keys: Sequence[str]) -> Ints | None:
    """For each row of a sorted frame the row of `held` (sorted, each key once) with its key, or -1.

    None when the keys can not be told apart by one number each.
    """
    ours, theirs = _numbered(frame, held, keys)
    if ours is None or theirs is None:
        return None
    found = np.full(frame.height, -1, dtype=np.int64)
    there = {name: piece[0] for name, piece in pieces_of(held).items()}
    for name, (piece, *_) in pieces_of(frame).items():
        if name not in there:
            continue
        start, stop = there[name]
        wanted, offered = ours[slice(*piece)], theirs[start:stop]
        places = np.minimum(offered.searchsorted(wanted), len(offered) - 1)
        found[slice(*piece)] = np.where(offered[places] == wanted, places + start, -1)
    return found


def pieces_of(frame: pl.DataFrame) -> dict[str, list[tuple[int, int]]]:
    """Where the rows of each instrument lie: stretches from … to (exclusive)."""
    runs = frame["instrument_id"].rle().struct
    stops = np.cumsum(runs.field("len").to_numpy().astype(np.int64))
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    start = 0
    for name, stop in zip(runs.field("value").to_list(), stops.tolist(), strict=True):
        found[name].append((start, stop))
        start = stop
    return found


def _newest_of(pieces: list[tuple[int, int]], columns: Sequence[Ints], keys: int) -> Ints:
    """`columns` are the keys after the instrument, then known_at and recorded_at."""
    times = columns[0]
    ordered = sorted(pieces, key=lambda piece: times[piece[0]])
    index: Ints = np.concatenate([np.arange(*piece) for piece in ordered])
    if _increases([column[index] for column in columns[:keys]]):
        return index
    index = index[np.lexsort([column[index] for column in reversed(columns)])]
    same = [column[index[1:]] == column[index[:-1]] for column in columns[:keys]]
    newest: Ints = index[np.append(~np.logical_and.reduce(same), True)]
    return newest


def _increases(columns: Sequence[Ints]) -> bool:
    step = columns[0][1:] > columns[0][:-1]
    if len(columns) > 1:
        step |= (columns[0][1:] == columns[0][:-1]) & (columns[1][1:] > columns[1][:-1])
    return bool(step.all())


def _numbered(frame: pl.DataFrame, held: pl.DataFrame, keys: Sequence[str]) -> tuple[Ints | None, Ints | None]:
    """One number per key that sorts like it (time, or time and count), where 64 bits are enough."""
    if any(frame.schema[name] != pl.Int64 for name in keys[1:]):
        return None, None
    ours, theirs = ([each[name].to_numpy() for name in keys[1:]] for each in (frame, held))
    if len(keys) == 2:  # noqa: PLR2004 - instrument and time
        return ours[0], theirs[0]
    low = min(int(ours[0].min()), int(theirs[0].min()))
    high = max(int(ours[0].max()), int(theirs[0].max()))
    width = max(int(ours[1].max()), int(theirs[1].max())) + 1
    if (high - low + 1) * width >= _FITS or min(int(ours[1].min()), int(theirs[1].min())) < 0:
        return None, None
    return (ours[0] - low) * width + ours[1], (theirs[0] - low) * width + theirs[1]


def _sortable(frame: pl.DataFrame, name: str) -> Ints:
    column = frame[name]
    if column.dtype == pl.String:
        column = column.rank("dense").cast(pl.Int64)
    return column.to_numpy()
