"""A replay of stored days, or of a recorded session: the venue with that as its market, in a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from msgspec import structs

from stockpulse_engine.adapters.paper.launch import VenueOptions
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.bootstrap.options import StartOptions
from stockpulse_engine.venue.factory import World
from stockpulse_engine.venue.source import MarketSource

SURVEY_S = 120.0
"""How long the days of a long range may be looked through before the venue answers."""


def venue_options(
    options: StartOptions, paths: Paths, priority: Sequence[str], withholding: tuple[str, ...] = ()
) -> VenueOptions:
    """How the venue of a world is started."""
    plain = VenueOptions(
        seed=options.seed, speed=options.speed, files=options.files, at=options.at, withholding=withholding
    )
    if not options.is_replay or options.files:
        return plain
    more = ["--recordings", str(paths.recordings)]
    more += ["--history", str(paths.history), "--symbols", ",".join(options.symbols), "--priority", ",".join(priority)]
    return structs.replace(plain, module=__name__, more=tuple(more), ready_s=SURVEY_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a venue whose market is days of the store; arguments as the venue's, and where the store is."""
    from stockpulse_engine.venue.__main__ import main as serve

    parser = argparse.ArgumentParser(prog="python -m stockpulse_engine.bootstrap.storedreplay", add_help=False)
    parser.add_argument("--history", required=True, type=Path)
    parser.add_argument("--recordings", required=True, type=Path)
    parser.add_argument("--symbols", default="")
    parser.add_argument("--priority", default="")
    own, rest = parser.parse_known_args(arguments)
    symbols, priority = (tuple(word for word in text.split(",") if word) for text in (own.symbols, own.priority))
    return serve(rest, factory=partial(_open, own.history, own.recordings, symbols, priority))


def _open(
    history: Path,
    recordings: Path,
    symbols: Sequence[str],
    priority: Sequence[str],
    world: World,
    _seed: int,
    _files: Sequence[Path],
) -> MarketSource:
    from stockpulse_engine.marketdata.calendar import load_calendar
    from stockpulse_engine.storage.history.settings import HistorySettings
    from stockpulse_engine.storage.history.sources import by_priority
    from stockpulse_engine.storage.history.store import open_history
    from stockpulse_engine.venue.daterange import is_range, parse_range
    from stockpulse_engine.venue.recording.source import RecordedSource
    from stockpulse_engine.venue.replay.source import ReplaySource
    from stockpulse_engine.venue.replay.survey import Wanted, script_of_store

    calendar = load_calendar("XNYS")
    if not is_range(world.name):
        return RecordedSource(recordings / world.name, calendar)
    store = open_history(history, WallClock(), HistorySettings(priority=tuple(priority)))
    wanted = Wanted(parse_range(world.name), tuple(symbols))
    script = script_of_store(store.reader, wanted, calendar, partial(by_priority, priority=tuple(priority)))
    return ReplaySource(world.name, script, calendar)


if __name__ == "__main__":
    sys.exit(main())
