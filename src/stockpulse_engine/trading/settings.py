"""The paper account that a new home opens."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `account`: read once, when the account is opened; later changes do not touch it."""

    name: Annotated[
        str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,19}$", description="1 to 20 of a-z, 0-9 and -, a letter first")
    ] = "main"
    type: Literal["CASH", "MARGIN"] = "MARGIN"
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", description="three capital letters, as USD")] = "USD"
    cash: Decimal = Decimal(100_000)
