"""Bake trading sessions of an exchange into the small text file the package reads.

Needs exchange_calendars (and through it pandas), which the product itself does not: a script-time dependency.
Usage: python scripts/bake_calendar.py [CODE …]   (default: XNYS XBOM)
"""

from __future__ import annotations

import datetime as dt
import importlib
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FIRST, LAST = dt.date(1990, 1, 1), dt.date(2030, 12, 31)
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
}
EXTRA = {"XBOM": (dt.date(2024, 1, 20), dt.date(2025, 2, 1))}
"""Saturday sessions that were held but that releases of the library disagree about."""
TARGET = Path(__file__).parents[1] / "src" / "stockpulse_engine" / "marketdata"


def bake(code: str) -> str:
    """The file's text: a header, then every weekday without a session and every session with other hours."""
    header = HEADERS[code]
    sessions = _sessions(code, ZoneInfo(header["zone"]))
    sessions.update(dict.fromkeys(EXTRA.get(code, ()), (header["open"], header["close"])))
    first, last = max(FIRST, min(sessions)), min(LAST, max(sessions))
    lines = [f"# Trading sessions of {code}, made by scripts/bake_calendar.py from exchange_calendars. Do not edit."]
    lines += [f"{key} {value}" for key, value in header.items()]
    lines += [f"first {first}", f"last {last}"]
    for day in (first + dt.timedelta(n) for n in range((last - first).days + 1)):
        hours = sessions.get(day)
        if hours is None:
            lines += [f"closed {day}"] if day.weekday() < 5 else []
        elif hours != (header["open"], header["close"]) or day.weekday() >= 5:
            lines.append(f"hours {day} {hours[0]} {hours[1]}")
    return "\n".join(lines) + "\n"


def _sessions(code: str, zone: ZoneInfo) -> dict[dt.date, tuple[str, str]]:
    library: Any = importlib.import_module("exchange_calendars")
    known_to = library.get_calendar(code).bound_max()
    end = LAST if known_to is None else min(LAST, known_to.date())
    schedule = library.get_calendar(
        code, start=str(FIRST if code == "XNYS" else dt.date(1997, 1, 1)), end=str(end)
    ).schedule
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
