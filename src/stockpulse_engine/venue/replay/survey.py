"""Which of the days asked for the store holds, from what they can be played, and what is missing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import SECOND_NS, parse_bar_spec
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES, HistoryReader, SeriesInfo
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.venue.daterange import DateRange
from stockpulse_engine.venue.replay.between import unapplied_words
from stockpulse_engine.venue.replay.gaps import Held, gap_words, played_words
from stockpulse_engine.venue.replay.held import SIDES, StoredTape
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.nearest import Playable, nearest_words
from stockpulse_engine.venue.replay.plan import LONGEST_PLAYED_NS, Part, Plan
from stockpulse_engine.venue.replay.reference import instrument_of
from stockpulse_engine.venue.replay.script import Script
from stockpulse_engine.venue.replay.storedpast import StoredPast

MADE_UP = ("sim:", "replay:")
"""Sources of worlds that are not the market: played where nothing else is held on any of the days."""
QUARTER_NS = 900 * SECOND_NS
"""Silence of so long inside regular hours is a gap."""
MAX_NAMED = 6
Order = Callable[[Iterable[SeriesInfo]], Sequence[SeriesInfo]]
"""Series with the one that answers first in front."""


class Wanted(NamedTuple):
    """What is asked for; no symbols: everything held."""

    days: DateRange
    symbols: tuple[str, ...] = ()


def script_of_store(reader: HistoryReader, wanted: Wanted, calendar: Calendar, order: Order) -> Script:
    """The script of days that are held.

    Raises:
        NotFoundError: nothing of these days, or of a symbol, is held; it says what is.
        InvalidValueError: what is held is too coarse to be played.
    """
    series = _chosen([one for one in reader.series() if one.table in (BARS, QUOTES, TRADES)], wanted.symbols)
    series, foreign = _at_home(series, calendar)
    tapes = _tapes(reader, order(series))
    found = [
        held
        for date in wanted.days.dates()
        for held in _held_on(tapes, date, calendar, {s.instrument_id for s in series})
    ]
    if any(not held.tape.source.startswith(MADE_UP) for held in found):
        found = [held for held in found if not held.tape.source.startswith(MADE_UP)]
    coarse = _coarse(series, wanted.days, calendar)
    if not found:
        raise _nothing(reader, wanted, series, coarse, calendar)
    chosen = _finest(found)
    plan = _plan(chosen)
    past = StoredPast(reader, calendar, plan.dates[0])
    actions = tuple(action for name in plan.symbols for action in reader.actions(name))
    first, last = (day_edges(date, calendar)[1] for date in (plan.dates[0], plan.dates[-1]))
    left = unapplied_words(actions, first, last, calendar)
    script = Script(
        plan,
        past,
        {name: instrument_of(name) for name in plan.symbols},
        played=played_words(chosen),
        gaps=(*gap_words(chosen, wanted.days, calendar, coarse), *left[:MAX_NAMED], *foreign),
        actions=actions,
    )
    return script.with_volumes(calendar)


def _chosen(series: Sequence[SeriesInfo], symbols: Sequence[str]) -> list[SeriesInfo]:
    if not symbols:
        return list(series)
    known = {one.instrument_id for one in series}
    wanted = {text.strip().upper() for text in symbols}
    missing = sorted(text for text in wanted if text not in known and text not in {symbol_of(name) for name in known})
    if missing:
        held = ", ".join(sorted(known)[:MAX_NAMED]) or "nothing"
        raise NotFoundError(f"Nothing is held of {', '.join(missing)[:80]}.", fix=f"Held: {held}; see sp coverage.")
    return [one for one in series if one.instrument_id in wanted or symbol_of(one.instrument_id) in wanted]


def _at_home(series: Sequence[SeriesInfo], calendar: Calendar) -> tuple[list[SeriesInfo], list[str]]:
    """What keeps the sessions that are played, and a sentence on what keeps others."""
    codes = {one.instrument_id: getattr(calendar_of(one.instrument_id), "code", calendar.code) for one in series}
    away = sorted(name for name, code in codes.items() if code != calendar.code)
    more = f" and {len(away) - MAX_NAMED} more" if len(away) > MAX_NAMED else ""
    words = f"not played, because they keep the sessions of other exchanges: {', '.join(away[:MAX_NAMED])}{more}"
    return [one for one in series if codes[one.instrument_id] == calendar.code], [words] if away else []


def _tapes(reader: HistoryReader, series: Sequence[SeriesInfo]) -> list[tuple[StoredTape, int, int]]:
    """What can be played, the finest and best source first, with the time it spans."""
    spans: dict[StoredTape, list[int]] = {}
    names = {(one.instrument_id, one.spec, one.source) for one in series}
    for one in series:
        tape = _tape(reader, one, names)
        if tape is not None:
            span = spans.setdefault(tape, [one.first_ts, one.last_ts])
            span[:] = min(span[0], one.first_ts), max(span[1], one.last_ts)
    ordered = sorted(spans, key=lambda tape: (tape.step_ns, tape.source.startswith(MADE_UP)))
    return [(tape, spans[tape][0], spans[tape][1]) for tape in ordered]


def _tape(reader: HistoryReader, one: SeriesInfo, names: set[tuple[str, str, str]]) -> StoredTape | None:
    if one.table != BARS:
        return StoredTape(reader, Kind.QUOTES if one.table == QUOTES else Kind.TRADES, one.source)
    spec = parse_bar_spec(one.spec)
    if spec.duration_ns > LONGEST_PLAYED_NS:
        return None
    base, _, side = one.source.rpartition("/")
    if side not in (*SIDES, "mid"):
        return StoredTape(reader, Kind.BARS, one.source, spec)
    has_both = all((one.instrument_id, one.spec, f"{base}/{each}") in names for each in SIDES)
    return StoredTape(reader, Kind.QUOTE_BARS, base, spec) if has_both and side in SIDES else None


def _held_on(tapes: Sequence[tuple[StoredTape, int, int]], date: str, calendar: Calendar, ids: set[str]) -> list[Held]:
    """What each tape holds of a day on the exchange's own clock."""
    begin, end = day_edges(date, calendar)
    found: list[Held] = []
    for tape, first, last in tapes:
        if last >= begin and first < end:
            # A tape's rows are counted from where it begins: a day of ticks is not looked for in an empty night.
            found += _rows(tape, date, (max(begin, first), min(end, last + 1)), ids)
    return found


def _rows(tape: StoredTape, date: str, edges: tuple[int, int], ids: set[str]) -> list[Held]:
    import polars as pl

    counted: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    quarters: dict[str, set[int]] = defaultdict(set)
    for frame in tape.starts(*edges):
        ts = pl.col("ts_event")
        sums = frame.group_by("instrument_id").agg(
            pl.len(), ts.min().alias("a"), ts.max().alias("b"), (ts // QUARTER_NS).unique().alias("quarters")
        )
        for name, rows, first, last, touched in sums.iter_rows():
            counted[name].append((rows, first, last))
            quarters[name].update(touched)
    held = []
    for name in sorted(counted.keys() & ids):
        rows, firsts, lasts = (np.array(column) for column in zip(*counted[name], strict=True))
        last = int(lasts.max()) + max(tape.step_ns - 1, 0)
        held.append(Held(name, date, tape, int(rows.sum()), int(firsts.min()), last, frozenset(quarters[name])))
    return held


def _finest(found: Sequence[Held]) -> list[Held]:
    """For each instrument and day one tape of prints and one of quotes: `found` has the best in front."""
    taken: dict[tuple[str, str, bool], Held] = {}
    for held in found:
        taken.setdefault((held.instrument_id, held.date, held.tape.kind.has_prints), held)
    return list(taken.values())


def _plan(chosen: Sequence[Held]) -> Plan:
    grouped: dict[str, dict[StoredTape, list[Held]]] = defaultdict(lambda: defaultdict(list))
    for held in chosen:
        grouped[held.date][held.tape].append(held)
    parts = {
        date: tuple(
            Part(
                tape,
                date,
                tuple(sorted(held.instrument_id for held in rows)),
                min(held.first_ns for held in rows),
                max(held.last_ns for held in rows),
            )
            for tape, rows in tapes.items()
        )
        for date, tapes in grouped.items()
    }
    return Plan(parts, tuple(sorted({held.instrument_id for held in chosen})))


def _coarse(series: Sequence[SeriesInfo], days: DateRange, calendar: Calendar) -> dict[str, str]:
    """Instruments of which these days are held as bars too long to be played, with the shortest length."""
    begin, end = day_edges(days.first, calendar)[0], day_edges(days.last, calendar)[1]
    found: dict[str, str] = {}
    for one in series:
        if one.table == BARS and one.last_ts >= begin and one.first_ts < end:
            spec = parse_bar_spec(one.spec)
            known = found.get(one.instrument_id)
            if spec.duration_ns > LONGEST_PLAYED_NS and (known is None or spec.duration_ns < _length(known)):
                found[one.instrument_id] = one.spec
    return found


def _length(spec: str) -> int:
    return parse_bar_spec(spec).duration_ns


def _nothing(
    reader: HistoryReader, wanted: Wanted, series: Sequence[SeriesInfo], coarse: dict[str, str], calendar: Calendar
) -> NotFoundError | InvalidValueError:
    of = f" of {', '.join(wanted.symbols)[:60]}" if wanted.symbols else ""
    nearest = nearest_words(_playable(reader, series), wanted.days, calendar)
    closed = all(calendar.session(date) is None for date in wanted.days.dates())
    if coarse and not closed:
        names = ", ".join(sorted(coarse)[:MAX_NAMED]) + (" …" if len(coarse) > MAX_NAMED else "")
        lengths = "/".join(sorted(set(coarse.values())))
        words = f"{wanted.days}{of} is held as {lengths} bars only ({names}): nobody knows the way of a price in them."
        return InvalidValueError(words, fix=f"Import ticks, second or minute bars of that day. {nearest}")
    why = " (no trading session)" if closed else ""
    return NotFoundError(f"Nothing is held of {wanted.days}{why}{of}.", fix=nearest)


def _playable(reader: HistoryReader, series: Sequence[SeriesInfo]) -> list[Playable]:
    return [Playable(tape, first, last) for tape, first, last in _tapes(reader, series)]


def day_edges(date: str, calendar: Calendar) -> tuple[int, int]:
    """A day on the exchange's own clock, from midnight to midnight; of a session at least its extended hours."""
    zone, day = ZoneInfo(calendar.zone_name), dt.date.fromisoformat(date)
    midnights = [
        round(dt.datetime.combine(day + dt.timedelta(days=k), dt.time(), zone).timestamp()) * SECOND_NS for k in (0, 1)
    ]
    session: Session | None = calendar.session(date)
    return midnights[0], max(midnights[1], session.post_close if session is not None else 0)
