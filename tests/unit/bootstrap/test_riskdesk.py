"""Limits at run time: tightened at once, raised after a minute, kept over a kill; and losses that act by themselves."""

from __future__ import annotations

import pytest

from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
    StockPulseError,
)
from stockpulse_engine.domain.events import LimitChanged, LossLimitActed, TradingStateChanged
from stockpulse_engine.risk.brakes import DAILY_LOSS, DRAWDOWN
from stockpulse_engine.risk.limit_book import RAISE_DELAY_NS
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.policy import Policy, Scope
from stockpulse_engine.wire.risk import ReleaseLoss
from tests.fakes.portfolio_build import AAPL, MSFT, D, order, terms
from tests.fakes.risk_floor import RiskFloor, working
from tests.unit.risk.build import NOW

BUY, SELL = terms("10", "100.00"), terms("-10", "90.00")
RELEASE = ReleaseLoss(request_id="r", word="RELEASE", account_id="main", reason="seen")


def limit_of(floor: RiskFloor, key: str) -> object:
    return getattr(floor.gate.limits_of(BUY), key)


@pytest.mark.covers("R12")
async def test_a_lower_limit_acts_at_once_and_is_on_record() -> None:
    floor = RiskFloor()
    answer = await floor.desk.set_limit(floor.wish("max_order_notional", "500"), "tui/trader", may_raise=False)
    assert (answer.waits, answer.old, answer.new) == (False, "100000", "500")
    assert floor.judge(BUY).denial == "MAX_NOTIONAL"
    fact = floor.journal[-1]
    assert isinstance(fact, LimitChanged)
    assert (fact.actor, fact.old, fact.new, fact.reason) == ("tui/trader", "100000", "500", "a test")
    assert fact.recorded_at == fact.acts_at > 0
    floor.kill()
    assert floor.judge(BUY).denial == "MAX_NOTIONAL"
    row = next(one for one in floor.desk.view().limits if one.key == "max_order_notional")
    assert (row.limit, row.source) == ("500.00", "set by tui/trader")


@pytest.mark.covers("R12")
async def test_a_raise_is_an_admins_and_waits_a_minute_over_a_kill() -> None:
    floor = RiskFloor(limits=Limits(max_order_notional=D(500)))
    wish = floor.wish("max_order_notional", "5000")
    with pytest.raises(ForbiddenError, match="raises max_order_notional of all from 500 to 5000"):
        await floor.desk.set_limit(wish, "cli/trader", may_raise=False)
    answer = await floor.desk.set_limit(wish, "cli/admin", may_raise=True)
    assert answer.waits
    assert floor.judge(BUY).denial == "MAX_NOTIONAL"
    floor.kill()
    (waits,) = floor.desk.view().waiting
    assert (waits.old, waits.new, waits.acts_at - waits.recorded_at) == ("500", "5000", RAISE_DELAY_NS)
    await floor.look()
    floor.clock.advance(RAISE_DELAY_NS)
    await floor.look()
    assert "max_order_notional of all is 5000 from now on." in floor.alerts
    assert floor.judge(BUY).is_allowed
    floor.kill()
    assert limit_of(floor, "max_order_notional") == 5000


@pytest.mark.covers("R12")
async def test_a_raise_can_be_taken_back_while_it_waits() -> None:
    floor = RiskFloor()
    answer = await floor.desk.set_limit(floor.wish("max_gross", "3"), "cli/admin", may_raise=True)
    await floor.look()
    await floor.desk.withdraw(answer.change_id[:12], "tui/trader")
    await floor.look()
    floor.clock.advance(2 * RAISE_DELAY_NS)
    assert limit_of(floor, "max_gross") == D("1.50")
    assert not [text for text in floor.alerts if "from now on" in text]
    with pytest.raises(NotFoundError):
        await floor.desk.withdraw(answer.change_id, "tui/trader")


async def test_a_scope_tightens_for_its_own_orders_and_taking_it_away_is_a_raise() -> None:
    floor = RiskFloor()
    wish = floor.wish("max_order_quantity", "5", "instrument", AAPL)
    assert not (await floor.desk.set_limit(wish, "tui/trader", may_raise=False)).waits
    assert floor.judge(BUY).denial == "MAX_QUANTITY"
    assert floor.judge(terms("10", "100.00", instrument_id=MSFT)).denial != "MAX_QUANTITY"
    away = floor.wish("max_order_quantity", "default", "instrument", AAPL)
    with pytest.raises(ForbiddenError):
        await floor.desk.set_limit(away, "tui/trader", may_raise=False)
    assert (await floor.desk.set_limit(away, "cli/admin", may_raise=True)).waits
    again = floor.wish("max_order_quantity", "5", "instrument", AAPL)  # what it is: takes the raise back
    assert not (await floor.desk.set_limit(again, "tui/trader", may_raise=False)).waits
    assert floor.desk.view().waiting == ()


@pytest.mark.parametrize(
    ("key", "value", "scope", "name", "error"),
    [
        ("max_gros", "1", "", "", InvalidValueError),
        ("max_gross", "NaN", "", "", InvalidValueError),
        ("max_gross", "1.50", "", "", ConflictError),
        ("max_gross", "1", "desk", "main", InvalidValueError),
        ("max_gross", "1", "account", "", InvalidValueError),
        ("max_gross", "1", "account", "nobody", NotFoundError),
        ("max_gross", "1", "instrument", "apple", InvalidValueError),
        ("max_gross", "1", "strategy", "a\x1b[2J", InvalidValueError),
        ("max_open_orders", "1", "strategy", "trend", InvalidValueError),
    ],
)
async def test_what_is_no_limit_is_refused_and_not_recorded(
    key: str, value: str, scope: str, name: str, error: type[StockPulseError]
) -> None:
    floor = RiskFloor()
    before = len(floor.journal)
    with pytest.raises(error):
        await floor.desk.set_limit(floor.wish(key, value, scope, name), "cli/admin", may_raise=True)
    assert len(floor.journal) == before


async def test_a_limit_that_can_not_be_recorded_is_not_changed() -> None:
    floor = RiskFloor()
    floor.journal_fails = True
    with pytest.raises(StockPulseError):
        await floor.desk.set_limit(floor.wish("max_gross", "1"), "tui/trader", may_raise=False)
    assert limit_of(floor, "max_gross") == D("1.50")


def acts(floor: RiskFloor) -> list[tuple[str, TradingState]]:
    return [(fact.kind, fact.state) for fact in floor.journal if isinstance(fact, LossLimitActed)]


async def test_a_falling_market_stops_the_account_and_a_kill_in_between_changes_nothing() -> None:
    floor = RiskFloor()  # 200 shares at 100: 3 % of 100,000 are lost at 85
    floor.work(
        working(order("entry", terms("10", "80.00"))),
        working(order("other", terms("5", "70.00", instrument_id=MSFT))),
        working(order("protects", terms("-100", None, stop="60", reduce_only=True))),
        working(order("takes", terms("-90", "120.00"))),
    )
    for price in ("97", "92", "86"):
        floor.price(price)
        await floor.look()
    assert (acts(floor), floor.canceled) == ([], [])
    floor.price("85")
    floor.journal_fails = True
    await floor.look()  # the disk is full: nothing acts by itself, the gate denies all the same
    assert (acts(floor), floor.judge(terms("10", "85.00")).denial) == ([], "DAILY_LOSS")
    floor.journal_fails = False
    floor.kill()
    await floor.look()
    assert acts(floor) == [(DAILY_LOSS, TradingState.REDUCING)]
    assert sorted(key for key, _ in floor.canceled) == ["entry", "other"]
    assert any("The daily loss of main reached 3,000.00 of 3,000.00" in text for text in floor.alerts)
    floor.kill()
    floor.price("99")  # it comes back: the day is over for opening all the same
    await floor.look()
    assert floor.judge(BUY).denial == "DAILY_LOSS"
    assert "Today's loss of 3,000.00 has reached the limit of 3,000.00." in floor.judge(BUY).sentence
    assert floor.judge(terms("-10", "98.00")).is_allowed
    view = floor.desk.view()
    assert (view.limits[0].key, view.limits[0].fraction) == ("daily_loss_fraction", D(1))
    assert (view.state, [stop.kind for stop in view.stops]) == (TradingState.REDUCING, [DAILY_LOSS])
    assert len(acts(floor)) == 1
    assert [one.client_order_id for one in floor.orders] == ["protects", "takes"]
    floor.new_session("2024-03-11")
    assert floor.judge(BUY).is_allowed
    assert floor.desk.view().state is TradingState.ACTIVE


async def test_one_wrong_print_stops_nobody_for_the_day() -> None:
    floor = RiskFloor()
    floor.price("1")
    await floor.desk.look()
    floor.price("100")
    await floor.desk.look()
    floor.price("1")
    await floor.desk.look()
    assert acts(floor) == []
    assert floor.judge(terms("10", "1.00")).denial == "DAILY_LOSS"
    await floor.desk.look()
    assert len(acts(floor)) == 2


@pytest.mark.covers("O14")
async def test_a_loss_cancels_nothing_that_was_made_elsewhere() -> None:
    floor = RiskFloor()
    ours, theirs = order("entry", terms("10", "80.00")), order("W1", terms("10", "79.00"), source="external")
    floor.work(working(ours), working(theirs))
    floor.price("85")
    await floor.look()
    assert [key for key, _ in floor.canceled] == ["entry"]


async def test_a_cancel_that_a_kill_cut_off_is_asked_for_again_as_the_same_request() -> None:
    floor = RiskFloor()
    entry, late = working(order("entry", terms("10", "80.00"))), working(order("late", terms("10", "79.00")))
    floor.work(entry)
    floor.price("85")
    await floor.look()
    floor.work(late)  # on its way while the limit acted
    floor.kill()
    await floor.look()
    assert floor.canceled == [("entry", "loss-entry"), ("late", "loss-late")]


async def test_without_the_policy_orders_stay_and_the_gate_alone_holds() -> None:
    floor = RiskFloor(limits=Limits(loss_cancels=False))
    floor.work(working(order("entry", terms("10", "80.00"))))
    floor.price("80")
    await floor.look()
    assert (floor.canceled, floor.judge(terms("10", "80.01")).denial) == ([], "DAILY_LOSS")


async def test_an_admins_word_frees_the_account_until_as_much_is_lost_again() -> None:
    floor = RiskFloor()
    with pytest.raises(ConflictError):
        await floor.desk.release(RELEASE, "cli/admin")
    floor.price("84")
    await floor.look()
    with pytest.raises(ForbiddenError, match="RELEASE"):
        await floor.desk.release(ReleaseLoss(request_id="r", word="release"), "cli/admin")
    view = await floor.desk.release(RELEASE, "cli/admin")
    assert (view.state, view.stops, view.loss_left) == (TradingState.ACTIVE, (), D(3000))
    assert floor.portfolio.account("main").loss_left == 3000
    floor.kill()
    await floor.look()
    assert floor.judge(terms("10", "84.00")).is_allowed
    floor.price("68")
    await floor.look()
    assert acts(floor)[-1] == (DAILY_LOSS, TradingState.REDUCING)
    assert floor.judge(terms("10", "68.00")).denial == "DAILY_LOSS"


async def test_a_fall_from_the_peak_over_many_days_stops_until_a_person_frees() -> None:
    limits = Limits(daily_loss_fraction=D("0.5"), max_drawdown_fraction=D("0.05"))
    floor = RiskFloor(limits=limits)
    floor.price("110")  # a peak of 102,000: 5,100 below it are 84.50
    floor.new_session("2024-03-11")
    floor.price("90")
    floor.new_session("2024-03-12")
    await floor.look()
    assert acts(floor) == []
    floor.price("84.50")
    await floor.look()
    assert acts(floor) == [(DRAWDOWN, TradingState.REDUCING)]
    assert floor.judge(terms("10", "84.00")).denial == "DRAWDOWN"
    floor.new_session("2024-03-13")
    floor.kill()
    assert floor.judge(terms("10", "84.00")).denial == "DRAWDOWN"
    await floor.desk.release(RELEASE, "cli/admin")
    assert floor.judge(terms("10", "84.00")).is_allowed


async def test_the_view_has_the_fullest_limit_first_and_says_where_each_is_from() -> None:
    policy = Policy(
        Limits(),
        {
            Scope("account", "main"): {"max_gross": D("1.2")},
            Scope("strategy", "trend"): {"max_strategy_orders_per_day": 5},
        },
    )
    floor = RiskFloor(limits=policy)
    floor.work(working(order("a", terms("50", "99.00"))), working(order("b", terms("1", "50.00", instrument_id=MSFT))))
    view = floor.desk.view("main")
    rows = {row.key: row for row in view.limits}
    filled = [row.fraction for row in view.limits if row.fraction is not None]
    assert filled == sorted(filled, reverse=True)
    assert (view.limits[0].title, view.limits[0].used, view.limits[0].limit) == ("AAPL weight", "25 %", "25 %")
    assert (rows["max_gross"].scope, rows["max_gross"].limit, rows["max_gross"].used) == ("account", "120 %", "25 %")
    assert rows["max_strategy_orders_per_second"].scope == ""
    assert [row.limit for row in view.limits if row.name == "trend"] == ["5"]
    assert [(one.instrument_id, one.quantity, one.bar) for one in view.exposures] == [
        (AAPL, D(200), D(1)),
        (MSFT, D(0), D(0)),
    ]
    assert (view.open_orders, view.open_notional, view.unknown_orders, view.unknown_worst) == (2, D(5000), 0, D(0))
    assert (view.equity, view.day_pnl, view.loss_left, view.gross) == (D(100_000), D(0), D(3000), D(20_000))
    narrow = {row.key: row for row in floor.desk.view(strategy="trend", instrument_id=MSFT).limits}
    assert (narrow["max_strategy_orders_per_day"].limit, narrow["max_position_weight"].title) == ("5", "MSFT weight")


async def test_the_view_counts_what_is_unknown_what_is_paused_and_the_last_halt() -> None:
    floor = RiskFloor()
    lost = order("lost", terms("7", "100.00"))
    import msgspec

    floor.work(msgspec.structs.replace(lost, is_unknown=True))
    for state in (TradingState.ACTIVE, TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE):
        await floor.record_fact(
            TradingStateChanged(
                state=state, reason="drill", ts_event=NOW, recorded_at=NOW + len(floor.journal), actor="x"
            )
        )
    view = floor.desk.view()
    assert (view.unknown_orders, view.unknown_worst) == (1, D(700))
    assert (view.kill.count, view.kill.reason, view.kill.resumed_at - view.kill.halted_at) == (1, "drill", 1)
    assert view.paused == ()


def test_without_an_account_there_is_nothing_to_show() -> None:
    floor = RiskFloor()
    floor.ledger._books.clear()
    with pytest.raises(NotFoundError):
        floor.desk.view()


async def test_a_broken_account_shows_full_bars_and_no_error() -> None:
    floor = RiskFloor(quantity="1000")
    floor.price("1")
    view = floor.desk.view()
    assert view.equity == 1000
    assert view.limits[0].fraction is not None
    assert view.limits[0].fraction > 1


async def test_freed_while_it_is_up_again_the_limit_is_what_it_was() -> None:
    floor = RiskFloor()
    floor.price("84")
    await floor.look()
    floor.price("110")
    assert (await floor.desk.release(RELEASE, "cli/admin")).state is TradingState.ACTIVE
    assert floor.gate.brakes.of("main").forgiven_loss == 0
    floor.price("85")
    await floor.look()
    assert acts(floor)[-1] == (DAILY_LOSS, TradingState.REDUCING)
