"""Rules of the matcher that must hold for every market and every sequence of requests."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.venue.fees import FeeSchedule
from tests.unit.venue.floor import Floor

ZERO = Decimal(0)
CASH = Decimal(100_000)

cents = st.integers(-30, 30)
sizes = st.sampled_from([0, 1, 40, 100, 250, 300, 900])
quantities = st.integers(1, 600)
orders = st.integers(0, 40)


def price(offset: int) -> str:
    """A price some cents from 100.00."""
    return str(Decimal(10_000 + offset) / 100)


class MatcherMachine(RuleBasedStateMachine):
    """A market that jumps about, orders of every kind, cancels and changes at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor(latency_ms=2, fees=FeeSchedule())
        self.ids: list[str] = []
        self.count = 0
        self.read = 0
        self.ended: set[str] = set()
        self.limits: dict[str, Decimal | None] = {}

    def name(self, limit: str | None = None) -> str:
        self.count += 1
        self.ids.append(f"o{self.count}")
        self.limits[self.ids[-1]] = None if limit is None else Decimal(limit)
        return self.ids[-1]

    @rule(bid=cents, spread=st.integers(-1, 6), bid_size=sizes, ask_size=sizes)
    def quote(self, bid: int, spread: int, bid_size: int, ask_size: int) -> None:
        self.floor.quote(price(bid), price(bid + spread), bid_size, ask_size)

    @rule(at=cents, size=st.integers(1, 1500), aggressor=st.sampled_from(["", "B", "S"]), is_auction=st.booleans())
    def trade(self, at: int, size: int, aggressor: str, is_auction: bool) -> None:
        self.floor.trade(price(at), size, aggressor, is_auction=is_auction and self.floor.book.is_halted)

    @rule(best=cents, size=sizes)
    def depth(self, best: int, size: int) -> None:
        bids = " ".join(f"{price(best - step)}x{size}" for step in range(4))
        asks = " ".join(f"{price(best + 2 + step)}x{size}" for step in range(4))
        self.floor.depth(bids, asks)

    @rule(is_halted=st.booleans())
    def halt(self, is_halted: bool) -> None:
        self.floor.phase(MarketPhase.OPEN, is_halted=is_halted)

    @rule(side=st.sampled_from(["BUY", "SELL"]), quantity=quantities, tif=st.sampled_from(["DAY", "IOC", "FOK"]))
    def market_order(self, side: str, quantity: int, tif: str) -> None:
        (self.floor.buy if side == "BUY" else self.floor.sell)(self.name(), quantity, tif=tif)

    @rule(side=st.sampled_from(["BUY", "SELL"]), quantity=quantities, limit=cents)
    def limit_order(self, side: str, quantity: int, limit: int) -> None:
        send = self.floor.buy if side == "BUY" else self.floor.sell
        send(self.name(price(limit)), quantity, limit=price(limit))

    @rule(side=st.sampled_from(["BUY", "SELL"]), quantity=quantities, stop=cents, slack=st.none() | st.integers(-3, 3))
    def stop_order(self, side: str, quantity: int, stop: int, slack: int | None) -> None:
        limit = None if slack is None else price(stop + slack)
        send = self.floor.buy if side == "BUY" else self.floor.sell
        send(self.name(limit), quantity, stop=price(stop), limit=limit)

    @rule(quantity=quantities, limit=st.none() | cents, take=cents, stop=cents)
    def bracket(self, quantity: int, limit: int | None, take: int, stop: int) -> None:
        entry_limit = None if limit is None else price(limit)
        entry = self.name(entry_limit)
        self.ids += [f"{entry}-t", f"{entry}-s"]
        self.limits[f"{entry}-t"] = Decimal(price(take))
        self.floor.bracket(entry, quantity, price(take), price(stop), limit=entry_limit)

    @precondition(lambda self: self.ids)
    @rule(which=orders, again=st.booleans())
    def cancel(self, which: int, again: bool) -> None:
        self.count += 1
        order_id = self.ids[which % len(self.ids)]
        for _ in range(1 + again):
            self.floor.cancel(order_id, f"c{self.count}")

    @precondition(lambda self: self.ids)
    @rule(which=orders, quantity=st.none() | quantities, limit=st.none() | cents)
    def change(self, which: int, quantity: int | None, limit: int | None) -> None:
        self.count += 1
        order_id = self.ids[which % len(self.ids)]
        has_limit = self.floor.order(order_id).terms.limit_price is not None
        self.floor.change(
            order_id,
            f"r{self.count}",
            quantity=None if quantity is None else str(quantity),
            limit=price(limit) if limit is not None and has_limit else None,
        )

    @rule(milliseconds=st.integers(1, 5))
    def time_passes(self, milliseconds: int) -> None:
        self.floor.pass_ms(milliseconds)

    @invariant()
    def cash_and_position_are_the_sum_of_the_fills(self) -> None:
        state = self.floor.desk.accounts["A1"]
        cash, held = CASH, ZERO
        for fill in self.floor.all_fills():
            cash -= fill.signed_quantity * fill.price + fill.fee
            held += fill.signed_quantity
        assert state.cash == cash
        assert state.positions.get(self.floor.name, ZERO) == held

    @invariant()
    def no_order_fills_more_than_it_asked_for(self) -> None:
        filled: defaultdict[str, Decimal] = defaultdict(Decimal)
        for fill in self.floor.all_fills():
            assert fill.quantity > 0
            filled[fill.client_order_id] += fill.quantity
        for order_id in self.ids:
            order = self.floor.order(order_id)
            assert order.filled == filled[order_id] <= order.terms.quantity
            assert (order.status == "FILLED") == (order.filled == order.terms.quantity)

    @invariant()
    def a_bracket_never_closes_more_than_its_entry_filled(self) -> None:
        for order_id in self.ids:
            entry = self.floor.order(order_id)
            if entry.role.value == "ENTRY":
                take, stop = self.floor.order(f"{order_id}-t"), self.floor.order(f"{order_id}-s")
                assert take.filled + stop.filled + max(take.leaves, stop.leaves) <= entry.filled

    @invariant()
    def every_open_order_is_in_exactly_one_place(self) -> None:
        placed = [order.client_order_id for order in self.floor.book.orders()]
        assert len(placed) == len(set(placed))
        expected = {
            order_id
            for order_id in self.ids
            if (order := self.floor.order(order_id)).is_open and order.is_live and order.status != "HELD"
        }
        assert set(placed) == expected

    @invariant()
    def reports_tell_one_consistent_story(self) -> None:
        """Without a gap, nothing after the end, and no fill worse than the limit that was in force."""
        for report in self.floor.reports[self.read :]:
            self.read += 1
            assert report.report_seq == self.read
            name = report.client_order_id
            if report.kind.value in ("FILL", "TRIGGER", "UPDATE", "CANCEL", "EXPIRE"):
                assert name not in self.ended
            if report.kind.value in ("CANCEL", "EXPIRE", "REJECT"):
                self.ended.add(name)
            if report.terms is not None:
                self.limits[name] = report.terms.limit_price
            if report.fill is not None:
                limit = self.limits.get(name)
                assert limit is None or report.fill.sign * (limit - report.fill.price) >= 0
        for order_id in self.ids:
            order = self.floor.order(order_id)
            assert order.is_open == (order_id not in self.ended and order.status != "FILLED")


TestMatcher = MatcherMachine.TestCase
TestMatcher.settings = settings(stateful_step_count=40)
