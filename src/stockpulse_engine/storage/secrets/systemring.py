"""The keyring of the system, where a real one answers. A backend that writes plain text, or none, counts as none."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Protocol

import msgspec

from stockpulse_engine.domain.errors import UnavailableError

REAL = frozenset({"keyring.backends.SecretService", "keyring.backends.macOS", "keyring.backends.Windows"})
"""Modules whose backends keep secrets with the system. Everything else is refused: `keyrings.alt` writes plain files,
`keyring.backends.null` forgets, `chainer` may fall through to either, and `libsecret` and KWallet ask in windows."""
_INDEX = "connections"


class Ring(Protocol):
    """What is used of a backend of the `keyring` library."""

    def get_password(self, service: str, username: str) -> str | None:
        """The value, None where there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a value."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget a value."""
        ...


def real_ring() -> Ring | None:
    """The system's keyring, None where none answers."""
    try:
        from keyring import backend
    except ImportError:
        return None
    try:
        found = [one for one in backend.get_all_keyring() if type(one).__module__.partition(" ")[0] in REAL]
        best = max(found, key=lambda one: float(one.priority), default=None)
    except Exception:  # noqa: BLE001 - a desktop that half answers is no keyring
        return None
    return best if best is not None and best.priority > 0 else None


class RingStore:
    """Secrets of one home in the system's keyring, one entry per connection."""

    def __init__(self, ring: Ring, home: Path) -> None:
        self._ring = ring
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        self._service = f"stockpulse-{digest}"

    def names(self) -> list[str]:
        """Connections it holds secrets of."""
        held = self._get(_INDEX)
        return held.split(",") if held else []

    def read(self, name: str) -> dict[str, str]:
        """The secrets of a connection, empty where it has none."""
        held = self._get(f"broker {name}")
        return msgspec.json.decode(held, type=dict[str, str]) if held else {}

    def write(self, name: str, held: dict[str, str]) -> None:
        """Keep the secrets of a connection."""
        self._set(f"broker {name}", msgspec.json.encode(held).decode())
        self._set(_INDEX, ",".join(sorted({*self.names(), name})))

    def drop(self, name: str) -> None:
        """Forget a connection."""
        left = [one for one in self.names() if one != name]
        with contextlib.suppress(Exception):  # each backend says in its own way that there was nothing
            self._ring.delete_password(self._service, f"broker {name}")
        self._set(_INDEX, ",".join(left))

    def value(self, name: str) -> str:
        """A value of another kind, "" where there is none."""
        return self._get(name) or ""

    def keep(self, name: str, value: str) -> None:
        """Keep a value of another kind."""
        self._set(name, value)

    def _get(self, name: str) -> str | None:
        try:
            return self._ring.get_password(self._service, name)
        except Exception as error:  # noqa: BLE001 - each backend and desktop fails in its own way
            raise self._silent(error) from None

    def _set(self, name: str, value: str) -> None:
        try:
            self._ring.set_password(self._service, name, value)
        except Exception as error:  # noqa: BLE001 - each backend and desktop fails in its own way
            raise self._silent(error) from None

    @staticmethod
    def _silent(error: Exception) -> UnavailableError:
        # Only the kind of the failure: its words could quote what it was given.
        return UnavailableError(
            f"The keyring of the system did not answer ({type(error).__name__}).", fix="Unlock it, then try again."
        )
