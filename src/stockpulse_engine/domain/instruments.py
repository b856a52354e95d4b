"""Tradable things and how they are named: `SYMBOL.MIC`.

A ticker that was given to another company later is told apart by the year in which the earlier one's data begins:
`FB~1999.XNAS` is not `FB.XNAS`. Nothing that trades today has a `~`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum

import msgspec

from stockpulse_engine.domain.errors import InvalidValueError

_INSTRUMENT_ID = re.compile(r"[A-Z0-9][A-Z0-9./_~-]{0,23}\.[A-Z0-9]{4}")


class AssetClass(Enum):
    """What kind of thing it is; always explicit, never guessed from the name."""

    EQUITY = "EQUITY"
    ETF = "ETF"
    FX = "FX"
    CRYPTO = "CRYPTO"
    FUTURE = "FUTURE"
    OPTION = "OPTION"
    INDEX = "INDEX"


ROUND_THE_CLOCK = frozenset({AssetClass.FX, AssetClass.CRYPTO})
"""What trades at every hour, whatever a stock exchange's calendar says."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable thing.

    Attributes:
        instrument_id: `SYMBOL.MIC`, unique.
        name: the long name, external text already sanitised.
        tick_size: price increment in `currency`.
        lot_size: quantity increment (1 for whole shares).
        sector: one word for grouping; "" when unknown.
        shortable: whether a locate is assumed available on paper.
    """

    instrument_id: str
    name: str
    asset_class: AssetClass
    currency: str
    tick_size: Decimal
    lot_size: Decimal = Decimal(1)
    sector: str = ""
    shortable: bool = True
    average_daily_volume: Decimal = Decimal(0)

    @property
    def symbol(self) -> str:
        """The part before the venue's MIC."""
        return symbol_of(self.instrument_id)

    @property
    def venue(self) -> str:
        """The MIC of the listing venue."""
        return self.instrument_id.rsplit(".", 1)[1]


_COUNTRIES = {
    "US": ("XNAS", "XNYS", "ARCX", "XASE", "BATS", "IEXG"),
    "GB": ("XLON",), "DE": ("XETR", "XFRA"), "FR": ("XPAR",), "NL": ("XAMS",), "CH": ("XSWX",), "JP": ("XTKS",),
    "CA": ("XTSE",), "IN": ("XBOM", "XNSE"), "HK": ("XHKG",), "AU": ("XASX",), "IT": ("XMIL",), "ES": ("XMAD",),
}  # fmt: skip


def country_of(instrument_id: str) -> str:
    """Country of the exchange it is listed at, two letters; "" where that is not known."""
    mic = instrument_id.rsplit(".", 1)[-1]
    return next((country for country, mics in _COUNTRIES.items() if mic in mics), "")


def symbol_of(instrument_id: str) -> str:
    """`AAPL.XNAS` → `AAPL`."""
    return instrument_id.rsplit(".", 1)[0]


def require_instrument_id(text: str) -> str:
    """Return `text` if it is a well-formed `SYMBOL.MIC`, else raise InvalidValueError."""
    if not _INSTRUMENT_ID.fullmatch(text):
        raise InvalidValueError(f"{text[:40]!r} is not an instrument id.", fix="Write SYMBOL.MIC, like AAPL.XNAS.")
    return text
