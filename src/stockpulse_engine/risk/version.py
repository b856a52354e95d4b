"""Which limits an order was judged by, as a short name: the same limits give the same name, any change another."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from stockpulse_engine.risk.limits import Limits

_LETTERS: Final = 12
_MOST: Final = 256


class LimitNames:
    """Names sets of limits; those seen last are remembered."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Limits, str]] = {}

    def name(self, limits: Limits) -> str:
        """The name of these limits."""
        known = self._known.get(id(limits))
        if known is not None and known[0] is limits:
            return known[1]
        made = hashlib.sha256(msgspec.json.encode(limits, order="sorted")).hexdigest()[:_LETTERS]
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[id(limits)] = (limits, made)
        return made
