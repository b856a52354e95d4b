"""Instruments of ours as the gateway's contracts, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stockpulse_engine.domain.instruments import symbol_of

if TYPE_CHECKING:
    from ib_async.contract import Contract

SMART: Final = "SMART"
STOCK: Final = "STK"
NO_VENUE: Final = "XXXX"
EXCHANGES: Final = {
    "XNAS": "NASDAQ", "XNYS": "NYSE", "XASE": "AMEX", "ARCX": "ARCA", "BATS": "BATS", "OOTC": "PINK",
}  # fmt: skip
"""MIC → what the gateway calls the primary exchange."""
_MICS: Final = {theirs: mic for mic, theirs in EXCHANGES.items()} | {"ISLAND": "XNAS"}
_OURS = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,14}")
_THEIRS = re.compile(r"[A-Z0-9][A-Z0-9. -]{0,14}")


def contract_of(instrument_id: str, currency: str) -> Contract | None:
    """The contract of a share: `BRK-B.XNYS` is `BRK B`, traded wherever is best; None for what is no share of ours."""
    from ib_async.contract import Contract

    symbol, mic = symbol_of(instrument_id), instrument_id.rpartition(".")[2]
    if not _OURS.fullmatch(symbol) or (mic != NO_VENUE and mic not in EXCHANGES):
        return None
    return Contract(
        secType=STOCK,
        symbol=symbol.replace("-", " ").replace(".", " "),
        exchange=SMART,
        primaryExchange=EXCHANGES.get(mic, ""),
        currency=currency,
    )


def instrument_of(symbol: str, exchange: str) -> str:
    """`BRK B` at `NYSE` → `BRK-B.XNYS`; "" for what can be no instrument of ours."""
    if not _THEIRS.fullmatch(symbol):
        return ""
    return f"{symbol.replace(' ', '-')}.{_MICS.get(exchange, NO_VENUE)}"
