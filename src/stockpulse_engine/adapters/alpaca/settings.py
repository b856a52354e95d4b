"""Where Alpaca's trading API is, how patiently it is asked, and how much of it may be asked."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import BrokerConfig
from stockpulse_engine.domain.errors import ConfigError

HOSTS = {AccountKind.PAPER: "paper-api.alpaca.markets", AccountKind.LIVE: "api.alpaca.markets"}
REQUESTS_PER_MINUTE = 200
"""What the documentation promises each key on trading; an answer's own headers override it."""


class AlpacaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's addresses and its patience, in seconds unless said otherwise."""

    url: str
    stream_url: str
    requests_per_minute: int = REQUESTS_PER_MINUTE
    connect_s: float = 5.0
    answer_s: float = 10.0
    """How long an answer may take before the outcome of a request counts as unknown."""
    order_wait_s: float = 2.0
    """How long an order may wait for its turn in the rate budget; then it is not sent."""
    read_wait_s: float = 30.0
    """The same for questions and cancels."""
    poll_s: float = 10.0
    """While orders are open, everything is asked for by REST this often, whatever the stream says (F10)."""
    missed_s: float = 2.0
    """News found by a poll that is older than this should have come by the stream: it counts as mute (F22)."""
    handshake_s: float = 10.0
    ping_s: float = 20.0
    first_backoff_s: float = 0.5
    longest_backoff_s: float = 60.0
    max_bytes: int = 8_000_000
    """Largest answer read."""
    dead_s: float = 60.0
    """After a refused key nobody is asked again for so long (F26)."""


def settings_of(config: BrokerConfig) -> AlpacaSettings:
    """The settings of a connection. Raises ConfigError for an address that must not be spoken to."""
    url = (config.url or f"https://{HOSTS[config.kind]}").rstrip("/")
    stream = config.stream_url or f"{url.replace('http', 'ws', 1)}/stream"
    for address, schemes in ((url, ("https", "http")), (stream, ("wss", "ws"))):
        _require_safe(config, address, schemes)
    return AlpacaSettings(
        url=url, stream_url=stream, requests_per_minute=config.requests_per_minute or REQUESTS_PER_MINUTE
    )


def _require_safe(config: BrokerConfig, address: str, schemes: tuple[str, str]) -> None:
    """Encrypted except on this machine, and never the other kind's host: paper is paper (F17)."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme not in schemes or not host:
        raise ConfigError(f"{config.name}: {address[:80]!r} is no address of a broker.", fix=f"Write {schemes[0]}://…")
    if parts.username or parts.password or parts.query:
        raise ConfigError(f"{config.name}: an address holds no secrets.", fix="Give keys with `sp broker add`.")
    if parts.scheme == schemes[1] and not _is_local(host):
        raise ConfigError(f"{config.name}: {host} would be spoken to in the clear.", fix=f"Write {schemes[0]}://…")
    for kind, theirs in HOSTS.items():
        if kind is not config.kind and host == theirs:
            raise ConfigError(
                f"{config.name} is a {config.kind.value} connection, {host} is Alpaca's for {kind.value}.",
                fix="Leave the address away, or make another connection.",
            )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
