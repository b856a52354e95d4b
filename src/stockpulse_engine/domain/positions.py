"""Lots and positions as the ledger derives them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """One acquisition with its cost basis. `quantity` is signed: negative for a short lot.

    `cost` is the signed cost basis of what is left (negative proceeds basis for a short lot); fees are
    expensed apart and never folded into the basis.
    """

    lot_id: str
    account_id: str
    instrument_id: str
    quantity: Decimal
    cost: Decimal
    price: Decimal
    opened_at: int
    fill_id: str


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Net holding of an instrument in an account: sum of its open lots (L4)."""

    account_id: str
    instrument_id: str
    quantity: Decimal
    cost: Decimal
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    opened_at: int = 0

    @property
    def average_cost(self) -> Decimal | None:
        """Cost basis per unit; None when flat."""
        return self.cost / self.quantity if self.quantity else None

    @property
    def side(self) -> str:
        """LONG, SHORT or FLAT."""
        return "LONG" if self.quantity > 0 else "SHORT" if self.quantity < 0 else "FLAT"
