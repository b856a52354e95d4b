"""What only a whole command says in a preview: a trigger that follows, and what an order waits for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.conditions import Condition, PriceCondition
from stockpulse_engine.domain.orders import OrderType, Side
from stockpulse_engine.domain.views import Preview
from stockpulse_engine.risk.gate import check
from stockpulse_engine.risk.preview import build_preview, with_later_words
from stockpulse_engine.risk.view import GateView
from tests.fakes.portfolio_build import AAPL, D, terms
from tests.unit.risk.build import BUY, LIMITS, VIEW, view

replace = msgspec.structs.replace


def later(instruction: Any, seen: GateView = VIEW, **words: Any) -> Preview:
    command = SubmitOrder(client_order_id="C1", terms=instruction, **words)
    verdict = check(instruction, seen, LIMITS)
    made = build_preview(instruction, verdict, seen, LIMITS)
    return with_later_words(made, command, verdict, seen)


def trailing(side: Side, **words: Decimal) -> Any:
    return replace(terms("10", None), side=side, order_type=OrderType.TRAILING_STOP, **words)


@pytest.mark.parametrize(
    ("instruction", "seen", "text"),
    [
        (trailing(Side.SELL, trail_amount=D(2)), VIEW, "97.99 now   2.00 from the highest"),
        (trailing(Side.BUY, trail_fraction=D("0.01")), VIEW, "101.02 now   1% from the lowest"),
        (trailing(Side.BUY, trail_amount=D(2)), view(instrument=None), "102.01 now"),
        (trailing(Side.BUY), VIEW, "— now"),
    ],
)
def test_a_trigger_that_follows_says_where_it_would_stand_now(instruction: Any, seen: GateView, text: str) -> None:
    row = later(instruction, seen).rows[0]
    assert (row.name, row.text.startswith(text.split("   ", maxsplit=1)[0])) == ("trigger", True), row.text


def test_without_a_quote_no_trigger_is_guessed() -> None:
    assert "trigger" not in [row.name for row in later(trailing(Side.SELL, trail_amount=D(2)), view(quote=None)).rows]


def test_what_waits_is_told_and_not_held_up_by_what_may_pass() -> None:
    waits = Condition(parts=(PriceCondition(instrument_id=AAPL, price=D(101), is_above=True),))
    assert later(BUY, condition=waits).rows[0].name == "held"
    stale = later(BUY, view(quote_age_ns=10**12), condition=waits)
    assert (stale.is_allowed, stale.denial) == (True, "")
    never = later(replace(BUY, limit_price=None), condition=waits)
    assert (never.is_allowed, never.denial) == (False, "INCOMPLETE_TERMS")
    assert later(BUY).rows[0].name == "cost"
