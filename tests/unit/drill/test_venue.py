"""The simulated broker: what it executes, what hangs together, and every odd thing it can be made to do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest

from stockpulse_engine.domain.brokers import Dedup
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.orders import OrderRole, OrderType, Side, TimeInForce
from stockpulse_engine.drill.core.orders import DrillOrder, Execution, NewsKind, Refused, Rules, Trick
from stockpulse_engine.drill.core.venue import DrillVenue

AAPL, ACCOUNT = "AAPL.XNAS", "A1"
D = Decimal
K = NewsKind


def venue(rules: Rules | None = None, **holding: tuple[Decimal, Decimal]) -> DrillVenue:
    """A venue that shows 100.00 to 100.02, 100 shares on each side."""
    made = DrillVenue(now=iter(range(1, 10**9)).__next__, seed=7, rules=rules)
    apple = Instrument(
        instrument_id=AAPL, name="Apple", asset_class=AssetClass.EQUITY, currency="USD", tick_size=D("0.01")
    )
    made.list_instrument(apple, D(100), D("100.02"), D(100))
    made.open_account(ACCOUNT, D(100_000), {AAPL: holding["aapl"]} if holding else {})
    return made


def order(key: str = "c1", side: Side = Side.BUY, quantity: int = 10, limit: str | None = "100.02") -> DrillOrder:
    """A limit order, or one at the market."""
    kind = OrderType.LIMIT if limit else OrderType.MARKET
    price = D(limit) if limit else None
    return DrillOrder(
        client_order_id=key, instrument_id=AAPL, side=side, quantity=D(quantity), order_type=kind, limit_price=price
    )


def bracket(quantity: int = 10, limit: str = "100.02") -> list[DrillOrder]:
    """A long entry with its take at 101 and its stop at 99."""
    entry, take, stop = (order(key, quantity=quantity, limit=limit) for key in ("e", "t", "s"))
    entry.role, take.role, stop.role = OrderRole.ENTRY, OrderRole.TAKE, OrderRole.STOP
    take.side = stop.side = Side.SELL
    take.limit_price = D(101)
    stop.order_type, stop.limit_price, stop.stop_price = OrderType.STOP, None, D(99)
    return [entry, take, stop]


def kinds(made: DrillVenue) -> list[K]:
    """What is new."""
    return [one.kind for one in made.take_news()]


def held(made: DrillVenue) -> Decimal:
    """Shares in the account."""
    holding = made.account(ACCOUNT).positions.get(AAPL)
    return holding.quantity if holding else D(0)


def status(made: DrillVenue, key: str) -> str:
    """Where an order stands."""
    found = made.order(ACCOUNT, client_order_id=key)
    assert found is not None
    return found.status


def test_a_marketable_order_is_taken_and_executed_against_what_is_shown() -> None:
    made = venue()
    made.submit(ACCOUNT, [order(quantity=150)])
    assert kinds(made) == [K.ACCEPT, K.FILL]
    assert (held(made), status(made, "c1")) == (D(100), "PARTIALLY_FILLED")
    made.move(AAPL, D(100), D("100.02"))
    assert (held(made), status(made, "c1")) == (D(150), "FILLED")
    assert made.account(ACCOUNT).cash == D(100_000) - 150 * D("100.02")


def test_what_rests_executes_at_its_own_price() -> None:
    made = venue()
    made.submit(ACCOUNT, [order(limit="99.00")])
    made.move(AAPL, D("98.50"), D("98.60"))
    assert [one.price for one in made.executions(ACCOUNT)] == [D("99.00")]


def test_a_stop_waits_and_a_trailing_stop_follows() -> None:
    made = venue(aapl=(D(20), D(90)))
    stop, trailing = order("s", Side.SELL, limit=None), order("t", Side.SELL, limit=None)
    stop.order_type, stop.stop_price = OrderType.STOP, D(99)
    trailing.order_type, trailing.trail = OrderType.TRAILING_STOP, D(2)
    made.submit(ACCOUNT, [stop])
    made.submit(ACCOUNT, [trailing])
    made.move(AAPL, D(105), D("105.02"))
    made.move(AAPL, D("103.01"), D("103.03"))
    assert (status(made, "s"), status(made, "t")) == ("ACCEPTED", "ACCEPTED")
    made.move(AAPL, D("103.00"), D("103.02"))
    assert (status(made, "s"), status(made, "t")) == ("ACCEPTED", "FILLED")
    made.move(AAPL, D("98.90"), D("98.92"))
    assert (status(made, "s"), held(made)) == ("FILLED", D(0))


def test_a_brackets_exits_follow_the_entry_and_use_each_other_up() -> None:
    made = venue()
    made.submit(ACCOUNT, bracket(150))
    assert (status(made, "e"), status(made, "t"), status(made, "s")) == ("PARTIALLY_FILLED", "ACCEPTED", "ACCEPTED")
    made.cancel(ACCOUNT, made.open_orders(ACCOUNT)[0].venue_order_id)
    made.move(AAPL, D(101), D("101.02"))
    assert (status(made, "e"), status(made, "t"), status(made, "s")) == ("CANCELED", "FILLED", "CANCELED")
    assert held(made) == 0


def test_a_bracket_that_waits_for_all_opens_when_its_entry_is_over() -> None:
    made = venue(Rules(legs_wait_for_all=True))
    made.submit(ACCOUNT, bracket(150))
    assert status(made, "s") == "HELD"
    made.move(AAPL, D(100), D("100.02"))
    assert status(made, "s") == "ACCEPTED"


def test_a_take_and_a_stop_alone_are_an_oco() -> None:
    made = venue(aapl=(D(10), D(90)))
    made.submit(ACCOUNT, bracket()[1:])
    made.move(AAPL, D("98.90"), D("98.92"))
    assert (status(made, "t"), status(made, "s"), held(made)) == ("CANCELED", "FILLED", D(0))


def test_fok_is_all_or_nothing_and_ioc_what_there_is() -> None:
    made = venue()
    all_, some = order("fok", quantity=150), order("ioc", quantity=150)
    all_.time_in_force, some.time_in_force = TimeInForce.FOK, TimeInForce.IOC
    made.submit(ACCOUNT, [all_])
    assert (status(made, "fok"), held(made)) == ("CANCELED", D(0))
    made.submit(ACCOUNT, [some])
    assert (status(made, "ioc"), held(made)) == ("CANCELED", D(100))


def test_a_day_order_ends_with_the_session_and_auctions_execute_at_its_edges() -> None:
    made = venue()
    at_close = order("moc", limit=None)
    at_close.time_in_force = TimeInForce.AT_THE_CLOSE
    made.submit(ACCOUNT, [at_close])
    made.submit(ACCOUNT, [order("day", limit="99.00")])
    assert status(made, "moc") == "ACCEPTED"
    made.set_session(is_open=False)
    assert (status(made, "moc"), status(made, "day")) == ("FILLED", "EXPIRED")


def test_the_same_id_is_one_order_for_ever_and_a_second_one_where_nothing_is_deduplicated() -> None:
    strict, forgetful = venue(), venue(Rules(dedup=Dedup.NONE))
    for made in (strict, forgetful):
        made.submit(ACCOUNT, [order(limit="99.00")])
        made.submit(ACCOUNT, [order(limit="99.00")])
        assert made.count_requests("c1") == 2
    assert (strict.count_orders("c1"), forgetful.count_orders("c1")) == (1, 2)
    with pytest.raises(Refused, match="used before"):
        strict.submit(ACCOUNT, [order(limit="99.00", quantity=11)])
    with pytest.raises(Refused, match="used before"):
        venue_that_minds = venue(Rules(repeats_answer=False))
        venue_that_minds.submit(ACCOUNT, [order()])
        venue_that_minds.submit(ACCOUNT, [order()])


def test_a_change_keeps_its_id_or_makes_a_new_order() -> None:
    same, other = venue(), venue(Rules(replaces_with_new_id=True))
    for made in (same, other):
        (first,) = made.submit(ACCOUNT, [order(limit="99.00")])
        made.take_news()
        changed = made.replace(ACCOUNT, first.venue_order_id, limit_price=D("99.50"), client_order_id="c2")
        assert kinds(made) == [K.REPLACE]
        assert changed.limit_price == D("99.50")
        is_new = made is other
        assert (changed.venue_order_id != first.venue_order_id) is is_new
        assert status(made, "c1") == ("REPLACED" if is_new else "ACCEPTED")
        assert len(made.open_orders(ACCOUNT)) == 1
    assert other.count_orders("c1") == 1


def test_a_cancel_too_late_is_refused_and_told() -> None:
    made = venue()
    (done,) = made.submit(ACCOUNT, [order()])
    with pytest.raises(Refused, match="FILLED already"):
        made.cancel(ACCOUNT, done.venue_order_id)
    assert kinds(made) == [K.ACCEPT, K.FILL, K.CANCEL_REJECT]


def test_nothing_executes_in_a_halt() -> None:
    made = venue()
    made.halt(AAPL)
    made.submit(ACCOUNT, [order()])
    assert status(made, "c1") == "ACCEPTED"
    made.resume(AAPL)
    assert status(made, "c1") == "FILLED"


def test_a_bust_and_a_correction_move_money_and_shares() -> None:
    made = venue()
    made.submit(ACCOUNT, [order()])
    (first,) = made.executions(ACCOUNT)
    second = made.correct(first.execution_id, D(10), D("100.01"))
    assert second.corrects == first.execution_id
    assert made.account(ACCOUNT).cash == D(100_000) - 10 * D("100.01")
    made.bust(second.execution_id)
    assert (held(made), made.account(ACCOUNT).cash) == (D(0), D(100_000))
    assert made.executions(ACCOUNT) == ()
    assert kinds(made)[-2:] == [K.CORRECT, K.BUST]


def test_a_split_restates_holdings_pays_fractions_and_ends_orders() -> None:
    made = venue(aapl=(D(25), D(90)))
    made.submit(ACCOUNT, [order(limit="99.00")])
    made.split(AAPL, Fraction(1, 10))
    state = made.account(ACCOUNT)
    assert (state.positions[AAPL].quantity, state.positions[AAPL].cost) == (D(2), D(900))
    assert state.cash == D(100_000) + D("0.5") * D("1000.1")
    assert status(made, "c1") == "CANCELED"
    assert made.quote(AAPL) == (D(1000), D("1000.20"))


def _rolls_back(made: DrillVenue) -> None:
    numbers = [made.submit(ACCOUNT, [order(f"n{i}", limit="99.00")])[0].number for i in range(60)]
    made.arm(Trick.ID_ROLLBACK)
    (after,) = made.submit(ACCOUNT, [order("after", limit="99.00")])
    assert after.number in numbers


def _hides(made: DrillVenue) -> None:
    made.arm(Trick.VANISH)
    made.submit(ACCOUNT, [order(limit="99.00")])
    assert [len(made.open_orders(ACCOUNT)) for _ in range(4)] == [0, 0, 0, 1]
    assert status(made, "c1") == "ACCEPTED"


def _lags(made: DrillVenue) -> None:
    made.arm(Trick.POSITION_LAG)
    made.submit(ACCOUNT, [order()])
    assert [held(made) for _ in range(4)] == [D(0), D(0), D(0), D(10)]


def _refuses(made: DrillVenue) -> None:
    made.arm(Trick.REJECT)
    with pytest.raises(Refused):
        made.submit(ACCOUNT, [order()])
    assert (kinds(made), status(made, "c1")) == ([K.REJECT], "REJECTED")


def _executes_a_part(made: DrillVenue) -> None:
    made.arm(Trick.PARTIAL)
    made.submit(ACCOUNT, [order()])
    assert (held(made), status(made, "c1")) == (D(5), "PARTIALLY_FILLED")


def _executes_before_it_says_so(made: DrillVenue) -> None:
    made.arm(Trick.FILL_BEFORE_ACK)
    made.submit(ACCOUNT, [order()])
    assert kinds(made)[:2] == [K.FILL, K.ACCEPT]


def _executes_after_the_cancel(made: DrillVenue) -> None:
    made.arm(Trick.FILL_AFTER_CANCEL)
    (resting,) = made.submit(ACCOUNT, [order(limit="99.00")])
    made.cancel(ACCOUNT, resting.venue_order_id)
    assert kinds(made) == [K.ACCEPT, K.CANCEL, K.FILL]
    assert (status(made, "c1"), held(made)) == ("CANCELED", D(1))


def _executes_too_much(made: DrillVenue) -> None:
    made.arm(Trick.OVERFILL)
    made.submit(ACCOUNT, [order()])
    assert (held(made), status(made, "c1")) == (D(11), "FILLED")


def _takes_back(made: DrillVenue) -> None:
    made.arm(Trick.BUST)
    made.submit(ACCOUNT, [order()])
    assert (kinds(made), held(made)) == ([K.ACCEPT, K.FILL, K.BUST], D(0))


def _restates(made: DrillVenue) -> None:
    made.arm(Trick.CORRECT)
    made.submit(ACCOUNT, [order()])
    assert [one.price for one in made.executions(ACCOUNT)] == [D("100.03")]


def _is_faster_than_the_change(made: DrillVenue) -> None:
    (resting,) = made.submit(ACCOUNT, [order(limit="99.00")])
    made.arm(Trick.REPLACE_RACE)
    with pytest.raises(Refused, match="FILLED already"):
        made.replace(ACCOUNT, resting.venue_order_id, quantity=D(20))
    assert kinds(made) == [K.ACCEPT, K.FILL, K.REPLACE_REJECT]


def _speaks_strangely(made: DrillVenue) -> None:
    made.arm(Trick.STRANGE)
    made.submit(ACCOUNT, [order(limit="99.00")])
    assert kinds(made) == [K.ACCEPT, K.STRANGE]


TRICKS: dict[Trick, Callable[[DrillVenue], None]] = {
    Trick.REJECT: _refuses,
    Trick.PARTIAL: _executes_a_part,
    Trick.FILL_BEFORE_ACK: _executes_before_it_says_so,
    Trick.FILL_AFTER_CANCEL: _executes_after_the_cancel,
    Trick.OVERFILL: _executes_too_much,
    Trick.BUST: _takes_back,
    Trick.CORRECT: _restates,
    Trick.REPLACE_RACE: _is_faster_than_the_change,
    Trick.STRANGE: _speaks_strangely,
    Trick.VANISH: _hides,
    Trick.POSITION_LAG: _lags,
    Trick.ID_ROLLBACK: _rolls_back,
}


@pytest.mark.parametrize("trick", Trick, ids=lambda trick: trick.value.lower())
def test_each_trick_happens_once_and_is_told(trick: Trick) -> None:
    made = venue()
    TRICKS[trick](made)
    assert not made.armed


def test_the_same_seed_is_the_same_story() -> None:
    def story(seed: int) -> list[Execution]:
        made = DrillVenue(now=iter(range(1, 10**9)).__next__, seed=seed)
        made.list_instrument(venue().instruments()[0], D(100), D("100.02"), D(100))
        made.open_account(ACCOUNT, D(1000))
        made.submit(ACCOUNT, [order(quantity=150)])
        return list(made.executions(ACCOUNT))

    assert story(3) == story(3)
    assert story(3) != story(4)


def test_news_is_numbered_told_once_and_can_be_read_again() -> None:
    made = venue()
    made.submit(ACCOUNT, [order()])
    assert [one.seq for one in made.take_news()] == [1, 2]
    assert made.take_news() == []
    assert [one.seq for one in made.news(1)] == [2]
