"""The stand-in for Yahoo beside a blocking test: a market that is moved by hand, goes away and comes back."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from types import TracebackType

from stockpulse_engine.base.clock import WallClock
from stockpulse_engine.domain.market import SECOND_NS
from tests.fakes.yahoo_server import Answer, YahooServer


@dataclass
class Coin:
    """What one symbol shows; `age_s` is how late its source is."""

    symbol: str
    price: float
    volume: int
    kind: str = "CRYPTOCURRENCY"
    exchange: str = "CCC"
    age_s: int = 0
    status: int = 200

    def answer(self) -> Answer:
        """The endpoint's answer at this moment."""
        now = WallClock().now_ns() // SECOND_NS - self.age_s
        meta = {
            "symbol": self.symbol, "currency": "USD", "exchangeName": self.exchange, "instrumentType": self.kind,
            "longName": self.symbol, "priceHint": 2, "regularMarketPrice": self.price, "regularMarketTime": now,
            "regularMarketVolume": self.volume,
        }  # fmt: skip
        row = {name: [self.price] for name in ("open", "high", "low", "close")} | {"volume": [self.volume]}
        result = {"meta": meta, "timestamp": [now - 86_400], "indicators": {"quote": [row]}}
        return self.status, json.dumps({"chart": {"result": [result], "error": None}}).encode()


class YahooThread:
    """Runs the stand-in in a loop of its own; `go_away` and `come_back` keep its address."""

    def __init__(self, *coins: Coin) -> None:
        self.server = YahooServer(answers={coin.symbol: coin.answer for coin in coins})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> YahooThread:
        self._thread.start()
        self.come_back()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def come_back(self) -> None:
        """Answer (again) at the same address."""
        asyncio.run_coroutine_threadsafe(self.server.__aenter__(), self._loop).result(10)

    def go_away(self) -> None:
        """Nobody answers any more."""
        asyncio.run_coroutine_threadsafe(self.server.__aexit__(None, None, None), self._loop).result(10)
