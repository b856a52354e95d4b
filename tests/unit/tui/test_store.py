"""The store is a fold of frames: a snapshot forgets, a delta changes only what it names, everything is bounded."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.domain.accounts import TradingState
from stockpulse_engine.domain.market import Bar, BarSpec, NewsItem, Trade
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.wire.stream import Alert, Frame
from stockpulse_tui.store import BOOKS, MARKET, MAX_ALERTS, MAX_BARS, MAX_NEWS, MAX_ORDERS, MAX_TRADES, Changes, Store
from tests.fakes.fake_link import T0, FakeMarket


def filled_store() -> tuple[Store, FakeMarket]:
    market = FakeMarket(ManualClock(T0))
    store = Store()
    store.apply(market.snapshot())
    return store, market


def order(number: int, status: OrderStatus = OrderStatus.FILLED, *, is_unknown: bool = False) -> Order:
    terms = OrderTerms(
        account_id="main", instrument_id="AAPL.XNAS", side=Side.BUY, quantity=Decimal(1), order_type=OrderType.MARKET
    )
    return Order(
        client_order_id=f"o{number}", terms=terms, status=status, is_unknown=is_unknown, created_at=T0 + number
    )


def test_a_snapshot_replaces_everything() -> None:
    store, market = filled_store()
    store.apply(market.delta(orders=(order(1),)))
    changes = store.apply(market.snapshot())
    assert changes.is_reset
    assert store.orders == {}
    assert len(store.quotes) == len(market.instruments)


def starting(market: FakeMarket, step: str = "starting the paper venue", **told: object) -> Frame:
    """The snapshot of an engine on its way up."""
    health = msgspec.structs.replace(market.health(), step=step)
    return msgspec.structs.replace(market.delta(health=health, **told), kind="snapshot")


def test_an_engine_that_starts_again_takes_nothing_away_before_it_tells_it_anew() -> None:
    store, market = filled_store()
    instruments, accounts, positions = dict(store.instruments), dict(store.accounts), dict(store.positions)
    store.apply(market.delta(orders=(order(1),)))
    changes = store.apply(starting(market))
    assert not changes.is_reset
    assert store.before == {MARKET, BOOKS}
    assert (store.instruments, store.accounts, store.positions) == (instruments, accounts, positions)
    assert store.arms == ()
    changes = store.apply(market.delta(instruments=tuple(market.instruments[:2])))
    assert changes.is_reset
    assert store.before == {BOOKS}
    assert (len(store.instruments), store.quotes) == (2, {})
    assert list(store.orders) == ["o1"]
    store.apply(market.delta(orders=(order(2),)))
    assert store.before == frozenset()
    assert (list(store.orders), store.accounts, store.positions) == (["o2"], {}, {})


def test_what_a_ready_engine_does_not_tell_is_gone() -> None:
    store, market = filled_store()
    store.apply(starting(market, instruments=tuple(market.instruments)))
    assert store.before == {BOOKS}
    assert store.accounts
    changes = store.apply(market.delta(health=market.health()))
    assert changes.is_reset
    assert (store.before, store.accounts, store.positions) == (frozenset(), {}, {})
    assert store.instruments


def test_an_engine_that_starts_in_another_world_keeps_nothing() -> None:
    store, market = filled_store()
    market.world = "replay"
    changes = store.apply(starting(market))
    assert changes.is_reset
    assert (store.instruments, store.accounts) == ({}, {})


def test_a_delta_names_the_quotes_it_changed_and_nothing_else() -> None:
    store, market = filled_store()
    before = dict(store.quotes)
    frame = market.move(3)
    changes = store.apply(frame)
    assert changes.kinds == {"quotes"}
    assert changes.quotes == {quote.instrument_id for quote in frame.quotes}
    assert {key for key, quote in store.quotes.items() if quote is not before[key]} == changes.quotes


def test_a_flat_position_disappears() -> None:
    store, market = filled_store()
    key = next(iter(store.positions))
    flat = msgspec.structs.replace(store.positions[key], quantity=Decimal(0))
    changes = store.apply(market.delta(positions=(flat,)))
    assert key not in store.positions
    assert changes.touches("positions")
    assert key[1] in changes.quotes, "the board's held mark must go"


def test_heartbeats_change_nothing() -> None:
    store, market = filled_store()
    assert not store.apply(market.delta(kind="heartbeat"))


def test_open_and_unknown_orders_are_found_newest_first() -> None:
    store, market = filled_store()
    rows = (
        order(1, OrderStatus.ACCEPTED),
        order(2, OrderStatus.FILLED),
        order(3, OrderStatus.SUBMITTED, is_unknown=True),
        order(4, OrderStatus.INITIALIZED),
    )
    changes = store.apply(market.delta(orders=rows))
    assert changes.orders == {"o1", "o2", "o3", "o4"}
    assert [o.client_order_id for o in store.working_orders()] == ["o4", "o3", "o1"]
    assert [o.client_order_id for o in store.unknown_orders()] == ["o3"]


def test_old_finished_orders_are_forgotten_and_open_ones_never() -> None:
    store, market = filled_store()
    store.apply(market.delta(orders=(order(0, OrderStatus.ACCEPTED),)))
    store.apply(market.delta(orders=tuple(order(i) for i in range(1, MAX_ORDERS + 50))))
    assert len(store.orders) == MAX_ORDERS
    assert "o0" in store.orders
    assert f"o{MAX_ORDERS + 49}" in store.orders


def test_bars_are_extended_or_corrected_in_place() -> None:
    store, market = filled_store()
    spec = BarSpec(1, "m")

    def bar(minute: int, close: int) -> Bar:
        price = Decimal(close)
        return Bar("AAPL.XNAS", spec, T0 + minute * 60_000_000_000, price, price, price, price, Decimal(1), T0)

    store.apply(market.delta(bars=(bar(0, 10), bar(1, 11), bar(1, 12))))
    series = store.bars["AAPL.XNAS", "1m"]
    assert [int(b.close) for b in series] == [10, 12]
    store.apply(market.delta(bars=tuple(bar(i, i) for i in range(2, MAX_BARS + 10))))
    assert len(series) == MAX_BARS


def test_everything_else_is_bounded() -> None:
    store, market = filled_store()
    store.apply(market.delta(trades=tuple(Trade("AAPL.XNAS", Decimal(i + 1), Decimal(1), T0 + i) for i in range(900))))
    store.apply(market.delta(news=tuple(NewsItem(f"n{i}", (), T0 + i) for i in range(900))))
    store.apply(market.delta(alerts=tuple(Alert(ts_event=i, level="info", text="x") for i in range(900))))
    assert len(store.trades["AAPL.XNAS"]) == MAX_TRADES
    assert len(store.news) == MAX_NEWS
    assert len(store.alerts) == MAX_ALERTS
    assert store.news[0].headline == "n899"


def test_the_trading_state_follows_the_engine() -> None:
    store, market = filled_store()
    market.state = TradingState.HALTED
    store.apply(market.delta(halt=market.halt()))
    assert store.state is TradingState.HALTED


def test_a_read_only_session_keeps_its_reason() -> None:
    store, market = filled_store()
    store.apply(market.delta(is_read_only=True, reason="This engine speaks another version."))
    assert store.is_read_only
    assert "version" in store.reason


@given(st.lists(st.integers(0, 36), max_size=6))
def test_joined_changes_name_what_each_frame_changed(counts: list[int]) -> None:
    store, market = filled_store()
    joined = Changes()
    named: set[str] = set()
    for count in counts:
        frame: Frame = market.move(count)
        changes = store.apply(frame)
        named |= changes.quotes
        joined.join(changes)
    assert joined.quotes == named
    assert all(store.quotes[key].last == market.last[key] for key in named)


def test_a_day_without_a_close_before_it_has_no_reference() -> None:
    store, market = filled_store()
    store.references.clear()
    store.apply(market.delta(references={"IBM.XNYS": ("", "181.51", "182.88"), "AAPL.XNAS": ("230", "229", "233")}))
    assert set(store.references) == {"AAPL.XNAS"}
