"""Orders that the engine holds: it watches prices and the clock, and lets each go once, when its condition is met.

Everything known about a held order is in the journal (it is INITIALIZED and marked as held), so a restart goes on where
the kill was; and it leaves with the event that ends its being held, so it can leave only once. A price that is missing
or stale fires nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from msgspec import structs

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.conditions import Condition, ConditionPart, PriceKind, TimeCondition
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms, TimeInForce
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.submit import Submitter

STALE_NS: Final = 10_000_000_000
"""A price that nothing has confirmed for so long fires nothing."""
_NS: Final = 1_000_000_000


class Conditional:
    """Watches held orders. Prices are looked at when they come, times and ends with every beat of `run`.

    Args:
        desk: shared parts.
        submitter: lets an order go.
        age: nanoseconds since the quote of an instrument was confirmed, -1 without one.
        day_start: market time at which the session began; session_date: which it is.
    """

    def __init__(
        self,
        desk: Desk,
        submitter: Submitter,
        *,
        age: Callable[[str], int],
        day_start: Callable[[], int],
        session_date: Callable[[], str],
    ) -> None:
        self._desk = desk
        self._submitter = submitter
        self._age = age
        self._day_start = day_start
        self._session_date = session_date
        self._held: dict[str, Order] = {}
        self._watched: dict[str, dict[str, None]] = {}
        """Instrument → held orders that watch its price."""
        self._last: dict[str, Decimal] = {}
        self._firing: set[str] = set()
        self._blind_since: dict[str, int] = {}
        self._trails: dict[str, OrderTerms] = {}
        """Trailing stops that no broker holds for us → their terms, with the trigger where it stands now."""
        self._trailed_at: dict[str, int] = {}
        """… and the market time at which that was last recorded."""
        self._told: dict[str, str] = {}
        """Order → why it does not leave, as it was told."""

    def begin(self) -> None:
        """Take over what the journal holds, and listen to the market."""
        for order in tuple(self._desk.recorder.front.held_orders()):
            self.follow(order)
        self._desk.bus.subscribe(Quote, self._on_quote)
        self._desk.bus.subscribe(Trade, self._on_trade)

    def follow(self, order: Order) -> None:
        """An order changed: is it (still) held?"""
        key = order.client_order_id
        if order.is_held:
            self._held[key] = order
            for instrument_id in _watched_by(order):
                self._watched.setdefault(instrument_id, {})[key] = None
            if order.condition is None and key not in self._trails:
                self._trail(order)  # it follows from the price it begins at
        elif self._held.pop(key, None) is not None:
            self._forget(key, order)

    async def run(self) -> None:
        """Look around for ever."""
        while True:
            await self._desk.sleep(self._desk.timing.watch)
            await self.look()

    async def look(self) -> None:
        """Every held order: is its time up, is it due, can its prices be seen at all?"""
        for key, order in tuple(self._held.items()):
            why = self._end_of(order)
            if why:
                await self._expire(key, why)
            elif not self._fire_if_due(order):
                self._note_trail(key)
                self._mind_prices(key, order)

    # --- prices -----------------------------------------------------------------------------------------------

    def _on_quote(self, quote: Quote) -> None:
        self._look_at(quote.instrument_id)

    def _on_trade(self, trade: Trade) -> None:
        if trade.instrument_id in self._watched:
            self._last[trade.instrument_id] = trade.price
            self._look_at(trade.instrument_id)

    def _look_at(self, instrument_id: str) -> None:
        for key in tuple(self._watched.get(instrument_id, ())):
            self._fire_if_due(self._held[key])

    def _holds(self, part: ConditionPart) -> bool:
        if isinstance(part, TimeCondition):
            return self._desk.market_now() >= part.at_ns
        price = self._price(part.instrument_id, part.what)
        return price is not None and part.holds(price)

    def _price(self, instrument_id: str, what: PriceKind) -> Decimal | None:
        """The price now; None while it is missing or stale."""
        quote = self._desk.quotes(instrument_id)
        if quote is None or not 0 <= self._age(instrument_id) <= STALE_NS:
            return None
        last = self._last.get(instrument_id, quote.last)
        bid = quote.bid if quote.bid_size > 0 else None
        ask = quote.ask if quote.ask_size > 0 else None
        mid = (bid + ask) / 2 if bid is not None and ask is not None else None
        mark = mid if mid is not None else last
        found = {
            PriceKind.LAST: last, PriceKind.BID: bid, PriceKind.ASK: ask, PriceKind.MID: mid, PriceKind.MARK: mark
        }  # fmt: skip
        return found[what]

    def _mind_prices(self, key: str, order: Order) -> None:
        """Say once that an order cannot fire because a price it watches is missing or stale, and since when."""
        now = self._desk.clock.monotonic_ns()
        blind = [one for one in _watched_by(order) if self._price(one, PriceKind.MARK) is None]
        if not blind:
            self._blind_since.pop(key, None)
            return
        since = self._blind_since.setdefault(key, now)
        if now - since >= int(self._desk.timing.blind * _NS):
            names = ", ".join(symbol_of(one) for one in blind)
            self._tell(key, f"no fresh price of {names} is known: it can not fire until there is one")

    # --- firing -----------------------------------------------------------------------------------------------

    def _fire_if_due(self, order: Order) -> bool:
        """Let it go if its condition is met now; whether it is on its way out."""
        key, condition = order.client_order_id, order.condition
        if key in self._firing or self._desk.is_stopping:
            return True
        is_due = self._trail(order) if condition is None else self._is_met(condition)
        if not is_due or self._end_of(order):
            return False
        self._note_trail(key, is_last=True)
        self._firing.add(key)
        self._desk.spawn(self._fire(key), f"fire {key}")
        return True

    def _is_met(self, condition: Condition) -> bool:
        found = map(self._holds, condition.parts)
        return all(found) if condition.needs_all else any(found)

    def _trail(self, order: Order) -> bool:
        """A trailing stop of ours sees the last price: its trigger follows, or is reached."""
        key, price = order.client_order_id, self._price(order.terms.instrument_id, PriceKind.LAST)
        quote = self._desk.quotes(order.terms.instrument_id)
        if price is None or quote is None:
            return False
        terms = self._trails.setdefault(key, order.terms)
        sign, stop = terms.side.sign, terms.stop_price
        if stop is not None and (price - stop) * sign >= 0:
            return True
        raw = terms.trail_from(price)
        tick = Decimal(1).scaleb(int(quote.bid.as_tuple().exponent))
        new = None if raw is None else round_to_tick(raw, tick, up=sign > 0)
        if new is not None and (stop is None or (stop - new) * sign > 0):
            self._trails[key] = structs.replace(terms, stop_price=new)
        return False

    def _note_trail(self, key: str, *, is_last: bool = False) -> None:
        """Record where a trigger stands, at most once a second; a kill loses no more of it than that."""
        terms, order, now = self._trails.get(key), self._held.get(key), self._desk.market_now()
        if terms is None or order is None or terms.stop_price == order.terms.stop_price:
            return
        if not is_last and now - self._trailed_at.get(key, 0) < _NS:
            return
        self._trailed_at[key] = now
        try:
            self._desk.recorder.record([self._desk.event(OrderEventKind.TRAIL, key, terms=terms, actor="engine")])
        except StockPulseError as error:
            self._tell(key, f"where its trigger stands could not be recorded: {error.message}")

    async def _fire(self, key: str) -> None:
        try:
            why = await self._submitter.fire(key)
            if why:
                self._tell(key, f"its condition is met, and it waits: {why}")
        except StockPulseError as error:
            self._tell(key, f"its condition is met, and it waits: {error.message}")
        finally:
            self._firing.discard(key)

    def _tell(self, key: str, why: str) -> None:
        if self._told.get(key) != why:
            self._told[key] = why
            self._desk.alert("warn", f"{key}: {clean_line(why, 200)}", key)

    # --- ends -------------------------------------------------------------------------------------------------

    def _end_of(self, order: Order) -> str:
        """Why it is held no longer, "" while it may be."""
        terms, splits = order.terms, self._desk.recorder.front.splits
        if splits:
            for one in (terms.instrument_id, *_watched_by(order)):
                if splits.get(one, 0) > order.created_at:
                    return f"{symbol_of(one)} was split: its sizes and prices meant old shares"
        if terms.time_in_force is TimeInForce.GTC:
            return ""
        if terms.time_in_force is not TimeInForce.GTD:
            return "its session is over" if 0 < order.created_at < self._day_start() else ""
        if 0 < terms.expires_at <= self._desk.market_now():
            return "its time is up"
        return f"{terms.expires_on} is over" if "" < terms.expires_on < self._session_date() else ""

    async def _expire(self, key: str, why: str) -> None:
        if key in self._firing:
            return
        try:
            await self._submitter.discard_staged(key, f"expire-{key}", "engine", reason=why, code="expired")
        except StockPulseError as error:
            self._tell(key, f"its end could not be recorded: {error.message}")

    def _forget(self, key: str, order: Order) -> None:
        for instrument_id in _watched_by(order):
            watchers = self._watched.get(instrument_id, {})
            watchers.pop(key, None)
            if not watchers:
                self._watched.pop(instrument_id, None)
                self._last.pop(instrument_id, None)
        self._blind_since.pop(key, None)
        kept: tuple[dict[str, Any], ...] = (self._told, self._trails, self._trailed_at)
        for each in kept:
            each.pop(key, None)


def _watched_by(order: Order) -> tuple[str, ...]:
    """Instruments whose prices it waits for."""
    if order.condition is None:
        return (order.terms.instrument_id,)
    return order.condition.instrument_ids
