"""Groups of instruments a person watches: add by brace syntax, remove, reorder, undo, and a small file.

Pure but for `load` and `save`. Symbols only; what an id means is the engine's business.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

import msgspec

from stockpulse_engine.base.files import atomic_write
from stockpulse_engine.domain.instruments import Instrument

MAX_GROUPS = 40
MAX_SYMBOLS = 1_000
MAX_UNDO = 50
MAX_FILE = 256 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9./_-]*\{[^{}]*\}[A-Za-z0-9./_-]*|[^\s,]+")


class Group(msgspec.Struct, frozen=True):
    """One named list of symbols, in the owner's order."""

    name: str
    symbols: tuple[str, ...]


class Watchlists:
    """All groups, the one shown, and what can be undone."""

    def __init__(self, groups: tuple[Group, ...] = ()) -> None:
        self.groups = groups
        self.at = 0
        self.is_own = bool(groups)
        """Whether a person shaped them; else they follow the instruments there are."""
        self._undo: deque[tuple[Group, ...]] = deque(maxlen=MAX_UNDO)

    @property
    def group(self) -> Group:
        """The group shown."""
        return self.groups[self.at] if self.groups else Group("Core", ())

    def show(self, step: int) -> None:
        """Show the next (+1) or previous (-1) group."""
        if self.groups:
            self.at = (self.at + step) % len(self.groups)

    def follow(self, instruments: list[Instrument]) -> None:
        """Without groups of one's own: everything, then one group per sector of three and more."""
        if self.is_own:
            return
        name = self.group.name
        made = [Group("Core", tuple(i.symbol for i in instruments[:MAX_SYMBOLS]))]
        for sector in dict.fromkeys(i.sector for i in instruments if i.sector):
            members = tuple(i.symbol for i in instruments if i.sector == sector)
            if len(members) > 2:
                made.append(Group(sector[:16].capitalize(), members))
        self.groups = tuple(made[:MAX_GROUPS])
        self.at = next((i for i, group in enumerate(self.groups) if group.name == name), 0)

    def add(self, symbols: list[str]) -> list[str]:
        """Append those not in the group yet; returns them."""
        group = self.group
        new = [s for s in dict.fromkeys(symbols) if s not in group.symbols][: MAX_SYMBOLS - len(group.symbols)]
        if new:
            self._change((*group.symbols, *new))
        return new

    def remove(self, symbol: str) -> bool:
        """Take a symbol out; `undo` brings it back."""
        group = self.group
        if symbol not in group.symbols:
            return False
        self._change(tuple(s for s in group.symbols if s != symbol))
        return True

    def move(self, symbol: str, step: int) -> None:
        """Move a symbol up (-1) or down (+1) by one place."""
        symbols = list(self.group.symbols)
        if symbol not in symbols:
            return
        at = symbols.index(symbol)
        to = max(0, min(len(symbols) - 1, at + step))
        symbols.insert(to, symbols.pop(at))
        self._change(tuple(symbols))

    def undo(self) -> bool:
        """Take back the last change."""
        if not self._undo:
            return False
        self.groups = self._undo.pop()
        self.at = min(self.at, len(self.groups) - 1)
        return True

    def take(self, groups: tuple[Group, ...]) -> bool:
        """Groups another head has made; what was changed here before can not be undone over them."""
        if not groups or groups == self.groups:
            return False
        name = self.group.name
        self.groups, self.is_own = groups[:MAX_GROUPS], True
        self.at = next((i for i, group in enumerate(self.groups) if group.name == name), 0)
        self._undo.clear()
        return True

    def _change(self, symbols: tuple[str, ...]) -> None:
        self._undo.append(self.groups)
        self.is_own = True
        groups = list(self.groups or (Group("Core", ()),))
        groups[self.at] = Group(groups[self.at].name, symbols)
        self.groups = tuple(groups)

    def save(self, file: Path) -> None:
        """Write the groups; nothing to write while they only follow the market."""
        if self.is_own:
            atomic_write(file, msgspec.json.format(msgspec.json.encode(self.groups), indent=1))


def load_watchlists(file: Path) -> tuple[Watchlists, str]:
    """The saved groups and "", or fresh ones and what was wrong with the file."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Watchlists(), ""
    except OSError as error:
        return Watchlists(), f"{file.name}: {error.strerror}"
    try:
        groups = msgspec.json.decode(data[:MAX_FILE], type=tuple[Group, ...])
    except msgspec.DecodeError as error:
        return Watchlists(), f"{file.name}: {error}"
    return Watchlists(groups[:MAX_GROUPS]), ""


def expand(text: str) -> list[str]:
    """`AAPL {MSFT,NVDA} BRK.{A,B}` → the symbols meant, upper case, each once."""
    found: list[str] = []
    for token in _TOKEN.findall(text[:4096]):
        head, brace, rest = token.partition("{")
        if not brace:
            found.append(token.upper())
            continue
        inner, _, tail = rest.partition("}")
        found += [f"{head}{part.strip()}{tail}".upper() for part in inner.split(",") if part.strip()]
    return list(dict.fromkeys(found))[:MAX_SYMBOLS]
