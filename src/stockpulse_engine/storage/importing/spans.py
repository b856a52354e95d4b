"""What the parts of a file that are already stored covered, so that a later part can not tell the same time again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl

from stockpulse_engine.storage.importing.checks import REASON

_SPAN = dict.fromkeys(("__low", "__low_count", "__high", "__high_count"), pl.Int64)


class Span(msgspec.Struct, frozen=True):
    """First and last moment of one series, and how many rows stand at each."""

    low: int
    low_count: int
    high: int
    high_count: int

    def joined(self, other: Span) -> Span:
        """Both together."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Span(
            low,
            sum(one.low_count for one in (self, other) if one.low == low),
            high,
            sum(one.high_count for one in (self, other) if one.high == high),
        )

    def meets(self, other: Span) -> bool:
        """Whether they have a moment in common."""
        return self.low <= other.high and other.low <= self.high

    def overlaps(self, other: Span) -> bool:
        """Whether they have more in common than the moment at which one ends and the other begins."""
        return self.low < other.high and other.low < self.high


class Spans:
    """One span per series and instrument. A part of a file that goes back into a span is refused, row by row."""

    def __init__(self, known: dict[str, dict[str, Span]] | None = None) -> None:
        self.known = known or {}

    def marked(self, part: str, frame: pl.DataFrame, told: Mapping[str, Span], *, is_ticks: bool) -> pl.DataFrame:
        """Refuse what lies inside; ticks may share the moment at which the part before ended."""
        known = self.known.get(part, {})
        if not any(
            (one.overlaps if is_ticks else one.meets)(told[name]) for name, one in known.items() if name in told
        ):
            return frame
        frame = _beside(known, frame)
        moment, low, high = pl.col("ts_event"), pl.col("__low"), pl.col("__high")
        inside = (moment > low) & (moment < high) if is_ticks else moment.is_between(low, high)
        words = pl.lit("goes back to a time that an earlier part of the file has covered: sort the file by time")
        frame = frame.with_columns(
            pl.coalesce(REASON, pl.when(inside.fill_null(value=False)).then(words)).alias(REASON)
        )
        return frame.drop(list(_SPAN))

    def before(self, part: str, fit: pl.DataFrame, told: Mapping[str, Span]) -> pl.DataFrame | None:
        """Row by row, how many ticks of its instrument and moment earlier parts had; None when there were none."""
        known = self.known.get(part, {})
        if not any(span.meets(told[name]) for name, span in known.items() if name in told):
            return None
        moment = pl.col("ts_event")
        at_low = pl.when(moment == pl.col("__low")).then("__low_count").otherwise(0)
        count = pl.when(moment == pl.col("__high")).then("__high_count").otherwise(at_low)
        return _beside(known, fit).select(count.fill_null(0).cast(pl.Int64))

    def extend(self, part: str, told: Mapping[str, Span]) -> None:
        """What is stored now."""
        known = self.known.setdefault(part, {})
        for name, span in told.items():
            known[name] = known[name].joined(span) if name in known else span


def told_by(frame: pl.DataFrame) -> dict[str, Span]:
    """What a frame itself covers, by instrument."""
    frame = frame.select("instrument_id", "ts_event")
    if any(frame[name].null_count() for name in frame.columns):
        frame = frame.drop_nulls()
    if frame.is_empty():
        return {}
    codes, times = frame["instrument_id"].to_physical().to_numpy(), frame["ts_event"].to_numpy()
    order = np.arange(0) if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
    if len(order):
        codes, times = codes[order], times[order]
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    counts = np.diff(np.append(starts, len(codes)))
    low, high = np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts)
    edges = [np.add.reduceat(times == np.repeat(edge, counts), starts, dtype=np.int64) for edge in (low, high)]
    names = frame["instrument_id"].gather(order[starts] if len(order) else starts).to_list()
    columns = (low.tolist(), edges[0].tolist(), high.tolist(), edges[1].tolist())
    return {name: Span(*span) for name, *span in zip(names, *columns, strict=True)}


def _beside(known: Mapping[str, Span], frame: pl.DataFrame) -> pl.DataFrame:
    kind = frame.schema["instrument_id"]
    names = set(kind.categories.to_list()) if isinstance(kind, pl.Enum) else set(known)
    rows = [(name, *msgspec.structs.astuple(span)) for name, span in known.items() if name in names]
    spans = pl.DataFrame(rows, schema={"instrument_id": kind, **_SPAN}, orient="row")
    return frame.join(spans, on="instrument_id", how="left", maintain_order="left")
