"""What of a frame is new, what is held already, what corrects something held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from stockpulse_engine.marketdata.history import Segment
from stockpulse_engine.storage.history.frames import (
    KEYS,
    PUBLISHED,
    RECORDED,
    RETRACTED,
    empty_frame,
    stored_columns,
    value_columns,
)
from stockpulse_engine.storage.history.order import matches, newest_index
from stockpulse_engine.storage.history.segments import CORRECTED, scan_checked
from stockpulse_engine.storage.words import spelled

_HELD = "_held"
_ROW = "_row"
_STOOD = "_stood"
_TRUE = pl.lit(value=True)


class Difference(NamedTuple):
    """Rows to write, sorted as files are, and how many of a frame they are not."""

    frame: pl.DataFrame
    added: int
    corrected: int


def held_rows(
    root: Path, segments: Sequence[Segment], names: Sequence[str], span: tuple[int, int], table: str
) -> pl.DataFrame:
    """Every stored version of rows of some instruments in a time range, both ends included."""
    if not segments:
        return empty_frame(table)
    wanted = pl.col("ts_event").is_between(*span) & pl.col("instrument_id").is_in(names)
    return pl.concat([scan_checked(root, segment, lambda lazy: lazy.filter(wanted)) for segment in segments])


def difference(frame: pl.DataFrame, held: pl.DataFrame, table: str, now_ns: int) -> Difference:
    """What the frame says that `held` does not, with the times under which it becomes known.

    A row is compared with the version that stood at its publication, or else with the newest. The first version of a
    row keeps the frame's `known_at`; a correction without a publication is known from the moment it is stored, and
    never before the version it corrects.
    """
    if RECORDED not in frame.columns:
        frame = frame.with_columns(pl.lit(now_ns, pl.Int64).alias(RECORDED))
    if held.is_empty():
        return _all_new(frame, table)
    joined = _beside(spelled(frame), held, table)
    is_new = pl.col(_STOOD).is_null()
    is_same = pl.col(_STOOD) & (pl.col(RETRACTED) & pl.col(f"{RETRACTED}{_HELD}") | _same_values(table))
    rest = joined.filter((is_new & ~pl.col(RETRACTED)) | (~is_new & ~is_same)).with_columns((~is_new).alias(CORRECTED))
    rest = rest.with_columns(_recorded()).with_columns(_known(has_published=PUBLISHED in frame.columns))
    corrected = int(rest[CORRECTED].sum())
    return Difference(rest.select([*stored_columns(table), CORRECTED]), rest.height - corrected, corrected)


def _all_new(frame: pl.DataFrame, table: str) -> Difference:
    if frame[RETRACTED].any():  # nothing is held that could be withdrawn
        frame = frame.filter(~pl.col(RETRACTED))
    if PUBLISHED in frame.columns:
        frame = frame.with_columns(pl.max_horizontal("known_at", PUBLISHED).alias("known_at"))
    frame = frame.select([*stored_columns(table), pl.lit(value=False).alias(CORRECTED)])
    return Difference(frame, frame.height, 0)


def _beside(frame: pl.DataFrame, held: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame, and beside each row the version it is compared with, columns named *_held, all null without one."""
    names = [name for name in stored_columns(table) if name not in KEYS[table]]
    renamed = {name: f"{name}{_HELD}" for name in names}
    if PUBLISHED not in frame.columns:
        newest = held[newest_index(held, KEYS[table])]
        places = matches(frame, newest, KEYS[table])
        if places is not None:
            found = newest.select(names).rename(renamed).with_columns(_TRUE.alias(_STOOD))
            index = pl.Series(places).replace(-1, None).cast(pl.UInt32)
            return frame.hstack(found.select(pl.all().gather(index)))
    standing = _standing(frame, held.rename(renamed), table)
    return frame.with_row_index(_ROW).join(standing, on=_ROW, how="left", maintain_order="left").drop(_ROW)


def _standing(frame: pl.DataFrame, held: pl.DataFrame, table: str) -> pl.DataFrame:
    """For each row of the frame (by number) that is held: the version that stood at its publication."""
    keys = list(KEYS[table])
    published = [PUBLISHED] if PUBLISHED in frame.columns else []
    asked = frame.with_row_index(_ROW).select(_ROW, *keys, *published)
    # What is published before all that is held has nothing to be the same as: it is an older version.
    stood = pl.col(PUBLISHED).is_null() | (pl.col(f"known_at{_HELD}") <= pl.col(PUBLISHED)) if published else _TRUE
    return (
        asked.join(held, on=keys, how="inner")
        .with_columns(stood.alias(_STOOD))
        .sort(_STOOD, f"known_at{_HELD}", f"{RECORDED}{_HELD}", maintain_order=True)
        .unique(_ROW, keep="last", maintain_order=True)
        .drop(*keys, *published)
    )


def _same_values(table: str) -> pl.Expr:
    same = [pl.col(name).eq_missing(pl.col(f"{name}{_HELD}")) for name in value_columns(table)]
    return pl.all_horizontal(*same, pl.col(RETRACTED) == pl.col(f"{RETRACTED}{_HELD}"))


def _recorded() -> pl.Expr:
    """A version is stored after the one it follows, whatever the clocks say."""
    return pl.max_horizontal(RECORDED, pl.col(f"{RECORDED}{_HELD}") + 1).alias(RECORDED)


def _known(*, has_published: bool) -> pl.Expr:
    natural = pl.max_horizontal("known_at", PUBLISHED) if has_published else pl.col("known_at")
    is_silent = pl.col(CORRECTED) & (pl.col(PUBLISHED).is_null() if has_published else _TRUE)
    late = pl.max_horizontal("known_at", RECORDED, f"known_at{_HELD}")
    return pl.when(is_silent).then(late).otherwise(natural).alias("known_at")
