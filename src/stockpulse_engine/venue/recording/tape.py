"""The file of a recording: frames of length, checksum, market time and events; a torn end is not read.

Decimals and text are kept as they were told, so that what is played again is the same to the last byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import IntegrityError, InvalidValueError, NotFoundError
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import MarketEvent
from stockpulse_engine.domain.recordings import RecordingView

FILE: Final = "events.log"
VERSION: Final = 1
MAX_FRAME: Final = 256 * 1024 * 1024
MAX_NAME: Final = 24
HEAD, SNAPSHOT, EVENTS, END = range(4)
"""What a frame is."""
_FRAME: Final = struct.Struct(">IIqIB")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame: of which world it is, and what is traded in it."""

    version: int
    name: str
    world: str
    seed: int
    started_at: int
    market_ns: int
    instruments: tuple[Instrument, ...]


class Frame(NamedTuple):
    """One frame: up to `at_ns` of market time these events were told."""

    kind: int
    at_ns: int
    events: int
    payload: bytes
    offset: int


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last frame of a recording that was ended: why, "" when somebody asked for it."""

    reason: str = ""


class Survey(NamedTuple):
    """What a file holds; `end` is None when its recorder died."""

    head: Head
    last_ns: int
    events: int
    bytes: int
    end: End | None

    def view(self) -> RecordingView:
        """For people."""
        state = "cut" if self.end is None else "full" if self.end.reason else "whole"
        return RecordingView(
            name=self.head.name,
            state=state,
            world=self.head.world,
            started_at=self.head.started_at,
            first_ns=self.head.market_ns,
            last_ns=self.last_ns,
            events=self.events,
            bytes=self.bytes,
            detail=self.end.reason if self.end is not None else "its recorder ended without a word",
        )


encode_events = msgspec.msgpack.Encoder().encode
decode_events = msgspec.msgpack.Decoder(tuple[MarketEvent, ...]).decode
_decode_head = msgspec.msgpack.Decoder(Head).decode
_decode_end = msgspec.msgpack.Decoder(End).decode


def frame_bytes(kind: int, at_ns: int, events: int, payload: bytes) -> bytes:
    """One frame as it is written."""
    body = struct.pack(">qIB", at_ns, events, kind) + payload
    return _FRAME.pack(len(payload), zlib.crc32(body), at_ns, events, kind) + payload


def read_frames(file: BinaryIO, offset: int = 0) -> Iterator[Frame]:
    """Frames from an offset on, up to the end or to the first one that is torn or damaged."""
    file.seek(offset)
    while True:
        header = file.read(_FRAME.size)
        if len(header) < _FRAME.size:
            return
        length, checksum, at_ns, events, kind = _FRAME.unpack(header)
        if length > MAX_FRAME:
            return
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(header[8:] + payload) != checksum:
            return
        yield Frame(kind, at_ns, events, payload, offset)
        offset += _FRAME.size + length


def survey(directory: Path) -> Survey:
    """Read through a recording without holding it.

    Raises:
        NotFoundError: there is none.
        IntegrityError: not even its head can be read.
    """
    path = directory / FILE
    if not path.is_file():
        raise NotFoundError(
            f"There is no recording called {clean_line(directory.name, 40)}.", fix="See sp record list."
        )
    head: Head | None = None
    end: End | None = None
    last_ns = events = size = 0
    with path.open("rb") as file:
        for frame in read_frames(file):
            if frame.kind == HEAD:
                head = _read_head(path, frame.payload)
            elif frame.kind == END:
                end = _decode_end(frame.payload)
            last_ns, size = max(last_ns, frame.at_ns), frame.offset + _FRAME.size + len(frame.payload)
            events += frame.events if frame.kind == EVENTS else 0
    if head is None:
        raise IntegrityError(f"The recording {path} has no readable beginning.", fix="Delete it.")
    return Survey(head, last_ns, events, size, end)


def _read_head(path: Path, payload: bytes) -> Head:
    try:
        head = _decode_head(payload)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"The recording {path} has a head nobody can read: {error}.", fix="Delete it.") from error
    if head.version != VERSION:
        raise IntegrityError(f"The recording {path} has version {head.version}, this program reads {VERSION}.")
    return head


def list_recordings(shelf: Path) -> list[RecordingView]:
    """Every recording of a home, by name; what can not be read says so."""
    found = []
    for directory in sorted(shelf.iterdir()) if shelf.is_dir() else []:
        if (directory / FILE).is_file():
            try:
                found.append(survey(directory).view())
            except IntegrityError as error:
                found.append(_unreadable(directory, error))
    return found


def _unreadable(directory: Path, error: IntegrityError) -> RecordingView:
    size = (directory / FILE).stat().st_size
    return RecordingView(
        name=clean_line(directory.name, 40), state="unreadable", world="", started_at=0, first_ns=0, last_ns=0,
        events=0, bytes=size, detail=error.message,
    )  # fmt: skip


def require_name(name: str) -> str:
    """Return a recording's name if it can be one; raises InvalidValueError."""
    is_fit = 0 < len(name) <= MAX_NAME and all(c.isascii() and (c.isalnum() or c in "._-") for c in name)
    if not is_fit or name.startswith("."):
        fix = f"Use letters, digits, dot, dash, at most {MAX_NAME}."
        raise InvalidValueError(f"{clean_line(name, 40)!r} is not a name for a recording.", fix=fix)
    return name
