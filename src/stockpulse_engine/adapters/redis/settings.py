"""What the user may set about the Redis mirror."""

from __future__ import annotations

from typing import Annotated

import msgspec


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `redis`. Without `url` there is no mirror and the client library is not loaded."""

    url: Annotated[
        str, msgspec.Meta(pattern="^((rediss?|unix)://.+)?$", description="a redis://, rediss:// or unix:// address")
    ] = ""
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,40}$", description="1 to 40 of a-z, 0-9, _ . -")] = (
        "stockpulse"
    )
    """First part of every key: homes that share a server need different ones."""
