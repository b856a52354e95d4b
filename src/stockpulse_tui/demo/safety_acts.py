"""The second half: the brake, a crash in the middle of it all, and the proof that nothing was lost."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.orders import OrderStatus
from stockpulse_engine.domain.views import HealthView
from stockpulse_engine.render.format import format_latency, format_money
from stockpulse_tui.demo.facts import Facts, read_facts
from stockpulse_tui.demo.machine import Machine
from stockpulse_tui.demo.market_acts import CENT
from stockpulse_tui.demo.teller import Teller

BID = "bid-2%"
FAR = Decimal("0.985")
"""The new stop after the brake, as a part of the price paid."""


class SafetyActs:
    """Chapters about stopping, dying and coming back."""

    def __init__(self, teller: Teller, machine: Machine) -> None:
        self._t = teller
        self._machine = machine
        self._before: Facts | None = None

    async def brake(self) -> None:
        """`!!`."""
        t = self._t
        await t.stage.look("1", t.plan.news_id)
        count = len(await t.working())
        await t.say("!! is the brake, on any screen, at any time: all orders canceled, nothing leaves but cancels.")
        await t.stage.halt()

        async def is_still() -> bool:
            return (await t.client.halt_view()).state is TradingState.HALTED and not await t.working()

        await t.until(is_still, "the brake left orders at work")
        await t.say(
            f"HALTED, {count} orders canceled, each proven by the exchange. The latch is a file: "
            "an engine that dies now comes back halted."
        )

    async def word(self) -> None:
        """RESUME, and new orders."""
        t = self._t
        await t.say("Only a person lets orders leave again, by typing the word RESUME.")
        await t.stage.resume()

        async def is_active() -> bool:
            return (await t.client.halt_view()).state is TradingState.ACTIVE

        await t.until(is_active, "the word did not free trading")
        await t.say("The brake took the exits as well. So: a new stop for the position, and a bid below the market.")
        await t.stage.arm()  # a halt makes every head SAFE again
        symbol, entry = t.plan.news_symbol, t.entry
        if entry is not None and entry.average_price is not None:
            await t.send(f"sell {symbol} all stp {(entry.average_price * FAR).quantize(CENT)}")
        await t.send(f"buy {symbol} 10 lmt {BID}")

        async def both_work() -> bool:
            return [one.status for one in await t.working()] == [OrderStatus.ACCEPTED] * 2

        await t.until(both_work, "the stop and the bid are not at work")

    async def kill(self) -> None:
        """SIGKILL, in the middle of it all."""
        t = self._t
        await t.stage.look("1", t.plan.news_id)
        self._before = await read_facts(t.client)
        await t.stage.show_rows((f"before   {self._before.words}",))
        health = await t.client.health()
        await t.say(f"Now the worst. {self._before.words}: next, process {health.pid} gets SIGKILL, without a goodbye.")
        pid = await self._machine.kill()
        await t.note(f"Process {pid} is dead. Every price is frozen and says so; the exchange goes on without us.")
        await t.stage.turn()

    async def back(self) -> None:
        """The same books again."""
        t = self._t
        await t.note("Crash recovery is the normal start: replay the journal, ask the exchange, compare, go.")
        health = await self._machine.start(lambda _: None)
        await t.stage.enter()
        after = await read_facts(t.client)
        await t.stage.show_rows((f"after    {after.words}",))
        is_same = after == self._before
        t.expect(is_same, f"before {self._before}, after {after}")
        await t.say(f"{'Equal to the last digit' if is_same else 'DIFFERENT'}: {after.words}.")
        await t.say(await self._proof(health))

    async def _proof(self, health: HealthView) -> str:
        found = await self._t.client.verify_log()
        self._t.expect(found.is_ok, "the journal does not verify")
        self._t.expect(health.kills_survived == 1, f"kills survived {health.kills_survived}")
        state = "verified" if found.is_ok else f"BROKEN at {found.broken_at}"
        return (
            f"kills survived {health.kills_survived}. Journal {state}: {found.entries} entries in one hash chain, "
            "its head kept in a second place."
        )

    async def why(self) -> None:
        """An order's life."""
        t, entry = self._t, self._t.entry
        if entry is None:
            return
        life = await t.client.order_life(entry.client_order_id)
        t.expect(life.is_verified, "the order's entries do not verify")
        await t.stage.show_life(life)
        hops = ", ".join(f"{name} {format_latency(ns)}" for name, ns in life.hops.items())
        await t.say(f"w on an order, or sp why: its life as the journal has it, from before the crash. {hops}.")

    async def day(self) -> None:
        """The review, and goodbye."""
        t = self._t
        review = await t.client.day()
        t.expect(review.kills_survived == 1, "the day does not know of the kill")
        t.expect(bool(review.refusals), "the day does not know what the gate refused")
        await t.stage.show_day(review)
        change = format_money(review.equity_now - review.equity_open, signed=True)
        await t.say(
            f"D on Positions, or sp day: {len(review.orders)} orders, {len(review.refusals)} refused, "
            f"{review.kills_survived} kill survived, {change} today."
        )
        await t.say("That was the story. This home is removed now and nothing of it is kept; sp opens yours.")
