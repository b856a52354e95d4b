"""Numbers of our orders at the gateway: each is used once, whatever the gateway says the next one is (F04).

A gateway that was restarted has been seen to name a number again that was used before; an order sent under it would
change the older one. So the highest number is kept on disk, ahead of what was used, for each client id.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import UnavailableError

AHEAD: Final = 200
"""Numbers reserved with one write."""
MOST: Final = 1_000_000_000
"""Above begin the numbers of questions: the gateway's errors do not say which of the two they speak of."""


class OrderIds:
    """The numbers of one client id."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._reserved = self._read()
        self._next = self._reserved + 1
        """What lies below was reserved by a process that may have used it."""

    @property
    def next(self) -> int:
        """The number the next order gets."""
        return self._next

    def raise_to(self, number: int) -> None:
        """The gateway says that this is the next one: it may be higher than ours, never lower."""
        self._next = max(self._next, number)

    def take(self, count: int = 1) -> list[int]:
        """So many numbers. Raises UnavailableError when they can not be kept, or there are no more."""
        last = self._next + count - 1
        if last >= MOST:
            raise UnavailableError("There are no order numbers left.", fix="Use another client id.")
        if last > self._reserved:
            self._reserve(last + AHEAD)
        taken = list(range(self._next, last + 1))
        self._next = last + 1
        return taken

    def _reserve(self, number: int) -> None:
        try:
            ensure_private(self._file.parent)
            atomic_write(self._file, msgspec.json.encode({"reserved": number}))
        except OSError as error:
            problem = f"{self._file} cannot be written: {error.strerror}."
            raise UnavailableError(problem, fix="Free or repair the disk.") from error
        self._reserved = number

    def _read(self) -> int:
        try:
            return int(msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])["reserved"])
        except FileNotFoundError:
            return 0
        except (OSError, msgspec.MsgspecError, KeyError) as error:
            raise UnavailableError(
                f"{self._file} cannot be read: which order numbers were used is not known.",
                fix="Restore it, or remove it once no order is open at Interactive Brokers.",
            ) from error
