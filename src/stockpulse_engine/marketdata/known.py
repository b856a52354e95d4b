"""What stored history knew at a moment: the price of an instrument, and its bars with the open one as it stood.

Every read is as of the moment: a row with a later `known_at` is never seen, a correction not before its publication,
a split not before it was announced. Everything blocks: on an event loop it belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, Bar, BarSpec, Quote, parse_bar_spec
from stockpulse_engine.domain.past import KnownQuote
from stockpulse_engine.marketdata.cache import SPARK_POINTS
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.columns import NO_SIDE, TICK_SUSPICIOUS, from_e8
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES, Adjustment, AsOf, HistoryReader
from stockpulse_engine.marketdata.hours import with_hours
from stockpulse_engine.marketdata.openbar import as_open, merged, open_bucket, regular, with_open
from stockpulse_engine.marketdata.stored import read_bars
from stockpulse_engine.marketdata.venues import calendar_of

DAILY: Final = BarSpec(1, "d")
MINUTE: Final = BarSpec(1, "m")
DAY_NS: Final = 86_400 * SECOND_NS
TICK_REACH_NS: Final = 900 * SECOND_NS
"""A quote or print older than this says nothing that a bar does not."""
QUOTE_ROWS: Final = 500
"""Rows that are looked through for the last word on each side."""
MAX_PARTS: Final = 30_000
"""Shorter bars and prints that one open bar is made of, at most."""
NOTHING: Final = "nothing is held of it that was known then"


class Day(NamedTuple):
    """The session a moment lies in, or the last one before it."""

    start: int
    """Where the session's range and volume begin."""
    open: int
    previous_end: int
    """Daily bars that start before this belong to earlier sessions."""


class KnownHistory:
    """Reads of the store as of a moment.

    Args:
        open_reader: gives the store; asked with each read.
    """

    def __init__(self, open_reader: Callable[[], HistoryReader]) -> None:
        self._open_reader = open_reader

    @property
    def generation(self) -> int:
        """Changes with every commit."""
        return self._open_reader().generation

    def instruments(self, at_ns: int) -> list[str]:
        """What anything is held of that happened by then, by name."""
        return sorted({one.instrument_id for one in self._open_reader().series() if one.first_ts <= at_ns})

    def quote(self, instrument_id: str, at_ns: int) -> KnownQuote:
        """The price as it was known, from the newest of quotes, prints and bars."""
        reader, as_of = self._open_reader(), AsOf(known_at=at_ns)
        tables = {one.table for one in reader.series(instrument_id) if one.first_ts <= at_ns}
        day = day_of(calendar_of(instrument_id), at_ns)
        today, daily = self._today(reader, instrument_id, day, as_of), self._daily(reader, instrument_id, day, as_of)
        known = quote_of_bars(instrument_id, today, daily)
        window: dict[str, Any] = {"start_ns": at_ns - TICK_REACH_NS, "end_ns": at_ns + 1, "limit": 1, "as_of": as_of}
        if TRADES in tables:
            known = _with_print(known, reader.trades(instrument_id, **window))
        if QUOTES in tables:
            known = _with_sides(known, reader.quotes(instrument_id, **window | {"limit": QUOTE_ROWS}))
        return known

    def bars(
        self, instrument_id: str, spec: BarSpec, limit: int, at_ns: int, end_ns: int | None = None
    ) -> Sequence[Bar]:
        """The last bars known, oldest first; without `end_ns` the open one, as it stood, is the last."""
        reader, as_of, calendar = self._open_reader(), AsOf(known_at=at_ns), calendar_of(instrument_id)
        columns = read_bars(reader, instrument_id, spec, limit, end_ns=end_ns, as_of=as_of)
        bucket = open_bucket(spec, calendar, at_ns)
        bars = as_open(columns.to_bars(), bucket)
        if end_ns is None and bucket is not None:
            parts = self._parts(reader, instrument_id, spec, bucket[0], as_of)
            bars = with_open(bars, merged(regular(parts, spec, calendar), spec, bucket[0]))[-limit:]
        return with_hours(bars, calendar)

    def _parts(
        self, reader: HistoryReader, instrument_id: str, spec: BarSpec, start_ns: int, as_of: AsOf
    ) -> Sequence[Bar]:
        """What the open bar is made of: of the lengths and prints held, those that reach furthest."""
        assert as_of.known_at is not None
        best: Sequence[Bar] = ()
        window: dict[str, Any] = {"start_ns": start_ns, "end_ns": as_of.known_at + 1, "as_of": as_of}
        for short in _finest(reader, instrument_id, spec):
            found = reader.bars(instrument_id, short, limit=MAX_PARTS, adjustment=Adjustment.SPLIT, **window).to_bars()
            if found and (not best or found[-1].known_at > best[-1].known_at):
                best = found
        if spec.is_intraday and reader.series(instrument_id, table=TRADES):
            prints = _as_parts(reader.trades(instrument_id, limit=MAX_PARTS, **window), spec)
            if prints and (not best or prints[-1].known_at > best[-1].known_at):
                best = prints
        return best

    @staticmethod
    def _today(reader: HistoryReader, instrument_id: str, day: Day, as_of: AsOf) -> Sequence[Bar]:
        """The session's shorter bars, of the length that reaches furthest; at equal reach the minutes."""
        best: Sequence[Bar] = ()
        for short in _finest(reader, instrument_id, DAILY):
            if short.unit == "s" and best:
                continue
            found = reader.bars(
                instrument_id, short, start_ns=day.start, limit=MAX_PARTS, as_of=as_of, adjustment=Adjustment.SPLIT
            ).to_bars()
            if found and (not best or found[-1].known_at > best[-1].known_at):
                best = found
        return best

    @staticmethod
    def _daily(reader: HistoryReader, instrument_id: str, day: Day, as_of: AsOf) -> Sequence[Bar]:
        """Daily bars of this session and those before, as far as they were over."""
        return read_bars(reader, instrument_id, DAILY, 3, end_ns=day.open + 1, as_of=as_of).to_bars()


def day_of(calendar: Calendar | None, at_ns: int) -> Day:
    """The session that had begun by then; days begin at midnight UTC where nothing ever closes."""
    if calendar is None:
        start = at_ns // DAY_NS * DAY_NS
        return Day(start, start, start)
    try:
        session = calendar.current_or_previous(at_ns)
    except NotFoundError:  # before the calendar begins
        return Day(at_ns // DAY_NS * DAY_NS, at_ns, at_ns)
    return Day(session.pre_open, session.open, session.open)


def quote_of_bars(instrument_id: str, today: Sequence[Bar], daily: Sequence[Bar]) -> KnownQuote:
    """The price as bars tell it: last close, the session's range and volume, the close before.

    Args:
        instrument_id: of which.
        today: shorter bars of the session, oldest first, all of them known.
        daily: daily bars, oldest first, all of them known; the last may be the session's own.
    """
    known = max((one for one in (*today[-1:], *daily[-1:])), key=lambda one: one.known_at, default=None)
    if known is None:
        return KnownQuote(instrument_id=instrument_id, note=NOTHING)
    is_today = bool(today)
    before = [one for one in daily if not is_today or one.ts_event < today[0].ts_event - DAY_NS // 2]
    if not is_today:
        before = before[:-1]
    session = today or daily[-1:]
    volume = sum((one.volume for one in session), start=Decimal(0))
    zero, price = Decimal(0), known.close
    return KnownQuote(
        instrument_id=instrument_id,
        quote=Quote(instrument_id, price, price, zero, zero, known.known_at, known.source, price, volume),
        made_of=f"{known.spec} bars",
        source=known.source,
        known_at=known.known_at,
        previous_close=before[-1].close if before else None,
        low=min(one.low for one in session),
        high=max(one.high for one in session),
        spark=_spark(today),
        note="no quote is held: bid and ask were not known",
    )


def _spark(today: Sequence[Bar]) -> tuple[float, ...]:
    count = len(today)
    if count < 2:  # noqa: PLR2004 - a line needs two points
        return ()
    points = min(count, SPARK_POINTS)
    return tuple(float(today[round((i + 1) * count / points) - 1].close) for i in range(points))


def _with_print(known: KnownQuote, found: Any) -> KnownQuote:
    """The last print, where it is newer than the bars."""
    from msgspec.structs import replace

    if not len(found) or int(found.known_at[-1]) <= known.known_at:
        return known
    price, at, zero = from_e8(int(found.price[-1])), int(found.known_at[-1]), Decimal(0)
    old = known.quote
    quote = Quote(
        known.instrument_id, price, price, zero, zero, at, found.source, price, old.volume if old is not None else None
    )
    note = known.note if old is not None else "no quote is held: bid and ask were not known"
    low, high = (min(known.low or price, price), max(known.high or price, price))
    return replace(
        known, quote=quote, made_of=_joined(known, "prints"), source=found.source, known_at=at, note=note, low=low,
        high=high,
    )  # fmt: skip


def _with_sides(known: KnownQuote, found: Any) -> KnownQuote:
    """Bid and ask as they were told last: a source may tell one side a row. A side nobody told has the size 0."""
    from msgspec.structs import replace

    bid, ask = _last_told(found, "bid"), _last_told(found, "ask")
    if bid is not None and ask is not None and bid.price > ask.price:  # the older of two that cross is gone
        bid, ask = (bid, None) if bid.known_at > ask.known_at else (None, ask)
    sides = [side for side in (bid, ask) if side is not None]
    if not sides:
        return known
    old, zero = known.quote, Decimal(0)
    at, other = max(side.known_at for side in sides), sides[0].price
    newest = max(at, known.known_at)
    quote = Quote(
        known.instrument_id,
        bid.price if bid is not None else other,
        ask.price if ask is not None else other,
        bid.size if bid is not None else zero,
        ask.size if ask is not None else zero,
        newest,
        found.source,
        old.last if old is not None else None,
        old.volume if old is not None else None,
    )
    note = "" if old is not None else "no print and no bar is held: the last price was not known"
    return replace(
        known, quote=quote, made_of=_joined(known, "quotes"), source=found.source, known_at=newest, note=note
    )


class _Side(NamedTuple):
    price: Decimal
    size: Decimal
    known_at: int


def _last_told(found: Any, name: str) -> _Side | None:
    """The last row that speaks of a side, those the source itself doubts left out."""
    prices, sizes = getattr(found, name), getattr(found, f"{name}_size")
    for row in range(len(found) - 1, -1, -1):
        if int(prices[row]) != NO_SIDE and not int(found.flags[row]) & TICK_SUSPICIOUS:
            size = int(sizes[row])
            told = from_e8(size) if size not in (NO_SIDE, 0) else Decimal(1)
            return _Side(from_e8(int(prices[row])), told, int(found.known_at[row]))
    return None


def _joined(known: KnownQuote, part: str) -> str:
    return f"{part}+{known.made_of}" if known.made_of else part


def _finest(reader: HistoryReader, instrument_id: str, spec: BarSpec) -> list[BarSpec]:
    """Shorter lengths held, minutes first, then the finer and the coarser ones."""
    held = {parse_bar_spec(one.spec) for one in reader.series(instrument_id, table=BARS)}
    shorter = [one for one in held if one.is_intraday and one.duration_ns < spec.duration_ns]
    return sorted(shorter, key=lambda one: (one != MINUTE, one.duration_ns))


def _as_parts(found: Any, spec: BarSpec) -> Sequence[Bar]:
    """Prints as bars of one price each, those the source itself doubts left out."""
    name, source = found.instrument_id, found.source
    rows = zip(
        found.price.tolist(), found.size.tolist(), found.ts_event.tolist(), found.known_at.tolist(),
        found.flags.tolist(), strict=True,
    )  # fmt: skip
    parts = []
    for price_e8, size_e8, ts, known_at, flags in rows:
        if flags & TICK_SUSPICIOUS:
            continue
        price, size = from_e8(price_e8), from_e8(size_e8)
        parts.append(Bar(name, spec, ts, price, price, price, price, size, known_at, True, source))
    return parts
