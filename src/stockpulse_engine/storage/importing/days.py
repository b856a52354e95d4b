"""Days as moments: the open and the close of a session for what keeps an exchange's hours, midnights for the rest."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import polars as pl

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.venues import calendar_of
from stockpulse_engine.storage.importing.identity import is_round_the_clock

DAY_NS = 86_400 * SECOND_NS
_HALF_HOUR_NS = 1800 * SECOND_NS
_HALF_PAST_NINE = "1985-09-30"
"""New York opened at ten until then."""
_WEEKEND = 5
_EPOCH = dt.date(1970, 1, 1)


def sessions_of(frame: pl.DataFrame) -> pl.DataFrame:
    """`open_ns` and `close_ns` of every instrument_id and date of a frame; null where there was no session."""
    pairs = frame.select("instrument_id", "date").drop_nulls().unique(maintain_order=True)
    rows = [(name, date, *session_ns(name, date)) for name, date in pairs.iter_rows()]
    schema: dict[str, Any] = {
        "instrument_id": frame.schema["instrument_id"],
        "date": pl.Date,
        "open_ns": pl.Int64,
        "close_ns": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def session_ns(instrument_id: str, date: dt.date) -> tuple[int | None, int | None]:
    """Start and end of one instrument's day; (None, None) when it was no session."""
    calendar = _calendar(instrument_id)
    if calendar is not None:
        return _session(calendar, date)
    midnight = (date - _EPOCH).days * DAY_NS
    return midnight, midnight + DAY_NS


def next_day(instrument_id: str, date: dt.date) -> dt.date:
    """The session after a date; the next date where no calendar is known."""
    calendar = _calendar(instrument_id)
    if calendar is None or not _covers(calendar, date):
        return date + dt.timedelta(days=1)
    return dt.date.fromisoformat(calendar.next_session(date.isoformat()).date)


@functools.lru_cache(maxsize=4_096)
def _calendar(instrument_id: str) -> Calendar | None:
    return None if is_round_the_clock(instrument_id) else calendar_of(instrument_id)


@functools.lru_cache(maxsize=65_536)
def _session(calendar: Calendar, date: dt.date) -> tuple[int | None, int | None]:
    if date.isoformat() < calendar.first.date:
        return _before(calendar, date)
    session = calendar.session(date.isoformat())
    return (session.open, session.close) if session is not None else (None, None)


def _covers(calendar: Calendar, date: dt.date) -> bool:
    return calendar.first.date <= date.isoformat() < calendar.last.date


def _before(calendar: Calendar, date: dt.date) -> tuple[int | None, int | None]:
    """A weekday before the calendar begins: its holidays are not known, its hours are taken for the later ones."""
    if date.weekday() >= _WEEKEND:
        return None, None
    start, end = calendar.usual_hours(date.isoformat())
    is_later = calendar.code == "XNYS" and date.isoformat() < _HALF_PAST_NINE
    return start + _HALF_HOUR_NS * is_later, end
