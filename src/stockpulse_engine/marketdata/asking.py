"""Questions to stored history as people and programs ask them, and their answers: one code for every way in.

Everything blocks: on an event loop it belongs into a thread.
"""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import Protocol, runtime_checkable

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import Bar, BarSpec, parse_bar_spec
from stockpulse_engine.marketdata.actions import FORMERLY, ActionKind
from stockpulse_engine.marketdata.columns import NO_SIDE, QuoteColumns, TradeColumns, from_e8
from stockpulse_engine.marketdata.history import (
    BARS,
    LATEST,
    QUOTES,
    TRADES,
    Adjustment,
    AsOf,
    CorporateAction,
    Coverage,
    Gap,
    HistoryReader,
    SeriesInfo,
)

MAX_NEAR = 3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: of one instrument, from one moment up to another, the last `limit` of them, as of a point in time."""

    instrument: str
    """`IBM.XNYS`, or `IBM` where only one is held."""
    start_ns: int | None = None
    end_ns: int | None = None
    limit: int
    source: str = ""
    as_of: AsOf = LATEST


class BarsAsked(Asked, frozen=True, kw_only=True):
    """Which bars, and what corporate actions do to their prices."""

    spec: BarSpec
    adjustment: Adjustment = Adjustment.RAW


class StoredBars(msgspec.Struct, frozen=True, kw_only=True):
    """Bars, where they are from, and what a reader should know about them."""

    instrument_id: str
    spec: str
    source: str
    adjustment: Adjustment
    warnings: tuple[str, ...]
    bars: tuple[Bar, ...]


class StoredTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One public print as it is stored."""

    ts_event: int
    price: Decimal
    size: Decimal
    exchange: str
    conditions: str
    known_at: int
    seq: int


class StoredQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One quote as it is stored; a side the row does not speak of is null."""

    ts_event: int
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    exchange: str
    conditions: str
    known_at: int
    seq: int


class StoredTicks(msgspec.Struct, frozen=True, kw_only=True):
    """Prints or quotes in the source's own order; the other list is empty."""

    instrument_id: str
    source: str
    trades: tuple[StoredTrade, ...] = ()
    quotes: tuple[StoredQuote, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should know, like a server that does not answer."""


class SeriesCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one bar series, and what its exchange's calendar misses in it."""

    series: SeriesInfo
    bars: int
    missing: int
    gap_count: int
    gaps: tuple[Gap, ...]
    """The first of them, oldest first."""
    calendar: str


class StoredCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored; coverage only where one instrument was named."""

    series: tuple[SeriesInfo, ...]
    series_count: int
    """How many there are; `series` may be the first of them."""
    coverage: tuple[SeriesCoverage, ...]
    notes: tuple[str, ...] = ()
    """What a reader should know, like a server that does not answer."""


@runtime_checkable
class Noting(Protocol):
    """A reader that may have to leave something out."""

    def notes(self) -> tuple[str, ...]:
        """What it leaves out now, and why."""
        ...


def stored_bars(reader: HistoryReader, asked: BarsAsked) -> StoredBars:
    """Bars with where they are from.

    Raises:
        NotFoundError: nothing is held of the instrument, with the nearest names.
        InvalidValueError: the symbol is held of several venues.
    """
    found = reader.bars(
        held(reader, asked.instrument, BARS),
        asked.spec,
        start_ns=asked.start_ns,
        end_ns=asked.end_ns,
        limit=asked.limit,
        as_of=asked.as_of,
        adjustment=asked.adjustment,
        source=asked.source,
    )
    return StoredBars(
        instrument_id=found.instrument_id,
        spec=str(asked.spec),
        source=found.source,
        adjustment=asked.adjustment,
        warnings=found.warnings,
        bars=tuple(found.to_bars()),
    )


def tick_columns(reader: HistoryReader, asked: Asked, table: str) -> QuoteColumns | TradeColumns:
    """Quotes or prints as columns; bounds that are left out are those of what is held.

    Raises:
        NotFoundError: nothing is held of the instrument, or nothing from that source.
        InvalidValueError: the symbol is held of several venues.
    """
    name = held(reader, asked.instrument, table)
    series = [one for one in reader.series(name, table=table) if asked.source in ("", one.source)]
    if not series:
        raise NotFoundError(f"No {table} of {name} from {asked.source}.", fix=f"sp coverage {name}")
    start = min(one.first_ts for one in series) if asked.start_ns is None else asked.start_ns
    end = max(one.last_ts for one in series) + 1 if asked.end_ns is None else asked.end_ns
    read = reader.quotes if table == QUOTES else reader.trades
    return read(name, start_ns=start, end_ns=end, limit=asked.limit, as_of=asked.as_of, source=asked.source)


def stored_ticks(reader: HistoryReader, asked: Asked, table: str = TRADES) -> StoredTicks:
    """Quotes or prints one by one; raises like `tick_columns`."""
    found = tick_columns(reader, asked, table)
    notes = notes_of(reader)
    if isinstance(found, QuoteColumns):
        return StoredTicks(instrument_id=found.instrument_id, source=found.source, quotes=_quotes(found), notes=notes)
    return StoredTicks(instrument_id=found.instrument_id, source=found.source, trades=_trades(found), notes=notes)


def notes_of(reader: HistoryReader) -> tuple[str, ...]:
    """What a reader leaves out now, and why."""
    return reader.notes() if isinstance(reader, Noting) else ()


def stored_actions(reader: HistoryReader, instrument: str, as_of: AsOf) -> tuple[CorporateAction, ...]:
    """Corporate actions of one instrument, or of all with ""; raises like `held`."""
    return reader.actions(held(reader, instrument, "actions") if instrument else "", as_of=as_of)


def stored_coverage(
    reader: HistoryReader, instrument: str, spec: str, as_of: AsOf, *, most: int | None = None
) -> StoredCoverage:
    """What is stored and, for one instrument, what is missing; `most` bounds both lists. Raises like `held`."""
    name = held(reader, instrument, "") if instrument else ""
    series = [one for one in reader.series(name) if spec in ("", one.spec)]
    specs = sorted({one.spec for one in series if one.table == BARS}) if name else []
    found = [one for each in specs for one in reader.coverage(name, parse_bar_spec(each), as_of=as_of)]
    return StoredCoverage(
        series=tuple(series[:most]),
        series_count=len(series),
        coverage=tuple(_coverage(one, most) for one in found),
        notes=notes_of(reader),
    )


def held(reader: HistoryReader, text: str, table: str) -> str:
    """The instrument meant by `IBM.XNYS`, `ibm.xnys`, a symbol of which one is held, or one it traded under before.

    Raises:
        NotFoundError: nothing of it is held, with the nearest names.
        InvalidValueError: several are.
    """
    wanted = text.strip().upper()
    names = sorted({one.instrument_id for one in reader.series(table=table)})
    if wanted in names:
        return wanted
    matches = [name for name in names if name.rpartition(".")[0] == wanted]
    matches = matches or [name for name in names if name in _renamed(reader, wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InvalidValueError(
            f"{wanted[:40]} is held of several venues.", fix=f"Name one of {', '.join(matches[:6])}."
        )
    near = difflib.get_close_matches(wanted, names, n=MAX_NEAR, cutoff=0.5)
    fix = f"Did you mean {', '.join(near)}?" if near else "`sp coverage` lists what is held; `sp import` takes more in."
    lacking = "".join(f" {note}" for note in notes_of(reader))
    raise NotFoundError(f"Nothing is stored of {wanted[:40]!r}{f' ({table})' if table else ''}.{lacking}", fix=fix)


def _renamed(reader: HistoryReader, wanted: str) -> set[str]:
    """Instruments that traded under another name."""
    found = set()
    for one in reader.actions():
        if one.kind is ActionKind.RENAME:
            known = {one.other_id, one.other_id.rpartition(".")[0], one.note.removeprefix(FORMERLY)}
            found |= {one.instrument_id} if wanted in known else set()
    return found


def _coverage(one: Coverage, most: int | None) -> SeriesCoverage:
    return SeriesCoverage(
        series=one.series,
        bars=one.bars,
        missing=one.missing,
        gap_count=len(one.gaps),
        gaps=one.gaps[:most],
        calendar=one.calendar,
    )


def _side(value: int) -> Decimal | None:
    return None if value == NO_SIDE else from_e8(value)


def _quotes(found: QuoteColumns) -> tuple[StoredQuote, ...]:
    numbers = (found.ts_event, found.bid, found.bid_size, found.ask, found.ask_size, found.known_at, found.seq)
    return tuple(
        StoredQuote(
            ts_event=ts,
            bid=_side(bid),
            bid_size=_side(bid_size),
            ask=_side(ask),
            ask_size=_side(ask_size),
            exchange=str(exchange),
            conditions=str(conditions),
            known_at=known_at,
            seq=seq,
        )
        for ts, bid, bid_size, ask, ask_size, known_at, seq, exchange, conditions in zip(
            *(column.tolist() for column in numbers), found.exchange, found.conditions, strict=True
        )
    )


def _trades(found: TradeColumns) -> tuple[StoredTrade, ...]:
    numbers = (found.ts_event, found.price, found.size, found.known_at, found.seq)
    return tuple(
        StoredTrade(
            ts_event=ts,
            price=from_e8(price),
            size=from_e8(size),
            exchange=str(exchange),
            conditions=str(conditions),
            known_at=known_at,
            seq=seq,
        )
        for ts, price, size, known_at, seq, exchange, conditions in zip(
            *(column.tolist() for column in numbers), found.exchange, found.conditions, strict=True
        )
    )
