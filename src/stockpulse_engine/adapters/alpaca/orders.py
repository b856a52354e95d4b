"""Questions about orders and executions: lists read to their end, changes followed to what works now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from stockpulse_engine.adapters.alpaca.assets import AssetBook
from stockpulse_engine.adapters.alpaca.errors import Verdict, no_answer
from stockpulse_engine.adapters.alpaca.known import SUFFIXES, Entry, Known
from stockpulse_engine.adapters.alpaca.parse import (
    AlpacaFill,
    AlpacaOrder,
    ParseError,
    last_token,
    parse_fills,
    parse_order,
    parse_orders,
    stamp,
)
from stockpulse_engine.adapters.alpaca.rest import AlpacaRest, document_of
from stockpulse_engine.adapters.alpaca.symbols import wire_id
from stockpulse_engine.adapters.alpaca.words import GROUPS, REPLACED, side_of, status_of, terms_of
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.reports import VenueOrder

ORDERS_PAGE: Final = 500
FILLS_PAGE: Final = 100
MOST_PAGES: Final = 400
MOST_CHANGES: Final = 60
"""Links of a chain of changes that are followed; a longer one is an error, not an endless walk."""
_NS: Final = 1_000_000_000


class OrderBook:
    """Reads orders and executions of the one account behind the key."""

    def __init__(self, rest: AlpacaRest, assets: AssetBook, known: Known) -> None:
        self._rest = rest
        self._assets = assets
        self.known = known
        self.account_id = ""
        self.since = 0
        """What happened before this account was taken over is not told."""

    async def find(self, ours: str) -> AlpacaOrder | None:
        """What stands for our order now; None is Alpaca's authenticated 'no such order'."""
        entry = self.known.get(ours)
        found = await self.by_id(entry.order_id) if entry is not None and entry.order_id else None
        if found is None:
            found = await self.by_client_id(wire_id(ours)) or await self._leg(ours)
        return None if found is None else await self._follow(found)

    async def by_id(self, order_id: str, *, is_nested: bool = False) -> AlpacaOrder | None:
        """One of Alpaca's orders."""
        params = {"nested": "true"} if is_nested else None
        return await self._one(f"/v2/orders/{order_id}", params)

    async def venue_order(self, order: AlpacaOrder) -> VenueOrder:
        """An order as the port shows it: with all it executed, also before it was changed."""
        entry = self.known.find(order) or self.known.learn(order)
        before = await self.filled_before(order)
        instrument_id = await self.instrument_of(order, entry)
        return VenueOrder(
            client_order_id=entry.ours,
            venue_order_id=order.order_id,
            terms=terms_of(order, self.account_id, instrument_id, filled_before=before, base=entry.terms),
            status=status_of(order, before),
            filled_quantity=order.filled_quantity + before,
            ts_event=order.updated_at or order.submitted_at,
        )

    async def filled_before(self, order: AlpacaOrder) -> Decimal:
        """What the orders it took the place of executed."""
        total, link = ZERO, order.replaces
        for _ in range(MOST_CHANGES):
            if not link:
                return total
            earlier = self.known.spent(link) or await self.by_id(link)
            if earlier is None:
                raise UnavailableError("Alpaca does not show what was ordered before a change.")
            self.known.learn(earlier)
            total, link = total + earlier.filled_quantity, earlier.replaces
        raise UnavailableError("An order was changed more often than can be followed.")

    async def instrument_of(self, order: AlpacaOrder, entry: Entry | None) -> str:
        """Our id of what it trades."""
        if entry is not None and entry.terms is not None:
            return entry.terms.instrument_id
        return await self._assets.instrument_id(order.symbol, order.asset_id, order.asset_class)

    async def owner_of(self, order: AlpacaOrder) -> Entry:
        """Whose order it is; for a leg nobody has met its entry is asked for."""
        entry = self.known.find(order)
        if entry is not None:
            return entry
        params = {"status": "all", "nested": "true", "symbols": order.symbol, "limit": str(ORDERS_PAGE)}
        for each in await self._orders(params):
            if each.order_class in GROUPS:
                self.known.learn(each)
        return self.known.find(order) or self.known.learn(order)

    async def open_orders(self) -> list[AlpacaOrder]:
        """Everything that works, legs beside their entries, complete or UnavailableError."""
        return await self._all({"status": "open"}, 0)

    async def recent_orders(self, after_ns: int) -> list[AlpacaOrder]:
        """Everything submitted after a moment."""
        return await self._all({"status": "all"}, after_ns)

    async def fills(self, after_ns: int) -> list[AlpacaFill]:
        """Executions after a moment, oldest first, complete or UnavailableError (F10)."""
        found: dict[str, AlpacaFill] = {}
        params = {"direction": "asc", "page_size": str(FILLS_PAGE)}
        if after_ns > 0:  # whole seconds, and some to spare: the filter is on when an activity was written
            params["after"] = f"{stamp(after_ns - 2 * _NS)[:19]}Z"
        for _ in range(MOST_PAGES):
            rows = await self._rest.get("/v2/account/activities/FILL", params)
            try:
                page, token = parse_fills(rows), last_token(rows)
            except ParseError as error:
                raise UnavailableError(f"Alpaca's executions can not be read: {error}.") from None
            found.update((one.token, one) for one in page)
            self.known.listed.note(one.execution_id for one in page)
            if len(rows) < FILLS_PAGE:
                return sorted((one for one in found.values() if one.at > after_ns), key=lambda one: one.at)
            if params.get("page_token") == token:
                break
            params["page_token"] = token
        raise UnavailableError("Alpaca's list of executions has no end.")

    async def fill_of(self, one: AlpacaFill) -> Fill:
        """An execution from the activities, as the port shows it."""
        entry = self.known.owner(one.order_id)
        order = None
        if entry is None:
            order = await self.by_id(one.order_id)
            if order is None:
                raise UnavailableError(f"Alpaca shows an execution of an order it does not show: {one.order_id}.")
            entry = await self.owner_of(order)
        terms = entry.terms
        asset_id = order.asset_id if order is not None else ""
        instrument_id = terms.instrument_id if terms else await self._assets.instrument_id(one.symbol, asset_id, "")
        fill_id = self.known.listed.name(one.order_id, one.execution_id, one.cumulative, one.quantity)
        return Fill(
            fill_id=fill_id,
            client_order_id=entry.ours,
            account_id=self.account_id,
            instrument_id=instrument_id,
            sign=side_of(one.side).sign,
            quantity=one.quantity,
            price=one.price,
            ts_event=one.at,
            venue_order_id=one.order_id,
        )

    async def fetch_fills(self, after_ns: int) -> Sequence[Fill]:
        """Executions after a moment, and none from before the account was taken over."""
        return [await self.fill_of(one) for one in await self.fills(max(after_ns, self.since))]

    async def newest_fill_at(self) -> int:
        """When the newest execution was, 0 when there is none."""
        rows = await self._rest.get("/v2/account/activities/FILL", {"direction": "desc", "page_size": "1"})
        try:
            return max((one.at for one in parse_fills(rows)), default=0)
        except ParseError as error:
            raise UnavailableError(f"Alpaca's executions can not be read: {error}.") from None

    async def _follow(self, order: AlpacaOrder) -> AlpacaOrder:
        """From an order that was replaced to what took its place."""
        for _ in range(MOST_CHANGES):
            await self.owner_of(order)
            if order.status != REPLACED or not order.replaced_by:
                return order
            following = await self.by_id(order.replaced_by)
            if following is None:
                raise UnavailableError("Alpaca does not show the order that took over.")
            if following.status == "rejected":
                return order
            order = following
        raise UnavailableError("An order was changed more often than can be followed.")

    async def by_client_id(self, sent_id: str) -> AlpacaOrder | None:
        """The order that was sent under this id, changed or not."""
        return await self._one("/v2/orders:by_client_order_id", {"client_order_id": sent_id})

    async def _leg(self, ours: str) -> AlpacaOrder | None:
        """An exit by the order service's naming of it: its entry is asked for with its legs."""
        for suffix in SUFFIXES.values():
            entry = await self.by_client_id(wire_id(ours.removesuffix(suffix))) if ours.endswith(suffix) else None
            if entry is None or entry.order_class not in GROUPS:
                continue
            whole = await self.by_id(entry.order_id, is_nested=True) or entry
            self.known.learn(whole)
            found = self.known.get(ours)
            return await self.by_id(found.order_id) if found is not None and found.order_id else None
        return None

    async def _one(self, path: str, params: dict[str, str] | None) -> AlpacaOrder | None:
        answer = await self._rest.look(path, params)
        if answer.verdict is Verdict.NOT_FOUND:
            return None
        if answer.verdict is not Verdict.DONE:
            raise no_answer(answer.verdict, answer.error)
        try:
            return parse_order(document_of(answer))
        except ParseError as error:
            raise UnavailableError(f"Alpaca's order can not be read: {error}.") from None

    async def _all(self, params: dict[str, str], after_ns: int) -> list[AlpacaOrder]:
        """Pages forward in time; the border is asked for twice, so that nothing of the same instant is lost."""
        found: dict[str, AlpacaOrder] = {}
        asked = {**params, "limit": str(ORDERS_PAGE), "direction": "asc", "nested": "false"}
        for _ in range(MOST_PAGES):
            if after_ns > 0:
                asked["after"] = stamp(after_ns)
            page = await self._orders(asked)
            before = len(found)
            found.update((one.order_id, one) for one in page)
            if len(page) < ORDERS_PAGE:
                return list(found.values())
            after_ns = max(one.submitted_at for one in page) - 1
            if len(found) == before:
                break
        raise UnavailableError("Alpaca's list of orders has no end.")

    async def _orders(self, params: dict[str, str]) -> list[AlpacaOrder]:
        rows = await self._rest.get("/v2/orders", params)
        try:
            return parse_orders(rows)
        except ParseError as error:
            raise UnavailableError(f"Alpaca's orders can not be read: {error}.") from None
