"""Which orders go when nobody watches over them, and that what could not be done is said and done again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stockpulse_engine.bootstrap.charge import Ward
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderTerms, OrderType, Side
from stockpulse_engine.domain.reports import VenueAccount, VenueOrder
from stockpulse_engine.trading.settings import LossPolicy
from stockpulse_engine.watchdog.act import Gone, entries, protect

A, B = "AAPL.XNAS", "F.XNYS"


def order(key: str, side: Side, quantity: int, instrument: str = A, **more: str) -> VenueOrder:
    """A working order at the venue."""
    terms = OrderTerms(
        account_id="main",
        instrument_id=instrument,
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(10),
    )
    status = more.pop("status", "ACCEPTED")
    return VenueOrder(client_order_id=key, venue_order_id=f"V-{key}", terms=terms, status=status, **more)  # type: ignore[arg-type]  # texts only


class FakeSession:
    """A broker that cancels what it is told to, or refuses, or is away."""

    def __init__(self, orders: Sequence[VenueOrder], held: dict[str, int], *, deaf: bool = False) -> None:
        self.orders = list(orders)
        self.held = {key: Decimal(value) for key, value in held.items()}
        self.is_deaf = deaf
        self.is_away = False
        self.asked: list[str] = []

    async def connect(self) -> None:
        """Come, if it is there."""
        if self.is_away:
            raise UnavailableError("nobody is there")

    async def close(self) -> None:
        """Go."""
        self.asked.append("close")

    async def cancel(self, order: Order, request_id: str) -> None:
        """Cancel one, unless deaf."""
        self.asked.append(order.client_order_id)
        if not self.is_deaf:
            self.orders = [one for one in self.orders if one.client_order_id != order.client_order_id]

    async def cancel_all(self, account_id: str) -> None:
        """Cancel all, unless deaf."""
        self.asked.append("all")
        if not self.is_deaf:
            self.orders.clear()

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """What works."""
        return tuple(self.orders)

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """What is held."""
        return VenueAccount(account_id=account_id, cash=Decimal(0), positions=self.held, last_report_seq=0, ts_event=0)


async def no_wait(seconds: float) -> None:
    """Time passes."""


def ward(policy: LossPolicy, account_id: str = "main", broker: str = "paper") -> Ward:
    """An account under a policy."""
    return Ward(account_id=account_id, broker=broker, policy=policy)


async def test_entries_go_and_protection_stays() -> None:
    kept = order("STOP", Side.SELL, 100)
    session = FakeSession([order("BUY", Side.BUY, 50), kept, order("SHORT", Side.SELL, 10, B)], {A: 100})
    outcome = await protect([ward(LossPolicy.CANCEL_ENTRIES)], lambda _: session, no_wait)
    assert outcome.done == {"main": Gone(canceled=2, kept=1)}
    assert session.orders == [kept]


async def test_all_means_all_in_one_request() -> None:
    session = FakeSession([order("BUY", Side.BUY, 50), order("STOP", Side.SELL, 100)], {A: 100})
    await protect([ward(LossPolicy.CANCEL_ALL)], lambda _: session, no_wait)
    assert session.asked == ["all", "close"]


async def test_an_alarm_alone_asks_nobody() -> None:
    def never(_: str) -> FakeSession:
        raise AssertionError

    outcome = await protect([ward(LossPolicy.ALARM)], never, no_wait)
    assert (outcome.done, outcome.failed) == ({}, {})


async def test_one_broker_that_is_away_keeps_nobody_from_being_served() -> None:
    away, there = FakeSession([], {}), FakeSession([order("BUY", Side.BUY, 1)], {})
    away.is_away = True
    wards = [ward(LossPolicy.CANCEL_ALL, "one", "far"), ward(LossPolicy.CANCEL_ALL, "two", "near")]
    outcome = await protect(wards, lambda name: away if name == "far" else there, no_wait)
    assert outcome.failed == {"one": "nobody is there"}
    assert outcome.done == {"two": Gone(canceled=1, kept=0)}


async def test_what_still_works_after_all_looks_is_said() -> None:
    session = FakeSession([order("BUY", Side.BUY, 1)], {}, deaf=True)
    outcome = await protect([ward(LossPolicy.CANCEL_ENTRIES)], lambda _: session, no_wait)
    assert outcome.failed == {"main": "1 orders are still working"}


def test_two_exits_of_one_entry_protect_one_holding() -> None:
    take, stop = order("T", Side.SELL, 100, parent_id="E"), order("S", Side.SELL, 100, parent_id="E")
    assert entries([take, stop], {A: Decimal(100)}) == []


def test_a_second_sell_of_the_same_holding_would_go_short() -> None:
    found = entries([order("S1", Side.SELL, 60), order("S2", Side.SELL, 60)], {A: Decimal(100)})
    assert [one.client_order_id for one in found] == ["S2"]


def test_what_waits_for_its_entry_goes_with_it() -> None:
    assert entries([order("T", Side.SELL, 100, parent_id="E", status="HELD")], {}) == []


sides, sizes = st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 50)
books = st.lists(st.tuples(sides, sizes, st.sampled_from([A, B])), max_size=8)
holdings = st.fixed_dictionaries({A: st.integers(-60, 60), B: st.integers(-60, 60)})


@pytest.mark.covers("L10")
@given(books, holdings)
def test_whatever_stays_can_not_make_a_position_larger_or_turn_it(
    book: list[tuple[Side, int, str]], held: dict[str, int]
) -> None:
    orders = [order(f"O{n}", side, size, instrument) for n, (side, size, instrument) in enumerate(book)]
    holding = {key: Decimal(value) for key, value in held.items()}
    gone = entries(orders, holding)
    for instrument, quantity in holding.items():
        kept = [one for one in orders if one not in gone and one.terms.instrument_id == instrument]
        after = quantity + sum((one.terms.quantity * one.terms.side.sign for one in kept), Decimal(0))
        assert abs(after) <= abs(quantity)
        assert after * quantity >= 0


def test_what_is_filled_already_counts_no_more() -> None:
    part = structs.replace(order("S", Side.SELL, 100), filled_quantity=Decimal(60))
    assert entries([part], {A: Decimal(40)}) == []
