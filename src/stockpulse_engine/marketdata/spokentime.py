"""A moment of the past as people say it: `11:32`, `2013-10-07 11:32`, `-2d`, `yesterday close`, `fri 15:30 UTC`.

Pure: what time it is now and which days had a session is handed in. Without a zone a time is the exchange's own.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final
from zoneinfo import ZoneInfo

from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.domain.past import Moment
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.render.format import zone_label

FORMS: Final = "11:32, 2013-10-07 11:32, -5m, -2d, yesterday close, fri 15:30; a zone may follow: UTC, ET, +02:00"
MAX_TEXT: Final = 64
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600}
_BACK: Final = re.compile(r"-(?:\d{1,6}[smhdw])+")
_PART: Final = re.compile(r"(\d{1,6})([smhdw])")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_OFFSET: Final = re.compile(r"[+-](?:[01]\d):[0-5]\d")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_moment(text: str, now_ns: int, calendar: Calendar) -> Moment:
    """The moment meant.

    Args:
        text: digits alone are UTC nanoseconds, as programs say it.
        now_ns: market time now; nothing later can be meant.
        calendar: whose sessions, and whose zone where none is said.

    Raises:
        InvalidValueError: it is none, it lies ahead, or that day had no session; with the fix.
    """
    words = text.strip().lower().replace("t", " ", 1).split() if _is_iso(text) else text.strip().lower().split()
    if not words or len(text) > MAX_TEXT:
        raise InvalidValueError("No moment is named.", fix=f"Say {FORMS}.")
    at = int(words[0]) if words[0].isdigit() and len(words) == 1 else _Reader(words, now_ns, calendar, text).at()
    if at > now_ns:
        raise InvalidValueError(
            f"{say_moment(at, calendar.zone_name)} lies ahead: it is {say_moment(now_ns, calendar.zone_name)}.",
            fix="Say an earlier moment, like -5m or yesterday close.",
        )
    return Moment(at_ns=at, words=say_moment(at, calendar.zone_name))


def say_moment(at_ns: int, zone: str) -> str:
    """`Mon 7 Oct 2013 11:32:00 ET`."""
    stamp = (_EPOCH + dt.timedelta(seconds=at_ns // SECOND_NS)).astimezone(ZoneInfo(zone))
    return f"{stamp:%a} {stamp.day} {stamp:%b %Y %H:%M:%S} {zone_label(zone)}"


def _is_iso(text: str) -> bool:
    return re.match(r"\s*\d{4}-\d\d-\d\d[tT]\d", text) is not None


class _Reader:
    """One text: a day, then a time of it, then perhaps a zone."""

    def __init__(self, words: list[str], now_ns: int, calendar: Calendar, text: str) -> None:
        self._text = " ".join(text.split())[:40]
        self._calendar = calendar
        self._now_ns = now_ns
        self._zone, self._words = _zone_of(words, calendar.zone_name)

    def at(self) -> int:
        now = self._local(self._now_ns)
        words = self._words
        if len(words) == 1 and _BACK.fullmatch(words[0]):
            return self._back(now, words[0])
        day = self._day(words[0], now.date()) if words else None
        rest = words[1:] if day is not None else words
        day = day or now.date()
        if not rest:
            return self._session(day).close if words else self._refuse()
        if len(rest) > 1:
            return self._refuse()
        if rest[0] in ("open", "close"):
            session = self._session(day)
            return session.open if rest[0] == "open" else session.close
        if (clock := _CLOCK.fullmatch(rest[0])) is None:
            return self._refuse()
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return _ns(dt.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self._zone))

    def _back(self, now: dt.datetime, text: str) -> int:
        days, seconds = 0, 0
        for number, unit in _PART.findall(text):
            if unit in "dw":
                days += int(number) * (7 if unit == "w" else 1)
            else:
                seconds += int(number) * _UNIT_S[unit]
        try:  # days by the calendar: the same time of day, whatever summer time did between
            whole = _ns(now - dt.timedelta(days=days)) - seconds * SECOND_NS
        except OverflowError:
            return self._refuse()
        return whole + self._now_ns % SECOND_NS if whole > 0 else self._refuse()

    def _day(self, word: str, today: dt.date) -> dt.date | None:
        """The day a word names; None when it names none, and is a time of today."""
        if word == "today":
            return today
        if word == "yesterday":  # the session before, as a trader means it on a Monday
            return dt.date.fromisoformat(self._before(today).date)
        if word in _DAYS or word in _LONG_DAYS:
            number = (_DAYS if word in _DAYS else _LONG_DAYS).index(word)
            return today - dt.timedelta(days=(today.weekday() - number) % 7)
        try:
            return dt.date.fromisoformat(word) if len(word) == len("2013-10-07") else None
        except ValueError:
            return None

    def _before(self, day: dt.date) -> Session:
        try:
            return self._calendar.previous_session(day.isoformat())
        except NotFoundError as error:
            raise InvalidValueError(error.message, fix=error.fix) from None

    def _session(self, day: dt.date) -> Session:
        session = self._calendar.session(day.isoformat())
        if session is None:
            before = self._before(day).date
            raise InvalidValueError(
                f"{day:%a} {day.day} {day:%b %Y} had no session.", fix=f"Say a time of day, or {before} close."
            )
        return session

    def _local(self, ns: int) -> dt.datetime:
        return (_EPOCH + dt.timedelta(seconds=ns // SECOND_NS)).astimezone(self._zone)

    def _refuse(self) -> int:
        raise InvalidValueError(f"{self._text!r} is not a moment.", fix=f"Say {FORMS}.")


def _zone_of(words: list[str], own: str) -> tuple[dt.tzinfo, list[str]]:
    """The zone said last, and the words before it."""
    last = words[-1]
    clock = re.fullmatch(r"(.*\d:\d\d)(z|[+-]\d\d:\d\d)", last)
    if clock is not None:
        words, last = [*words[:-1], clock[1], clock[2]], clock[2]
    if len(words) > 1 and last in ("utc", "z", "gmt"):
        return dt.UTC, words[:-1]
    if len(words) > 1 and last == zone_label(own).lower():
        return ZoneInfo(own), words[:-1]
    if len(words) > 1 and _OFFSET.fullmatch(last):
        sign = -1 if last[0] == "-" else 1
        return dt.timezone(sign * dt.timedelta(hours=int(last[1:3]), minutes=int(last[4:6]))), words[:-1]
    return ZoneInfo(own), words


def _ns(stamp: dt.datetime) -> int:
    since = stamp.astimezone(dt.UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_NS
