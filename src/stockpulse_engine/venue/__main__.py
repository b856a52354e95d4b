"""`python -m stockpulse_engine.venue`: the paper exchange as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.base.lock import LockHeldError, acquire_lock
from stockpulse_engine.base.logs import configure_logs, get_logger
from stockpulse_engine.base.paths import Paths, ensure_private
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.market import SECOND_NS
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.clock import MarketTime, WallTime
from stockpulse_engine.venue.exchange import Exchange, Time
from stockpulse_engine.venue.factory import SourceFactory, World, night_of, open_source, opening_ns, parse_world
from stockpulse_engine.venue.fees import FREE, FeeSchedule
from stockpulse_engine.venue.matching import MILLISECOND_NS, Rules
from stockpulse_engine.venue.server import Server, ServerSettings
from stockpulse_engine.venue.source import DaysSource, MarketSource
from stockpulse_engine.venue.store import Identity, VenueStore
from stockpulse_engine.venue.withholding import Withholding

LIVE_SILENCE_NS = 5 * SECOND_NS
LIVE_QUOTE_AGE_NS = 60 * SECOND_NS
HELD_EXIT = 75
"""Another venue holds the directory (EX_TEMPFAIL): not an error of ours, that one will answer."""

_log = get_logger("venue")


def main(arguments: Sequence[str] | None = None, *, factory: SourceFactory = open_source) -> int:
    """Run one venue until it ends; returns the exit code (0 ended in order, 75 another one holds the directory)."""
    options = _parser().parse_args(arguments)
    wall = WallClock()
    home: Path = ensure_private(options.dir)
    configure_logs(Paths(home, home, home, home), name="venue")
    try:
        with acquire_lock(home / "venue.lock", wall):
            return _serve(options, factory, wall)
    except LockHeldError as error:
        sys.stderr.write(f"A venue is running already: {error}\n")
        return HELD_EXIT
    except StockPulseError as error:
        _log.exception("failed", error)
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _serve(options: argparse.Namespace, factory: SourceFactory, wall: Clock) -> int:
    world = parse_world(options.world)
    source = factory(world, options.seed, options.files)
    store = VenueStore(options.dir / "venue.db", Identity(options.world, options.seed), new_id()[-5:])
    try:
        exchange = _open_exchange(options, world, source, store, wall)
        server = Server(exchange, options.socket, wall, ServerSettings(idle_exit_s=options.idle_exit))
        asyncio.run(_run(server))
        exchange.commit(is_forced=True)
        if exchange.recorder is not None:
            exchange.recorder.close()
    finally:
        store.close()
    return 0


async def _run(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.run()


def _open_exchange(
    options: argparse.Namespace, world: World, source: MarketSource, store: VenueStore, wall: Clock
) -> Exchange:
    is_live = world.kind == "live"
    rules = Rules(
        latency_ns=round(options.latency_ms * MILLISECOND_NS),
        feed_silence_ns=LIVE_SILENCE_NS if is_live else 0,
        quote_age_ns=LIVE_QUOTE_AGE_NS if is_live else 0,
        needs_book=not is_live,
    )
    identity = Identity(options.world, options.seed)
    fees = FREE if options.no_fees else FeeSchedule()
    exchange = Exchange(identity, source, store, rules=rules, fees=fees, tax=Withholding(options.withholding))
    start = 0 if is_live else store.market_ns
    start = start or opening_ns(world, source, wall, options.at)
    exchange.open(start, _time_of(options, world, source, start, wall), wall)
    return exchange


def _time_of(options: argparse.Namespace, world: World, source: MarketSource, start: int, wall: Clock) -> Time:
    if world.kind == "live":
        return WallTime(wall, source.session_date)
    return MarketTime(
        wall,
        start,
        speed=options.speed,
        night=source.end_of_night if isinstance(source, DaysSource) else night_of(load_calendar()),
        session_of=source.session_date,
        last_ns=source.last_ns,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stockpulse_engine.venue", description="The paper exchange.")
    parser.add_argument("--world", required=True, help="sim, live or replay:NAME")
    parser.add_argument("--dir", required=True, type=Path, help="directory of the venue's own store")
    parser.add_argument("--socket", required=True, type=Path, help="Unix socket to serve")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulated market")
    parser.add_argument("--speed", type=float, default=1.0, help="market time per wall time, 0.1 to 1000")
    parser.add_argument("--from", dest="files", nargs="*", type=Path, default=[], help="files of a replay")
    parser.add_argument("--at", default="", help="moment of a first start: UTC ns, or ISO with its zone")
    parser.add_argument("--latency-ms", type=float, default=5.0, help="market time an order travels")
    parser.add_argument("--no-fees", action="store_true", help="charge nothing")
    parser.add_argument("--withholding", nargs="*", default=[], help="tax on dividends: US=0.15, main/US=0.30")
    parser.add_argument("--idle-exit", type=float, default=3600.0, help="end after so many seconds without a client")
    return parser


if __name__ == "__main__":
    sys.exit(main())
