"""Orders that the engine holds: they leave once, when their condition is met, whoever is killed when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.conditions import Condition, ConditionPart, PriceCondition, PriceKind, TimeCondition
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.errors import ConflictError, DeniedError, InvalidValueError
from stockpulse_engine.domain.market import Quote, Trade
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderStatus as S
from stockpulse_engine.domain.orders import OrderType, Side, TimeInForce
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.trading.resolver import NEVER_REACHED
from tests.fakes.order_desk import AAPL, OrderDesk

SPY = "SPY.ARCX"


@pytest.fixture
async def desk() -> AsyncIterator[OrderDesk]:
    desk = await OrderDesk().start()
    yield desk
    await desk.crash()


def below(price: int, *, what: PriceKind = PriceKind.LAST, name: str = SPY) -> PriceCondition:
    return PriceCondition(instrument_id=name, price=Decimal(price), is_above=False, what=what)


def until(*parts: ConditionPart, needs_all: bool = True) -> Condition:
    return Condition(parts=parts, needs_all=needs_all)


def show(desk: OrderDesk, last: str, *, name: str = SPY, prints: bool = True) -> None:
    """The market shows a print, and a quote a cent around it."""
    now, price = desk.clock.now_ns(), Decimal(last)
    if prints:
        desk.bus.publish(Trade(name, price, Decimal(100), now))
    cent = Decimal("0.01")
    quote = Quote(name, price - cent, price + cent, Decimal(100), Decimal(100), now, last=price)
    desk.quotes[name] = quote
    desk.bus.publish(quote)


async def hold(desk: OrderDesk, key: str, *parts: ConditionPart, needs_all: bool = True, **more: object) -> None:
    order = await desk.submit(
        key, side=Side.SELL, condition=until(*parts, needs_all=needs_all), **{"time_in_force": TimeInForce.GTC, **more}
    )
    assert (order.status, order.is_held) == (S.INITIALIZED, True)


async def test_nothing_leaves_before_the_price_is_there_and_then_it_leaves_once(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    show(desk, "480.00")
    await desk.time.advance(1)
    assert desk.venue.made == {}
    show(desk, "479.99")
    show(desk, "479.98")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}
    assert (desk.order("C1").status, desk.order("C1").is_held) == (S.ACCEPTED, False)
    assert desk.steps("C1") == [K.INITIALIZE, K.SUBMIT, K.ACCEPT]
    show(desk, "470.00")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


async def test_a_price_seen_only_for_a_moment_is_enough(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    show(desk, "479.00")
    show(desk, "485.00")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


async def test_a_time_comes_without_any_price(desk: OrderDesk) -> None:
    await hold(desk, "C1", TimeCondition(at_ns=desk.clock.now_ns() + 5_000_000_000))
    await desk.time.advance(4)
    assert desk.venue.made == {}
    await desk.time.advance(2)
    assert desk.venue.made == {"C1": 1}


async def test_all_of_them_or_any(desk: OrderDesk) -> None:
    parts = (below(480), below(230, what=PriceKind.MID, name=AAPL))
    await hold(desk, "ALL", *parts)
    await hold(desk, "ANY", *parts, needs_all=False)
    show(desk, "479.00")
    show(desk, "231.00", name=AAPL)
    await desk.time.advance(1)
    assert desk.venue.made == {"ANY": 1}
    show(desk, "229.00", name=AAPL)
    await desk.time.advance(1)
    assert desk.venue.made == {"ANY": 1, "ALL": 1}


async def test_a_stale_or_missing_price_fires_nothing_and_is_told_after_a_while(desk: OrderDesk) -> None:
    show(desk, "479.00")
    await desk.time.advance(30)
    await hold(desk, "C1", below(480))
    await desk.time.advance(50)
    assert desk.venue.made == {}
    assert desk.texts("warn") == ""
    await desk.time.advance(30)
    assert "SPY" in desk.texts("warn")
    assert desk.venue.made == {}
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


@pytest.mark.covers("O6", "O10")
async def test_it_survives_a_kill_and_fires_after_it(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    await desk.restart()
    assert desk.order("C1").is_held
    assert [one.client_order_id for one in desk.service.orders(scope="held")] == ["C1"]
    assert list(desk.service.orders(scope="staged")) == []
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


@pytest.mark.covers("O6", "F07")
@pytest.mark.parametrize("point", ["before the disk", "before the socket", "before the answer"])
async def test_a_kill_while_it_fires_neither_loses_nor_repeats_it(desk: OrderDesk, point: str) -> None:
    await hold(desk, "C1", below(480))
    desk.broker.holds_reports = True
    if point == "before the socket":
        desk.broker.gate = asyncio.Event()
    if point == "before the disk":
        desk.journal.is_held = True  # type: ignore[attr-defined] # the journal in memory
    show(desk, "479.00")
    await desk.time.settle()
    await desk.restart()
    show(desk, "479.00")
    await desk.time.advance(30)
    assert desk.venue.made == {"C1": 1}
    assert desk.order("C1").status is S.ACCEPTED


async def test_where_ids_are_not_refused_for_ever_it_is_told_and_not_sent_again(desk: OrderDesk) -> None:
    desk.broker.dedup = Dedup.NONE
    await hold(desk, "C1", below(480))
    desk.broker.fate = ["lost"]
    show(desk, "479.00")
    await desk.time.advance(30)
    assert desk.venue.made == {}
    assert (desk.order("C1").status, desk.order("C1").reason) == (S.CANCELED, NEVER_REACHED)


async def test_the_gate_judges_when_it_fires_and_a_refusal_ends_it(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    desk.gate.deny(DenialCode.BUYING_POWER, "Too dear.")
    show(desk, "479.00")
    await desk.time.advance(1)
    assert (desk.order("C1").status, desk.order("C1").code) == (S.DENIED, "BUYING_POWER")
    assert "Too dear" in desk.texts()
    assert desk.venue.made == {}


async def test_what_passes_by_itself_only_delays_it(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    desk.gate.deny(DenialCode.INSTRUMENT_HALTED, "AAPL is halted.")
    for _ in range(3):
        show(desk, "479.00")
        await desk.time.advance(1)
    assert desk.order("C1").is_held
    assert desk.texts("warn").count("AAPL is halted") == 1
    desk.gate.denial = None
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


async def test_what_no_waiting_changes_is_refused_when_it_is_made(desk: OrderDesk) -> None:
    desk.gate.deny(DenialCode.OFF_TICK, "Off the tick.")
    with pytest.raises(DeniedError):
        await desk.submit("C1", condition=until(below(480)))
    desk.gate.deny(DenialCode.BUYING_POWER, "Too dear now.")
    await hold(desk, "C2", below(480))
    with pytest.raises(InvalidValueError):
        await desk.submit("C3", condition=Condition(parts=()))


async def test_it_is_canceled_like_any_other_alone_or_with_all(desk: OrderDesk) -> None:
    await hold(desk, "C1", below(480))
    await hold(desk, "C2", below(480))
    await desk.cancel("C1")
    await desk.service.cancel_matching("*", "", "tui")
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.venue.made == {}
    assert {desk.order(key).status for key in ("C1", "C2")} == {S.CANCELED}


@pytest.mark.parametrize(
    ("terms", "is_over"),
    [
        ({"time_in_force": TimeInForce.DAY}, True),
        ({"time_in_force": TimeInForce.GTC}, False),
        ({"time_in_force": TimeInForce.GTD, "expires_at": 1}, True),
    ],
)
async def test_it_ends_with_its_day_or_its_time(desk: OrderDesk, terms: dict[str, Any], is_over: bool) -> None:
    await hold(desk, "C1", below(480), **terms)
    desk.day_start = desk.clock.now_ns() + 1
    await desk.time.advance(1)
    assert (desk.order("C1").status is S.CANCELED) is is_over
    assert desk.order("C1").code == ("expired" if is_over else "")


async def test_one_that_was_staged_is_held_from_the_moment_it_is_sent(desk: OrderDesk) -> None:
    await desk.submit("C1", condition=until(below(480)), is_staged=True, time_in_force=TimeInForce.GTC)
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.venue.made == {}
    held = (await desk.service.send_staged("C1", "R1", "tui"))[0]
    assert (held.status, held.is_held) == (S.INITIALIZED, True)
    assert (await desk.service.send_staged("C1", "R1", "tui"))[0] == held
    with pytest.raises(ConflictError):
        await desk.service.send_staged("C1", "R2", "tui")
    await desk.time.advance(1)
    assert desk.venue.made == {"C1": 1}


async def test_a_whole_bracket_and_a_pair_can_be_held(desk: OrderDesk) -> None:
    await hold(desk, "B1", below(480), take_price=Decimal(220), stop_price=Decimal(240))
    await hold(desk, "P1", below(480), oco_stop_price=Decimal(220))
    show(desk, "479.00")
    await desk.time.advance(1)
    assert set(desk.venue.made) == {"B1", "B1-T", "B1-S", "P1", "P1-S"}
    assert desk.order("P1-S").terms.stop_price == Decimal(220)
    assert desk.order("P1").terms.is_reduce_only


async def test_its_arrival_is_the_quote_it_left_at(desk: OrderDesk) -> None:
    show(desk, "300.00", name=AAPL)
    await hold(desk, "C1", below(480))
    show(desk, "200.00", name=AAPL)
    show(desk, "479.00")
    await desk.time.advance(1)
    assert desk.order("C1").arrival_bid == Decimal("199.99")


# --- a broker without trailing stops ----------------------------------------------------------------------


@pytest.fixture
async def bare(desk: OrderDesk) -> OrderDesk:
    """A desk whose broker takes no trailing stops and no groups."""
    desk.broker.is_bare = True
    return desk


async def trail(desk: OrderDesk, key: str, **more: object) -> None:
    order = await desk.submit(
        key,
        side=Side.SELL,
        order_type=OrderType.TRAILING_STOP,
        limit_price=None,
        time_in_force=TimeInForce.GTC,
        **{"trail_amount": Decimal(2), **more},
    )
    assert (order.status, order.is_held) == (S.INITIALIZED, True)


async def test_a_trailing_stop_the_broker_does_not_take_is_held_and_survives_a_kill(bare: OrderDesk) -> None:
    show(bare, "230.00", name=AAPL)
    await trail(bare, "T1")
    await bare.time.advance(2)
    show(bare, "235.00", name=AAPL)
    show(bare, "233.50", name=AAPL)
    await bare.time.advance(2)
    assert bare.order("T1").terms.stop_price == Decimal("233.00")
    await bare.restart()
    bare.broker.is_bare = True
    show(bare, "233.01", name=AAPL)
    await bare.time.advance(2)
    assert (bare.order("T1").terms.stop_price, bare.venue.made) == (Decimal("233.00"), {})
    show(bare, "232.90", name=AAPL)
    await bare.time.advance(2)
    assert bare.venue.made == {"T1": 1}
    sent = bare.venue.orders["T1"].terms
    assert (sent.order_type, sent.trail_amount, sent.limit_price) == (OrderType.MARKET, None, None)
    assert bare.order("T1").terms == sent


async def test_its_limit_lies_beyond_the_trigger_and_the_preview_says_where_it_lives(bare: OrderDesk) -> None:
    show(bare, "230.00", name=AAPL)
    await trail(bare, "T1", limit_offset=Decimal("0.10"))
    command = bare.command(order_type=OrderType.TRAILING_STOP, trail_amount=Decimal(2), limit_price=None)
    assert "does nothing while StockPulse is down" in (await bare.service.preview(command)).rows[0].text
    show(bare, "227.00", name=AAPL)
    await bare.time.advance(2)
    sent = bare.venue.orders["T1"].terms
    assert (sent.order_type, sent.limit_price) == (OrderType.LIMIT, Decimal("227.90"))


@pytest.mark.parametrize(
    "more", [{"oco_stop_price": Decimal(220)}, {"take_price": Decimal(240)}, {"time_in_force": TimeInForce.FOK}]
)
async def test_what_it_does_not_take_and_we_do_not_hold_is_refused_by_name(
    bare: OrderDesk, more: dict[str, Any]
) -> None:
    with pytest.raises(DeniedError) as refused:
        await bare.submit("C1", **more)
    assert refused.value.denial == "UNSUPPORTED"
    assert bare.venue.made == {}


@pytest.mark.covers("F38")
@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_split_of_what_it_watches_ends_it_before_a_new_price_can_fire_it(
    desk: OrderDesk, is_killed: bool
) -> None:
    await hold(desk, "C1", below(480))
    await hold(desk, "C2", below(230, name=AAPL))
    await desk.time.advance(1)
    said = ActionStatement(
        action_id="SPY:SPLIT:x", account_id="PAPER", instrument_id=SPY, kind="SPLIT", numerator=10, price=Decimal(48)
    )
    desk.venue.say(K.UPDATE, "", action=said)
    await desk.time.settle()
    if is_killed:
        await desk.restart()
    show(desk, "48.00")
    await desk.time.advance(1)
    assert desk.venue.made == {}
    assert (desk.order("C1").status, desk.order("C2").is_held) == (S.CANCELED, True)
    assert "split" in desk.order("C1").reason
