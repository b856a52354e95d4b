"""Alpaca's symbols, exchanges and client order ids, to ours and back."""

from __future__ import annotations

import re

from stockpulse_engine.domain.instruments import symbol_of

NO_VENUE = "XXXX"
MICS = {
    "NASDAQ": "XNAS", "NYSE": "XNYS", "AMEX": "XASE", "ARCA": "ARCX", "NYSEARCA": "ARCX", "BATS": "BATS",
    "OTC": "OOTC",
}  # fmt: skip
CRYPTO = "crypto"
LONGEST_ID = 128
"""Alpaca's limit for a client order id."""
_LINK = "~"
_PLAIN = re.compile(r"[A-Za-z0-9._:-]")
_ESCAPED = re.compile(r"=([0-9A-F]{2})")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,20}")


def instrument_id_of(symbol: str, exchange: str, asset_class: str = "") -> str:
    """`AAPL` at `NASDAQ` → `AAPL.XNAS`; `BTC/USD` → `BTC-USD.XXXX`; "" for what can be no instrument of ours."""
    if asset_class == CRYPTO or "/" in symbol:
        symbol, exchange = symbol.replace("/", "-"), ""
    if not _SYMBOL.fullmatch(symbol):
        return ""
    return f"{symbol}.{MICS.get(exchange, NO_VENUE)}"


def symbol_for(instrument_id: str) -> str:
    """`AAPL.XNAS` → `AAPL`, `BTC-USD.XXXX` → `BTC/USD`; "" for what Alpaca can not know."""
    symbol = symbol_of(instrument_id)
    if instrument_id.endswith(f".{NO_VENUE}"):
        symbol = symbol.replace("-", "/")
    return symbol if _SYMBOL.fullmatch(symbol) else ""


def is_same_place(instrument_id: str, exchange: str) -> bool:
    """Whether our venue and Alpaca's exchange can be the same listing; an unknown one contradicts none."""
    mic = instrument_id.rsplit(".", 1)[1]
    theirs = MICS.get(exchange, NO_VENUE)
    return NO_VENUE in (mic, theirs) or mic == theirs


def wire_id(client_order_id: str, link: str = "") -> str:
    """Our id as it travels: what is not letter, digit or `._:-` is written as hexadecimal, `link` tells changes apart.

    A change makes a new order at Alpaca, which needs an id of its own there: `{ours}~{link}`.
    """
    plain = "".join(
        each if _PLAIN.fullmatch(each) else "".join(f"={byte:02X}" for byte in each.encode())
        for each in client_order_id
    )
    return f"{plain}{_LINK}{link}" if link else plain


def ours_of(sent_id: str) -> str:
    """The id that `wire_id` was given; text of others comes back as it is, as far as it can be read."""
    plain = sent_id.partition(_LINK)[0]
    parts = _ESCAPED.split(plain)
    raw = b"".join(
        bytes.fromhex(part) if index % 2 else part.encode("utf-8", "replace") for index, part in enumerate(parts)
    )
    return raw.decode("utf-8", "replace")


def is_link(sent_id: str) -> bool:
    """Whether this order took the place of an earlier one by a change of ours."""
    return _LINK in sent_id
