"""Yahoo's symbols and exchange codes to instrument ids."""

from __future__ import annotations

import re

from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.domain.instruments import AssetClass

NO_VENUE = "XXXX"
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=-]{0,19}")
_MICS = {
    "NMS": "XNAS", "NGM": "XNAS", "NCM": "XNAS", "NYQ": "XNYS", "ASE": "XASE", "PCX": "ARCX", "BTS": "BATS",
    "LSE": "XLON", "GER": "XETR", "FRA": "XFRA", "PAR": "XPAR", "AMS": "XAMS", "MIL": "XMIL", "MCE": "XMAD",
    "EBS": "XSWX", "TOR": "XTSE", "JPX": "XTKS", "HKG": "XHKG", "ASX": "XASX", "NSI": "XNSE", "BSE": "XBOM",
}  # fmt: skip
_PLAIN = frozenset({"XNAS", "XNYS", "XASE", "ARCX", "BATS"})
_SUFFIXES = {
    "XLON": ".L", "XETR": ".DE", "XFRA": ".F", "XPAR": ".PA", "XAMS": ".AS", "XMIL": ".MI", "XMAD": ".MC",
    "XSWX": ".SW", "XTSE": ".TO", "XTKS": ".T", "XHKG": ".HK", "XASX": ".AX", "XNSE": ".NS", "XBOM": ".BO",
}  # fmt: skip
_CLASSES = {
    "EQUITY": AssetClass.EQUITY,
    "ETF": AssetClass.ETF,
    "CURRENCY": AssetClass.FX,
    "CRYPTOCURRENCY": AssetClass.CRYPTO,
    "FUTURE": AssetClass.FUTURE,
    "OPTION": AssetClass.OPTION,
    "INDEX": AssetClass.INDEX,
    "MUTUALFUND": AssetClass.ETF,
}


def require_symbol(text: str) -> str:
    """The symbol in upper case; raises InvalidValueError for what can not be one."""
    symbol = text.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise InvalidValueError(f"{text[:24]!r} is not a Yahoo symbol.", fix="Write it like AAPL, OCDO.L or EURUSD=X.")
    return symbol


def instrument_id_of(symbol: str, exchange: str) -> str:
    """`OCDO.L` at `LSE` → `OCDO.XLON`; what has no venue we know keeps its code under XXXX."""
    mic = _MICS.get(exchange, NO_VENUE)
    base = symbol.partition("=")[0]
    if mic != NO_VENUE and exchange not in ("NMS", "NGM", "NCM", "NYQ", "ASE", "PCX", "BTS"):
        base = base.rpartition(".")[0] or base
    clean = re.sub(r"[^A-Z0-9./_-]", "", base).lstrip("./_-") or "UNKNOWN"
    return f"{clean}.{mic}"


def symbol_of(instrument_id: str) -> str:
    """`OCDO.XLON` → `OCDO.L`; "" where none can be told, as of a company that gave its ticker away."""
    base, _, mic = instrument_id.rpartition(".")
    symbol = base if mic in _PLAIN else f"{base}{_SUFFIXES[mic]}" if mic in _SUFFIXES else ""
    return symbol if _SYMBOL.fullmatch(symbol) else ""


def asset_class_of(kind: str) -> AssetClass:
    """Yahoo's `instrumentType` as ours."""
    return _CLASSES.get(kind, AssetClass.EQUITY)
