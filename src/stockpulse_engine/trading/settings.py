"""The paper account that a new home opens."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from stockpulse_engine.trading.accounts import CURRENCY_PATTERN, CURRENCY_WORDS, ID_PATTERN, ID_WORDS


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `account`: read once, when the account is opened; later changes do not touch it."""

    name: Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description=ID_WORDS)] = "main"
    type: Literal["CASH", "MARGIN"] = "MARGIN"
    currency: Annotated[str, msgspec.Meta(pattern=CURRENCY_PATTERN, description=CURRENCY_WORDS)] = "USD"
    cash: Decimal = Decimal(100_000)
