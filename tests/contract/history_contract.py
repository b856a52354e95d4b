"""What every reader of stored history must do: a story of writes, questions, and the answers as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl
from hypothesis import strategies as st

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.columns import BarColumns
from stockpulse_engine.marketdata.history import (
    ACTIONS,
    BARS,
    QUOTES,
    TRADES,
    ActionKind,
    Adjustment,
    AsOf,
    CorporateAction,
    HistoryReader,
    HistoryWriter,
    Query,
)
from tests.property.history_oracle import Given, Oracle

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_700_000_000_000_000_000
T0 = 1_699_972_200_000_000_000
"""An open of New York."""
M1, D1 = BarSpec(1, "m"), BarSpec(1, "d")
NAMES = ("AAPL.XNAS", "IBM.XNYS")
SOURCES = ("lean", "yahoo")
PRIORITY = ("yahoo", "lean")


class Batch(NamedTuple):
    """One commit of bars, with the ticks of the same keys, and how much time passes then."""

    source: str
    rows: list[Given]
    pause: int


class Asked(NamedTuple):
    """One question."""

    name: str
    as_of: AsOf
    start: int | None
    end: int | None
    limit: int | None


_times = st.tuples(st.integers(0, 9), st.sampled_from([0, 0, 1, 7, 999])).map(lambda t: T0 + t[0] * MINUTE + t[1])
_rows = st.builds(
    Given,
    name=st.sampled_from(NAMES),
    ts=_times,
    value=st.integers(1, 3),
    published=st.none() | st.integers(2, 40).map(lambda number: T0 + number * MINUTE),
    is_retracted=st.sampled_from([False, False, False, True]),
)
batches = st.builds(
    Batch,
    source=st.sampled_from(SOURCES),
    rows=st.lists(_rows, min_size=1, max_size=8, unique_by=lambda row: (row.name, row.ts)),
    pause=st.sampled_from([0, 1, MINUTE]),
)
stories = st.lists(batches, min_size=1, max_size=6)
_points = st.none() | st.integers(-5, 60).map(lambda number: T0 + number * MINUTE + number % 3)
_walls = st.none() | st.sampled_from([NOW - 1, NOW, NOW + 1, NOW + MINUTE, NOW + 2 * MINUTE])
_ends = st.none() | st.tuples(st.integers(-2, 12), st.sampled_from([0, 1, 7, 8])).map(
    lambda t: T0 + t[0] * MINUTE + t[1]
)
questions = st.lists(
    st.builds(
        Asked, st.sampled_from(NAMES), st.builds(AsOf, _points, _walls), _ends, _ends, st.none() | st.integers(1, 6)
    ),
    min_size=2,
    max_size=3,
)


def write(writer: HistoryWriter, batch: Batch) -> None:
    """Bars, quotes, prints and splits of the same keys."""
    writer.write_bars(bars_of(batch.rows), spec=M1, source=batch.source)
    writer.write_trades(ticks_of(batch.rows), source=batch.source)
    sides = ticks_of(batch.rows).rename({"price_e8": "bid_e8", "size_e8": "bid_size_e8"})
    empty = pl.lit(None, pl.Int64)
    writer.write_quotes(sides.with_columns(empty.alias("ask_e8"), empty.alias("ask_size_e8")), source=batch.source)
    writer.write_actions(list(_splits(batch)))


def bars_of(rows: list[Given]) -> pl.DataFrame:
    """As the writer takes them."""
    values = {f"{name}_e8": [row.value * 10**8 for row in rows] for name in ("open", "high", "low", "close", "volume")}
    return _with_versions(
        {
            "instrument_id": [row.name for row in rows],
            "ts_event": [row.ts for row in rows],
            "known_at": [row.ts + MINUTE for row in rows],
            **values,
        },
        rows,
    )


def ticks_of(rows: list[Given]) -> pl.DataFrame:
    """A print for each row, and for those of value 3 a second one of the same moment."""
    every = [(row, 0) for row in rows] + [(row, 1) for row in rows if row.value == 3]
    return _with_versions(
        {
            "instrument_id": [row.name for row, _ in every],
            "ts_event": [row.ts for row, _ in every],
            "known_at": [row.ts for row, _ in every],
            "seq": [seq for _, seq in every],
            "price_e8": [row.value for row, _ in every],
            "size_e8": [1] * len(every),
            "exchange": ["NQ"[seq] for _, seq in every],
            "conditions": ["@ F" if row.value == 2 else "" for row, _ in every],
            "flags": [row.value for row, _ in every],
        },
        [row for row, _ in every],
    )


def _with_versions(columns: dict[str, Any], rows: list[Given]) -> pl.DataFrame:
    frame = pl.DataFrame({**columns, "is_retracted": [row.is_retracted for row in rows]})
    return frame.with_columns(pl.Series("published_at", [row.published for row in rows], pl.Int64))


def _splits(batch: Batch) -> Iterator[CorporateAction]:
    for row in batch.rows:
        yield CorporateAction(
            instrument_id=row.name,
            kind=ActionKind.SPLIT,
            ts_event=row.ts,
            known_at=row.published or row.ts,
            source=batch.source,
            numerator=row.value + 1,
            note="ex" if row.value == 2 else "",
            is_retracted=row.is_retracted,
        )


def plain(found: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Columns as values that can be compared and read."""
    columns = [(name, getattr(found, name).tolist()) for name in names]
    return found.instrument_id, found.source, columns


_BARS = ("ts_event", "known_at", "recorded_at", "open", "high", "low", "close", "volume")
_TICKS = ("ts_event", "known_at", "recorded_at", "seq", "exchange", "conditions", "flags")


def plain_bars(found: BarColumns) -> tuple[Any, ...]:
    """Bars as values."""
    return *plain(found, _BARS), found.adjustment, found.warnings


def agrees_with(reader: HistoryReader, oracle: Oracle, source: str, asked: list[Asked]) -> None:
    """Bars of one source are what a plain list of versions says, and never know the future."""
    for one in asked:
        wanted = [
            (row.ts, row.value * 10**8, row.known_at, row.recorded_at)
            for row in oracle.read(one.name, one.as_of, one.start, one.end)
        ]
        found = reader.bars(
            one.name, M1, start_ns=one.start, end_ns=one.end, limit=one.limit, as_of=one.as_of, source=source
        )
        columns = (found.ts_event, found.close, found.known_at, found.recorded_at)
        seen = list(zip(*(column.tolist() for column in columns), strict=True))
        assert seen == (wanted if one.limit is None else wanted[-one.limit :])


def answers(reader: HistoryReader, asked: list[Asked], *, is_counting: bool = True) -> Iterator[tuple[object, object]]:
    """Each question that the port knows, and its answer; with `is_counting` those about numbers of rows as well."""
    for one in asked:
        window: dict[str, Any] = {"start_ns": one.start, "end_ns": one.end, "as_of": one.as_of}
        for adjustment in Adjustment:
            found = reader.bars(one.name, M1, limit=one.limit, adjustment=adjustment, **window)
            yield (one, adjustment), plain_bars(found)
        last = reader.last_bars([*NAMES, "NO.XNAS"], M1, one.limit or 99, as_of=one.as_of)
        yield (one, "last"), {name: plain_bars(each) for name, each in last.items()}
        ticks: dict[str, Any] = {"start_ns": one.start or T0, "end_ns": one.end or NOW, "limit": one.limit}
        quotes = reader.quotes(one.name, as_of=one.as_of, **ticks)
        yield (one, QUOTES), plain(quotes, (*_TICKS, "bid", "bid_size", "ask", "ask_size"))
        for source in ("", *SOURCES, "none"):
            trades = reader.trades(one.name, as_of=one.as_of, source=source, **ticks)
            yield (one, TRADES, source), plain(trades, (*_TICKS, "price", "size"))
        yield (one, ACTIONS), reader.actions(one.name, as_of=one.as_of)
        yield (one, "all actions"), reader.actions(as_of=one.as_of)
    one = asked[0]
    for table in (BARS, QUOTES, TRADES, ACTIONS):
        spec = M1 if table == BARS else None
        query = Query(table=table, spec=spec, start_ns=one.start, end_ns=one.end, as_of=one.as_of)
        yield (query,), _rows_of(reader.frame(query))
        named = Query(table=table, spec=spec, source="lean", instrument_ids=(one.name,), as_of=asked[1].as_of)
        yield (named,), _rows_of(reader.frame(named))
    covered = reader.coverage(one.name, M1, as_of=one.as_of, quiet=1)
    yield (one, "coverage"), [(each.series.source, *_held(each)) for each in covered]
    if not is_counting:
        return
    yield (one, "counts"), [_of(each.series) for each in covered]
    yield "series", [_of(one) for one in reader.series()]
    yield "series of bars", [_of(one) for one in reader.series(NAMES[0], table=BARS, spec=M1)]
    yield "nothing", [plain_bars(reader.bars("NO.XNAS", D1)), reader.series("NO.XNAS"), reader.coverage("NO.XNAS", M1)]


def _rows_of(frame: pl.DataFrame) -> tuple[object, ...]:
    return list(frame.columns), frame.dtypes, frame.rows()


def _held(one: Any) -> tuple[object, ...]:
    return one.bars, one.gaps, one.missing, one.calendar


def _of(one: Any) -> tuple[object, ...]:
    names = ("instrument_id", "table", "spec", "source", "rows", "corrections", "first_ts", "last_ts")
    return tuple(getattr(one, name) for name in names)
