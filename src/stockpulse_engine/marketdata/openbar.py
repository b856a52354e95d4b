"""The bar that was open at a moment, as it stood: made of what was known in it by then."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stockpulse_engine.domain.market import Bar, BarSpec
from stockpulse_engine.marketdata.bars import bucket_start
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.marketdata.resample import buckets


def open_bucket(spec: BarSpec, calendar: Calendar | None, at_ns: int) -> tuple[int, int] | None:
    """Start and end of the bar that runs at a moment; None while none does: closed, or after the regular hours."""
    if calendar is not None and bucket_start(calendar, at_ns, spec) is None:
        return None
    found = buckets(spec, calendar, at_ns, at_ns)
    held = [(int(a), int(b)) for a, b in zip(found.starts, found.ends, strict=True) if a <= at_ns < b]
    if not held:
        return None
    if spec.unit == "w" and calendar is not None:  # the sessions looked at end today, the week does not
        return held[-1][0], at_ns + 1
    return held[-1]


def merged(parts: Sequence[Bar], spec: BarSpec, start_ns: int) -> Bar | None:
    """One open bar of shorter ones in order, all inside it; None without any."""
    if not parts:
        return None
    first, last = parts[0], parts[-1]
    return Bar(
        first.instrument_id,
        spec,
        start_ns,
        first.open,
        max(one.high for one in parts),
        min(one.low for one in parts),
        last.close,
        sum((one.volume for one in parts), start=first.volume * 0),
        max(one.known_at for one in parts),
        True,
        last.source,
        first.hours,
    )


def with_open(bars: Sequence[Bar], opened: Bar | None) -> list[Bar]:
    """The bars, the open one last; it replaces what was made of fewer parts."""
    if opened is None:
        return list(bars)
    before = [one for one in bars if one.ts_event < opened.ts_event]
    return [*before, opened]


def as_open(bars: Sequence[Bar], bucket: tuple[int, int] | None) -> list[Bar]:
    """The bars, the last one marked open when it is the one that runs."""
    found = list(bars)
    if found and bucket is not None and found[-1].ts_event == bucket[0]:
        found[-1] = replace(found[-1], is_open=True)
    return found


def regular(parts: Sequence[Bar], spec: BarSpec, calendar: Calendar | None) -> Sequence[Bar]:
    """The parts that count: days and weeks are made of regular hours."""
    if spec.is_intraday or calendar is None:
        return parts
    found = []
    for one in parts:
        session = calendar.session_at(one.ts_event)
        if session is not None and session.open <= one.ts_event < session.close:
            found.append(one)
    return found
