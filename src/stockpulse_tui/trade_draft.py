"""The trade line: a price on the chart that is about to become an order, with its stop and its take. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import round_to_tick
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.render.chartdata import TradeLine
from stockpulse_engine.render.format import format_money, format_number, format_quantity

ENTRY, STOP, TAKE = "entry", "stop", "take"
HANDLES = (ENTRY, STOP, TAKE)
FIRST_STOP, FIRST_TAKE = Decimal("0.01"), Decimal("0.02")
"""Distance of a new stop and take from the entry."""
MAX_DIGITS = 9
SOURCE = "tui"


class Exits(msgspec.Struct, frozen=True):
    """What the line stands to lose and to win, in money; None without that exit."""

    risk: Decimal | None
    reward: Decimal | None


class TradeDraft:
    """One line. Moving the entry moves its exits along; they keep their distance."""

    def __init__(self, instrument: Instrument, side: Side, price: Decimal, quantity: Decimal) -> None:
        self.instrument = instrument
        self.side = side
        self.handle = ENTRY
        self._prices: dict[str, Decimal] = {ENTRY: self._on_tick(price)}
        self._digits = format_quantity(quantity).replace(",", "")
        self._is_typed = False

    @property
    def price(self) -> Decimal:
        """The entry."""
        return self._prices[ENTRY]

    @property
    def marked(self) -> Decimal:
        """The price that `j` and `k` move."""
        return self._prices[self.handle]

    @property
    def stop(self) -> Decimal | None:
        """The protective stop, None without."""
        return self._prices.get(STOP)

    @property
    def take(self) -> Decimal | None:
        """The take-profit, None without."""
        return self._prices.get(TAKE)

    @property
    def quantity(self) -> Decimal:
        """Units, 0 while none are typed."""
        return Decimal(self._digits or 0)

    @property
    def is_whole(self) -> bool:
        """Whether it says an order: a size that fits the lot, and exits on their own sides of the entry."""
        lot, sign = self.instrument.lot_size, self.side.sign
        stop_ok = self.stop is None or (self.price - self.stop) * sign > 0
        take_ok = self.take is None or (self.take - self.price) * sign > 0
        return self.quantity > 0 and self.quantity % lot == 0 and stop_ok and take_ok

    def turn(self, side: Side) -> None:
        """The other side; exits of the old one are dropped."""
        if side is not self.side:
            self.side = side
            self.handle = ENTRY
            self._prices = {ENTRY: self.price}

    def move(self, ticks: int) -> None:
        """Move the marked price; the entry takes its exits along."""
        by = self.instrument.tick_size * ticks
        moved = HANDLES if self.handle == ENTRY else (self.handle,)
        for name in moved:
            if name in self._prices:
                self._prices[name] = max(self.instrument.tick_size, self._prices[name] + by)

    def next_handle(self) -> None:
        """Entry, stop, take, and round again; an exit not there yet is put at its first distance."""
        self.handle = HANDLES[(HANDLES.index(self.handle) + 1) % len(HANDLES)]
        if self.handle not in self._prices:
            share, sign = (FIRST_STOP, -1) if self.handle == STOP else (FIRST_TAKE, 1)
            self._prices[self.handle] = self._on_tick(self.price * (1 + sign * self.side.sign * share))

    def drop_handle(self) -> None:
        """Take the marked exit away."""
        if self.handle != ENTRY:
            self._prices.pop(self.handle, None)
            self.handle = ENTRY

    def press(self, key: str) -> bool:
        """Digits set the quantity: the first one replaces it. True when the key was used."""
        if len(key) == 1 and key.isascii() and key.isdigit():
            kept = self._digits if self._is_typed else ""
            self._digits, self._is_typed = (kept + key)[:MAX_DIGITS].lstrip("0"), True
        elif key == "Backspace":
            self._digits, self._is_typed = self._digits[:-1], True
        elif key == "#":
            self._digits, self._is_typed = "", True
        elif key == "Tab":
            self.next_handle()
        elif key in ("x", "Delete"):
            self.drop_handle()
        else:
            return False
        return True

    def order_type(self, quote: Quote | None) -> OrderType:
        """A price the market has passed is a stop; else a limit. Without a quote a limit, which can not run away."""
        if quote is None:
            return OrderType.LIMIT
        is_through = self.price > quote.ask if self.side is Side.BUY else self.price < quote.bid
        return OrderType.STOP if is_through else OrderType.LIMIT

    def exits(self) -> Exits:
        """Risk to the stop and reward to the take."""
        risk = None if self.stop is None else abs(self.price - self.stop) * self.quantity
        reward = None if self.take is None else abs(self.take - self.price) * self.quantity
        return Exits(risk, reward)

    def note(self) -> str:
        """`risk 104.40  reward 208.80  2.0 R`; without a stop, what is exposed."""
        exits = self.exits()
        parts = [f"risk {format_money(exits.risk)}" if exits.risk is not None else "no stop"]
        if exits.reward is not None:
            parts.append(f"reward {format_money(exits.reward)}")
        if exits.risk and exits.reward is not None:
            parts.append(f"{format_number(exits.reward / exits.risk, 1)} R")
        if exits.risk is None:
            parts.append(f"{format_money(self.price * self.quantity)} exposed")
        return "  ".join(parts)

    def line(self, quote: Quote | None) -> TradeLine:
        """As the chart draws it."""
        kind = "STP" if self.order_type(quote) is OrderType.STOP else "LMT"
        size = format_quantity(self.quantity) if self._digits else "…"
        return TradeLine(
            is_buy=self.side is Side.BUY, price=self.price, label=f"{size} {kind}", take=self.take, stop=self.stop
        )

    def body(self, account_id: str, quote: Quote | None, *, is_staged: bool) -> SubmitOrder | None:
        """The request to make, without an id; None while it says no order."""
        if not self.is_whole or not account_id:
            return None
        kind = self.order_type(quote)
        terms = OrderTerms(
            account_id=account_id,
            instrument_id=self.instrument.instrument_id,
            side=self.side,
            quantity=self.quantity,
            order_type=kind,
            limit_price=self.price if kind is OrderType.LIMIT else None,
            stop_price=self.price if kind is OrderType.STOP else None,
        )
        return SubmitOrder(
            client_order_id="",
            terms=terms,
            take_price=self.take,
            stop_price=self.stop,
            is_staged=is_staged,
            source=SOURCE,
        )

    def _on_tick(self, price: Decimal) -> Decimal:
        return max(self.instrument.tick_size, round_to_tick(price, self.instrument.tick_size, up=False))
