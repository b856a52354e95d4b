"""Live money leaves only while every condition holds and a person has said so (R11); paper never leaves as live (F17)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.brokers import LiveView
from stockpulse_engine.domain.errors import (
    ConflictError,
    DeniedError,
    ForbiddenError,
    InvalidValueError,
    StockPulseError,
)
from stockpulse_engine.domain.events import LiveArmed, LiveDisarmed
from stockpulse_engine.domain.orders import OrderEventKind, OrderStatus, Side
from tests.fakes.order_desk import ACCOUNT, OrderDesk

LIVE = structs.replace(ACCOUNT, account_id="REAL", kind=AccountKind.LIVE)
HOUR_NS = 3_600_000_000_000


class Switches:
    """What is known of the connection, each condition a switch."""

    def __init__(self) -> None:
        self.kind: AccountKind | None = AccountKind.LIVE
        self.ends = 0
        self.wrong = ""

    def mode(self, broker: str) -> AccountKind | None:
        return self.kind

    def number(self, broker: str) -> str:
        return "ACC-90817"

    def ends_at(self, broker: str) -> int:
        return self.ends

    def trouble(self, broker: str) -> str:
        return self.wrong


class Bench:
    """An order service with one live account."""

    def __init__(self) -> None:
        self.switches = Switches()
        self.desk = OrderDesk()
        self.desk.connections = self.switches

    async def start(self) -> Bench:
        await self.desk.start()
        await self.desk.service.open_account(LIVE, "cli")
        return self

    async def arm(self, *, suffix: str = "0817", cap: str = "1000000", minutes: int = 60, **more: Any) -> LiveView:
        return await self.desk.service.live.arm(
            "REAL", holder="tui-1", suffix=suffix, cap=Decimal(cap), minutes=minutes, actor="tui-1/admin", **more
        )

    async def send(self, **terms: Any) -> bool:
        """Whether the order reached the venue."""
        before = sum(self.desk.venue.arrived.values())
        with contextlib.suppress(DeniedError):
            await self.desk.submit(**{"account_id": "REAL", **terms})
        await self.desk.time.settle()
        return sum(self.desk.venue.arrived.values()) > before

    def view(self) -> LiveView:
        return self.desk.service.live.views()[0]

    def facts(self) -> list[LiveArmed | LiveDisarmed]:
        return [one for one in self.desk.facts if isinstance(one, LiveArmed | LiveDisarmed)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = await Bench().start()
    yield made
    await made.desk.crash()


@pytest.mark.covers("R11", "O7", "S17")
async def test_of_all_128_combinations_of_the_seven_conditions_exactly_one_sends(bench: Bench) -> None:
    """Configured as live, unlocked, typed, in time, compared, disk and clock right, not halted."""
    desk, switches = bench.desk, bench.switches
    sent = []
    for case in itertools.product((True, False), repeat=7):
        is_live, is_unlocked, is_typed, is_in_time, is_clean, is_sound, is_free = case
        if is_typed:
            await bench.arm()
        else:
            with pytest.raises(ForbiddenError, match="last letters"):
                await bench.arm(suffix="0818")
        switches.kind = (AccountKind.LIVE if is_live else AccountKind.PAPER) if is_unlocked else None
        switches.ends = 0 if is_in_time else desk.clock.now_ns()
        switches.wrong = "" if is_sound else "the disk has under 1 GiB left"
        desk.latch.is_latched = not is_free
        if not is_clean:
            desk.service._desk.clean.discard("REAL")
        if await bench.send():
            sent.append(case)
        desk.latch.is_latched = False
        desk.service._desk.clean.add("REAL")
        switches.kind, switches.ends, switches.wrong = AccountKind.LIVE, 0, ""
        await desk.service.live.disarm("REAL", reason="next case", actor="test")
    assert sent == [(True,) * 7]


@pytest.mark.covers("R11")
@pytest.mark.parametrize("minutes", [1, 60, 480])
async def test_it_ends_by_itself(bench: Bench, minutes: int) -> None:
    await bench.arm(minutes=minutes)
    assert await bench.send()
    bench.desk.clock.advance(minutes * 60_000_000_000)
    assert not await bench.send()
    await bench.desk.time.advance(1)
    assert not bench.view().is_armed
    end = bench.facts()[-1]
    assert isinstance(end, LiveDisarmed)
    assert (end.reason, end.sent) == ("its time is over", Decimal("23140.00"))


@pytest.mark.covers("R11", "F26")
async def test_it_ends_with_the_session_at_the_broker(bench: Bench) -> None:
    bench.switches.ends = bench.desk.clock.now_ns() + HOUR_NS
    view = await bench.arm(minutes=480)
    assert view.until_ns == bench.switches.ends
    bench.desk.clock.advance(HOUR_NS)
    assert not await bench.send()


@pytest.mark.covers("R11")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"minutes": 481}, InvalidValueError),
        ({"minutes": 0}, InvalidValueError),
        ({"cap": "0"}, InvalidValueError),
        ({"cap": "NaN"}, InvalidValueError),
        ({"cap": "-5"}, InvalidValueError),
        ({"suffix": ""}, ForbiddenError),
        ({"suffix": "0817 "}, None),
        ({"suffix": "817"}, ForbiddenError),
    ],
)
async def test_what_is_typed_must_be_right(
    bench: Bench, change: dict[str, Any], error: type[StockPulseError] | None
) -> None:
    if error is None:
        assert (await bench.arm(**change)).is_armed
        return
    with pytest.raises(error):
        await bench.arm(**change)
    assert not bench.view().is_armed
    assert bench.facts() == []


async def test_arming_twice_is_refused_and_paper_needs_none(bench: Bench) -> None:
    await bench.arm()
    with pytest.raises(ConflictError, match="armed for manual already"):
        await bench.arm()
    with pytest.raises(InvalidValueError, match="PAPER and needs no arming"):
        await bench.desk.service.live.arm(
            "PAPER", holder="x", suffix="", cap=Decimal(1), minutes=1, strategy="manual", actor="x"
        )


@pytest.mark.covers("R11")
async def test_the_amount_counts_everything_sent_and_what_is_unknown_too(bench: Bench) -> None:
    await bench.arm(cap="50000")
    assert await bench.send()  # 23,140
    bench.desk.broker.fate.append("silent")
    assert bench.view().sent == Decimal("23140.00")
    assert await bench.send(), "it arrived, and no answer came"
    assert any(change.event.kind is OrderEventKind.MARK_UNKNOWN for change in bench.desk.changes)
    assert bench.view().sent == Decimal("46280.00")
    assert not await bench.send()
    assert await bench.send(quantity=Decimal(10))
    assert bench.view().sent == Decimal("48594.00")


@pytest.mark.covers("R11")
async def test_what_the_broker_refused_for_certain_is_given_back(bench: Bench) -> None:
    await bench.arm(cap="25000")
    bench.desk.venue.rejects = ("no", "NO")
    await bench.send()
    assert bench.view().sent == 0
    bench.desk.venue.rejects = None
    assert await bench.send()


@pytest.mark.covers("R11", "O8")
async def test_an_exit_leaves_although_the_amount_is_used_up(bench: Bench) -> None:
    await bench.arm(cap="23140")
    bench.desk.venue.fills_at = Decimal("231.40")
    assert await bench.send()
    await bench.desk.time.advance(0.1)
    assert bench.desk.positions("REAL") == {"AAPL.XNAS": Decimal(100)}
    assert not await bench.send()
    assert await bench.send(side=Side.SELL)


@pytest.mark.covers("R11")
async def test_an_order_that_nobody_can_value_does_not_leave(bench: Bench) -> None:
    from stockpulse_engine.domain.orders import OrderType

    await bench.arm()
    assert not await bench.send(order_type=OrderType.MARKET, limit_price=None)


@pytest.mark.covers("R11")
async def test_a_strategy_needs_an_arming_of_its_own(bench: Bench) -> None:
    await bench.arm()
    assert not await bench.send(strategy="trend")
    await bench.arm(strategy="trend")
    assert await bench.send(strategy="trend")


@pytest.mark.covers("R11")
async def test_a_halt_disarms_and_a_resume_does_not_arm_again(bench: Bench) -> None:
    await bench.arm()
    await bench.desk.change("halt")
    await bench.desk.time.settle()
    assert not bench.view().is_armed
    await bench.desk.change("resume", "RESUME")
    assert not await bench.send()
    assert [type(one).__name__ for one in bench.facts()] == ["LiveArmed", "LiveDisarmed"]


@pytest.mark.covers("R11")
async def test_a_restart_is_always_disarmed(bench: Bench) -> None:
    await bench.arm()
    assert await bench.send()
    await bench.desk.restart()
    assert not bench.view().is_armed
    assert not await bench.send()


@pytest.mark.covers("R11")
async def test_a_change_of_an_order_counts_what_it_adds(bench: Bench) -> None:
    await bench.arm(cap="30000")
    order = await bench.desk.submit("K1", account_id="REAL")
    await bench.desk.time.advance(0.1)
    await bench.desk.modify(order.client_order_id, quantity=Decimal(120))
    await bench.desk.time.settle()
    assert bench.view().sent == Decimal("27768.00")
    await bench.desk.modify(order.client_order_id, quantity=Decimal(200))
    await bench.desk.time.settle()
    assert bench.desk.order("K1").terms.quantity == 120
    assert "left" in bench.desk.order("K1").reason


@pytest.mark.covers("F17")
async def test_an_order_of_a_paper_account_never_leaves_through_a_connection_that_moves_real_money(
    bench: Bench,
) -> None:
    """Somebody changed `kind` in the file under an account that was opened as PAPER."""
    await bench.desk.submit("P1")
    await bench.desk.time.settle()
    assert bench.desk.order("P1").status is OrderStatus.CANCELED
    assert "moves LIVE money" in bench.desk.order("P1").reason
    assert bench.desk.venue.arrived["P1"] == 0
    bench.switches.kind = AccountKind.PAPER
    await bench.desk.submit("P2")
    await bench.desk.time.settle()
    assert bench.desk.venue.arrived["P2"] == 1


async def test_the_view_tells_what_is_missing_in_words(bench: Bench) -> None:
    bench.switches.kind = None
    bench.desk.latch.is_latched = True
    assert bench.view().missing == ("the credentials of fake are locked", "trading is HALTED")
