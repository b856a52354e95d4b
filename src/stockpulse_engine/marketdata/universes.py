"""Universes: named sets of instruments with the days on which each member belonged. Pure.

A list of today's members is not a universe of the past: whoever was dropped, bought or went bankrupt is missing from
it, and whatever is computed with it is too good. So a member has a first day and may have a last one, and a set without
such days can not be asked as of another day.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.errors import InvalidValueError
from stockpulse_engine.marketdata.listings import Listing, owners, symbols_on

BIAS = "today's members: survivorship bias"
"""Said beside every answer about the past that was made with the members of today."""
SUFFIXES = (".toml", ".csv")
MAX_MEMBERS = 20_000
MAX_BYTES = 8 * 1024 * 1024
FOREVER = "9999-12-31"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._~-]{0,18}")
_MIC = re.compile(r"[A-Z0-9]{4}")
_KEYS = {"about", "source", "mic", "members"}
_MEMBER_KEYS = {"symbol", "mic", "from", "to"}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of one member. `since` "" is not known; `until`, its last day, "" while it is in."""

    symbol: str
    mic: str = ""
    since: str = ""
    until: str = ""

    def is_in(self, day: str) -> bool:
        """Whether it belongs on a day."""
        return (self.since or "0000-00-00") <= day <= (self.until or FOREVER)


class Universe(msgspec.Struct, frozen=True, kw_only=True):
    """A named set."""

    name: str
    about: str = ""
    source: str = ""
    members: tuple[Member, ...]

    @property
    def is_dated(self) -> bool:
        """Whether it can be asked as of any day."""
        return all(member.since for member in self.members)


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A member on a day: the instrument that it was. `note` says what is to be known about it, "" when nothing is."""

    symbol: str
    instrument_id: str
    since: str
    until: str
    is_held: bool
    note: str = ""


class UniverseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One universe in the list. `problem` says why it can not be read."""

    name: str
    about: str
    source: str
    members: int
    """Those of today."""
    is_dated: bool
    problem: str = ""


class UniverseOnDay(msgspec.Struct, frozen=True, kw_only=True):
    """Who belonged to a universe on a day. `bias` is what an answer made with it has to say, "" when nothing."""

    name: str
    as_of: str
    bias: str
    members: tuple[Placed, ...]


def require_name(text: str) -> str:
    """A universe's name, which is its file's.

    Raises:
        InvalidValueError: it could be no file of ours.
    """
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise InvalidValueError(
            f"{clean_line(text, 40)!r} is no name of a universe.", fix="Small letters, digits, - and _; 40 at most."
        )
    return name


def read_universe(name: str, suffix: str, data: bytes) -> Universe:
    """A universe from its file's bytes.

    Raises:
        InvalidValueError: naming the file and the place of what is wrong.
    """
    if len(data) > MAX_BYTES:
        raise InvalidValueError(f"{name}{suffix} has more than {MAX_BYTES:,} bytes.", fix="Split it.")
    try:
        text = data.decode("utf-8-sig")
        table: Mapping[str, Any] = _table_of_csv(text) if suffix == ".csv" else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
        raise InvalidValueError(f"{name}{suffix}: {clean_line(str(error), 200)}", fix=_FIX) from None
    unknown = sorted(set(table) - _KEYS)
    rows = table.get("members", [])
    if unknown or not isinstance(rows, list) or not 0 < len(rows) <= MAX_MEMBERS:
        what = f"{unknown[0]!r} is not known" if unknown else f"it needs 1 to {MAX_MEMBERS:,} members"
        raise InvalidValueError(f"{name}{suffix}: {clean_line(what, 80)}.", fix=_FIX)
    mic = str(table.get("mic", "")).strip().upper()
    members = tuple(_member(f"{name}{suffix}, member {place}", row, mic) for place, row in enumerate(rows, 1))
    about, source = (clean_line(str(table.get(key, "")), 200) for key in ("about", "source"))
    return Universe(name=name, about=about, source=source, members=members)


_FIX = "See `sp universe --help` for the two formats."


def _table_of_csv(text: str) -> dict[str, Any]:
    """Lines `# source: …` before the heading, then a row for each stay."""
    lines = text.splitlines()
    notes = [line.lstrip("# ").partition(":") for line in itertools.takewhile(lambda one: one.startswith("#"), lines)]
    found: dict[str, Any] = {key.strip().lower(): value.strip() for key, _, value in notes if value}
    body = "\n".join(line for line in lines if not line.startswith("#"))
    rows = csv.DictReader(io.StringIO(body), strict=True)
    rows.fieldnames = [field.strip().lower() for field in rows.fieldnames or ()]
    return {key: value for key, value in found.items() if key in _KEYS - {"members"}} | {"members": list(rows)}


def _member(where: str, row: object, mic: str) -> Member:
    if isinstance(row, str):
        row = {"symbol": row}
    if not isinstance(row, dict):
        raise InvalidValueError(f"{where}: it is no symbol and no table.", fix=_FIX)
    unknown = sorted(str(key) for key in set(row) - _MEMBER_KEYS)
    if unknown:
        raise InvalidValueError(f"{where}: {clean_line(unknown[0], 40)!r} is not known.", fix=_FIX)
    symbol, dot, own = str(row.get("symbol", "")).strip().upper().rpartition(".")
    if not (dot and _MIC.fullmatch(own)):  # BRK.B is a symbol, AAPL.XNAS a symbol and its venue
        symbol, own = f"{symbol}{dot}{own}", ""
    venue = str(row.get("mic") or own or mic).strip().upper()
    if not _SYMBOL.fullmatch(symbol) or (venue and not _MIC.fullmatch(venue)):
        raise InvalidValueError(f"{where}: {clean_line(f'{symbol} {venue}', 40)!r} names no instrument.", fix=_FIX)
    since, until = (_day(where, row.get(key)) for key in ("from", "to"))
    if until and (since or until) > until:
        raise InvalidValueError(f"{where}: it ends ({until}) before it begins ({since}).", fix="Mend its days.")
    return Member(symbol=symbol, mic=venue, since=since, until=until)


def _day(where: str, value: object) -> str:
    if value in (None, ""):
        return ""
    try:
        return dt.date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise InvalidValueError(
            f"{where}: {clean_line(str(value), 20)!r} is no day.", fix="Write days as 2012-05-18."
        ) from None


def members_on(
    universe: Universe, day: str, *, is_past: bool, takes_todays: bool = False
) -> tuple[tuple[Member, ...], str]:
    """Who belongs on a day, and the bias that the answer carries ("" when none does).

    Raises:
        InvalidValueError: a day of the past is asked of a universe that does not know its past.
    """
    if is_past and not universe.is_dated:
        if not takes_todays:
            undated = sum(not member.since for member in universe.members)
            raise InvalidValueError(
                f"{universe.name} can not be asked as of another day: {undated:,} of {len(universe.members):,} members "
                "have no first day.",
                fix="Give its members `from` and `to`, or take today's members with --todays-members, and their bias.",
            )
        return tuple(member for member in universe.members if not member.until), BIAS
    return tuple(member for member in universe.members if member.is_in(day)), ""


def placed(
    members: Iterable[Member], day: str, listings: Sequence[Listing], held: set[str], mics: Mapping[str, str]
) -> tuple[Placed, ...]:
    """The instrument that each member was on a day, by the map files; `mics` are venues of symbols that name none."""
    return tuple(_placed(member, day, listings, held, mics) for member in members)


def _placed(member: Member, day: str, listings: Sequence[Listing], held: set[str], mics: Mapping[str, str]) -> Placed:
    is_spelled_out = "~" in member.symbol
    names = (member.symbol,) if is_spelled_out else symbols_on(listings, member.symbol, day)
    mic = member.mic or mics.get(member.symbol, "XXXX")
    ids = [f"{name}.{mic}" for name in names]
    found = next((one for one in ids if one in held), ids[0] if ids else "")
    note = ""
    if not ids:
        note = f"the map files know {member.symbol}, and nobody traded under it then"
    elif found != f"{member.symbol}.{mic}":
        note = f"kept as {found.rpartition('.')[0]}"
    return Placed(
        symbol=member.symbol,
        instrument_id=found,
        since=member.since,
        until=member.until,
        is_held=found in held,
        note=note,
    )


def problems_of(universe: Universe, listings: Sequence[Listing]) -> tuple[str, ...]:
    """What is wrong with a universe, in words; empty when it is sound."""
    found: list[str] = []
    undated = [member.symbol for member in universe.members if not member.since]
    if undated:
        found.append(f"{len(undated):,} members have no first day, so no other day can be asked: {_few(undated)}")
    ordered = sorted(universe.members, key=lambda one: (one.symbol, one.mic, one.since))
    for (symbol, _), stays in itertools.groupby(ordered, key=lambda one: (one.symbol, one.mic)):
        for before, after in itertools.pairwise(stays):
            if after.since <= (before.until or FOREVER):
                found.append(f"{symbol} is in twice from {after.since or 'the beginning'} on")
    for member in universe.members:
        had = owners(listings, member.symbol, member.since or "0000-00-00", member.until or FOREVER)
        if member.since and len(had) > 1:
            found.append(
                f"{member.symbol} was {len(had)} companies between {member.since} and {member.until or 'today'}: "
                "end the entry with the first one"
            )
    return tuple(found)


def _few(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
