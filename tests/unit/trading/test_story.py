"""One command tells an order's whole story: whose money, who, what, when, under which limits, and what became of it (R31)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.version import LimitNames
from tests.fakes.order_desk import OrderDesk


@pytest.mark.covers("R31")
async def test_an_order_tells_whose_money_who_when_and_under_which_limits() -> None:
    desk = OrderDesk()
    await desk.start()
    named = LimitNames()
    limits = [Limits()]
    desk.service._desk.limits_name = lambda _: named.name(limits[0])
    await desk.submit("K1")
    limits[0] = Limits(max_order_notional=Decimal(1))
    await desk.service.submit(desk.command("K2", is_staged=True), "tui-1/trader")
    await desk.service.send_staged("K2", "R1", "tui-2/trader")
    await desk.time.advance(0.1)
    first, second = await desk.service.life("K1"), await desk.service.life("K2")
    assert (first.money, first.actor, first.order.terms.strategy) == ("PAPER", "tui", "manual")
    assert first.limits == named.name(Limits())
    assert (second.actor, second.limits) == ("tui-2/trader", named.name(limits[0]))
    assert first.limits != second.limits
    assert [step.step for step in first.steps] == ["SUBMIT", "ACCEPT"]
    assert all(step.recorded_at and step.seq for step in first.steps)
    assert first.is_verified
    await desk.crash()


def test_the_same_limits_have_one_name_and_any_other_limit_another() -> None:
    names = LimitNames()
    assert names.name(Limits()) == LimitNames().name(Limits())
    assert len({names.name(Limits(max_open_orders=count)) for count in range(1, 300)}) == 299
