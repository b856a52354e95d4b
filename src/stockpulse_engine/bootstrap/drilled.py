"""The real engine for a drill: a process of its own in a throw-away home, with a copy of the person's account."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.flagfile import FlagFile
from stockpulse_engine.base.lock import acquire_lock, lock_holder
from stockpulse_engine.base.paths import Paths, ensure_private, resolve_paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.bootstrap.options import LastStart
from stockpulse_engine.bootstrap.pastbooks import BooksAsked, books_at
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.client.client import EngineClient
from stockpulse_engine.client.launch import DAEMON, ensure_engine, started
from stockpulse_engine.domain.brokers import PAPER_BROKER
from stockpulse_engine.domain.errors import NotFoundError, StockPulseError, UnavailableError
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.views import AccountView, PositionView
from stockpulse_engine.settings import Settings
from stockpulse_engine.wire.drill import AccountCopy

WORLD = "sim"
GONE_S = 10.0
START_S = 40.0
FOR_EVER_NS = 2**62
PLACE, PREFIX = Path("/tmp"), "sp-drill-"  # noqa: S108 - a socket's path must be short; mkdtemp makes it ours
STALE_NS = 60_000_000_000
"""A home this young may be one that is just being made."""
MAX_HOLDINGS = 20
"""Holdings that are copied, the largest first: a drill needs a portfolio, not an archive."""
DEFAULTS = (("F.XNYS", "Ford Motor", "12.00"), ("INTC.XNAS", "Intel", "24.00"), ("KO.XNYS", "Coca-Cola", "60.00"))
"""What is traded in a drill beside the holdings: cheap, so that few limits stand in the way."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One holding to be copied."""

    instrument: Instrument
    quantity: Decimal
    price: Decimal


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """An account to be copied into a drill."""

    copy: AccountCopy
    holdings: tuple[Held, ...]


def read_account(paths: Paths, settings: Settings, *, account_id: str = "", broker: str = PAPER_BROKER) -> Copied:
    """Cash and holdings of an account of this home, read only: from its engine, else its journal, else the settings.

    Raises:
        NotFoundError: there is no such account with that broker.
    """
    if lock_holder(paths.lock) is not None:
        with contextlib.suppress(UnavailableError), BlockingClient(paths, role="viewer") as client:
            accounts, instruments = client.accounts(), client.instruments()
            view = _chosen(accounts, account_id, broker)
            return _copied(view, client.positions(view.account.account_id), instruments, "the running engine")
    journal = paths.journal(_last_world(paths, settings))
    if journal.is_file():
        books = books_at(BooksAsked(journal=str(journal), at_ns=FOR_EVER_NS))
        if books.accounts:
            view = _chosen(books.accounts, account_id, broker)
            held = [one for one in books.positions if one.account_id == view.account.account_id]
            return _copied(view, held, (), "the journal")
    wanted = settings.account
    if broker != PAPER_BROKER or account_id not in {"", wanted.name}:
        raise NotFoundError(f"There is no account {account_id or 'of ' + broker} in this home.", fix="sp account")
    copy = AccountCopy(
        account_id=wanted.name,
        account_type=wanted.type,
        currency=wanted.currency,
        cash=wanted.cash,
        source="the settings of a new account",
    )
    return Copied(copy=copy, holdings=())


def _last_world(paths: Paths, settings: Settings) -> str:
    """The world this home was in last."""
    try:
        return msgspec.json.decode(paths.last_start.read_bytes(), type=LastStart).world
    except (OSError, msgspec.DecodeError):
        return settings.engine.world


def _chosen(accounts: Sequence[AccountView], account_id: str, broker: str) -> AccountView:
    of_broker = [one for one in accounts if one.account.broker == broker]
    found = [one for one in of_broker if account_id in {"", one.account.account_id}]
    if not found:
        raise NotFoundError(f"There is no account {account_id or 'of ' + broker} in this home.", fix="sp account")
    return found[0]


def _copied(
    view: AccountView, positions: Sequence[PositionView], instruments: Sequence[Instrument], source: str
) -> Copied:
    known = {one.instrument_id: one for one in instruments}
    ranked = sorted(positions, key=lambda one: abs(one.value or ZERO), reverse=True)
    holdings: list[Held] = []
    left_out: list[str] = []
    for one in ranked:
        price = one.mark or one.average_cost
        if price is None or not one.quantity or len(holdings) >= MAX_HOLDINGS:
            left_out.append(f"{one.quantity:f} {one.instrument_id}: " + ("no price" if price is None else "too many"))
            continue
        instrument = known.get(one.instrument_id) or plain_instrument(one.instrument_id, one.instrument_id)
        holdings.append(Held(instrument=instrument, quantity=one.quantity, price=price))
    account = view.account
    copy = AccountCopy(
        account_id=account.account_id,
        account_type=account.account_type.name,
        currency=account.currency,
        cash=view.cash,
        positions={one.instrument.instrument_id: one.quantity for one in holdings},
        source=source,
        left_out=tuple(left_out),
    )
    return Copied(copy=copy, holdings=tuple(holdings))


def plain_instrument(instrument_id: str, name: str) -> Instrument:
    """A share about which nothing but its name is known."""
    return Instrument(
        instrument_id=instrument_id,
        name=name,
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        average_daily_volume=Decimal(50_000_000),
    )


@contextlib.contextmanager
def drill_home(person: Paths, copied: Copied, cash: Decimal, clock: Clock) -> Iterator[Paths]:
    """A home for one drill: the person's limits, an account with `cash`; gone afterwards, and every process with it.

    The lock of the venue's directory is held meanwhile: the engine shall find the drill's broker and start none.
    """
    sweep(clock)
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=PLACE))
    paths = resolve_paths(home)
    try:
        ensure_private(paths.config)
        _write_settings(paths, person, copied, cash)
        with acquire_lock(ensure_private(paths.venue(WORLD)) / "venue.lock", clock):
            try:
                yield paths
            finally:
                end_processes(paths)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def sweep(clock: Clock, place: Path = PLACE) -> None:
    """Clear up after drills that were killed: their homes are there and nobody holds the venue's lock in them."""
    for home in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or gone meanwhile
            found = home.stat()
            is_old = clock.now_ns() - found.st_mtime_ns > STALE_NS
            paths = resolve_paths(home)
            if found.st_uid == os.getuid() and is_old and lock_holder(paths.venue(WORLD) / "venue.lock") is None:
                end_processes(paths)
                shutil.rmtree(home, ignore_errors=True)


def _write_settings(paths: Paths, person: Paths, copied: Copied, cash: Decimal) -> None:
    copy = copied.copy
    lines = ["[engine]", f'world = "{WORLD}"', "", "[account]", f'name = "{copy.account_id}"']
    lines += [f'type = "{copy.account_type}"', f'currency = "{copy.currency}"', f"cash = {cash:f}", ""]
    lines += ["[backup]", "history = false", ""]
    atomic_write(paths.config / "stockpulse.toml", "\n".join(lines).encode())
    limits = person.config / "limits.toml"
    if limits.is_file():
        atomic_write(paths.config / "limits.toml", limits.read_bytes())


def end_processes(paths: Paths) -> None:
    """End whoever holds a lock of this home, a stopped one too; nobody of it is needed any more."""
    for lock in (paths.watchdog_lock, paths.lock):
        holder = lock_holder(lock)
        if holder is not None and holder.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
            wait_until(lambda lock=lock: lock_holder(lock) is None, GONE_S)  # type: ignore[misc] # the loop's own lock
    for child in started.values():
        child.poll()


class EngineMachine:
    """Implements `drill.stage.Machine` with the real daemon.

    Args:
        paths: of the drill's home.
        clock: wall time.
        command: instead of the daemon's module; tests put a broken engine in its place.
    """

    def __init__(self, paths: Paths, clock: Clock, command: Sequence[str] = ()) -> None:
        self._paths = paths
        self._clock = clock
        self._command = command or (sys.executable, *DAEMON, "--world", WORLD)
        self._head = EngineClient(paths, role="admin")

    @property
    def head(self) -> EngineClient:
        """A head of the running engine."""
        return self._head

    @property
    def can_fill_disk(self) -> bool:
        """Whether the limits of another process can be set here: Linux lets one."""
        return sys.platform == "linux"

    async def start(self) -> None:
        """Start the engine and wait until it can trade."""
        await in_thread(lambda: ensure_engine(self._paths, command=self._command, timeout_s=START_S))

    async def kill(self) -> None:
        """SIGKILL, and wait until its lock is free."""
        self._signal(signal.SIGKILL)
        if not await in_thread(lambda: wait_until(lambda: lock_holder(self._paths.lock) is None, GONE_S)):
            raise UnavailableError("The engine could not be killed.")

    def stop(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """A real limit of the system: no file of the engine may grow beyond its first byte."""
        if sys.platform == "linux":
            import resource

            resource.prlimit(self._pid(), resource.RLIMIT_FSIZE, (1, 1))

    def latch(self) -> None:
        """Set the file that the last function before the venue reads, as `sp halt` does."""
        FlagFile(self._paths.latch, self._clock).set("drill", "drill")

    async def close(self) -> None:
        """Close the head."""
        with contextlib.suppress(StockPulseError, OSError):
            await self._head.close()

    def _pid(self) -> int:
        holder = lock_holder(self._paths.lock)
        if holder is None:
            raise UnavailableError("The engine is not running.")
        return holder.pid

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self._pid(), number)
