"""One mapped file: the newest bars of one series as fixed-stride columns that other processes read while we append.

    0      magic, static header with its CRC: capacity and the machine's boot
    1024   seqlock, rows, applied_seq, flags, their check
    4096   nine columns of `capacity` int64: BAR_COLUMNS, then the row sum of each row

Rows below `count` never change, so a reader needs no lock for them; the few numbers of the state are read between two
looks at the seqlock. Anything else that happens to the series (a correction, a full file) makes a new file under the
same name; the old one is marked retired first, so that whoever has it mapped opens again.

The file is derived. It is not synced: after a power cut the boot differs and the file does not count.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.marketdata.columns import BAR_COLUMNS, Ints
from stockpulse_engine.storage.history.rowsums import row_sums

MAGIC: Final = b"SPHOT\x00\x00\x01"
STATE_AT: Final = 1024
ROWS_AT: Final = 4096
KEEP: Final = 5_000
"""Bars that are kept; a file holds more until it is full."""
CAPACITY: Final = 8_192
HAS_OLDER, HAS_VERSIONS, RETIRED = 1, 2, 4
_STATIC = struct.Struct("<8sIQ36s")
_COLUMNS: Final = len(BAR_COLUMNS) + 1
_LOCK, _COUNT, _APPLIED, _FLAGS, _CHECK = range(5)
_ATTEMPTS: Final = 64
_fence = threading.Lock()


class HotState(NamedTuple):
    """What a mapped file says of itself."""

    rows: int
    applied_seq: int
    """The last segment of the series whose rows are in it."""
    has_older: bool
    """Whether the series has bars before the first row."""
    has_versions: bool
    """Whether the series has corrections: then the rows are the newest versions, good for no earlier point in time."""
    is_retired: bool


class HotFile:
    """A mapping of one file; `is_writable` for the process that appends."""

    def __init__(self, path: Path, *, is_writable: bool = False) -> None:
        """Map the file at `path`; raises OSError when it is not there, ValueError when it is not one of ours."""
        self.path = path
        flags = (os.O_RDWR if is_writable else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags)
        try:
            self._map = mmap.mmap(descriptor, 0, access=mmap.ACCESS_WRITE if is_writable else mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        self.capacity = self._check_static()
        self._state = np.frombuffer(self._map, np.int64, 5, STATE_AT)
        cells = np.frombuffer(self._map, np.int64, _COLUMNS * self.capacity, ROWS_AT)
        self._rows = cells.reshape(_COLUMNS, self.capacity)
        self._body = self._rows[:-1]
        self._body.flags.writeable = False
        self._sound = (0, 0)

    def _check_static(self) -> int:
        if len(self._map) < ROWS_AT:
            raise ValueError(f"{self.path} is too short")
        magic, check, capacity, boot = _STATIC.unpack_from(self._map, 0)
        is_ours = magic == MAGIC and check == _static_check(capacity, boot) and boot == boot_id()
        if not is_ours or len(self._map) != ROWS_AT + 8 * _COLUMNS * capacity:
            raise ValueError(f"{self.path} is not a hot file of this boot")
        return int(capacity)

    def state(self) -> HotState | None:
        """What the file says of itself; None when its writer was killed in the middle of saying it."""
        state = self._state
        for _ in range(_ATTEMPTS):
            before = int(state[_LOCK])
            count, applied, flags, check = state[_COUNT : _CHECK + 1].tolist()
            if before % 2 == 0 and int(state[_LOCK]) == before:
                if check != _state_check(count, applied, flags) or not 0 <= count <= self.capacity:
                    return None
                bits = (bool(flags & HAS_OLDER), bool(flags & HAS_VERSIONS), bool(flags & RETIRED))
                return HotState(count, applied, *bits)
        return None

    def columns(self, start: int, stop: int) -> list[Ints]:
        """Rows as read-only views, in the order of BAR_COLUMNS."""
        return list(self._body[:, start:stop])

    def is_sound(self, start: int, stop: int) -> bool:
        """Whether rows are the ones that were written; each is looked at when it is first read."""
        low, high = self._sound
        if low <= start and stop <= high:
            return True
        if low <= start <= high:  # only what was appended since
            start = high
        else:
            low = start
        sums = row_sums(self.columns(start, stop))
        if not (sums == self._rows[-1, start:stop].view(np.uint64)).all():
            return False
        self._sound = (low, stop)
        return True

    # --- writing, under the tier's lock -------------------------------------------------------------------

    def append(self, rows: Ints, applied_seq: int) -> bool:
        """Add rows (BAR_COLUMNS × n) at the end; False when they do not fit."""
        state = self.state()
        if state is None or state.is_retired or state.rows + rows.shape[1] > self.capacity:
            return False
        stop = state.rows + rows.shape[1]
        self._rows[:-1, state.rows : stop] = rows
        self._rows[-1, state.rows : stop] = row_sums(list(rows)).view(np.int64)
        flags = state.has_older * HAS_OLDER | state.has_versions * HAS_VERSIONS
        self._publish(stop, max(applied_seq, state.applied_seq), flags)
        return True

    def retire(self) -> None:
        """Tell whoever has this mapped that it no longer counts."""
        count, applied, flags = self._state[_COUNT:_CHECK].tolist()
        self._publish(count, applied, flags | RETIRED)

    def _publish(self, count: int, applied: int, flags: int) -> None:
        """Rows first, then what says that they are there: a lock's barrier keeps the order on every processor."""
        state = self._state
        with _fence:
            state[_LOCK] += 1 + state[_LOCK] % 2
        with _fence:
            state[_COUNT : _CHECK + 1] = (count, applied, flags, _state_check(count, applied, flags))
        with _fence:
            state[_LOCK] += 1


def write_hot_file(path: Path, rows: Ints, applied_seq: int, *, has_older: bool, has_versions: bool) -> None:
    """Put a new file in the place of `path` from the newest rows (BAR_COLUMNS × n); it appears complete."""
    count = rows.shape[1]
    capacity = CAPACITY if count > CAPACITY // 4 else max(1024, CAPACITY // 4)
    body = np.zeros((_COLUMNS, capacity), dtype=np.int64)
    body[:-1, :count] = rows
    body[-1, :count] = row_sums(list(rows)).view(np.int64)
    flags = has_older * HAS_OLDER | has_versions * HAS_VERSIONS
    state = struct.pack("<5q", 0, count, applied_seq, flags, _state_check(count, applied_seq, flags))
    static = _STATIC.pack(MAGIC, _static_check(capacity, boot_id()), capacity, boot_id())
    ensure_private(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(static.ljust(STATE_AT, b"\0") + state.ljust(ROWS_AT - STATE_AT, b"\0"))
        file.write(body.tobytes())
    temporary.replace(path)


@lru_cache(maxsize=1)
def boot_id() -> bytes:
    """Which start of the machine this is; constant where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()[:36].ljust(36, b"\0")
    except OSError:
        return b"\0" * 36


def _static_check(capacity: int, boot: bytes) -> int:
    return zlib.crc32(MAGIC + capacity.to_bytes(8, "little") + boot)


def _state_check(count: int, applied: int, flags: int) -> int:
    return zlib.crc32(struct.pack("<3q", count, applied, flags)) + 1
