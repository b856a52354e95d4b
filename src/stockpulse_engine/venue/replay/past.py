"""Bars from before what is played, and of whole days: from the files given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.venue.cut import MINUTE_NS, BarColumns, concatenate
from stockpulse_engine.venue.replay.files import Recording
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.rows import Ints, numbers
from stockpulse_engine.venue.replay.track import SCALE

MINUTE_SESSIONS = 20
"""Past days for which minute bars are served."""
DAILY_SESSIONS = 2_520
"""Past days for which daily bars are served: ten years."""


class Past(Protocol):
    """Where older bars come from. Prices and volumes are whole numbers of 1e-8."""

    def minutes(self, key: str) -> BarColumns:
        """Minute bars of days before the first one played."""
        ...

    def days(self, key: str) -> BarColumns:
        """Daily bars, each known from its session's close on."""
        ...


class FilePast:
    """Older bars of recordings."""

    def __init__(self, recordings: Sequence[Recording], calendar: Calendar, first_date: str) -> None:
        self._recordings = recordings
        self._calendar = calendar
        self._first_date = first_date

    def minutes(self, symbol: str) -> BarColumns:
        """Minute bars of days before the first one played."""
        parts = []
        for recording in self._recordings:
            if recording.kind is Kind.BARS and recording.step_ns == MINUTE_NS and symbol in recording.symbols:
                spans = [span for span in recording.spans if span.symbol == symbol and span.date < self._first_date]
                for span in spans[-MINUTE_SESSIONS:]:
                    frame = recording.between(span.first_ns, span.last_ns + 1, [symbol])
                    rows = _whole_rows([numbers(frame, name) for name in ("open", "high", "low", "close", "volume")])
                    ts = frame["ts"].to_numpy()
                    good = rows[3] > 0
                    parts.append(BarColumns(ts[good], ts[good] + MINUTE_NS, *rows[:, good]))
        return concatenate(parts)

    def days(self, symbol: str) -> BarColumns:
        """Daily bars, each known from its session's close on. Days the exchange was shut are left out."""
        parts = []
        for recording in self._recordings:
            if recording.kind is Kind.DAYS and symbol in recording.symbols:
                frame = recording.days(symbol)
                sessions = [self._calendar.session(date) for date in frame["date"].to_list()]
                rows = _whole_rows([numbers(frame, name) for name in ("open", "high", "low", "close", "volume")])
                good = np.array([session is not None for session in sessions], bool) & (rows[2] > 0)
                ts = np.array([session.open if session else 0 for session in sessions], np.int64)[good]
                ends = np.array([session.close if session else 0 for session in sessions], np.int64)[good]
                parts.append(BarColumns(ts, ends, *rows[:, good]).take(slice(-DAILY_SESSIONS, None)))
        return concatenate(parts[:1])


def _whole_rows(columns: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> Ints:
    """Rows of whole numbers of 1e-8; what is not a number becomes 0."""
    rows: Ints = np.rint(np.nan_to_num(np.stack(columns), posinf=0.0, neginf=0.0) * SCALE).astype(np.int64)
    return rows
