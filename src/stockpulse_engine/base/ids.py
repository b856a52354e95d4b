"""Identifiers: minted from the clock and the system's randomness, sortable by time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that look like digits."""

IdFactory = Callable[[], str]
"""A function that returns a new identifier at each call; injected where a test must be repeatable."""


def new_id(prefix: str = "") -> str:
    """A new id: `prefix`, 10 characters of time (ms), 6 random characters."""
    milliseconds = time.time_ns() // 1_000_000
    stamp = "".join(_ALPHABET[(milliseconds >> shift) & 31] for shift in range(45, -5, -5))
    return prefix + stamp + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def counted_ids(prefix: str) -> IdFactory:
    """A repeatable factory for simulations: `prefix` and a running number."""
    count = 0

    def mint() -> str:
        nonlocal count
        count += 1
        return f"{prefix}{count:06d}"

    return mint
