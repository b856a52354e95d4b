"""Which market a world is made of, and how its time runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import Calendar, load_calendar
from stockpulse_engine.venue.clock import Night
from stockpulse_engine.venue.fed import FedSource
from stockpulse_engine.venue.source import DaysSource, MarketSource

BUSY_HOUR_NS = 62 * 60 * SECOND_NS
"""After the open: 10:32, when spreads have settled and volume is still high."""


class World(msgspec.Struct, frozen=True):
    """A world as its parts: `kind` sim, replay or live; `name` only for replays."""

    text: str
    kind: str
    name: str = ""


SourceFactory = Callable[[World, int, Sequence[Path]], MarketSource]
"""Makes the market of a world from its seed and files."""


def parse_world(text: str) -> World:
    """Read `sim`, `live` or `replay:NAME`; raises InvalidValueError."""
    kind, _, name = text.partition(":")
    is_name = bool(name) and all(letter.isalnum() or letter in "._-" for letter in name)
    is_known = (kind in ("sim", "live") and not name) or (kind == "replay" and is_name)
    if not is_known:
        raise InvalidValueError(f"{text[:40]!r} is not a world.", fix="Use sim, live or replay:NAME.")
    return World(text, kind, name)


def open_source(world: World, seed: int, files: Sequence[Path]) -> MarketSource:
    """Make the market of a world. Simulation and replay are imported only where they are wanted."""
    if world.kind == "sim":
        from stockpulse_engine.venue.market.market import SimulatedMarket
        from stockpulse_engine.venue.market.source import SimulatedSource

        return SimulatedSource(SimulatedMarket(seed, load_calendar()))
    if world.kind == "replay":
        from stockpulse_engine.venue.replay import ReplaySource

        return ReplaySource(world.name, files)
    return FedSource(load_calendar())


def opening_ns(world: World, source: MarketSource, wall: Clock, at: str) -> int:
    """Market time of a first start: `at` if given, else a busy hour of the latest session, else the source's start."""
    if at:
        return parse_moment(at)
    if world.kind == "live":
        return wall.now_ns()
    if world.kind == "replay":
        return _before_the_open(source) if isinstance(source, DaysSource) else source.first_ns
    today = wall.now_ns()
    return load_calendar().current_or_previous(today).open + BUSY_HOUR_NS


def _before_the_open(source: MarketSource) -> int:
    """A minute before the first recorded open, so that the opening auction is seen and nobody waits hours for it."""
    session = load_calendar().current_or_next(source.first_ns)
    start = session.open - 60 * SECOND_NS
    is_inside = start >= source.first_ns and (source.last_ns is None or start < source.last_ns)
    return start if is_inside else source.first_ns


def parse_moment(text: str) -> int:
    """Read UTC nanoseconds, or an ISO time with its zone (`2026-03-02T10:32:00-05:00`); raises InvalidValueError."""
    if text.isdigit():
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime.min  # noqa: DTZ901 - without a zone it is refused below
    if moment.tzinfo is None:
        raise InvalidValueError(f"{text[:40]!r} is not a moment.", fix="Write 2026-03-02T10:32:00-05:00.")
    return int(moment.timestamp()) * SECOND_NS


def night_of(calendar: Calendar) -> Night:
    """Stretches without trading of an exchange: from the end of extended hours to the next pre-market."""

    def end_of_night(ns: int) -> int | None:
        if calendar.session_at(ns) is not None:
            return None
        return calendar.current_or_next(ns).pre_open

    return end_of_night
