"""The application: one store, one link, one screen; it hands keys to the dispatcher and changes to what is in sight."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.app import App
from textual.screen import Screen

from stockpulse_engine.actions.codes import Command
from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.clock import Clock
from stockpulse_engine.base.text import clean_line
from stockpulse_engine.wire.stream import DEFAULT_TOPICS
from stockpulse_tui import styles, turns
from stockpulse_tui.background import Background, Work
from stockpulse_tui.cell import Cell
from stockpulse_tui.direct import DirectWriter
from stockpulse_tui.dispatch import Dispatcher
from stockpulse_tui.incoming import Incoming
from stockpulse_tui.keymap import Keymap
from stockpulse_tui.latency import Latency
from stockpulse_tui.leaving import Leaving
from stockpulse_tui.looks import look_of
from stockpulse_tui.messages import LineEntered
from stockpulse_tui.moved import WorldSeen
from stockpulse_tui.painter import Painter, cells
from stockpulse_tui.places import Places
from stockpulse_tui.ports import Link
from stockpulse_tui.rewind import Rewind
from stockpulse_tui.screens.base import View
from stockpulse_tui.screens.panes import make_view, screens_there
from stockpulse_tui.screens.shell import ShellScreen
from stockpulse_tui.settings import Settings
from stockpulse_tui.status import Status
from stockpulse_tui.store import Changes, Store
from stockpulse_tui.terminal_keys import pressed, use_key_reader
from stockpulse_tui.tidy import Tidy
from stockpulse_tui.watch_file import WatchFile
from stockpulse_tui.watchlists import Watchlists
from stockpulse_tui.windows import Windows


class StockPulseApp(App[None], inherit_bindings=False):
    """One head."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "StockPulse"

    def __init__(
        self,
        link: Link,
        *,
        clock: Clock,
        settings: Settings | None = None,
        watchlists: Watchlists | None = None,
        watch_file: Path | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.rewind = Rewind(self, link)
        self.live, self.link = self.rewind.live, self.rewind.link
        self.clock = clock
        self.keymap = Keymap()
        self.watchlists = watchlists or Watchlists()
        self.latency = Latency()
        self.status = Status(self)
        self.instrument_id = ""
        self.view_id = "screen.desk"
        self.watch_file = WatchFile(watch_file, self.watchlists)
        self.views: dict[str, View] = {}
        self._then: Callable[[], None] | None = None
        self.windows = Windows(self)
        self.direct = DirectWriter(self)
        self.places = Places()
        self.world_seen = WorldSeen(self)
        self.incoming = Incoming(self)
        self.background = Background(self.call_next)
        self.leaving = Leaving(self)
        self.tidy = Tidy()
        use_key_reader()
        super().__init__()
        self.dispatch = Dispatcher(self)
        for theme in styles.all_themes():
            self.register_theme(theme)
        self._choose_look()

    @property
    def store(self) -> Store:
        """What the panes show: the stream's fold, or a moment of the past."""
        return self.rewind.store

    # -- start and look

    def get_default_screen(self) -> Screen[None]:
        """Our only screen."""
        return ShellScreen()

    def _choose_look(self) -> None:
        self.glyphs, self.theme, self._painters = look_of(self.settings.ui, is_past=self.rewind.is_past)

    def apply_look(self) -> None:
        """The theme or the glyphs changed: bake everything again."""
        self._choose_look()
        for line_view in self.shell_screen.lines():
            line_view.rebake()

    def painter_for(self, is_dimmed: bool) -> Painter:
        """Bakes for the running theme, or for what lies under a window."""
        return self._painters[is_dimmed]

    @property
    def shell_screen(self) -> ShellScreen:
        """The screen, with its own type."""
        screen = self.screen_stack[0]
        assert isinstance(screen, ShellScreen)
        return screen

    async def on_mount(self) -> None:
        """First frame, then the link."""
        self.leaving.heed_signals()
        self.show_view("screen.desk")
        self.windows.welcome()
        # After the first frame: starting an engine takes the core that it needs.
        self.call_after_refresh(lambda: self.in_background(self.link.run(self.incoming.take, self.status.link_changed)))
        self.set_interval(1.0, self.each_second)
        for problem in [*self.settings.problems, *self.keymap.problems][:1]:
            self.notify_line(problem, "warn")

    def post_display_hook(self) -> None:
        """A frame was written."""
        self.incoming.painted()

    def each_second(self) -> None:
        """Ages, clocks and countdowns move on, while there is a screen to show them on."""
        self.tidy.on_second()
        if not self.screen_stack:
            return
        if self.watch_file.look():
            self.refresh_all()
        self.status.on_second()
        self.redraw_chrome()
        self.view.on_second()

    def redraw_chrome(self) -> None:
        """Header, tabs, footer, health, frame."""
        for part in self.shell_screen.chrome:
            part.redraw()

    # -- views and instruments

    @property
    def view(self) -> View:
        """The view in sight."""
        return self.views[self.view_id]

    def show_view(self, action_id: str, *, is_travel: bool = False, then: Callable[[], None] | None = None) -> None:
        """Show the view of a screen action; it is made when first opened. `then` is called when its panes are there."""
        if action_id not in screens_there():
            return
        old = self.views.get(self.view_id)
        self.view_id, self._then = action_id, then
        view = self.views.get(action_id)
        if view is None:
            view = self.views[action_id] = make_view(action_id)
            self.shell_screen.mount(view)
            self.dispatch.hold()
        if old is not None and old is not view:
            old.display = False
        view.display = True
        if view.is_mounted:
            self.view_ready(view)
        if not is_travel:
            self.places.visit((action_id, self.instrument_id))

    def view_ready(self, view: View) -> None:
        """Its panes are there: after the next refresh it is as it should be. A new view says so itself."""
        self.call_after_refresh(self._view_shown, view)

    def _view_shown(self, view: View) -> None:
        if view is not self.view:  # another one was asked for meanwhile
            return
        changes = Changes()
        changes.is_reset = True
        view.show_instrument(self.instrument_id)
        view.on_store(changes)
        if self.windows.top is None:
            view.focus_front()
        self.resubscribe()
        self.redraw_chrome()
        then, self._then = self._then, None
        if then is not None:
            then()
        self.dispatch.release()

    def pick_instrument(self, instrument_id: str) -> None:
        """Every pane in sight follows this instrument."""
        if instrument_id and instrument_id != self.instrument_id:
            self.instrument_id = instrument_id
            self.view.show_instrument(instrument_id)
            self.resubscribe()
            self.shell_screen.footer.redraw()

    def resubscribe(self) -> None:
        """Ask for the topics of the panes in sight."""
        shows_now = not self.rewind.is_past
        wanted = {topic for pane in self.view.seen() for topic in pane.topics()} if shows_now else set()
        self.link.subscribe((*DEFAULT_TOPICS, *sorted(wanted)))

    def travel(self, step: int) -> None:
        """Back and forward through screens and instruments."""
        place = self.places.step(step)
        if place is None:
            self.notify_line("there is nothing further back" if step < 0 else "there is nothing further on")
            return
        self.pick_instrument(place[1])
        self.show_view(place[0], is_travel=True)

    def open_row(self, action_id: str, instrument_id: str) -> None:
        """A row was opened: another screen with its instrument, else what is known of it."""
        self.pick_instrument(instrument_id)
        self.run_action_id(action_id if self.dispatch.can(action_id, is_typed=True) else "instrument.describe")

    def refresh_all(self) -> None:
        """Everything in sight reads the store again."""
        self._view_shown(self.view)

    async def on_event(self, event: events.Event) -> None:
        """A key is acted on in its turn: sent by way of a widget, it would be lost with a window that just closes."""
        if isinstance(event, events.Paste):
            self.dispatch.paste(event.text)
            return
        if not isinstance(event, events.Key):
            await super().on_event(event)
            if isinstance(event, (events.MouseDown, events.MouseUp)):
                await turns.click_heard(self, event)
            return
        self.app_focus = True
        for key in pressed(event.key, event.character):
            self.dispatch.press(key)

    @property
    def context(self) -> Context:
        """Whose keys are heard now."""
        return getattr(self.dispatch.owner, "context", Context.GLOBAL)

    def cell(self) -> Cell | None:
        """The cell under the cursor of the front pane."""
        pane = self.view.front_pane
        return pane.cell() if pane is not None else None

    @property
    def command(self) -> Command | None:
        """The command line being done, None when a key was pressed."""
        return self.dispatch.command

    def run_action_id(self, action_id: str, command: Command | None = None) -> None:
        """Do an action by its id."""
        self.dispatch.run(action_id, command)

    def on_line_entered(self, message: LineEntered) -> None:
        """An answer no pane took."""
        self.dispatch.entered(message.purpose, message.text)

    def notify_line(self, text: str, level: str = "info") -> None:
        """Say one sentence in the footer for a moment; never about an order's fate alone."""
        self.shell_screen.footer.say(cells(clean_line(text, 600)), level)

    def call_after(self, seconds: float, function: Callable[[], None]) -> TimerHandle:
        """Call a function later on the application's own turn; cheaper than a timer, made for one shot."""
        return asyncio.get_running_loop().call_later(seconds, self.call_next, function)

    def in_background(self, work: Work, *, is_intent: bool = False) -> None:
        """Run a coroutine beside the screen; a head that leaves waits for what is an intent to the engine."""
        self.background.start(work, is_intent=is_intent)

    def current_watchlists(self) -> Watchlists:
        """The groups with what another head changed since the last look, to be changed here and saved."""
        self.watch_file.look()
        return self.watchlists

    def save_watchlists(self) -> None:
        """Write the groups, off the painting path only in size: they are small."""
        self.watch_file.save()

    def frame_rows(self) -> list[str]:
        """The screen as plain text, for the first paint of the next start."""
        return [strip.text for strip in self.shell_screen.painted()]

    def leave(self) -> None:
        """End this head; the engine goes on."""
        self.leaving.begin()

    async def on_unmount(self) -> None:
        """Nothing runs on when the head ends in another way than by leaving."""
        await self.background.end()
