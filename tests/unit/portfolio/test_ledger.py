"""The ledger's stories: buying, selling, shorting, flipping, busts and corrections, named lots, sessions."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from msgspec import structs

from stockpulse_engine.domain.accounts import LotMethod, TradingState
from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.errors import InvariantError, NotFoundError
from stockpulse_engine.domain.events import ActionApplied, Event, Reconciled, TradingStateChanged
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio import ledger as ledger_module
from stockpulse_engine.portfolio.entries import Book, Entry, EntryKind, Posting, require_balanced
from stockpulse_engine.portfolio.ledger import Ledger
from tests.fakes.portfolio_build import AAPL, D, busted, corrected, fill, filled, moved, opened, order, terms


def ledger_with(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in (opened(), *events):
        ledger.apply(event)
    invariants.check_all(ledger)
    return ledger


def test_opening_an_account_deposits_its_cash_once() -> None:
    ledger = ledger_with(opened(cash="5"))
    assert ledger.book("main").cash == 100_000
    assert ledger.book("main").deposits == 100_000
    assert ledger.account_ids == ("main",)


def test_a_purchase_moves_cash_into_cost_and_fees_are_expensed_apart() -> None:
    book = ledger_with(filled(fill("f1", "10", "100.50", fee="0.35"))).book("main")
    assert book.cash == D("98994.65")
    assert book.cost == 1005
    assert book.fees == D("0.35")
    assert book.realized == 0


def test_a_sale_realizes_first_in_first_out() -> None:
    ledger = ledger_with(
        filled(fill("f1", "10", "100")), filled(fill("f2", "10", "110")), filled(fill("f3", "-15", "120"))
    )
    position = ledger.position("main", AAPL)
    assert position is not None
    assert position.realized == 10 * 20 + 5 * 10
    assert position.quantity == 5
    assert position.cost == 550
    assert [lot.lot_id for lot in ledger.lots("main", AAPL)] == ["f2"]


def test_named_lots_close_first_and_the_rest_follows_fifo() -> None:
    chosen = order("o-f3", terms("-12", lots=("f2",)))
    submitted = OrderEvent(client_order_id="o-f3", kind=OrderEventKind.SUBMIT, ts_event=1, recorded_at=1, order=chosen)
    ledger = ledger_with(
        filled(fill("f1", "10", "100")), filled(fill("f2", "10", "110")), submitted, filled(fill("f3", "-12", "120"))
    )
    position = ledger.position("main", AAPL)
    assert position is not None
    assert position.realized == 10 * 10 + 2 * 20
    assert [(lot.lot_id, lot.quantity) for lot in ledger.lots("main")] == [("f1", D(8))]


def test_new_terms_may_name_other_lots() -> None:
    update = OrderEvent(
        client_order_id="o-f3", kind=OrderEventKind.UPDATE, ts_event=1, recorded_at=1, terms=terms("-5", lots=("f2",))
    )
    ledger = ledger_with(
        filled(fill("f1", "10", "100")), filled(fill("f2", "10", "110")), update, filled(fill("f3", "-5", "120"))
    )
    assert {lot.lot_id: lot.quantity for lot in ledger.lots("main")} == {"f1": 10, "f2": 5}


def test_selling_through_zero_closes_and_opens_a_short_lot() -> None:
    ledger = ledger_with(filled(fill("f1", "10", "100", at=5)), filled(fill("f2", "-25", "110", at=9)))
    position = ledger.position("main", AAPL)
    assert position is not None
    assert (position.quantity, position.side, position.realized) == (D(-15), "SHORT", D(100))
    assert position.average_cost == 110
    assert position.opened_at == 9
    (lot,) = ledger.lots("main", AAPL)
    assert (lot.quantity, lot.cost) == (D(-15), D(-1650))


def test_covering_a_short_gains_when_the_price_fell() -> None:
    ledger = ledger_with(filled(fill("f1", "-10", "100")), filled(fill("f2", "10", "90")))
    assert ledger.book("main").realized == 100
    assert ledger.book("main").cash == 100_100
    assert ledger.positions("main") == []
    assert len(ledger.positions("main", with_flat=True)) == 1


def test_an_execution_posts_once_however_often_it_is_told() -> None:
    once = fill("f1", "10", "100", fee="1")
    ledger = ledger_with(filled(once), filled(once), filled(once))
    assert ledger.quantity("main", AAPL) == 10
    assert ledger.book("main").fees == 1


def test_the_same_execution_id_in_another_account_is_another_execution() -> None:
    ledger = ledger_with(
        opened("second"), filled(fill("f1", "10", "100")), filled(fill("f1", "4", "100", account_id="second"))
    )
    assert ledger.quantity("main", AAPL) == 10
    assert ledger.quantity("second", AAPL) == 4


def test_a_bust_reverses_by_new_entries_that_point_at_the_old() -> None:
    entries: list[Entry] = []
    ledger = Ledger(entries.append)
    bought = fill("f1", "10", "100", fee="1")
    for event in (opened(), filled(bought), busted(bought)):
        ledger.apply(event)
    assert [entry.kind for entry in entries] == [EntryKind.DEPOSIT, EntryKind.FILL, EntryKind.REVERSAL]
    assert entries[2].reverses == entries[1].entry_id
    assert ledger.book("main").cash == 100_000
    assert ledger.book("main").fees == 0
    assert ledger.quantity("main", AAPL) == 0
    invariants.check_all(ledger)


def test_busting_a_purchase_matches_the_sale_after_it_again() -> None:
    first, second, sale = fill("f1", "10", "100"), fill("f2", "10", "110"), fill("f3", "-10", "120")
    ledger = ledger_with(filled(first), filled(second), filled(sale), busted(first))
    assert ledger.book("main").realized == 100
    assert ledger.quantity("main", AAPL) == 0
    restated = [entry for entry in ledger.entries if entry.kind is EntryKind.RESTATEMENT]
    assert [entry.reference for entry in restated] == ["f3"]


def test_a_bust_told_before_its_fill_keeps_the_fill_out() -> None:
    late = fill("f1", "10", "100")
    ledger = ledger_with(busted(late), filled(late))
    assert ledger.quantity("main", AAPL) == 0


def test_a_correction_restates_in_place_and_keeps_the_lots_name() -> None:
    wrong = fill("f1", "10", "100")
    right = fill("f9", "10", "99", corrects="f1")
    ledger = ledger_with(filled(wrong), filled(fill("f2", "10", "110")), corrected(right), corrected(right))
    assert [(lot.lot_id, lot.price, lot.fill_id) for lot in ledger.lots("main")] == [
        ("f1", D(99), "f9"),
        ("f2", D(110), "f2"),
    ]
    assert ledger.book("main").cash == 100_000 - 990 - 1100


def test_a_correction_told_before_its_fill_stands_for_it() -> None:
    ledger = ledger_with(corrected(fill("f9", "10", "99", corrects="f1")), filled(fill("f1", "10", "100")))
    assert ledger.book("main").cash == 99_010


def test_a_corrected_fill_can_be_busted_under_either_name() -> None:
    for name in ("f1", "f9"):
        wrong, right = fill("f1", "10", "100"), fill("f9", "10", "99", corrects="f1")
        ledger = ledger_with(filled(wrong), corrected(right), busted(fill(name, "10", "99", order_id="o-f1")))
        assert ledger.quantity("main", AAPL) == 0
        assert ledger.book("main").cash == 100_000


def test_a_correction_can_not_move_a_fill_to_another_instrument() -> None:
    ledger = ledger_with(filled(fill("f1", "10", "100")))
    with pytest.raises(InvariantError, match="another instrument"):
        ledger.apply(corrected(fill("f9", "10", "100", corrects="f1", instrument_id="MSFT.XNAS")))


def test_cash_movements_post_once() -> None:
    ledger = ledger_with(moved("500"), moved("500"), moved("-200", "m2"))
    assert ledger.book("main").deposits == 100_300
    assert ledger.book("main").cash == 100_300


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", D("NaN")),
        ("quantity", D("-1")),
        ("quantity", D(0)),
        ("price", D("Infinity")),
        ("price", D("-1")),
        ("fee", D("NaN")),
        ("sign", 0),
        ("fill_id", ""),
        ("currency", "EUR"),
        ("account_id", "nobody"),
    ],
)
def test_an_impossible_fill_is_refused_and_changes_nothing(field: str, value: object) -> None:
    ledger = ledger_with(filled(fill("f1", "10", "100")))
    before = invariants.state_bytes(ledger)
    broken = msgspec.structs.replace(fill("f2", "10", "100"), **{field: value})
    with pytest.raises(InvariantError):
        ledger.apply(filled(broken))
    assert invariants.state_bytes(ledger) == before


@pytest.mark.parametrize("price", ["1." + "0" * 12 + "1", "1" + "0" * 20])
def test_amounts_too_long_to_be_exact_are_refused_and_not_rounded(price: str) -> None:
    with pytest.raises(InvariantError, match="L11"):
        ledger_with(filled(fill("f1", "1", price)))


def test_rounding_goes_to_its_own_account_and_stays_small() -> None:
    events = [filled(fill(f"f{number}", "0.333333333", "0.333333333")) for number in range(100)]
    book = ledger_with(*events, filled(fill("s", "-33.3333333", "0.5"))).book("main")
    assert abs(book.rounding) <= 101 * D("0.00000001")
    assert book.cash + book.cost == book.deposits + book.realized - book.fees - book.rounding


def test_an_unbalanced_entry_is_refused() -> None:
    legs = (Posting(Book.CASH, D(1)), Posting(Book.DEPOSITS, D("-0.99")))
    with pytest.raises(InvariantError, match="L1"):
        require_balanced(Entry(1, "main", "USD", EntryKind.DEPOSIT, "x", 1, legs))


def test_old_entries_leave_memory_and_the_balances_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_ENTRIES", 5)
    ledger = ledger_with(*(filled(fill(f"f{number}", "1", "10")) for number in range(20)))
    assert len(ledger.entries) == 5
    assert ledger.book("main").cash == 99_800


def test_replay_and_snapshot_with_tail_give_the_live_state() -> None:
    bought = fill("f1", "10", "100.333333333")
    events: list[Event] = [opened(), filled(bought), moved("5"), filled(fill("f2", "-4", "101")), busted(bought)]
    ledger = Ledger()
    snapshots = []
    for event in events:
        snapshots.append(invariants.state_bytes(ledger))
        ledger.apply(event)
    invariants.check_replay(ledger, events)
    for index, snapshot in enumerate(snapshots):
        invariants.check_snapshot(ledger, snapshot, events[index:])
    with pytest.raises(InvariantError, match="L12"):
        invariants.check_replay(ledger, events[:-1])


def test_invariants_see_planted_damage() -> None:
    ledger = ledger_with(filled(fill("f1", "10", "100")))
    book = ledger.book("main")
    book.balances[Book.CASH] += Decimal(1)
    with pytest.raises(InvariantError, match="L2"):
        invariants.check_live(ledger, "main", AAPL)
    book.balances[Book.CASH] -= Decimal(1)
    next(iter(book.holdings[AAPL].lots)).quantity -= 1
    with pytest.raises(InvariantError, match="L5"):
        invariants.check_live(ledger, "main", AAPL)
    with pytest.raises(InvariantError, match="L4"):
        invariants.check_all(ledger)


def test_the_last_reconciliation_is_remembered() -> None:
    clean = Reconciled(account_id="main", orders=1, fills_added=0, differences=(), ts_event=50, recorded_at=50)
    dirty = msgspec.structs.replace(clean, differences=("cash differs",), ts_event=90)
    ledger = ledger_with(clean, dirty)
    assert ledger.book("main").reconciled.clean_at == 50
    assert ledger.book("main").reconciled.differences == ("cash differs",)


def test_an_unknown_account_is_named() -> None:
    with pytest.raises(NotFoundError, match="main"):
        ledger_with().book("other")
    assert ledger_with().quantity("other", AAPL) == 0


def test_previewing_a_close_changes_nothing() -> None:
    ledger = ledger_with(filled(fill("f1", "10", "100")), filled(fill("f2", "10", "110")))
    before = invariants.state_bytes(ledger)
    parts = ledger.preview_close(terms("-15"), D(120))
    assert [(part.lot_id, part.quantity, part.realized) for part in parts] == [
        ("f1", D(10), D(200)),
        ("f2", D(5), D(50)),
    ]
    assert ledger.preview_close(terms("15"), D(120)) == ()
    assert ledger.preview_close(terms("-15", instrument_id="MSFT.XNAS"), D(120)) == ()
    assert ledger.preview_close(terms("-15"), D("NaN")) == ()
    assert ledger.preview_close(msgspec.structs.replace(terms("-15"), quantity=D("Infinity")), D(120)) == ()
    chosen = ledger.preview_close(terms("-12", lots=("f2", "f2", "gone")), D(120))
    assert [(part.lot_id, part.quantity) for part in chosen] == [("f2", D(10)), ("f1", D(2))]
    assert invariants.state_bytes(ledger) == before


def test_a_dividend_is_income_and_a_split_leaves_average_cost_whole() -> None:
    split = ActionStatement(
        action_id="s", account_id="main", instrument_id=AAPL, kind="SPLIT", numerator=7, price=D("92.22")
    )
    paid = ActionStatement(action_id="d", account_id="main", instrument_id=AAPL, kind="DIVIDEND", amount=D("3.29"))
    facts = [ActionApplied(statement=said, ts_event=20, recorded_at=20) for said in (paid, split, paid)]
    ledger = ledger_with(filled(fill("f1", "100", "646.27")), *facts)
    book, position = ledger.book("main"), ledger.position("main", AAPL)
    assert position is not None
    assert [position.quantity, position.cost, position.realized] == [700, 64627, 0]
    assert book.income == 329, "once, on the hundred old shares"
    assert book.cash == 100_000 - 64627 + 329
    (lot,) = ledger.lots("main", AAPL)
    assert [lot.quantity, lot.cost] == [700, 64627]


# --- which lots close first -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "long_left", "short_left"),
    [
        (LotMethod.FIFO, ["dear", "cheap"], ["dear", "cheap"]),
        (LotMethod.LIFO, ["first", "dear"], ["first", "dear"]),
        (LotMethod.HIFO, ["first", "cheap"], ["first", "dear"]),
    ],
)
@pytest.mark.covers("L5", "S13")
def test_the_method_of_the_account_says_which_lot_closes_first(
    method: LotMethod, long_left: list[str], short_left: list[str]
) -> None:
    """Of what is held HIFO gives the dearest, of what was sold short the cheapest: each gains least."""
    for sign, left in ((1, long_left), (-1, short_left)):
        ledger = Ledger()
        ledger.apply(opened(lots=method))
        for name, price in (("first", "100"), ("dear", "110"), ("cheap", "90")):
            ledger.apply(filled(fill(name, str(10 * sign), price)))
        (part,) = ledger.preview_close(terms(str(-10 * sign), None), D(105))
        ledger.apply(filled(fill("close", str(-10 * sign), "105")))
        lots = ledger.lots("main", AAPL)
        assert sorted(lot.lot_id for lot in lots) == sorted(left)
        position = ledger.position("main", AAPL)
        assert position is not None
        assert position.realized == part.realized
        twin = Ledger.restore(ledger.snapshot())
        for one in (ledger, twin):
            one.apply(filled(fill("again", str(-10 * sign), "105")))
        assert twin.snapshot() == ledger.snapshot()


@pytest.mark.covers("S13")
def test_named_lots_come_before_the_method() -> None:
    ledger = Ledger()
    ledger.apply(opened(lots=LotMethod.HIFO))
    for name, price in (("first", "100"), ("dear", "110"), ("cheap", "90")):
        ledger.apply(filled(fill(name, "10", price)))
    picked = order("o", structs.replace(terms("-15", None), lots=("cheap",)))
    ledger.apply(OrderEvent(client_order_id="o", kind=OrderEventKind.SUBMIT, ts_event=5, recorded_at=5, order=picked))
    ledger.apply(filled(structs.replace(fill("close", "-15", "105"), client_order_id="o")))
    assert {lot.lot_id: lot.quantity for lot in ledger.lots("main", AAPL)} == {"first": D(10), "dear": D(5)}


@pytest.mark.covers("L4", "L8")
def test_a_rename_keeps_lots_and_cost_under_the_other_id() -> None:
    said = ActionStatement(
        action_id="r1", account_id="main", instrument_id=AAPL, kind="RENAME", other_id="AAPX.XNAS", before=D(10)
    )
    renamed = ActionApplied(statement=said, ts_event=20, recorded_at=20)
    ledger = ledger_with(filled(fill("f1", "10", "100")), renamed, renamed)
    assert [(one.instrument_id, one.quantity) for one in ledger.positions("main")] == [("AAPX.XNAS", D(10))]
    assert ledger.book("main").cost == 1000
    flat = ledger_with(renamed)
    assert len(flat.entries) == 1


@pytest.mark.covers("L6")
def test_what_is_told_twice_late_or_of_another_order_posts_nothing_of_it() -> None:
    first, late = fill("f1", "10", "100"), fill("f9", "10", "99", corrects="f1")
    foreign = fill("f1", "10", "100", order_id="other")
    ledger = ledger_with(filled(first), busted(foreign), busted(first), corrected(late), corrected(first))
    assert ledger.quantity("main", AAPL) == 0
    known = ledger_with(filled(first), corrected(late), corrected(late), filled(first))
    assert known.quantity("main", AAPL) == 10
    later = fill("f10", "10", "98", corrects="f1")
    last = ledger_with(filled(first), corrected(late), corrected(later), corrected(late))
    assert last.book("main").cost == 980, "an older statement does not come back"
    apart = ledger_with(filled(first), corrected(fill("f7", "3", "50", corrects="f1", order_id="other")))
    assert apart.quantity("main", AAPL) == 13


def test_facts_that_move_nothing_post_nothing() -> None:
    nothing = ActionStatement(action_id="d1", account_id="main", instrument_id=AAPL, kind="DIVIDEND", amount=D(0))
    said = filled(fill("f2", "1", "1"), OrderEventKind.ACCEPT)
    halted = TradingStateChanged(state=TradingState.HALTED, reason="", ts_event=1, recorded_at=1)
    paid = ActionApplied(statement=nothing, ts_event=20, recorded_at=20)
    ledger = ledger_with(filled(fill("f1", "10", "100")), paid, said, halted, moved("0"))
    assert len(ledger.entries) == 2
    assert ledger.account("main").account_id == "main"
