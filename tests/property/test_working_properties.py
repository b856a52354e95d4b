"""What the gate keeps up as orders change equals what all binding orders add up to, whatever happened in between.

The story: any events about any orders, a disk that is late or fails, quotes that come, go and turn strange, and a
start again from the journal. After every step the figures of the gate are compared with those recomputed from nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import given, settings
from msgspec import structs

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.errors import InvariantError, UnavailableError
from stockpulse_engine.domain.events import Event, SessionMarked
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderRole, OrderTerms
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.marks import find_mark
from stockpulse_engine.portfolio.reservations import ClaimCache
from stockpulse_engine.portfolio.service import PortfolioService, PortfolioSettings
from stockpulse_engine.portfolio.valuation import balance, value_positions
from stockpulse_engine.portfolio.working import WorkingBook
from stockpulse_engine.trading.recorder import Recorder
from stockpulse_engine.venue.fees import FeeSchedule, total_fee
from tests.conftest import IS_NIGHT
from tests.fakes.memory_journal import MemoryJournal
from tests.fakes.portfolio_build import D, moved, opened, quote, terms

K = OrderEventKind
COLLAR = D("0.05")
AAPL, BTC = INSTRUMENTS = ("AAPL.XNAS", "BTC.XXXX")
ACCOUNTS = ("main", "second")
KEYS = tuple("ABCDEF")
EXECUTIONS = (K.FILL, K.FILL, K.FILL, K.BUST, K.CORRECT)
Step = Callable[["Desk"], None]

quantities = st.sampled_from(("1", "3", "7", "10", "0.00000001", "2.5", "40"))
prices = st.one_of(
    st.none(), st.sampled_from(("9.99", "10", "10.01", "231.4", "0.00000001", "69999.12345678")).map(Decimal)
)
instructions = st.builds(
    lambda signed, sign, instrument_id, account_id, limit, stop, is_reducing: structs.replace(
        terms(signed, None, instrument_id=instrument_id, account_id=account_id, reduce_only=is_reducing),
        side=terms(f"{sign}1").side,
        order_type=terms("1", None if limit is None else "1", stop=None if stop is None else "1").order_type,
        limit_price=limit,
        stop_price=stop,
    ),
    quantities,
    st.sampled_from(("", "-")),
    st.sampled_from((AAPL, AAPL, BTC)),
    st.sampled_from(("main", "main", "main", "second")),
    prices,
    prices,
    st.booleans(),
)


class Desk:
    """A recorder with its ledger and the gate's figures, on a disk that outlives it."""

    def __init__(self) -> None:
        self.disk = MemoryJournal().disk
        self.quotes: dict[str, Quote] = {}
        self.keys: list[str] = []
        """Ids of every order there was, those that were refused included."""
        self.fills: list[Fill] = []
        self.start()

    def start(self) -> None:
        """From the journal alone."""
        self.journal = MemoryJournal(self.disk)
        self.ledger = Ledger()
        self.working = WorkingBook(COLLAR, self.fee)
        self.recorder = Recorder(
            self.journal,
            listeners=[self.ledger.apply],
            on_change=lambda change, seq: None,
            on_fault=lambda error: None,
            binding=self.working,
        )
        self.portfolio = PortfolioService(
            self.ledger,
            orders=lambda: self.recorder.book.all_open(),  # noqa: PLW0108 - the book is another one after a failure
            quote=self.quotes.get,
            clock=lambda: 1,
            settings=PortfolioSettings(collar_fraction=COLLAR),
            fee=self.fee,
        )
        for entry in self.journal.scan():
            self.recorder.replay(entry)

    @staticmethod
    def fee(sign: int, quantity: Decimal, notional: Decimal) -> Decimal:
        return total_fee(FeeSchedule(), sign, quantity, notional)

    def tell(self, event: Event) -> None:
        """Record an event; one that cannot be is refused and changes nothing."""
        if isinstance(event, OrderEvent) and event.client_order_id not in self.keys:
            self.keys.append(event.client_order_id)
        try:
            self.recorder.record([event])
        except (InvariantError, UnavailableError):
            return

    def trade(self, instruction: OrderTerms, part: Decimal) -> None:
        """An order as it should be: submitted, taken, and part of it executed."""
        key = f"T{len(self.keys)}"
        order = Order(client_order_id=key, terms=instruction, arrival_bid=D("9.99"), arrival_ask=D("10.01"))
        self.tell(OrderEvent(client_order_id=key, kind=K.SUBMIT, ts_event=1, recorded_at=1, order=order))
        self.tell(OrderEvent(client_order_id=key, kind=K.ACCEPT, ts_event=1, recorded_at=1))
        if part:
            fill = fill_of(
                key, f"Y{len(self.fills)}", structs.replace(instruction, quantity=instruction.quantity * part)
            )
            self.fills.append(fill)
            self.tell(_executed(K.FILL, fill))

    def revise(self, at: int, price: Decimal | None) -> None:
        """The venue takes an execution back, or states another price for it."""
        if self.fills:
            fill = self.fills[at % len(self.fills)]
            if price is None:
                self.tell(_executed(K.BUST, fill))
            else:
                self.tell(_executed(K.CORRECT, structs.replace(fill, price=price, corrects=fill.fill_id)))

    def end(self, at: int, kind: OrderEventKind) -> None:
        """Something else becomes of an order."""
        if self.keys:
            key = self.keys[at % len(self.keys)]
            self.tell(OrderEvent(client_order_id=key, kind=kind, ts_event=1, recorded_at=1))

    def amend(self, at: int, kind: OrderEventKind, quantity: str) -> None:
        """Another quantity is asked for, or the venue's word on it comes."""
        open_now = [order for order in self.recorder.front.all_open() if order.client_order_id in self.keys]
        if open_now:
            order = open_now[at % len(open_now)]
            terms_then = structs.replace(order.terms, quantity=D(quantity))
            key = order.client_order_id
            self.tell(OrderEvent(client_order_id=key, kind=kind, ts_event=1, recorded_at=1, terms=terms_then))

    def check(self) -> None:
        """The gate's figures against those made from nothing."""
        for account_id in self.ledger.account_ids:
            binding = tuple(self.recorder.binding(account_id))
            working = self.working.of(account_id)
            assert {one.client_order_id: one for one in binding} == {
                key: found for key in self.keys if (found := working.get(key)) is not None
            }
            assert len(working) == len(binding)
            for instrument_id in INSTRUMENTS:
                orders = [one for one in binding if one.terms.instrument_id == instrument_id]
                assert sorted(working.of(instrument_id), key=_key) == sorted(orders, key=_key)
                claims = ClaimCache(COLLAR, self.fee).claims(sorted(orders, key=_key))
                assert sorted(working.claims(instrument_id), key=_key) == claims
            self.check_balances(account_id, binding)

    def check_balances(self, account_id: str, binding: tuple[Order, ...]) -> None:
        book = self.ledger.book(account_id)
        valued = value_positions(book, lambda key: find_mark(book, key, self.quotes.get))
        claims = ClaimCache(COLLAR, self.fee).claims(binding)
        assert self.portfolio.balances(account_id, self.working.of(account_id)) == balance(book, valued, claims)
        left_out = self.keys[:2]
        others = self.working.of(account_id).without(lambda order: order.client_order_id in left_out)
        claims = [claim for claim in claims if claim.client_order_id not in left_out]
        assert self.portfolio.balances(account_id, others) == balance(book, valued, claims)


def _key(one: object) -> str:
    return str(getattr(one, "client_order_id"))  # noqa: B009 - orders and claims alike


def fill_of(key: str, fill_id: str, terms: OrderTerms, **more: object) -> Fill:
    """An execution of the whole of these terms."""
    made = Fill(
        fill_id=fill_id,
        client_order_id=key,
        account_id=terms.account_id,
        instrument_id=terms.instrument_id,
        sign=terms.side.sign,
        quantity=terms.quantity,
        price=terms.limit_price or D("10.005"),
        ts_event=1,
    )
    return structs.replace(made, **more)


def _executed(kind: OrderEventKind, fill: Fill) -> OrderEvent:
    return OrderEvent(client_order_id=fill.client_order_id, kind=kind, ts_event=1, recorded_at=1, fill=fill)


@st.composite
def order_events(draw: st.DrawFn) -> OrderEvent:
    """Anything that may be said about an order, sensible or not."""
    key, kind = draw(st.sampled_from(KEYS)), draw(st.sampled_from((*K, *EXECUTIONS)))
    event = OrderEvent(client_order_id=key, kind=kind, ts_event=1, recorded_at=1)
    if kind in (K.UPDATE_REQUEST, K.UPDATE):
        return structs.replace(event, terms=draw(instructions))
    if kind not in (K.FILL, K.BUST, K.CORRECT):
        return event
    number, fee = draw(st.integers(1, 6)), draw(st.sampled_from((D(0), D("0.35"), D("-0.000000005"))))
    corrects = f"X{draw(st.integers(1, 6))}" if kind is K.CORRECT else ""
    return structs.replace(event, fill=fill_of(key, f"X{number}", draw(instructions), fee=fee, corrects=corrects))


@st.composite
def new_orders(draw: st.DrawFn) -> OrderEvent:
    """An order of its own, or one leg of a bracket."""
    key, role = draw(st.sampled_from(KEYS)), draw(st.sampled_from(OrderRole))
    instruction: OrderTerms = draw(instructions)
    order = Order(
        client_order_id=key,
        terms=instruction,
        role=role,
        parent_id=draw(st.sampled_from(KEYS)) if role in (OrderRole.TAKE, OrderRole.STOP) else "",
        arrival_bid=draw(prices),
        arrival_ask=draw(prices),
    )
    kind = draw(st.sampled_from((K.SUBMIT, K.SUBMIT, K.SUBMIT, K.INITIALIZE, K.DENY)))
    return OrderEvent(client_order_id=key, kind=kind, ts_event=1, recorded_at=1, order=order)


def _said(event: Event) -> Step:
    return lambda desk: desk.tell(event)


def _quoted(instrument_id: str, now: Quote | None) -> Step:
    def step(desk: Desk) -> None:
        desk.quotes.pop(instrument_id, None)
        if now is not None:
            desk.quotes[instrument_id] = structs.replace(now, instrument_id=instrument_id)

    return step


def _hold(desk: Desk) -> None:
    desk.journal.is_held = True


def _release_some(desk: Desk) -> None:
    desk.journal.release(2)


def _release(desk: Desk) -> None:
    desk.journal.is_held = False
    desk.journal.release()


def _begin_session(account_id: str, date: str) -> Event:
    marks = {"AAPL.XNAS": D("11.5"), "BTC.XXXX": D("65000.5")}
    return SessionMarked(
        account_id=account_id, session_date=date, equity=D(100_000), marks=marks, ts_event=1, recorded_at=1
    )


accounts = st.sampled_from(ACCOUNTS)
places = st.integers(0, 9)
trades = st.builds(
    lambda instruction, part: lambda desk: Desk.trade(desk, instruction, part),
    instructions,
    st.sampled_from((D(0), D(0), D(1), D(1), D("0.5"))),
)
revisions = st.builds(lambda at, price: lambda desk: Desk.revise(desk, at, price), places, prices)
amendments = st.builds(
    lambda at, kind, quantity: lambda desk: Desk.amend(desk, at, kind, quantity),
    places,
    st.sampled_from((K.UPDATE_REQUEST, K.UPDATE_REQUEST, K.UPDATE, K.UPDATE_REJECT)),
    quantities,
)
ends = st.builds(
    lambda at, kind: lambda desk: Desk.end(desk, at, kind),
    places,
    st.sampled_from((K.CANCEL, K.CANCEL, K.EXPIRE, K.REJECT, K.MARK_UNKNOWN, K.RESOLVE)),
)
steps: st.SearchStrategy[Step] = st.one_of(
    trades,
    trades,
    trades,
    amendments,
    revisions,
    ends,
    new_orders().map(_said),
    order_events().map(_said),
    st.builds(_quoted, st.sampled_from(INSTRUMENTS), st.sampled_from(
        (quote(), quote("11.00", "11.02"), quote("10", "30"), quote("10", "30", last=None), quote("12", "11"), None)
    )),
    st.builds(lambda account_id: _said(moved("250.005", "m1", account_id)), accounts),
    st.builds(lambda account_id, date: _said(_begin_session(account_id, date)), accounts, st.sampled_from("12")),
    st.sampled_from((_hold, _release, _release, _release_some, _release_some, Desk.start)),
)  # fmt: skip


@settings(max_examples=1500 if IS_NIGHT else 150)
@given(st.lists(steps, min_size=12, max_size=40), st.booleans())
def test_the_gates_figures_are_those_of_all_binding_orders_after_any_story(
    story: list[Step], has_bad_disk: bool
) -> None:
    async def live() -> None:
        desk = Desk()
        desk.tell(opened("main"))
        desk.tell(opened("second", AccountType.CASH))
        for step in story:
            step(desk)
            for _ in range(3):
                await asyncio.sleep(0)
            desk.check()
        if has_bad_disk:  # what is on its way is lost
            desk.journal.break_down()
            await asyncio.sleep(0)
            desk.check()
        desk.start()
        desk.check()

    asyncio.run(live())
