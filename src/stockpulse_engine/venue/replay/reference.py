"""What a recorded symbol is: a small reference map, since files say little more than a ticker."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.instruments import AssetClass, Instrument, symbol_of
from stockpulse_engine.venue.market.listings import ROWS

ROUND_THE_CLOCK = frozenset({AssetClass.FX, AssetClass.CRYPTO})
"""Asset classes that keep no exchange hours."""

_UNKNOWN_MIC = "XXXX"
_CURRENCIES = frozenset({"USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "XAU", "XAG"})
_COINS = ("BTC", "ETH", "XRP", "LTC", "SOL")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,18}")
_TICKS = {AssetClass.FX: Decimal("0.00001"), AssetClass.CRYPTO: Decimal("0.01")}
_PENNY = Decimal("0.01")

_MORE: dict[str, tuple[str, str, str, bool]] = {
    "IBM": ("XNYS", "International Business Machines Corp", "Technology", False),
    "AIG": ("XNYS", "American International Group Inc", "Financials", False),
    "FB": ("XNAS", "Facebook Inc", "Communication", False),
    "GOOG": ("XNAS", "Alphabet Inc", "Communication", False),
    "EEM": ("ARCX", "iShares MSCI Emerging Markets ETF", "Index", True),
    "DIA": ("ARCX", "SPDR Dow Jones Industrial Average ETF", "Index", True),
    "FOXA": ("XNAS", "Fox Corp", "Communication", False),
    "NWSA": ("XNAS", "News Corp", "Communication", False),
}
_KNOWN = {row[0]: (row[1], row[2], row[3], row[9]) for row in ROWS} | _MORE


def is_symbol(text: str) -> bool:
    """Whether a recorded symbol can be part of an instrument id."""
    return _SYMBOL.fullmatch(text) is not None


def instrument_for(symbol: str) -> Instrument:
    """The instrument a recorded symbol stands for; one that is not in the map gets the venue XXXX."""
    mic = _KNOWN.get(symbol, (_UNKNOWN_MIC,))[0]
    return instrument_of(f"{symbol}.{mic}")


def instrument_with(instrument: Instrument, average_daily_volume: Decimal) -> Instrument:
    """The same with its usual volume."""
    return msgspec.structs.replace(instrument, average_daily_volume=average_daily_volume)


def instrument_of(instrument_id: str) -> Instrument:
    """The instrument of an id, with what the map knows of its symbol."""
    symbol = symbol_of(instrument_id)
    _, name, sector, is_fund = _KNOWN.get(symbol, (_UNKNOWN_MIC, symbol, "", False))
    asset_class = _class_of(symbol, is_fund=is_fund)
    return Instrument(
        instrument_id=instrument_id,
        name=name,
        asset_class=asset_class,
        currency=symbol[3:6] if asset_class is AssetClass.FX else "USD",
        tick_size=_TICKS.get(asset_class, _PENNY),
        lot_size=Decimal("0.0001") if asset_class is AssetClass.CRYPTO else Decimal(1),
        sector=sector,
    )


def _class_of(symbol: str, *, is_fund: bool) -> AssetClass:
    if symbol[:3] in _CURRENCIES and symbol[3:] in _CURRENCIES:
        return AssetClass.FX
    if symbol.startswith(_COINS) and symbol[3:6] in {"", "USD", "EUR", "ETH", "BTC"}:
        return AssetClass.CRYPTO
    return AssetClass.ETF if is_fund else AssetClass.EQUITY
