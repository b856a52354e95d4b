"""The size an order begins with: never one that the gate refuses for its weight."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockpulse_engine.actions.orderline import OrderContext, read_order_line
from stockpulse_engine.actions.usual_size import round_size, usual_size
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.orders import Order, OrderRole, OrderStatus, OrderTerms, OrderType, Side
from stockpulse_engine.risk.limits import Limits

AAPL = Instrument(
    instrument_id="AAPL.XNAS",
    name="Apple Inc",
    asset_class=AssetClass.EQUITY,
    currency="USD",
    tick_size=Decimal("0.01"),
)
EQUITY = Decimal(100_000)


def order(quantity: int, **more: object) -> Order:
    """An order in Apple."""
    terms = OrderTerms(
        account_id="main",
        instrument_id=AAPL.instrument_id,
        side=Side.BUY,
        quantity=Decimal(quantity),
        order_type=OrderType.MARKET,
    )
    values: dict[str, object] = {"status": OrderStatus.FILLED, "created_at": 1, "updated_at": 1, **more}
    return Order(client_order_id=f"C{quantity}", terms=terms, **values)  # type: ignore[arg-type] # fields of Order


@pytest.mark.parametrize(("price", "size"), [("222.88", "40"), ("597.13", "10"), ("10.98", "900"), ("20000", "1")])
def test_a_tenth_of_the_account_in_one_digit(price: str, size: str) -> None:
    assert round_size(AAPL, Decimal(price), EQUITY) == Decimal(size)


@given(
    price=st.decimals("0.01", "5000", places=2),
    equity=st.decimals("100", "10000000", places=2),
    lot=st.integers(1, 100),
)
def test_it_is_whole_lots_and_passes_the_weight_limit_unless_one_lot_is_too_much(
    price: Decimal, equity: Decimal, lot: int
) -> None:
    instrument = Instrument(
        instrument_id="X.XNAS",
        name="X",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(lot),
    )
    size = round_size(instrument, price, equity)
    assert size >= lot
    assert size % lot == 0
    assert size == lot or size * price <= equity * Limits().max_position_weight


def test_without_price_or_money_it_is_one_lot() -> None:
    assert round_size(AAPL, None, EQUITY) == 1
    assert round_size(AAPL, Decimal(10), None) == 1
    assert round_size(AAPL, Decimal(10), Decimal(0)) == 1


def test_what_was_ordered_last_is_usual_but_not_what_was_refused_nor_an_exit() -> None:
    refused = order(100, status=OrderStatus.DENIED)
    exit_leg = order(70, role=OrderRole.STOP)
    assert usual_size(AAPL, Decimal("222.88"), EQUITY, [refused, exit_leg, order(45), order(30)]) == 45


def test_the_order_line_offers_it_and_a_sale_offers_all_of_what_is_held() -> None:
    def context(held: int) -> OrderContext:
        return OrderContext(
            account_id="main",
            resolve={"AAPL": AAPL}.get,
            quote=lambda _: None,
            position=lambda _: Decimal(held),
            equity=EQUITY,
            default_symbol="AAPL",
            orders=lambda: [order(45)],
        )

    assert read_order_line("", context(0)).ghost == "buy AAPL 45 lmt mid"
    assert read_order_line("buy AAPL ", context(0)).ghost == "45"
    assert read_order_line("sell AAPL ", context(60)).ghost == "all"
    assert read_order_line("sell AAPL ", context(0)).ghost == "45"
