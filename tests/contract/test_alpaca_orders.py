"""What Alpaca alone does with orders, as numbered cases: the real adapter against a stand-in that fails when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.adapters.alpaca.broker import AlpacaBroker
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import Trick
from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.servers.http import HTTP_FAULTS
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError
from tests.conftest import IS_NIGHT
from tests.contract.broker_contract import Watcher, bracket, limit_order, terms
from tests.fakes.alpaca_play import (
    Kind,
    fills,
    gather,
    hurry,
    is_order,
    joined,
    named_bracket,
    partly,
)
from tests.fakes.alpaca_stand import ACME, NUMBER, AlpacaStage, alpaca_stage

UNCLEAR = (Fault.TIMEOUT_504, Fault.RESET, Fault.HALF_BODY, Fault.GARBAGE, Fault.TIMEOUT_AFTER)
STORM = frozenset(HTTP_FAULTS) - {Fault.THROTTLED, Fault.BANNED}


@pytest.fixture
async def stage() -> AsyncIterator[AlpacaStage]:
    """A broker of its own for each case; what it was sent must have been in order."""
    async with alpaca_stage() as made:
        yield made
        assert made.server.complaints == []


@pytest.fixture
async def broker(stage: AlpacaStage) -> AsyncIterator[AlpacaBroker]:
    """Connected, with its account."""
    made = await joined(stage)
    yield made
    await made.close()


@pytest.mark.covers("F01", "O5", "R71")
async def test_01_an_order_leaves_once_whatever_the_answer_is(stage: AlpacaStage) -> None:
    broker, judge = await joined(stage), await joined(stage)
    await broker.submit([limit_order(stage, "warm", Side.BUY, "1", "99.00")])
    hurry(broker)
    stage.server.rest.aim(is_order)
    for fault in UNCLEAR:
        order = limit_order(stage, f"c01-{fault.value}", Side.BUY, "1", "99.00")
        stage.server.rest.plan.force(fault)
        with pytest.raises(AmbiguousOutcomeError):
            await broker.submit([order])
        there = await judge.fetch_order("alpaca", order.client_order_id)
        assert (there.status if there is not None else "") == "ACCEPTED", fault
    lost = limit_order(stage, "c01-lost", Side.BUY, "1", "99.00")
    stage.server.rest.plan.force(Fault.TIMEOUT_BEFORE)
    with pytest.raises(AmbiguousOutcomeError):
        await broker.submit([lost])
    assert await judge.fetch_order("alpaca", "c01-lost") is None
    assert set(stage.server.posts.values()) == {1}
    assert [one for one in stage.server.rest.requests if is_order(one)][-1].body.count(b"c01-lost") == 1
    assert sum(map(is_order, stage.server.rest.requests)) == len(UNCLEAR) + 2
    await stage.server.rest.refuse()
    with pytest.raises(UnavailableError):
        await broker.fetch_account("alpaca")  # and the line that was kept open is known to be gone
    with pytest.raises(UnavailableError, match="nothing was sent"):
        await broker.submit([limit_order(stage, "c01-refused", Side.BUY, "1", "99.00")])
    await broker.close()
    await judge.close()


@pytest.mark.covers("F01")
async def test_02_a_repeated_id_after_a_504_is_the_same_order(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    stage.server.rest.aim(is_order)
    stage.server.rest.plan.force(Fault.TIMEOUT_504)
    order = limit_order(stage, "c02", Side.BUY, "10", "99.00")
    with pytest.raises(AmbiguousOutcomeError):
        await broker.submit([order])
    await broker.submit([order])  # somebody asks for it again: it is there, and that is no failure
    assert stage.venue.count_orders("c02") == 1
    with pytest.raises(RejectedByBrokerError):
        await broker.submit([limit_order(stage, "c02", Side.BUY, "11", "99.00")])


@pytest.mark.covers("F16")
async def test_03_each_item_of_a_bulk_cancel_is_looked_at(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    for number in range(4):
        await broker.submit([limit_order(stage, f"c03-{number}", Side.BUY, "1", "99.00")])
    stage.server.stubborn = 2
    await broker.cancel_all("alpaca")
    assert list(await broker.fetch_open_orders("alpaca")) == []
    await broker.submit([limit_order(stage, "c03-last", Side.BUY, "1", "99.00")])
    stage.server.stubborn = 1
    stage.server.rest.aim(lambda request: request.method == "DELETE" and len(request.path) > len("/v2/orders"))
    stage.server.rest.plan.force(Fault.ERROR_500)
    with pytest.raises(AmbiguousOutcomeError):
        await broker.cancel_all("alpaca")
    assert len(await broker.fetch_open_orders("alpaca")) == 1


@pytest.mark.covers("F11")
async def test_04_a_change_makes_a_new_order_and_both_are_watched(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c04", Side.BUY, "10", "99.00")
    watcher = Watcher(broker)
    await broker.submit([order])
    await watcher.until("c04", Kind.ACCEPT)
    partly(stage, "c04", "4")
    first = await watcher.until("c04", Kind.FILL)
    wanted = terms(stage, Side.BUY, "7", "99.01")
    await broker.replace(order, wanted, "c04-change")
    changed = await watcher.until("c04", Kind.UPDATE)
    assert changed.terms == wanted
    assert changed.venue_order_id != first.venue_order_id
    made = [one for one in stage.venue.orders(NUMBER) if one.replaces]
    assert [(one.quantity, one.limit_price) for one in made] == [(Decimal(3), Decimal("99.01"))], (
        "what is left, never the whole"
    )
    shown = await broker.fetch_order("alpaca", "c04")
    assert shown is not None
    assert (shown.status, shown.filled_quantity, shown.terms) == ("PARTIALLY_FILLED", Decimal(4), wanted)
    stage.move("98.98", "98.99")
    await gather(watcher, lambda: sum(one.quantity for one in fills(watcher)) == 7)
    assert {one.client_order_id for one in fills(watcher)} == {"c04"}
    done = await broker.fetch_order("alpaca", "c04")
    assert done is not None
    assert (done.status, done.filled_quantity) == ("FILLED", Decimal(7))
    await watcher.close()


@pytest.mark.covers("F11", "F01")
async def test_05_an_unanswered_change_is_found_and_not_made_twice(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c05", Side.BUY, "10", "99.00")
    await broker.submit([order])
    stage.server.rest.aim(lambda request: request.method == "PATCH")
    stage.server.rest.plan.force(Fault.TIMEOUT_504)
    wanted = terms(stage, Side.BUY, "10", "99.02")
    with pytest.raises(AmbiguousOutcomeError):
        await broker.replace(order, wanted, "c05-change")
    shown = await broker.fetch_order("alpaca", "c05")
    assert shown is not None
    assert shown.terms.limit_price == Decimal("99.02")
    assert len([one for one in stage.server.rest.requests if one.method == "PATCH"]) == 1
    await broker.cancel(order, "c05-cancel")
    assert list(await broker.fetch_open_orders("alpaca")) == []


async def test_06_a_change_that_comes_too_late_is_refused(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    order = limit_order(stage, "c06", Side.BUY, "10", "99.00")
    await broker.submit([order])
    stage.venue.arm(Trick.REPLACE_RACE)
    with pytest.raises(RejectedByBrokerError):
        await broker.replace(order, terms(stage, Side.BUY, "12", "99.00"), "c06-change")
    shown = await broker.fetch_order("alpaca", "c06")
    assert shown is not None
    assert (shown.status, shown.filled_quantity) == ("FILLED", Decimal(10))
    with pytest.raises(RejectedByBrokerError, match="filled"):
        await broker.replace(order, terms(stage, Side.BUY, "12", "99.00"), "c06-again")


@pytest.mark.covers("F23", "O8")
async def test_12_too_many_requests_are_waited_out_and_a_cancel_gets_through(
    stage: AlpacaStage, broker: AlpacaBroker
) -> None:
    order = limit_order(stage, "c12", Side.BUY, "1", "99.00")
    await broker.submit([order])
    stage.server.rest.aim(lambda request: request.method == "DELETE")
    stage.server.rest.plan.force(Fault.THROTTLED)
    await broker.cancel(order, "c12-cancel")
    assert list(await broker.fetch_open_orders("alpaca")) == []
    stage.server.rest.aim(is_order)
    stage.server.rest.plan.force(Fault.THROTTLED)
    with pytest.raises(RejectedByBrokerError):
        await broker.submit([limit_order(stage, "c12-b", Side.BUY, "1", "99.00")])
    assert stage.server.posts["c12-b"] == 0, "refused before it was looked at, and not sent again"


async def test_15_groups_that_alpaca_holds_itself(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    watcher = Watcher(broker)
    entry, take, stop = bracket(stage, "c15", "10", take="100.40", stop="99.00")
    await broker.submit([entry, stop])  # OTO
    for key in ("c15", "c15-s"):
        await watcher.until(key, Kind.ACCEPT)
    await watcher.until("c15", Kind.FILL)
    await broker.cancel(stop, "c15-cancel")
    await watcher.until("c15-s", Kind.CANCEL)
    alone = structs.replace(take, client_order_id="oco", parent_id="")
    other = structs.replace(stop, client_order_id="oco-s", parent_id="oco")
    await broker.submit([alone, other])
    for key in ("oco", "oco-s"):
        await watcher.until(key, Kind.ACCEPT)
    open_now = {one.client_order_id: one.terms for one in await broker.fetch_open_orders("alpaca")}
    assert (open_now["oco"].limit_price, open_now["oco-s"].stop_price) == (Decimal("100.40"), Decimal("99.00"))
    await stage.swing()
    await gather(watcher, lambda: {"CANCEL", "FILL"} <= {*watcher.kinds("oco"), *watcher.kinds("oco-s")})
    assert (await broker.fetch_account("alpaca")).positions == {}
    await watcher.close()


@pytest.mark.covers("F13", "O5")
async def test_16_after_a_restart_everything_is_found_again(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    await broker.submit(named_bracket(stage, "c16"))
    order = limit_order(stage, "c16-x", Side.BUY, "5", "99.00")
    await broker.submit([order])
    partly(stage, "c16-x", "2")
    await broker.replace(order, terms(stage, Side.BUY, "5", "99.03"), "c16-change")
    await broker.close()
    again = await joined(stage)
    shown = {one.client_order_id: one for one in await again.fetch_open_orders("alpaca")}
    assert set(shown) == {"c16-T", "c16-S", "c16-x"}
    assert (shown["c16-x"].filled_quantity, shown["c16-x"].terms.quantity) == (Decimal(2), Decimal(5))
    fresh = await joined(stage)
    leg = await fresh.fetch_order("alpaca", "c16-S")
    assert leg is not None
    assert leg.terms.order_type is OrderType.STOP
    changed = await fresh.fetch_order("alpaca", "c16-x")
    assert changed is not None
    assert changed.terms.limit_price == Decimal("99.03")
    assert {one.client_order_id for one in await fresh.fetch_fills("alpaca", 0)} == {"c16", "c16-x"}
    await fresh.cancel(order, "c16-cancel")
    assert "c16-x" not in {one.client_order_id for one in await fresh.fetch_open_orders("alpaca")}
    await again.close()
    await fresh.close()


@pytest.mark.covers("F42")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tradable": False}, "can not be traded"),
        ({"status": "inactive"}, "inactive"),
        ({"exchange": "NYSE"}, "that is not ACME.XNAS"),
    ],
)
async def test_17_what_may_not_be_traded_is_never_sent(
    stage: AlpacaStage, broker: AlpacaBroker, fields: dict[str, object], words: str
) -> None:
    stage.server.assets["ACME"] = fields
    with pytest.raises(RejectedByBrokerError, match=words):
        await broker.submit([limit_order(stage, "c17", Side.BUY, "1", "99.00")])
    strange = limit_order(stage, "c17-b", Side.BUY, "1", "99.00")
    strange = structs.replace(strange, terms=structs.replace(strange.terms, instrument_id="NOPE.XNAS"))
    with pytest.raises(RejectedByBrokerError, match="does not know"):
        await broker.submit([strange])
    assert not stage.server.posts


async def test_19_what_happened_before_the_account_was_taken_over_is_not_told(stage: AlpacaStage) -> None:
    first = await joined(stage)
    await first.submit([limit_order(stage, "c19-old", Side.BUY, "10", "100.02")])
    await first.close()
    adopted = structs.replace(stage.account, opened_at=stage.venue._now() + 5_000_000_000)
    broker = stage.broker()
    await broker.connect()
    await broker.open_account(adopted)
    (held,) = await broker.fetch_holdings("alpaca")
    assert (held.instrument_id, held.quantity, held.average_price) == (ACME, Decimal(10), Decimal("100.02"))
    await broker.submit([limit_order(stage, "c19-new", Side.SELL, "4", "100.00")])
    assert [one.client_order_id for one in await broker.fetch_fills("alpaca", 0)] == ["c19-new"]
    with pytest.raises(InvalidValueError, match="one account"):
        await broker.open_account(another(stage.account))
    await broker.close()


async def test_23_trailing_stops_live_at_alpaca(stage: AlpacaStage, broker: AlpacaBroker) -> None:
    plain = OrderTerms(
        account_id="alpaca",
        instrument_id=ACME,
        side=Side.SELL,
        quantity=Decimal(1),
        order_type=OrderType.TRAILING_STOP,
        time_in_force=TimeInForce.GTC,
    )
    by_amount = structs.replace(plain, trail_amount=Decimal("0.50"))
    by_part = structs.replace(plain, trail_fraction=Decimal("0.015"))
    for key, wanted in (("c23-a", by_amount), ("c23-p", by_part)):
        await broker.submit([Order(client_order_id=key, terms=wanted)])
        shown = await broker.fetch_order("alpaca", key)
        assert shown is not None
        assert (shown.terms.trail_amount, shown.terms.trail_fraction) == (wanted.trail_amount, wanted.trail_fraction)
    limited = structs.replace(by_amount, limit_offset=Decimal("0.1"))
    with pytest.raises(RejectedByBrokerError, match="never a limit"):
        await broker.submit([Order(client_order_id="c23-l", terms=limited, role=OrderRole.SINGLE)])


@pytest.mark.covers("F01", "F07", "O5")
@pytest.mark.parametrize("seed", range(200 if IS_NIGHT else 3))
async def test_25_in_any_storm_an_intent_is_one_request_and_at_most_one_order(stage: AlpacaStage, seed: int) -> None:
    broker, judge = await joined(stage), await joined(stage)
    await broker.submit([limit_order(stage, "warm", Side.BUY, "1", "99.00")])
    hurry(broker, dead_s=0.0)
    stage.server.rest.plan = FaultPlan.draw(seed, STORM, most=0.3)
    refused: dict[str, type[Exception] | None] = {}
    for number in range(10):
        key = f"c25-{number}"
        try:
            await broker.submit([limit_order(stage, key, Side.BUY, "1", "99.00")])
            refused[key] = None
        except (AmbiguousOutcomeError, RejectedByBrokerError, UnavailableError) as error:
            refused[key] = type(error)
    stage.server.rest.plan.calm()
    for key, why in refused.items():
        there = await judge.fetch_order("alpaca", key)
        assert stage.server.posts[key] <= 1
        assert sum(f'"{key}"'.encode() in one.body for one in stage.server.rest.requests) <= 1
        assert stage.venue.count_orders(key) == (there is not None)
        if why is not AmbiguousOutcomeError:
            assert (there is not None) is (why is None), f"{key}: what was said to be so is so"
    await broker.close()
    await judge.close()


@pytest.mark.parametrize(
    ("changes", "words"), [({"account": "PA-OTHER"}, "not PA-OTHER"), ({"currency": "EUR"}, "in USD, not in EUR")]
)
async def test_28_a_key_of_another_account_is_not_used(stage: AlpacaStage, changes: dict[str, str], words: str) -> None:
    broker = stage.broker(structs.replace(stage.config(), **changes))
    with pytest.raises(UnavailableError, match=words):
        await broker.connect()
    assert not broker.is_connected
    with pytest.raises(UnavailableError):
        await broker.submit([limit_order(stage, "c28", Side.BUY, "1", "99.00")])
    assert not stage.server.posts
    await broker.close()


def another(account: Account) -> Account:
    return structs.replace(account, account_id="other")
