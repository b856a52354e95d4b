"""What an action is: the one record behind keys, palette, footer, help, CLI names and docs."""

from __future__ import annotations

from enum import Enum

import msgspec


class Context(Enum):
    """Where a key is heard: everywhere, or in the pane that has the focus."""

    GLOBAL = "global"
    WATCHLIST = "watchlist"
    CHART = "chart"
    TICKET = "ticket"
    ORDERS = "orders"
    POSITIONS = "positions"
    LADDER = "ladder"
    SQL = "statement"
    RESULT = "result"
    JOBS = "jobs"
    RISK = "risk"
    DRILL = "drill"
    PALETTE = "palette"


class Role(Enum):
    """Least role a caller needs (R05): read, trade, or change the engine."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"


class Scope(Enum):
    """What an action touches: only this head (undone by looking elsewhere), or the engine that all heads share."""

    HEAD = "head"
    ENGINE = "engine"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One named thing a person can do.

    Attributes:
        id: `noun.verb`, stable; user keymaps and the dispatcher use it.
        title: the words of the footer, at most three.
        help: one full sentence for F1, the palette, `--help` and the docs.
        group: heading it is listed under.
        codes: what may be typed on the command line, upper case, the main one first.
        syntax: arguments after the code, for people.
        keys: keys per context in people's notation (`b`, `J`, `Enter`, `Ctrl+P`, `!!`); the first one is shown.
        cli: the shell twin without `sp`; `{instrument}` stands for the focused one. "" when a shell has no use for it.
        role: least role it needs.
        scope: whether it changes more than this head.
        needs_instrument: it acts on an instrument: the named one, else the focused one.
    """

    id: str
    title: str
    help: str
    group: str
    codes: tuple[str, ...] = ()
    syntax: str = ""
    keys: dict[Context, tuple[str, ...]] = {}
    cli: str = ""
    role: Role = Role.VIEWER
    scope: Scope = Scope.HEAD
    needs_instrument: bool = False

    @property
    def verb(self) -> str:
        """The CLI verb (`chart` of `chart {instrument}`), "" without a twin."""
        return self.cli.split(" ", 1)[0]

    def cli_line(self, symbol: str = "") -> str:
        """The whole shell line, with `symbol` filled in: `sp chart AAPL`."""
        return f"sp {self.cli.replace('{instrument}', symbol or 'AAPL')}".rstrip() if self.cli else ""

    def key_for(self, context: Context) -> str:
        """The key shown for it in a context: the context's own, else the global one, else ""."""
        own = self.keys.get(context) or self.keys.get(Context.GLOBAL) or ()
        return own[0] if own else ""
