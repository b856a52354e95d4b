"""What the columns of a file mean: guessed from their names, shown, overridden by the person, remembered by header.

Pure: names in, a mapping out. No file is opened here.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.base.paths import ensure_private
from stockpulse_engine.domain.errors import InvalidValueError

MAX_REMEMBERED = 1_000


class Kind(Enum):
    """What the rows of a file are."""

    BARS = "bars"
    QUOTE_BARS = "quote-bars"
    """Bars of the bid and of the ask in one row."""
    QUOTES = "quotes"
    TRADES = "trades"
    CLOSES = "closes"
    """One price per day: a column for each instrument, or one for one."""
    ACTIONS = "actions"
    """One split or dividend per row."""
    FACTORS = "factors"
    """Lean's factor files: cumulative price and split factors up to a date."""
    MAPS = "maps"
    """Lean's map files: which company traded as which ticker until when."""


PRICES = ("open", "high", "low", "close")
SIDES = ("bid", "ask")
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.QUOTE_BARS: ("ts", *(f"{side}_{price}" for side in SIDES for price in PRICES)),
    Kind.QUOTES: ("ts", "bid", "ask"),
    Kind.TRADES: ("ts", "price", "size"),
    Kind.BARS: ("ts", *PRICES),
    Kind.FACTORS: ("symbol", "ts", "price_factor", "split_factor"),
    Kind.MAPS: ("symbol", "until", "ticker"),
    Kind.ACTIONS: ("symbol", "ts"),
}
_OPTIONAL: Mapping[Kind, tuple[str, ...]] = {
    Kind.QUOTE_BARS: ("symbol", "mic", "bid_size", "ask_size"),
    Kind.QUOTES: ("symbol", "mic", "bid_size", "ask_size", "exchange", "conditions", "suspicious"),
    Kind.TRADES: ("symbol", "mic", "exchange", "conditions", "suspicious"),
    Kind.BARS: ("symbol", "mic", "volume", "adj_close", "dividend", "split", "gains"),
    Kind.FACTORS: ("reference",),
    Kind.MAPS: ("exchange",),
    Kind.ACTIONS: ("mic", "split", "dividend", "reference", "currency"),
    Kind.CLOSES: (),
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "ts": (
        "ts", "timestamp", "datetime", "time", "date", "tslocalend", "tsevent", "t", "lastcumdate", "exdate",
    ),
    "symbol": ("symbol", "filesymbol", "ticker", "instrument", "code", "name"),
    "mic": ("mic", "venue", "exchangemic"),
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "max"),
    "low": ("low", "l", "min"),
    "close": ("close", "c", "last", "closeprice"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj"),
    "volume": ("volume", "vol", "v", "qtytraded"),
    "price": ("price", "p", "last", "tradeprice"),
    "size": ("size", "amount", "qty", "quantity", "q", "volume"),
    "bid": ("bid", "bidprice", "b"),
    "ask": ("ask", "askprice", "offer", "a"),
    "bid_size": ("bidsize", "bidqty", "bidvolume"),
    "ask_size": ("asksize", "askqty", "askvolume"),
    "exchange": ("exchange", "ex", "exch"),
    "conditions": ("conditions", "condition", "cond", "salecondition"),
    "suspicious": ("suspicious", "suspect", "flag"),
    "dividend": ("dividends", "dividend", "cashdividend"),
    "split": ("stocksplits", "split", "splitratio", "ratio"),
    "gains": ("capitalgains",),
    "price_factor": ("pricefactor",),
    "split_factor": ("splitfactor",),
    "reference": ("referenceprice", "reference"),
    "until": ("until",),
    "ticker": ("ticker", "mappedsymbol"),
    "currency": ("currency", "ccy"),
    **{f"{side}_{price}": (f"{side}{price}",) for side in SIDES for price in PRICES},
}  # fmt: skip
ROLES = tuple(_NAMES)
_UNNAMED = frozenset({"close", "price", "value", "adjclose"})


class ColumnMap(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is taken for. `columns` maps our names to the file's; for CLOSES, `symbols` are its price columns."""

    kind: Kind
    columns: dict[str, str]
    symbols: tuple[str, ...] = ()

    @property
    def is_one_price(self) -> bool:
        """Closes of one instrument whose column does not name it."""
        return len(self.symbols) == 1 and plain_name(self.symbols[0]) in _UNNAMED


def guess(names: Sequence[str], *, kind: Kind | None = None) -> ColumnMap:
    """The best reading of a header.

    Raises:
        InvalidValueError: no kind fits; the message names what the nearest one lacks.
    """
    plain = {plain_name(name): name for name in reversed(names)}
    for each in (kind,) if kind else _REQUIRED:
        found = _columns(each, plain)
        is_last = each is Kind.TRADES and plain_name(found.get("price", "")) == "last"
        if kind is None and is_last and set(PRICES) <= set(plain):
            continue  # bars that tell their close twice
        if all(role in found for role in _REQUIRED.get(each, ())) and (
            each is not Kind.ACTIONS or _tells_action(found)
        ):
            return ColumnMap(kind=each, columns=found)
    closes = _closes(names, plain) if kind in (None, Kind.CLOSES) else None
    if closes is not None:
        return closes
    raise InvalidValueError(_lacking(names, plain, kind), fix="Name columns with --map ours=theirs, or the --kind.")


def told(names: Sequence[str], pairs: Iterable[str], *, kind: Kind | None = None) -> ColumnMap:
    """`guess`, with the columns of `ours=theirs` pairs under our names: what a person named needs no guessing."""
    ours = {theirs: name for name, theirs in said(names, pairs).items() if theirs}
    shown = [ours.get(name, name) for name in names]
    back = dict(zip(shown, names, strict=True))
    found = guess(shown, kind=kind)
    columns = {name: back[theirs] for name, theirs in found.columns.items()}
    return ColumnMap(kind=found.kind, columns=columns, symbols=tuple(back[name] for name in found.symbols))


def rivals(mapping: ColumnMap, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By our name: the file's other columns that might have been meant, and are not read for anything."""
    read = {*mapping.columns.values(), *mapping.symbols}
    free = [name for name in names if name not in read]
    found = {
        role: tuple(name for name in free if plain_name(name).removesuffix("duplicated0") in _NAMES[role])
        for role in mapping.columns
    }
    return {role: others for role, others in found.items() if others}


def override(mapping: ColumnMap, names: Sequence[str], pairs: Iterable[str]) -> ColumnMap:
    """The mapping with `ours=theirs` pairs put in; `ours=` takes a column out. Raises InvalidValueError."""
    told = {**mapping.columns, **said(names, pairs)}
    columns = {ours: theirs for ours, theirs in told.items() if theirs}
    lacking = [role for role in _REQUIRED.get(mapping.kind, ("ts",)) if role not in columns]
    if lacking:
        raise InvalidValueError(f"No column is left for {', '.join(lacking)}.", fix="Name it with --map ours=theirs.")
    return msgspec.structs.replace(mapping, columns=columns)


def said(names: Sequence[str], pairs: Iterable[str]) -> dict[str, str]:
    """`ours=theirs` pairs, checked; `theirs` is "" where a column is taken out.

    Raises:
        InvalidValueError: a pair is malformed, or names a column or a meaning that is not there.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        ours = ours.lower()
        if not equals or ours not in ROLES:
            near = difflib.get_close_matches(ours, ROLES, n=1)
            raise InvalidValueError(
                f"--map {pair[:60]!r}: {ours[:30]!r} is no column of ours.",
                fix=f"Did you mean {near[0]}?" if near else f"Ours are {', '.join(ROLES)}.",
            )
        if theirs and theirs not in names:
            raise InvalidValueError(f"--map {pair[:60]!r}: the file has no column {theirs[:40]!r}.", fix=_has(names))
        found[ours] = theirs
    return found


class Remembered:
    """Mappings a person overrode, by the header they were for; the next file with that header is read the same way."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, names: Sequence[str]) -> ColumnMap | None:
        """What was remembered for this header."""
        return self._all().get(_header_key(names))

    def keep(self, names: Sequence[str], mapping: ColumnMap) -> None:
        """Remember; the oldest go when there are too many."""
        known = self._all()
        known.pop(_header_key(names), None)
        known[_header_key(names)] = mapping
        kept = dict(list(known.items())[-MAX_REMEMBERED:])
        ensure_private(self._file.parent)
        atomic_write(self._file, msgspec.json.encode(kept))

    def _all(self) -> dict[str, ColumnMap]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, ColumnMap])
        except (OSError, msgspec.MsgspecError):
            return {}


def _columns(kind: Kind, plain: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for role in (*_REQUIRED.get(kind, ()), *_OPTIONAL[kind]):
        theirs = next(
            (plain[name] for name in _NAMES[role] if name in plain and plain[name] not in found.values()), None
        )
        if theirs is not None:
            found[role] = theirs
    return found


def _tells_action(found: Mapping[str, str]) -> bool:
    return "split" in found or "dividend" in found


def _closes(names: Sequence[str], plain: Mapping[str, str]) -> ColumnMap | None:
    when = plain.get("date")
    rest = tuple(name for name in names if name != when)
    if when is None or not rest or any("return" in name.lower() for name in rest):
        return None
    if not all(re.fullmatch(r"[A-Za-z0-9._^-]{1,18}", name) for name in rest):
        return None
    return ColumnMap(kind=Kind.CLOSES, columns={"ts": when}, symbols=rest)


def _lacking(names: Sequence[str], plain: Mapping[str, str], kind: Kind | None) -> str:
    if kind is None and any("return" in name.lower() for name in names):
        return f"These columns tell returns, not prices ({', '.join(names[:6])})."
    scores = {}
    for each, required in _REQUIRED.items():
        found = _columns(each, plain)
        scores[each] = [role for role in required if role not in found]
    nearest = kind or min(scores, key=lambda each: len(scores[each]) / len(_REQUIRED[each]))
    missing = ", ".join(scores.get(nearest, [])) or "a split or a dividend"
    return f"The columns ({', '.join(names[:12])}) are no {nearest.value}: {missing} is missing."


def _has(names: Sequence[str]) -> str:
    return f"It has {', '.join(names[:20])}."


def plain_name(name: str) -> str:
    """A column's name without what people write differently: case, blanks, underscores."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _header_key(names: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()[:32]
