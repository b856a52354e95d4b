"""Alpaca as a broker: the port over its REST and its stream. Nothing is ever sent twice by it but a cancel."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Final

from stockpulse_engine.adapters.alpaca.assets import AssetBook
from stockpulse_engine.adapters.alpaca.body import body_of, link_of, replace_body, same_order
from stockpulse_engine.adapters.alpaca.errors import Verdict, no_answer
from stockpulse_engine.adapters.alpaca.follow import Follower
from stockpulse_engine.adapters.alpaca.known import Known
from stockpulse_engine.adapters.alpaca.orders import OrderBook
from stockpulse_engine.adapters.alpaca.parse import (
    AlpacaAccount,
    AlpacaClock,
    AlpacaOrder,
    ParseError,
    parse_account,
    parse_bulk,
    parse_clock,
    parse_order,
    parse_positions,
)
from stockpulse_engine.adapters.alpaca.rest import AlpacaRest, Answer, require_done
from stockpulse_engine.adapters.alpaca.settings import AlpacaSettings
from stockpulse_engine.adapters.alpaca.stream import Put, TradeStream
from stockpulse_engine.adapters.alpaca.symbols import wire_id
from stockpulse_engine.adapters.alpaca.teller import Teller
from stockpulse_engine.adapters.alpaca.words import OVER, facts_of
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import BrokerCapabilities, VenueHolding
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.marketdata.calendar import Calendar
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

MOST_ASIDE: Final = 1_000
_CLOCK_DOUBT_NS: Final = 500_000_000
_SKEW_NS: Final = 5_000_000_000
"""How far apart two clocks may be: what happened so shortly before an account was taken over is named there by id."""


class AlpacaBroker:
    """Implements `trading.ports.Broker` for the one account behind a pair of keys."""

    def __init__(
        self,
        settings: AlpacaSettings,
        capabilities: BrokerCapabilities,
        rest: AlpacaRest,
        make_stream: Callable[[Put], TradeStream],
        clock: Clock,
        *,
        number: str = "",
        currency: str = "USD",
    ) -> None:
        self._settings = settings
        self._capabilities = capabilities
        self._rest = rest
        self._make_stream = make_stream
        self._clock = clock
        self._number = number
        self._currency = currency
        self._known = Known()
        self._assets = AssetBook(rest, clock)
        self._book = OrderBook(rest, self._assets, self._known)
        self._aside: deque[ExecutionReport] = deque(maxlen=MOST_ASIDE)
        self._follower: Follower | None = None
        self._is_open = False
        self.clock_offset_ns = 0
        """How far Alpaca's clock is before ours, as measured when the link came up (F41)."""

    @property
    def capabilities(self) -> BrokerCapabilities:
        """What Alpaca does itself."""
        return self._capabilities

    @property
    def clock_skew_ns(self) -> int:
        """How far our clock is ahead of Alpaca's."""
        return -self.clock_offset_ns

    @property
    def is_connected(self) -> bool:
        """Whether requests may be sent: the link was proven and the key is accepted."""
        return self._is_open and not self._rest.is_dead

    async def connect(self) -> None:
        """Prove that the key opens the account we mean. Raises UnavailableError."""
        self._rest.open()
        try:
            self._require_ours(await self._fetch_account())
            await self._compare_clocks()
        except UnavailableError:
            self._is_open = False
            raise
        self._is_open = True

    async def close(self) -> None:
        """Close the link."""
        self._is_open = False
        if self._follower is not None:
            self._follower.end()
        await self._rest.close()

    async def open_account(self, account: Account) -> None:
        """Alpaca has its account; we learn what ours is called and from when on it is ours.

        Raises:
            InvalidValueError: another account lies behind this connection already.
        """
        if self._book.account_id not in ("", account.account_id):
            raise InvalidValueError(
                f"{self._capabilities.name} holds {self._book.account_id}; a key opens one account.",
                fix="Make a connection of its own for each account.",
            )
        self._book.account_id = account.account_id
        self._book.since = max(0, account.opened_at - _SKEW_NS)

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order or one group, in one request and one attempt."""
        self._require_link()
        symbol = await self._assets.require(orders[0])
        body = body_of(orders, symbol)
        self._known.expect(orders)
        try:
            answer = await self._rest.post("/v2/orders", body)
            if answer.verdict is Verdict.DUPLICATE:
                await self._require_same(body)
                return
            require_done(answer)
            self._take_over(answer, body["client_order_id"])
        except AmbiguousOutcomeError:
            self._be_restless()
            raise

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Ask for new terms. Alpaca makes a new order of it; ours stays one, and both are watched (F11)."""
        self._require_link()
        ours = order.client_order_id
        now = await self._book.find(ours)
        if now is None or now.status in OVER:
            raise RejectedByBrokerError(f"it is {now.status if now else 'not'} at Alpaca", "NOT_WORKING")
        shown = await self._book.venue_order(now)
        left = terms.quantity - shown.filled_quantity
        if left <= 0:
            raise RejectedByBrokerError("so much is executed already", "FILLED")
        entry = self._known.find(now) or self._known.learn(now)
        entry.terms, entry.wanted = entry.terms or order.terms, terms
        body = replace_body(order, terms, now, left, request_id)
        try:
            answer = await self._rest.patch(f"/v2/orders/{now.order_id}", body)
            if answer.verdict is Verdict.DUPLICATE:
                return  # this very change was asked for before
            if answer.verdict is not Verdict.AMBIGUOUS and answer.verdict is not Verdict.DONE:
                entry.wanted = None
            require_done(answer)
            self._take_over(answer, wire_id(ours, link_of(request_id)))
        except AmbiguousOutcomeError:
            self._be_restless()
            raise

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel; the proof, or the refusal, arrives as a report."""
        self._require_link()
        ours = order.client_order_id
        entry = self._known.get(ours)
        order_id = entry.order_id if entry is not None else ""
        if not order_id:
            found = await self._book.find(ours)
            if found is None:
                raise AmbiguousOutcomeError("Alpaca does not know the order yet")
            order_id = found.order_id
        if await self._drop(order_id):
            return
        now = await self._book.find(ours)
        if now is not None and now.order_id != order_id and now.status not in OVER and await self._drop(now.order_id):
            return
        self._put_aside(ours, now)

    async def cancel_all(self, account_id: str) -> None:
        """One request for everything that works; each answer within it is looked at (207)."""
        self._require_link()
        answer = await self._rest.delete("/v2/orders")
        self._require_canceled(answer)
        if answer.verdict is not Verdict.DONE:
            require_done(answer)
        try:
            items = parse_bulk(answer.document()) if answer.body else []
        except ParseError as error:
            raise AmbiguousOutcomeError(f"which orders were canceled can not be read: {error}") from None
        failed = [order_id for order_id, status in items if not 200 <= status < 300]  # noqa: PLR2004 - HTTP's own
        left = [order_id for order_id in failed if not await self._is_gone(order_id)]
        self._nudge()
        if left:
            raise AmbiguousOutcomeError(f"{len(left)} of {len(items)} orders were not canceled")

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """What was missed after that time, then live; the stream's losses are mended inside."""
        self._require_link()
        if self._follower is not None:
            self._follower.end()
        self._known.begin()
        teller = Teller(self._book, self._drop_quietly)
        follower = Follower(self._book, teller, self._settings, self._make_stream, self._aside)
        self._follower = follower
        try:
            async with aclosing(follower.batches(after_seq)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            if self._follower is follower:
                self._follower = None

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """Targeted query: None is Alpaca's authenticated 'no such order' (F07)."""
        self._name(account_id)
        found = await self._book.find(client_order_id)
        return None if found is None else await self._book.venue_order(found)

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders, complete or an exception."""
        self._name(account_id)
        shown: list[VenueOrder] = []
        for each in await self._book.open_orders():
            await self._book.owner_of(each)
            shown.append(await self._book.venue_order(each))
        return shown

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """All executions after that time, complete or an exception."""
        self._name(account_id)
        return await self._book.fetch_fills(after_seq)

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions as Alpaca holds them."""
        self._name(account_id)
        newest = await self._book.newest_fill_at()
        account = await self._fetch_account()
        holdings = await self.fetch_holdings(account_id)
        return VenueAccount(
            account_id=account_id,
            cash=account.cash,
            positions={one.instrument_id: one.quantity for one in holdings},
            last_report_seq=newest,
            ts_event=self._clock.now_ns() + self.clock_offset_ns,
        )

    async def fetch_holdings(self, account_id: str) -> Sequence[VenueHolding]:
        """Positions with the average price Alpaca says they were opened at: what an adopted account starts with."""
        self._name(account_id)
        rows = await self._rest.get("/v2/positions")
        try:
            positions = parse_positions(rows)
        except ParseError as error:
            raise UnavailableError(f"Alpaca's positions can not be read: {error}.") from None
        return [
            VenueHolding(
                instrument_id=await self._assets.instrument_id(one.symbol, one.asset_id, one.asset_class),
                quantity=one.quantity,
                average_price=one.average_price,
            )
            for one in positions
            if one.quantity
        ]

    async def fetch_clock(self) -> AlpacaClock:
        """Alpaca's own market hours. Raises UnavailableError."""
        rows = await self._rest.get("/v2/clock")
        try:
            return parse_clock(rows)
        except ParseError as error:
            raise UnavailableError(f"Alpaca's clock can not be read: {error}.") from None

    async def is_market_open(self, calendar: Calendar) -> bool:
        """Whether Alpaca and our calendar both say so: where they disagree it counts as closed (F39)."""
        clock = await self.fetch_clock()
        session = calendar.session_at(clock.at)
        return clock.is_open and session is not None and session.open <= clock.at < session.close

    async def _fetch_account(self) -> AlpacaAccount:
        rows = await self._rest.get("/v2/account")
        try:
            return parse_account(rows)
        except ParseError as error:
            raise UnavailableError(f"Alpaca's account can not be read: {error}.") from None

    def _require_ours(self, account: AlpacaAccount) -> None:
        if self._number and account.number and account.number != self._number:
            raise UnavailableError(
                f"The key opens account {account.number}, not {self._number}.",
                fix="Correct the account or the key of this connection.",
            )
        if account.currency != self._currency:
            raise UnavailableError(
                f"The account is kept in {account.currency}, not in {self._currency}.",
                fix="Correct the currency of this connection.",
            )

    async def _compare_clocks(self) -> None:
        before = self._clock.now_ns()
        clock = await self.fetch_clock()
        offset = clock.at - (before + self._clock.now_ns()) // 2
        self.clock_offset_ns = offset if abs(offset) > _CLOCK_DOUBT_NS else 0

    def _take_over(self, answer: Answer, sent_id: str) -> None:
        """Learn the order that was made. An answer about anything else proves nothing."""
        try:
            order = parse_order(answer.document())
        except ParseError as error:
            raise AmbiguousOutcomeError(f"the answer can not be read: {error}") from None
        if order.client_order_id != sent_id:
            raise AmbiguousOutcomeError("the answer is about another order")
        self._known.learn(order)
        if self._follower is not None:
            self._follower.learn(order)

    async def _require_same(self, body: dict[str, str]) -> None:
        """An order of this id is there already: it is ours when it is the same, whoever sent it (F01)."""
        try:
            there = await self._book.by_client_id(body["client_order_id"])
        except UnavailableError as error:
            raise AmbiguousOutcomeError(f"an order of this id is there and can not be seen: {error}") from None
        if there is None:
            raise AmbiguousOutcomeError("an order of this id is there and is not shown")
        if not same_order(body, there):
            raise RejectedByBrokerError("another order has this id at Alpaca", "DUPLICATE")
        self._known.learn(there)
        if self._follower is not None:
            self._follower.learn(there)

    async def _drop(self, order_id: str) -> bool:
        """Ask to cancel one of Alpaca's orders; False when it definitely refused.

        Raises UnavailableError or AmbiguousOutcomeError without a verdict.
        """
        answer = await self._rest.delete(f"/v2/orders/{order_id}")
        self._require_canceled(answer)
        return answer.verdict is Verdict.DONE

    async def _drop_quietly(self, order_id: str) -> None:
        try:
            await self._drop(order_id)
        except AmbiguousOutcomeError as error:
            raise UnavailableError(str(error)) from None

    @staticmethod
    def _require_canceled(answer: Answer) -> None:
        """What a cancel may not be taken to mean: a dead key or a busy minute is no refusal of it."""
        if answer.verdict in (Verdict.NOT_AUTHORIZED, Verdict.THROTTLED):
            raise no_answer(answer.verdict, answer.error)
        if answer.verdict is Verdict.AMBIGUOUS:
            raise AmbiguousOutcomeError(f"Alpaca answered without a verdict: {answer.error.message}")

    async def _is_gone(self, order_id: str) -> bool:
        """Whether one that a bulk cancel left is over after all, or takes a cancel of its own."""
        order = await self._book.by_id(order_id)
        return order is None or order.status in OVER or await self._drop(order_id)

    def _put_aside(self, ours: str, now: AlpacaOrder | None) -> None:
        """A cancel was refused: say so, unless the order is canceled already."""
        if now is None or now.status != "canceled":
            words = f"Alpaca shows it {now.status}" if now is not None else "Alpaca does not know it"
            report = ExecutionReport(
                client_order_id=ours,
                venue_order_id=now.order_id if now is not None else "",
                kind=OrderEventKind.CANCEL_REJECT,
                ts_event=max((one.at for one in facts_of(now)), default=0) if now is not None else 0,
                reason=words,
                code="NOT_CANCELABLE",
            )
            self._aside.append(report)
        self._nudge()

    def _name(self, account_id: str) -> None:
        self._book.account_id = self._book.account_id or account_id

    def _require_link(self) -> None:
        if not self._is_open:
            raise UnavailableError("The link to Alpaca is down.", fix="It is being re-opened; try again.")

    def _nudge(self) -> None:
        if self._follower is not None:
            self._follower.nudge()

    def _be_restless(self) -> None:
        if self._follower is not None:
            self._follower.be_restless()
