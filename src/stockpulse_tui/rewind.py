"""Where in time this head looks. Now is the engine's stream; a moment of the past is asked for once and stands still.

It concerns this head alone: the stream goes on being folded beside what is shown, fills and alerts of it are told, the
brake works on it. Everything else is refused until the head is back: see `past_commands`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from stockpulse_engine.actions.registry import BY_ID, Role
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.render.format import format_number, format_quantity
from stockpulse_tui.head_link import HeadLink
from stockpulse_tui.store import Store

if TYPE_CHECKING:
    from stockpulse_engine.domain.fills import Fill
    from stockpulse_engine.domain.past import Moment, PastView
    from stockpulse_engine.wire.stream import Frame
    from stockpulse_tui.app import StockPulseApp
    from stockpulse_tui.past_commands import PastCommands
    from stockpulse_tui.ports import Commands, Link
    from stockpulse_tui.screens.base import View

BACK: Final = "`@ now` goes back."
LET_THROUGH: Final = frozenset(
    {"order.cancel", "order.cancel_many", "trading.halt", "trading.reduce", "engine.control", "ticket.discard"}
)
"""What may be done to the live market from a moment of the past, beside steering its pace and its world."""
TOLD_LIVE: Final = frozenset({"order.cancel", "order.cancel_many", "trading.halt", "trading.reduce"})
AGAIN_S: Final = 0.1
"""Between two questions how far a moment is; the engine waits with its answers as well."""
MOST_TOLD: Final = 3
"""Fills of one frame that are told one by one."""


class Rewind:
    """Now, on the way to a moment, or there."""

    def __init__(self, shell: StockPulseApp, link: Link) -> None:
        self._shell = shell
        self._live_link = link
        self.live = Store()
        """The fold of the stream, whatever the panes show."""
        self.link: Link = cast("Link", HeadLink(link, self))
        """What the panes ask: of the moment they show."""
        self.moment: Moment | None = None
        self.notes: tuple[str, ...] = ()
        """What must be known about all that is shown."""
        self.asking = ""
        """The moment on its way, as it was typed; "" while none is."""
        self.step = ""
        self._turn = 0
        self._store: Store | None = None
        self._commands: PastCommands | None = None
        self._views: dict[str, View] = {}
        self._instrument_id = ""
        """The one in sight when the head left now."""

    # --- what is shown ------------------------------------------------------------------------------------

    @property
    def is_past(self) -> bool:
        """Whether the panes show a moment of the past."""
        return self.moment is not None

    @property
    def store(self) -> Store:
        """What the panes read."""
        return self._store or self.live

    def commands(self, live: Commands) -> Commands:
        """What the panes ask."""
        return self._commands or live

    def banner(self) -> tuple[str, str, str] | None:
        """What, what still works, what to do; None while the head shows now and stays there."""
        if self.asking and self.moment is None:
            return (f"Looking back to {self.asking}: {self.step}.", "The market goes on.", "Esc gives up")
        if self.moment is None:
            return None
        what = (
            f"REWOUND to {self.moment.words}."
            if not self.asking
            else f"{self.moment.words} → {self.asking}: {self.step}."
        )
        works = "; ".join(("read only: c cancels and !! halts what is live now", *self.notes))
        return (what, works[:1].upper() + works[1:], "@ now goes back")

    # --- going and coming back ----------------------------------------------------------------------------

    def go(self, text: str) -> None:
        """Ask for a moment; the panes change when all of it is there."""
        self._turn += 1
        self.asking, self.step = text, "asking"
        self._shell.status.on_second()
        self._shell.in_background(self._fetch(text, self._turn))

    def give_up(self) -> None:
        """Stop asking; what is shown stays."""
        self._turn += 1
        asked, self.asking = self.asking, ""
        self._shell.status.on_second()
        self._shell.notify_line(f"{asked} is not looked back to")

    def leave(self) -> None:
        """Back to now."""
        self._turn += 1
        self.asking = ""
        if self.moment is None:
            self._shell.notify_line("this is now")
            return
        words = self.moment.words
        self._close_windows()
        self._drop_views()
        self.moment, self.notes, self._store, self._commands = None, (), None, None
        self._shell.views, self._views = self._views, {}
        if self._shell.instrument_id not in self._shell.live.instruments:  # history alone knew it
            self._shell.instrument_id = self._instrument_id
        self._show_again()
        self._shell.notify_line(f"back from {words}: this is now")

    def forget(self) -> None:
        """The engine is in another world: its past is another one."""
        self._turn += 1
        self.asking = ""
        if self.moment is not None:
            for kept in self._views.values():
                kept.remove()
            self.moment, self.notes, self._store, self._commands, self._views = None, (), None, None, {}
            self._shell.apply_look()
            self._shell.notify_line("back to now: the engine is in another world", "warn")

    async def _fetch(self, text: str, turn: int) -> None:
        from stockpulse_engine.client import past

        shell, at = self._shell, text
        try:
            while True:
                view = await self._live_link.commands.send(past.view(at))
                if turn != self._turn:
                    return
                if view.is_ready:
                    break
                at = str(view.moment.at_ns)
                self.asking, self.step = view.moment.words, f"{view.step} ({view.done:.0%})"
                shell.status.on_second()
                await asyncio.sleep(AGAIN_S)
        except StockPulseError as error:
            if turn == self._turn:
                self.asking = ""
                shell.status.on_second()
                shell.notify_line(str(error), "warn")
            return
        self._enter(view)

    def _enter(self, view: PastView) -> None:
        from stockpulse_tui.past_commands import PastCommands  # few heads ever look back
        from stockpulse_tui.past_store import past_store

        shell = self._shell
        self.asking = ""
        self._make_safe()
        self._close_windows()
        if self.moment is None:
            for kept in shell.views.values():
                kept.display = False
            self._views, shell.views = shell.views, {}
            self._instrument_id = shell.instrument_id
        else:
            self._drop_views()
        self.moment, self.notes = view.moment, view.notes
        self._store, self._commands = past_store(view), PastCommands(self._live_link.commands, view.moment)
        self._show_again()

    def _make_safe(self) -> None:
        """A head that looks back is not armed, nor when it comes back."""
        shell = self._shell
        account = shell.live.account
        if shell.status.armed_until() and account is not None:
            shell.in_background(self._disarm(account.account.account_id), is_intent=True)

    async def _disarm(self, account_id: str) -> None:
        try:
            await self._live_link.commands.arm(account_id, 0)
        except StockPulseError as error:
            self._shell.notify_line(f"this head is still armed: {error}", "danger")

    def _close_windows(self) -> None:
        windows = self._shell.windows
        while windows.top is not None:
            windows.close(windows.top)

    def _drop_views(self) -> None:
        for view in self._shell.views.values():
            view.remove()
        self._shell.views = {}

    def _show_again(self) -> None:
        """Another store, another look: every pane is drawn from what there is now."""
        shell = self._shell
        kept = shell.instrument_id
        shell.shell_screen.set_focus(None)  # else the framework gives it to some pane of the other view
        shell.show_view(shell.view_id, is_travel=True, then=lambda: shell.pick_instrument(kept))
        shell.apply_look()
        shell.status.on_second()
        shell.redraw_chrome()

    # --- while it is shown --------------------------------------------------------------------------------

    def refuses(self, action_id: str) -> str:
        """Why an action is not done from here, in words; "" for one that is."""
        action = BY_ID[action_id]
        is_read = action.role is Role.VIEWER
        if self.moment is None or is_read or action_id in LET_THROUGH or action_id.startswith(("market.", "world.")):
            return ""
        return f"{action.title}: nothing is sent or changed from {self.moment.words}. {BACK}"

    def announce(self, frame: Frame) -> None:
        """Tell what happens now to whoever looks at then."""
        if self.moment is None or frame.kind != "delta":
            return
        for alert in frame.alerts:
            self._shell.notify_line(f"now: {alert.text}", alert.level)
        for fill in frame.fills[:MOST_TOLD]:
            self._shell.notify_line(f"now: {_fill_words(fill)}", "warn")
        if len(frame.fills) > MOST_TOLD:
            self._shell.notify_line(f"now: {len(frame.fills)} fills; `@ now` shows them", "warn")


def _fill_words(fill: Fill) -> str:
    side = "bought" if fill.sign > 0 else "sold"
    price = format_number(fill.price, max(2, -int(fill.price.as_tuple().exponent)))
    return f"{side} {format_quantity(fill.quantity)} {symbol_of(fill.instrument_id)} at {price}"
