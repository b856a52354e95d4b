"""Submitting: recorded before it leaves, answered once it is durable, sent once, the same answer for the same id."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidValueError,
    NotFoundError,
    UnavailableError,
)
from stockpulse_engine.domain.orders import OrderEventKind as K
from stockpulse_engine.domain.orders import OrderRole, OrderStatus, TimeInForce
from stockpulse_engine.risk.codes import DenialCode
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.order_desk import AAPL, ACCOUNT, OrderDesk

S = OrderStatus


async def test_an_order_is_durable_then_sent_then_filled(desk: OrderDesk) -> None:
    order = await desk.submit("C1")
    assert order.status is S.SUBMITTED
    await desk.time.settle()
    assert desk.order("C1").status is S.ACCEPTED
    desk.venue.fill("C1", 40, Decimal("231.30"))
    desk.venue.fill("C1", 60, Decimal("231.40"))
    await desk.time.settle()
    order = desk.order("C1")
    assert (order.status, order.filled_quantity, order.average_price) == (S.FILLED, Decimal(100), Decimal("231.36"))
    assert desk.steps("C1") == [K.SUBMIT, K.ACCEPT, K.FILL, K.FILL]
    assert desk.venue.made["C1"] == 1
    assert [change.event.kind for change in desk.changes] == [K.SUBMIT, K.ACCEPT, K.FILL, K.FILL]


@pytest.mark.covers("O4", "F34")
async def test_nothing_leaves_and_nobody_is_answered_before_the_disk_has_it(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    waiting = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.advance(3)
    assert not waiting.done()
    assert desk.venue.arrived["C1"] == 0
    assert "C1" not in desk.service.book.orders
    assert [order.client_order_id for order in desk.service.open_orders("PAPER")] == ["C1"]  # it reserves already
    desk.journal.is_held = False
    desk.journal.release()
    await waiting
    await desk.time.settle()
    assert desk.venue.arrived["C1"] == 1


async def test_a_caller_that_gives_up_changes_nothing(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    waiting = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.settle()
    waiting.cancel()
    await desk.time.settle()
    desk.journal.is_held = False
    desk.journal.release()
    await desk.time.settle()
    assert desk.order("C1").status is S.ACCEPTED


@pytest.mark.covers("F02", "O6")
async def test_the_same_request_gets_the_same_answer_and_is_sent_once(desk: OrderDesk) -> None:
    first, is_replay = await desk.service.submit(desk.command("C1"), "tui")
    assert not is_replay
    await desk.time.settle()
    again, is_replay = await desk.service.submit(desk.command("C1"), "tui")
    assert is_replay
    assert [order.client_order_id for order in again] == [order.client_order_id for order in first]
    assert desk.venue.arrived["C1"] == 1
    assert len(desk.gate.judged) == 1


@pytest.mark.covers("O5", "O6")
async def test_callers_with_the_same_id_at_the_same_moment_make_one_order(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    same = [asyncio.ensure_future(desk.service.submit(desk.command("C1"), "tui")) for _ in range(5)]
    other = asyncio.ensure_future(desk.service.submit(desk.command("C1", quantity=Decimal(7)), "tui"))
    await desk.time.settle()
    desk.journal.is_held = False
    desk.journal.release()
    await desk.time.settle()
    assert sorted(task.result()[1] for task in same) == [False, True, True, True, True]
    with pytest.raises(ConflictError, match="another body"):
        await other
    assert (desk.venue.arrived["C1"], desk.steps("C1").count(K.SUBMIT)) == (1, 1)


@pytest.mark.covers("F02", "O6")
async def test_another_body_under_the_same_id_is_a_conflict_after_a_restart_too(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.restart()
    _, is_replay = await desk.service.submit(desk.command("C1"), "tui")
    assert is_replay
    with pytest.raises(ConflictError, match="another body"):
        await desk.submit("C1", quantity=Decimal(7))


@pytest.mark.covers("O11")
async def test_a_refusal_is_on_record_and_repeated_word_for_word(desk: OrderDesk) -> None:
    desk.gate.deny(DenialCode.BUYING_POWER, "It binds 23,140; 100 are free.", "Send at most 0.")
    for _ in range(2):
        with pytest.raises(DeniedError, match=r"It binds 23,140; 100 are free\. Send at most 0\.") as caught:
            await desk.submit("C1")
        assert caught.value.denial == "BUYING_POWER"
    order = desk.order("C1")
    assert (order.status, order.code) == (S.DENIED, "BUYING_POWER")
    assert desk.steps("C1") == [K.DENY]
    assert desk.venue.arrived["C1"] == 0


async def test_what_was_refused_in_the_preview_can_be_put_on_record_and_is_never_sent(desk: OrderDesk) -> None:
    with pytest.raises(ConflictError, match=r"would take this order by now; nothing was sent"):
        await desk.submit("C1", is_for_record=True)
    desk.gate.deny(DenialCode.MARKET_CLOSED, "The market is closed.")
    with pytest.raises(DeniedError):
        await desk.submit("C1", is_for_record=True, is_staged=True)
    assert desk.order("C1").status is S.DENIED
    desk.gate.denial = None
    with pytest.raises(DeniedError, match="closed"):
        await desk.submit("C1", is_staged=True)
    await desk.time.advance(10)
    assert desk.venue.arrived["C1"] == 0
    assert desk.steps("C1") == [K.DENY]


async def test_a_bracket_is_three_orders_sent_as_one(desk: OrderDesk) -> None:
    command = desk.command("C1", take_price=Decimal(240), stop_price=Decimal(225))
    orders, _ = await desk.service.submit(command, "tui")
    assert [(one.client_order_id, one.role, one.parent_id) for one in orders] == [
        ("C1", OrderRole.ENTRY, ""),
        ("C1-T", OrderRole.TAKE, "C1"),
        ("C1-S", OrderRole.STOP, "C1"),
    ]
    assert (orders[1].terms.limit_price, orders[2].terms.stop_price) == (Decimal(240), Decimal(225))
    assert all(one.terms.is_reduce_only and one.terms.side.value == "SELL" for one in orders[1:])
    assert all(one.terms.time_in_force is TimeInForce.GTC for one in orders[1:])  # a protection outlives the day
    await desk.time.settle()
    assert [desk.order(key).status for key in ("C1", "C1-T", "C1-S")] == [S.ACCEPTED] * 3
    again, is_replay = await desk.service.submit(command, "tui")
    assert is_replay
    assert len(again) == 3


async def test_a_staged_order_waits_until_it_is_sent(desk: OrderDesk) -> None:
    staged = await desk.submit("C1", is_staged=True, take_price=Decimal(240))
    assert staged.status is S.INITIALIZED
    assert {one.client_order_id for one in desk.service.orders(scope="staged")} == {"C1", "C1-T"}
    await desk.time.advance(10)
    assert desk.venue.arrived["C1"] == 0
    sent = await desk.service.send_staged("C1", "R1", "tui")
    assert [one.status for one in sent] == [S.SUBMITTED, S.SUBMITTED]
    await desk.time.settle()
    again = await desk.service.send_staged("C1", "R1", "tui")
    assert again[0].status is S.ACCEPTED
    assert desk.venue.arrived["C1"] == 1
    with pytest.raises(ConflictError, match="not staged"):
        await desk.service.send_staged("C1", "R2", "tui")


async def test_a_refused_staged_order_stays_staged_and_the_attempt_is_on_record(desk: OrderDesk) -> None:
    await desk.submit("C1", is_staged=True, take_price=Decimal(240))
    desk.gate.deny(DenialCode.MARKET_CLOSED, "The market is closed.")
    for request_id in ("R1", "R1", "R2"):
        with pytest.raises(DeniedError):
            await desk.service.send_staged("C1", request_id, "tui")
    assert desk.order("C1").status is S.INITIALIZED
    attempts = [order for order in desk.service.orders(scope="all") if order.status is S.DENIED]
    assert [(one.code, one.reason, one.terms) for one in attempts] == [
        ("MARKET_CLOSED", "The market is closed.", desk.order("C1").terms)
    ] * 2, "one for each request, however often it was repeated"
    assert [one.client_order_id for one in desk.service.orders(scope="staged")] == ["C1-T", "C1"]
    desk.gate.denial = None
    assert (await desk.service.send_staged("C1", "R1", "tui"))[0].status is S.SUBMITTED


async def test_a_staged_order_can_be_thrown_away(desk: OrderDesk) -> None:
    await desk.submit("C1", is_staged=True, stop_price=Decimal(225))
    gone = await desk.service.discard_staged("C1", "R1", "tui")
    assert gone.status is S.CANCELED
    assert desk.order("C1-S").status is S.CANCELED
    assert (await desk.service.discard_staged("C1", "R1", "tui")).status is S.CANCELED
    await desk.submit("C2", is_staged=True)
    assert (await desk.cancel("C2")).status is S.CANCELED


@pytest.mark.parametrize(
    "terms",
    [
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal(0)},
        {"quantity": Decimal(-5)},
        {"limit_price": Decimal("Infinity")},
        {"take_price": Decimal("NaN")},
        {"stop_price": Decimal(-1)},
    ],
    ids=str,
)
async def test_what_cannot_be_a_number_is_not_even_recorded(desk: OrderDesk, terms: dict[str, Decimal]) -> None:
    with pytest.raises(InvalidValueError):
        await desk.submit("C1", **terms)
    assert "C1" not in desk.service.book.orders


@pytest.mark.parametrize("key", ["", " ", "a b", "-x", "ü", "x" * 63, "a\x1b[2J"])
async def test_an_id_is_short_and_plain(desk: OrderDesk, key: str) -> None:
    with pytest.raises(InvalidValueError):
        await desk.service.submit(structs.replace(desk.command("C1"), client_order_id=key), "tui")


async def test_an_unknown_account_is_said(desk: OrderDesk) -> None:
    with pytest.raises(NotFoundError, match="NOPE"):
        await desk.submit("C1", account_id="NOPE")


async def test_a_broken_disk_lets_nothing_leave(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    desk.journal.is_held = True
    waiting = asyncio.ensure_future(desk.submit("C1"))
    await desk.time.settle()
    desk.journal.break_down()
    with pytest.raises(UnavailableError, match="read-only"):
        await waiting
    with pytest.raises(UnavailableError):
        await desk.submit("C2")
    await desk.time.advance(10)
    assert not desk.venue.arrived
    assert desk.service.open_orders("PAPER") == ()


async def test_a_definite_no_of_the_venue_is_a_rejection(desk: OrderDesk) -> None:
    desk.venue.rejects = ("no shares can be borrowed", "no_short")
    await desk.submit("C1", take_price=Decimal(240))
    await desk.time.settle()
    order = desk.order("C1")
    assert (order.status, order.reason, order.code) == (S.REJECTED, "no shares can be borrowed", "no_short")
    assert desk.order("C1-T").status is S.REJECTED


async def test_while_the_link_is_down_submits_are_refused_and_may_be_repeated(desk: OrderDesk) -> None:
    desk.broker.refuses_link = True
    desk.broker.cut()
    await desk.time.settle()
    with pytest.raises(DeniedError) as caught:
        await desk.submit("C1")
    assert caught.value.denial == "STREAM_RECONCILING"
    desk.broker.refuses_link = False
    await desk.time.advance(1)
    assert (await desk.submit("C1")).status is S.SUBMITTED


async def test_an_exit_is_never_sent_without_its_entry(desk: OrderDesk) -> None:
    await desk.submit("C1", take_price=Decimal(240), stop_price=Decimal(225), is_staged=True)
    with pytest.raises(ConflictError, match="sent with its entry"):
        await desk.service.send_staged("C1-S", "R1", "tui")
    assert desk.order("C1-S").status is S.INITIALIZED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", "../../x"),
        ("account_id", "A" * 21),
        ("account_id", ""),
        ("currency", "USD\x1b[31m"),
        ("initial_cash", Decimal(-1)),
        ("initial_cash", Decimal("NaN")),
    ],
)
async def test_an_account_that_cannot_be_right_is_not_opened(desk: OrderDesk, field: str, value: object) -> None:
    wrong = structs.replace(ACCOUNT, **{"account_id": "second", field: value})
    with pytest.raises(InvalidValueError):
        await desk.service.open_account(wrong, "cli")
    assert list(desk.service.book.accounts) == ["PAPER"]


@pytest.mark.covers("L9", "F12")
async def test_an_order_binds_until_the_ledger_knows_what_it_executed(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await desk.submit("C1")
    await desk.time.settle()
    desk.journal.is_held = True
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()
    assert desk.positions("PAPER") == {}, "the fill is on its way to the disk"
    (binding,) = desk.service.open_orders("PAPER")
    assert (binding.client_order_id, binding.leaves_quantity) == ("C1", Decimal(100))
    desk.journal.is_held = False
    desk.journal.release()
    await desk.time.settle()
    assert (desk.service.open_orders("PAPER"), desk.positions("PAPER")) == ((), {AAPL: Decimal(100)})


async def test_an_execution_that_never_reaches_the_disk_leaves_the_order_binding(desk: OrderDesk) -> None:
    assert isinstance(desk.journal, MemoryJournal)
    await desk.submit("C1")
    await desk.time.settle()
    desk.journal.is_held = True
    desk.venue.fill("C1", 30, 10)
    await desk.time.settle()
    desk.journal.break_down()
    await desk.time.settle()
    assert [order.leaves_quantity for order in desk.service.open_orders("PAPER")] == [100]


async def test_the_time_an_order_was_staged_is_no_time_on_its_way(desk: OrderDesk) -> None:
    await desk.submit("C1", is_staged=True)
    await desk.time.advance(6)
    await desk.service.send_staged("C1", "R1", "tui")
    await desk.time.settle()
    assert desk.service.hops("C1")["gate"] < 1_000_000_000
