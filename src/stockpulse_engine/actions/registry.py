"""The one registry of named actions: keys, palette, footer, help, CLI names and docs are all made from it.

`ACTIONS` holds every action once. A key of a context may not hide a global key (checked by `problems`, which a
test holds empty), except the keys that an entry field or an open window must own: `MODAL_KEYS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stockpulse_engine.actions.registry_drill import DRILL
from stockpulse_engine.actions.registry_global import SCREENS, SHELL, TRADING
from stockpulse_engine.actions.registry_jobs import JOBS
from stockpulse_engine.actions.registry_market import MARKET
from stockpulse_engine.actions.registry_panes import CHART, LISTS, WATCHLIST
from stockpulse_engine.actions.registry_past import PAST
from stockpulse_engine.actions.registry_risk import RISK
from stockpulse_engine.actions.registry_sql import SQL
from stockpulse_engine.actions.registry_system import PALETTE, SYSTEM
from stockpulse_engine.actions.registry_trade import LADDER, LINE, ORDERS, POSITIONS, TICKET
from stockpulse_engine.actions.registry_types import Action, Context, Role, Scope

__all__ = [
    "ACTIONS",
    "BY_CODE",
    "BY_ID",
    "CLI_VERBS",
    "FOOTERS",
    "SCREENS",
    "Action",
    "Context",
    "Role",
    "Scope",
    "default_keys",
    "footer_actions",
    "problems",
]

ACTIONS: tuple[Action, ...] = (
    *TRADING,
    *SCREENS,
    *SHELL,
    *LISTS,
    *WATCHLIST,
    *CHART,
    *LINE,
    *TICKET,
    *ORDERS,
    *POSITIONS,
    *LADDER,
    *MARKET,
    *PAST,
    *SQL,
    *JOBS,
    *RISK,
    *DRILL,
    *SYSTEM,
    *PALETTE,
)
"""Every action, in the order help and docs list them."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
"""Action by id."""

BY_CODE: dict[str, Action] = {code: action for action in ACTIONS for code in action.codes}
"""Action by any of its codes (upper case)."""

CLI_VERBS: tuple[str, ...] = tuple(dict.fromkeys(action.verb for action in ACTIONS if action.cli))
"""Top-level commands of `sp` that have an action, each once."""

MODAL_CONTEXTS = frozenset({Context.TICKET, Context.PALETTE})
"""Windows with an entry field: while one is open it owns the keyboard."""
MODAL_KEYS = frozenset({"Enter", "Esc", "Tab", "Up", "Down", "Right", "Ctrl+N"})
"""Keys such a window may take from the global ones."""

FOOTERS: dict[Context, tuple[str, ...]] = {
    Context.GLOBAL: ("line.open", "pane.next", "trading.arm", "trading.halt", "help.keys", "app.quit"),
    Context.WATCHLIST: (
        "order.buy",
        "order.sell",
        "row.open",
        "list.find",
        "list.sort",
        "watch.add",
        "watch.remove",
        "pane.zoom",
        "help.keys",
        "pane.next",
        "line.open",
        "cell.explain",
        "trading.arm",
        "trading.halt",
    ),
    Context.CHART: (
        "order.buy",
        "order.sell",
        "move.left",
        "move.right",
        "chart.zoom_in",
        "chart.zoom_out",
        "chart.timeframe",
        "chart.study",
        "order.pick",
        "pane.zoom",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.TICKET: ("ticket.send", "ticket.explain", "trading.arm", "ticket.copy_cli", "ticket.discard"),
    Context.ORDERS: (
        "row.open",
        "order.cancel",
        "order.modify",
        "order.pick",
        "order.cancel_many",
        "order.duplicate",
        "order.why",
        "order.unknown",
        "order.dead",
        "tab.next",
        "list.find",
        "list.sort",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.POSITIONS: (
        "row.open",
        "position.close",
        "position.close_half",
        "position.stop",
        "position.reverse",
        "position.lots",
        "lots.tick",
        "suspense.explain",
        "account.reconcile",
        "day.review",
        "day.write",
        "trading.flatten",
        "list.sort",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.LADDER: (
        "order.buy",
        "order.sell",
        "line.send",
        "order.pick",
        "order.cancel",
        "line.size",
        "ladder.center",
        "ladder.group",
        "help.keys",
        "pane.next",
        "trading.arm",
        "trading.halt",
    ),
    Context.SQL: (
        "sql.run",
        "sql.cancel",
        "sql.newline",
        "sql.earlier",
        "sql.views",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.RESULT: (
        "row.open",
        "sql.plot",
        "sql.export",
        "sql.cancel",
        "sql.run",
        "sql.edit",
        "sql.views",
        "list.find",
        "cell.copy",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.RISK: (
        "limit.edit",
        "row.open",
        "limit.withdraw",
        "loss.release",
        "risk.all",
        "list.find",
        "pane.zoom",
        "cell.explain",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.JOBS: (
        "job.run",
        "job.catch_up",
        "job.stop",
        "row.open",
        "job.log",
        "job.timer",
        "list.find",
        "pane.zoom",
        "cell.copy",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.DRILL: (
        "drill.start",
        "drill.one",
        "drill.stop",
        "row.open",
        "list.find",
        "pane.zoom",
        "help.keys",
        "pane.next",
        "line.open",
        "trading.halt",
    ),
    Context.PALETTE: ("palette.complete", "palette.go", "palette.close"),
}
"""What the footer lists per context, in order of use; what does not fit is dropped from the right."""


def default_keys(context: Context) -> dict[str, str]:
    """Key → action id of one context, in the order of the registry."""
    return {key: action.id for action in ACTIONS for key in action.keys.get(context, ())}


def footer_actions(context: Context) -> tuple[Action, ...]:
    """The actions the footer shows when a pane of this context has the focus."""
    return tuple(BY_ID[action_id] for action_id in FOOTERS[context])


def problems(actions: Iterable[Action] = ACTIONS) -> list[str]:
    """What is wrong with a registry, in words; empty when it is sound."""
    found = list(_duplicates(actions))
    global_keys = {key for action in actions for key in action.keys.get(Context.GLOBAL, ())}
    for action in actions:
        for context, keys in action.keys.items():
            hidden = global_keys.intersection(keys) if context is not Context.GLOBAL else set()
            if context in MODAL_CONTEXTS:
                hidden -= MODAL_KEYS
            found += [f"{action.id}: {key} in {context.value} hides a global key" for key in sorted(hidden)]
    return found


def _duplicates(actions: Iterable[Action]) -> Iterable[str]:
    for what, count in Counter(action.id for action in actions).items():
        if count > 1:
            yield f"id {what} is used {count} times"
    for code, count in Counter(code for action in actions for code in action.codes).items():
        if count > 1:
            yield f"code {code} is used {count} times"
    keys = Counter((context.value, key) for action in actions for context, own in action.keys.items() for key in own)
    for (context, key), count in keys.items():
        if count > 1:
            yield f"key {key} means {count} things in {context}"
