"""A small store made of real Parquet files: what a reader lists, without its catalog."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from stockpulse_engine.marketdata.history import BARS, SCHEMAS, Segment, SeriesInfo

DAY = 86_400_000_000_000
FIRST = 1_380_000_000_000_000_000
E8 = 100_000_000


class ListedFiles:
    """The part of a history reader that SQL asks: segments, series."""

    def __init__(self, segments: tuple[Segment, ...], series: tuple[SeriesInfo, ...] = ()) -> None:
        self._segments = segments
        self._series = series

    def segments(self, after_seq: int = 0, *, table: str = "", limit: int = 1000) -> tuple[Segment, ...]:
        kept = [one for one in self._segments if one.seq > after_seq and table in ("", one.table)]
        return tuple(kept[:limit])

    def series(self, instrument_id: str = "", *, table: str = "", spec: object = None) -> tuple[SeriesInfo, ...]:
        return self._series


def bar(day: int, close: int, *, known: int | None = None, recorded: int = 1, gone: bool = False) -> dict[str, object]:
    """A daily bar of AAPL.XNAS on day number `day`, closing at `close` dollars."""
    ts = FIRST + day * DAY
    prices = {f"{name}_e8": close * E8 for name in ("open", "high", "low", "close")}
    return {
        "instrument_id": "AAPL.XNAS",
        "ts_event": ts,
        "known_at": ts + DAY if known is None else known,
        **prices,
        "volume_e8": 100 * E8,
        "recorded_at": recorded,
        "is_retracted": gone,
    }


def write_bars(
    directory: Path,
    seq: int,
    rows: list[dict[str, object]],
    *,
    spec: str = "1d",
    source: str = "own",
    versions: bool = False,
) -> Segment:
    """One segment file and its catalog row."""
    schema = {name: pl.String if kind == "String" else pl.Int64 for name, kind in SCHEMAS[BARS].items()}
    frame = pl.DataFrame(rows, schema={**schema, "recorded_at": pl.Int64, "is_retracted": pl.Boolean})
    path = directory / f"{seq}.parquet"
    frame.write_parquet(path)
    body = path.read_bytes()
    return Segment(
        seq=seq,
        segment_id=str(seq),
        table=BARS,
        spec=spec,
        source=source,
        path=str(path),
        rows=frame.height,
        first_ts=int(frame["ts_event"].min() or 0),  # type: ignore[arg-type]  # polars types it as any literal
        last_ts=int(frame["ts_event"].max() or 0),  # type: ignore[arg-type]  # the same
        min_known_at=int(frame["known_at"].min() or 0),  # type: ignore[arg-type]  # the same
        max_known_at=int(frame["known_at"].max() or 0),  # type: ignore[arg-type]  # the same
        min_recorded_at=1,
        max_recorded_at=9,
        import_id="test",
        has_versions=versions,
        sha256=hashlib.sha256(body).hexdigest(),
        bytes=len(body),
    )
