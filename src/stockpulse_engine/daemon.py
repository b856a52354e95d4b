"""`python -m stockpulse_engine.daemon`: the engine's process, from its lock to its last line."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.logs import configure_logs, get_logger
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.bootstrap.engine import Engine
from stockpulse_engine.bootstrap.offline import hold_home, migrate_home
from stockpulse_engine.bootstrap.options import StartOptions, parse_options, put_back, read_memory
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.settings import Settings, load_settings

_log = get_logger("daemon")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine of this home until it is stopped; returns the exit code."""
    os.umask(0o077)
    paths = resolve_paths()
    clock = WallClock()
    try:
        settings = load_settings(paths, os.environ)
        for directory in (paths.state, paths.data, paths.runtime):
            ensure_private(directory)
        words = sys.argv[1:] if arguments is None else arguments
        before = read_memory(paths.last_start)
        options, is_foreground = parse_options(words, settings, paths.last_start, paths.recordings)
        with hold_home(paths, clock):
            configure_logs(paths, is_foreground, settings=settings.log)
            migrate_home(paths, clock, lambda step: _log.info("migrating", step=step))
            _log.info("starting", world=options.world, pid=os.getpid())
            _run(paths, settings, options, clock, before)
    except StockPulseError as error:
        _log.exception("failed", error)
        sys.stderr.write(f"{error.title}: {error}\n")
        return error.exit_code
    return 0


def calm_collector() -> None:
    """Let the garbage collector look less often: what an engine makes by the thousand are values without cycles."""
    gc.freeze()  # what is loaded stays loaded: out of its sight
    gc.set_threshold(20_000, 20, 20)


def _run(paths: Paths, settings: Settings, options: StartOptions, clock: WallClock, before: bytes | None) -> None:
    import uvloop

    async def serve() -> None:
        engine = Engine(paths, settings, options, clock)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, engine.system.stop_asked.set)
        try:
            await engine.run()
        except StockPulseError:
            if not engine.was_ready:  # like days that are not held: the home stays in the world it was in
                put_back(paths.last_start, before)
            raise

    calm_collector()
    uvloop.run(serve())


if __name__ == "__main__":
    sys.exit(main())
