"""What simulated days have found, each as the shortest story that shows it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.trading.reconcile import Reconciler
from tests.fakes.order_desk import OrderDesk

S = OrderStatus


@pytest.mark.covers("S1", "O10")
async def test_a_start_whose_first_comparison_fails_is_joined_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = Reconciler.compare, 1

    async def fails_once(self: Reconciler, *args: object, **more: object) -> object:
        nonlocal failures
        failures -= 1
        if failures == 0:
            raise UnavailableError("no answer")
        return await real(self, *args, **more)  # type: ignore[arg-type]  # whatever it takes

    desk = await OrderDesk().start()
    monkeypatch.setattr(Reconciler, "compare", fails_once)
    await desk.restart()
    await desk.time.advance(2)
    assert desk.service.is_reconciled("PAPER")
    assert (await desk.submit("C1")).status is S.SUBMITTED
    await desk.crash()


@pytest.mark.covers("S1", "F10", "L6")
async def test_a_restatement_whose_execution_was_lost_is_the_execution(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    lost = desk.venue.fill("C1", 100, Decimal("231.40"), fill_id="X1")
    desk.broker.withheld.add(len(desk.venue.reports))
    desk.venue.fills[-1] = (desk.venue.fills[-1][0], (new := structs.replace(lost, fill_id="X2", corrects="X1")))
    desk.venue.say(K.CORRECT, "C1", fill=new)
    await desk.time.settle()
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, False)
    desk.venue.say(K.FILL, "C1", fill=lost)  # what it restated comes late
    await desk.time.settle()
    assert desk.order("C1").filled_quantity == Decimal(100)


@pytest.mark.covers("S1", "F05", "O10")
async def test_an_order_executed_in_full_that_the_venue_calls_canceled_is_no_question(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.settle()
    desk.venue.fill("C1", 100, Decimal("231.40"))
    await desk.time.settle()
    desk.venue.orders["C1"] = structs.replace(desk.venue.orders["C1"], status="CANCELED")
    desk.venue.say(K.CANCEL, "C1")  # it was said before the execution, and arrives after it
    await desk.time.settle()
    assert desk.order("C1").is_unknown
    await desk.time.advance(15)
    assert (desk.order("C1").status, desk.order("C1").is_unknown) == (S.FILLED, False)
