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
    """Which lots a closing fill consumes; fixed per account, specific lots may be named per order."""

    FIFO = "FIFO"


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
