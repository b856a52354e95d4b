"""What of the recordings is played and what is history: decided once, before the first event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.venue.replay.files import Recording, Span, find_files, open_recording
from stockpulse_engine.venue.replay.kinds import Kind
from stockpulse_engine.venue.replay.tape import Tape

LONGEST_PLAYED_NS = 60 * SECOND_NS
"""Longer bars tell too little to be played; they serve as history."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one recording that are played on one day: those of `symbols`."""

    recording: Tape
    date: str
    symbols: tuple[str, ...]
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Days to play with their parts. `symbols` is everything played."""

    parts: dict[str, tuple[Part, ...]]
    symbols: tuple[str, ...]

    @property
    def dates(self) -> tuple[str, ...]:
        """Days with something to play, in order."""
        return tuple(sorted(self.parts))


def make_plan(paths: Sequence[Path], zone: str) -> tuple[Plan, tuple[Recording, ...]]:
    """Open the recordings and decide; returns the plan and the recordings that serve as history.

    Days of ticks are played; minute and second bars fill in for what has no ticks on those days. Without any ticks
    the bars' own days are played. Everything else that tells prices is history.

    Raises:
        InvalidValueError: a file is not understood, or nothing can be played.
        NotFoundError: a path leads nowhere.
    """
    recordings = [open_recording(path, zone) for path in find_files(paths)]
    playable = [each for each in recordings if each.kind is not Kind.DAYS and each.step_ns <= LONGEST_PLAYED_NS]
    ticks = [each for each in playable if each.kind.is_ticks]
    dates = {span.date for each in ticks or playable for span in each.spans}
    if not dates:
        names = ", ".join(each.path.name for each in recordings[:3])
        raise InvalidValueError(
            f"{names}: daily and longer bars alone can not be played.", fix="Add ticks, second bars or minute bars."
        )
    parts: dict[str, list[Part]] = defaultdict(list)
    taken: dict[tuple[str, str, bool], Recording] = {}
    for each in sorted(playable, key=lambda each: each.step_ns):
        for date, spans in _by_date(each, dates).items():
            free = [span for span in spans if _take(taken, each, span)]
            if free:
                parts[date].append(_part(each, date, free))
    symbols = sorted({symbol for day in parts.values() for part in day for symbol in part.symbols})
    history = tuple(each for each in recordings if each.kind in (Kind.BARS, Kind.DAYS))
    return Plan({date: tuple(day) for date, day in parts.items()}, tuple(symbols)), history


def _take(taken: dict[tuple[str, str, bool], Recording], recording: Recording, span: Span) -> bool:
    """Whether the recording plays the prints (or quotes) of a symbol's day: the finest one does."""
    key = (span.symbol, span.date, recording.kind.has_prints)
    other = taken.setdefault(key, recording)
    if other is not recording and recording.kind.is_ticks:
        raise InvalidValueError(
            f"{other.path.name} and {recording.path.name} both hold {span.symbol} on {span.date}.",
            fix="Name one of them.",
        )
    return other is recording


def _by_date(recording: Recording, dates: set[str]) -> dict[str, list[Span]]:
    out: dict[str, list[Span]] = defaultdict(list)
    for span in recording.spans:
        if span.date in dates:
            out[span.date].append(span)
    return out


def _part(recording: Recording, date: str, spans: Sequence[Span]) -> Part:
    last = max(span.last_ns for span in spans) + max(recording.step_ns - 1, 0)
    symbols = tuple(sorted(span.symbol for span in spans))
    return Part(recording, date, symbols, min(span.first_ns for span in spans), last)
