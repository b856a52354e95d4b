"""The mirror's writer: one transaction per batch, which also notes the batch's key.

An answer that got lost leaves open whether the transaction happened. The key tells: after every doubt it is read
first, and a batch that is in there already is not written again.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, unquote

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as SilentError

from stockpulse_engine.adapters.redis.rows import (
    Fields,
    alert_fields,
    fill_fields,
    order_fields,
    quote_json,
    quotes_data,
)
from stockpulse_engine.base.redaction import redact, register_secret
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bus.bridge import MirrorBatch, MirrorError
from stockpulse_engine.bus.topics import OrderChanged

MAX_ENTRIES: Final = 100_000
"""Entries that the streams of orders, fills and alerts keep, about; some 60 MB of the server when all are full."""
MAX_TICKS: Final = 2400
"""Batches of quotes that are kept: ten minutes."""
TIMEOUT_S: Final = 2.0
_LOST: Final = (RedisError, OSError)


class RedisMirror:
    """Implements `bus.bridge.MirrorPort`. Connects when first written to, and again after each failure."""

    def __init__(self, url: str, *, prefix: str, world: str) -> None:
        self._url = url
        self._keys = f"{prefix}:{world}:"
        self._where = address_of(url)
        self._client: Redis | None = None
        self._is_sure = False
        """Whether the last batch is known to have arrived over the present connection."""
        for secret in secrets_of(url):
            register_secret(secret)

    async def write(self, batch: MirrorBatch) -> None:
        """Write the whole batch once; raises MirrorError."""
        try:
            client = self._connected()
            if not self._is_sure and await self._has(client, batch):
                self._is_sure = True
                return
            self._is_sure = False
            async with client.pipeline(transaction=True) as pipe:
                self._fill(pipe, batch)
                await pipe.execute()
        except _LOST as error:
            await self.close()
            raise MirrorError(self._words(error)) from None
        except ValueError:  # its words may quote a piece of the password
            raise MirrorError("redis.url is no address: is the password %-encoded?") from None
        self._is_sure = True

    async def close(self) -> None:
        """Give up the connection."""
        client, self._client, self._is_sure = self._client, None, False
        if client is not None:
            await client.aclose()

    def _connected(self) -> Redis:
        if self._client is None:
            # The library's own retries would send a transaction twice: the bridge retries, knowing the batch's key.
            self._client = Redis.from_url(
                self._url,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                client_name="stockpulse",
            )
        return self._client

    async def _has(self, client: Redis, batch: MirrorBatch) -> bool:
        return bool(await client.hget(f"{self._keys}mirror", "batch") == batch.key.encode())

    def _fill(self, pipe: Pipeline, batch: MirrorBatch) -> None:
        for record in batch.records:
            if isinstance(record, OrderChanged):
                self._add(pipe, "orders", order_fields(record))
                if record.fill is not None:
                    self._add(pipe, "fills", fill_fields(record.fill, record.seq))
            else:
                self._add(pipe, "alerts", alert_fields(record))
        if batch.quotes:
            pipe.hset(f"{self._keys}quotes", mapping={one.instrument_id: quote_json(one) for one in batch.quotes})
            self._add(pipe, "ticks", {"count": len(batch.quotes), "data": quotes_data(batch.quotes)}, MAX_TICKS)
        pipe.hset(f"{self._keys}mirror", mapping={"batch": batch.key, "at": batch.at_ns, "lost": batch.lost})

    def _add(self, pipe: Pipeline, stream: str, fields: Fields, limit: int = MAX_ENTRIES) -> None:
        pipe.xadd(f"{self._keys}{stream}", fields, maxlen=limit, approximate=True)

    def _words(self, error: Exception) -> str:
        # While connecting the library turns a refused login into a lost connection with that cause.
        if isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError):
            return f"refuses the login at {self._where}"
        if isinstance(error, BusyLoadingError):
            return "is loading its data"
        if isinstance(error, SilentError):
            return f"does not answer at {self._where}"
        if isinstance(error, LostError | OSError):
            return f"cannot be reached at {self._where}"
        return f"{'refuses' if isinstance(error, ResponseError) else 'fails'}: {_line(error)}"


def address_of(url: str) -> str:
    """Where a URL leads, without user and password, however badly it is written."""
    place, _, _ = url.partition("://")[2].rpartition("@")[2].partition("?")
    return clean_line(place, 80)


def secrets_of(url: str) -> set[str]:
    """The passwords in a URL, as written and as meant."""
    place, _, query = url.partition("://")[2].partition("?")
    found = {place.rpartition("@")[0].partition(":")[2], *parse_qs(query).get("password", ())}
    return {form for secret in found for form in (secret, unquote(secret)) if secret}


def _line(error: Exception) -> str:
    return clean_line(str(redact(str(error))), 80)
