"""The mirror in Redis, where one is configured."""

from __future__ import annotations

from stockpulse_engine.adapters.redis.settings import RedisSettings
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.ids import new_id
from stockpulse_engine.bus.bridge import Bridge
from stockpulse_engine.bus.bus import Bus

PART = "redis"


def build_mirror(settings: RedisSettings, world: str, clock: Clock, bus: Bus) -> Bridge | None:
    """The bridge to the user's Redis; None without one, and then the client library stays unloaded."""
    if not settings.url:
        return None
    from stockpulse_engine.adapters.redis.mirror import RedisMirror

    mirror = RedisMirror(settings.url, prefix=settings.prefix, world=world)
    return Bridge(bus, mirror, clock, run_id=new_id(), part=PART)
