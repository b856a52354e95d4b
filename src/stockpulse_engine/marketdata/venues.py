"""Which exchange's sessions an instrument keeps, by the venue in its name."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.marketdata.calendar import Calendar, load_calendar

CALENDARS: Final = {
    **dict.fromkeys(("XNYS", "XNAS", "ARCX", "XASE", "BATS", "IEXG", "XCBO", "EDGX", "EDGA", "XNMS", "XNGS"), "XNYS"),
    **dict.fromkeys(("XBOM", "XNSE"), "XBOM"),
    **{code: code for code in ("XLON", "XETR", "XPAR", "XTKS", "XHKG")},
    **dict.fromkeys(("XTSE", "XTSX"), "XTSE"),
}
"""Listing venue → whose sessions it keeps."""


def calendar_of(instrument_id: str) -> Calendar | None:
    """The calendar of an instrument's venue; None where none is known: other countries, what trades round the clock."""
    code = CALENDARS.get(instrument_id.rsplit(".", 1)[-1])
    return load_calendar(code) if code else None
