"""Longer bars from shorter ones, session by session, in a few passes over the columns.

Sorted bars change their bucket at few places: the buckets' edges are looked up in the bars, not the bars in the
buckets. So ten million minutes become days in less time than it takes to read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.bars import bucket_start
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.marketdata.columns import E8_MAX, BarColumns, Ints

_DAY_NS: Final = 86_400_000_000_000
_WEEK_NS: Final = 7 * _DAY_NS
_MONDAY_NS: Final = 4 * _DAY_NS
"""The epoch began on a Thursday."""


class Buckets(NamedTuple):
    """Stretches of time that become one bar each: from `begins` up to and without `ends`, named by `starts`."""

    starts: Ints
    begins: Ints
    ends: Ints


class Groups(NamedTuple):
    """Rows `low` up to and without `high` become the bar that starts at `starts`."""

    starts: Ints
    low: Ints
    high: Ints


def resample(bars: BarColumns, spec: BarSpec, calendar: Calendar | None) -> BarColumns:
    """Bars of another length from shorter ones of one instrument; the last one may lack what has not happened yet.

    Days and weeks are made of regular hours, shorter bars of all hours. Without a calendar the market never closes, and
    days begin at midnight UTC. A bar is known when the last bar in it was.

    Raises:
        InvalidValueError: `spec` is not longer than the bars, or a volume outgrows 64 bits.
    """
    require_longer(bars.spec, spec)
    if spec.unit == "w" and bars.spec.is_intraday and calendar is not None:
        bars = resample(bars, BarSpec(1, "d"), calendar)  # a week has nights in it
    if not len(bars):
        return msgspec.structs.replace(bars, spec=spec)
    found = group(bars.ts_event, buckets(spec, calendar, int(bars.ts_event[0]), int(bars.ts_event[-1])))
    merged = merge_groups(
        {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume", "known_at", "recorded_at")},
        found,
    )
    return msgspec.structs.replace(bars, spec=spec, ts_event=found.starts, raw=None, factors=None, **merged)


def require_longer(short: BarSpec, long: BarSpec) -> None:
    """Refuse what can not be made: shorter bars, or lengths that do not divide."""
    is_whole = not long.is_intraday or long.duration_ns % short.duration_ns == 0
    if (
        long.duration_ns <= short.duration_ns
        or not is_whole
        or short.unit == "w"
        or (long.unit in "dw" and long.step > 1)
    ):
        raise InvalidValueError(f"Bars of {long} can not be made of bars of {short}.", fix="Ask for a length held.")


def buckets(spec: BarSpec, calendar: Calendar | None, first_ns: int, last_ns: int) -> Buckets:
    """The buckets that bars starting from `first_ns` to `last_ns` fall into."""
    import numpy as np

    if calendar is None:
        length, offset = _endless(spec)
        first = (first_ns - offset) // length * length + offset
        starts = np.arange(first, last_ns + 1, length, dtype=np.int64)
        return Buckets(starts, starts, starts + length)
    sessions = list(sessions_between(calendar, first_ns, last_ns))
    if spec.is_intraday:
        parts = [_within(session, spec.duration_ns) for session in sessions]
        starts = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        return Buckets(starts, starts, starts + spec.duration_ns)
    if spec.unit == "w":
        return _weeks(calendar, sessions, spec)
    starts = np.array([session.open for session in sessions], dtype=np.int64)
    return Buckets(starts, starts, np.array([session.close for session in sessions], dtype=np.int64))


def group(times: Ints, wanted: Buckets) -> Groups:
    """Which of the sorted bars fall into which bucket; buckets without any are left out."""
    low, high = times.searchsorted(wanted.begins), times.searchsorted(wanted.ends)
    is_held = high > low
    return Groups(wanted.starts[is_held], low[is_held], high[is_held])


def merge_groups(columns: dict[str, Ints], groups: Groups) -> dict[str, Ints]:
    """First open, highest high, lowest low, last close, sum of volumes, latest of the times."""
    import numpy as np

    low, high = groups.low, groups.high
    if not len(low):
        return {name: column[:0] for name, column in columns.items()}
    # Pairs (low, high): every second result is a group, the others lie between groups. The end of the columns is none.
    edges = np.stack([low, high], axis=1).ravel()
    edges = edges[:-1] if edges[-1] == len(columns["close"]) else edges
    found = {"open": columns["open"][low], "close": columns["close"][high - 1]}
    for name, merge in (
        ("high", np.maximum),
        ("low", np.minimum),
        ("known_at", np.maximum),
        ("recorded_at", np.maximum),
    ):
        if name in columns:
            found[name] = merge.reduceat(columns[name], edges)[::2]
    _require_room(columns["volume"], int((high - low).max()))
    found["volume"] = np.add.reduceat(columns["volume"], edges)[::2]
    return found


def sessions_between(calendar: Calendar, first_ns: int, last_ns: int) -> Iterator[Session]:
    """Sessions that touch a time range, as far as the calendar knows them."""
    first, last = max(first_ns, calendar.first.pre_open), min(last_ns, calendar.last.post_close - 1)
    if first > last:
        return
    session = calendar.current_or_next(first)
    while session.pre_open <= last:
        yield session
        if session.ordinal == calendar.last.ordinal:
            return
        session = calendar.by_ordinal(session.ordinal + 1)


def _within(session: Session, length: int) -> Ints:
    """Starts of a session's buckets: counted from the regular open, backwards from it before."""
    import numpy as np

    before = -((session.pre_open - session.open) // length)
    return np.arange(session.open - before * length, session.post_close, length, dtype=np.int64)


def _weeks(calendar: Calendar, sessions: Sequence[Session], spec: BarSpec) -> Buckets:
    import numpy as np

    starts = [bucket_start(calendar, session.open, spec) for session in sessions]
    firsts = sorted({start for start in starts if start is not None})
    ends = [max(s.close for s, start in zip(sessions, starts, strict=True) if start == first) for first in firsts]
    found = np.array(firsts, dtype=np.int64)
    return Buckets(found, found, np.array(ends, dtype=np.int64))


def _endless(spec: BarSpec) -> tuple[int, int]:
    """Length and first start of buckets where nothing ever closes."""
    if spec.unit == "w":
        return _WEEK_NS, _MONDAY_NS
    return (_DAY_NS if spec.unit == "d" else spec.duration_ns), 0


def _require_room(volume: Ints, most: int) -> None:
    if int(volume.max()) * most > E8_MAX and float(volume.astype(float).sum()) > E8_MAX:
        raise InvalidValueError("A volume is too large for one bar.", fix="Ask for shorter bars.")
