"""What may be borrowed: a cash account nothing, a Reg-T margin account half of what it buys or shorts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from stockpulse_engine.domain.accounts import AccountType
from stockpulse_engine.domain.money import ZERO

INITIAL_RATE = Decimal("0.50")
"""Own money needed to open a margin position, long or short (Regulation T)."""
MAINTENANCE_LONG = Decimal("0.25")
"""Own money needed to keep a long margin position."""
MAINTENANCE_SHORT = Decimal("0.30")
"""Own money needed to keep a short position."""


def opening_rate(account_type: AccountType) -> Decimal:
    """Own money per unit of notional that a new position binds."""
    return INITIAL_RATE if account_type is AccountType.MARGIN else Decimal(1)


def initial_requirement(account_type: AccountType, gross: Decimal) -> Decimal:
    """Own money that positions of this gross value bind; in a cash account they are paid for already."""
    return ZERO if account_type is AccountType.CASH else INITIAL_RATE * gross


def maintenance_requirement(account_type: AccountType, values: Iterable[Decimal]) -> Decimal:
    """Equity below which a margin call is due. `values` are signed market values."""
    if account_type is AccountType.CASH:
        return ZERO
    long = short = ZERO
    for value in values:
        if value > 0:
            long += value
        else:
            short -= value
    return long * MAINTENANCE_LONG + short * MAINTENANCE_SHORT


def free_funds(
    account_type: AccountType, *, cash: Decimal, equity: Decimal, bound: Decimal, reserved: Decimal
) -> Decimal:
    """Own money not bound by positions (`bound`, the initial requirement) or open orders; negative when overdrawn."""
    if account_type is AccountType.CASH:
        return cash - reserved
    return equity - bound - reserved


def buying_power(account_type: AccountType, free: Decimal) -> Decimal:
    """Notional that `free` own money can still open."""
    return max(ZERO, free) / opening_rate(account_type)
