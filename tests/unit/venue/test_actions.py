"""Corporate actions at the venue: applied before the open, once, to positions, cash, orders and what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from stockpulse_engine.domain.corporate import ActionStatement
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.events import ActionApplied
from stockpulse_engine.domain.market import InstrumentStatus, MarketEvent, MarketPhase, Quote, Trade
from stockpulse_engine.domain.orders import OrderEvent, OrderEventKind
from stockpulse_engine.marketdata.actions import ActionKind, CorporateAction
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.trading.words import action_words
from stockpulse_engine.venue import protocol as p
from stockpulse_engine.venue.checks import Refusal
from stockpulse_engine.venue.source import DueAction
from stockpulse_engine.venue.store import Identity
from stockpulse_engine.venue.withholding import Withholding
from tests.fakes.inline_venue import InlineVenue
from tests.fakes.portfolio_build import D, filled, opened
from tests.fakes.scripted_source import ScriptedSource
from tests.property.test_corporate_actions import folded
from tests.unit.venue.floor import ACME, NOON, account, instrument, new_order

SECOND = 1_000_000_000
AT = NOON + 60 * SECOND


class ActedSource(ScriptedSource):
    """A script with corporate actions in it."""

    due: Sequence[DueAction] = ()

    def next_action(self, after_ns: int) -> DueAction | None:
        """The first one due after a moment."""
        return next((due for due in self.due if due.at_ns > after_ns), None)


def action(kind: ActionKind, numerator: int = 1, denominator: int = 1, amount: int = 0) -> CorporateAction:
    """What happened to ACME; it closed at 100."""
    return CorporateAction(
        instrument_id=ACME,
        kind=kind,
        ts_event=AT + SECOND,
        known_at=AT,
        source="test",
        numerator=numerator,
        denominator=denominator,
        amount_e8=amount,
        reference_e8=100 * 100_000_000,
    )


def venue(path: Path, *actions: CorporateAction) -> InlineVenue:
    """100 ACME held at 100, and two orders that rest; the actions are due a minute later."""
    events: list[MarketEvent] = [
        InstrumentStatus(ACME, MarketPhase.OPEN, is_halted=False, ts_event=NOON),
        Quote(ACME, D("99.98"), D("100"), D(500), D(500), NOON),
        Trade(ACME, D("100"), D(10), NOON + 30 * SECOND),
        Quote(ACME, D("14.27"), D("14.29"), D(500), D(500), AT + 5 * SECOND),
    ]
    source = ActedSource([instrument()], events, last_ns=AT + 60 * SECOND)
    source.due = tuple(DueAction(AT + number, f"{ACME}:{one.kind.value}:x", one) for number, one in enumerate(actions))
    made = InlineVenue(path, source, NOON, Identity("replay:x", 1))
    made.ask(p.OpenAccount(account()))
    if made.exchange.store.market_ns <= NOON:
        made.send(new_order("buy", "BUY", "101"))
        made.send(
            new_order("low", "BUY", "10", limit="50"),
        )
        made.send(new_order("stop", "SELL", "50", stop="90"))
        made.pass_seconds(1)
    return made


def statements(made: InlineVenue) -> list[ActionStatement]:
    """What was stated of actions."""
    return [report.action for report in made.reports if report.action is not None]


def test_a_split_meets_position_cash_and_orders_before_the_next_print(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.SPLIT, 3, 2))
    cash = made.exchange.desk.accounts["A1"].cash
    made.pass_seconds(61)
    (said,) = statements(made)
    assert [said.before, said.after, said.adjusted, said.canceled] == [101, 151, 2, 0]
    assert said.cash == D("33.33333334"), "half a share at the last close in new shares"
    state = made.exchange.desk.accounts["A1"]
    assert [state.cash - cash, state.positions[ACME]] == [said.cash, 151]
    assert made.kinds("low")[-1] == made.kinds("stop")[-1] == OrderEventKind.UPDATE.value
    told = next(r for r in made.reports if r.client_order_id == "low" and r.kind is OrderEventKind.UPDATE)
    assert told.terms is not None
    assert (told.terms.quantity, told.terms.limit_price, told.reason) == (D(15), D("33.33"), "split 3 for 2")


def test_what_is_held_is_worth_what_it_was_before_anybody_quotes_new_shares(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.SPLIT, 7, 1))
    made.pass_seconds(61)
    quote = made.exchange.matcher.books[ACME].quote
    assert quote is not None
    assert [quote.bid, quote.ask, quote.bid_size, quote.ask_size] == [D("14.28"), D("14.29"), 0, 0]
    assert [e for e in made.events if isinstance(e, Quote) and e.ts_event == AT] == [quote], "heads are told"


def test_a_dividend_is_paid_on_the_shares_of_the_day_before_and_leaves_orders_alone(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.DIVIDEND, amount=47_000_000), action(ActionKind.SPLIT, 7, 1))
    made.pass_seconds(61)
    paid, split = statements(made)
    assert [paid.cash, paid.before, paid.after, paid.canceled] == [D("47.47"), 101, 101, 0]
    assert [split.before, split.after, split.cash] == [101, 707, 0]


def test_a_short_position_pays_the_dividend(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.DIVIDEND, amount=200_000_000))
    made.send(new_order("short", "SELL", "151"))
    made.pass_seconds(61)
    assert statements(made)[0].cash == -100


def test_killed_before_or_after_the_action_was_stored_it_is_applied_once(tmp_path: Path) -> None:
    """What a turn did is stored whole or not at all, the market's time with it."""
    path = tmp_path / "v.db"
    made = venue(path, action(ActionKind.SPLIT, 7, 1))
    made.wall.advance(61 * SECOND)
    made.exchange.play()  # … and the process dies before it commits
    again = venue(path, action(ActionKind.SPLIT, 7, 1))
    start = again.exchange.store.market_ns
    assert start < AT
    reopened = reopen(path, start)
    reopened.pass_seconds(120)
    assert [said.after for said in statements(reopened)] == [707]
    third = reopen(path, reopened.exchange.store.market_ns)
    third.pass_seconds(120)
    assert statements(third) == []
    assert third.exchange.desk.accounts["A1"].positions[ACME] == 707


def reopen(path: Path, start: int, acted: CorporateAction | None = None) -> InlineVenue:
    """The same venue after its process was killed."""
    due = acted or action(ActionKind.SPLIT, 7, 1)
    source = ActedSource([instrument()], [Quote(ACME, D("99.98"), D("100"), D(500), D(500), NOON)])
    source.due = (DueAction(AT, f"{ACME}:{due.kind.value}:x", due),)
    return InlineVenue(path, source, start, Identity("replay:x", 1))


def test_the_ledger_comes_to_what_the_venue_states(tmp_path: Path) -> None:
    for numerator, denominator in ((7, 1), (1, 10), (3, 2), (1, 7)):
        made = venue(tmp_path / f"{numerator}-{denominator}.db", action(ActionKind.SPLIT, numerator, denominator))
        made.pass_seconds(61)
        (said,) = statements(made)
        (bought,) = (report.fill for report in made.fills("buy"))
        assert bought is not None
        ours = folded([opened("A1"), filled(bought), ActionApplied(statement=said, ts_event=AT, recorded_at=1)])
        state = made.exchange.desk.accounts["A1"]
        assert ours.quantity("A1", ACME) == state.positions.get(ACME, Decimal(0))
        assert ours.book("A1").cash == state.cash


@pytest.mark.covers("L8", "F38")
def test_tax_is_withheld_from_a_dividend_by_the_country_of_its_exchange(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.DIVIDEND, amount=200_000_000))
    made.exchange.tax = Withholding(["US=0.15", "other/US=0.30"])
    made.send(new_order("more", "BUY", "1"))
    made.pass_seconds(61)
    (said,) = statements(made)
    assert (said.cash, said.withheld, said.tax_rate) == (D("173.4"), D("30.6"), D("0.15"))
    assert "30.6 of tax (15 %)" in action_words(said)
    ours = folded([opened("A1"), *fills_of(made), ActionApplied(statement=said, ts_event=AT, recorded_at=1)])
    assert ours.book("A1").cash == made.exchange.desk.accounts["A1"].cash
    assert (ours.book("A1").income, ours.book("A1").tax) == (D(204), D("30.6"))


def test_a_short_position_pays_the_whole_dividend_whatever_the_rate(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", action(ActionKind.DIVIDEND, amount=200_000_000))
    made.exchange.tax = Withholding(["US=0.15"])
    made.send(new_order("short", "SELL", "151"))
    made.pass_seconds(61)
    assert [statements(made)[0].cash, statements(made)[0].withheld] == [-100, 0]


@pytest.mark.parametrize("rate", ["US", "US=", "US=1.1", "US=-0.1", "USA=0.1", "US=NaN"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(InvalidValueError):
        Withholding([rate])


@pytest.mark.covers("F38")
def test_what_is_delisted_stays_and_can_not_be_traded_nor_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    made = venue(path, action(ActionKind.DELISTING))
    made.pass_seconds(61)
    (said,) = statements(made)
    assert [said.before, said.after, said.canceled, said.cash] == [101, 101, 2, 0]
    assert made.exchange.desk.accounts["A1"].positions == {ACME: 101}
    assert made.kinds("low")[-1] == made.kinds("stop")[-1] == OrderEventKind.CANCEL.value
    again = reopen(path, made.exchange.store.market_ns, action(ActionKind.DELISTING))
    for one in (made, again):
        refused = one.exchange.intake.submit([new_order(f"new {id(one)}", "SELL", "1", limit="90", tif="GTC")])
        assert isinstance(refused, Refusal)
        assert refused.code == "delisted"


@pytest.mark.covers("F38", "L8")
def test_a_renamed_holding_goes_on_under_its_new_id_with_its_lots_and_busts(tmp_path: Path) -> None:
    renamed = structs.replace(action(ActionKind.RENAME), other_id="META.XNAS")
    made = venue(tmp_path / "v.db", renamed)
    made.exchange.matcher.add_instrument(instrument(name="META.XNAS"))
    made.pass_seconds(61)
    (said,) = statements(made)
    assert (said.other_id, said.before, said.canceled) == ("META.XNAS", D(101), 2)
    assert made.exchange.desk.accounts["A1"].positions == {"META.XNAS": 101}
    fact = ActionApplied(statement=said, ts_event=AT, recorded_at=1)
    ours = folded([opened("A1"), *fills_of(made), fact, fact])
    (lot,) = ours.lots("A1", "META.XNAS")
    assert (lot.quantity, lot.cost) == (D(101), D("10100"))
    assert ours.quantity("A1", "META.XNAS") == 101
    assert list(ours.lots("A1", ACME)) == []
    twin = Ledger.restore(ours.snapshot())
    for event in fills_of(made):
        assert event.fill is not None
        for one in (ours, twin):
            one.apply(structs.replace(event, kind=OrderEventKind.BUST))
    assert ours.snapshot() == twin.snapshot()
    assert ours.quantity("A1", "META.XNAS") == 0
    assert ours.book("A1").cash == ours.book("A1").deposits


def test_a_rename_to_what_is_not_traded_here_changes_nothing(tmp_path: Path) -> None:
    made = venue(tmp_path / "v.db", structs.replace(action(ActionKind.RENAME), other_id="META.XNAS"))
    made.pass_seconds(61)
    assert statements(made) == []
    assert made.exchange.desk.accounts["A1"].positions == {ACME: 101}


def fills_of(made: InlineVenue) -> list[OrderEvent]:
    """Every execution as the engine has it."""
    return [filled(report.fill) for report in made.reports if report.fill is not None]
