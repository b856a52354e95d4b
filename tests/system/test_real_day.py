"""7 October 2013 as it was recorded, played by the real daemon and venue and traded from the command line."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from stockpulse_engine.base.wait import wait_until
from stockpulse_engine.client.blocking import BlockingClient
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.errors import DeniedError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.domain.views import AccountView, DayReview
from stockpulse_engine.venue.replay import ReplaySource
from tests.system.process import EngineProcess
from tests.system.tape import Moment, TickTape, is_within, read_minutes, read_ticks

DAY = "20131007"
IBM, BAC, SPY = "IBM.XNYS", "BAC.XNYS", "SPY.ARCX"
SECOND, MINUTE = 1_000_000_000, 60_000_000_000
TEN_O_CLOCK = 1_381_154_400 * SECOND
"""10:00 in New York on the day."""
WAIT_S = 25.0


def files_of(shared: Path) -> list[Path]:
    """The witness: ticks of IBM and BAC, minute bars for SPY."""
    data = shared / "data"
    return [*sorted((data / "ticks").glob(f"*_{DAY}_*.parquet")), *sorted((data / "bars_minute").glob("us_equity_*"))]


class Desk:
    """A trader at the command line of one replay, and the market's time in hand."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.client: BlockingClient = engine.client()

    def hold(self) -> None:
        """Meet the engine anew after a start, and stop the clock."""
        self.client.close()
        self.client = self.engine.client()
        self.client.control_market("pause")

    @property
    def now(self) -> int:
        """Market time."""
        return self.client.clock().market_ns

    def play_to(self, moment: int) -> None:
        """Step the paused market to a moment exactly."""
        self.client.control_market("step", step_ns=moment - self.now)
        assert wait_until(lambda: self.now >= moment, WAIT_S), "the market gets there"
        assert self.now == moment, "and not further"

    def trade(self, *words: str) -> str:
        """Send an order line; returns its client order id."""
        done = self.engine.sp(*words, "--yes", "--json")
        assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
        key: str = json.loads(done.stdout)["orders"][0]["client_order_id"]
        return key

    def order(self, key: str) -> Order:
        """The order now."""
        return self.client.order(key)

    def until(self, key: str, *statuses: OrderStatus) -> Order:
        """Wait, without moving the market, until the order's fate is told."""
        assert wait_until(lambda: self.order(key).status in statuses, WAIT_S), f"{self.now}: {self.order(key)}"
        return self.order(key)

    def fills(self, key: str = "") -> list[Fill]:
        """Fills, oldest first."""
        return list(reversed(self.client.fills(client_order_id=key, limit=2000)))


@pytest.mark.real_data
@pytest.mark.timeout(240)
def test_the_day_is_played_and_traded_from_the_command_line(shared: Path, home: Path) -> None:
    files = files_of(shared)
    tapes = {f"{symbol}.XNYS": read_ticks(shared / "data" / "ticks", symbol, DAY) for symbol in ("IBM", "BAC")}
    sources = [word for file in files for word in ("--from", str(file))]
    with EngineProcess(home, ("--world", "replay:witness", *sources, "--at", "2013-10-07 09:34")) as engine:
        desk = Desk(engine)
        desk.hold()
        time_stands_still_while_paused(desk)
        market_and_limit(desk, tapes[BAC])
        nothing_happens_at_a_crossed_moment(desk, tapes[IBM])
        stop_order(desk, tapes[IBM])
        bracket(desk)
        the_day_goes_on_where_it_stopped(desk)
        flat_at_the_end(desk)
        every_fill_is_allowed_by_the_tape(desk, tapes, read_minutes(shared / "data" / "bars_minute", "SPY"))
        the_money_is_right(desk)
        the_review_adds_up(desk)
        desk.client.close()


def time_stands_still_while_paused(desk: Desk) -> None:
    """Pause, and a step of exactly as much as was asked for."""
    before = desk.now
    quotes = desk.client.quotes()
    desk.engine.sp("quote", "IBM", "BAC", "SPY")
    assert (desk.now, desk.client.quotes()) == (before, quotes)
    desk.play_to(before + 7 * SECOND)


def market_and_limit(desk: Desk, tape: TickTape) -> None:
    """One order takes what is there, one waits in the queue until the day comes to it."""
    bought = desk.trade("buy", "BAC", "800")
    desk.play_to(desk.now + SECOND)
    assert desk.until(bought, OrderStatus.FILLED).filled_quantity == 800
    moment = desk.now
    ask = Decimal(str(tape.at(moment).ask)) + Decimal("0.02")
    resting = desk.trade("sell", "BAC", "500", "lmt", str(ask))
    desk.play_to(moment + SECOND)
    assert desk.until(resting, OrderStatus.ACCEPTED).filled_quantity == 0
    reached = next(ts for ts, price, _ in tape.prints if ts > moment and price > float(ask))
    desk.play_to(reached + SECOND)
    assert desk.until(resting, OrderStatus.FILLED).average_price == ask, "a resting order never gets another price"


def nothing_happens_at_a_crossed_moment(desk: Desk, tape: TickTape) -> None:
    """While bid is over ask no price is known: a market order is refused, a limit waits until there is one."""
    begin, end = tape.longest_cross()
    assert end - begin > 100_000_000, "long enough to send an order in it"
    desk.play_to(begin + 20_000_000)
    refused = desk.engine.sp("buy", "IBM", "120", "--yes")
    assert refused.returncode == 3, "the gate will not trade on a book with nothing in it"
    assert wait_until(lambda: "crossed" in desk.engine.sp("doctor").stdout, WAIT_S)
    source = desk.client.health().feed.source
    assert source is not None
    assert source.quotes > source.crossed > 0, "and how often that was so can be asked"
    limit = Decimal(str(tape.at(begin).ask)) + Decimal("0.20")
    key = desk.trade("buy", "IBM", "120", "lmt", str(limit))
    desk.play_to(end - 1_000_000)
    assert desk.fills(key) == [], "an order is in the market, the tape is crossed"
    desk.play_to(end + 10 * SECOND)
    assert desk.until(key, OrderStatus.FILLED).filled_quantity == 120
    assert all(fill.ts_event >= end for fill in desk.fills(key))


def stop_order(desk: Desk, tape: TickTape) -> None:
    """A protective stop below: triggered by a print, filled at what is then bid."""
    desk.play_to(max(desk.now, TEN_O_CLOCK))
    now = desk.now
    low = min(tape.printed(now, now + 30 * MINUTE))
    stop = Decimal(str(low)) + Decimal("0.05")
    key = desk.trade("sell", "IBM", "60", "stp", str(stop))
    touched = next(ts for ts, price, _ in tape.prints if ts > now + SECOND and price <= float(stop))
    desk.play_to(touched - 1_000_000)
    assert desk.order(key).filled_quantity == 0
    desk.play_to(touched + 10 * SECOND)
    desk.until(key, OrderStatus.FILLED)
    assert all(fill.ts_event >= touched for fill in desk.fills(key))


def bracket(desk: Desk) -> None:
    """Entry, then one of the two exits, and the other is gone."""
    entry = desk.trade("buy", "SPY", "40", "lmt", "mid", "+0.1%", "-0.1%")
    take, stop = f"{entry}-T", f"{entry}-S"
    done = (OrderStatus.FILLED, OrderStatus.CANCELED)
    for _ in range(24):
        desk.play_to(desk.now + 5 * MINUTE)
        if wait_until(lambda: desk.order(take).status in done and desk.order(stop).status in done, 0.2):
            break
    desk.until(entry, OrderStatus.FILLED)
    ends = {desk.until(key, *done).status for key in (take, stop)}
    assert ends == set(done), "one exit filled, the other canceled"


def the_day_goes_on_where_it_stopped(desk: Desk) -> None:
    """A stop at noon: market time, holdings, resting orders and cash are the same afterwards."""
    resting = desk.trade("sell", "BAC", "100", "lmt", "14.50")
    desk.play_to(desk.now + 2 * SECOND)
    desk.until(resting, OrderStatus.ACCEPTED)
    before = (desk.now, desk.client.positions(), desk.client.account().cash, desk.client.quotes())
    assert desk.engine.sp("engine", "stop").returncode == 0
    done = desk.engine.sp("engine", "start", *desk.engine.arguments)
    assert done.returncode == 0, done.stderr
    desk.hold()
    now, positions, cash, quotes = before
    assert now <= desk.now < now + 60 * SECOND, "not a minute of the day is lost or played twice"
    assert {one.instrument_id: one.quantity for one in desk.client.positions()} == {
        one.instrument_id: one.quantity for one in positions
    }
    assert desk.client.account().cash == cash
    assert {one.instrument_id for one in desk.client.quotes()} == {one.instrument_id for one in quotes}
    assert desk.order(resting).status is OrderStatus.ACCEPTED
    assert desk.client.account().differences == ()


def flat_at_the_end(desk: Desk) -> None:
    """The rest of the day at full speed, killed on the way; then everything is closed."""
    desk.client.control_market("speed", speed=1000)
    desk.client.control_market("resume")
    desk.engine.kill()
    desk.engine.start().close()
    desk.hold()
    assert desk.client.health().kills_survived == 1
    held = {one.instrument_id: one.quantity for one in desk.client.positions()}
    assert held == {IBM: 60, BAC: 300}
    assert desk.engine.sp("flatten", "--word", "FLATTEN").returncode == 0
    desk.client.control_market("speed", speed=5)
    desk.client.control_market("resume")
    halted = wait_until(lambda: desk.client.halt_view().state is TradingState.HALTED, WAIT_S)
    assert halted, (
        desk.client.clock(),
        desk.client.halt_view(),
        desk.client.orders("working"),
        desk.client.positions(),
    )
    desk.client.control_market("pause")
    assert desk.client.positions() == []
    assert [order for order in desk.client.orders("working") if order.is_open] == []
    assert desk.engine.sp("buy", "IBM", "1", "--yes").returncode != 0, "halted: nothing leaves"
    terms = desk.order(desk.fills()[0].client_order_id).terms
    with pytest.raises(DeniedError):
        desk.client.submit_order(SubmitOrder(client_order_id="too-late", terms=terms))


def every_fill_is_allowed_by_the_tape(
    desk: Desk, tapes: dict[str, TickTape], minutes: dict[int, tuple[float, float]]
) -> None:
    """Taken from what was displayed, made at a price that traded through, and never at a crossed moment."""
    fills = desk.fills()
    assert {fill.instrument_id for fill in fills} == {IBM, BAC, SPY}
    assert {fill.liquidity for fill in fills} >= {"T", "M"}
    for fill in fills:
        tape = tapes.get(fill.instrument_id)
        if tape is None:
            assert is_within(fill.price, minutes, fill.ts_event), fill
            continue
        assert not tape.at(fill.ts_event).is_crossed, fill
        if fill.liquidity == "T":
            assert any(is_shown(fill, each) for each in tape.stood(fill.ts_event)), fill
        else:
            assert may_be_made(fill, tape), fill


def is_shown(fill: Fill, moment: Moment) -> bool:
    """Whether this price and at least this size were displayed on the other side."""
    price, size = (moment.ask, moment.ask_size) if fill.sign > 0 else (moment.bid, moment.bid_size)
    return float(fill.price) == price and float(fill.quantity) <= size


def may_be_made(fill: Fill, tape: TickTape) -> bool:
    """Whether the tape printed at the price or beyond it, or the other side came to it, at that moment."""
    price = float(fill.price)
    prints = tape.printed(fill.ts_event, fill.ts_event)
    others = [each.bid if fill.sign < 0 else each.ask for each in tape.stood(fill.ts_event)]
    return any((other - price) * fill.sign <= 0 for other in [*prints, *others])


def the_money_is_right(desk: Desk) -> None:
    """Cash, realized and day P&L equal what the fills say, added up in fractions by hand."""
    fills, account = desk.fills(), desk.client.account()
    cash = Fraction(account.account.initial_cash)
    for fill in fills:
        cash -= fill.sign * Fraction(fill.quantity) * Fraction(fill.price) + Fraction(fill.fee)
    fees = sum((Fraction(fill.fee) for fill in fills), Fraction(0))
    assert Fraction(account.cash) == cash
    assert Fraction(account.equity) == cash, "flat: equity is cash"
    assert Fraction(account.fees) == fees
    assert Fraction(account.day_pnl) == cash - Fraction(account.equity_open)
    assert realized_by_hand(fills) - fees == cash - Fraction(account.account.initial_cash)
    assert account.unrealized == 0
    said = AccountView.__struct_fields__
    document = json.loads(desk.engine.sp("account", "--json").stdout)
    assert {name for name in said if name in document} >= {"cash", "equity", "day_pnl"}
    assert Fraction(document["day_pnl"]) == Fraction(account.day_pnl)


def realized_by_hand(fills: Iterable[Fill]) -> Fraction:
    """First in, first out, before fees."""
    lots: defaultdict[str, deque[tuple[Fraction, Fraction]]] = defaultdict(deque)
    total = Fraction(0)
    for fill in fills:
        quantity, price = Fraction(fill.quantity), Fraction(fill.price)
        if fill.sign > 0:
            lots[fill.instrument_id].append((quantity, price))
            continue
        while quantity:
            held, cost = lots[fill.instrument_id].popleft()
            closed = min(held, quantity)
            total += closed * (price - cost)
            quantity -= closed
            if held > closed:
                lots[fill.instrument_id].appendleft((held - closed, cost))
    return total


def the_review_adds_up(desk: Desk) -> None:
    """Implementation shortfall is exactly spread + slippage + fees, order by order and in all."""
    review = desk.client.day()
    assert isinstance(review, DayReview)
    assert (review.session_date, review.kills_survived) == ("2013-10-07", 1)
    for row in review.orders:
        if not row.fills:
            continue
        assert row.arrival_mid is not None
        assert row.spread_cost is not None
        assert row.slippage is not None
        sign = row.order.terms.side.sign
        shortfall = sum((fill.price - row.arrival_mid) * sign * fill.quantity for fill in row.fills)
        assert shortfall == row.spread_cost + row.slippage, row.order.client_order_id
        assert row.fees == sum(fill.fee for fill in row.fills)
    assert review.fees == sum(fill.fee for fill in desk.fills())
    account = desk.client.account()
    assert review.equity_now == account.equity
    assert review.equity_now - review.equity_open == account.day_pnl
    assert review.spread_cost == sum(row.spread_cost or 0 for row in review.orders)
    page = desk.engine.sp("day").stdout
    assert all(row.order.terms.instrument_id.split(".")[0] in page for row in review.orders)
    codes = [row.code for row in review.refusals]
    assert codes == ["QUOTE_ONE_SIDED", "TRADING_HALTED", "TRADING_HALTED"], "every order somebody tried to send"
    assert "too-late" in {row.client_order_id for row in review.refusals}


@pytest.mark.real_data
def test_crossed_moments_are_counted_as_the_tape_has_them(shared: Path) -> None:
    folder = shared / "data" / "ticks"
    source = ReplaySource("witness", sorted(folder.glob(f"*_{DAY}_*.parquet")))
    source.seed_events(source.first_ns)
    assert source.last_ns is not None
    shown = source.advance(source.last_ns)
    tapes = [read_ticks(folder, symbol, DAY) for symbol in ("IBM", "BAC")]
    assert source.counts.crossed == sum(tape.crossed for tape in tapes)
    assert source.counts.locked == sum(tape.locked for tape in tapes)
    crossed = [each for each in shown if getattr(each, "bid", None) and each.bid > each.ask]  # type: ignore[union-attr] # quotes alone have one
    assert crossed == []
