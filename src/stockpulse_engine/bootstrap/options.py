"""What one start of the engine was asked for: settings, overridden by the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.marketdata.time import TIME_ZONE
from stockpulse_engine.settings import Settings

REPLAY = "replay:"


class StartOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One engine's world and how its market begins."""

    world: str
    seed: int
    speed: float
    files: tuple[Path, ...] = ()
    at: str = ""

    @property
    def is_replay(self) -> bool:
        """Whether recorded days are played."""
        return self.world.startswith(REPLAY)


def parse_options(arguments: Sequence[str], settings: Settings) -> tuple[StartOptions, bool]:
    """Read the daemon's arguments; returns the options and whether it runs in the foreground.

    Raises:
        ConfigError: a world that is none, or a replay without files.
    """
    parser = argparse.ArgumentParser(prog="stockpulse-engine", description="The StockPulse engine.")
    parser.add_argument("--world", default=settings.engine.world)
    parser.add_argument("--from", dest="files", action="append", default=[], metavar="PATH")
    parser.add_argument("--speed", type=float, default=settings.engine.speed)
    parser.add_argument("--seed", type=int, default=settings.engine.seed)
    parser.add_argument("--at", default="")
    parser.add_argument("--foreground", action="store_true")
    found = parser.parse_args(list(arguments))
    files = tuple(Path(one).expanduser().absolute() for one in found.files or settings.engine.replay_from)
    at = _moment(found.at) if found.at else ""
    options = StartOptions(world=found.world, seed=found.seed, speed=found.speed, files=files, at=at)
    _check(options)
    return options, bool(found.foreground)


def _moment(text: str) -> str:
    """A moment in ISO form with its zone; without one it is the exchange's time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at {text[:40]!r} is not a moment.", fix="Write '2013-10-07 10:00'.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(TIME_ZONE))).isoformat()


def _check(options: StartOptions) -> None:
    name = options.world.removeprefix(REPLAY)
    if options.world == "live":
        raise ConfigError(
            "The live world needs a live data provider and none is configured.", fix="Use --world sim or replay:NAME."
        )
    if options.is_replay and not options.files:
        raise ConfigError(f"{options.world} has nothing to play.", fix="Name recorded ticks or bars: --from PATH.")
    if options.is_replay and not (name and all(c.isalnum() or c in "._-" for c in name)):
        raise ConfigError(f"{name[:24]!r} is not a name.", fix="Use letters, digits, dot, dash: replay:witness.")
    if not options.is_replay and options.world != "sim":
        raise ConfigError(f"{options.world[:24]!r} is not a world.", fix="Use sim or replay:NAME.")
    for file in options.files:
        if not file.exists():
            raise ConfigError(f"{file} does not exist.", fix="Give the path of a Parquet or CSV file.")
