"""Which broker adapters there are: what each is, the secrets it needs, what it can do, and how one is built.

Nothing is imported until somebody builds: an engine in a simulated world never loads a broker's code (F17).
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerCapabilities, BrokerConfig, Dedup
from stockpulse_engine.domain.errors import ConfigError
from stockpulse_engine.domain.orders import OrderType, TimeInForce
from stockpulse_engine.trading.ports import Broker

_MINUTE_NS = 60_000_000_000


class BuildBroker(Protocol):
    """What an adapter's `build` module offers under the name `build`."""

    def __call__(self, config: BrokerConfig, secrets: Mapping[str, str], *, clock: Clock) -> Broker:
        """Make the broker; nothing is connected yet. `secrets` holds exactly the row's names."""
        ...


class SecretField(msgspec.Struct, frozen=True):
    """One secret of a connection: its name in the vault, and what a person is asked for."""

    name: str
    question: str


class AdapterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter.

    Attributes:
        name: what `adapter` says in brokers.toml.
        title: the broker's own name.
        words: one line on what it speaks to.
        module: where `build` is found.
        extra: what has to be installed for it beside StockPulse itself, as `pip` calls it.
        secrets: what it needs; empty where trust is a login elsewhere.
        can_do: what the broker does itself, `name` left empty.
        hosts: the outside hosts it may speak to, by whose money it is.
        advice: how to make credentials that can trade and nothing else (R24).
        untried: what was never tried against the real service, in words.
    """

    name: str
    title: str
    words: str
    module: str
    secrets: tuple[SecretField, ...]
    can_do: BrokerCapabilities
    hosts: Mapping[AccountKind, tuple[str, ...]]
    advice: str
    untried: tuple[str, ...]
    extra: str = ""

    def capabilities(self, name: str) -> BrokerCapabilities:
        """What a connection of this name can do."""
        return msgspec.structs.replace(self.can_do, name=name)

    def load(self) -> BuildBroker:
        """Import the adapter. Raises ConfigError where this installation lacks a part of it."""
        try:
            build: BuildBroker = importlib.import_module(self.module).build
        except ModuleNotFoundError as error:
            fix = f"pip install 'stockpulse[{self.extra}]'" if self.extra else "Install StockPulse again."
            raise ConfigError(
                f"The adapter {self.name} can not be loaded: {error.name} is missing.", fix=fix
            ) from error
        return build


_ALPACA = AdapterRow(
    name="alpaca",
    title="Alpaca",
    words="Alpaca's trading API over HTTPS and its stream of order updates",
    module="stockpulse_engine.adapters.alpaca.build",
    secrets=(SecretField("key_id", "API key id"), SecretField("secret_key", "API secret key")),
    can_do=BrokerCapabilities(
        name="",
        deduplicates=True,
        dedup=Dedup.FOR_EVER,
        holds_brackets=True,
        holds_oco=True,
        holds_oto=True,
        holds_trailing=True,
        supports_replace=True,
        cancels_all=True,
        has_cancel_session=True,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce) - {TimeInForce.GTD},
        numbers_reports=False,
        overlap=10 * _MINUTE_NS,
        takes_extended_hours=True,
        takes_fractions=True,
        takes_shorts=True,
    ),
    hosts={AccountKind.PAPER: ("paper-api.alpaca.markets",), AccountKind.LIVE: ("api.alpaca.markets",)},
    advice=(
        "Make the key pair in Alpaca's dashboard for the account it is meant for: paper and live have pairs of their "
        "own. A key can not be limited to trading there; StockPulse calls no transfer and no funding route."
    ),
    untried=(
        (
            "Nothing of this adapter was run against Alpaca itself: it was driven against a stand-in that replays "
            "recorded answers, keeps state and checks what it is sent."
        ),
        "No recording exists of a replaced or rejected order on the stream; these frames follow the documentation.",
    ),
)

_IBKR = AdapterRow(
    name="ibkr",
    title="Interactive Brokers",
    words="a TWS or IB Gateway on this machine, over its API socket",
    module="stockpulse_engine.adapters.ibkr.build",
    extra="ibkr",
    secrets=(),
    can_do=BrokerCapabilities(
        name="",
        deduplicates=False,
        dedup=Dedup.NONE,
        holds_brackets=True,
        holds_oco=True,
        holds_oto=True,
        holds_trailing=True,
        supports_replace=True,
        cancels_all=True,
        has_cancel_session=True,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        numbers_reports=False,
        overlap=10 * _MINUTE_NS,
        takes_extended_hours=True,
        takes_fractions=False,
        takes_shorts=True,
    ),
    hosts={AccountKind.PAPER: ("127.0.0.1",), AccountKind.LIVE: ("127.0.0.1",)},
    advice=(
        "Trust is the login at the gateway: let it listen to this machine alone, name 127.0.0.1 as its only trusted "
        "address, and give StockPulse a client id that no other program uses (and leave 90 more than it to the "
        "watchdog). Whoever may use this machine's sockets may trade there."
    ),
    untried=(
        (
            "Nothing of this adapter was run against a real TWS or IB Gateway: it was driven against a stand-in that "
            "speaks version 176 of the protocol and checks what it is sent."
        ),
        "Versions from 201 on, which speak protobuf, are not spoken: ib_async offers 157 to 178.",
        "Corrections and busts of executions, and the nightly restart, follow reports of others and no recording.",
    ),
)

LOGIN_ELSEWHERE = "gateway's own login"
"""Where the credentials of a connection lie that has none here."""
ADAPTERS: Mapping[str, AdapterRow] = {row.name: row for row in (_ALPACA, _IBKR)}
"""Adapter name → its row."""


def adapter_row(name: str) -> AdapterRow:
    """The adapter of that name. Raises ConfigError, naming the nearest."""
    row = ADAPTERS.get(name)
    if row is None:
        near = difflib.get_close_matches(name, ADAPTERS, n=1, cutoff=0.5)
        raise ConfigError(
            f"There is no adapter {name[:32]!r}.",
            fix=f"Did you mean {near[0]}?" if near else f"There is: {', '.join(ADAPTERS)}.",
        )
    return row


def needs_secrets(config: BrokerConfig) -> bool:
    """Whether anything of this connection lies in the vault; where not, trust is a login elsewhere."""
    return bool(adapter_row(config.adapter).secrets)


def build_broker(config: BrokerConfig, secrets: Mapping[str, str], *, clock: Clock) -> Broker:
    """Build the broker of one connection. Raises ConfigError when a secret it needs is missing."""
    row = adapter_row(config.adapter)
    missing = [field.question for field in row.secrets if not secrets.get(field.name)]
    if missing:
        raise ConfigError(
            f"{config.name} lacks its {' and '.join(missing)}.", fix=f"Give them with `sp broker add {config.name}`."
        )
    given = {field.name: secrets[field.name] for field in row.secrets}
    return row.load()(config, given, clock=clock)
