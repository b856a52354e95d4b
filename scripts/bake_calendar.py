"""Bake trading sessions of an exchange into the small text file the package reads.

Needs exchange_calendars (and through it pandas), which the product itself does not: a script-time dependency.
Usage: python scripts/bake_calendar.py [CODE …]   (default: all)
"""

from __future__ import annotations

import datetime as dt
import importlib
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FIRST, LAST = dt.date(1990, 1, 1), dt.date(2030, 12, 31)


def _hours(zone: str, text: str, pause: str = "") -> dict[str, str]:
    """A header from `pre open close post`, and from the start and the end of a break."""
    pre, opening, closing, post = text.split()
    found = {"zone": zone, "pre": pre, "open": opening, "close": closing, "post": post, "half-post": post}
    return found | dict(zip(("break-start", "break-end"), pause.split(), strict=False))


HEADERS = {
    "XNYS": {
        "zone": "America/New_York",
        "pre": "04:00",
        "open": "09:30",
        "close": "16:00",
        "post": "20:00",
        "half-post": "17:00",
    },
    "XBOM": {
        "zone": "Asia/Kolkata",
        "pre": "09:00",
        "open": "09:15",
        "close": "15:30",
        "post": "16:00",
        "half-post": "16:00",
    },
    "XLON": _hours("Europe/London", "07:00 08:00 16:30 17:30"),
    "XETR": _hours("Europe/Berlin", "07:30 09:00 17:30 20:30"),
    "XPAR": _hours("Europe/Paris", "07:15 09:00 17:30 18:30"),
    "XTKS": _hours("Asia/Tokyo", "08:00 09:00 15:00 16:30", "11:30 12:30"),
    "XHKG": _hours("Asia/Hong_Kong", "09:00 09:30 16:00 16:30", "12:00 13:00"),
    "XTSE": _hours("America/Toronto", "07:00 09:30 16:00 17:00"),
}
"""Regular hours as the exchanges publish them; around them the time in which orders are taken and auctions print."""
CHANGES = {"XTKS": {dt.date(2024, 11, 5): ("09:00", "15:30")}}
"""From when on an exchange kept other hours."""
BEGIN = {"XNYS": FIRST, "XHKG": dt.date(2012, 3, 5)}
"""The first day whose hours the header tells; of others 1997, from which on the library knows their holidays."""
EXTRA = {"XBOM": (dt.date(2024, 1, 20), dt.date(2025, 2, 1))}
"""Saturday sessions that were held but that releases of the library disagree about."""
TARGET = Path(__file__).parents[1] / "src" / "stockpulse_engine" / "marketdata"


def bake(code: str) -> str:
    """The file's text: a header, then every weekday without a session and every session with other hours."""
    header = HEADERS[code]
    sessions = _sessions(code, ZoneInfo(header["zone"]))
    sessions.update(dict.fromkeys(EXTRA.get(code, ()), (header["open"], header["close"])))
    changes = CHANGES.get(code, {})
    first, last = max(FIRST, min(sessions)), min(LAST, max(sessions))
    lines = [f"# Trading sessions of {code}, made by scripts/bake_calendar.py from exchange_calendars. Do not edit."]
    lines += [f"{key} {value}" for key, value in header.items()]
    lines += [f"from {day} {opening} {closing}" for day, (opening, closing) in changes.items()]
    lines += [f"first {first}", f"last {last}"]
    for day in (first + dt.timedelta(n) for n in range((last - first).days + 1)):
        hours = sessions.get(day)
        if hours is None:
            lines += [f"closed {day}"] if day.weekday() < 5 else []
        elif hours != _usual(header, changes, day) or day.weekday() >= 5:
            lines.append(f"hours {day} {hours[0]} {hours[1]}")
    return "\n".join(lines) + "\n"


def _usual(header: dict[str, str], changes: dict[dt.date, tuple[str, str]], day: dt.date) -> tuple[str, str]:
    since = max((each for each in changes if each <= day), default=None)
    return (header["open"], header["close"]) if since is None else changes[since]


def _sessions(code: str, zone: ZoneInfo) -> dict[dt.date, tuple[str, str]]:
    library: Any = importlib.import_module("exchange_calendars")
    known_to = library.get_calendar(code).bound_max()
    end = LAST if known_to is None else min(LAST, known_to.date())
    schedule = library.get_calendar(code, start=str(BEGIN.get(code, dt.date(1997, 1, 1))), end=str(end)).schedule
    return {
        row.Index.date(): (f"{row.open.astimezone(zone):%H:%M}", f"{row.close.astimezone(zone):%H:%M}")
        for row in schedule.itertuples()
    }


def main() -> int:
    """Write one file per exchange code."""
    for code in sys.argv[1:] or list(HEADERS):
        path = TARGET / f"{code.lower()}.cal"
        path.write_text(bake(code), encoding="ascii")
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
