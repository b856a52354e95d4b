"""What the user may set about market data."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `market`."""

    calendar: Literal["XNYS", "XBOM"] = "XNYS"
    yahoo: bool = True
    """Whether `yahoo:SYMBOL` may go to the network."""
    yahoo_url: Annotated[str, msgspec.Meta(pattern="^https?://", description="an http:// or https:// address")] = (
        "https://query1.finance.yahoo.com"
    )
