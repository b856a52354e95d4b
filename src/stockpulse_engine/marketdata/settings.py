"""What the user may set about market data."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MAX_SYMBOLS = 40
DEFAULT_SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "JPM", "SPY", "QQQ")


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Section `market`."""

    calendar: Literal["XNYS", "XBOM"] = "XNYS"
    yahoo: bool = True
    """Whether `yahoo:SYMBOL` may go to the network."""
    yahoo_url: Annotated[str, msgspec.Meta(pattern="^https?://", description="an http:// or https:// address")] = (
        "https://query1.finance.yahoo.com"
    )
    symbols: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=MAX_SYMBOLS, description=f"a list of at most {MAX_SYMBOLS} symbols")
    ] = DEFAULT_SYMBOLS
    """What the live world watches and trades on paper."""
    poll_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 15.0
    """How often each of them is looked at; never more than one question a second in all."""
