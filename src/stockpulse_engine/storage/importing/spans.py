"""What the parts of a file that are already stored covered, so that a later part can not tell the same time again."""

from __future__ import annotations

import msgspec
import polars as pl

from stockpulse_engine.storage.importing.checks import REASON

_SPAN = dict.fromkeys(("__low", "__low_count", "__high", "__high_count"), pl.Int64)


class Span(msgspec.Struct, frozen=True):
    """First and last moment of one series, and how many rows stand at each."""

    low: int
    low_count: int
    high: int
    high_count: int


class Spans:
    """One span per series and instrument. A part of a file that goes back into a span is refused, row by row."""

    def __init__(self, known: dict[str, dict[str, Span]] | None = None) -> None:
        self.known = known or {}

    def marked(self, part: str, frame: pl.DataFrame, *, is_ticks: bool) -> pl.DataFrame:
        """Refuse what lies inside; ticks may share the moment at which the part before ended."""
        frame = self._beside(part, frame)
        moment, low, high = pl.col("ts_event"), pl.col("__low"), pl.col("__high")
        inside = (moment > low) & (moment < high) if is_ticks else moment.is_between(low, high)
        words = pl.lit("goes back to a time that an earlier part of the file has covered: sort the file by time")
        frame = frame.with_columns(
            pl.coalesce(REASON, pl.when(inside.fill_null(value=False)).then(words)).alias(REASON)
        )
        return frame.drop(list(_SPAN))

    def before(self, part: str, fit: pl.DataFrame) -> pl.DataFrame | None:
        """Row by row, how many ticks of its instrument and moment earlier parts had; None when there were none."""
        if not self.known.get(part):
            return None
        moment = pl.col("ts_event")
        at_low = pl.when(moment == pl.col("__low")).then("__low_count").otherwise(0)
        count = pl.when(moment == pl.col("__high")).then("__high_count").otherwise(at_low)
        return self._beside(part, fit).select(count.fill_null(0).cast(pl.Int64))

    def extend(self, part: str, fit: pl.DataFrame) -> None:
        """Rows that are stored now."""
        grown = self._beside(part, fit).with_columns(
            pl.min_horizontal(pl.col("ts_event").min().over("instrument_id"), "__low").alias("new_low"),
            pl.max_horizontal(pl.col("ts_event").max().over("instrument_id"), "__high").alias("new_high"),
        )
        rows = grown.group_by("instrument_id").agg(
            pl.col("new_low").first(),
            ((pl.col("ts_event") == pl.col("new_low")).sum() + _carried("low")).alias("low_count"),
            pl.col("new_high").first(),
            ((pl.col("ts_event") == pl.col("new_high")).sum() + _carried("high")).alias("high_count"),
        )
        self.known.setdefault(part, {}).update({row[0]: Span(*row[1:]) for row in rows.iter_rows()})

    def _beside(self, part: str, frame: pl.DataFrame) -> pl.DataFrame:
        known = [(name, *msgspec.structs.astuple(span)) for name, span in self.known.get(part, {}).items()]
        spans = pl.DataFrame(known, schema={"instrument_id": pl.String, **_SPAN}, orient="row")
        return frame.join(spans, on="instrument_id", how="left", maintain_order="left")


def _carried(edge: str) -> pl.Expr:
    """Rows at an edge that earlier parts had, when it is the same edge still."""
    is_same = pl.col(f"__{edge}").first() == pl.col(f"new_{edge}").first()
    return pl.when(is_same).then(pl.col(f"__{edge}_count").first()).otherwise(0).fill_null(0)
