"""The ledger against the oracle: whatever happens in whatever order, both agree and every invariant holds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from stockpulse_engine.domain.accounts import LotMethod
from stockpulse_engine.domain.events import Event, SessionMarked
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio.entries import Entry
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.marks import Mark
from stockpulse_engine.portfolio.reservations import ClaimCache
from stockpulse_engine.portfolio.valuation import balance, value_positions
from tests.conftest import IS_NIGHT
from tests.fakes.portfolio_build import D, busted, corrected, fill, filled, moved, opened, order, terms
from tests.property.oracle import Fact, Oracle, to_minor_unit

METHODS = {"main": LotMethod.FIFO, "second": LotMethod.HIFO, "third": LotMethod.LIFO}
ACCOUNTS = tuple(METHODS)
INSTRUMENTS = ("AAPL.XNAS", "BTC.XXXX", "MSFT.XNAS")
quantities = st.one_of(
    st.integers(1, 300).map(str), st.decimals("0.00000001", "20", places=8).map(lambda value: f"{value:f}")
)
prices = st.one_of(
    st.integers(1, 40_000).map(lambda cents: f"{D(cents) / 100:f}"),
    st.decimals("0.00000001", "70000", places=8).map(lambda value: f"{value:f}"),
)
fees = st.sampled_from(("0", "0.35", "1.005", "-0.12", "0.000000005"))


class LedgerMachine(RuleBasedStateMachine):
    fills = Bundle("fills")

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.ledger = Ledger(self.entries.append)
        self.events: list[Event] = []
        self.oracles: dict[str, Oracle] = {}
        self.count = 0
        self.snapshot: tuple[int, bytes] = (0, invariants.state_bytes(self.ledger))

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.ledger.apply(event)

    def next_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    @initialize()
    def open_accounts(self) -> None:
        for account_id in ACCOUNTS:
            self.tell(opened(account_id, cash="250000", lots=METHODS[account_id]))
            self.oracles[account_id] = Oracle(method=METHODS[account_id].value)
            self.oracles[account_id].deposit(f"open:{account_id}", D(250_000))

    @rule(account_id=st.sampled_from(ACCOUNTS), amount=st.integers(-50_000, 50_000), is_repeated=st.booleans())
    def move_cash(self, account_id: str, amount: int, is_repeated: bool) -> None:
        event = moved(str(amount), self.next_id("m"), account_id)
        for _ in range(1 + is_repeated):
            self.tell(event)
            self.oracles[account_id].deposit(event.movement_id, event.amount)

    @rule(
        target=fills,
        account_id=st.sampled_from(ACCOUNTS),
        instrument_id=st.sampled_from(INSTRUMENTS),
        is_buy=st.booleans(),
        quantity=quantities,
        price=prices,
        fee=fees,
        picks=st.lists(st.integers(0, 5), max_size=3),
    )
    def trade(
        self, account_id: str, instrument_id: str, is_buy: bool, quantity: str, price: str, fee: str, picks: list[int]
    ) -> Fill:
        lots = [lot.lot_id for lot in self.ledger.lots(account_id, instrument_id)]
        named = tuple(dict.fromkeys(lots[pick] for pick in picks if pick < len(lots)))
        made = self.make(account_id, instrument_id, quantity if is_buy else f"-{quantity}", price, fee)
        self.book(made, named)
        return made

    @rule(target=fills, account_id=st.sampled_from(ACCOUNTS), instrument_id=st.sampled_from(INSTRUMENTS), price=prices)
    def flip(self, account_id: str, instrument_id: str, price: str) -> Fill:
        held = self.ledger.quantity(account_id, instrument_id)
        made = self.make(account_id, instrument_id, f"{-2 * held or Decimal(1):f}", price, "0.35")
        self.book(made, ())
        return made

    @rule(account_id=st.sampled_from(ACCOUNTS), instrument_id=st.sampled_from(INSTRUMENTS), price=prices)
    def close(self, account_id: str, instrument_id: str, price: str) -> None:
        held = self.ledger.quantity(account_id, instrument_id)
        if held:
            self.book(self.make(account_id, instrument_id, f"{-held:f}", price, "0"), ())
            assert self.ledger.quantity(account_id, instrument_id) == 0
            assert not self.ledger.lots(account_id, instrument_id)

    @rule(
        account_id=st.sampled_from(ACCOUNTS), instrument_id=st.sampled_from(INSTRUMENTS), part=quantities, price=prices
    )
    def close_the_newest_lot_first(self, account_id: str, instrument_id: str, part: str, price: str) -> None:
        sign = "-" if self.ledger.quantity(account_id, instrument_id) < 0 else ""
        for cents in ("10.00", "12.00"):
            self.book(self.make(account_id, instrument_id, f"{sign}9", cents, "0.35"), ())
        newest = self.ledger.lots(account_id, instrument_id)[-1].lot_id
        back = "" if sign else "-"
        self.book(self.make(account_id, instrument_id, f"{back}{part}", price, "0.35"), (newest,))

    @rule(made=fills)
    def deliver_again(self, made: Fill) -> None:
        self.tell(filled(made))

    @rule(made=consumes(fills), times=st.integers(1, 2))
    def bust(self, made: Fill, times: int) -> None:
        for _ in range(times):
            self.tell(busted(made))
            self.oracles[made.account_id].bust(made.fill_id)

    @rule(account_id=st.sampled_from(ACCOUNTS))
    def bust_before_the_fill(self, account_id: str) -> None:
        made = self.make(account_id, "AAPL.XNAS", "7", "11.50", "0.35")
        self.tell(busted(made))
        self.oracles[account_id].bust(made.fill_id)
        self.tell(filled(made))

    @rule(target=fills, made=consumes(fills), quantity=quantities, price=prices, fee=fees, has_new_id=st.booleans())
    def correct(self, made: Fill, quantity: str, price: str, fee: str, has_new_id: bool) -> Fill:
        new_id = self.next_id("f") if has_new_id else made.fill_id
        stated = msgspec.structs.replace(
            made, fill_id=new_id, quantity=D(quantity), price=D(price), fee=D(fee), corrects=made.fill_id
        )
        self.tell(corrected(stated))
        self.tell(corrected(stated))
        self.oracles[made.account_id].correct(made.fill_id, new_id, self.fact(stated, ()))
        return stated

    @rule(account_id=st.sampled_from(ACCOUNTS))
    def correct_before_the_fill(self, account_id: str) -> None:
        old = self.make(account_id, "MSFT.XNAS", "3", "12.50", "0")
        new = msgspec.structs.replace(old, fill_id=self.next_id("f"), price=D("12.40"), corrects=old.fill_id)
        self.tell(corrected(new))
        self.tell(filled(old))
        fact = self.fact(new, ())
        fact.ids |= {old.fill_id}
        self.oracles[account_id].fill("MSFT.XNAS", new.fill_id, fact)

    @rule(account_id=st.sampled_from(ACCOUNTS), price=prices)
    def begin_session(self, account_id: str, price: str) -> None:
        marks = dict.fromkeys(INSTRUMENTS, D(price))
        date = self.next_id("d")
        self.tell(
            SessionMarked(account_id=account_id, session_date=date, equity=D(1), marks=marks, ts_event=5, recorded_at=5)
        )

    @rule()
    def take_snapshot(self) -> None:
        self.snapshot = (len(self.events), invariants.state_bytes(self.ledger))

    @precondition(lambda self: self.events)
    @rule()
    def restart_from_snapshot(self) -> None:
        at, data = self.snapshot
        self.entries = [entry for entry in self.entries if entry.entry_id < invariants.snapshot_from(data).next_id]
        self.ledger = Ledger.restore(invariants.snapshot_from(data), self.entries.append)
        for event in self.events[at:]:
            self.ledger.apply(event)

    def make(self, account_id: str, instrument_id: str, signed: str, price: str, fee: str) -> Fill:
        fill_id = self.next_id("f")
        return fill(fill_id, signed, price, fee=fee, instrument_id=instrument_id, account_id=account_id, at=self.count)

    def book(self, made: Fill, named: tuple[str, ...]) -> None:
        if named:
            signed = f"{made.signed_quantity:f}"
            instruction = terms(signed, instrument_id=made.instrument_id, account_id=made.account_id, lots=named)
            submitted = order(made.client_order_id, instruction)
            self.tell(
                OrderEvent(
                    client_order_id=made.client_order_id,
                    kind=OrderEventKind.SUBMIT,
                    ts_event=1,
                    recorded_at=1,
                    order=submitted,
                )
            )
        self.tell(filled(made))
        self.oracles[made.account_id].fill(made.instrument_id, made.fill_id, self.fact(made, named))

    @staticmethod
    def fact(made: Fill, named: tuple[str, ...]) -> Fact:
        return Fact(
            ids={made.fill_id},
            signed=Fraction(made.signed_quantity),
            price=Fraction(made.price),
            fee=Fraction(made.fee),
            lot_id=made.corrects or made.fill_id,
            named=named,
        )

    @invariant()
    def the_oracle_agrees(self) -> None:
        for account_id, oracle in self.oracles.items():
            book = self.ledger.book(account_id)
            assert Fraction(book.cash) == oracle.cash()
            assert Fraction(book.deposits) == oracle.deposits
            assert Fraction(book.fees) == oracle.fees()
            assert Fraction(book.realized) == oracle.realized()
            for instrument_id in oracle.facts:
                self.compare_position(account_id, instrument_id, oracle)

    def compare_position(self, account_id: str, instrument_id: str, oracle: Oracle) -> None:
        answer, position = oracle.answer(instrument_id), self.ledger.position(account_id, instrument_id)
        assert position is not None
        assert Fraction(position.quantity) == answer.quantity
        assert Fraction(position.cost) == answer.cost
        assert Fraction(position.fees) == oracle.fees(instrument_id)
        assert Fraction(position.realized) == to_minor_unit(answer.realized)
        lots = self.ledger.lots(account_id, instrument_id)
        assert {lot.lot_id: (Fraction(lot.quantity), Fraction(lot.price)) for lot in lots} == answer.lots
        assert [lot.lot_id for lot in lots] == list(answer.lots)

    @invariant()
    def the_ledgers_own_invariants_hold(self) -> None:
        invariants.check_all(self.ledger)
        invariants.check_entries(self.entries)

    @invariant()
    def equity_and_reservations_are_derived_and_consistent(self) -> None:
        for account_id in self.ledger.account_ids:
            book = self.ledger.book(account_id)
            valued = value_positions(book, lambda _: Mark(D("101.25"), 1, "mid"))
            claims = ClaimCache(D("0.05")).claims([order("w1", terms("50", account_id=account_id))])
            balances = balance(book, valued, claims)
            invariants.check_equity(balances, valued)
            invariants.check_reserved(balances)

    def teardown(self) -> None:
        invariants.check_replay(self.ledger, self.events)
        at, data = self.snapshot
        invariants.check_snapshot(self.ledger, data, self.events[at:])


LedgerMachine.TestCase.settings = settings(
    max_examples=400 if IS_NIGHT else 40, stateful_step_count=60 if IS_NIGHT else 30, deadline=None
)
TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.covers("L7")
def test_one_fill_of_a_hundred_is_a_hundred_fills_of_one() -> None:
    """L7: realized P&L and cost do not depend on how executions are cut; cash differs by declared rounding only."""
    whole, cut = Ledger(), Ledger()
    for ledger in (whole, cut):
        ledger.apply(opened())
    price_in, price_out = "33.333333333", "35.777777777"
    whole.apply(filled(fill("b", "100", price_in)))
    whole.apply(filled(fill("s", "-60", price_out)))
    for number in range(100):
        cut.apply(filled(fill(f"b{number}", "1", price_in)))
    for number in range(60):
        cut.apply(filled(fill(f"s{number}", "-1", price_out)))
    one, many = whole.book("main"), cut.book("main")
    assert one.realized == many.realized
    assert one.cost == many.cost
    assert one.cash - many.cash == many.rounding - one.rounding
    assert abs(many.rounding) <= 160 * D("0.00000001")
