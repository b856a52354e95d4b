"""The simulated broker's executions as the engine speaks of them."""

from __future__ import annotations

from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.drill.core.orders import Execution


def fill_of(execution: Execution) -> Fill:
    """An execution."""
    return Fill(
        fill_id=execution.execution_id,
        client_order_id=execution.client_order_id,
        account_id=execution.account_id,
        instrument_id=execution.instrument_id,
        sign=execution.side.sign,
        quantity=execution.quantity,
        price=execution.price,
        fee=execution.fee,
        ts_event=execution.ts_ns,
        venue_order_id=execution.venue_order_id,
        corrects=execution.corrects,
    )
