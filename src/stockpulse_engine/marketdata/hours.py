"""Which bars began outside the regular hours of their exchange."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stockpulse_engine.domain.market import Bar, BarSpec, Hours
from stockpulse_engine.marketdata.calendar import Calendar, Session


def hours_at(calendar: Calendar, start_ns: int, spec: BarSpec) -> Hours:
    """Where in its session a bar begins; regular where the calendar knows none, and for bars of whole days."""
    session = _session_of(calendar, start_ns, spec) if spec.is_intraday else None
    return _hours_in(session, start_ns) if session is not None else ""


def with_hours(bars: Sequence[Bar], calendar: Calendar | None) -> Sequence[Bar]:
    """The bars, each told whether it began before or after regular hours; neighbours mostly share their session."""
    if calendar is None or not bars or not bars[0].spec.is_intraday:
        return bars
    told: list[Bar] = []
    session: Session | None = None
    for bar in bars:
        start = bar.ts_event
        if session is None or not session.pre_open <= start < session.post_close:
            session = _session_of(calendar, start, bar.spec)
        hours = _hours_in(session, start) if session is not None else ""
        told.append(replace(bar, hours=hours) if bar.hours != hours else bar)
    return told


def _session_of(calendar: Calendar, start_ns: int, spec: BarSpec) -> Session | None:
    """The session a bar lies in: the first one may begin before the session does, as bars are cut from the open."""
    return calendar.session_at(start_ns) or calendar.session_at(start_ns + spec.duration_ns - 1)


def _hours_in(session: Session, start_ns: int) -> Hours:
    if session.open <= start_ns < session.close:
        return ""
    return "pre" if start_ns < session.open else "post"
