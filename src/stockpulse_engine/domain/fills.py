"""Fills: facts about executed quantity, unique by `fill_id`."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from stockpulse_engine.domain.money import ZERO


class Fill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One (partial) execution of our order.

    Attributes:
        fill_id: the venue's execution id, unique per account; posts exactly once (L6).
        sign: +1 when bought, -1 when sold.
        quantity: positive.
        fee: commission and fees in the account's currency, positive is a cost.
        liquidity: "T" took, "M" made, "A" auction, "" unknown.
        corrects: the `fill_id` this one replaces (corrections), else "".
    """

    fill_id: str
    client_order_id: str
    account_id: str
    instrument_id: str
    sign: int
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO
    currency: str = "USD"
    liquidity: str = ""
    ts_event: int = 0
    venue_order_id: str = ""
    corrects: str = ""

    @property
    def notional(self) -> Decimal:
        """Quantity × price, positive."""
        return self.quantity * self.price

    @property
    def signed_quantity(self) -> Decimal:
        """Quantity with the direction's sign."""
        return self.quantity * self.sign
