"""Compaction: what lies in the live tail becomes segments, exactly once.

How far a log lies in segments is committed together with them. A compaction that is killed in between finds its rows
held already, adds nothing, and only then moves the mark. Run as a program it works in a process of its own, so that
turning millions of decimals into integers costs the engine nothing.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, NO_SIDE
from stockpulse_engine.marketdata.history import BARS, SCHEMAS
from stockpulse_engine.storage.history.catalog import Catalog, Kind, Tail
from stockpulse_engine.storage.history.commit import TailMark
from stockpulse_engine.storage.history.eventrows import bar_row, tick_row
from stockpulse_engine.storage.history.frames import KEYS
from stockpulse_engine.storage.history.hot import FILE_NAMES, HotTier
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.rows import names_of
from stockpulse_engine.storage.history.tail import decoder_of, read_frames
from stockpulse_engine.storage.history.taillogs import close_left_behind
from stockpulse_engine.storage.history.turn import exclusive
from stockpulse_engine.storage.history.upkeep import Upkeep
from stockpulse_engine.storage.history.writer import SegmentWriter

MAX_ROWS: Final = 250_000
"""Events that become segments in one commit."""
NICE: Final = 10
"""The market goes first."""


class Compacted(NamedTuple):
    """What a compaction did."""

    rows: int
    refused: int
    """Events with a number that the store can not hold."""
    logs: int
    """Logs that are done with."""


def compact(layout: Layout, writer: SegmentWriter) -> Compacted:
    """Turn everything in the tail into segments; one compaction at a time, others wait."""
    if not layout.tail.is_dir():
        return Compacted(0, 0, 0)
    catalog = Catalog(layout.root)
    rows = refused = logs = 0
    with exclusive(layout.tail / ".lock"):
        close_left_behind(layout, writer.ledger, HotTier(layout))
        for tail in catalog.tails():
            for part in _parts(layout.tail / tail.name, tail):
                found, bad = _store(writer, tail, part)
                rows, refused = rows + found, refused + bad
            if tail.is_closed:
                writer.ledger.drop_tail(tail.name)
                logs += 1
    catalog.close()
    return Compacted(rows, refused, logs)


class _Part(NamedTuple):
    """Events of a log up to an offset, by kind, as rows."""

    rows: dict[Kind, list[tuple[Any, ...]]]
    stop: int
    events: int
    refused: int


def _parts(path: Path, tail: Tail) -> Iterator[_Part]:
    """The log's frames after what is consumed, in portions."""
    table = tail.name.partition("-")[0]
    decode = decoder_of(table).decode
    rows: defaultdict[Kind, list[tuple[Any, ...]]] = defaultdict(list)
    count = refused = stop = 0
    if not path.exists():
        return
    for frame in read_frames(path, tail.consumed):
        batch = decode(frame.payload)
        for number, event in enumerate(batch.events):
            kind = Kind(table, str(event.spec) if table == BARS else "", batch.source)
            try:
                row = _row(table, event, batch.seqs[number] if batch.seqs else 0, batch.recorded_at)
            except InvalidValueError:
                refused += 1
            else:
                rows[kind].append((event.instrument_id, *row))
        count, stop = count + len(batch.events), frame.stop
        if count >= MAX_ROWS:
            yield _Part(dict(rows), stop, count, refused)
            rows.clear()
            count = refused = 0
    if count:
        yield _Part(dict(rows), stop, count, refused)


def _row(table: str, event: Any, seq: int, recorded_at: int) -> tuple[Any, ...]:
    return bar_row(event, recorded_at) if table == BARS else tick_row(event, seq, recorded_at)


def _store(writer: SegmentWriter, tail: Tail, part: _Part) -> tuple[int, int]:
    """One commit per kind, the last of them with the mark."""
    mark = TailMark(tail.name, part.stop, is_done=False)
    kinds = list(part.rows)
    for kind in kinds:
        marks = [mark] if kind == kinds[-1] else []
        writer.write(_frame(kind.table, part.rows[kind]), kind, "live", marks=marks)
    if not kinds:
        writer.ledger.commit((), marks=[mark])
    return part.events - part.refused, part.refused


def _frame(table: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    if table == BARS:
        names = ["instrument_id", *(FILE_NAMES.get(name, name) for name in BAR_COLUMNS)]
    else:
        names = ["instrument_id", *names_of(table)]
    texts = {name for name, kind in SCHEMAS[table].items() if kind == "String"}
    types = {name: pl.String if name in texts else pl.Boolean if name == "is_retracted" else pl.Int64 for name in names}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    sides = [name for name, kind in SCHEMAS[table].items() if kind.endswith("?")]
    frame = frame.with_columns(pl.col(name).replace(NO_SIDE, None) for name in sides)
    return frame.unique(KEYS[table], keep="last", maintain_order=True)


def main() -> None:
    """Compact the history directory named on the command line; merge and sweep what has gathered there."""
    os.nice(NICE)
    layout, clock = Layout(Path(sys.argv[1])), WallClock()
    writer = SegmentWriter(layout, clock, HotTier(layout))
    done = compact(layout, writer)
    upkeep = Upkeep(layout, writer.ledger, clock)
    upkeep.merge_small()
    upkeep.sweep()
    writer.close()
    sys.stdout.write(f"{done.rows} {done.refused} {done.logs}\n")


if __name__ == "__main__":
    main()
