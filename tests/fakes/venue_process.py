"""A real venue process on a scripted market, for tests that need the process and not only its parts."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from stockpulse_engine.adapters.paper import PaperBroker, PaperMarket
from stockpulse_engine.adapters.paper.launch import VenueOptions, ensure_venue
from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, Quote, Trade
from stockpulse_engine.marketdata.calendar import load_calendar
from tests.fakes.scripted_source import Script, save_script

ROOT = Path(__file__).resolve().parents[2]
ACME = "ACME.XNAS"
MINUTE_NS = 60 * 1_000_000_000
ACT_NS = 3 * MINUTE_NS
"""Acts are minutes apart, so that nothing happens by itself during a test at real speed."""
ACTS = 100
WORLD = "replay:script"
MAX_LOOKS = 2000


def swinging_script() -> Script:
    """100.00 × 500 at 100.02 × 500; each act prints far below and far above, then the quote is back."""
    session = load_calendar().session("2024-03-04")
    assert session is not None
    start = session.open + MINUTE_NS
    acme = Instrument(
        instrument_id=ACME,
        name="Acme",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
    )
    events: list[MarketEvent] = [
        InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=False, ts_event=session.open),
        _quote(start, 500),
        Trade(ACME, Decimal("100.01"), Decimal(100), start),
    ]
    for act in range(1, ACTS + 1):
        at = start + act * ACT_NS
        events += [
            Trade(ACME, Decimal("99.50"), Decimal(9000), at, "S"),
            Trade(ACME, Decimal("100.50"), Decimal(9000), at + 1, "B"),
            _quote(at + 2, 500 + act),
        ]
    return Script((acme,), tuple(events), session.close - MINUTE_NS)


@dataclass
class VenueProcess:
    """Handles of one running venue."""

    paths: Paths
    script: Path
    pid: int = 0

    @property
    def socket(self) -> Path:
        """Where it answers."""
        return self.paths.venue_socket(WORLD)

    @property
    def directory(self) -> Path:
        """Where its store lies."""
        return self.paths.venue(WORLD)

    def options(self, *, seed: int = 1) -> VenueOptions:
        """How it is started."""
        session = load_calendar().session("2024-03-04")
        assert session is not None
        return VenueOptions(
            seed=seed,
            files=(self.script,),
            at=str(session.open + 2 * MINUTE_NS),
            idle_exit_s=60.0,
            module="tests.fakes.scripted_venue",
        )

    async def start(self) -> int:
        """Start it unless it runs; returns its pid."""
        os.environ["PYTHONPATH"] = str(ROOT)  # the child finds the scripted market in our tests
        self.pid = await ensure_venue(self.paths, WORLD, self.options())
        return self.pid

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        _end(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end in order, and wait until it did."""
        _end(self.pid, signal.SIGTERM)

    def broker(self) -> PaperBroker:
        """An adapter for it."""
        return PaperBroker(self.socket, WallClock())

    def market(self) -> PaperMarket:
        """A market link to it."""
        return PaperMarket(self.socket, WallClock())

    async def swing(self) -> None:
        """Play exactly one act, then let time run at its own speed again."""
        market = self.market()
        await market.connect()
        before = await market.pause()
        await market.step(ACT_NS)
        for _ in range(MAX_LOOKS):
            clock = await market.fetch_clock()
            if clock.market_ns >= before.market_ns + ACT_NS:
                break
        await market.resume()
        await market.close()


def make_venue(home: Path) -> VenueProcess:
    """A venue of its own under `home`, not yet started."""
    home.mkdir(parents=True, exist_ok=True)
    script = home / "script.bin"
    save_script(script, swinging_script())
    return VenueProcess(resolve_paths(home), script)


def start_venue(home: Path) -> VenueProcess:
    """A running venue, from outside of any loop."""
    venue = make_venue(home)
    asyncio.run(venue.start())
    return venue


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet reaped does not."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # it is not our child, or was reaped already
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(pid: int, number: signal.Signals) -> None:
    if is_alive(pid):
        os.kill(pid, number)
        assert wait_until(lambda: not is_alive(pid), 10.0)


def _quote(at: int, size: int) -> Quote:
    return Quote(ACME, Decimal("100.00"), Decimal("100.02"), Decimal(size), Decimal(size), at)
