"""One simulated day from its first order to its last proof: a seed in, a verdict and the journal's hash out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec
from msgspec import structs

from stockpulse_engine.domain.commands import CancelOrder, ModifyOrder, SubmitOrder
from stockpulse_engine.domain.market import MarketPhase
from stockpulse_engine.domain.orders import Order, OrderRole, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import DrillOrder, Refused
from stockpulse_engine.drill.faults import Fault, FaultPlan
from stockpulse_engine.drill.sim.broker import PERSONALITIES
from stockpulse_engine.drill.sim.loop import StuckError, run
from stockpulse_engine.drill.sim.ports import Workshop
from stockpulse_engine.drill.sim.story import Step, draw_story
from stockpulse_engine.drill.sim.wire import ON_REQUESTS
from stockpulse_engine.drill.sim.witness import BrokenError
from stockpulse_engine.drill.sim.world import ACCOUNT, INSTRUMENTS, TICK, PlannedError, World

CALM_S: Final = 600.0
"""Simulated seconds after the storm within which everything has to be settled."""
_LOOKS: Final = 20
_SPLITS: Final = (Fraction(2), Fraction(3, 2), Fraction(1, 10), Fraction(4))
NOT_SIMULATED: Final = frozenset({Fault.MEMORY_LIMIT, Fault.CLOCK_SKEW})
"""Faults that need a process or a signature of requests; the drill on real sockets has them."""
STORM: Final = tuple(fault for fault in Fault if fault not in NOT_SIMULATED)
_RUSH: Final = frozenset({"limit", "market", "bracket", "ioc", "stop", "cancel", "change", "repeat"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A day: everything about it follows from here. `steps` and `without` are what shrinking leaves."""

    seed: int
    personality: str = ""
    steps: tuple[int, ...] | None = None
    """Numbers of the steps that are done; None for all."""
    without: tuple[str, ...] = ()
    """Names of faults that are left out."""
    most: float = 0.08
    """Highest rate that a fault is drawn with."""
    forced: tuple[str, ...] = ()
    """Names of faults that strike at `rate`, without the storm's bound."""
    rate: float = 0.5
    """How often the forced ones strike."""
    crash_at: int = 0
    """The power is cut when the journal is about to get this entry; 0 for never."""
    is_rush: bool = False
    """A busy minute instead of a day: orders without a pause, and the latch is set by another hand in their midst."""

    def plan(self) -> FaultPlan:
        """Its faults."""
        out = {fault for fault in Fault if fault.value in self.without}
        plan = FaultPlan.draw(self.seed, [fault for fault in STORM if fault not in out], most=self.most)
        for fault in ON_REQUESTS & plan.rates.keys():
            plan.rates[fault] /= len(ON_REQUESTS) / 4  # there are many of them, and a broker that never answers is dull
        for fault in STORM:
            if fault.value in self.forced:
                plan.rates[fault] = self.rate
        return plan

    def named_personality(self) -> str:
        """Which broker it is."""
        names = tuple(PERSONALITIES)
        return self.personality or names[self.seed % len(names)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How the day ended. `broken` names the invariant, "" when all hold."""

    seed: int
    broken: str = ""
    digest: str = ""
    facts: int = 0
    sent: int = 0
    left_after_latch: int = 0
    lives: int = 1
    entries: int = 0
    worst_gap_s: float = 0.0
    """Longest time from an execution to its booking, in simulated seconds."""
    differs: bool = False
    struck: dict[str, int] = {}


class Day:
    """Plays one case."""

    def __init__(self, case: Case, workshop: Workshop) -> None:
        self.case = case
        self._sent: list[SubmitOrder] = []
        self.world = World(case.seed, case.plan(), case.named_personality(), workshop)
        self._steps: dict[str, Callable[[Step], Awaitable[None]]] = {
            "limit": self._limit, "market": self._market, "bracket": self._bracket, "ioc": self._ioc,
            "stop": self._stop, "cancel": self._cancel, "change": self._change, "repeat": self._repeat,
            "swing": self._swing, "flatten": self._flatten, "halt": self._halt, "restart": self._restart,
            "foreign": self._foreign, "dividend": self._dividend,
        }  # fmt: skip

    def story(self) -> Sequence[Step]:
        """The steps that are done."""
        chosen = self.case.steps
        story = draw_story(self.case.seed)
        if self.case.is_rush:
            story = tuple(structs.replace(one, wait=one.wait / 20) for one in story if one.kind in _RUSH)
        return [step for step in story if chosen is None or step.number in chosen]

    def play(self) -> Result:
        """The whole day; never raises for what is broken."""
        world, broken = self.world, ""
        world.loop.set_exception_handler(self._on_unhandled)
        try:
            run(world.loop, self._play())
        except StuckError:
            broken = "liveness: everything waits for ever"
        except BrokenError as error:
            broken = str(error)
        except Exception as error:  # noqa: BLE001 - a crash of ours is the finding
            broken = f"fault: {type(error).__name__}: {error}"
        finally:
            with suppress(Exception):
                run(world.loop, self._end())
            world.loop.close()
        broken = broken or next(iter(world.witness.broken), "")
        return Result(
            seed=self.case.seed,
            broken=broken,
            digest=world.disk.digest(),
            facts=world.witness.facts,
            sent=world.witness.sent,
            left_after_latch=world.witness.left_after_latch,
            lives=world.lives,
            entries=world.disk.synced,
            worst_gap_s=round(world.witness.worst_gap_ns / 1e9, 3),
            differs=any(" differs from the venue: " in one.text for one in world.witness.alarms),
            struck={fault.value: count for fault, count in sorted(world.plan.struck.items(), key=lambda x: x[0].value)},
        )

    def _on_unhandled(self, _: object, context: dict[str, Any]) -> None:
        """A callback failed and nobody waits for it: a fault, unless the simulator put it there."""
        error = context.get("exception")
        if "callback" in context["message"] and not isinstance(error, PlannedError):
            self.world.witness.note(f"fault: {context['message']}: {error!r}")

    async def _play(self) -> None:
        world = self.world
        if self.case.crash_at:
            world.cut_power_at(self.case.crash_at)
        await world.start()
        await asyncio.sleep(1.0)
        if self.case.is_rush:
            world.latch_within(sum(step.wait for step in self.story()))
        for step in self.story():
            await asyncio.sleep(step.wait)
            await world.weather()
            world.market_moves()
            await self._steps[step.kind](step)
            self._check_requests()
            world.witness.check_step()
        await self._night()
        await self._calm_down()

    async def _night(self) -> None:
        """The close, perhaps a split, and a new morning."""
        world = self.world
        world.venue.set_session(is_open=False)
        world.wire.pump()
        world.show(MarketPhase.CLOSED)
        await asyncio.sleep(5.0)
        for index in range(len(INSTRUMENTS)):
            if world.plan.strikes(Fault.SPLIT):
                world.split(index, world.random.choice(_SPLITS))
        await world.weather()
        await asyncio.sleep(5.0)
        world.venue.set_session(is_open=True)
        world.wire.pump()
        world.market_moves()

    async def _calm_down(self) -> None:
        """The storm ends. From here everything settles by itself, in bounded time."""
        world = self.world
        world.plan.calm()
        world.venue.disarm()
        world.wire.calm()
        for each in INSTRUMENTS:
            world.venue.resume(each.instrument_id)
        world.wire.pump()
        if world.disk.failure:
            await world.restart()
        for _ in range(_LOOKS):
            await asyncio.sleep(CALM_S / _LOOKS)
            world.show()
            if self._is_settled():
                break
        await asyncio.sleep(CALM_S / _LOOKS)
        self._check_requests()
        world.witness.check_end(can_differ=world.wire.has_kept_to_itself())

    def _is_settled(self) -> bool:
        trading = self.world.engine.trading
        orders = trading.book.all_open()
        waits = ("SUBMITTED", "PENDING_CANCEL", "PENDING_UPDATE")
        return trading.is_reconciled(ACCOUNT.account_id) and not any(
            order.is_unknown or order.status.value in waits for order in orders
        )

    async def _end(self) -> None:
        if hasattr(self.world, "engine"):
            await self.world.crash(is_power_cut=False)

    def _check_requests(self) -> None:
        for error in self.world.failures():
            raise BrokenError(f"fault: a request failed: {type(error).__name__}: {error}")

    # --- what people do ------------------------------------------------------------------------------------

    def _terms(self, step: Step, kind: OrderType, **more: Any) -> OrderTerms:
        return OrderTerms(
            account_id=ACCOUNT.account_id,
            instrument_id=INSTRUMENTS[step.instrument].instrument_id,
            side=Side.BUY if step.sign > 0 else Side.SELL,
            quantity=Decimal(step.quantity),
            order_type=kind,
            **more,
        )

    def _price(self, step: Step, ticks: int) -> Decimal:
        """So many ticks to our advantage from the other side's best price."""
        bid, ask = self.world.venue.quote(INSTRUMENTS[step.instrument].instrument_id)
        return max(TICK, ask + ticks * TICK if step.sign > 0 else bid - ticks * TICK)

    def _submit(self, step: Step, terms: OrderTerms, take: Decimal | None = None, stop: Decimal | None = None) -> None:
        command = SubmitOrder(
            client_order_id=f"D{step.number}", terms=terms, allow_duplicate=True, take_price=take, stop_price=stop
        )
        self._sent.append(command)
        self._send(command)

    def _send(self, command: SubmitOrder) -> None:
        world = self.world
        acknowledged = world.witness.acknowledged
        world.do(world.engine.trading.submit(command, "drill"), lambda _: acknowledged.add(command.client_order_id))

    async def _limit(self, step: Step) -> None:
        self._submit(step, self._terms(step, OrderType.LIMIT, limit_price=self._price(step, step.ticks)))

    async def _market(self, step: Step) -> None:
        self._submit(step, self._terms(step, OrderType.MARKET))

    async def _ioc(self, step: Step) -> None:
        price = self._price(step, abs(step.ticks))
        self._submit(step, self._terms(step, OrderType.LIMIT, limit_price=price, time_in_force=TimeInForce.IOC))

    async def _stop(self, step: Step) -> None:
        price = self._price(step, 5 + abs(step.ticks))
        self._submit(step, self._terms(step, OrderType.STOP, stop_price=price, time_in_force=TimeInForce.GTC))

    async def _bracket(self, step: Step) -> None:
        price = self._price(step, step.ticks)
        away = step.sign * (10 + abs(step.ticks)) * TICK
        terms = self._terms(step, OrderType.LIMIT, limit_price=price)
        self._submit(step, terms, price + away, max(TICK, price - away))

    def _pick(self, step: Step, orders: Sequence[Order]) -> Order | None:
        found = sorted(orders, key=lambda one: one.client_order_id)
        return found[int(step.pick * len(found))] if found else None

    async def _cancel(self, step: Step) -> None:
        order = self._pick(step, tuple(self.world.engine.trading.book.all_open()))
        if order is not None:
            command = CancelOrder(client_order_id=order.client_order_id, request_id=f"Q{step.number}")
            self.world.do(self.world.engine.trading.cancel(command, "drill"))

    async def _change(self, step: Step) -> None:
        orders = [one for one in self.world.engine.trading.book.all_open() if one.role is not OrderRole.STOP]
        order = self._pick(step, [one for one in orders if one.terms.limit_price is not None])
        if order is None or order.terms.limit_price is None:
            return
        command = ModifyOrder(
            client_order_id=order.client_order_id,
            request_id=f"Q{step.number}",
            quantity=Decimal(step.quantity) if step.pick < 0.5 else None,  # noqa: PLR2004 - a coin
            limit_price=max(TICK, order.terms.limit_price + step.ticks * TICK),
        )
        self.world.do(self.world.engine.trading.modify(command, "drill"))

    async def _repeat(self, step: Step) -> None:
        """The same request again, as a client that heard no answer does."""
        if self._sent:
            self._send(self._sent[int(step.pick * len(self._sent))])

    async def _swing(self, step: Step) -> None:
        self.world.market_moves(step.instrument, 3 * step.ticks)

    async def _flatten(self, step: Step) -> None:
        self.world.do(self._change_state("flatten", "FLATTEN"))

    async def _halt(self, step: Step) -> None:
        """Halt, and go on a while later."""
        self.world.do(self._change_state("halt", ""))
        await asyncio.sleep(1 + 10 * step.pick)
        self.world.market_moves()
        self.world.do(self._change_state("resume", "RESUME"))
        await asyncio.sleep(1)

    async def _change_state(self, action: str, word: str) -> None:
        await self.world.engine.trading.change_state(action, reason="drill", word=word, account_id="", actor="drill")

    async def _restart(self, step: Step) -> None:
        await self.world.stop_and_start()

    async def _foreign(self, step: Step) -> None:
        """An order from the broker's own app."""
        name = INSTRUMENTS[step.instrument].instrument_id
        bid, _ = self.world.venue.quote(name)
        order = DrillOrder(
            client_order_id=f"app-{step.number}", instrument_id=name, side=Side.BUY, quantity=Decimal(step.quantity),
            limit_price=max(TICK, bid - abs(step.ticks) * TICK), time_in_force=TimeInForce.GTC,
        )  # fmt: skip
        with suppress(Refused):
            self.world.venue.submit(ACCOUNT.account_id, [order])
        self.world.wire.pump()

    async def _dividend(self, step: Step) -> None:
        self.world.venue.dividend(INSTRUMENTS[step.instrument].instrument_id, Decimal("0.25"))
        self.world.wire.pump()


def play(case: Case, workshop: Workshop) -> Result:
    """Play one day."""
    return Day(case, workshop).play()
