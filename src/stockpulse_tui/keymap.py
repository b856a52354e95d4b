"""Keys to actions: the registry's defaults, changed by the user's own keymap files.

A keymap is TOML in `keymaps/` of the config directory, one table per context:

    [global]
    "Ctrl+B" = "order.buy"
    "b" = ""            # takes the key away

Keys are written as people say them: `b`, `J`, `Enter`, `Ctrl+P`, `F5`, and two of the same in a row (`!!`, `gg`).
A wrong entry is reported by file and key, the rest of the file still counts.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from stockpulse_engine.actions.registry import BY_ID, Context, default_keys

MAX_FILE = 64 * 1024
MAX_FILES = 16
HALT_KEY, HALT_ACTION = "!!", "trading.halt"
"""The one key nobody can take away."""

_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "space": "Space",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "home": "Home",
    "end": "End",
    "backspace": "Backspace",
    "delete": "Delete",
    "insert": "Insert",
}
"""Textual's names of keys → ours."""
_MODIFIERS = frozenset({"alt", "ctrl", "super", "hyper", "meta"})
"""A key pressed with one of these types nothing."""


def key_name(key: str, character: str | None) -> str:
    """A key event in people's notation."""
    if key in _NAMES:
        return _NAMES[key]
    head, plus, tail = key.rpartition("+")
    if character and character.isprintable() and not _MODIFIERS.intersection(head.split("+")):
        return character
    if plus:
        return "+".join(part.capitalize() for part in (*head.split("+"), tail))
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key.capitalize()


class Keymap:
    """What each key does in each context, and how to say it."""

    def __init__(self) -> None:
        self._keys: dict[Context, dict[str, str]] = {context: default_keys(context) for context in Context}
        self.problems: list[str] = []

    def action_for(self, key: str, context: Context) -> str:
        """The id of the action a key means with the focus in `context`: its own first, then global; "" for none."""
        return self._keys[context].get(key) or self._keys[Context.GLOBAL].get(key, "")

    def is_prefix(self, key: str, context: Context) -> bool:
        """Whether a double press of `key` means something there (`!` of `!!`)."""
        return bool(self.action_for(key * 2, context)) and len(key) == 1

    def key_of(self, action_id: str, context: Context, *, is_typing: bool = False) -> str:
        """The key shown for an action, "" when it has none there; while a field is typed in, letters are text."""
        for where in (context, Context.GLOBAL):
            for key, bound in self._keys[where].items():
                if bound == action_id and not (is_typing and len(key) == 1):
                    return key
        return ""

    def bindings(self, context: Context) -> dict[str, str]:
        """Key → action id of one context."""
        return dict(self._keys[context])

    def load(self, directory: Path) -> None:
        """Take in every `*.toml` of a directory, in the order of their names; problems are kept, not raised."""
        files = sorted(directory.glob("*.toml"))[:MAX_FILES] if directory.is_dir() else []
        for file in files:
            try:
                table = tomllib.loads(file.read_bytes()[:MAX_FILE].decode())
            except (OSError, ValueError) as error:
                self.problems.append(f"{file.name}: {error}")
                continue
            self._take(file.name, table)

    def load_actions(self, keys: dict[str, str]) -> None:
        """Take in `[ui.keymap]` of the config: action id → its keys, a comma between two; they are added."""
        for action_id, text in keys.items():
            action = BY_ID.get(action_id)
            if action is None:
                self.problems.append(f"ui.keymap: {action_id!r} is not an action")
                continue
            for key in filter(None, (part.strip() for part in text.split(","))):
                for context in action.keys or {Context.GLOBAL: ()}:
                    self._bind("ui.keymap", context, key, action_id)

    def _take(self, name: str, table: dict[str, object]) -> None:
        contexts = {context.value: context for context in Context}
        for section, entries in table.items():
            context = contexts.get(section)
            if context is None or not isinstance(entries, dict):
                self.problems.append(f"{name}: [{section}] is not one of {', '.join(contexts)}")
                continue
            for key, action_id in entries.items():
                self._bind(name, context, key, action_id)

    def _bind(self, name: str, context: Context, key: str, action_id: object) -> None:
        if key == HALT_KEY and action_id != HALT_ACTION:
            self.problems.append(f"{name}: {HALT_KEY} always halts and can not be changed")
        elif action_id == "":
            self._keys[context].pop(key, None)
        elif not isinstance(action_id, str) or action_id not in BY_ID:
            self.problems.append(f"{name}: {key} = {action_id!r} is not an action")
        elif self._hides(context, key):
            self.problems.append(f"{name}: {key} in [{context.value}] would hide a global key")
        else:
            self._keys[context] = {key: action_id} | {k: v for k, v in self._keys[context].items() if k != key}

    def _hides(self, context: Context, key: str) -> bool:
        if context in (Context.GLOBAL, Context.TICKET, Context.PALETTE):
            return False
        return key in self._keys[Context.GLOBAL]
