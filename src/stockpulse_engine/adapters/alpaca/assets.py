"""Which of Alpaca's assets an instrument of ours is, and whether it may be traded today (F42)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from urllib.parse import quote

from stockpulse_engine.adapters.alpaca.errors import Verdict, no_answer
from stockpulse_engine.adapters.alpaca.parse import AlpacaAsset, ParseError, parse_asset
from stockpulse_engine.adapters.alpaca.rest import AlpacaRest, document_of
from stockpulse_engine.adapters.alpaca.symbols import instrument_id_of, is_same_place, symbol_for
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.trading.ports import RejectedByBrokerError

FRESH_NS: Final = 6 * 3_600_000_000_000
"""What may be traded changes overnight: an answer is good for six hours."""
MOST: Final = 2_000


class AssetBook:
    """Assets by symbol and by Alpaca's own id, asked for when first met."""

    def __init__(self, rest: AlpacaRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._held: dict[str, tuple[int, AlpacaAsset]] = {}
        self._sent_as: dict[str, str] = {}

    async def require(self, order: Order) -> str:
        """Alpaca's symbol for an order. Raises RejectedByBrokerError when it can not be traded, with the reason."""
        instrument_id = order.terms.instrument_id
        symbol = symbol_for(instrument_id)
        asset = await self.fetch(symbol) if symbol else None
        if asset is None:
            raise RejectedByBrokerError(f"Alpaca does not know {instrument_id}", "NO_ASSET")
        why = refusal_of(asset, instrument_id, order.terms.quantity)
        if why:
            raise RejectedByBrokerError(why, "NOT_TRADABLE")
        self._sent_as[asset.symbol] = instrument_id
        return asset.symbol

    async def instrument_id(self, symbol: str, asset_id: str, asset_class: str) -> str:
        """Our id of what Alpaca names so. Raises UnavailableError: without its exchange it has no id."""
        known = self._sent_as.get(symbol)
        if known is not None:
            return known
        asset = await self.fetch(asset_id or symbol)
        if asset is None:
            found = instrument_id_of(symbol, "", asset_class)
        else:  # by its own name: positions in coins are spelt without their slash
            known = self._sent_as.get(asset.symbol)
            found = known or instrument_id_of(asset.symbol, asset.exchange, asset.asset_class)
        if not found:
            raise UnavailableError(f"Alpaca names something {symbol!r} that has no instrument id here.")
        return found

    async def fetch(self, key: str) -> AlpacaAsset | None:
        """The asset of a symbol or id; None when Alpaca knows none. Raises UnavailableError."""
        now = self._clock.monotonic_ns()
        held = self._held.get(key)
        if held is not None and now - held[0] < FRESH_NS:
            return held[1]
        answer = await self._rest.look(f"/v2/assets/{quote(key, safe='')}")
        if answer.verdict is Verdict.NOT_FOUND:
            return None
        if answer.verdict is not Verdict.DONE:
            raise no_answer(answer.verdict, answer.error)
        try:
            asset = parse_asset(document_of(answer))
        except ParseError as error:
            raise UnavailableError(f"Alpaca's asset can not be read: {error}.") from None
        if len(self._held) >= MOST:
            self._held.clear()
        for name in {key, asset.symbol, asset.asset_id} - {""}:
            self._held[name] = (now, asset)
        return asset


def refusal_of(asset: AlpacaAsset, instrument_id: str, quantity: Decimal) -> str:
    """Why an order in it would be wrong, "" when it is not."""
    if not is_same_place(instrument_id, asset.exchange):
        return f"Alpaca lists {asset.symbol} at {asset.exchange}: that is not {instrument_id}"
    if asset.status != "active":
        return f"{asset.symbol} is {asset.status or 'not active'} at Alpaca"
    if not asset.is_tradable:
        return f"{asset.symbol} can not be traded at Alpaca now"
    if quantity % 1 and not asset.is_fractionable:
        return f"{asset.symbol} is traded in whole shares at Alpaca"
    return ""
