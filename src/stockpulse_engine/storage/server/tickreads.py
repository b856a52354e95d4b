"""Quotes and prints out of the server's tables, as arrays; texts come as keys and are looked up once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from stockpulse_engine.marketdata.columns import NO_SIDE, Ints, Texts
from stockpulse_engine.marketdata.history import LATEST, QUOTES
from stockpulse_engine.storage.history.sources import by_priority
from stockpulse_engine.storage.server.copying import from_stamps
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.reach import Held, Reach, held_series
from stockpulse_engine.storage.server.schema import table_of, twin_of

Columns = dict[str, Any]
_REST: Final = ("known_at", "recorded_at", "seq", "exchange", "conditions", "flags")
_TEXTS: Final = ("exchange", "conditions")


class TickReads:
    """Reads of `quotes` or `trades` over one connection."""

    def __init__(self, connection: Connection, table: str, reach: Reach) -> None:
        self._connection = connection
        self._table = table_of(table)
        self._prices = ("bid", "bid_size", "ask", "ask_size") if table == QUOTES else ("price", "size")
        self._reach = reach

    def read(self, instrument_id: str, priority: Sequence[str], source: str) -> tuple[str, Columns]:
        """Source and columns, from the best source that has anything in there."""
        held = held_series(self._connection, [instrument_id], self._table.name, 0, self._reach)
        for one in by_priority(held.get(instrument_id, []), priority, source):
            found = self._ask(one)
            if found is not None:
                return one.source, found
        return "", self._columns(None)

    def _ask(self, held: Held) -> Columns | None:
        low, high = self._reach.within(held)
        values = {
            **self._reach.values,
            "instrument": held.instrument,
            "source": held.source_key,
            "low": low,
            "high": high,
        }
        row = self._connection.cursor(binary=True).execute(self._statement(), values, prepare=True).fetchone()
        return None if row is None or row[0] is None else self._columns(row)

    def _statement(self) -> str:
        names = ["ts", "ts_ns", *_REST, *(f"coalesce({name}_e8, {NO_SIDE}) AS {name}" for name in self._prices)]
        columns = ", ".join(names)
        order = "ORDER BY ts DESC, ts_ns DESC, seq DESC"
        where = (
            "instrument = %(instrument)s AND source = %(source)s AND ts >= %(low)s AND ts < %(high)s"
            f"{self._reach.edges}"
        )
        if self._reach.as_of == LATEST:
            inner = f"SELECT {columns} FROM {self._table.name} WHERE {where} AND NOT is_retracted"
        else:
            seen = f"{where} AND known_at <= %(known_at)s AND recorded_at <= %(recorded_at)s"
            both = " UNION ALL ".join(
                f"SELECT {columns}, is_retracted FROM {name} WHERE {seen}"
                for name in (self._table.name, twin_of(self._table).name)
            )
            inner = (
                f"SELECT * FROM (SELECT DISTINCT ON (ts, ts_ns, seq) * FROM ({both}) v "
                f"{order}, known_at DESC, recorded_at DESC) w WHERE NOT is_retracted"
            )
        arrays = ", ".join(f"array_agg({name})" for name in ("ts", "ts_ns", *_REST, *self._prices))
        return f"SELECT {arrays} FROM ({inner} {order} LIMIT %(limit)s) c"

    def _columns(self, arrays: Sequence[Ints] | None) -> Columns:
        """As QuoteColumns and TradeColumns name them."""
        names = (*_REST, *self._prices)
        if arrays is None:
            nothing: Columns = {name: np.zeros(0, dtype=np.int64) for name in ("ts_event", *names)}
            return nothing | {name: np.zeros(0, dtype=object) for name in _TEXTS}
        stamps, rest, *values = arrays
        found: Columns = {"ts_event": from_stamps(stamps, rest), **dict(zip(names, values, strict=True))}
        keys = {int(key) for name in _TEXTS for key in np.unique(found[name])}
        words = self._words(sorted(keys))
        return found | {name: _looked_up(found[name], words) for name in _TEXTS}

    def _words(self, keys: list[int]) -> Mapping[int, str]:
        rows = self._connection.execute("SELECT key, name FROM words WHERE key = ANY(%s::int[])", (keys,)).fetchall()
        return {int(key): str(name) for key, name in rows}


def _looked_up(keys: Ints, words: Mapping[int, str]) -> Texts:
    unique, places = np.unique(keys, return_inverse=True)
    texts = np.array([words[int(key)] for key in unique], dtype=object)
    found: Texts = texts[places]
    return found
