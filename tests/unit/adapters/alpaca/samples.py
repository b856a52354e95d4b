"""Hand-made values in the shape of Alpaca's own."""

from __future__ import annotations

from typing import Any

from stockpulse_engine.adapters.alpaca.parse import AlpacaOrder, parse_order

AT = "2021-03-16T18:38:01.942282123Z"


def order_row(**changes: Any) -> dict[str, Any]:
    """An order as JSON."""
    row = {
        "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
        "client_order_id": "o-1",
        "created_at": AT,
        "updated_at": "2021-03-16T14:38:02.942282-04:00",
        "submitted_at": AT,
        "filled_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": "904837e3-3b76-47ec-b432-046db621571b",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "notional": None,
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "order_type": "limit",
        "type": "limit",
        "side": "buy",
        "time_in_force": "day",
        "limit_price": "105.8988475",
        "stop_price": None,
        "status": "new",
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": "string",
    }
    return {**row, **changes}


def order(**changes: Any) -> AlpacaOrder:
    """The same, read."""
    return parse_order(order_row(**changes))
