"""Settings of this room: the paper account that a new home opens, and what the watchdog does."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import msgspec

from stockpulse_engine.trading.accounts import CURRENCY_PATTERN, CURRENCY_WORDS, ID_PATTERN, ID_WORDS


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `account`: read once, when the account is opened; later changes do not touch it."""

    name: Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description=ID_WORDS)] = "main"
    type: Literal["CASH", "MARGIN"] = "MARGIN"
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN, description=CURRENCY_WORDS)] = "USD"
    cash: Decimal = Decimal(100_000)
    withholding: tuple[str, ...] = ()
    """Tax withheld from dividends: `US=0.15`, or `main/US=0.30` for one account; read whenever the venue starts."""


class ReconcileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `reconcile`: a difference in cash up to this part of an account's equity holds no orders back."""

    cash_fraction: Annotated[Decimal, msgspec.Meta(description="0 to 1")] = Decimal("0.0001")


class LossPolicy(Enum):
    """What is done with an account's working orders when its engine hangs or is dead."""

    ALARM = "alarm"
    """A person is told; orders stay."""
    CANCEL_ENTRIES = "cancel-entries"
    """What would open or enlarge a position is canceled; what protects one stays."""
    CANCEL_ALL = "cancel-all"


class WatchdogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `watchdog`: when an engine counts as hung or dead, and what happens then."""

    enabled: bool = True
    silent_s: Annotated[float, msgspec.Meta(ge=2, le=60)] = 6.0
    paper: Literal["alarm", "cancel-entries", "cancel-all"] = "alarm"
    live: Literal["alarm", "cancel-entries", "cancel-all"] = "cancel-entries"
    command: Annotated[str, msgspec.Meta(max_length=500)] = ""

    def policy(self, *, is_live: bool) -> LossPolicy:
        """What is done for an account of one's own money, or for a paper one."""
        return LossPolicy(self.live if is_live else self.paper)
