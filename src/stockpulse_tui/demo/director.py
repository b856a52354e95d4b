"""The teller: thirteen chapters, each an act and what the engine says came of it. It works through the client alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderType
from stockpulse_engine.domain.views import HealthView
from stockpulse_engine.render.format import format_latency, format_money, format_percent, format_quantity
from stockpulse_tui.demo.facts import Facts, is_working, read_facts
from stockpulse_tui.demo.machine import Machine
from stockpulse_tui.demo.pace import MarketPace
from stockpulse_tui.demo.plan import SECOND_NS, Plan, wall
from stockpulse_tui.demo.stage import Stage

if TYPE_CHECKING:
    from stockpulse_engine.client.client import EngineClient

ASK_S, MAX_ASKS = 0.1, 300
RISK, TAKE, STOP = "0.2%", "+3%", "-1%"
TIGHTER = Decimal("0.993")
"""Where the stop follows to, as a part of the price paid."""
BID = "bid-2%"
HEADLINE_LEAD_NS, HALT_LEAD_NS = 12 * SECOND_NS, 40 * SECOND_NS
MOVE_NS = 50 * SECOND_NS
"""A headline has done its work after this."""

Chapter = tuple[str, Callable[[], Awaitable[None]]]


class Director:
    """Tells one story. `problems` lists what did not come out as told: empty when all is well."""

    def __init__(self, client: EngineClient, machine: Machine, stage: Stage, plan: Plan) -> None:
        self._client = client
        self._machine = machine
        self._stage = stage
        self._plan = plan
        self._pace = MarketPace(client, stage)
        self._next_ns = 0
        """The next event the market must not pass while the reader reads."""
        self._entry: Order | None = None
        self._before: Facts | None = None
        self.problems: list[str] = []

    def chapters(self) -> tuple[Chapter, ...]:
        """The story in order."""
        return (
            ("A house of its own", self._house),
            ("The opening", self._opening),
            ("A headline", self._headline),
            ("A bracket in one line", self._bracket),
            ("The stop follows", self._follow),
            ("A stock is halted", self._pause),
            ("The brake", self._brake),
            ("The word", self._resume),
            ("kill −9", self._kill),
            ("Everything still there", self._back),
            ("Why", self._why),
            ("The day", self._day),
        )

    async def run(self) -> None:
        """Tell it all."""
        chapters = self.chapters()
        for number, (title, tell) in enumerate(chapters, 1):
            await self._stage.open_chapter(number, len(chapters), title)
            await tell()

    # -- saying and checking

    async def _say(self, text: str) -> None:
        """A page, read before anything else happens."""
        await self._stage.tell(text)
        await self._pace.read_until(self._next_ns)

    async def _note(self, text: str) -> None:
        """A page that is read while something happens."""
        await self._stage.tell(text)

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.problems.append(what)

    async def _until(self, holds: Callable[[], Awaitable[bool]], what: str) -> bool:
        """Ask until it holds, boundedly; a story that goes otherwise is told to the end all the same."""
        for _ in range(MAX_ASKS):
            try:
                if await holds():
                    return True
            except StockPulseError:
                pass
            await asyncio.sleep(ASK_S)
        self.problems.append(what)
        return False

    async def _order_of(self, known: frozenset[str]) -> Order | None:
        """The newest order that was not there before and is nobody's exit."""
        found = [one for one in await self._client.orders("today") if one.client_order_id not in known]
        roots = [one for one in found if not one.parent_id]
        return max(roots, key=lambda one: one.created_at, default=None)

    async def _send(self, line: str) -> Order | None:
        """Have a line sent and find what became of it, None when nothing did."""
        known = frozenset(one.client_order_id for one in await self._client.orders("today"))
        await self._stage.order(line)
        made: list[Order] = []

        async def is_there() -> bool:
            order = await self._order_of(known)
            if order is not None and order.status is not OrderStatus.SUBMITTED:
                made.append(order)
            return bool(made)

        await self._until(is_there, f"no order came of {line!r}")
        return made[0] if made else None

    # -- chapters

    async def _house(self) -> None:
        await self._note("Nothing here is yours or lasts: a throw-away home, no key, no network. The engine is starting…")
        await self._stage.enter()
        health = await self._client.health()
        self._next_ns = self._plan.open_ns
        await self._say(
            f"Engine (process {health.pid}), journal and exchange are the real ones; only the market is invented, "
            f"from seed {self._plan.seed}."
        )

    async def _opening(self) -> None:
        await self._stage.look("1", self._plan.news_id)
        now = await self._pace.now()
        if now < self._plan.open_ns:
            await self._note(
                f"{self._plan.date}, {wall(now)} in New York. Orders gather for the opening auction; at "
                f"{wall(self._plan.open_ns)} it prints and the board comes alive."
            )
            self._next_ns = 0
            await self._pace.run_to(self._plan.open_ns + 2 * SECOND_NS, limit=5.0)
        self._next_ns = self._plan.news_ns
        count = len(await self._client.quotes())
        await self._say(
            f"Open: {count} instruments. When the story hurries the market or holds it, the header says so: ×60, paused."
        )

    async def _headline(self) -> None:
        plan = self._plan
        await self._stage.look("2", plan.news_id)
        await self._note(f"Little happens before {wall(plan.news_ns)[:5]}, so time runs faster. Watch {plan.news_symbol}.")
        await self._pace.run_to(plan.news_ns - HEADLINE_LEAD_NS)
        before = await self._last(plan.news_id)
        await self._pace.run_to(plan.news_ns + SECOND_NS, limit=2.0)
        headline = next((one.headline for one in await self._client.news() if plan.news_id in one.instrument_ids), "")
        self._expect(bool(headline), "the headline did not come")
        self._next_ns = plan.halt_ns
        await self._note(f"{wall(plan.news_ns)}  {headline}"[:140])
        await self._pace.run_to(plan.news_ns + MOVE_NS, limit=10.0)
        after = await self._last(plan.news_id)
        self._expect(after > before, "the headline did not move the price")
        await self._say(
            f"{plan.news_symbol} went from {before} to {after}: {format_percent(after / before - 1)}. "
            "The tape, the spread and the volume all say the same."
        )

    async def _last(self, instrument_id: str) -> Decimal:
        quotes = await self._client.quotes((instrument_id,))
        quote = quotes[0]
        return quote.last if quote.last is not None else quote.bid

    async def _bracket(self) -> None:
        symbol = self._plan.news_symbol
        await self._say("A head is SAFE until it is armed: Enter would only stage. A arms it for 30 minutes; see the frame.")
        await self._stage.arm()
        await self._say(
            f"One line says a whole order: how much may be lost ({RISK} of equity), the price, the take, the stop. "
            "The engine previews it as it is typed."
        )
        order = await self._send(f"buy {symbol} risk {RISK} lmt ask+5t {TAKE} {STOP}")
        if order is None:
            return
        key = order.client_order_id

        async def is_filled() -> bool:
            return (await self._client.order(key)).status is OrderStatus.FILLED

        await self._until(is_filled, f"{key} was not filled")
        self._entry = order = await self._client.order(key)
        life = await self._client.order_life(key)
        spent = sum(life.hops.values())
        await self._say(
            f"Filled: {format_quantity(order.filled_quantity)} {symbol} at {order.average_price}, "
            f"{format_latency(spent)} from gate to fill. The intent was on disk before its first byte left."
        )
        legs = await self._legs()
        self._expect(len(legs) == 2, "the bracket's exits are not at work")  # noqa: PLR2004 - a take and a stop
        prices = [str(one.terms.limit_price or one.terms.stop_price) for one in legs]
        await self._say(
            f"Its two exits work at the exchange already: take and stop at {' and '.join(sorted(prices, reverse=True))}. "
            "When one fills, the other is canceled."
        )

    async def _legs(self) -> list[Order]:
        """The working exits of the position."""
        found = await self._client.orders("working")
        return [one for one in found if one.terms.instrument_id == self._plan.news_id and is_working(one)]

    async def _follow(self) -> None:
        stop = next((one for one in await self._legs() if one.terms.order_type is OrderType.STOP), None)
        entry = self._entry
        if stop is None or entry is None or entry.average_price is None or stop.terms.stop_price is None:
            self.problems.append("there is no stop to move")
            return
        old, new = stop.terms.stop_price, (entry.average_price * TIGHTER).quantize(Decimal("0.01"))
        await self._say("5 shows the orders, m changes the one under the cursor: the stop follows the price.")
        await self._stage.move_stop(stop, new)

        async def is_moved() -> bool:
            return (await self._client.order(stop.client_order_id)).terms.stop_price == new

        await self._until(is_moved, "the stop did not move")
        quantity = stop.terms.quantity
        await self._say(
            f"From {old} to {new}, proven by the exchange: {format_money((entry.average_price - new) * quantity)} "
            f"at stake instead of {format_money((entry.average_price - old) * quantity)}."
        )

    async def _pause(self) -> None:
        plan = self._plan
        await self._stage.look("2", plan.halt_id)
        await self._note(f"Trouble comes to {plan.halt_symbol} at {wall(plan.halt_ns)[:5]}. Until then time runs faster again.")
        self._next_ns = 0
        await self._pace.run_to(plan.halt_ns - HALT_LEAD_NS)
        headline = f"At {wall(plan.halt_ns)} the exchange halts {plan.halt_symbol}: its price left the band."
        await self._note(f"{plan.halt_symbol} moves fast now. The rules of the exchange stop trading when it leaves its band.")
        await self._pace.run_to(plan.halt_ns + 2 * SECOND_NS, limit=5.0)
        await self._say(f"{headline} Five minutes, then an auction. What would an order do now?")
        order = await self._send(f"buy {plan.halt_symbol} 10 mkt")
        self._expect(order is not None and order.status is OrderStatus.DENIED, "the gate let an order into a halt")
        if order is not None:
            await self._say(f"Nothing: the gate refused it before anything left. {order.code}: {order.reason}"[:148])
        await self._note(f"{plan.halt_symbol} reopens at {wall(plan.resume_ns)}.")
        await self._pace.run_to(plan.resume_ns + 2 * SECOND_NS)
        await self._say(f"Trading again at {await self._last(plan.halt_id)}. The refusal stays in the day's review, with its reason.")

    async def _brake(self) -> None:
        await self._stage.look("1", self._plan.news_id)
        working = sum(is_working(one) for one in await self._client.orders("working"))
        await self._say("!! is the brake, from any screen at any time: every order is canceled, nothing leaves but cancels.")
        await self._stage.halt()

        async def is_still() -> bool:
            halt = await self._client.halt_view()
            left = sum(is_working(one) for one in await self._client.orders("working"))
            return halt.state is TradingState.HALTED and not left

        await self._until(is_still, "the brake left orders at work")
        await self._say(
            f"HALTED, {working} orders canceled, each proven by the exchange. The latch is a file: "
            "an engine that dies now comes back halted."
        )

    async def _resume(self) -> None:
        await self._say("Only a person lets orders leave again, by typing the word RESUME.")
        await self._stage.resume()

        async def is_active() -> bool:
            return (await self._client.halt_view()).state is TradingState.ACTIVE

        await self._until(is_active, "the word did not free trading")
        symbol, entry = self._plan.news_symbol, self._entry
        await self._say("The brake took the exits as well. So: a new stop for the position, and a bid well below the market.")
        if entry is not None and entry.average_price is not None:
            stop = (entry.average_price * Decimal("0.985")).quantize(Decimal("0.01"))
            await self._send(f"sell {symbol} all stp {stop}")
        await self._send(f"buy {symbol} 10 lmt {BID}")

        async def both_work() -> bool:
            return len([o for o in await self._legs() if o.status is OrderStatus.ACCEPTED]) == 2  # noqa: PLR2004 - stop and bid

        await self._until(both_work, "the stop and the bid are not at work")

    async def _kill(self) -> None:
        await self._stage.look("5", self._plan.news_id)
        self._before = await read_facts(self._client)
        await self._stage.show_rows(("before   " + self._before.words,))
        health = await self._client.health()
        await self._say(
            f"Now the worst: {self._before.words}. Next, process {health.pid} gets SIGKILL: no goodbye, no flush."[:150]
        )
        pid = await self._machine.kill()
        await self._stage.tell(f"Process {pid} is dead. The screen says so and freezes its prices; the exchange goes on without us.")
        await self._stage.turn()

    async def _back(self) -> None:
        await self._note("Starting again is the only recovery there is: replay the journal, ask the exchange, compare, go.")
        health = await self._machine.start(lambda _: None)
        await self._stage.enter()
        after = await read_facts(self._client)
        await self._stage.show_rows(("after    " + after.words,))
        is_same = after == self._before
        self._expect(is_same, f"before {self._before}, after {after}")
        await self._say(f"{'Equal' if is_same else 'DIFFERENT'}: {after.words}."[:150])
        await self._say(await self._proof(health))

    async def _proof(self, health: HealthView) -> str:
        found = await self._client.verify_log()
        self._expect(found.is_ok, "the journal does not verify")
        self._expect(health.kills_survived == 1, f"kills survived {health.kills_survived}")
        state = "verified" if found.is_ok else f"BROKEN at {found.broken_at}"
        return (
            f"kills survived {health.kills_survived}. Journal {state}: {found.entries} entries in one hash chain, "
            "its head in a second place, both synced before each answer."
        )

    async def _why(self) -> None:
        entry = self._entry
        if entry is None:
            return
        life = await self._client.order_life(entry.client_order_id)
        await self._stage.show_life(life)
        hops = ", ".join(f"{name} {format_latency(ns)}" for name, ns in life.hops.items())
        await self._say(f"w on an order, or sp why: its life out of the journal, across the crash. {hops}."[:150])

    async def _day(self) -> None:
        review = await self._client.day()
        await self._stage.show_day(review)
        self._expect(review.kills_survived == 1, "the day does not know of the kill")
        self._expect(bool(review.refusals), "the day does not know what the gate refused")
        change = format_money(review.equity_now - review.equity_open, signed=True)
        await self._say(
            f"D on Positions, or sp day: {len(review.orders)} orders, {len(review.refusals)} refused, "
            f"{review.kills_survived} kill survived, {change} today."
        )
        await self._say("That was a story; this home is removed now and nothing is kept. sp opens yours. Good trading.")
