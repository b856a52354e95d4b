"""Bulk reads: many instruments of one kind as a polars frame, one version per row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from stockpulse_engine.marketdata.history import AsOf, Query, Segment
from stockpulse_engine.storage.history.catalog import Catalog, Kind
from stockpulse_engine.storage.history.frames import KEYS, RECORDED, RETRACTED, empty_frame
from stockpulse_engine.storage.history.order import newest_index
from stockpulse_engine.storage.history.segments import scan_checked
from stockpulse_engine.storage.history.sources import by_priority

EARLIEST, LATEST_NS = -(2**63), 2**63 - 1


def read_frame(root: Path, catalog: Catalog, query: Query, priority: Sequence[str]) -> pl.DataFrame:
    """The rows of a query, sorted by key; nothing when the source, or every source, holds none."""
    for kind in _kinds(catalog, query, priority):
        frame = _of_kind(root, catalog, kind, query)
        if frame.height:
            return frame
    return empty_frame(query.table)


def _kinds(catalog: Catalog, query: Query, priority: Sequence[str]) -> list[Kind]:
    spec = str(query.spec) if query.spec is not None else ""
    held = [kind for kind, _ in catalog.kinds(query.table) if kind.spec == spec]
    return by_priority(held, priority, query.source)


def _of_kind(root: Path, catalog: Catalog, kind: Kind, query: Query) -> pl.DataFrame:
    low = EARLIEST if query.start_ns is None else query.start_ns
    high = LATEST_NS if query.end_ns is None else query.end_ns - 1
    segments = catalog.overlapping(kind, low, high)
    if not segments:
        return empty_frame(query.table)
    parts = [_of_segment(root, segment, query, low, high) for segment in segments]
    frame = pl.concat(parts)
    return _resolved(frame, query.table, is_plain=len(parts) == 1 and not segments[0].has_versions)


def _of_segment(root: Path, segment: Segment, query: Query, low: int, high: int) -> pl.DataFrame:
    wanted = _visible(query.as_of)
    if segment.first_ts < low or segment.last_ts > high:
        wanted.append(pl.col("ts_event").is_between(low, high))
    if query.instrument_ids:
        wanted.append(pl.col("instrument_id").is_in(query.instrument_ids))
    return scan_checked(root, segment, lambda lazy: lazy.filter(*wanted) if wanted else lazy)


def _visible(as_of: AsOf) -> list[pl.Expr]:
    bounds = (("known_at", as_of.known_at), (RECORDED, as_of.recorded_at))
    return [pl.col(name) <= bound for name, bound in bounds if bound is not None]


def _resolved(frame: pl.DataFrame, table: str, *, is_plain: bool) -> pl.DataFrame:
    """The newest version of each key, without what was withdrawn, sorted."""
    if is_plain:
        return frame
    frame = frame[newest_index(frame, KEYS[table])]
    return frame.filter(~pl.col(RETRACTED)) if frame[RETRACTED].any() else frame
