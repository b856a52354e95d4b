"""Interactive Brokers as a broker: the port over one login at a gateway. Nothing is ever sent twice by it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ib_async.util import parseIBDatetime
from msgspec import structs

from stockpulse_engine.adapters.ibkr.body import bodies_of, body_of, is_same
from stockpulse_engine.adapters.ibkr.contracts import Contracts
from stockpulse_engine.adapters.ibkr.known import Entry, Known
from stockpulse_engine.adapters.ibkr.numbers import exact, quantity
from stockpulse_engine.adapters.ibkr.orderids import AHEAD, OrderIds
from stockpulse_engine.adapters.ibkr.session import OpenOrder, Session, Sleep
from stockpulse_engine.adapters.ibkr.settings import IbkrSettings
from stockpulse_engine.adapters.ibkr.tape import Tape
from stockpulse_engine.adapters.ibkr.teller import CANCELED, FILLED, INACTIVE, Teller, venue_id
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.tasks import spawn
from stockpulse_engine.domain.accounts import Account, AccountKind
from stockpulse_engine.domain.brokers import BrokerCapabilities, VenueHolding
from stockpulse_engine.domain.errors import InvalidValueError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.trading.ports import AmbiguousOutcomeError, RejectedByBrokerError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

PRACTICE: Final = "D"
"""Begins the numbers of practice accounts, and of no others."""
SECOND_NS: Final = 1_000_000_000
CLOCK_DOUBT_S: Final = 2
RETRY_S: Final = 2.0


class IbkrBroker:
    """Implements `trading.ports.Broker` for one account of the login."""

    def __init__(
        self,
        settings: IbkrSettings,
        capabilities: BrokerCapabilities,
        ids: OrderIds,
        clock: Clock,
        zone: ZoneInfo,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._capabilities = capabilities
        self._ids = ids
        self._clock = clock
        self._zone = zone
        self._sleep = sleep
        self._tape = Tape(clock)
        self._known = Known(settings.client_id)
        self._teller = Teller(settings, self._known, self._tape, clock, self._look_soon)
        self.session = Session(settings, self._teller, sleep=sleep)
        """The login; `sp` and tests may ask it what the port has no question for."""
        self._contracts = self._teller.contracts = Contracts(self.session, settings.currency)
        self._teller.hear_next_id, self._teller.on_duplicate = ids.raise_to, self._ask_ids
        self._looking = asyncio.Lock()
        self._look_task: asyncio.Task[None] | None = None
        self._wants_look = False
        self._connecting = asyncio.Lock()
        self._submitting = asyncio.Lock()
        self._account_id = ""
        """Ours, once it was opened here."""
        self._floor: int | None = None
        """From when on whoever listens wants to know."""
        self.clock_skew_ns = 0
        """How far our clock is ahead of the gateway's; 0 while it is less than their seconds can tell."""

    @property
    def capabilities(self) -> BrokerCapabilities:
        """What Interactive Brokers does itself."""
        return self._capabilities

    @property
    def is_connected(self) -> bool:
        """Whether the gateway is there and has the broker behind it."""
        return self.session.is_up

    @property
    def clock_offset_ns(self) -> int:
        """How far the gateway's clock is before ours."""
        return -self.clock_skew_ns

    async def connect(self) -> None:
        """Log in to the gateway and prove that it has the account we mean; one who is there already stays.

        Two at once would take the client id from each other. Raises UnavailableError.
        """
        async with self._connecting:
            if self.session.has_line:
                self.session.require_line()  # says what the gateway lacks; the line to it is kept
                return
            try:
                await self.session.connect()
                self._choose_account()
                self._ids.raise_to(self.session.next_order_id)
                self.clock_skew_ns = await self._skew()
                await self._look()
            except BaseException:
                self.session.close()
                raise

    async def close(self) -> None:
        """Close the link."""
        self.session.close()
        task, self._look_task = self._look_task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        self._teller.hear_loss(is_over=True)

    async def open_account(self, account: Account) -> None:
        """The broker has its account; we learn what ours is called. Raises InvalidValueError for a second one."""
        if self._account_id not in ("", account.account_id):
            raise InvalidValueError(
                f"{self._capabilities.name} holds {self._account_id} already.",
                fix="Make a connection with a client id of its own for each account.",
            )
        self._account_id = self._teller.account_id = account.account_id

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order or one group, each once.

        An order of this id that is there already, and the same, is this one; the gateway itself would make another.
        """
        self.session.require_line()
        self._name(orders[0].terms.account_id)
        contract = await self._contracts.require(orders[0].terms.instrument_id)
        async with self._submitting:  # numbers have to arrive in their order
            if await self._is_there(orders):
                return
            numbers = self._ids.take(len(orders))
            bodies = bodies_of(orders, numbers, self._teller.number)
            line = self.session.line
            entries = self._known.expect(orders, numbers)
            try:
                for number, body in zip(numbers, bodies, strict=True):
                    line.place(number, contract, body)
            except ConnectionError as error:
                raise AmbiguousOutcomeError("the link was lost while it was sent") from error
        await self._answers(entries)

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Ask for new terms: the same number again, which changes the order."""
        del request_id  # the number says which order, and new terms twice are the same terms
        line = self.session.line
        entry = await self._working(order)
        contract = await self._contracts.require(terms.instrument_id)
        body = body_of(terms, entry.ours, self._teller.number)
        body.orderId, body.permId = entry.number, entry.perm_id
        if (parent := self._known.get(entry.parent)) is not None:
            body.parentId = parent.number
        entry.change, entry.wanted = asyncio.get_running_loop().create_future(), terms
        try:
            line.place(entry.number, contract, body)
            await self._wait(entry.change, "the change")
            self._teller.say_change(entry)
        finally:
            entry.change = entry.wanted = None

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel; the proof, or the refusal, arrives as a report."""
        del request_id
        line = self.session.line
        entry = self._known.get(order.client_order_id)
        if entry is None or not entry.number:
            await self._look()
            entry = self._known.get(order.client_order_id)
        if entry is None or not entry.number:
            raise AmbiguousOutcomeError("the order is none of this client id, as far as the gateway shows")
        line.cancel(entry.number)

    async def cancel_all(self, account_id: str) -> None:
        """One request where the login has one account; otherwise one for each order of ours, and no other's.

        Raises:
            AmbiguousOutcomeError: orders of the account are another client's, and the one request would reach
                accounts that are none of ours.
        """
        line = self.session.line
        if len(self.session.accounts) == 1:
            line.cancel_all()
            return
        self._name(account_id)
        others = 0
        for order in await self.fetch_open_orders(account_id):
            entry = self._known.get(order.client_order_id)
            if entry is not None and entry.number:
                line.cancel(entry.number)
            else:
                others += 1
        if others:
            raise AmbiguousOutcomeError(f"{others} order(s) are another client's, and the login has several accounts")

    async def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """What was told or missed after that time, then live, until the link drops."""
        self.session.require_line()
        self._floor = after_seq
        await self._look()
        seq = after_seq
        while True:
            news = self._tape.news()
            if found := self._tape.after(seq):
                seq = found[-1].report_seq
                yield [self._owned(one) for one in found]
            elif not self.session.has_line:
                return
            else:
                await news.wait()

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """What works, what is over, what was executed: an order in none of these is none (F07)."""
        self._name(account_id)
        shown = await self._look()
        entry = self._known.get(client_order_id)
        if entry is None or (client_order_id not in shown and not entry.executed):
            if entry is not None and entry.perm_id and entry.refused is None:
                raise AmbiguousOutcomeError("the gateway has forgotten an order that it had")
            return None
        if entry.theirs is None and entry.terms is None:
            raise AmbiguousOutcomeError("of this order only executions are shown")
        return self._view(entry)

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders of the account, those of other clients too."""
        self._name(account_id)
        rows = await self.session.open_orders()
        await self._learn(rows)
        entries = [self._known.of_order(order) for _, order, _ in rows if order.account in ("", self._teller.number)]
        return [self._view(entry) for entry in dict.fromkeys(entries) if not entry.is_over]

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """All executions that were learned after that time, as far as the gateway remembers: since midnight."""
        self._name(account_id)
        await self._ask_deals()
        await self._let_fees_come()
        return [self._own(deal.fill) for deal in self._teller.deals.all() if deal.seq > after_seq]

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions as the broker holds them."""
        self._name(account_id)
        seq = self._tape.last
        cash = await self._cash()
        held = await self.fetch_holdings(account_id)
        return VenueAccount(
            account_id=account_id,
            cash=cash,
            positions={one.instrument_id: one.quantity for one in held},
            last_report_seq=seq,
            ts_event=self._clock.now_ns(),
        )

    async def fetch_holdings(self, account_id: str) -> Sequence[VenueHolding]:
        """Positions with their average cost: what an adopted account starts with."""
        self._name(account_id)
        return [
            VenueHolding(
                instrument_id=await self._contracts.learn(contract),
                quantity=quantity(held),
                average_price=exact(cost),
            )
            for number, contract, held, cost in await self.session.positions()
            if number == self._teller.number and held
        ]

    # --- asking for everything ----------------------------------------------------------------------------

    async def _look(self) -> set[str]:
        """Ask for orders and executions and tell what is new; returns the orders that are shown.

        Before anybody listens, orders that are over are learned and not told: nobody has said from when on they are
        news.
        """
        async with self._looking:
            asked = self._teller.in_question()
            open_rows = await self.session.open_orders()
            completed = await self.session.completed_orders()
            await self._learn(open_rows)
            await self._ask_deals()
            shown = {self._known.of_order(order).ours for _, order, _ in open_rows}
            for contract, order, state in completed:
                if order.account not in ("", self._teller.number):
                    continue
                entry = self._known.of_order(order)
                entry.instrument_id = entry.instrument_id or await self._contracts.learn(contract)
                shown.add(entry.ours)
                if self._floor is not None:
                    self._teller.take_completed(entry, state, self._moment(state.completedTime), self._floor)
            self._teller.finish_looking(asked, shown)
            return shown

    async def _ask_deals(self) -> None:
        for contract, execution in await self.session.executions():
            if not self._contracts.name(contract):
                await self._contracts.learn(contract)
                self._teller.hear_deal(contract, execution)

    async def _learn(self, rows: Sequence[OpenOrder]) -> None:
        """Orders of instruments we had no name for were not told yet."""
        for contract, order, state in rows:
            if not self._contracts.name(contract):
                await self._contracts.learn(contract)
                self._teller.hear_order(contract, order, state)

    def _look_soon(self, after_s: float) -> None:
        self._wants_look = True
        if self._look_task is None or self._look_task.done():
            self._look_task = spawn(self._look_later(after_s), name="ibkr look")

    async def _look_later(self, after_s: float) -> None:
        """As long as it takes, and again when something came up meanwhile: until then it is missed."""
        await self._sleep(after_s)
        while self._wants_look and self.session.has_line:
            self._wants_look = False
            try:
                await self._look()
            except UnavailableError:
                self._wants_look = True
                await self._sleep(RETRY_S)

    async def _let_fees_come(self) -> None:
        give_up = self._settings.commission_s
        while give_up > 0 and self._teller.deals.untold():
            await self._sleep(min(give_up, 0.02))
            give_up -= 0.02

    # --- small things -------------------------------------------------------------------------------------

    async def _answers(self, entries: Sequence[Entry]) -> None:
        """Wait for the first definite word about each. A group with a refused order is taken back whole."""
        waits = [self._wait(entry.answer, "the order") for entry in entries if entry.answer is not None]
        found = await asyncio.gather(*waits, return_exceptions=True)
        refusal = next((one for one in found if isinstance(one, RejectedByBrokerError)), None)
        others = [entry for entry in entries if entry.refused is None]
        if refusal is not None:
            if others:
                await self._take_back(others)
            raise refusal
        for one in found:
            if isinstance(one, BaseException):
                raise one

    async def _take_back(self, entries: Sequence[Entry]) -> None:
        line = self.session.line
        for entry in entries:
            if not entry.is_over:
                line.cancel(entry.number)
        give_up = self._settings.order_s
        while give_up > 0 and any(not entry.is_over for entry in entries):
            await self._sleep(0.02)
            give_up -= 0.02
        if any(not entry.is_over or entry.executed for entry in entries):
            raise AmbiguousOutcomeError("a part of the group was refused, and not all of the rest is canceled")

    async def _wait(self, waiting: asyncio.Future[None], what: str) -> None:
        try:
            async with asyncio.timeout(self._settings.order_s):
                await asyncio.shield(waiting)
        except TimeoutError:
            waiting.cancel()
            self._look_soon(0.0)
            raise AmbiguousOutcomeError(f"no answer came about {what}") from None

    async def _is_there(self, orders: Sequence[Order]) -> bool:
        """Whether the order was made already. One that was sent and never seen is asked for; absent, it may be sent."""
        ours = orders[0].client_order_id
        there = self._known.get(ours)
        if there is None:
            return False
        if there.refused is not None:
            raise RejectedByBrokerError(*there.refused)
        if there.theirs is None and not there.executed and ours not in await self._look():
            return False
        if there.terms is None and there.theirs is None:
            raise AmbiguousOutcomeError("an order of this id is there and not shown")
        if not is_same(self._teller.terms(there), orders[0].terms):
            raise RejectedByBrokerError("another order has this id at Interactive Brokers", "DUPLICATE")
        return True

    async def _working(self, order: Order) -> Entry:
        entry = self._known.get(order.client_order_id)
        if entry is None or not entry.number:
            await self._look()
            entry = self._known.get(order.client_order_id)
        if entry is None or not entry.number or entry.is_over:
            raise RejectedByBrokerError("it does not work there, or is another client's", "NOT_WORKING")
        return entry

    def _view(self, entry: Entry) -> VenueOrder:
        terms = self._teller.terms(entry)
        filled = max(entry.executed, entry.filled)
        return VenueOrder(
            client_order_id=entry.ours,
            venue_order_id=venue_id(entry),
            terms=terms,
            status=self._status(entry, filled, terms.quantity),
            filled_quantity=filled,
            parent_id=entry.parent,
            role=entry.role.value,
            ts_event=self._clock.now_ns(),
        )

    def _status(self, entry: Entry, filled: Decimal, whole: Decimal) -> str:
        if entry.refused is not None:
            return "REJECTED"
        if entry.status == FILLED or (filled >= whole > 0 and entry.is_over):
            return "FILLED"
        if entry.status in CANCELED or entry.is_over:
            return "CANCELED"
        if entry.status == INACTIVE:
            return "SUSPENDED"
        if filled:
            return "PARTIALLY_FILLED"
        parent = self._known.get(entry.parent)
        return "HELD" if parent is not None and not parent.executed and not parent.is_over else "ACCEPTED"

    async def _cash(self) -> Decimal:
        for number, tag, value, currency in await self.session.summary():
            if (number, tag, currency) == (self._teller.number, "TotalCashValue", self._settings.currency):
                found = exact(value)
                if found is not None:
                    return found
        raise UnavailableError("The gateway tells no cash of this account.", fix="Compare the account's currency.")

    def _choose_account(self) -> None:
        accounts = self.session.accounts
        wanted = self._settings.account
        if wanted and wanted not in accounts:
            raise UnavailableError(f"The login has no account {wanted}.", fix="Correct the account, or log in anew.")
        if not wanted and len(accounts) != 1:
            raise UnavailableError(
                f"The login has {len(accounts)} accounts.", fix='Say which: account = "…" in brokers.toml.'
            )
        number = wanted or accounts[0]
        is_practice = number.startswith(PRACTICE)
        if is_practice != (self._settings.kind is AccountKind.PAPER):
            raise UnavailableError(
                f"{number} is {'a practice' if is_practice else 'a live'} account, and {self._settings.name} is "
                f"{self._settings.kind.value}.",
                fix="Log in to the other kind of gateway, or correct the connection's kind.",
            )
        self._teller.number = number

    def _owned(self, report: ExecutionReport) -> ExecutionReport:
        """The report under our account's name: what the gateway showed at the login was heard before we knew that."""
        fill = self._own(report.fill) if report.fill is not None else None
        terms = report.terms
        if terms is not None and not terms.account_id:
            terms = structs.replace(terms, account_id=self._teller.account_id)
        if fill is report.fill and terms is report.terms:
            return report
        return structs.replace(report, fill=fill, terms=terms)

    def _own(self, fill: Fill) -> Fill:
        return fill if fill.account_id else structs.replace(fill, account_id=self._teller.account_id)

    def _name(self, account_id: str) -> None:
        self._teller.account_id = self._teller.account_id or account_id

    def _ask_ids(self) -> None:
        """The gateway knows numbers that we do not: a gap now, and the right one with its answer."""
        self._ids.raise_to(self._ids.next + AHEAD)
        self.session.line.ask_next_id()

    async def _skew(self) -> int:
        away = self._clock.now_ns() // SECOND_NS - await self.session.time()
        return away * SECOND_NS if abs(away) >= CLOCK_DOUBT_S else 0

    def _moment(self, text: str) -> int:
        """A time of the gateway's, at the end of its second; now where it says none."""
        try:
            found = parseIBDatetime(text)
        except (ValueError, KeyError, IndexError):
            return self._clock.now_ns()
        if not isinstance(found, dt.datetime):
            return self._clock.now_ns()
        zoned = found if found.tzinfo else found.replace(tzinfo=self._zone)
        return (int(zoned.timestamp()) + 1) * SECOND_NS
