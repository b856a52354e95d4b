"""The judgement can fail: each thing that must never be is made to be, and is named."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.drill.core.orders import DrillOrder, Rules
from stockpulse_engine.drill.core.venue import DrillVenue
from stockpulse_engine.drill.judge import Ours, Verdict, judge

ACME = "ACME.XNAS"
CASH = Decimal(10_000)
KEY = "D-1"


class World:
    """A venue with one filled order, and an engine that knows it as it is."""

    def __init__(self) -> None:
        self.venue = DrillVenue(now=lambda: 5, rules=Rules(dedup=Dedup.NONE))
        instrument = Instrument(
            instrument_id=ACME, name="", asset_class=AssetClass.EQUITY, currency="USD", tick_size=Decimal("0.01")
        )
        self.venue.list_instrument(instrument, Decimal(10), Decimal("10.01"), Decimal(500))
        self.venue.open_account("main", CASH)
        self.send()
        (done,) = self.venue.executions("main")
        self.fill = Fill(
            fill_id=done.execution_id,
            client_order_id=KEY,
            account_id="main",
            instrument_id=ACME,
            sign=1,
            quantity=Decimal(2),
            price=done.price,
        )
        terms = OrderTerms(
            account_id="main", instrument_id=ACME, side=Side.BUY, quantity=Decimal(2), order_type=OrderType.MARKET
        )
        self.order = Order(client_order_id=KEY, terms=terms, status=OrderStatus.FILLED, filled_quantity=Decimal(2))
        self.ours = Ours(
            orders=[self.order],
            fills=[self.fill],
            cash=CASH - 2 * done.price,
            positions={ACME: Decimal(2)},
        )

    def send(self, key: str = KEY) -> None:
        self.venue.submit(
            "main",
            [
                DrillOrder(
                    client_order_id=key,
                    instrument_id=ACME,
                    side=Side.BUY,
                    quantity=Decimal(2),
                    order_type=OrderType.MARKET,
                )
            ],
        )

    def judged(self, **changes: object) -> Verdict:
        ours = structs.replace(self.ours, **changes)
        return judge(ours, self.venue, "main", attempted=[KEY], acknowledged=[KEY], shown=[KEY])


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_equal_is_true(world: World) -> None:
    verdict = world.judged()
    assert verdict.is_true
    assert [(row.label, row.verdict) for row in verdict.rows] == [
        (KEY, "equal"),
        (ACME, "equal"),
        ("cash", "equal"),
        ("working orders", "equal"),
    ]


@pytest.mark.covers("O5")
def test_an_intent_with_two_orders_is_a_duplicate(world: World) -> None:
    world.send()
    verdict = world.judged()
    assert verdict.duplicates == 1
    assert f"{KEY}: 2 orders at the venue from one intent" in verdict.breaches


def test_an_acknowledged_order_that_we_lost_is_named_and_so_is_one_we_never_knew(world: World) -> None:
    assert world.judged(orders=[]).breaches == (
        f"{KEY} was acknowledged and is lost",
        f"{KEY} is at the venue and in no journal",
    )


@pytest.mark.covers("L6")
def test_fills_lost_doubled_and_invented_are_told_apart(world: World) -> None:
    lost = world.judged(fills=[])
    assert (lost.lost_fills, lost.is_true) == (1, False)
    assert world.judged(fills=[world.fill, world.fill]).breaches == (
        f"execution {world.fill.fill_id} is booked 2 times",
    )
    invented = structs.replace(world.fill, fill_id="X-9")
    assert world.judged(fills=[world.fill, invented]).breaches == ("execution X-9 is booked and never was",)


def test_a_fill_that_was_taken_back_may_stay_on_record_but_not_in_the_books(world: World) -> None:
    world.venue.bust(world.fill.fill_id)
    stale = world.judged()
    assert not stale.breaches
    assert not stale.is_true
    undone = structs.replace(world.order, filled_quantity=Decimal(0))
    assert world.judged(orders=[undone], positions={}, cash=CASH).is_true


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cash": CASH}, "cash"),
        ({"positions": {ACME: Decimal(3)}}, ACME),
        ({"differences": ("F.XNYS: 1 here, 0 at the venue",)}, "the engine says"),
    ],
)
def test_what_differs_is_named(world: World, changes: dict[str, object], named: str) -> None:
    verdict = world.judged(**changes)
    assert not verdict.is_true
    assert any(named in words for words in verdict.open_points)


def test_unknown_is_not_true_although_everything_is_equal(world: World) -> None:
    verdict = world.judged(orders=[structs.replace(world.order, is_unknown=True)])
    assert verdict.open_points[0] == f"{KEY} is UNKNOWN"
    assert verdict.rows[0].verdict == "asking"


def test_another_status_or_quantity_than_the_venue_s_is_not_true(world: World) -> None:
    for changed in (
        structs.replace(world.order, status=OrderStatus.ACCEPTED),
        structs.replace(world.order, filled_quantity=Decimal(1)),
    ):
        assert not world.judged(orders=[changed]).is_true
