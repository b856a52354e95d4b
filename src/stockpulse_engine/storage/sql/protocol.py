"""What goes between the engine (or a command) and the SQL child: one request in, frames out until the last one.

The request is one msgpack message on the child's standard input. Answers are msgpack messages on its standard output,
each after its length as four big-endian bytes: one `Head`, any number of `Rows` (of `Page`, where JSON is wanted), then
one `Tail`, or one `Refused`.
"""

from __future__ import annotations

import struct
from typing import IO

import msgspec

Value = bool | int | float | str | None
"""A cell. Decimals, times, lists and structs come as text in DuckDB's own spelling; NULL is None."""

MAX_FRAME = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class SqlLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one statement may take."""

    seconds: float = 30.0
    memory_mib: int = 1024
    threads: int = 2
    rows: int = 100_000
    """Rows given out; the statement stops there and the answer says that there is more."""
    bytes: int = 256 * 1024 * 1024
    """Of rows, packed; the answer stops there as well."""


class Column(msgspec.Struct, frozen=True):
    """A column of a view or of an answer; `type` is DuckDB's name of it."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers: aligned right, plotted."""
        return (
            self.type.startswith(("DECIMAL", "DOUBLE", "FLOAT"))
            or self.type.endswith("INT")
            or "INTEGER"
            in (
                self.type,
                self.type.removeprefix("U"),
            )
        )


class View(msgspec.Struct, frozen=True):
    """One name a statement can select from: `sql` is its definition."""

    name: str
    sql: str
    about: str
    columns: tuple[Column, ...] = ()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One statement over some views of the files below `directories`."""

    statement: str
    views: tuple[View, ...]
    directories: tuple[str, ...]
    limits: SqlLimits
    is_json: bool = False
    """Rows come as text that goes on to a client as it is: whoever passes it on does not look at a single cell."""


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The shape of the answer."""

    columns: tuple[Column, ...]


class Rows(msgspec.Struct, frozen=True, tag="rows"):
    """Some rows, in order."""

    rows: tuple[tuple[Value, ...], ...]


class Page(msgspec.Struct, frozen=True, tag="page"):
    """Some rows, in order, as JSON arrays with commas between them."""

    json: bytes


class Tail(msgspec.Struct, frozen=True, tag="tail"):
    """The end. `is_cut`: there were more rows than the limit."""

    rows: int
    is_cut: bool
    elapsed_ms: float


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The statement was not run, or failed. `title` says which."""

    title: str
    message: str
    fix: str


Frame = Head | Rows | Page | Tail | Refused

_frames = msgspec.msgpack.Decoder(Frame)


def write_frame(out: IO[bytes], frame: Frame) -> None:
    """Send one frame."""
    write_packed(out, pack_frame(frame))


def pack_frame(frame: Frame) -> bytes:
    """One frame without its length."""
    return msgspec.msgpack.encode(frame)


def write_packed(out: IO[bytes], body: bytes) -> None:
    """Send a frame that was packed before."""
    out.write(_LENGTH.pack(len(body)) + body)
    out.flush()


def read_frame(source: IO[bytes]) -> Frame | None:
    """The next frame, None when the other side ended without one.

    Raises:
        msgspec.DecodeError: what came is not a frame.
    """
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise msgspec.DecodeError(f"a frame of {length} bytes")
    body = source.read(length)
    return _frames.decode(body) if len(body) == length else None
