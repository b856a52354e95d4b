"""What people read: orders by scope, an order's life in words, the log."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from stockpulse_engine.domain.accounts import AccountKind, AccountType
from stockpulse_engine.domain.errors import InvalidValueError, NotFoundError
from stockpulse_engine.domain.events import CashMoved, SessionMarked
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.render.review import hop_words
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.trading.milestones import Milestones
from stockpulse_engine.trading.words import MARKS, describe_order_event, number
from tests.fakes.order_desk import ACCOUNT, OrderDesk


async def test_orders_by_scope_newest_first(desk: OrderDesk) -> None:
    for key in ("C1", "C2", "C3"):
        await desk.submit(key)
        await desk.time.advance(1)
    await desk.submit("C4", is_staged=True)
    desk.venue.fill("C1", 100, 10)
    await desk.time.settle()

    def keys(scope: str) -> list[str]:
        return [order.client_order_id for order in desk.service.orders(scope=scope)]

    assert keys("working") == ["C3", "C2"]
    assert keys("history") == ["C1"]
    assert keys("staged") == ["C4"]
    assert keys("unknown") == []
    assert keys("all") == keys("today") == ["C4", "C3", "C2", "C1"]
    assert [one.client_order_id for one in desk.service.orders(scope="all", limit=2)] == ["C4", "C3"]
    assert desk.service.orders(scope="all", account_id="OTHER") == []
    with pytest.raises(InvalidValueError, match="working"):
        desk.service.orders(scope="mine")


async def test_an_order_is_found_by_an_unambiguous_prefix(desk: OrderDesk) -> None:
    await desk.submit("ABCD1", take_price=Decimal(240))
    await desk.submit("ABXY2")
    assert desk.service.order("ABCD").client_order_id == "ABCD1"
    assert desk.service.order("ABCD1-T").parent_id == "ABCD1"
    for unknown in ("", "AB", "nope"):
        with pytest.raises(NotFoundError):
            desk.service.order(unknown)
    await desk.submit("ABCE3")
    with pytest.raises(InvalidValueError, match="fits"):
        desk.service.order("ABC")


async def test_a_life_tells_every_step_with_its_time(desk: OrderDesk) -> None:
    await desk.submit("C1")
    await desk.time.advance(0.25)
    desk.venue.fill("C1", 100, Decimal("231.40"))
    await desk.time.settle()
    life = await desk.service.life("C1")
    assert [step.mark for step in life.steps] == ["journalled", "accepted", "fill"]
    assert life.steps[2].gap_ns == 250_000_000
    assert life.steps[0].sentence == (
        "tui sent it; the intent was made durable first: Buy 100 AAPL at 231.40 limit, day order."
    )
    assert life.steps[2].sentence == "Bought 100 at 231.4 (execution X1)."
    assert list(life.hops) == ["gate", "fsync", "sent", "ack", "fill"]
    assert life.hops["fill"] == 250_000_000
    assert life.is_verified
    await desk.restart()
    assert (await desk.service.life("C1")).hops == life.hops, "the journal keeps what was measured"


async def test_what_nobody_measured_is_left_open(desk: OrderDesk) -> None:
    """The engine ends before the venue's first word comes: the journal has the times of its own entries alone."""
    desk.broker.holds_reports = True
    await desk.submit("C1")
    await desk.time.settle()
    await desk.restart()
    hops = (await desk.service.life("C1")).hops
    assert list(hops) == ["ack"]
    assert hop_words(hops, str) == ["gate —", "fsync —", "sent —", f"ack {hops['ack']}"]


async def test_the_log_is_for_people(desk: OrderDesk) -> None:
    desk.gate.deny(DenialCode.DUPLICATE, "The same order was sent 5 ms ago.")
    with pytest.raises(Exception, match="5 ms"):
        await desk.submit("C1")
    stamp: dict[str, Any] = {"ts_event": 1, "recorded_at": 1}
    await desk.service.record_fact(
        SessionMarked(account_id="PAPER", session_date="2026-11-20", equity=Decimal("100.50"), marks={}, **stamp)
    )
    await desk.service.record_fact(
        CashMoved(movement_id="M1", account_id="PAPER", amount=Decimal(5), currency="USD", reason="dividend", **stamp)
    )
    log = await desk.service.log(after_seq=0, limit=50)
    told = [entry.sentence for entry in log]
    assert "The engine 0.1.0 started in sim." in told
    assert "cli opened a paper margin account with 100000 USD." in told
    assert "The gate refused it (DUPLICATE): The same order was sent 5 ms ago." in told
    assert "Session 2026-11-20 opened at 100.5." in told
    assert "5 USD moved: dividend." in told
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert (await desk.service.log(after_seq=2, limit=1))[0].seq == 3
    newest = await desk.service.log(after_seq=None, limit=2)
    assert [entry.seq for entry in newest] == [len(log) - 1, len(log)]
    assert (await desk.service.verify_log()).is_ok
    assert (ACCOUNT.kind, ACCOUNT.account_type) == (AccountKind.PAPER, AccountType.MARGIN)


async def test_a_preview_is_the_gates(desk: OrderDesk) -> None:
    desk.gate.deny(DenialCode.MAX_NOTIONAL)
    preview = await desk.service.preview(desk.command())
    assert (preview.is_allowed, preview.denial) == (False, "MAX_NOTIONAL")


@pytest.mark.parametrize("kind", list(OrderEventKind), ids=lambda kind: kind.value)
def test_every_event_has_a_mark_and_a_sentence(kind: OrderEventKind) -> None:
    fill = Fill(
        fill_id="X1", client_order_id="C1", account_id="P", instrument_id="A.X", sign=-1,
        quantity=Decimal("1.50"), price=Decimal(2), fee=Decimal("0.10"),
    )  # fmt: skip
    event = OrderEvent(client_order_id="C1", kind=kind, ts_event=1, recorded_at=1, fill=fill, reason="so", actor="tui")
    sentence = describe_order_event(event)
    assert MARKS[kind]
    assert sentence.endswith(".") or kind is OrderEventKind.DENY
    assert "{" not in sentence


def test_numbers_are_plain() -> None:
    assert [number(Decimal(text)) for text in ("100", "1E+3", "0.10", "-2.500", "0")] == [
        "100",
        "1000",
        "0.1",
        "-2.5",
        "0",
    ]
    assert number(None) == "?"


def test_milestones_forget_the_oldest_and_never_run_backwards() -> None:
    marks = Milestones(limit=2)
    for key in ("A", "B", "C"):
        marks.note(key, "gate", 10)
        marks.note(key, "ack", 30)
        marks.note(key, "sent", 40)
        marks.note(key, "sent", 99)
    assert marks.hops("A") == {}
    assert marks.hops("C") == {"sent": 30, "ack": 0}
