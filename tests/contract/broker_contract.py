"""What any broker adapter must do, as numbered cases. Subclass `BrokerContract` and provide the `stage` fixture."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Protocol

import pytest

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderRole, OrderTerms, OrderType, Side, TimeInForce
from stockpulse_engine.domain.reports import ExecutionReport, VenueOrder
from stockpulse_engine.trading.ports import Broker, RejectedByBrokerError

PATIENCE_S = 20.0
Kind = OrderEventKind


class Stage(Protocol):
    """A venue with one instrument that shows 100.00 bid and 100.02 asked, hundreds of shares on each side."""

    account: Account
    """Open, with nothing in it but its deposit."""
    instrument_id: str

    def broker(self) -> Broker:
        """A new adapter, not yet connected."""
        ...

    async def swing(self) -> None:
        """Play on: thousands of shares print at 99.50 and at 100.50, then the quote is what it was before."""
        ...


class Watcher:
    """Follows a broker's report stream and waits for what a test expects."""

    def __init__(self, broker: Broker, after_seq: int = 0) -> None:
        self._stream = broker.reports(after_seq)
        self.seen: list[ExecutionReport] = []

    async def until(self, order_id: str, kind: OrderEventKind) -> ExecutionReport:
        """Read on until this was reported about this order."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := self._find(order_id, kind)) is None:
                self.seen += await anext(self._stream)
        return found

    async def close(self) -> None:
        """Stop following."""
        if isinstance(self._stream, AsyncGenerator):
            await self._stream.aclose()

    def kinds(self, order_id: str) -> list[str]:
        """What was reported about an order."""
        return [report.kind.value for report in self.seen if report.client_order_id == order_id]

    def _find(self, order_id: str, kind: OrderEventKind) -> ExecutionReport | None:
        return next((each for each in self.seen if each.client_order_id == order_id and each.kind is kind), None)


Watch = Callable[..., Watcher]


class BrokerContract:
    """The cases. Order ids carry the case's number, so that a failing one can be followed in a venue's log."""

    @pytest.fixture
    async def broker(self, stage: Stage) -> AsyncIterator[Broker]:
        """A connected adapter with the account opened."""
        broker = stage.broker()
        await broker.connect()
        await broker.open_account(stage.account)
        yield broker
        await broker.close()

    @pytest.fixture
    async def watch(self) -> AsyncIterator[Watch]:
        """Opens report streams and closes them after the test."""
        async with AsyncExitStack() as opened:

            def open_watcher(broker: Broker, after_seq: int = 0) -> Watcher:
                watcher = Watcher(broker, after_seq)
                opened.push_async_callback(watcher.close)
                return watcher

            yield open_watcher

    async def test_01_connecting_makes_it_connected_and_closing_ends_it(self, stage: Stage) -> None:
        broker = stage.broker()
        assert not broker.is_connected
        await broker.connect()
        assert broker.is_connected
        await broker.close()
        assert not broker.is_connected

    async def test_02_opening_an_account_twice_is_opening_it_once(self, stage: Stage, broker: Broker) -> None:
        await broker.open_account(stage.account)
        held = await broker.fetch_account(stage.account.account_id)
        assert held.cash == stage.account.initial_cash
        assert held.positions == {}

    async def test_03_a_marketable_order_is_accepted_and_filled(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        await broker.submit([limit_order(stage, "c03", Side.BUY, "10", "100.02")])
        watcher = watch(broker)
        report = await watcher.until("c03", Kind.FILL)
        assert watcher.kinds("c03") == ["ACCEPT", "FILL"]
        assert report.fill is not None
        assert (report.fill.quantity, report.fill.price) == (Decimal(10), Decimal("100.02"))
        order = await fetched(broker, stage, "c03")
        assert (order.status, order.filled_quantity) == ("FILLED", Decimal(10))

    async def test_04_cash_and_position_are_the_sum_of_the_fills(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        await broker.submit([limit_order(stage, "c04-buy", Side.BUY, "10", "100.02")])
        await broker.submit([limit_order(stage, "c04-sell", Side.SELL, "4", "100.00")])
        watcher = watch(broker)
        await watcher.until("c04-buy", Kind.FILL)
        await watcher.until("c04-sell", Kind.FILL)
        fills = await broker.fetch_fills(stage.account.account_id, 0)
        held = await broker.fetch_account(stage.account.account_id)
        assert held.positions == {stage.instrument_id: sum(fill.signed_quantity for fill in fills)}
        paid = sum((fill.signed_quantity * fill.price + fill.fee for fill in fills), Decimal(0))
        assert held.cash == stage.account.initial_cash - paid

    async def test_05_a_resting_order_is_open_until_it_is_canceled(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        order = limit_order(stage, "c05", Side.BUY, "10", "99.00")
        await broker.submit([order])
        watcher = watch(broker)
        await watcher.until("c05", Kind.ACCEPT)
        assert [each.client_order_id for each in await open_orders(broker, stage)] == ["c05"]
        await broker.cancel(order, "c05-cancel")
        await watcher.until("c05", Kind.CANCEL)
        assert list(await open_orders(broker, stage)) == []

    async def test_06_a_cancel_after_the_fill_is_refused_by_a_report(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        order = limit_order(stage, "c06", Side.BUY, "10", "100.02")
        await broker.submit([order])
        watcher = watch(broker)
        await watcher.until("c06", Kind.FILL)
        await broker.cancel(order, "c06-cancel")
        await watcher.until("c06", Kind.CANCEL_REJECT)
        assert (await fetched(broker, stage, "c06")).status == "FILLED"

    async def test_07_new_terms_take_the_place_of_old_ones(self, stage: Stage, broker: Broker, watch: Watch) -> None:
        if not broker.capabilities.supports_replace:
            pytest.skip("this broker does not replace")
        order = limit_order(stage, "c07", Side.BUY, "10", "99.00")
        await broker.submit([order])
        wanted = terms(stage, Side.BUY, "7", "99.01")
        await broker.replace(order, wanted, "c07-change")
        watcher = watch(broker)
        await watcher.until("c07", Kind.UPDATE)
        assert (await fetched(broker, stage, "c07")).terms == wanted

    async def test_08_the_same_order_twice_is_one_order(self, stage: Stage, broker: Broker, watch: Watch) -> None:
        if not broker.capabilities.deduplicates:
            pytest.skip("this broker does not deduplicate")
        order = limit_order(stage, "c08", Side.BUY, "10", "99.00")
        for _ in range(3):
            await broker.submit([order])
        assert len(await open_orders(broker, stage)) == 1
        watcher = watch(broker)
        await broker.cancel(order, "c08-cancel")
        await watcher.until("c08", Kind.CANCEL)
        await broker.submit([order])  # for ever: also when it is long done
        assert list(await open_orders(broker, stage)) == []

    async def test_09_the_same_id_with_another_body_is_a_definite_no(self, stage: Stage, broker: Broker) -> None:
        if not broker.capabilities.deduplicates:
            pytest.skip("this broker does not deduplicate")
        await broker.submit([limit_order(stage, "c09", Side.BUY, "10", "99.00")])
        with pytest.raises(RejectedByBrokerError):
            await broker.submit([limit_order(stage, "c09", Side.BUY, "11", "99.00")])
        assert [each.terms.quantity for each in await open_orders(broker, stage)] == [10]

    async def test_10_a_refusal_has_words_and_a_code_and_can_be_looked_up(self, stage: Stage, broker: Broker) -> None:
        with pytest.raises(RejectedByBrokerError) as caught:
            await broker.submit([limit_order(stage, "c10", Side.BUY, "10", "99.005")])
        reason, code = caught.value.args
        assert reason
        assert code
        order = await broker.fetch_order(stage.account.account_id, "c10")
        assert order is None or order.status == "REJECTED"

    async def test_11_an_order_that_never_was_is_none(self, stage: Stage, broker: Broker) -> None:
        assert await broker.fetch_order(stage.account.account_id, "c11-never-sent") is None

    async def test_12_reports_missed_while_away_are_delivered_first(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        order = limit_order(stage, "c12", Side.BUY, "10", "99.00")
        await broker.submit([order])
        watcher = watch(broker)
        accepted = await watcher.until("c12", Kind.ACCEPT)
        await broker.cancel(order, "c12-cancel")
        await watcher.until("c12", Kind.CANCEL)
        await broker.close()

        again = stage.broker()
        await again.connect()
        later = watch(again, accepted.report_seq)
        missed = await later.until("c12", Kind.CANCEL)
        assert later.kinds("c12") == ["CANCEL"]
        assert missed.report_seq > accepted.report_seq
        await again.submit([limit_order(stage, "c12-live", Side.BUY, "10", "99.00")])
        await later.until("c12-live", Kind.ACCEPT)
        sequence = [report.report_seq for report in later.seen]
        assert sequence == sorted(set(sequence))
        await again.close()

    async def test_13_fills_after_a_cursor_are_complete_and_not_repeated(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        watcher = watch(broker)
        await broker.submit([limit_order(stage, "c13-a", Side.BUY, "10", "100.02")])
        first = await watcher.until("c13-a", Kind.FILL)
        await broker.submit([limit_order(stage, "c13-b", Side.BUY, "10", "100.02")])
        second = await watcher.until("c13-b", Kind.FILL)
        assert second.fill is not None
        after = await broker.fetch_fills(stage.account.account_id, first.report_seq)
        assert [fill.fill_id for fill in after] == [second.fill.fill_id]
        assert list(await broker.fetch_fills(stage.account.account_id, second.report_seq)) == []

    async def test_14_a_bracket_closes_itself_once(self, stage: Stage, broker: Broker, watch: Watch) -> None:
        if not broker.capabilities.holds_brackets:
            pytest.skip("this broker does not hold brackets")
        await broker.submit(bracket(stage, "c14", "10", take="100.40", stop="99.00"))
        watcher = watch(broker)
        await watcher.until("c14", Kind.FILL)
        assert {each.client_order_id for each in await open_orders(broker, stage)} == {"c14-t", "c14-s"}
        await stage.swing()
        await watcher.until("c14-t", Kind.FILL)
        await watcher.until("c14-s", Kind.CANCEL)
        assert (await broker.fetch_account(stage.account.account_id)).positions == {}

    async def test_15_a_resting_order_is_filled_at_its_own_price(
        self, stage: Stage, broker: Broker, watch: Watch
    ) -> None:
        await broker.submit([limit_order(stage, "c15", Side.BUY, "10", "99.80")])
        watcher = watch(broker)
        await watcher.until("c15", Kind.ACCEPT)
        await stage.swing()
        report = await watcher.until("c15", Kind.FILL)
        assert report.fill is not None
        assert report.fill.price == Decimal("99.80")

    async def test_16_canceling_all_leaves_nothing_open(self, stage: Stage, broker: Broker, watch: Watch) -> None:
        for number in range(5):
            await broker.submit([limit_order(stage, f"c16-{number}", Side.BUY, "10", "99.00")])
        watcher = watch(broker)
        await broker.cancel_all(stage.account.account_id)
        for number in range(5):
            await watcher.until(f"c16-{number}", Kind.CANCEL)
        assert list(await open_orders(broker, stage)) == []

    async def test_17_without_a_link_nothing_is_sent_and_that_is_said(self, stage: Stage, broker: Broker) -> None:
        await broker.close()
        order = limit_order(stage, "c17", Side.BUY, "10", "99.00")
        with pytest.raises(UnavailableError):
            await broker.submit([order])
        await broker.connect()
        assert await broker.fetch_order(stage.account.account_id, "c17") is None


def terms(
    stage: Stage, side: Side, quantity: str, limit: str | None, *, stop: str | None = None, gtc: bool = False
) -> OrderTerms:
    """An instruction for the stage's instrument."""
    kind = OrderType.LIMIT if limit else OrderType.STOP if stop else OrderType.MARKET
    return OrderTerms(
        account_id=stage.account.account_id,
        instrument_id=stage.instrument_id,
        side=side,
        quantity=Decimal(quantity),
        order_type=kind,
        limit_price=Decimal(limit) if limit else None,
        stop_price=Decimal(stop) if stop else None,
        time_in_force=TimeInForce.GTC if gtc else TimeInForce.DAY,
    )


def limit_order(stage: Stage, order_id: str, side: Side, quantity: str, limit: str) -> Order:
    """A limit order for the day."""
    return Order(client_order_id=order_id, terms=terms(stage, side, quantity, limit))


def bracket(stage: Stage, order_id: str, quantity: str, *, take: str, stop: str) -> Sequence[Order]:
    """A long entry at the market with its take `{id}-t` and stop `{id}-s`."""
    take_terms = terms(stage, Side.SELL, quantity, take, gtc=True)
    stop_terms = terms(stage, Side.SELL, quantity, None, stop=stop, gtc=True)
    return (
        Order(client_order_id=order_id, terms=terms(stage, Side.BUY, quantity, None), role=OrderRole.ENTRY),
        Order(client_order_id=f"{order_id}-t", terms=take_terms, role=OrderRole.TAKE, parent_id=order_id),
        Order(client_order_id=f"{order_id}-s", terms=stop_terms, role=OrderRole.STOP, parent_id=order_id),
    )


async def fetched(broker: Broker, stage: Stage, order_id: str) -> VenueOrder:
    """The venue's view of an order that must be there."""
    order = await broker.fetch_order(stage.account.account_id, order_id)
    assert order is not None
    return order


async def open_orders(broker: Broker, stage: Stage) -> Sequence[VenueOrder]:
    """Open orders of the stage's account."""
    return await broker.fetch_open_orders(stage.account.account_id)
