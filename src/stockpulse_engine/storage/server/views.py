"""Views over the tables: names instead of keys, numbers instead of integers in 1e-8, withdrawn rows left out."""

from __future__ import annotations

from typing import Final

from stockpulse_engine.storage.server.schema import UNITS

_NAMES = "JOIN instruments i ON i.key = t.instrument JOIN sources s ON s.key = t.source"
_TIMES = "t.ts, t.ts_ns, to_timestamp(t.known_at / 1000000000.0) AS known_at"


def _e8(*names: str) -> str:
    return ", ".join(f"t.{name}_e8 * 0.00000001 AS {name}" for name in names)


def _words(*names: str) -> str:
    return ", ".join(f"(SELECT w.name FROM words w WHERE w.key = t.{name}) AS {name}" for name in names)


def _bars(unit: str, word: str) -> str:
    prices = _e8("open", "high", "low", "close", "volume")
    return (
        f"SELECT i.name AS instrument_id, s.name AS source, t.step::text || '{unit}' AS spec, {_TIMES}, {prices} "
        f"FROM bars_{word} t {_NAMES} WHERE NOT t.is_retracted"
    )


_BARS: Final = " UNION ALL ".join(_bars(unit, word) for unit, word in UNITS.items())
_START: Final = f"i.name AS instrument_id, s.name AS source, {_TIMES}"
_QUOTES: Final = (
    f"SELECT {_START}, t.seq, {_e8('bid', 'bid_size', 'ask', 'ask_size')}, {_words('exchange', 'conditions')}, t.flags "
    f"FROM quotes t {_NAMES} WHERE NOT t.is_retracted"
)
_TRADES: Final = (
    f"SELECT {_START}, t.seq, {_e8('price', 'size')}, {_words('exchange', 'conditions')}, t.flags "
    f"FROM trades t {_NAMES} WHERE NOT t.is_retracted"
)
_ACTIONS: Final = (
    f"SELECT {_START}, {_words('kind')}, t.numerator, t.denominator, {_e8('amount', 'reference')}, "
    f"{_words('currency', 'other_id', 'note')} FROM corporate_actions t {_NAMES} WHERE NOT t.is_retracted"
)
_DEFINITIONS: Final = {"bars": _BARS, "quotes": _QUOTES, "trades": _TRADES, "actions": _ACTIONS}
VIEWS: Final = tuple(f"CREATE VIEW {name}_numeric AS {question}" for name, question in _DEFINITIONS.items())
DROP_VIEWS: Final = tuple(f"DROP VIEW IF EXISTS {name}_numeric" for name in _DEFINITIONS)
