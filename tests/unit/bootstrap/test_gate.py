"""The gate as the order service has it: what passes is not talked about, what is refused is told in full."""

from __future__ import annotations

import msgspec

from stockpulse_engine.bootstrap.gate import BoundGate
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService
from stockpulse_engine.portfolio.working import WorkingBook
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.gate import CHECKS
from stockpulse_engine.risk.view import ViewSources
from tests.fakes.portfolio_build import D, fill, filled, opened, order, quote, terms
from tests.unit.risk.build import INSTRUMENT, LIMITS, NOW, phase


class World:
    """A gate on a ledger with 100,000 and the orders it was told of."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.apply(opened())
        self.working = WorkingBook(LIMITS.collar_fraction)
        self.orders: list[Order] = []
        portfolio = PortfolioService(
            self.ledger, orders=lambda: self.orders, quote=lambda _: quote(), clock=lambda: NOW
        )
        sources = ViewSources(
            account=self.ledger.account,
            working=self.working.of,
            balances=portfolio.balances,
            held=self.ledger.quantity,
            instrument=lambda _: INSTRUMENT,
            quote=lambda _: quote(),
            quote_age_ns=lambda _: 0,
            status=lambda _: phase(MarketPhase.OPEN),
            trading_state=lambda: TradingState.ACTIVE,
            is_reconciled=lambda _: True,
            now_ns=lambda: NOW,
            wall_ns=lambda: NOW,
            session_date=lambda: "2024-03-08",
            peak=portfolio.peak,
        )
        self.gate = BoundGate(sources, LIMITS, self.ledger, session_of=lambda _: "2024-03-08")


def command(instruction: OrderTerms) -> SubmitOrder:
    return SubmitOrder(client_order_id="C1", terms=instruction)


def test_what_passes_has_no_rows_and_its_preview_has_all() -> None:
    gate = World().gate
    verdict = gate.judge(command(terms("10", "100.00")))
    assert (verdict.is_allowed, verdict.rows) == (True, ())
    assert len(gate.preview(command(terms("10", "100.00"))).rows[-1].numbers) == len(CHECKS)


def test_what_is_refused_is_told_in_full() -> None:
    verdict = World().gate.judge(command(terms("5000", "100.00")))
    assert verdict.code is DenialCode.MAX_NOTIONAL
    assert len(verdict.rows) == len(CHECKS)
    assert verdict.nearest_quantity == 250


def test_the_orders_it_was_told_of_bind_money_until_they_are_over() -> None:
    world = World()
    large = terms("240", "100.00")
    first = order("a", large)
    world.working.put(first)
    refused = world.gate.judge(command(large))
    assert refused.code is DenialCode.MAX_WEIGHT
    assert world.gate.judge(command(large), exclude="a").is_allowed, "its own new terms do not stand beside it"
    world.working.put(msgspec.structs.replace(first, filled_quantity=D(239)))
    assert not world.gate.judge(command(terms("250", "100.00"))).is_allowed
    world.working.drop(first)
    assert world.gate.judge(command(large)).is_allowed


def test_both_sides_of_a_pair_are_judged_and_count_once() -> None:
    world = World()
    world.ledger.apply(filled(fill("f", "100", "100")))
    take = msgspec.structs.replace(terms("-100", "104.00"), is_reduce_only=True)
    pair = SubmitOrder(client_order_id="P", terms=take, oco_stop_price=D("96.00"))
    assert world.gate.judge(pair).is_allowed
    above = msgspec.structs.replace(pair, oco_stop_price=D("101.00"))
    assert world.gate.judge(above).code is DenialCode.STOP_SIDE
    assert world.gate.preview(above).denial == DenialCode.STOP_SIDE.value
    assert (
        world.gate.preview(pair).sentence == "Sell 100 AAPL at 104.00 limit or 96.00 stop (OCO), day order, reduce only"
    )

    stop = msgspec.structs.replace(take, order_type=OrderType.STOP, limit_price=None, stop_price=D("96.00"))
    world.working.put(order("P", take, role=OrderRole.TAKE))
    world.working.put(order("P-S", stop, role=OrderRole.STOP, parent_id="P"))
    for key, changed in (("P", {"limit_price": D("103.00")}), ("P-S", {"stop_price": D("97.00")})):
        now = take if key == "P" else stop
        asked = command(msgspec.structs.replace(now, **changed))
        assert world.gate.judge(asked, exclude=key).is_allowed, "the other one of the pair does not stand beside it"
    assert not world.gate.judge(command(msgspec.structs.replace(take, quantity=D(1)))).is_allowed, (
        "all of it is spoken for"
    )
