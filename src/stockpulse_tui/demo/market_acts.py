"""The first half: a market opens, a headline moves a stock, it is bought with a plan, another stock is halted."""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.orders import Order, OrderStatus, OrderType
from stockpulse_engine.render.format import format_latency, format_money, format_percent, format_quantity
from stockpulse_tui.demo.plan import SECOND_NS, wall
from stockpulse_tui.demo.teller import Teller

RISK, TAKE, STOP = "0.2%", "+3%", "-1%"
CENT = Decimal("0.01")
TIGHTER = Decimal("0.993")
"""Where the stop follows to, as a part of the price paid."""
HEADLINE_LEAD_NS, HALT_LEAD_NS = 12 * SECOND_NS, 40 * SECOND_NS
MOVE_NS = 50 * SECOND_NS
"""A headline has done its work after this."""
AFTER_NS = 2 * SECOND_NS


class MarketActs:
    """Chapters about the market and a trade in it."""

    def __init__(self, teller: Teller) -> None:
        self._t = teller

    async def house(self) -> None:
        """The throw-away home and its engine."""
        t = self._t
        await t.note("Nothing here is yours or stays: a throw-away home, no key, no network. The engine is starting…")
        await t.stage.enter()
        health = await t.client.health()
        t.next_ns = t.plan.open_ns
        await t.say(
            f"Engine (process {health.pid}), journal and exchange are the real ones; only the market is invented, "
            f"from seed {t.plan.seed}."
        )

    async def opening(self) -> None:
        """The opening auction, where the day begins before it."""
        t, plan = self._t, self._t.plan
        await t.stage.look("1", plan.news_id)
        now = await t.pace.now()
        if now < plan.open_ns:
            await t.note(
                f"{plan.date}, {wall(now)} in New York. Orders gather for the opening auction; at "
                f"{wall(plan.open_ns)} it prints and the board comes alive."
            )
            t.next_ns = 0
            await t.pace.run_to(plan.open_ns + AFTER_NS, limit=5.0)
        t.next_ns = plan.news_ns
        count = len(await t.client.quotes())
        await t.say(f"{count} instruments trade. When the story hurries the market or holds it, the header says so.")

    async def headline(self) -> None:
        """A headline, and what it does to a price."""
        t, plan = self._t, self._t.plan
        await t.stage.look("2", plan.news_id)
        await t.note(f"Little happens before {wall(plan.news_ns)[:5]}, so time runs faster. Watch {plan.news_symbol}.")
        await t.pace.run_to(plan.news_ns - HEADLINE_LEAD_NS)
        before = await t.last(plan.news_id)
        await t.pace.run_to(plan.news_ns + SECOND_NS, limit=2.0)
        told = next((one.headline for one in await t.client.news() if plan.news_id in one.instrument_ids), "")
        t.expect(bool(told), "the headline did not come")
        t.next_ns = plan.halt_ns
        await t.note(f"{wall(plan.news_ns)}  {told}")
        await t.pace.run_to(plan.news_ns + MOVE_NS, limit=10.0)
        after = await t.last(plan.news_id)
        t.expect(after > before, "the headline did not move the price")
        await t.say(
            f"{plan.news_symbol} went from {before} to {after}: {format_percent(after / before - 1)} within a minute, "
            "on volume."
        )

    async def bracket(self) -> None:
        """An entry with its two exits, in one line."""
        t, symbol = self._t, self._t.plan.news_symbol
        await t.say("A head is SAFE until it is armed: Enter only stages. A arms it for 30 minutes; see the frame.")
        await t.stage.arm()
        await t.say(
            f"One line says a whole order: how much may be lost ({RISK} of equity), the price, the take, the stop. "
            "It is previewed as it is typed."
        )
        order = await t.send(f"buy {symbol} risk {RISK} lmt ask+5t {TAKE} {STOP}")
        if order is None:
            return
        key = order.client_order_id

        async def is_filled() -> bool:
            return (await t.client.order(key)).status is OrderStatus.FILLED

        await t.until(is_filled, f"{key} was not filled")
        t.entry = order = await t.client.order(key)
        spent = sum((await t.client.order_life(key)).hops.values())
        await t.say(
            f"Filled: {format_quantity(order.filled_quantity)} {symbol} at {order.average_price}, "
            f"{format_latency(spent)} from gate to fill. The intent was on disk before its first byte left."
        )
        await self._show_exits()

    async def _show_exits(self) -> None:
        t = self._t
        prices = sorted(one.terms.limit_price or one.terms.stop_price or Decimal(0) for one in await t.working())
        t.expect(len(prices) == 2, "the bracket's exits are not at work")  # a stop and a take
        texts = " and ".join(map(str, prices))
        await t.say(f"Its exits work at the exchange already: {texts}. When one of them fills, the other is canceled.")

    async def follow(self) -> None:
        """The stop follows the price."""
        t, entry = self._t, self._t.entry
        stop = next((one for one in await t.working() if one.terms.order_type is OrderType.STOP), None)
        if stop is None or entry is None or entry.average_price is None or stop.terms.stop_price is None:
            t.problems.append("there is no stop to move")
            return
        await t.say("5 shows the orders, m changes the one under the cursor: the stop follows the price.")
        await self._move(stop, stop.terms.stop_price, entry.average_price)

    async def _move(self, stop: Order, old: Decimal, paid: Decimal) -> None:
        t, new = self._t, (paid * TIGHTER).quantize(CENT)
        await t.stage.move_stop(stop, new)

        async def is_moved() -> bool:
            return (await t.client.order(stop.client_order_id)).terms.stop_price == new

        await t.until(is_moved, "the stop did not move")
        now_lost, then_lost = ((paid - price) * stop.terms.quantity for price in (new, old))
        await t.say(
            f"From {old} to {new}, proven by the exchange: {format_money(now_lost)} at stake "
            f"instead of {format_money(then_lost)}."
        )

    async def pause(self) -> None:
        """The exchange halts a stock, and the gate knows."""
        t, plan = self._t, self._t.plan
        symbol = plan.halt_symbol
        await t.stage.look("2", plan.halt_id)
        await t.note(f"Trouble comes to {symbol} at {wall(plan.halt_ns)[:5]}. Until then time runs faster again.")
        t.next_ns = 0
        await t.pace.run_to(plan.halt_ns - HALT_LEAD_NS)
        await t.note(f"{symbol} begins to move. When a price leaves its band, the exchange stops trading in it.")
        await t.pace.run_to(plan.halt_ns + AFTER_NS, limit=5.0)
        await t.say(
            f"At {wall(plan.halt_ns)} the exchange halts {symbol}: five minutes, then an auction. "
            "What would an order do now?"
        )
        await self._try_to_buy()
        await t.note(f"{symbol} reopens at {wall(plan.resume_ns)}.")
        await t.pace.run_to(plan.resume_ns + AFTER_NS)
        await t.say(f"The auction has printed: {symbol} trades again, at {await t.last(plan.halt_id)}.")

    async def _try_to_buy(self) -> None:
        t, line = self._t, f"buy {self._t.plan.halt_symbol} 10 mkt"
        await t.stage.draft(line)
        await t.say("The preview says no, and Enter does nothing. A program that does not ask meets the same gate…")
        code = await t.refusal(line)
        t.expect(code == "INSTRUMENT_HALTED", f"the gate let an order into a halt: {code!r}")
        await t.say(f"…{code}: refused before anything left, and journalled with its reason for the day's review.")
        await t.stage.drop()
