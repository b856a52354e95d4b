"""Balances and positions at the marks: day P&L over night and intraday, margin, stops, staleness, sessions."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.errors import NotFoundError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderStatus
from stockpulse_engine.portfolio import invariants
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.portfolio.service import PortfolioService, PortfolioSettings
from stockpulse_engine.portfolio.valuation import value_positions
from tests.fakes.portfolio_build import (
    AAPL,
    MSFT,
    SECOND,
    D,
    busted,
    fill,
    filled,
    moved,
    opened,
    order,
    quote,
    terms,
)


class World:
    """A ledger, a few quotes, some orders and a clock around the service."""

    def __init__(self, *events: Event, kind: AccountType = AccountType.MARGIN, cash: str = "100000") -> None:
        self.ledger = Ledger()
        self.quotes: dict[str, Quote] = {}
        self.orders: list[Order] = []
        self.now = 100
        self.service = PortfolioService(
            self.ledger,
            orders=lambda: self.orders,
            quote=self.quotes.get,
            clock=lambda: self.now,
            settings=PortfolioSettings(max_mark_age_ns=SECOND),
        )
        self.tell(opened(kind=kind, cash=cash), *events)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.ledger.apply(event)
            self.service.observe(event)

    def price(self, text: str, instrument_id: str = AAPL) -> None:
        """A quote one cent wide around `text`."""
        middle = D(text)
        self.quotes[instrument_id] = Quote(
            instrument_id, middle - D("0.01"), middle + D("0.01"), D(100), D(100), self.now, last=middle
        )

    def begin(self, date: str) -> None:
        self.tell(*self.service.begin_session(date, self.now))


def test_a_fresh_account_is_all_cash() -> None:
    view = World().service.account()
    assert (view.cash, view.equity, view.buying_power) == (D(100_000), D(100_000), D(200_000))
    assert (view.day_pnl, view.reserved, view.margin_call) == (D(0), D(0), D(0))
    assert str(view.cash) == "100000.00"


def test_without_an_account_the_fix_is_named() -> None:
    service = PortfolioService(Ledger(), orders=list, quote=lambda _: None, clock=lambda: 0)
    with pytest.raises(NotFoundError, match="sp account open"):
        service.account()


def test_a_position_is_valued_at_the_mid_with_source_and_time() -> None:
    world = World(filled(fill("f1", "10", "100", fee="0.35")))
    world.price("105")
    (position,) = world.service.positions()
    assert (position.mark, position.mark_source, position.mark_ts) == (D(105), "mid", 100)
    assert (position.value, position.unrealized, position.fees) == (D(1050), D(50), D("0.35"))
    assert position.weight == round(D(1050) / D("100049.65"), 6)


@pytest.mark.parametrize(
    ("bid", "ask", "last", "mark", "source"),
    [
        ("99.98", "100.02", "98", "100", "mid"),
        ("90", "110", "98", "98", "last"),
        ("101", "100", "98", "98", "last"),
        ("90", "110", None, "55", "fill"),
    ],
)
def test_the_mark_falls_back_from_mid_to_last_to_our_own_fill(
    bid: str, ask: str, last: str | None, mark: str, source: str
) -> None:
    world = World(filled(fill("f1", "10", "55")))
    world.quotes[AAPL] = quote(bid, ask, last=last)
    (position,) = world.service.positions()
    assert (position.mark, position.mark_source) == (D(mark), source)


def test_a_one_sided_quote_is_no_mid() -> None:
    world = World(filled(fill("f1", "10", "55")))
    world.quotes[AAPL] = msgspec.structs.replace(quote(), bid_size=D(0))
    (position,) = world.service.positions()
    assert position.mark_source == "last"


def test_positions_come_largest_first_and_flat_ones_are_gone() -> None:
    world = World(
        filled(fill("f1", "1", "100")),
        filled(fill("f2", "-9", "100", instrument_id=MSFT)),
        filled(fill("f3", "5", "10", instrument_id="X.XNAS")),
        filled(fill("f4", "-5", "10", instrument_id="X.XNAS")),
    )
    assert [position.instrument_id for position in world.service.positions()] == [MSFT, AAPL]


def test_day_pnl_of_an_overnight_position_counts_from_the_sessions_mark() -> None:
    world = World(filled(fill("f1", "10", "80")))
    world.price("100")
    world.begin("2024-03-08")
    world.price("103")
    (position,) = world.service.positions()
    assert position.day_pnl == 30
    assert position.unrealized == 230
    assert world.service.account().day_pnl == 30


def test_day_pnl_combines_what_was_held_overnight_with_what_was_traded_today() -> None:
    world = World(filled(fill("f1", "10", "80")))
    world.price("100")
    world.begin("2024-03-08")
    world.tell(filled(fill("f2", "5", "101", at=200)), filled(fill("f3", "-12", "104", at=201)))
    world.price("103")
    (position,) = world.service.positions()
    # 10 over night from 100, 5 bought at 101; of these 15, 12 sold at 104 and 3 left at 103.
    assert position.day_pnl == (12 * 104 + 3 * 103) - (10 * 100 + 5 * 101)


def test_a_position_opened_and_closed_today_still_counts_in_the_accounts_day() -> None:
    world = World()
    world.begin("2024-03-08")
    world.tell(filled(fill("f1", "10", "100", fee="1", at=200)), filled(fill("f2", "-10", "103", fee="1", at=201)))
    view = world.service.account()
    assert view.day_pnl == 28
    assert view.realized == 30


@pytest.mark.covers("L3")
def test_the_accounts_day_is_the_sum_of_its_positions_less_fees() -> None:
    world = World(filled(fill("f1", "10", "80", fee="0.5")), filled(fill("f2", "-7", "30", instrument_id=MSFT)))
    world.price("100")
    world.price("31", MSFT)
    world.begin("2024-03-08")
    world.tell(
        filled(fill("f3", "-25", "99", fee="0.75", at=200)),
        filled(fill("f4", "7", "29", fee="0.25", instrument_id=MSFT, at=201)),
        moved("5000"),
    )
    world.price("97.5")
    valued = value_positions(world.ledger.book("main"), lambda key: world.service.mark("main", key))
    days = sum((item.result or Decimal(0) for item in valued), Decimal(0))
    assert world.service.account().day_pnl == days - 1
    balances = world.service.balances("main")
    invariants.check_equity(balances, valued)


def test_deposits_are_no_profit() -> None:
    world = World()
    world.begin("2024-03-08")
    world.tell(moved("2500"))
    view = world.service.account()
    assert (view.day_pnl, view.equity) == (D(0), D(102_500))


def test_a_position_without_a_mark_at_the_open_has_no_day_pnl_rather_than_a_wrong_one() -> None:
    world = World(filled(fill("f1", "10", "80")))
    (event,) = world.service.begin_session("2024-03-08", 1)
    world.tell(msgspec.structs.replace(event, marks={}))
    world.price("100")
    assert world.service.positions()[0].day_pnl is None


def test_a_session_is_marked_once_per_account() -> None:
    world = World(opened("second"))
    assert [event.account_id for event in world.service.begin_session("2024-03-08", 1)] == ["main", "second"]
    world.begin("2024-03-08")
    assert world.service.begin_session("2024-03-08", 1) == ()
    assert len(world.service.begin_session("2024-03-11", 1)) == 2


def test_a_cash_account_reserves_the_whole_price_and_a_margin_account_half() -> None:
    for kind, reserved, power in ((AccountType.CASH, 1000, 99_000), (AccountType.MARGIN, 500, 199_000)):
        world = World(kind=kind)
        world.orders = [order("o1", terms("10", "100"))]
        view = world.service.account()
        assert (view.reserved, view.buying_power) == (D(reserved), D(power))
        assert view.working_orders == 1


def test_unknown_orders_are_reserved_and_counted() -> None:
    world = World()
    world.orders = [order("o1", terms("10", "100"), status=OrderStatus.SUBMITTED, is_unknown=True)]
    view = world.service.account()
    assert (view.unknown_orders, view.reserved) == (1, D(500))


def test_orders_of_other_accounts_and_finished_ones_reserve_nothing() -> None:
    world = World(opened("second"))
    world.orders = [
        order("o1", terms("10", "100", account_id="second")),
        order("o2", terms("10", "100"), status=OrderStatus.FILLED),
    ]
    assert world.service.account("main").reserved == 0
    assert world.service.account("second").reserved == 500


def test_a_long_margin_position_binds_half_and_calls_below_a_quarter() -> None:
    world = World(filled(fill("f1", "2000", "100")), cash="100000")
    world.price("100")
    view = world.service.account()
    assert (view.cash, view.equity, view.buying_power) == (D(-100_000), D(100_000), D(0))
    assert (view.maintenance_margin, view.margin_call) == (D(50_000), D(0))
    world.price("60")
    view = world.service.account()
    assert (view.equity, view.maintenance_margin, view.margin_call) == (D(20_000), D(30_000), D(10_000))


def test_a_short_position_needs_thirty_percent() -> None:
    world = World(filled(fill("f1", "-1000", "100")))
    world.price("150")
    view = world.service.account()
    assert (view.cash, view.equity, view.net_exposure) == (D(200_000), D(50_000), D(-150_000))
    assert (view.maintenance_margin, view.margin_call) == (D(45_000), D(0))
    world.price("180")
    assert world.service.account().margin_call == 54_000 - 20_000


def test_the_nearest_protective_stop_is_found_and_priced() -> None:
    world = World(filled(fill("f1", "80", "120")))
    world.price("148.90")
    world.orders = [
        order("far", terms("-80", None, stop="130")),
        order("near", terms("-80", None, stop="139.50")),
        order("buy", terms("80", None, stop="150")),
        order("gone", terms("-80", None, stop="145"), status=OrderStatus.CANCELED),
        order("part", terms("-80", "139", stop="139"), filled_quantity=D(30)),
    ]
    (position,) = world.service.positions()
    assert position.stop_price == D("139.50")
    assert position.at_stop == -752


def test_a_stop_for_part_of_a_short_counts_that_part() -> None:
    world = World(filled(fill("f1", "-80", "120")))
    world.price("110")
    world.orders = [order("near", terms("50", None, stop="115")), order("far", terms("80", None, stop="130"))]
    (position,) = world.service.positions()
    assert (position.stop_price, position.at_stop) == (D(115), D(-250))


def test_without_a_stop_nothing_is_claimed() -> None:
    world = World(filled(fill("f1", "80", "120")))
    world.price("110")
    assert world.service.positions()[0].stop_price is None
    assert world.service.positions()[0].at_stop is None


def test_old_marks_are_counted_as_stale() -> None:
    world = World(filled(fill("f1", "10", "100")))
    world.price("100")
    assert world.service.account().stale_marks == 0
    world.now += 2 * SECOND
    assert world.service.account().stale_marks == 1


def test_a_mark_of_a_quote_is_as_old_as_the_feed_is_silent() -> None:
    silent = 0
    world = World(filled(fill("f1", "10", "100")))
    service = PortfolioService(
        world.ledger,
        orders=lambda: (),
        quote=world.quotes.get,
        clock=lambda: world.now,
        settings=PortfolioSettings(max_mark_age_ns=SECOND),
        quote_age=lambda _: silent,
    )
    world.price("100")
    world.now += 1000 * SECOND
    assert service.account().stale_marks == 0, "a second of the wall at a thousandfold speed"
    silent = 2 * SECOND
    assert service.account().stale_marks == 1


def test_the_loss_left_today_shrinks_and_stops_at_zero() -> None:
    world = World(filled(fill("f1", "100", "100")))
    world.price("100")
    world.begin("2024-03-08")
    assert world.service.account().loss_left == 3000
    world.price("90")
    assert world.service.account().loss_left == 2000
    world.price("50")
    assert world.service.account().loss_left == 0


def test_lots_show_their_gain_and_age() -> None:
    world = World(filled(fill("f1", "10", "100", at=1)), filled(fill("f2", "-4", "100", instrument_id=MSFT, at=1)))
    world.price("101")
    world.now = 3 * 86_400 * SECOND
    first, second = world.service.lots()
    assert (first.lot.lot_id, first.unrealized, first.days_held) == ("f1", D(10), 2)
    assert second.unrealized == 0
    assert [view.lot.lot_id for view in world.service.lots("main", MSFT)] == ["f2"]


def test_the_curve_is_rebuilt_from_fills_and_session_marks_and_goes_on_with_samples() -> None:
    bought = fill("f1", "100", "100", at=10 * SECOND)
    world = World(bought_event := filled(bought), filled(fill("f2", "-50", "90", at=20 * SECOND)))
    points = world.service.portfolio().curve
    assert [point.equity for point in points] == [100_000, 100_000, 99_000]
    world.price("95")
    world.service.sample(30 * SECOND)
    last = world.service.portfolio().curve[-1]
    assert (last.equity, last.drawdown) == (D(99_250), D("-0.0075"))
    assert bought_event.fill is bought


def test_a_bust_shows_at_once() -> None:
    bought = fill("f1", "10", "100")
    world = World(filled(bought), busted(bought))
    assert world.service.positions() == []
    assert world.service.account().equity == 100_000


def test_the_portfolio_is_one_picture() -> None:
    world = World(filled(fill("f1", "10", "100")))
    world.price("104")
    picture = world.service.portfolio()
    value = picture.positions[0].value
    assert value is not None
    assert picture.account.equity == picture.account.cash + value


def test_the_view_says_the_later_of_the_recorded_and_the_last_seen_match() -> None:
    world = World()
    seen = {"main": 7}
    service = PortfolioService(
        world.ledger,
        orders=list,
        quote=world.quotes.get,
        clock=lambda: 9,
        matched_at=lambda key: seen.get(key, 0),
        matched_wall=lambda key: 2 * seen.get(key, 0),
    )
    assert service.account().reconciled_at == 7
    assert service.account().reconciled_wall == 14
    seen.clear()
    assert service.account().reconciled_at == 0
