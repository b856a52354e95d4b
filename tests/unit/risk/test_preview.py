"""The ticket's preview: the order in words, and rows made from the gate's own numbers."""

from __future__ import annotations

import msgspec

from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.domain.views import Preview, PreviewRow
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.risk.buying_power import funds_needed, quantity_for_risk
from stockpulse_engine.risk.gate import CHECKS, check
from stockpulse_engine.risk.preview import NO_BRACKET, Bracket, build_preview
from stockpulse_engine.risk.view import GateView
from tests.fakes.portfolio_build import D, fill, filled, opened, quote, terms
from tests.unit.risk.build import CASH, LIMITS, VIEW, holding, view

replace = msgspec.structs.replace


def preview(
    instruction: OrderTerms, seen: GateView = VIEW, legs: Bracket = NO_BRACKET, ledger: Ledger | None = None
) -> Preview:
    verdict = check(instruction, seen, LIMITS, bracket=legs)
    closing = ledger.preview_close(instruction, D(100)) if ledger is not None else ()
    return build_preview(instruction, verdict, seen, LIMITS, bracket=legs, closing=closing)


def named(shown: Preview, name: str) -> PreviewRow:
    return next(row for row in shown.rows if row.name == name)


def test_a_bracket_shows_risk_reward_and_their_ratio() -> None:
    shown = preview(terms("45", "100.00"), legs=(D(104), D(98)))
    assert [row.name for row in shown.rows] == ["cost", "risk", "weight", "power", "checks"]
    assert (shown.notional, shown.risk_amount, shown.reward_amount) == (D(4500), D(90), D(180))
    assert named(shown, "risk").text == "90.00   0.09 % of equity   reward 180.00   2.0 R"
    assert named(shown, "weight").text == "0 % → 4.5 %   limit 25 %"
    assert named(shown, "power").text == "200,000.00 → 195,500.00"
    assert named(shown, "checks").text == f"{len(CHECKS)} checks hold"
    assert shown.is_allowed
    assert (shown.bid, shown.ask) == (D("99.99"), D("100.01"))


def test_no_stop_is_worth_reading() -> None:
    row = named(preview(terms("45", "100.00")), "risk")
    assert (row.verdict, row.text) == ("read", "no stop   4,500.00 exposed")


def test_a_market_order_pays_the_spread_and_knows_its_worst_fill() -> None:
    row = named(preview(terms("100", None), view(fee=lambda *_: D("0.35"))), "cost")
    assert row.text == "1.35   spread 1.00   fee 0.35   worst fill 105.01"
    sell = named(preview(terms("-100", None)), "cost")
    assert sell.text.endswith("worst fill 95.00")


def test_a_resting_limit_pays_no_spread() -> None:
    assert named(preview(terms("100", "99.00")), "cost").text.startswith("0.00   spread 0.00")


def test_a_sale_shows_the_lots_it_closes_and_no_risk_row() -> None:
    ledger = Ledger()
    for event in (opened(), filled(fill("f1", "10", "90")), filled(fill("f2", "10", "95.5"))):
        ledger.apply(event)
    shown = preview(terms("-15", "100.00"), holding("20"), ledger=ledger)
    assert [row.name for row in shown.rows] == ["cost", "weight", "power", "lots", "checks"]
    assert named(shown, "lots").text == "+122.50   closes 15: 10 at 90.00   5 at 95.50"
    assert named(shown, "power").text == "198,000.00 → 198,000.00"


def test_a_denied_order_tells_rule_numbers_and_the_nearest_quantity() -> None:
    shown = preview(terms("2000", "100.00"), view(account=CASH))
    assert not shown.is_allowed
    assert shown.denial == "MAX_NOTIONAL"
    assert shown.denial_text == "200,000.00 is over the limit of 100,000.00 per order. Send at most 250."
    assert shown.nearest_quantity == 250
    assert named(shown, "checks").verdict == "denied"
    assert named(shown, "weight").verdict == "denied"


def test_rows_whose_inputs_are_missing_are_absent_and_nothing_raises() -> None:
    shown = preview(terms("10", "100.00"), view(quote=None, equity=None, cash=None))
    assert [row.name for row in shown.rows] == ["risk", "checks"]
    assert shown.rows[-1].verdict == "denied"
    assert (shown.notional, shown.bid) == (D(1000), None)


def test_funds_needed_and_quantity_for_a_risk() -> None:
    assert funds_needed(terms("10", "100.00"), VIEW, LIMITS) == 500
    assert funds_needed(terms("10", "100.00"), view(account=CASH), LIMITS) == 1000
    assert quantity_for_risk(D(100), D("232.11"), D("229.79"), D(1)) == 43
    assert quantity_for_risk(D(100), D(50), D(50), D(1)) == 0


def test_a_wide_quote_does_not_pretend_to_a_spread_cost() -> None:
    seen = view(quote=quote("90", "110"))
    assert named(preview(terms("10", "100.00"), seen), "cost").verdict == "read"
