"""A trading floor for tests: the matcher with a market moved by hand, one line per event."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import structs

from stockpulse_engine.domain.accounts import Account, AccountKind, AccountType
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import Depth, InstrumentStatus, Level, MarketEvent, MarketPhase, Quote, Trade
from stockpulse_engine.domain.orders import (
    OrderRole,
    OrderTerms,
    OrderType,
    SessionHours,
    Side,
    TimeInForce,
)
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.marketdata.calendar import load_calendar
from stockpulse_engine.venue.book import InstrumentBook
from stockpulse_engine.venue.desk import Desk
from stockpulse_engine.venue.fees import FREE, FeeSchedule
from stockpulse_engine.venue.intake import Accepted, Answer, Intake
from stockpulse_engine.venue.matching import MILLISECOND_NS, Matcher, Rules
from stockpulse_engine.venue.orders import NewOrder, WorkingOrder

ACME = "ACME.XNAS"
MINUTE_NS = 60_000 * MILLISECOND_NS
SESSION = load_calendar().session("2024-03-04")
assert SESSION is not None
NOON = SESSION.open + 150 * MINUTE_NS


def dec(text: str | int | None) -> Decimal | None:
    """A decimal, or None."""
    return None if text is None else Decimal(text)


def instrument(*, shortable: bool = True, lot: str = "1", name: str = ACME) -> Instrument:
    """A share with a cent tick."""
    return Instrument(
        instrument_id=name,
        name="Acme",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(lot),
        shortable=shortable,
    )


def account(kind: AccountType = AccountType.MARGIN, *, name: str = "A1", cash: str = "100000") -> Account:
    """A paper account."""
    return Account(
        account_id=name, kind=AccountKind.PAPER, account_type=kind, currency="USD", initial_cash=Decimal(cash)
    )


def new_order(
    order_id: str,
    side: str,
    quantity: str | int,
    *,
    limit: str | None = None,
    stop: str | None = None,
    tif: str = "DAY",
    ext: bool = False,
    role: str = "SINGLE",
    parent: str = "",
    name: str = ACME,
    owner: str = "A1",
    trail: str | None = None,
    offset: str | None = None,
    until: int | str = 0,
) -> NewOrder:
    """An order; its type follows from the prices given. `trail`: `0.50` or `2%`; `until`: a moment or a session."""
    kinds = {
        (False, False): OrderType.MARKET,
        (True, False): OrderType.LIMIT,
        (False, True): OrderType.STOP,
        (True, True): OrderType.STOP_LIMIT,
    }
    terms = OrderTerms(
        account_id=owner,
        instrument_id=name,
        side=Side(side),
        quantity=Decimal(quantity),
        order_type=OrderType.TRAILING_STOP if trail else kinds[limit is not None, stop is not None],
        limit_price=dec(limit),
        stop_price=dec(stop),
        time_in_force=TimeInForce(tif),
        session=SessionHours.EXTENDED if ext else SessionHours.REGULAR,
        trail_amount=dec(trail) if trail and not trail.endswith("%") else None,
        trail_fraction=Decimal(trail[:-1]) / 100 if trail and trail.endswith("%") else None,
        limit_offset=dec(offset),
        expires_at=until if isinstance(until, int) else 0,
        expires_on=until if isinstance(until, str) else "",
    )
    return NewOrder(client_order_id=order_id, terms=terms, role=OrderRole(role), parent_id=parent)


class Floor:
    """One instrument, open at noon with 100.00 × 500 bid and 100.02 × 300 asked, and account A1."""

    def __init__(
        self,
        *,
        latency_ms: int = 0,
        fees: FeeSchedule = FREE,
        rules: Rules | None = None,
        traded: Instrument | None = None,
        kind: AccountType = AccountType.MARGIN,
        phase: MarketPhase = MarketPhase.OPEN,
        now: int = NOON,
    ) -> None:
        calendar = load_calendar()
        self.desk = Desk(fees, "T")
        rules = rules or Rules(latency_ns=latency_ms * MILLISECOND_NS)
        traded = traded or instrument()
        self.name = traded.instrument_id
        self.matcher = Matcher(self.desk, rules, [traded], lambda ns: calendar.current_or_next(ns).date)
        self.done: dict[tuple[str, str], WorkingOrder] = {}
        self.reports: list[ExecutionReport] = []
        self.is_still = False
        self.intake = Intake(self.desk, self.matcher, lambda a, b: self.done.get((a, b)), lambda: self.is_still)
        self.desk.open_account(account(kind))
        self.now = now
        self.matcher.seed([self._status(phase)], now)
        self.quote("100.00", "100.02")

    @property
    def book(self) -> InstrumentBook:
        """The instrument's book."""
        return self.matcher.books[self.name]

    def pass_ms(self, milliseconds: int = 1) -> None:
        """Let market time pass without an event."""
        self.now += milliseconds * MILLISECOND_NS
        self.matcher.advance(self.now)
        self._settle()

    def event(self, event: MarketEvent) -> None:
        """Something happens in the market."""
        self.matcher.on_event(event)
        self.matcher.advance(self.now)
        self._settle()

    def quote(self, bid: str, ask: str, bid_size: int = 500, ask_size: int = 300) -> None:
        """A new best bid and ask, a millisecond later."""
        self.now += MILLISECOND_NS
        sizes = Decimal(bid_size), Decimal(ask_size)
        self.event(Quote(self.name, Decimal(bid), Decimal(ask), *sizes, self.now))

    def depth(self, bids: str, asks: str) -> None:
        """Deeper levels, written like `100.00x500 99.99x700`."""
        self.now += MILLISECOND_NS
        self.event(Depth(self.name, _levels(bids), _levels(asks), self.now))

    def trade(self, price: str, size: int, aggressor: str = "", *, is_auction: bool = False) -> None:
        """A print, a millisecond later."""
        self.now += MILLISECOND_NS
        self.event(Trade(self.name, Decimal(price), Decimal(size), self.now, aggressor, "", is_auction))

    def phase(self, phase: MarketPhase, *, is_halted: bool = False, at: int = 0) -> None:
        """The instrument's phase or halt changes."""
        self.now = at or self.now + MILLISECOND_NS
        self.event(self._status(phase, is_halted=is_halted))

    def send(self, *orders: NewOrder) -> Answer:
        """Submit one order or a bracket."""
        answer = self.intake.submit(orders)
        self.matcher.advance(self.now)
        self._settle()
        return answer

    def buy(self, order_id: str, quantity: str | int, **how: str | int | None) -> Answer:
        """Submit a buy; keywords as in `new_order`."""
        return self.send(new_order(order_id, "BUY", quantity, name=self.name, **how))  # type: ignore[arg-type]  # tests pass words through

    def sell(self, order_id: str, quantity: str | int, **how: str | int | None) -> Answer:
        """Submit a sell; keywords as in `new_order`."""
        return self.send(new_order(order_id, "SELL", quantity, name=self.name, **how))  # type: ignore[arg-type]  # tests pass words through

    def bracket(
        self, order_id: str, quantity: str | int, take: str, stop: str, *, limit: str | None = None, tif: str = "GTC"
    ) -> Answer:
        """Submit a long entry with take `{id}-t` and stop `{id}-s`."""
        return self.send(
            new_order(order_id, "BUY", quantity, limit=limit, role="ENTRY", tif=tif),
            new_order(f"{order_id}-t", "SELL", quantity, limit=take, role="TAKE", parent=order_id, tif="GTC"),
            new_order(f"{order_id}-s", "SELL", quantity, stop=stop, role="STOP", parent=order_id, tif="GTC"),
        )

    def pair(self, order_id: str, quantity: str | int, take: str, stop: str, *, tif: str = "GTC") -> Answer:
        """Submit a take `{id}` and a stop `{id}-s` of which one executes."""
        return self.send(
            new_order(order_id, "SELL", quantity, limit=take, role="TAKE", tif=tif),
            new_order(f"{order_id}-s", "SELL", quantity, stop=stop, role="STOP", parent=order_id, tif=tif),
        )

    def restarted(self) -> Floor:
        """Another floor that goes on from what this one had written down, with the market as it stands."""
        twin = Floor(traded=self.book.instrument, phase=self.book.phase, now=self.now)
        written = msgspec.json.encode(sorted(self.done.values(), key=lambda order: order.number))
        twin.desk.accounts, orders = self.desk.accounts, msgspec.json.decode(written, type=list[WorkingOrder])
        twin.desk.counters, twin.done = (
            self.desk.counters,
            {(one.account_id, one.client_order_id): one for one in orders},
        )
        shown = (self.book.status, self.book.last_trade, self.book.quote)
        twin.matcher.seed([event for event in shown if event is not None], self.now)
        twin.desk.restore(orders, ())
        twin.matcher.restore(orders)
        twin._settle()
        return twin

    def cancel(self, order_id: str, request_id: str = "c") -> None:
        """Ask to cancel."""
        self.intake.cancel("A1", order_id, request_id)
        self.matcher.advance(self.now)
        self._settle()

    def change(
        self,
        order_id: str,
        request_id: str = "r",
        *,
        quantity: str | None = None,
        limit: str | None = None,
        trail: str | None = None,
    ) -> None:
        """Ask for another quantity, limit or distance."""
        before = self.order(order_id).terms
        terms = structs.replace(
            before,
            quantity=dec(quantity) or before.quantity,
            limit_price=dec(limit) or before.limit_price,
            trail_amount=dec(trail) or before.trail_amount,
        )
        self.intake.replace("A1", order_id, request_id, terms)
        self.matcher.advance(self.now)
        self._settle()

    def order(self, order_id: str) -> WorkingOrder:
        """The venue's record of an order."""
        order = self.intake.find("A1", order_id)
        assert order is not None
        return order

    def fills(self, order_id: str) -> list[tuple[str, str, str]]:
        """(quantity, price, liquidity) of each fill, as text."""
        fills = [report.fill for report in self.reports if report.client_order_id == order_id and report.fill]
        return [(str(fill.quantity), str(fill.price), fill.liquidity) for fill in fills]

    def all_fills(self) -> list[Fill]:
        """Every fill so far."""
        return [report.fill for report in self.reports if report.fill]

    def kinds(self, order_id: str) -> list[str]:
        """What was reported about an order, in order."""
        return [report.kind.value for report in self.reports if report.client_order_id == order_id]

    def last(self, order_id: str) -> ExecutionReport:
        """The last report about an order."""
        return [report for report in self.reports if report.client_order_id == order_id][-1]

    def _settle(self) -> None:
        turn = self.desk.take_turn()
        self.reports += [each.report for each in turn.reports]
        for key, order in turn.orders.items():
            self.done[key] = order

    def _status(self, phase: MarketPhase, *, is_halted: bool = False) -> InstrumentStatus:
        return InstrumentStatus(self.name, phase, is_halted, self.now)


def is_accepted(answer: Answer) -> bool:
    """Whether the venue took it."""
    return isinstance(answer, Accepted)


def _levels(text: str) -> tuple[Level, ...]:
    pairs = (part.split("x") for part in text.split())
    return tuple(Level(Decimal(price), Decimal(size)) for price, size in pairs)
