"""Names and their keys: four bytes in a row instead of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stockpulse_engine.storage.server.link import Connection

MAX_KEPT = 1_000_000
"""Names of one table that are remembered."""


class Names:
    """Keys of one table of names. A key that was never committed is never remembered: ask `forget` after a failure."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._keys: dict[str, int] = {}

    def forget(self) -> None:
        """After a transaction that did not come to its end."""
        self._keys.clear()

    def keys_of(self, connection: Connection, names: Iterable[str]) -> Mapping[str, int]:
        """The key of each name; new ones are made."""
        wanted = set(names)
        missing = sorted(wanted - self._keys.keys())
        if missing:
            if len(self._keys) + len(missing) > MAX_KEPT:
                self._keys.clear()
                missing = sorted(wanted)
            connection.execute(
                f"INSERT INTO {self._table}(name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING",
                (missing,),
            )
            self._keys |= known_keys(connection, self._table, missing)
        return {name: self._keys[name] for name in wanted}


def known_keys(connection: Connection, table: str, names: Iterable[str]) -> dict[str, int]:
    """Keys of those names that have one."""
    rows = connection.execute(
        f"SELECT name, key FROM {table} WHERE name = ANY(%s::text[])",
        (list(names),),
    ).fetchall()
    return {str(name): int(key) for name, key in rows}


def all_names(connection: Connection, table: str) -> dict[int, str]:
    """Every name by its key."""
    rows = connection.execute(f"SELECT key, name FROM {table}").fetchall()
    return {int(key): str(name) for key, name in rows}
