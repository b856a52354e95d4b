"""F1: every key that works here, made from the same registry and keymap that hear them."""

from __future__ import annotations

from collections.abc import Callable

from stockpulse_engine.actions.registry import ACTIONS, Action, Context
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.keymap import Keymap

KEY_WIDTH, CODE_WIDTH = 14, 10


def help_lines(keymap: Keymap, context: Context, can: Callable[[str], bool]) -> list[Line]:
    """Keys of the focused pane first, then those that work everywhere, then what only the command line reaches.

    `can` says which actions do something here: a key that does nothing is not listed.
    """
    lines: list[Line] = []
    if context is not Context.GLOBAL:
        lines += _section(f"in the {context.value} pane", keymap, context, can)
    lines += _section("everywhere", keymap, Context.GLOBAL, can)
    lines += [_heading("on the command line only")]
    lines += [_row("", action) for action in ACTIONS if action.codes and not action.keys]
    if keymap.problems:
        lines += [(), _heading("wrong in your keymaps")]
        lines += [(Span("! ", "warn", bold=True), Span(problem, "text")) for problem in keymap.problems]
    return lines


def code_lines(action: Action, keymap: Keymap, context: Context) -> list[Line]:
    """`HELP GP`: everything about one action."""
    keys = keymap.key_of(action.id, context) or "none"
    facts = (("code", ", ".join(action.codes)), ("form", action.syntax), ("key", keys), ("shell", action.cli_line()))
    lines: list[Line] = [(Span(action.help, "text"),), ()]
    lines += [(Span(f"{name:<8}", "muted"), Span(value, "strong")) for name, value in facts if value]
    return [*lines, (Span(f"{'role':<8}", "muted"), Span(action.role.value, "text"))]


def _section(title: str, keymap: Keymap, context: Context, can: Callable[[str], bool]) -> list[Line]:
    by_action: dict[str, list[str]] = {}
    for key, action_id in keymap.bindings(context).items():
        by_action.setdefault(action_id, []).append(key)
    found = [(action, by_action[action.id]) for action in ACTIONS if action.id in by_action and can(action.id)]
    return [_heading(title), *(_row(" ".join(keys), action) for action, keys in found), ()]


def _heading(title: str) -> Line:
    return (Span(title, "muted"),)


def _row(keys: str, action: Action) -> Line:
    code = action.codes[0] if action.codes else ""
    return (
        Span(f"{keys:<{KEY_WIDTH}}", "accent", bold=True),
        Span(f"{code:<{CODE_WIDTH}}", "strong", bold=True),
        Span(action.help, "text"),
    )
