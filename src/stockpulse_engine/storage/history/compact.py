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
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.columns import BAR_COLUMNS
from stockpulse_engine.marketdata.history import BARS
from stockpulse_engine.storage.history.catalog import Catalog, Kind, Tail
from stockpulse_engine.storage.history.commit import TailMark
from stockpulse_engine.storage.history.eventrows import bar_row
from stockpulse_engine.storage.history.frames import KEYS
from stockpulse_engine.storage.history.hot import FILE_NAMES, HotTier
from stockpulse_engine.storage.history.layout import Layout
from stockpulse_engine.storage.history.tail import Frame, decoder_of, read_frames
from stockpulse_engine.storage.history.taillogs import close_left_behind
from stockpulse_engine.storage.history.tickframes import TickColumns, decode_batch
from stockpulse_engine.storage.history.turn import exclusive
from stockpulse_engine.storage.history.upkeep import Upkeep
from stockpulse_engine.storage.history.writer import SegmentWriter

PORTION_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a log that become segments in one commit: about a quarter of a million quotes."""
NICE: Final = 10
"""Where a machine does not know what idle work is."""


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
    """Events of a log up to an offset as frames for the writer."""

    frames: dict[Kind, pl.DataFrame]
    stop: int
    events: int
    refused: int


def _parts(path: Path, tail: Tail) -> Iterator[_Part]:
    """The log's frames after what is consumed, in portions."""
    table = tail.name.partition("-")[0]
    if not path.exists():
        return
    make = _bar_part if table == BARS else partial(_tick_part, table)
    waiting: list[Frame] = []
    size = 0
    for frame in read_frames(path, tail.consumed):
        waiting.append(frame)
        size += len(frame.payload)
        if size >= PORTION_BYTES:
            yield make(waiting)
            waiting, size = [], 0
    if waiting:
        yield make(waiting)


def _bar_part(waiting: Sequence[Frame]) -> _Part:
    rows: defaultdict[Kind, list[tuple[Any, ...]]] = defaultdict(list)
    events = refused = 0
    for frame in waiting:
        batch = decoder_of(BARS).decode(frame.payload)
        events += len(batch.events)
        for bar in batch.events:
            try:
                row = bar_row(bar, batch.recorded_at)
            except InvalidValueError:
                refused += 1
            else:
                rows[Kind(BARS, str(bar.spec), batch.source)].append((bar.instrument_id, *row))
    return _Part({kind: _bar_frame(found) for kind, found in rows.items()}, waiting[-1].stop, events, refused)


def _tick_part(table: str, waiting: Sequence[Frame]) -> _Part:
    columns: dict[str, TickColumns] = {}
    for frame in waiting:
        source, recorded_at, seqs, events = decode_batch(frame.payload)
        columns.setdefault(source, TickColumns(table)).take(recorded_at, seqs, events)
    made = {Kind(table, "", source): found.frame() for source, found in columns.items()}
    frames = {kind: one.frame for kind, one in made.items() if one.frame.height}
    refused = sum(one.refused for one in made.values())
    return _Part(frames, waiting[-1].stop, sum(len(found) for found in columns.values()), refused)


def _store(writer: SegmentWriter, tail: Tail, part: _Part) -> tuple[int, int]:
    """One commit per kind, the last of them with the mark."""
    mark = TailMark(tail.name, part.stop, is_done=False)
    kinds = list(part.frames)
    for kind in kinds:
        marks = [mark] if kind == kinds[-1] else []
        writer.write(part.frames[kind], kind, "live", marks=marks)
    if not kinds:
        writer.ledger.commit((), marks=[mark])
    return part.events - part.refused, part.refused


def _bar_frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    names = ["instrument_id", *(FILE_NAMES.get(name, name) for name in BAR_COLUMNS)]
    types = {name: pl.String if name == "instrument_id" else pl.Int64 for name in names}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.unique(KEYS[BARS], keep="last", maintain_order=True)


def _give_way() -> None:
    """The market goes first: idle work gives up its core the moment anything else wants it, nice work some ms later."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(NICE)


def main() -> None:
    """Compact the history directory named on the command line; merge and sweep what has gathered there."""
    _give_way()
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
