"""The live tail's logs: frames of events, appended, checked, readable by others while they grow.

A log begins with a line that names its stream. A frame is its length, a CRC, the range of `ts_event` inside, and a
msgpack list: [source, recorded_at, [seq …], [event …]]. Events are domain values, prices as exact decimals; turning
them into integers is left to compaction, off the market's time.

What is torn at the end by a crash is cut when the log is opened for writing; a reader stops there as well.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from stockpulse_engine.base.files import fsync_dir, fsync_file
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.market import Bar, Quote, Trade
from stockpulse_engine.marketdata.history import BARS, QUOTES, TRADES

E = TypeVar("E", Bar, Quote, Trade)
MAX_FRAME: Final = 16 * 1024 * 1024
_HEAD: Final = struct.Struct("<IIqq")
_encode = msgspec.msgpack.Encoder().encode


class Batch(msgspec.Struct, Generic[E], frozen=True, array_like=True):
    """What one frame carries; `seqs` count ticks of an instrument that share a `ts_event` (empty for bars)."""

    source: str
    recorded_at: int
    seqs: list[int]
    events: list[E]


_DECODERS: Final[dict[str, msgspec.msgpack.Decoder[Batch[Any]]]] = {
    BARS: msgspec.msgpack.Decoder(Batch[Bar]),
    QUOTES: msgspec.msgpack.Decoder(Batch[Quote]),
    TRADES: msgspec.msgpack.Decoder(Batch[Trade]),
}


class Frame(NamedTuple):
    """Where a frame lies and what time it is of; `payload` is a msgpack Batch."""

    start: int
    stop: int
    first_ts: int
    last_ts: int
    payload: bytes


def encode_frame(batch: Batch[Any]) -> bytes:
    """A frame ready to be appended; `batch` holds at least one event."""
    payload = _encode(batch)
    times = [event.ts_event for event in batch.events]
    first, last = min(times), max(times)
    return _HEAD.pack(len(payload), _check(payload, first, last), first, last) + payload


def header_of(stream: str) -> bytes:
    """First line of a log."""
    return f"stockpulse tail 1 {stream}\n".encode()


def decoder_of(stream: str) -> msgspec.msgpack.Decoder[Batch[Any]]:
    """Decodes payloads of a stream's frames."""
    return _DECODERS[stream]


def read_frames(path: Path, start: int = 0) -> Iterator[Frame]:
    """Whole frames from an offset on (0: the first), up to the end or to where the log is torn."""
    with path.open("rb") as file:
        if start == 0:
            start = len(file.readline(64))
        file.seek(start)
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, check, first, last = _HEAD.unpack(head)
            payload = file.read(length) if length <= MAX_FRAME else b""
            if len(payload) != length or _check(payload, first, last) != check:
                return
            stop = start + _HEAD.size + length
            yield Frame(start, stop, first, last, payload)
            start = stop


class TailLog:
    """A log that this process appends to; the only one that does."""

    def __init__(self, path: Path, stream: str) -> None:
        """Open or make the log; what is torn at its end is cut."""
        ensure_private(path.parent)
        self.path = path
        self.stream = stream
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.size = 0 if is_new else cut_torn(path, stream)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self._unsynced = 0
        if self.size == 0:
            self._write(header_of(stream))
            self.sync()
            fsync_dir(path.parent)

    def append(self, frame: bytes) -> None:
        """Write a frame of `encode_frame`; others see it at once, a power cut spares it after the next `sync`."""
        self._write(frame)

    def sync(self) -> bool:
        """Make what was appended survive a power cut; False when there was nothing."""
        if not self._unsynced:
            return False
        fsync_file(self._descriptor)
        self._unsynced = 0
        return True

    def close(self) -> None:
        """Sync and let go."""
        self.sync()
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(data)
        self._unsynced += len(data)


def is_written_to(path: Path) -> bool:
    """Whether a living process appends to a log."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def cut_torn(path: Path, stream: str) -> int:
    """Cut what a crash left half-written at a log's end; returns the bytes that remain."""
    length = _sound_length(path, stream)
    if length < path.stat().st_size:
        os.truncate(path, length)
    return length


def _sound_length(path: Path, stream: str) -> int:
    """Bytes up to the end of the last whole frame; 0 when not even the first line is whole."""
    head = header_of(stream)
    with path.open("rb") as file:
        if file.read(len(head)) != head:
            return 0
    length = len(head)
    for frame in read_frames(path):
        length = frame.stop
    return length


def _check(payload: bytes, first: int, last: int) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<qq", first, last)))
