"""Bytes to types and back. What comes from outside passes `strict` before any type sees it.

The guard is loaded with the first request that is decoded: clients, which only read answers, never need it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.wire.stream import ClientMessage, Frame

T = TypeVar("T")
MAX_BODY = 64 * 1024
"""Bytes of one request body or one message of a head."""
MAX_INT = 2**63 - 1
"""Largest whole number in a request: a sequence number or nanoseconds since 1970 as the stores can hold them."""


def decode(data: bytes, kind: type[T] | Any, *, limit: int = MAX_BODY) -> T:
    """Decode untrusted JSON into `kind`.

    Raises:
        InvalidValueError: whatever is wrong with `data`; never anything else.
    """
    if len(data) > limit:
        raise InvalidValueError(f"The body has {len(data)} bytes, more than {limit}.", fix="Send less at once.")
    from stockpulse_engine.wire.strict import check  # see above

    check(data, kind)
    key: Any = kind
    try:
        value: T = _decoder(key).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidValueError(clean_text(str(error), 200), fix="Compare the body with /openapi.json.") from None
    return value


def decode_answer(data: bytes, kind: type[T] | Any) -> T:
    """Decode what our own engine said, in one pass.

    Raises:
        InvalidValueError: the bytes are not a `kind`, so client and engine are of different versions.
    """
    key: Any = kind
    try:
        value: T = _decoder(key).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidValueError(
            f"The engine's answer was not understood: {clean_text(str(error), 200)}", fix="Run `sp engine restart`."
        ) from None
    return value


def encode(value: object) -> bytes:
    """JSON bytes; decimals are strings, so that no reader rounds money."""
    return _JSON.encode(value)


def encode_packed(value: object) -> bytes:
    """Msgpack bytes of a frame or of a part of one."""
    return _PACK.encode(value)


def decode_frame(data: bytes) -> Frame:
    """A frame of the stream.

    Raises:
        InvalidValueError: the bytes are not a frame.
    """
    try:
        return _frames().decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"The frame was not understood: {clean_text(str(error), 200)}") from None


def decode_message(data: bytes) -> ClientMessage:
    """A message of a head (JSON).

    Raises:
        InvalidValueError: the bytes are not a message.
    """
    message: ClientMessage = decode(data, ClientMessage)
    return message


_JSON = msgspec.json.Encoder()
_PACK = msgspec.msgpack.Encoder()


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _frames() -> msgspec.msgpack.Decoder[Frame]:
    return msgspec.msgpack.Decoder(Frame)
