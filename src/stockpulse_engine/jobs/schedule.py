"""When a job is due: times tied to sessions of the exchange, or to every so many minutes of the clock. Pure."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Protocol

import msgspec

from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar

MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS


class CatchUp(Enum):
    """What becomes of runs that were due while nobody started them."""

    EACH = "each"
    """Every missed one is made up for, oldest first: each has work of its own."""
    LATEST = "latest"
    """The newest one is made up for: it does the work of those before it."""


class Due(msgspec.Struct, frozen=True):
    """One run of a job: its key, and when it was or is due (UTC nanoseconds)."""

    key: str
    at_ns: int


class Schedule(Protocol):
    """When a job is due."""

    def between(self, after_ns: int, until_ns: int) -> tuple[Due, ...]:
        """Every due time with after < at <= until, in order; at most `MAX_DUE`, the newest."""
        ...

    def latest(self, after_ns: int, until_ns: int) -> Due | None:
        """The last due time with after < at <= until."""
        ...

    def next(self, after_ns: int) -> Due:
        """The first due time after a moment."""
        ...

    def words(self) -> str:
        """How people say it: "30 min after the close"."""
        ...

    def cron(self) -> tuple[str, ...]:
        """Crontab times (five fields, local to the exchange's zone) at which a run can be due."""
        ...


MAX_DUE = 400
"""Missed runs looked back on at once: more than a year of sessions."""


class AfterClose:
    """So many minutes after each session's close, an early close included. The key is the session's date."""

    def __init__(self, calendar: Calendar, minutes: int) -> None:
        self._calendar = calendar
        self._delay = minutes * MINUTE_NS
        self._minutes = minutes

    def between(self, after_ns: int, until_ns: int) -> tuple[Due, ...]:
        """Every due time with after < at <= until, in order."""
        found: list[Due] = []
        session = self._calendar.current_or_previous(until_ns)
        while len(found) < MAX_DUE:
            at = session.close + self._delay
            if at <= after_ns:
                break
            if at <= until_ns:
                found.append(Due(session.date, at))
            if session.date == self._calendar.first.date:
                break
            session = self._calendar.previous_session(session.date)
        return tuple(reversed(found))

    def latest(self, after_ns: int, until_ns: int) -> Due | None:
        """The last due time with after < at <= until."""
        return next(reversed(self.between(after_ns, until_ns)), None)

    def next(self, after_ns: int) -> Due:
        """The first due time after a moment."""
        session = self._calendar.current_or_previous(after_ns)
        while session.close + self._delay <= after_ns:
            session = self._calendar.next_session(session.date)
        return Due(session.date, session.close + self._delay)

    def words(self) -> str:
        """How people say it."""
        return f"{self._minutes} min after the close"

    def cron(self) -> tuple[str, ...]:
        """After the usual close and after the early one; the run key makes the second one a look."""
        return tuple(_cron_line(hour, self._minutes) for hour in (13, 16))


class BeforeOpen:
    """So many minutes before each session's open. The key is the session's date."""

    def __init__(self, calendar: Calendar, minutes: int) -> None:
        self._calendar = calendar
        self._lead = minutes * MINUTE_NS
        self._minutes = minutes

    def between(self, after_ns: int, until_ns: int) -> tuple[Due, ...]:
        """Every due time with after < at <= until, in order."""
        found: list[Due] = []
        due = self.next(max(after_ns, until_ns - 2 * MAX_DUE * DAY_NS))
        while due.at_ns <= until_ns:
            found.append(due)
            due = self.next(due.at_ns)
        return tuple(found[-MAX_DUE:])

    def latest(self, after_ns: int, until_ns: int) -> Due | None:
        """The last due time with after < at <= until."""
        return next(reversed(self.between(after_ns, until_ns)), None)

    def next(self, after_ns: int) -> Due:
        """The first due time after a moment."""
        session = self._calendar.current_or_previous(after_ns)
        while session.open - self._lead <= after_ns:
            session = self._calendar.next_session(session.date)
        return Due(session.date, session.open - self._lead)

    def words(self) -> str:
        """How people say it."""
        return f"{self._minutes} min before the open"

    def cron(self) -> tuple[str, ...]:
        """Before the usual open."""
        return (_cron_line(9, 30 - self._minutes),)


class Every:
    """Every so many minutes of the clock, round the clock. The key is the time it was due, in UTC."""

    def __init__(self, minutes: int) -> None:
        if minutes < 1 or (60 % minutes and minutes % 60):
            raise ValueError("minutes must divide an hour or be whole hours")
        self._minutes = minutes
        self._step = minutes * MINUTE_NS

    def between(self, after_ns: int, until_ns: int) -> tuple[Due, ...]:
        """Every due time with after < at <= until, in order."""
        last = until_ns // self._step * self._step
        first = max(after_ns // self._step * self._step + self._step, last - (MAX_DUE - 1) * self._step)
        return tuple(self._due(at) for at in range(first, last + 1, self._step))

    def latest(self, after_ns: int, until_ns: int) -> Due | None:
        """The last due time with after < at <= until."""
        at = until_ns // self._step * self._step
        return self._due(at) if at > after_ns else None

    def next(self, after_ns: int) -> Due:
        """The first due time after a moment."""
        return self._due(after_ns // self._step * self._step + self._step)

    def words(self) -> str:
        """How people say it."""
        if self._minutes == 1:
            return "every minute"
        return "hourly" if self._minutes == 60 else f"every {self._minutes} min"  # noqa: PLR2004 - minutes of an hour

    def cron(self) -> tuple[str, ...]:
        """Whole hours, or minutes of each hour."""
        if self._minutes >= 60:  # noqa: PLR2004 - minutes of an hour
            hours = self._minutes // 60
            return ("0 * * * *" if hours == 1 else f"0 */{hours} * * *",)
        return ("* * * * *" if self._minutes == 1 else f"*/{self._minutes} * * * *",)

    def _due(self, at_ns: int) -> Due:
        stamp = dt.datetime.fromtimestamp(at_ns // SECOND_NS, tz=dt.UTC)
        return Due(stamp.strftime("%Y-%m-%dT%H:%MZ"), at_ns)


def missed(schedule: Schedule, policy: CatchUp, *, after_ns: int, now_ns: int, done: frozenset[str]) -> tuple[Due, ...]:
    """Runs to start now, oldest first: those due since `after_ns` that nobody did, as the policy wants them."""
    return tuple(one for one in wanted(schedule, policy, after_ns=after_ns, now_ns=now_ns) if one.key not in done)


def wanted(schedule: Schedule, policy: CatchUp, *, after_ns: int, now_ns: int) -> tuple[Due, ...]:
    """Runs that should have been done since `after_ns`, as the policy wants them."""
    if policy is CatchUp.EACH:
        return schedule.between(after_ns, now_ns)
    last = schedule.latest(after_ns, now_ns)
    return (last,) if last is not None else ()


def _cron_line(hour: int, minute: int) -> str:
    total = hour * 60 + minute
    return f"{total % 60} {total // 60} * * 1-5"
