"""From the server into an embedded store: every version, with the times it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from stockpulse_engine.storage.history.catalog import Kind
from stockpulse_engine.storage.server.versions import OneSeries, Series, ServerVersions, later_rounds

if TYPE_CHECKING:
    from stockpulse_engine.storage.history.store import EmbeddedHistory

IMPORT_ID: Final = "server"
BATCH: Final = 500_000
"""Rows, about, that become one commit."""
Told = Callable[[Series, int], None]


def to_embedded(server: ServerVersions | OneSeries, store: EmbeddedHistory, tell: Told) -> int:
    """Write everything the server holds; what is held already is nothing. Returns the versions that were new.

    A row's versions are written in the order in which they were stored, each known from when it was: so the store
    makes of them what it made of them the first time.
    """
    written = 0
    for kind, group in groupby(server.series(), lambda one: Kind(one.table, one.spec, one.source)):
        for frame in _batches(server, list(group), tell):
            for part in later_rounds(frame, kind.table):
                part = part.with_columns(published_at=pl.col("known_at"))  # noqa: PLW2901 - the same rows
                result = store.writer.write(part, kind, IMPORT_ID)
                written += result.added + result.corrected
    return written


def _batches(server: ServerVersions | OneSeries, group: list[Series], tell: Told) -> Iterator[pl.DataFrame]:
    waiting: list[pl.DataFrame] = []
    for series in group:
        frame = server.read(series)
        tell(series, frame.height)
        waiting.append(frame)
        if sum(part.height for part in waiting) >= BATCH:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)
