"""What is held of a bar series and what the exchange's calendar misses in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from stockpulse_engine.domain.market import BarSpec
from stockpulse_engine.marketdata.bars import bucket_start
from stockpulse_engine.marketdata.calendar import Calendar, Session
from stockpulse_engine.marketdata.columns import Ints
from stockpulse_engine.marketdata.history import AsOf, Coverage, Gap, HistoryReader, SeriesInfo
from stockpulse_engine.marketdata.resample import sessions_between


def covered(series: SeriesInfo, spec: BarSpec, starts: Ints, calendar: Calendar | None, quiet: int) -> Coverage:
    """Compare the starts held (sorted) with the ones the calendar expects between the first and the last of them."""
    gaps: tuple[Gap, ...] = ()
    if spec.unit in "dw" and spec.step > 1:  # bars of several days begin where their maker began to count
        calendar = None
    if calendar is not None and len(starts):
        gaps = tuple(_gaps(spec, starts, calendar, quiet))
    return Coverage(
        series=series,
        bars=len(starts),
        gaps=gaps,
        missing=sum(gap.missing for gap in gaps),
        calendar=calendar.code if calendar is not None else "",
    )


def coverages(
    reader: HistoryReader,
    listed: Iterable[SeriesInfo],
    spec: BarSpec,
    calendar: Calendar | None,
    span: tuple[AsOf, int],
) -> tuple[Coverage, ...]:
    """One entry for each series, of the bars a reader has of it.

    Args:
        reader: whoever is asked for the bars.
        listed: series of one instrument and this length.
        spec: the bars' length.
        calendar: what they are held against, None where none is known.
        span: as of when, and how many missing bars in a row are a gap.
    """
    as_of, quiet = span
    found = []
    for series in listed:
        held = reader.bars(series.instrument_id, spec, as_of=as_of, source=series.source)
        found.append(covered(series, spec, held.ts_event, calendar, quiet))
    return tuple(found)


def expected_starts(calendar: Calendar, spec: BarSpec, first_ns: int, last_ns: int) -> tuple[Ints, Ints]:
    """Starts of the bars of regular hours from `first_ns` to `last_ns`, and for each the number of its session."""
    starts: list[Ints] = []
    numbers: list[Ints] = []
    for session in sessions_between(calendar, first_ns, last_ns):
        found = _starts_of(calendar, session, spec)
        starts.append(found)
        numbers.append(np.full(len(found), session.ordinal, dtype=np.int64))
    if not starts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    times, sessions = np.concatenate(starts), np.concatenate(numbers)
    inside = (times >= first_ns) & (times <= last_ns)
    return times[inside], sessions[inside]


def _gaps(spec: BarSpec, starts: Ints, calendar: Calendar, quiet: int) -> Iterator[Gap]:
    times, sessions = expected_starts(calendar, spec, int(starts[0]), int(starts[-1]))
    is_missing = ~np.isin(times, starts)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_missing.astype(np.int8), [0]))))
    whole = _whole_sessions(is_missing, sessions)
    for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if not spec.is_intraday or high - low >= quiet or whole & set(sessions[low:high].tolist()):
            yield Gap(int(times[low]), int(times[high - 1]), high - low)


def _whole_sessions(is_missing: np.ndarray, sessions: Ints) -> set[int]:
    """Sessions of which nothing is held."""
    held = set(sessions[~is_missing].tolist())
    return set(sessions.tolist()) - held


def _starts_of(calendar: Calendar, session: Session, spec: BarSpec) -> Ints:
    if spec.is_intraday:
        found = np.arange(session.open, session.close, spec.duration_ns, dtype=np.int64)
        return found[(found < session.break_start) | (found + spec.duration_ns > session.break_end)]
    if spec.unit == "w" and bucket_start(calendar, session.open, spec) != session.open:
        return np.zeros(0, dtype=np.int64)
    return np.array([session.open], dtype=np.int64)
