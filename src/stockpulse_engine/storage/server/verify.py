"""Are both stores equal, row for row? Counts and hashes of each series; what differs is named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl

from stockpulse_engine.storage.history.frames import KEYS
from stockpulse_engine.storage.server.versions import EmbeddedVersions, Series, ServerVersions, order_of

SHOWN: Final = 20
"""Differences of one series that are named."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One version that is not the same on both sides. `problem`: missing, extra (on the server), or what differs."""

    key: str
    problem: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One series on both sides."""

    instrument_id: str
    table: str
    spec: str
    source: str
    embedded_rows: int
    server_rows: int
    embedded_hash: str
    server_hash: str
    differences: tuple[Difference, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether every version is there, and the same."""
        return self.embedded_hash == self.server_hash and self.embedded_rows == self.server_rows


def compared(embedded: EmbeddedVersions, server: ServerVersions, wanted: Sequence[Series] = ()) -> Iterator[Compared]:
    """Compare series after series, those of either side."""
    ours, theirs = set(embedded.series()), set(server.series())
    for series in sorted(wanted or ours | theirs):
        one = embedded.read(series) if series in ours else None
        two = server.read(series) if series in theirs else None
        yield _compare(series, one, two)


def _compare(series: Series, one: pl.DataFrame | None, two: pl.DataFrame | None) -> Compared:
    known = one if one is not None else two
    assert known is not None
    ours = one if one is not None else known.clear()
    theirs = two if two is not None else known.clear()
    hashes = content_hash(ours), content_hash(theirs)
    is_equal = hashes[0] == hashes[1] and ours.height == theirs.height
    return Compared(
        instrument_id=series.instrument_id,
        table=series.table,
        spec=series.spec,
        source=series.source,
        embedded_rows=ours.height,
        server_rows=theirs.height,
        embedded_hash=hashes[0],
        server_hash=hashes[1],
        differences=() if is_equal else tuple(_differences(ours, theirs, series.table)),
    )


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 over the columns of a sorted frame, empty cells and lengths of texts included."""
    digest = hashlib.sha256()
    for column in frame.get_columns():
        digest.update(f"{column.name}:{len(column)}:".encode())
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        if column.dtype == pl.String:
            for text in (column.rle().struct.field("value"), column.rle().struct.field("len").cast(pl.String)):
                digest.update("\x1f".join("" if one is None else one for one in text.to_list()).encode())
        else:
            digest.update(column.cast(pl.Int64).fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def _differences(ours: pl.DataFrame, theirs: pl.DataFrame, table: str) -> Iterator[Difference]:
    keys = order_of(table)
    values = [name for name in ours.columns if name not in keys]
    both = ours.join(theirs, on=keys, how="full", suffix="_server", coalesce=True, maintain_order="left")
    mine, yours = ours.select(keys).with_columns(mine=True), theirs.select(keys).with_columns(yours=True)
    both = both.join(mine, on=keys, how="left").join(yours, on=keys, how="left")
    changed = [pl.col(name).ne_missing(pl.col(f"{name}_server")) for name in values]
    is_off = pl.col("mine").is_null() | pl.col("yours").is_null() | pl.any_horizontal(changed)
    for row in both.filter(is_off).head(SHOWN).to_dicts():
        yield Difference(key=_key(row, table), problem=_problem(row, values))


def _problem(row: dict[str, object], values: Sequence[str]) -> str:
    if not row["mine"]:
        return "only on the server"
    if not row["yours"]:
        return "not on the server"
    off = [name for name in values if row[name] != row[f"{name}_server"]]
    return ", ".join(f"{name} {row[name]} is {row[f'{name}_server']} there" for name in off)


def _key(row: dict[str, object], table: str) -> str:
    return ", ".join(f"{name} {row[name]}" for name in [*KEYS[table], "known_at", "recorded_at"])
