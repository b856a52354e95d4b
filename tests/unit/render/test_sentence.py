"""One order, one sentence, wherever it is told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from stockpulse_engine.domain.orders import OrderTerms, OrderType, SessionHours, Side, TimeInForce
from stockpulse_engine.render.sentence import describe_order

BUY = OrderTerms(
    account_id="main",
    instrument_id="BRK.B.XNYS",
    side=Side.BUY,
    quantity=Decimal("1200.000"),
    order_type=OrderType.LIMIT,
    limit_price=Decimal("231.4"),
)
STOP_LIMIT = replace(
    BUY, side=Side.SELL, order_type=OrderType.STOP_LIMIT, limit_price=Decimal("228.5"), stop_price=Decimal(229)
)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (BUY, "Buy 1,200 BRK.B at 231.40 limit, day order"),
        (replace(BUY, limit_price=Decimal("0.12345")), "Buy 1,200 BRK.B at 0.12345 limit, day order"),
        (replace(BUY, order_type=OrderType.MARKET), "Buy 1,200 BRK.B at market, day order"),
        (STOP_LIMIT, "Sell 1,200 BRK.B at 228.50 limit once 229.00 trades, day order"),
        (replace(STOP_LIMIT, order_type=OrderType.STOP), "Sell 1,200 BRK.B at 229.00 stop, day order"),
        (replace(BUY, order_type=OrderType.TRAILING_STOP), "Buy 1,200 BRK.B at a trailing stop, day order"),
        (
            replace(BUY, order_type=OrderType.TRAILING_STOP, limit_price=None, trail_fraction=Decimal("0.025")),
            "Buy 1,200 BRK.B at a 2.5% trailing stop, day order",
        ),
        (
            replace(
                BUY,
                order_type=OrderType.TRAILING_STOP,
                limit_price=None,
                trail_amount=Decimal("0.5"),
                limit_offset=Decimal("0.1"),
                stop_price=Decimal(232),
                time_in_force=TimeInForce.GTD,
                expires_on="2026-11-27",
            ),
            "Buy 1,200 BRK.B at a 0.50 trailing stop (now 232.00), limit 0.10 beyond, good till 2026-11-27",
        ),
        (
            replace(BUY, time_in_force=TimeInForce.GTD, expires_at=1_710_172_830_000_000_000),
            "Buy 1,200 BRK.B at 231.40 limit, good till 2024-03-11 12:00:30 ET",
        ),
        (replace(BUY, time_in_force=TimeInForce.GTC), "Buy 1,200 BRK.B at 231.40 limit, good till canceled"),
        (
            replace(BUY, session=SessionHours.EXTENDED, is_reduce_only=True, lots=("f1", "f2")),
            "Buy 1,200 BRK.B at 231.40 limit, day order, extended hours too, reduce only, lots f1 f2",
        ),
        (replace(BUY, quantity=None), "Buy ? BRK.B at 231.40 limit, day order"),
        (replace(BUY, quantity=Decimal("NaN"), limit_price=Decimal("Infinity")), "Buy ? BRK.B at ? limit, day order"),
    ],
)
def test_an_order_in_words(terms: OrderTerms, words: str) -> None:
    assert describe_order(terms) == words


def test_a_bracket_and_the_decimals_of_a_tick() -> None:
    words = describe_order(BUY, tick=Decimal("0.0001"), take_price=Decimal(240), stop_price=Decimal("225.5"))
    assert words == "Buy 1,200 BRK.B at 231.4000 limit, day order; take 240.0000, stop 225.5000"
