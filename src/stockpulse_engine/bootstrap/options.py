"""What one start of the engine was asked for: settings, overridden by the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.domain.errors import ConfigError, InvalidValueError
from stockpulse_engine.marketdata.settings import MarketSettings
from stockpulse_engine.marketdata.time import TIME_ZONE
from stockpulse_engine.settings import Settings
from stockpulse_engine.venue.daterange import is_range, parse_range

REPLAY = "replay:"
LIVE = "live"
MAX_SYMBOLS, MAX_SYMBOL = 500, 40


class StartOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One engine's world and how its market begins."""

    world: str
    seed: int
    speed: float
    files: tuple[Path, ...] = ()
    at: str = ""
    symbols: tuple[str, ...] = ()
    """What is played of stored days; empty: everything held."""

    @property
    def is_stored(self) -> bool:
        """Whether days of the store are played: a replay named by its days, without files."""
        return self.is_replay and not self.files and is_range(self.world.removeprefix(REPLAY))

    @property
    def is_replay(self) -> bool:
        """Whether recorded days are played."""
        return self.world.startswith(REPLAY)

    @property
    def is_live(self) -> bool:
        """Whether the market is the one outside."""
        return self.world == LIVE


class LastStart(msgspec.Struct, frozen=True):
    """The world a home was last told to be in: it comes back there after a stop or a crash."""

    world: str
    seed: int
    speed: float
    files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


def parse_options(
    arguments: Sequence[str], settings: Settings, memory: Path, recordings: Path | None = None
) -> tuple[StartOptions, bool]:
    """Read the daemon's arguments; returns the options and whether it runs in the foreground.

    What was said wins; what was left out is as at the last start that named a world (kept in `memory`), else as
    configured. Moving to another world starts from the configuration again. `recordings` is the directory of recorded
    sessions: a replay without files that is called like one plays it.

    Raises:
        ConfigError: a world that is none, or a replay without files.
    """
    found = _parser().parse_args(list(arguments))
    last = _recall(memory)
    configured = LastStart(
        settings.engine.world, settings.engine.seed, settings.engine.speed, settings.engine.replay_from
    )
    base = last if last is not None and found.world in (None, last.world) else configured
    files = tuple(Path(one).expanduser().absolute() for one in found.files or base.files)
    options = StartOptions(
        world=found.world or base.world,
        seed=base.seed if found.seed is None else found.seed,
        speed=base.speed if found.speed is None else found.speed,
        files=files,
        at=_moment(found.at) if found.at else "",
        symbols=_symbols(found.symbols) or base.symbols,
    )
    _check(options, settings.market, recordings)
    if found.world:
        kept = LastStart(options.world, options.seed, options.speed, tuple(map(str, files)), options.symbols)
        atomic_write(memory, msgspec.json.encode(kept))
    return options, bool(found.foreground)


def read_memory(memory: Path) -> bytes | None:
    """What is remembered now, to be put back when the world asked for can not be started."""
    return memory.read_bytes() if memory.is_file() else None


def put_back(memory: Path, before: bytes | None) -> None:
    """Forget a world that was never there: the next start is as if it had not been asked for."""
    if before is None:
        memory.unlink(missing_ok=True)
    elif memory.read_bytes() != before:
        atomic_write(memory, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stockpulse-engine", description="The StockPulse engine.")
    parser.add_argument("--world")
    parser.add_argument("--from", dest="files", action="append", default=[], metavar="PATH")
    parser.add_argument("--speed", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--at", default="")
    parser.add_argument("--symbols", default="")
    parser.add_argument("--foreground", action="store_true")
    return parser


def _recall(memory: Path) -> LastStart | None:
    """The last start; a file that can not be read is as good as none."""
    try:
        return msgspec.json.decode(memory.read_bytes(), type=LastStart)
    except (OSError, msgspec.DecodeError):
        return None


def _moment(text: str) -> str:
    """A moment in ISO form with its zone; without one it is the exchange's time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at {text[:40]!r} is not a moment.", fix="Write '2013-10-07 10:00'.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(TIME_ZONE))).isoformat()


def _require_days(name: str) -> None:
    try:
        parse_range(name)
    except InvalidValueError as error:
        raise ConfigError(error.message, fix=error.fix) from None


def _symbols(text: str) -> tuple[str, ...]:
    """`AAPL,SPY` as symbols."""
    found = tuple(dict.fromkeys(word.strip().upper() for word in text.replace(" ", ",").split(",") if word.strip()))
    if len(found) > MAX_SYMBOLS or any(len(word) > MAX_SYMBOL for word in found):
        raise ConfigError(f"--symbols takes at most {MAX_SYMBOLS} symbols.", fix="Write --symbols AAPL,SPY.")
    return found


def _is_recorded(name: str, recordings: Path | None) -> bool:
    return recordings is not None and bool(name.strip(".")) and (recordings / name).is_dir()


def _check(options: StartOptions, market: MarketSettings, recordings: Path | None) -> None:
    name = options.world.removeprefix(REPLAY)
    if options.is_live and not (market.yahoo and market.symbols):
        raise ConfigError(
            "The live world needs a live data provider and none is configured.",
            fix="Set market.yahoo = true and market.symbols, or use --world sim or replay:NAME.",
        )
    if options.is_stored:
        _require_days(name)
    elif options.is_replay and not options.files and not _is_recorded(name, recordings):
        fix = "Name files (--from PATH), days of the store (replay:2013-10-07) or a session of sp record list."
        raise ConfigError(f"{options.world} has nothing to play.", fix=fix)
    if options.symbols and not options.is_stored:
        raise ConfigError("--symbols chooses among stored days.", fix="Use it with --world replay:2013-10-07.")
    if options.is_replay and not (name and all(c.isalnum() or c in "._-" for c in name)):
        raise ConfigError(f"{name[:24]!r} is not a name.", fix="Use letters, digits, dot, dash: replay:witness.")
    if not options.is_replay and options.world not in ("sim", LIVE):
        raise ConfigError(f"{options.world[:24]!r} is not a world.", fix="Use sim, live or replay:NAME.")
    for file in options.files:
        if not file.exists():
            raise ConfigError(
                f"{file} does not exist.",
                fix="Give the path of a Parquet or CSV file with --from, or start --world sim.",
            )
