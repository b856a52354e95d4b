"""What an order binds is never less than what the venue then does with it, whatever kind of order it is.

The market moves by less than the collar from one print to the next, as the collar assumes; what the orders may still
cost is worked out anew after every report, as the engine does it.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.order_machine import apply
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderStatus
from stockpulse_engine.portfolio.reservations import Claim, claim_of, in_flight
from stockpulse_engine.venue.orders import NewOrder
from tests.unit.venue.floor import Floor, is_accepted, new_order

COLLAR = Decimal("0.05")
CENT = Decimal("0.01")
Walk = list[tuple[int, int]]
walks = st.lists(st.tuples(st.integers(-150, 150), st.integers(1, 150)), min_size=1, max_size=25)
PAIR = (
    new_order("p", "SELL", 100, limit="101.00", role="TAKE", tif="GTC"),
    new_order("p-s", "SELL", 100, stop="99.00", role="STOP", parent="p", tif="GTC"),
)
BRACKET = (
    new_order("p", "BUY", 100, limit="100.00", role="ENTRY", tif="GTC"),
    new_order("p-t", "SELL", 100, limit="101.00", role="TAKE", parent="p", tif="GTC"),
    new_order("p-s", "SELL", 100, stop="99.00", role="STOP", parent="p", tif="GTC"),
)
ONE_EXIT = BRACKET[:2]
GROUPS: tuple[tuple[NewOrder, ...], ...] = (
    PAIR,
    BRACKET,
    ONE_EXIT,
    *(
        (new_order("p", side, 100, trail=trail, offset=offset, tif="GTC"),)
        for side in ("BUY", "SELL")
        for trail, offset in (("0.70", None), ("1%", None), ("0.70", "0.20"), ("3", "0"))
    ),
    (new_order("p", "BUY", 100, limit="100.10", tif="FOK"),),
    (new_order("p", "BUY", 100, limit="99.50", tif="GTD", until="2024-03-08"),),
    (new_order("p", "BUY", 100, stop="100.50", limit="100.60", tif="GTC"),),
)


class Engine:
    """The engine's side of some orders: a fold of what the venue reports."""

    def __init__(self, floor: Floor, orders: tuple[NewOrder, ...]) -> None:
        self.floor = floor
        quote = floor.book.quote
        assert quote is not None
        self.orders = {
            one.client_order_id: Order(
                client_order_id=one.client_order_id,
                terms=one.terms,
                status=OrderStatus.SUBMITTED,
                role=one.role,
                parent_id=one.parent_id,
                arrival_bid=quote.bid,
                arrival_ask=quote.ask,
            )
            for one in orders
        }
        self._heard = 0

    def claims(self) -> list[Claim]:
        """What the orders may still do."""
        return [claim for order in self.orders.values() if (claim := claim_of(order, COLLAR)) is not None]

    def hear(self) -> list[OrderEvent]:
        """Take in what was reported since."""
        events = []
        for report in self.floor.reports[self._heard :]:
            key = report.client_order_id
            event = OrderEvent(
                client_order_id=key,
                kind=report.kind,
                ts_event=report.ts_event,
                recorded_at=0,
                fill=report.fill,
                terms=report.terms,
            )
            self.orders[key] = apply(self.orders[key], event)
            events.append(event)
        self._heard = len(self.floor.reports)
        return events


@pytest.mark.covers("L9", "L10", "O9", "F43")
@settings(max_examples=80, deadline=None)
@given(st.sampled_from(GROUPS), walks)
def test_no_order_does_more_than_was_reserved_for_it(orders: tuple[NewOrder, ...], walk: Walk) -> None:
    floor = Floor()
    floor.trade("100.01", 10)
    engine = Engine(floor, orders)
    price = Decimal("100.01")
    bound = engine.claims()
    assert is_accepted(floor.send(*orders))
    for step, size in [(0, 1), *walk]:
        price = max(price + step * CENT, Decimal(50))
        floor.quote(str(price - CENT), str(price + CENT), bid_size=size, ask_size=size)
        floor.trade(str(price), size)
        before = {key: order.filled_quantity for key, order in engine.orders.items()}
        limits = {claim.client_order_id: claim for claim in bound}
        fills = [event for event in engine.hear() if event.kind is OrderEventKind.FILL and event.fill is not None]
        for sign in (1, -1):
            done = sum((e.fill.quantity for e in fills if e.fill and e.fill.sign == sign), ZERO)
            assert done <= in_flight(bound, sign)
        for event in fills:
            fill = event.fill
            assert fill is not None
            claim = limits[fill.client_order_id]
            assert engine.orders[fill.client_order_id].filled_quantity - before[fill.client_order_id] <= claim.quantity
            if fill.sign > 0:
                assert fill.price <= claim.price
        bound = engine.claims()
        entry = engine.orders[orders[0].client_order_id]
        exits = [one for one in engine.orders.values() if one.parent_id]
        if entry.role.value == "ENTRY":  # what the children executed is never more than their parent (O9, F43)
            assert sum((one.filled_quantity for one in exits), ZERO) <= entry.filled_quantity
