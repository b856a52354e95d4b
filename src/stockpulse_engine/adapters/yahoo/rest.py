"""The chart endpoint over HTTP: bounded, cached, and silent for a while when asked to be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote as quote_path

from stockpulse_engine import __version__
from stockpulse_engine.adapters.yahoo.errors import TOO_MANY, error_of, unreachable, unreadable
from stockpulse_engine.adapters.yahoo.parse import YahooAnswer, parse_chart
from stockpulse_engine.adapters.yahoo.settings import YahooSettings
from stockpulse_engine.adapters.yahoo.symbols import require_symbol
from stockpulse_engine.base.clock import Clock, WallClock
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.market import SECOND_NS, Bar, BarSpec, Quote

if TYPE_CHECKING:
    import httpx

INTERVALS = {
    "1m": "1m", "2m": "2m", "5m": "5m", "15m": "15m", "30m": "30m", "60m": "60m", "90m": "90m", "1h": "60m",
    "1d": "1d", "5d": "5d", "1w": "1wk",
}  # fmt: skip
"""Our bar lengths → Yahoo's intervals."""

_DEPTH_DAYS = {"1m": 7, "60m": 729}
"""How far back it goes: one minute 7 days a call, one hour 730, other intraday bars 60."""
_INTRADAY_DEPTH_DAYS = 59
_DAY_S = 86_400
_SESSION_S = 23_400
_MAX_BARS = 5_000
_MAX_CACHED = 64
Sleep = Callable[[float], Awaitable[object]]


class YahooChart:
    """Quotes and bars of any symbol Yahoo charts. Unofficial, shown and marked as such."""

    name = "yahoo (unofficial)"

    def __init__(
        self,
        base_url: str = "",
        *,
        settings: YahooSettings | None = None,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`base_url`, when given, replaces the one of the settings."""
        self._settings = settings or YahooSettings()
        self._base = (base_url or self._settings.base_url).rstrip("/")
        self._clock = clock or WallClock()
        self._client: httpx.AsyncClient | None = None
        self._cache: dict[tuple[str, str, int], tuple[int, YahooAnswer]] = {}
        self._quiet_until = 0
        self._sleep = sleep
        self._next_turn = 0

    @property
    def quiet_s(self) -> float:
        """For how long nothing is asked any more, because too much was; 0 while we may."""
        return max(0, self._quiet_until - self._clock.monotonic_ns()) / SECOND_NS

    async def fetch_quote(self, symbol: str) -> Quote:
        """The last price, as a quote whose sides have size 0; raises NotFoundError, UnavailableError."""
        answer = await self.fetch(symbol, BarSpec(1, "d"), 2)
        if answer.quote is None:
            raise UnavailableError(f"Yahoo has no price for {symbol[:24]}.", fix="Look at its bars instead.")
        return answer.quote

    async def fetch_bars(self, symbol: str, spec: BarSpec, limit: int) -> Sequence[Bar]:
        """The last `limit` bars, oldest first, the newest possibly open; empty where there was no trade."""
        answer = await self.fetch(symbol, spec, limit)
        return answer.bars[-limit:]

    async def fetch(self, symbol: str, spec: BarSpec, limit: int) -> YahooAnswer:
        """Instrument, quote and bars of one answer, at most `cache_s` old."""
        wanted = require_symbol(symbol)
        if str(spec) not in INTERVALS:
            raise InvalidValueError(f"Yahoo has no bars of {spec}.", fix=f"Use one of: {', '.join(INTERVALS)}.")
        key = (wanted, str(spec), min(max(1, limit), _MAX_BARS))
        now = self._clock.monotonic_ns()
        cached = self._cache.get(key)
        if cached is not None and now - cached[0] < self._settings.cache_s * SECOND_NS:
            return cached[1]
        await self._take_turn(wanted)
        now = self._clock.monotonic_ns()
        status, body = await self._get(wanted, self._query(spec, key[2]))
        if status == TOO_MANY:
            self._quiet_until = now + round(self._settings.pause_s * SECOND_NS)
        answer = parse_chart(status, body, wanted, spec)
        self._remember(key, now, answer)
        return answer

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _take_turn(self, symbol: str) -> None:
        """Wait until we may ask; an answer 429 in the meantime holds for everyone who waits."""
        if self.quiet_s:
            raise error_of(TOO_MANY, "", symbol)
        now, gap = self._clock.monotonic_ns(), round(self._settings.gap_s * SECOND_NS)
        turn = max(now, self._next_turn)
        if turn - now > self._settings.max_wait_s * SECOND_NS:
            raise UnavailableError("Too many questions for Yahoo at once.", fix="Ask again in a minute.")
        self._next_turn = turn + gap
        if turn > now:
            await self._sleep((turn - now) / SECOND_NS)
            if self.quiet_s:
                raise error_of(TOO_MANY, "", symbol)

    def _query(self, spec: BarSpec, limit: int) -> dict[str, str]:
        end = self._clock.now_ns() // SECOND_NS
        return {
            "interval": INTERVALS[str(spec)],
            "period1": str(end - days_back(spec, limit) * _DAY_S),
            "period2": str(end),
            "includePrePost": "false",
            "events": "div|split",
        }

    async def _get(self, symbol: str, query: dict[str, str]) -> tuple[int, bytes]:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self._settings.timeout_s,
                follow_redirects=False,
                headers={"user-agent": f"stockpulse/{__version__}", "accept": "application/json"},
            )
        url = f"{self._base}/v8/finance/chart/{quote_path(symbol, safe='')}"
        try:
            async with self._client.stream("GET", url, params=query) as response:
                return response.status_code, await self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise unreachable() from error

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._settings.max_bytes:
                raise unreadable(f"more than {self._settings.max_bytes} bytes")
        return bytes(body)

    def _remember(self, key: tuple[str, str, int], now: int, answer: YahooAnswer) -> None:
        self._cache.pop(key, None)
        while len(self._cache) >= _MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = (now, answer)


def days_back(spec: BarSpec, limit: int) -> int:
    """Calendar days that surely hold `limit` bars, weekends and holidays allowed for, within what Yahoo keeps."""
    seconds = spec.duration_ns // SECOND_NS
    if not spec.is_intraday:
        return limit * max(1, seconds // _DAY_S) * 8 // 5 + 10
    sessions = limit * seconds / _SESSION_S
    depth = _DEPTH_DAYS.get(INTERVALS[str(spec)], _INTRADAY_DEPTH_DAYS)
    return min(depth, int(sessions * 1.6) + 5)


__all__ = ["INTERVALS", "YahooAnswer", "YahooChart", "days_back"]
