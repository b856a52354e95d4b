"""Accounts and the trading state."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec


class AccountKind(Enum):
    """Whose money it is."""

    PAPER = "PAPER"
    LIVE = "LIVE"


class AccountType(Enum):
    """What may be borrowed: nothing, or Reg-T margin (50 % initial, 25 % maintenance long, 30 % short)."""

    CASH = "CASH"
    MARGIN = "MARGIN"


class LotMethod(Enum):
    """Which lots a closing fill consumes; fixed when the account is opened. Lots an order names come first."""

    FIFO = "FIFO"
    """The oldest first."""
    LIFO = "LIFO"
    """The newest first."""
    HIFO = "HIFO"
    """The one first whose closing gains least: of what is held the dearest, of what was sold short the cheapest."""


class TradingState(Enum):
    """What may leave: everything, only what reduces, nothing but cancels."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it was opened; balances are derived from the ledger."""

    account_id: str
    kind: AccountKind
    account_type: AccountType
    currency: str
    initial_cash: Decimal
    broker: str = "paper"
    lot_method: LotMethod = LotMethod.FIFO
    opened_at: int = 0
