"""Trading sessions of an exchange: dates, hours and phases, from a small file baked into the package."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.market import SECOND_NS, MarketPhase

OPENING_AUCTION_NS = 120 * SECOND_NS
"""The opening auction collects orders this long; it prints at the open."""
CLOSING_AUCTION_NS = 10 * SECOND_NS
"""The closing auction collects orders this long; it prints just before the close."""


BAKED = ("XNYS", "XBOM", "XLON", "XETR", "XPAR", "XTKS", "XHKG", "XTSE")
_SATURDAY = 5


class Session(msgspec.Struct, frozen=True):
    """One trading session: regular hours from `open` to `close`, extended hours around them. UTC nanoseconds."""

    date: str
    pre_open: int
    open: int
    close: int
    post_close: int
    is_half_day: bool
    ordinal: int
    """Running number of the session in its calendar; stable when the calendar is extended."""
    break_start: int = 0
    """When trading stops for lunch; 0 where it does not."""
    break_end: int = 0

    def changes(self) -> tuple[tuple[int, MarketPhase], ...]:
        """When each phase of this session begins, in order, ending with CLOSED."""
        return (
            (self.pre_open, MarketPhase.PRE),
            (self.open - OPENING_AUCTION_NS, MarketPhase.OPENING_AUCTION),
            (self.open, MarketPhase.OPEN),
            (self.close - CLOSING_AUCTION_NS, MarketPhase.CLOSING_AUCTION),
            (self.close, MarketPhase.POST),
            (self.post_close, MarketPhase.CLOSED),
        )

    def phase_at(self, ns: int) -> MarketPhase:
        """The phase at `ns`; CLOSED outside this session."""
        phase = MarketPhase.CLOSED
        for start, begun in self.changes():
            if ns < start:
                break
            phase = begun
        return phase


class Calendar:
    """The sessions of one exchange between two dates, computed when asked for."""

    def __init__(self, code: str, text: str) -> None:
        """Read a baked file's text (see scripts/bake_calendar.py)."""
        header, closed, hours, usual = _parse(text)
        self.code = code
        self.zone_name = header["zone"]
        self._zone = ZoneInfo(header["zone"])
        self._header = header
        self._hours = hours
        self._usual = [("", (header["open"], header["close"])), *sorted(usual.items())]
        self._days = _session_days(header, closed, hours)
        self._ordinals = {day: ordinal for ordinal, day in enumerate(self._days)}
        self._cached = lru_cache(maxsize=4096)(self._build)

    @property
    def first(self) -> Session:
        """The earliest session known."""
        return self._cached(0)

    @property
    def last(self) -> Session:
        """The latest session known."""
        return self._cached(len(self._days) - 1)

    def __len__(self) -> int:
        """Number of sessions known."""
        return len(self._days)

    def by_ordinal(self, ordinal: int) -> Session:
        """The session with this running number; raises NotFoundError outside the calendar."""
        if not 0 <= ordinal < len(self._days):
            raise NotFoundError(
                f"The {self.code} calendar knows sessions from {self._days[0]} to {self._days[-1]} only.",
                fix="Choose a date inside, or bake a longer calendar with scripts/bake_calendar.py.",
            )
        return self._cached(ordinal)

    def session(self, date: str) -> Session | None:
        """The session of a date like `2026-03-02`; None when the exchange is closed that day."""
        ordinal = self._ordinals.get(date)
        return None if ordinal is None else self._cached(ordinal)

    def session_at(self, ns: int) -> Session | None:
        """The session `ns` lies in, extended hours included; None when closed."""
        session = self.session(self._local_date(ns))
        return session if session and session.pre_open <= ns < session.post_close else None

    def current_or_next(self, ns: int) -> Session:
        """The session `ns` lies in, or the first one after it."""
        return self.session_at(ns) or self._next_after(ns)

    def current_or_previous(self, ns: int) -> Session:
        """The latest session that had begun (extended hours) by `ns`."""
        session = self.session(self._local_date(ns))
        if session and session.pre_open <= ns:
            return session
        return self.previous_session(self._local_date(ns))

    def next_session(self, date: str) -> Session:
        """The first session after a date; raises NotFoundError beyond the calendar."""
        return self.by_ordinal(bisect_right(self._days, date))

    def previous_session(self, date: str) -> Session:
        """The last session before a date; raises NotFoundError before the calendar."""
        after = bisect_right(self._days, date)
        return self.by_ordinal(after - 1 - (date in self._ordinals))

    def phase_at(self, ns: int) -> MarketPhase:
        """The phase of the trading day at `ns`."""
        session = self.session_at(ns)
        return session.phase_at(ns) if session else MarketPhase.CLOSED

    def next_change(self, ns: int) -> tuple[int, MarketPhase]:
        """The first moment after `ns` at which the phase changes, and the phase then."""
        session = self.session_at(ns) or self._next_after(ns)
        return next(change for change in session.changes() if change[0] > ns)

    def usual_hours(self, date: str) -> tuple[int, int]:
        """Open and close of a date that has nothing special, whether there is a session or not."""
        opening, closing = self._usual_on(date)
        return self._ns(date, opening), self._ns(date, closing)

    def _usual_on(self, date: str) -> tuple[str, str]:
        return next(hours for since, hours in reversed(self._usual) if since <= date)

    def _next_after(self, ns: int) -> Session:
        date = self._local_date(ns)
        session = self.session(date)
        return session if session and ns < session.pre_open else self.next_session(date)

    def _local_date(self, ns: int) -> str:
        return dt.datetime.fromtimestamp(ns // SECOND_NS, self._zone).date().isoformat()

    def _build(self, ordinal: int) -> Session:
        day, head = self._days[ordinal], self._header
        usual = self._usual_on(day)
        opening, closing = self._hours.get(day, usual)
        is_half = closing < usual[1]
        has_break = "break-start" in head and opening < head["break-start"] and closing > head["break-end"]
        return Session(
            day,
            self._ns(day, head["pre"]),
            self._ns(day, opening),
            self._ns(day, closing),
            self._ns(day, head["half-post"] if is_half else head["post"]),
            is_half,
            ordinal,
            self._ns(day, head["break-start"]) if has_break else 0,
            self._ns(day, head["break-end"]) if has_break else 0,
        )

    def _ns(self, day: str, wall: str) -> int:
        moment = dt.datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=self._zone)
        return int(moment.timestamp()) * SECOND_NS


@lru_cache(maxsize=8)
def load_calendar(code: str = "XNYS") -> Calendar:
    """The baked calendar of an exchange (XNYS, XLON …); raises NotFoundError for others."""
    name = f"{code.lower()}.cal"
    resource = files(__package__).joinpath(name)
    if not code.isalnum() or not resource.is_file():
        raise NotFoundError(f"There is no trading calendar for {code[:12]!r}.", fix=f"Use one of {', '.join(BAKED)}.")
    return Calendar(code.upper(), resource.read_text(encoding="ascii"))


class _Parsed(NamedTuple):
    header: dict[str, str]
    closed: set[str]
    hours: dict[str, tuple[str, str]]
    """Of single days."""
    usual: dict[str, tuple[str, str]]
    """From a day on."""


def _parse(text: str) -> _Parsed:
    found = _Parsed({}, set(), {}, {})
    for line in text.splitlines():
        match line.split():
            case ["closed", day]:
                found.closed.add(day)
            case ["hours", day, opening, closing]:
                found.hours[day] = (opening, closing)
            case ["from", day, opening, closing]:
                found.usual[day] = (opening, closing)
            case [key, value] if not key.startswith("#"):
                found.header[key] = value
    return found


def _session_days(header: Mapping[str, str], closed: set[str], hours: Mapping[str, tuple[str, str]]) -> list[str]:
    first, last = dt.date.fromisoformat(header["first"]), dt.date.fromisoformat(header["last"])
    days = []
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = dt.date.fromordinal(number)
        text = day.isoformat()
        if text in hours or (day.weekday() < _SATURDAY and text not in closed):
            days.append(text)
    return days
