"""History in plain Python: a list of versions, and reads that look at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from stockpulse_engine.marketdata.history import AsOf


class Given(NamedTuple):
    """A row as an importer hands it in."""

    name: str
    ts: int
    value: int
    published: int | None = None
    is_retracted: bool = False


class Version(NamedTuple):
    """A row as it is held."""

    name: str
    ts: int
    value: int
    known_at: int
    recorded_at: int
    is_retracted: bool


@dataclass
class Oracle:
    """Versions of one source; `length` is how long after its start a row is known at the earliest."""

    length: int
    versions: list[Version] = field(default_factory=list)

    def write(self, rows: list[Given], now: int) -> tuple[int, int, int]:
        """Take rows as one commit; returns how many were added, unchanged, corrected."""
        before = list(self.versions)
        counts = [0, 0, 0]
        for row in rows:
            counts[self._write_one(row, now, before)] += 1
        return counts[0], counts[1], counts[2]

    def _write_one(self, row: Given, now: int, before: list[Version]) -> int:
        held = [one for one in before if (one.name, one.ts) == (row.name, row.ts)]
        natural = max(row.ts + self.length, row.published or 0)
        if not held:
            if row.is_retracted:
                return 1
            self.versions.append(Version(row.name, row.ts, row.value, natural, now, False))
            return 0
        stood = [one for one in held if row.published is None or one.known_at <= row.published]
        standing = _newest(stood) if stood else _newest(held)
        is_same = (standing.value, standing.is_retracted) == (row.value, row.is_retracted)
        if stood and (is_same or (standing.is_retracted and row.is_retracted)):
            return 1
        recorded = max(now, standing.recorded_at + 1)
        known = natural if row.published is not None else max(natural, recorded, standing.known_at)
        self.versions.append(Version(row.name, row.ts, row.value, known, recorded, row.is_retracted))
        return 2

    def read(self, name: str, as_of: AsOf, start: int | None, end: int | None) -> list[Version]:
        """What stands at a point in time, by start."""
        found: dict[int, list[Version]] = {}
        for one in self.versions:
            is_inside = (start is None or one.ts >= start) and (end is None or one.ts < end)
            is_known = as_of.known_at is None or one.known_at <= as_of.known_at
            is_recorded = as_of.recorded_at is None or one.recorded_at <= as_of.recorded_at
            if one.name == name and is_inside and is_known and is_recorded:
                found.setdefault(one.ts, []).append(one)
        newest = [_newest(versions) for _, versions in sorted(found.items())]
        return [one for one in newest if not one.is_retracted]


def _newest(versions: list[Version]) -> Version:
    return max(versions, key=lambda one: (one.known_at, one.recorded_at))
