"""What accounts at the simulated broker hold: cash, and positions at average cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.drill.core.orders import Execution, Holding


class Books:
    """Cash and holdings of one account."""

    def __init__(self, cash: Decimal, positions: Mapping[str, tuple[Decimal, Decimal]]) -> None:
        self.cash = cash
        self.held = {key: Holding(quantity=quantity, cost=cost) for key, (quantity, cost) in positions.items()}

    def quantity(self, instrument_id: str) -> Decimal:
        """Signed quantity held."""
        found = self.held.get(instrument_id)
        return found.quantity if found else ZERO

    def post(self, execution: Execution) -> None:
        """Book an execution."""
        self.cash -= execution.signed * execution.price + execution.fee
        self._add(execution.instrument_id, execution.signed, execution.price)

    def take_back(self, execution: Execution) -> None:
        """Undo an execution."""
        self.cash += execution.signed * execution.price + execution.fee
        self._add(execution.instrument_id, -execution.signed, execution.price)

    def set(self, instrument_id: str, quantity: Decimal, cost: Decimal) -> None:
        """Hold this much at this cost from now on."""
        if quantity:
            self.held[instrument_id] = Holding(quantity=quantity, cost=cost)
        else:
            self.held.pop(instrument_id, None)

    def _add(self, instrument_id: str, signed: Decimal, price: Decimal) -> None:
        before = self.held.get(instrument_id) or Holding(quantity=ZERO, cost=price)
        after = before.quantity + signed
        if before.quantity * signed >= 0:
            total = before.quantity * before.cost + signed * price
            cost = total / after if after else ZERO
        else:
            cost = before.cost if after * before.quantity > 0 else price
        self.set(instrument_id, after, cost)
