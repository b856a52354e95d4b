"""Connections to brokers as the command line sets them up: with the engine up or down, and no order is ever sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from stockpulse_engine.adapters.brokersfile import BrokersFile
from stockpulse_engine.adapters.matrix import capability_rows
from stockpulse_engine.adapters.registry import (
    ADAPTERS,
    LOGIN_ELSEWHERE,
    AdapterRow,
    adapter_row,
    build_broker,
    needs_secrets,
)
from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.base.paths import Paths
from stockpulse_engine.base.redaction import redact
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bootstrap.brokers import BuildOne, broker_problem
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerCheck, BrokerConfig, BrokerView, CapabilityRow
from stockpulse_engine.domain.errors import ConflictError, ForbiddenError, UnavailableError
from stockpulse_engine.storage.secrets.vault import Vault
from stockpulse_engine.trading.ports import Broker

STEP_S: Final = 15.0
STREAM_S: Final = 2.0
"""How long the stream must hold for the test."""
_PROBE: Final = "probe"


class BrokerSetup:
    """What `sp broker` does on the files of a home.

    Args:
        paths: of the home.
        vault, build, clock: taken from elsewhere in tests.
    """

    def __init__(
        self, paths: Paths, *, vault: Vault | None = None, build: BuildOne = build_broker, clock: Clock | None = None
    ) -> None:
        self._file = BrokersFile(paths.brokers_file)
        self._clock = clock or WallClock()
        self._vault = vault or Vault(paths, self._clock)
        self._build = build

    @property
    def adapters(self) -> Mapping[str, AdapterRow]:
        """Every adapter there is."""
        return ADAPTERS

    @property
    def needs_passphrase(self) -> bool:
        """Whether credentials lie (or would lie) in the encrypted file."""
        return self._vault.is_file

    @property
    def has_file(self) -> bool:
        """Whether the encrypted file is there already."""
        return self._vault.has_file

    def views(self) -> list[BrokerView]:
        """Every configured connection, as the files tell."""
        return [
            BrokerView(
                name=one.name,
                adapter=one.adapter,
                mode=one.kind,
                state="locked",
                place=self._vault.place if needs_secrets(one) else LOGIN_ELSEWHERE,
                account=one.account,
            )
            for one in self._file.read().values()
        ]

    def find(self, name: str) -> BrokerConfig:
        """One connection. Raises NotFoundError."""
        return self._file.find(name)

    def matrix(self, name: str) -> tuple[AdapterRow, tuple[CapabilityRow, ...]]:
        """What a connection (or an adapter of that name) can do, and where it lives if we die."""
        configs = self._file.read()
        row = adapter_row(configs[name].adapter if name in configs else name)
        return row, capability_rows(row.capabilities(name))

    def questions(self, adapter: str) -> dict[str, str]:
        """What an adapter's connection needs: the secret's name → what a person is asked. Raises ConfigError."""
        return {one.name: one.question for one in adapter_row(adapter).secrets}

    def add(
        self, config: BrokerConfig, secrets: Mapping[str, str], passphrase: str, *, in_file: bool
    ) -> list[BrokerCheck]:
        """Keep credentials and write the section; nothing is kept where the broker does not know us.

        Raises:
            ConflictError: the name is taken.
            UnavailableError: the broker could not be reached, or refused the credentials.
        """
        if config.name in self._file.read():
            raise ConflictError(
                f"There is a broker {config.name}.", fix=f"Remove it first: `sp broker remove {config.name}`."
            )
        if needs_secrets(config) and self._vault.has_file:
            self._vault.check(passphrase)
        checks = self.check(config, secrets)
        failed = next((one for one in checks if not one.is_ok), None)
        if failed is not None:
            raise UnavailableError(
                f"Nothing was kept: {failed.step}: {failed.words}.", fix="Correct it, or see whether the broker is up."
            )
        self.keep(config, secrets, passphrase, in_file=in_file)
        return checks

    def keep(self, config: BrokerConfig, secrets: Mapping[str, str], passphrase: str, *, in_file: bool) -> None:
        """The same without asking the broker."""
        if needs_secrets(config):
            self._vault.put(config.name, secrets, passphrase, in_file=in_file)
        self._file.put(config)

    def test(self, name: str, passphrase: str) -> list[BrokerCheck]:
        """Connect, account, clock, open orders, budget, stream: every step, and no order."""
        config = self._file.find(name)
        return self.check(config, self._opened(config, passphrase))

    def check(self, config: BrokerConfig, secrets: Mapping[str, str]) -> list[BrokerCheck]:
        """The steps with these credentials; a step that fails ends them."""
        return asyncio.run(self._steps(config, secrets))

    def remove(self, name: str, passphrase: str, *, is_sure: bool) -> None:
        """Take a connection out, credentials first.

        Raises:
            ConflictError: orders are open there.
            ForbiddenError: nobody can say whether orders are open, and `is_sure` was not said.
        """
        config = self._file.find(name)
        try:
            found = asyncio.run(self._count_open(config, self._opened(config, passphrase)))
        except UnavailableError as error:
            if not is_sure:
                raise ForbiddenError(
                    f"Nobody can say whether orders are open there: {error.message}",
                    fix="Look at the broker's own page, then repeat with --sure.",
                ) from None
            found = 0
        if found:
            raise ConflictError(f"{found} order(s) are open at {name}.", fix="Cancel them first.")
        if needs_secrets(config):
            self._vault.drop(name, passphrase)
        self._file.remove(name)

    def _opened(self, config: BrokerConfig, passphrase: str) -> Mapping[str, str]:
        if not needs_secrets(config):
            return {}
        self._vault.unlock([config.name], passphrase)
        return self._vault.secrets_of(config.name)

    async def _count_open(self, config: BrokerConfig, secrets: Mapping[str, str]) -> int:
        async with self._connected(config, secrets) as broker:
            return len(await broker.fetch_open_orders(_PROBE))

    @asynccontextmanager
    async def _connected(self, config: BrokerConfig, secrets: Mapping[str, str]) -> AsyncIterator[Broker]:
        broker = self._build(config, secrets, clock=self._clock)
        try:
            async with asyncio.timeout(STEP_S):
                await broker.connect()
            yield broker
        except TimeoutError:
            raise UnavailableError(f"{config.name} did not answer within {STEP_S:.0f} s.") from None
        finally:
            await broker.close()

    async def _steps(self, config: BrokerConfig, secrets: Mapping[str, str]) -> list[BrokerCheck]:
        broker = self._build(config, secrets, clock=self._clock)
        found: list[BrokerCheck] = []
        try:
            for step, look in _STEPS:
                found.append(await _tried(step, look, broker))
                if not found[-1].is_ok:
                    break
        finally:
            await broker.close()
        return found


async def _tried(step: str, look: Callable[[Broker], Awaitable[str]], broker: Broker) -> BrokerCheck:
    try:
        async with asyncio.timeout(STEP_S):
            words = await look(broker)
    except TimeoutError:
        return BrokerCheck(step=step, is_ok=False, words=f"no answer within {STEP_S:.0f} s")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this step's finding
        return BrokerCheck(step=step, is_ok=False, words=redact(broker_problem(error)).rstrip("."))
    return BrokerCheck(step=step, is_ok=True, words=clean_line(redact(words), 200))


async def _connect(broker: Broker) -> str:
    await broker.connect()
    return "the credentials are taken"


async def _account(broker: Broker) -> str:
    held = await broker.fetch_account(_PROBE)
    return f"cash {held.cash:,.2f}, {len(held.positions)} position(s)"


async def _clock(broker: Broker) -> str:
    offset = getattr(broker, "clock_offset_ns", None)
    return f"{offset / 1e9:+.3f} s beside ours" if isinstance(offset, int) else "the broker tells none"


async def _orders(broker: Broker) -> str:
    return f"{len(await broker.fetch_open_orders(_PROBE))} open"


async def _stream(broker: Broker) -> str:
    """Open the stream of reports and see that it holds; what it says belongs to whoever follows it."""
    stream = broker.reports(0)
    try:
        async with asyncio.timeout(STREAM_S):
            async for _ in stream:
                pass
    except TimeoutError:
        return f"held for {STREAM_S:.0f} s"
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    raise UnavailableError("the stream of reports ended at once")


_STEPS: Sequence[tuple[str, Callable[[Broker], Awaitable[str]]]] = (
    ("connect", _connect),
    ("account", _account),
    ("clock", _clock),
    ("open orders", _orders),
    ("stream", _stream),
)


def kind_of(text: str) -> AccountKind | None:
    """PAPER or LIVE as typed."""
    return next((kind for kind in AccountKind if kind.value == text.strip().upper()), None)
