"""The state a head starts from, read from the ports at one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from stockpulse_engine.api.frames import Topics
from stockpulse_engine.api.pending import Pending
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.orders import Order

T = TypeVar("T")
MAX_ORDERS = 500
MAX_NEWS = 50
_SCOPES = ("working", "unknown", "staged", "today")


def take_snapshot(services: EngineServices, topics: Topics) -> Pending:
    """Everything the topics cover. Parts that are not there yet (the engine starts) stay empty."""
    pending = Pending()
    market = services.market
    pending.instruments = {item.instrument_id: item for item in _many(market.instruments)}
    if any(topic == "quotes" or topic.startswith("quote:") for topic in topics):
        pending.quotes = {quote.instrument_id: quote for quote in _many(market.quotes)}
        pending.statuses = {status.instrument_id: status for status in _many(market.statuses)}
        pending.references = _one(market.references) or {}
        pending.sparks = _one(market.sparks) or {}
    _add_depths(pending, services, topics)
    if "news" in topics:
        pending.news = list(reversed(_many(lambda: market.news(MAX_NEWS))))
    if "orders" in topics:
        pending.orders = _orders(services)
        pending.fills = list(reversed(_many(lambda: services.trading.fills(limit=MAX_ORDERS))))
    pending.halt = _one(services.trading.halt_view)
    pending.clock = _one(market.clock)
    return pending


def _add_depths(pending: Pending, services: EngineServices, topics: Topics) -> None:
    for topic in topics:
        if topic.startswith("depth:"):
            wanted = topic.removeprefix("depth:")
            depth = _one(partial(services.market.depth, wanted))
            if depth is not None:
                pending.depths[wanted] = depth


def _orders(services: EngineServices) -> list[Order]:
    found: dict[str, Order] = {}
    for scope in _SCOPES:
        for order in _many(partial(services.trading.orders, scope=scope, limit=MAX_ORDERS)):
            found.setdefault(order.client_order_id, order)
    return list(found.values())


def _many(read: Callable[[], Sequence[T]]) -> Sequence[T]:
    return _one(read) or ()


def _one(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except StockPulseError:
        return None
