"""From a key to the method that acts on it: entry fields first, then the registry, then whoever does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from stockpulse_engine.actions.codes import Command
from stockpulse_engine.actions.registry import BY_ID
from stockpulse_tui.handlers import Handler, make_handlers, method_name
from stockpulse_tui.handlers.around import run_line
from stockpulse_tui.screens.panes import screens_there
from stockpulse_tui.widgets.overlay import Overlay

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.widgets.line_view import LineView

PREFIX_NS = 1_500_000_000
"""How long the first of two presses waits for the second."""
MAX_HELD = 256
"""Keys and pasted texts that wait for a view; more than a person types while it comes."""
NEVER_HELD = frozenset("!")
HABIT = "Ctrl+C"
"""What people press to get out of a program; too near to copying to leave a head by it."""
ALWAYS = frozenset({"trading.halt", "trading.arm", "app.quit", "view.back", "app.redraw"})
"""Work while a window with an entry field is open too."""


class Dispatcher:
    """Keeps a first press waiting for its second, and finds who does an action."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self._handlers: list[Handler] = make_handlers(shell)
        self._prefix = ""
        self._prefix_ns = 0
        self._held: list[Callable[[], None]] = []
        self.is_holding = False
        """Whether a view is on its way: keys wait for its panes, so that none acts on what was there before."""
        self.command: Command | None = None
        """The command line being done, None for a key."""

    @property
    def owner(self) -> LineView | None:
        """Who hears keys first: the top window, else the front pane. The framework's focus follows a moment later."""
        top = self._shell.windows.top
        return top if top is not None else self._shell.view.front_pane

    def hold(self) -> None:
        """Another view is on its way."""
        self.is_holding = True

    def release(self) -> None:
        """It is there: what was pressed meanwhile is heard now."""
        self.is_holding = False
        held, self._held = self._held, []
        for hear in held:
            hear()

    def _keep(self, hear: Callable[[], None]) -> None:
        if len(self._held) < MAX_HELD:
            self._held.append(hear)
        else:
            self._shell.notify_line("too much was typed before the screen was there: the rest went nowhere", "warn")

    def paste(self, text: str) -> None:
        """Pasted text, in its turn between the keys: whoever types hears it, not whoever has the framework's focus."""
        if self.is_holding:
            self._keep(partial(self.paste, text))
            return
        taker = getattr(self.owner, "take_paste", None)
        if taker is None:
            self._shell.notify_line("nothing here takes pasted text; : opens the command line")
        else:
            taker(text)

    def press(self, key: str) -> None:
        """One key, in people's notation."""
        if self.is_holding and key not in NEVER_HELD:
            self._keep(partial(self.press, key))
            return
        shell = self._shell
        now = shell.clock.monotonic_ns()
        waiting, self._prefix = self._prefix, ""
        context = shell.context
        if waiting == key and now - self._prefix_ns < PREFIX_NS:
            self._act(shell.keymap.action_for(key * 2, context))
            return
        taker = getattr(self.owner, "take_key", None)
        if taker is not None and taker(key):
            return
        if shell.keymap.is_prefix(key, context):
            self._prefix, self._prefix_ns = key, now
            action = BY_ID[shell.keymap.action_for(key * 2, context)]
            shell.notify_line(f"{key} again: {action.title}", "warn" if action.id == "trading.halt" else "info")
            return
        action_id = shell.keymap.action_for(key, context)
        if key == HABIT and not action_id:
            shell.notify_line(
                f"{shell.keymap.key_of('app.quit', context)} leaves this head; the engine and its orders go on"
            )
        self._act(action_id)

    def _act(self, action_id: str) -> None:
        if not action_id:
            return
        top = self._shell.windows.top
        if top is not None and not self._is_own(top, action_id) and action_id not in ALWAYS:
            if top.is_entry:
                return
            self._shell.windows.close(top)
        self.run(action_id)

    @staticmethod
    def _is_own(overlay: Overlay, action_id: str) -> bool:
        return hasattr(overlay, method_name(action_id))

    def run(self, action_id: str, command: Command | None = None) -> None:
        """Do an action by its id."""
        rewind = self._shell.rewind
        if action_id == "view.back" and rewind.asking and self._shell.windows.top is None:
            rewind.give_up()
            return
        refusal = rewind.refuses(action_id)
        if refusal:
            self._shell.notify_line(refusal, "warn")
            return
        found = self._find(action_id, is_typed=command is not None)
        if found is None:
            self._shell.notify_line(f"{BY_ID[action_id].title}: nothing here does that", "warn")
            return
        self.command = command
        try:
            found()
        finally:
            self.command = None

    def can(self, action_id: str, *, is_typed: bool = False) -> bool:
        """Whether anything here would do it now, by its key or typed as a line."""
        if action_id.startswith("screen.") and action_id not in screens_there():
            return False
        if self._shell.rewind.refuses(action_id):
            return False
        return self._find(action_id, is_typed=is_typed) is not None

    def entered(self, purpose: str, text: str) -> None:
        """A line asked for by a handler: `entered_trading_flatten` hears of `trading.flatten`."""
        name = f"entered_{purpose.replace('.', '_')}"
        for doer in self._chain(is_typed=True):
            method = getattr(doer, name, None)
            if method is not None:
                method(text)
                return

    def run_line(self, text: str) -> None:
        """Do a command line."""
        run_line(self._shell, text)

    def _find(self, action_id: str, *, is_typed: bool) -> Callable[[], None] | None:
        name = method_name(action_id)
        for doer in self._chain(is_typed=is_typed):
            method: Callable[[], None] | None = getattr(doer, name, None)
            if method is not None:
                return method
        return None

    def _chain(self, *, is_typed: bool) -> Iterator[Any]:
        """Who is asked, in this order.

        A key reaches other panes of its own kind that are in sight, as the ladder from the tape beside it; what is
        typed says what it means and reaches all of them.
        """
        shell = self._shell
        if self.owner is not None:
            yield from self.owner.ancestors_with_self
        yield shell.view
        yield from self._handlers
        context = shell.context
        for pane in shell.view.panes.values():
            if is_typed or (pane.context is context and pane.display):
                yield pane
