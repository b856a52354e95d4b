"""What of a replay's days is not held: said before the first event, each with its time and its reason."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.venue.daterange import DateRange
from stockpulse_engine.venue.replay.held import StoredTape
from stockpulse_engine.venue.replay.reference import ROUND_THE_CLOCK, instrument_of

MAX_SAID = 40
"""Sentences kept; what is beyond is counted."""
_NAMED = 6
_QUARTER_NS = 900 * SECOND_NS


class Held(NamedTuple):
    """What one tape holds of an instrument on a day; `quarters` are numbers of quarter hours with a row."""

    instrument_id: str
    date: str
    tape: StoredTape
    rows: int
    first_ns: int
    last_ns: int
    quarters: frozenset[int]


def played_words(chosen: Sequence[Held]) -> tuple[str, ...]:
    """What each instrument is played from; bars say so, because their prints are made."""
    dates: dict[tuple[str, str], list[str]] = defaultdict(list)
    for held in chosen:
        dates[held.instrument_id, held.tape.name].append(held.date)
    said = [f"{name}: {what}, {_dates(sorted(days))}" for (name, what), days in sorted(dates.items())]
    return _bounded(said)


def gap_words(
    chosen: Sequence[Held], days: DateRange, calendar: Calendar, coarse: Mapping[str, str]
) -> tuple[str, ...]:
    """Days without anything, instruments without a day, and silence inside regular hours."""
    held: dict[str, dict[str, list[Held]]] = defaultdict(lambda: defaultdict(list))
    for one in chosen:
        held[one.date][one.instrument_id].append(one)
    names = sorted({one.instrument_id for one in chosen})
    sessions = [found for date in days.dates() if (found := calendar.session(date)) is not None]
    said: list[str] = []
    for session in sessions:
        rows = held.get(session.date)
        if rows is None:
            said.append(f"{session.date}: nothing is held of any instrument; the day is passed over like a night")
        else:
            said += _of_session(session, rows, names, ZoneInfo(calendar.zone_name))
    return _bounded([*said, *_coarse_words({name: spec for name, spec in coarse.items() if name not in names})])


def _of_session(
    session: Session, rows: Mapping[str, Sequence[Held]], names: Sequence[str], zone: dt.tzinfo
) -> Iterator[str]:
    absent = [name for name in names if name not in rows and not _is_always_open(name)]
    if absent:
        more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
        yield f"{session.date}: nothing is held of {', '.join(absent[:_NAMED])}{more}"
    for name in names:
        if name in rows and not _is_always_open(name):
            touched = frozenset().union(*(one.quarters for one in rows[name]))
            for begin, end in _silences(session, touched):
                what = " or ".join(sorted({one.tape.name for one in rows[name]}))
                yield f"{session.date} {_clock(begin, zone)}–{_clock(end, zone)}: {name} has no {what}"


def _silences(session: Session, touched: frozenset[int]) -> Iterator[tuple[int, int]]:
    """Runs of quarter hours of regular trading without a row."""
    begin: int | None = None
    for at in range(session.open, session.close, _QUARTER_NS):
        is_silent = at // _QUARTER_NS not in touched
        if is_silent and begin is None:
            begin = at
        elif not is_silent and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, session.close


def _coarse_words(coarse: Mapping[str, str]) -> list[str]:
    if not coarse:
        return []
    names = ", ".join(f"{name} ({spec})" for name, spec in sorted(coarse.items())[:_NAMED])
    more = f" and {len(coarse) - _NAMED} more" if len(coarse) > _NAMED else ""
    return [f"not played, because only long bars are held: {names}{more}"]


def _bounded(said: Sequence[str]) -> tuple[str, ...]:
    if len(said) <= MAX_SAID:
        return tuple(said)
    return (*said[:MAX_SAID], f"and {len(said) - MAX_SAID} more")


def _dates(dates: Sequence[str]) -> str:
    return dates[0] if len(dates) == 1 else f"{len(dates)} days from {dates[0]} to {dates[-1]}"


def _clock(ns: int, zone: dt.tzinfo) -> str:
    return dt.datetime.fromtimestamp(ns // SECOND_NS, zone).strftime("%H:%M")


def _is_always_open(instrument_id: str) -> bool:
    return instrument_of(instrument_id).asset_class in ROUND_THE_CLOCK
