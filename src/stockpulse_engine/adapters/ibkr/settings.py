"""Where the gateway listens, as whom we speak to it, and how long we wait for it."""

from __future__ import annotations

import ipaddress
from typing import Final

import msgspec

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError

PORTS: Final = {AccountKind.PAPER: 4002, AccountKind.LIVE: 4001}
"""IB Gateway's own; TWS listens at 7497 and 7496."""


class IbkrSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection.

    Attributes:
        account: the broker's number of it; "" where the login has one alone.
        connect_s: how long a whole connection may take, refusals of our client id included.
        retry_s: between attempts while the gateway still holds our client id for a session that just ended.
        answer_s: how long a question may stay without an answer …
        order_s: … and how long an order, or a change: after that it is UNKNOWN.
        probe_s: how often the gateway is asked for its time, so that a dead line is noticed.
        commission_s: how long an execution waits for its commission before it is told without.
        zone: the gateway's time zone, where it sends times without one.
    """

    name: str
    host: str
    port: int
    client_id: int
    account: str = ""
    currency: str = "USD"
    kind: AccountKind = AccountKind.PAPER
    connect_s: float = 15.0
    retry_s: float = 1.0
    answer_s: float = 10.0
    order_s: float = 10.0
    probe_s: float = 10.0
    commission_s: float = 1.0
    zone: str = "America/New_York"


def settings_of(config: BrokerConfig) -> IbkrSettings:
    """The settings of a connection.

    Raises:
        ConfigError: the gateway is on another machine: its socket is neither encrypted nor protected by a password.
    """
    if not is_here(config.host):
        raise ConfigError(
            f"{config.name}: {config.host} is another machine, and the gateway's socket is not encrypted.",
            fix="Use 127.0.0.1, with a tunnel (ssh -L) where the gateway runs elsewhere.",
        )
    return IbkrSettings(
        name=config.name,
        host=config.host,
        port=config.port or PORTS[config.kind],
        client_id=config.client_id,
        account=config.account,
        currency=config.currency,
        kind=config.kind,
    )


def is_here(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
