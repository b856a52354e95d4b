"""Brokers of this engine: configured in a file, opened by a person for one run, joined to the order service.

Only in world `live`: in every other one no adapter is imported, no credential is read and no socket is opened (F17).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from stockpulse_engine.adapters.brokersfile import BrokersFile
from stockpulse_engine.adapters.registry import LOGIN_ELSEWHERE, build_broker, needs_secrets
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.lock import FileLock, LockHeldError, acquire_lock
from stockpulse_engine.base.logs import get_logger
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.tasks import in_thread
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig, BrokerView
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, NotFoundError, StockPulseError
from stockpulse_engine.storage.secrets.vault import Vault
from stockpulse_engine.trading.ports import Broker

LIVE_WORLD: Final = "live"
_log = get_logger("brokers")


class BuildOne(Protocol):
    """How one broker is built."""

    def __call__(self, config: BrokerConfig, secrets: Mapping[str, str], *, clock: Clock) -> Broker:
        """Make it; nothing is connected yet."""
        ...


class Connections(Protocol):
    """What is needed of the order service."""

    async def join(self, name: str, broker: Broker) -> None:
        """A connection appeared."""
        ...

    async def leave(self, name: str) -> None:
        """A connection is given up. Raises ConflictError while orders work there."""
        ...


class BrokerDesk:
    """Implements `api.brokers.BrokersPort`.

    Args:
        paths: of the home.
        world: of the engine.
        clock: wall time.
        connections: the order service, asked for when it is needed.
        accounts: every open account.
        locks: directory of the locks of broker accounts, the same for every home of the user.
        vault, build: taken from elsewhere in tests.
    """

    def __init__(
        self,
        paths: Paths,
        world: str,
        clock: Clock,
        *,
        connections: Callable[[], Connections],
        accounts: Callable[[], Sequence[Account]],
        locks: Path,
        vault: Vault | None = None,
        build: BuildOne = build_broker,
    ) -> None:
        self._file = BrokersFile(paths.brokers_file)
        self._world = world
        self._clock = clock
        self._connections = connections
        self._accounts = accounts
        self._locks = locks
        self._vault = vault or Vault(paths, clock)
        self._build = build
        self._joined: dict[str, Broker] = {}
        self._configs: dict[str, BrokerConfig] = {}
        """Of the joined ones, as they were when they were joined."""
        self._held: dict[str, list[FileLock]] = {}

    async def views(self) -> Sequence[BrokerView]:
        """Every configured connection as it stands."""
        return [self._view(config) for config in self._file.read().values()]

    def config_of(self, name: str) -> BrokerConfig | None:
        """How a joined connection is configured; None while it is locked."""
        return self._configs.get(name)

    def ends_at(self, name: str) -> int:
        """Wall time at which the broker ends our session by itself; 0 for never or unknown."""
        found = getattr(self._joined.get(name), "session_ends_at", 0)
        return found if isinstance(found, int) else 0

    def skew_ns(self, name: str) -> int:
        """How far our clock is ahead of the broker's, 0 where it does not tell."""
        found = getattr(self._joined.get(name), "clock_offset_ns", 0)
        return found if isinstance(found, int) else 0

    async def unlock(self, names: Sequence[str], passphrase: str, *, with_live: bool) -> Sequence[BrokerView]:
        """Open credentials and join the brokers; without names those of practice money alone.

        Raises:
            ForbiddenError: another world, a wrong passphrase, or live money without `with_live`.
            ConflictError: another engine uses the account.
            NotFoundError: no such connection, or no credentials of it.
        """
        self._require_live_world()
        configs = self._file.read()
        chosen = [self._file.find(name) for name in names] or [
            one for one in configs.values() if one.kind is AccountKind.PAPER
        ]
        if not chosen:
            raise NotFoundError("No broker of practice money is configured.", fix="Name one, or run `sp broker add`.")
        for one in chosen:
            if one.kind is AccountKind.LIVE and not with_live:
                raise ForbiddenError(f"{one.name} is LIVE.", fix=f"Say so: `sp broker unlock {one.name} --live`.")
        wanted = [one for one in chosen if one.name not in self._joined]
        sealed = [one.name for one in wanted if needs_secrets(one)]
        if sealed:
            await in_thread(lambda: self._vault.unlock(sealed, passphrase))
        for one in wanted:
            await self._join(one)
        return [self._view(one) for one in chosen]

    async def lock(self, names: Sequence[str]) -> Sequence[BrokerView]:
        """Give brokers up and forget their credentials; all without names.

        Raises:
            ConflictError: orders work there; those asked before it are locked.
        """
        for name in names or tuple(self._joined):
            if name in self._joined:
                await self._connections().leave(name)
                self._forget(name)
            self._vault.lock([name])
        return await self.views()

    async def stop(self) -> None:
        """At the engine's end: everything is forgotten; the order service closes what it holds."""
        for name in tuple(self._joined):
            self._forget(name)
        self._vault.lock()

    async def _join(self, config: BrokerConfig) -> None:
        secrets = self._vault.secrets_of(config.name) if needs_secrets(config) else {}
        try:
            self._held[config.name] = self._take_locks(config, secrets)
            broker = self._build(config, secrets, clock=self._clock)
            self._joined[config.name], self._configs[config.name] = broker, config
            await self._connections().join(config.name, broker)
        except BaseException:
            self._forget(config.name)
            raise
        _log.info("broker_joined", name=config.name, adapter=config.adapter, kind=config.kind.value)

    def _forget(self, name: str) -> None:
        self._joined.pop(name, None)
        self._configs.pop(name, None)
        for lock in self._held.pop(name, []):
            lock.release()
        self._vault.lock([name])

    def _take_locks(self, config: BrokerConfig, secrets: Mapping[str, str]) -> list[FileLock]:
        """One engine per account of a broker, whatever its home (F18)."""
        taken: list[FileLock] = []
        try:
            for identity in _identities(config, secrets):
                lock = acquire_lock(self._locks / f"{config.adapter}-{identity}.lock", self._clock)
                taken.append(lock)
        except LockHeldError as error:
            for one in taken:
                one.release()
            raise ConflictError(
                f"The account behind {config.name} is in use by process {error.holder.pid}, another engine of yours.",
                fix="One engine per account: stop that one, or `sp broker lock` there.",
            ) from None
        return taken

    def _view(self, config: BrokerConfig) -> BrokerView:
        broker = self._joined.get(config.name)
        state = "joined" if broker is not None else "locked"
        return BrokerView(
            name=config.name,
            adapter=config.adapter,
            mode=config.kind,
            state=state if self._world == LIVE_WORLD else "not in this world",
            place=self._vault.place if needs_secrets(config) else LOGIN_ELSEWHERE,
            is_connected=broker is not None and broker.is_connected,
            account=config.account,
            accounts=tuple(one.account_id for one in self._accounts() if one.broker == config.name),
            ends_at=self.ends_at(config.name),
        )

    def _require_live_world(self) -> None:
        if self._world != LIVE_WORLD:
            raise ForbiddenError(
                f"Brokers are joined in world live alone; this engine is in {clean_line(self._world, 32)}.",
                fix="Run `sp engine restart --world live`.",
            )


def _identities(config: BrokerConfig, secrets: Mapping[str, str]) -> list[str]:
    """What tells an account from another: its number where we know it, and the credentials."""
    told = [config.account] if config.account else []
    told += ["|".join(f"{name}={secrets[name]}" for name in sorted(secrets))] if secrets else []
    if not told:  # trust is a login elsewhere: then the gateway and our number at it
        told = [f"{config.host}:{config.port}:{config.client_id}"]
    salted = (f"{config.adapter}|{config.kind.value}|{one}".encode() for one in told)
    return [hashlib.scrypt(one, salt=b"stockpulse account lock", n=1024, r=8, p=1, dklen=12).hex() for one in salted]


def broker_problem(error: Exception) -> str:
    """A failure in one safe line."""
    return clean_line(error.message if isinstance(error, StockPulseError) else str(error) or type(error).__name__, 200)
