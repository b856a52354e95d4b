"""FIX's order state change matrices, row by row: the words of both sides in order, and where the order then stands.

A row is a sentence of steps: ours end in `?` (a request), the venue's carry what they tell. Rows are named as in the
appendix of FIX 4.4 (D1 to D36) where one stands for the case, and J for executions that are taken back or restated.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from stockpulse_engine.domain.errors import InvariantError
from stockpulse_engine.domain.order_machine import apply
from stockpulse_engine.domain.orders import Order, OrderEventKind, OrderStatus, OrderType
from tests.unit.domain.test_order_machine import TERMS, a_fill, an_event, an_order

K, S = OrderEventKind, OrderStatus

ROWS: tuple[tuple[str, str, str], ...] = (
    # (name, steps, "STATUS executed/left" and "!" for UNKNOWN)
    ("D1 filled in two parts", "accept fill:40 fill:60", "FILLED 100/0"),
    ("D1 filled at once", "accept fill:100", "FILLED 100/0"),
    ("D2 part-filled day order done for the day", "accept fill:40 done", "DONE_FOR_DAY 40/60"),
    ("D2 goes on the next day", "accept fill:40 done accept fill:60", "FILLED 100/0"),
    ("D2 expires at the end of its day", "accept fill:40 expire", "EXPIRED 40/0"),
    ("D3 cancel of an order without executions", "accept cancel? cancel", "CANCELED 0/0"),
    ("D3 cancel of a part-filled order", "accept fill:40 cancel? cancel", "CANCELED 40/0"),
    ("D4 executions while the cancel is pending", "accept fill:20 cancel? fill:30 cancel", "CANCELED 50/0"),
    ("D4 two executions while it is pending", "accept cancel? fill:20 fill:30 cancel", "CANCELED 50/0"),
    ("D5 filled before it could be canceled", "accept cancel? fill:100 cancel_reject", "FILLED 100/0"),
    ("D5 the rest filled before", "accept fill:40 cancel? fill:60 cancel_reject", "FILLED 100/0"),
    ("D5 the fill comes after the refusal", "accept cancel? cancel_reject fill:100", "FILLED 100/0"),
    ("D6 cancel refused, nothing executed", "accept cancel? cancel_reject", "ACCEPTED 0/100"),
    ("D6 cancel refused, part-filled", "accept fill:40 cancel? cancel_reject", "PARTIALLY_FILLED 40/60"),
    ("D6 part-filled while it was asked", "accept cancel? fill:40 cancel_reject", "PARTIALLY_FILLED 40/60"),
    ("D7 cancel refused: the venue knows no such order", "cancel? cancel_reject", "SUBMITTED 0/100"),
    ("D8 changed to more, nothing executed", "accept update?:110 update:110", "ACCEPTED 0/110"),
    ("D8 changed to more, part-filled", "accept fill:40 update?:110 update:110", "PARTIALLY_FILLED 40/70"),
    ("D9 executed while the change was pending", "accept update?:110 fill:40 update:110", "PARTIALLY_FILLED 40/70"),
    ("D10 filled to the old quantity, then more", "accept update?:110 fill:100 update:110", "PARTIALLY_FILLED 100/10"),
    ("D10 and the rest of the new quantity", "accept update?:110 fill:100 update:110 fill:10", "FILLED 110/0"),
    ("D11 change refused, nothing executed", "accept update?:110 update_reject", "ACCEPTED 0/100"),
    ("D11 change refused, filled meanwhile", "accept update?:110 fill:100 update_reject", "FILLED 100/0"),
    ("D12 changed to what was executed", "accept fill:40 update?:40 update:40", "FILLED 40/0"),
    ("D12 changed to less, more left", "accept fill:40 update?:50 update:50", "PARTIALLY_FILLED 40/10"),
    ("D13 a change after a change", "accept update?:110 update:110 update?:120 update:120", "ACCEPTED 0/120"),
    ("D14 the second change refused", "accept update?:110 update:110 update?:120 update_reject", "ACCEPTED 0/110"),
    ("D15 cancel over a pending change", "accept update?:110 cancel? cancel", "CANCELED 0/0"),
    ("D16 that cancel is refused, the change came", "accept update?:110 cancel? update:110 cancel_reject", "ACCEPTED 0/110"),
    ("D17 both refused", "accept update?:110 cancel? update_reject cancel_reject", "ACCEPTED 0/100"),
    ("D18 rejected at once", "reject", "REJECTED 0/0"),
    ("D19 rejected after it was taken", "accept reject", "REJECTED 0/0"),
    ("D20 canceled by the venue, not asked", "accept cancel", "CANCELED 0/0"),
    ("D20 the rest canceled by the venue", "accept fill:40 cancel", "CANCELED 40/0"),
    ("D21 immediate or cancel, part-filled", "fill:40 cancel", "CANCELED 40/0"),
    ("D22 immediate or cancel, nothing", "cancel", "CANCELED 0/0"),
    ("D23 fill or kill, filled before the acceptance", "fill:100 accept", "FILLED 100/0"),
    ("D24 fill or kill, killed", "accept expire", "EXPIRED 0/0"),
    ("D25 suspended and back", "accept suspend accept", "ACCEPTED 0/100"),
    ("D25 suspended with executions and back", "accept fill:40 suspend accept", "PARTIALLY_FILLED 40/60"),
    ("D26 canceled while suspended", "accept suspend cancel? cancel", "CANCELED 0/0"),
    ("D27 an execution of a suspended order", "accept suspend fill:40", "PARTIALLY_FILLED 40/60"),
    ("D28 a stop triggers and fills", "accept trigger fill:100", "FILLED 100/0"),
    ("D28 a triggered stop is canceled", "accept trigger cancel? cancel", "CANCELED 0/0"),
    ("D29 it triggers while the cancel is pending", "accept cancel? trigger cancel_reject", "TRIGGERED 0/100"),
    ("D30 canceled before the acceptance came", "cancel? accept cancel", "CANCELED 0/0"),
    ("D31 the acceptance is told twice", "accept accept", "ACCEPTED 0/100"),
    ("D31 the cancel is told twice", "accept cancel? cancel cancel", "CANCELED 0/0"),
    ("D32 expired while the cancel is pending", "accept cancel? expire", "EXPIRED 0/0"),
    ("D33 an execution after the cancel", "accept cancel? cancel fill:40", "CANCELED 40/0"),
    ("D33 an execution after the expiry", "accept expire fill:40", "EXPIRED 40/0"),
    ("D34 canceled says the venue of what is filled", "accept fill:100 cancel", "FILLED 100/0!"),
    ("D35 alive says the venue of what is dead", "accept cancel? cancel accept", "CANCELED 0/0!"),
    ("D36 more executed than ordered", "accept fill:150", "FILLED 150/0"),
    ("J an execution is taken back", "accept fill:40 bust:40", "ACCEPTED 0/100"),
    ("J the last of two is taken back: it is over", "accept fill:40 fill:60 bust:60", "FILLED 40/0"),
    ("J an execution of a canceled order is taken back", "accept fill:40 cancel bust:40", "CANCELED 0/0"),
    ("J no answer, then the acceptance", "unknown accept", "ACCEPTED 0/100"),
    ("J no answer, then an execution", "unknown fill:40", "PARTIALLY_FILLED 40/60"),
    ("J no answer to a change, then the old terms", "accept update?:110 unknown update_reject", "ACCEPTED 0/100"),
    ("J no answer to a cancel", "accept cancel? unknown", "PENDING_CANCEL 0/100!"),
)  # fmt: skip
_WORDS = {
    "accept": K.ACCEPT, "fill": K.FILL, "bust": K.BUST, "done": K.DONE_FOR_DAY, "expire": K.EXPIRE,
    "cancel?": K.CANCEL_REQUEST, "cancel": K.CANCEL, "cancel_reject": K.CANCEL_REJECT, "update?": K.UPDATE_REQUEST,
    "update": K.UPDATE, "update_reject": K.UPDATE_REJECT, "reject": K.REJECT, "suspend": K.SUSPEND,
    "trigger": K.TRIGGER, "unknown": K.MARK_UNKNOWN,
}  # fmt: skip


def told(order: Order, step: str) -> Order:
    """One step of a row."""
    word, _, number = step.partition(":")
    more: dict[str, object] = {}
    if word in ("fill", "bust"):
        more["fill"] = a_fill(number)
    elif number:
        more["terms"] = structs.replace(TERMS, quantity=Decimal(number))
    return apply(order, an_event(_WORDS[word], **more))


def standing(order: Order) -> str:
    """Status, what was executed, what is left, and whether it is in doubt."""
    doubt = "!" if order.is_unknown else ""
    return f"{order.status.value} {order.filled_quantity}/{order.leaves_quantity}{doubt}"


@pytest.mark.covers("F05", "F06", "F11", "F15", "O1", "O3")
@pytest.mark.parametrize(("name", "steps", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_matrix(name: str, steps: str, expected: str) -> None:
    order = an_order(S.SUBMITTED)
    for step in steps.split():
        order = told(order, step)
    assert standing(order) == expected


@pytest.mark.covers("F11")
def test_a_change_to_less_than_was_executed_leaves_nothing_to_execute() -> None:
    order = told(told(told(an_order(S.SUBMITTED), "fill:40"), "update?:30"), "update:30")
    assert order.leaves_quantity == 0
    assert order.has_overfill


def test_beneath_a_pending_request_a_repeated_acceptance_does_not_untrigger() -> None:
    order = an_order(S.PENDING_CANCEL, filled=0, resume_status=S.TRIGGERED)
    assert told(told(order, "accept"), "cancel_reject").status is S.TRIGGERED


@pytest.mark.covers("F05")
@pytest.mark.parametrize(
    "steps",
    ["cancel fill:100 cancel_reject", "cancel_reject fill:100 cancel", "fill:100 cancel cancel_reject",
     "fill:100 cancel_reject cancel", "cancel cancel_reject fill:100", "cancel_reject cancel fill:100"],
)  # fmt: skip
def test_whatever_order_fill_cancel_and_refusal_come_in_the_execution_is_booked(steps: str) -> None:
    order = told(told(an_order(S.SUBMITTED), "accept"), "cancel?")
    for step in steps.split():
        order = told(order, step)
    assert order.filled_quantity == 100
    assert order.status.is_terminal
    assert order.leaves_quantity == 0


def test_the_venue_moves_a_trailing_trigger_and_no_other_term() -> None:
    trailing = structs.replace(TERMS, order_type=OrderType.TRAILING_STOP, limit_price=None, trail_amount=Decimal(2))
    order = structs.replace(an_order(S.ACCEPTED), terms=trailing)
    moved = structs.replace(trailing, stop_price=Decimal(229), quantity=Decimal(7))
    after = apply(order, an_event(K.TRAIL, terms=moved))
    assert (after.terms.stop_price, after.terms.quantity, after.status) == (Decimal(229), Decimal(100), S.ACCEPTED)


@pytest.mark.covers("O1", "O2")
def test_an_order_whose_figures_contradict_each_other_stops_trading() -> None:
    broken = structs.replace(an_order(S.SUBMITTED), filled_quantity=Decimal(20))
    with pytest.raises(InvariantError, match="O1-O3"):
        apply(broken, an_event(K.ACCEPT))
