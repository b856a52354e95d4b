"""`brokers.toml`: the connections to brokers, without any secret. What people wrote around a section is kept."""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from stockpulse_engine.adapters.registry import ADAPTERS
from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import PAPER_BROKER, BrokerConfig
from stockpulse_engine.domain.errors import ConfigError, NotFoundError

FILE_NAME = "brokers.toml"
MAX_BYTES = 64 * 1024
MAX_BROKERS = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,23}")
_HEAD = re.compile(r"\s*\[\s*\"?([\w-]+)\"?\s*\]")
_SECRET = re.compile(r"secret|token|password|passphrase|api_?key|key_id", re.IGNORECASE)
_KEYS = tuple(name for name in BrokerConfig.__struct_fields__ if name != "name")
_FIRST = (
    "# Connections to brokers, one section each; `sp broker add` and `sp broker remove` write them.\n"
    "# No secret belongs in here: those are kept in the keyring of the system or in an encrypted file.\n"
)
_RANGES = {"port": (0, 65_535), "client_id": (0, 2**31 - 1), "requests_per_minute": (0, 100_000)}


class BrokersFile:
    """Reads, adds and removes connections. Every error names the file, the section and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, BrokerConfig]:
        """All connections by name, in the file's order; nothing where there is no file.

        Raises:
            ConfigError: others may read or write the file, it is no TOML, or a section is wrong.
        """
        text = self._text()
        try:
            tree = tomllib.loads(text)
        except ValueError as error:
            raise ConfigError(f"{self.path} is not TOML: {error}.", fix="Correct the line it names.") from error
        if len(tree) > MAX_BROKERS:
            raise ConfigError(f"{self.path} has {len(tree)} brokers, at most {MAX_BROKERS} are read.", fix="Drop some.")
        return {name: self._checked(name, section) for name, section in tree.items()}

    def find(self, name: str) -> BrokerConfig:
        """One connection. Raises NotFoundError, naming the nearest."""
        found = self.read()
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1, cutoff=0.5)
            known = f"There is: {', '.join(found)}." if found else "`sp broker add NAME` makes one."
            raise NotFoundError(f"There is no broker {name[:32]!r}.", fix=f"Did you mean {near[0]}?" if near else known)
        return found[name]

    def put(self, config: BrokerConfig) -> None:
        """Add a connection, or replace the one of that name. Raises ConfigError when it is not right."""
        self._checked(config.name, {key: _plain(getattr(config, key)) for key in _KEYS})
        self.read()  # what cannot be read is not written over
        rest = _without(self._text(), config.name).rstrip("\n")
        self._write(f"{rest}\n\n{_section(config)}" if rest else f"{_FIRST}\n{_section(config)}")

    def remove(self, name: str) -> None:
        """Take a connection out. Raises NotFoundError."""
        self.find(name)
        self._write(_without(self._text(), name))

    def _write(self, text: str) -> None:
        ensure_private(self.path.parent)
        atomic_write(self.path, text.encode())

    def _text(self) -> str:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be read: {error.strerror}.", fix="Make it a file of yours."
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            self._check_private(os.fstat(descriptor))
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{self.path} has more than {MAX_BYTES} bytes.", fix="Shorten it.")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self.path} is not UTF-8 text.", fix="Write it anew.") from error

    def _check_private(self, status: os.stat_result) -> None:
        """Whoever may write this file decides where orders go."""
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ConfigError(f"{self.path} is not a file of yours.", fix="Remove it and write it anew.")
        if status.st_mode & 0o077:
            raise ConfigError(
                f"{self.path} is open to other users.", fix=f"Look through it, then: chmod 600 '{self.path}'"
            )

    def _checked(self, name: str, section: Any) -> BrokerConfig:
        place = f"{self.path} [{name}]"
        if not isinstance(section, dict):
            raise ConfigError(f"{self.path}: {name} is no section.", fix=f"Write [{name[:24]}] and its keys below.")
        if not _NAME.fullmatch(name) or name == PAPER_BROKER:
            raise ConfigError(
                f"{place}: this can not be a broker's name.",
                fix="Use up to 24 letters, digits and '-'; `paper` is our own venue.",
            )
        self._check_keys(place, section)
        kind = section.get("kind")
        kind = kind.upper() if isinstance(kind, str) else kind
        try:
            config = msgspec.convert({**section, "kind": kind, "name": name}, BrokerConfig)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{place}: {_in_words(str(error))}.", fix="Correct it.") from None
        _check_values(place, config)
        return config

    @staticmethod
    def _check_keys(place: str, section: dict[str, Any]) -> None:
        for key in section:
            if key in _KEYS:
                continue
            if _SECRET.search(key):
                raise ConfigError(
                    f"{place}: {key} is a secret and must not lie in a file.",
                    fix="Take it out, replace the credential at the broker, then run `sp broker add`.",
                )
            near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
            raise ConfigError(
                f"{place}: {key} is not a known key.",
                fix=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_KEYS)}.",
            )
        for key in ("adapter", "kind"):
            if key not in section:
                raise ConfigError(f"{place}: {key} is missing.", fix=f"Write {key} = …, or run `sp broker add`.")


def _check_values(place: str, config: BrokerConfig) -> None:
    if config.adapter not in ADAPTERS:
        near = difflib.get_close_matches(config.adapter, ADAPTERS, n=1, cutoff=0.5)
        raise ConfigError(
            f"{place}: there is no adapter {config.adapter[:32]!r}.",
            fix=f"Did you mean {near[0]}?" if near else f"There is: {', '.join(ADAPTERS)}.",
        )
    for key, (low, high) in _RANGES.items():
        if not low <= getattr(config, key) <= high:
            raise ConfigError(f"{place}: {key} is {getattr(config, key)}.", fix=f"Use {low} to {high}.")
    if not re.fullmatch(r"[A-Z]{3}", config.currency):
        raise ConfigError(f"{place}: currency is {config.currency[:8]!r}.", fix='Use three letters, as "USD".')
    for key, schemes in (("url", ("https", "http")), ("stream_url", ("wss", "ws"))):
        _check_address(f"{place}: {key}", getattr(config, key), schemes)


def _check_address(what: str, address: str, schemes: tuple[str, str]) -> None:
    """Encrypted, or on this machine; and never with a password within."""
    if not address:
        return
    secure, open_scheme = schemes
    parts = urlsplit(address)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"{what} carries more than a host and a path.", fix="Leave out names, passwords and '?'.")
    if not parts.hostname or parts.scheme not in schemes:
        raise ConfigError(f"{what} is no address.", fix=f"Write {secure}://HOST.")
    if parts.scheme == open_scheme and not is_loopback(parts.hostname):
        raise ConfigError(f"{what} is not encrypted.", fix=f"Use {secure}://; {open_scheme}:// is for this machine.")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _section(config: BrokerConfig) -> str:
    """A section with only what differs from the defaults."""
    bare = BrokerConfig(name=config.name, adapter=config.adapter, kind=config.kind)
    keys = [key for key in _KEYS if key in {"adapter", "kind"} or getattr(config, key) != getattr(bare, key)]
    # A TOML string in its basic form is written as JSON writes one.
    lines = [f"{key} = {json.dumps(_plain(getattr(config, key)))}" for key in keys]
    return f"[{config.name}]\n" + "\n".join(lines) + "\n"


def _without(text: str, name: str) -> str:
    """The text without a section; what is written right above the next section stays with that."""
    kept: list[str] = []
    above: list[str] = []
    is_ours = False
    for line in text.splitlines():
        if head := _HEAD.match(line):
            kept += above if is_ours else []
            is_ours = head[1] == name
        above = [*above, line] if not line.strip() or line.lstrip().startswith("#") else []
        if not is_ours:
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n" if kept else ""


def _plain(value: object) -> object:
    return value.value if isinstance(value, AccountKind) else value


def _in_words(text: str) -> str:
    """`Expected `int`, got `str` - at `$.port`` as `port: expected int, got str`."""
    words, _, where = text.replace("`", "").partition(" - at $.")
    return f"{where}: {words[:1].lower()}{words[1:]}" if where else words
