"""Getting around: screens, panes, command line, help, explanations, copying, themes, leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stockpulse_engine.actions.codes import Unknown, parse_command
from stockpulse_engine.actions.registry import BY_CODE
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.views import Explanation
from stockpulse_engine.render.span import Line, Span
from stockpulse_tui.cell import Cell
from stockpulse_tui.handlers import Handler
from stockpulse_tui.settings import NAMES
from stockpulse_tui.status import LOST

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


NO_CELL = "there is no cell under the cursor"


class AroundHandler(Handler):
    """Everything that touches this head only."""

    def do_screen_desk(self) -> None:
        """The desk."""
        self.shell.show_view("screen.desk")

    def do_screen_chart(self) -> None:
        """The chart."""
        self.shell.show_view("screen.chart")

    def do_screen_positions(self) -> None:
        """The positions."""
        self.shell.show_view("screen.positions")

    def do_screen_orders(self) -> None:
        """The orders."""
        self.shell.show_view("screen.orders")

    def do_screen_ladder(self) -> None:
        """The ladder."""
        self.shell.show_view("screen.ladder")

    def do_pane_next(self) -> None:
        """The next pane."""
        self.shell.view.cycle(1)

    def do_pane_previous(self) -> None:
        """The pane before."""
        self.shell.view.cycle(-1)

    def do_view_back(self) -> None:
        """Out of a notice, a zoom, a moment of the past; never out of the program."""
        self.shell.shell_screen.footer.clear()
        view, rewind = self.shell.view, self.shell.rewind
        if view.zoomed:
            view.do_pane_zoom()
        elif rewind.is_past:
            rewind.leave()

    def do_line_open(self) -> None:
        """The command line."""
        from stockpulse_tui.widgets.palette import Palette

        self.shell.windows.open(Palette())

    def do_notices_show(self) -> None:
        """What the footer has said."""
        from stockpulse_tui.widgets.notices import notice_lines
        from stockpulse_tui.widgets.overlay import Sheet

        lines = notice_lines(self.shell.shell_screen.footer.notices, self.shell.clock.now_ns())
        self.shell.windows.open(Sheet("Notices", lines, "j k scroll   Esc closes"))

    def do_history_back(self) -> None:
        """Where one was before."""
        self.shell.travel(-1)

    def do_history_forward(self) -> None:
        """Forward again."""
        self.shell.travel(1)

    def do_help_keys(self) -> None:
        """Every key, or everything about one code."""
        from stockpulse_tui.widgets.help import code_lines, help_lines
        from stockpulse_tui.widgets.overlay import Sheet

        shell = self.shell
        words = shell.command.arguments if shell.command else ()
        action = BY_CODE.get(words[0].upper()) if words else None
        if action is not None:
            shell.windows.open(
                Sheet(f"{words[0].upper()}  {action.title}", code_lines(action, shell.keymap, shell.context))
            )
        else:
            shell.windows.open(
                Sheet("Keys", help_lines(shell.keymap, shell.context, shell.dispatch.can), "j k scroll   Esc closes")
            )

    def do_cell_explain(self) -> None:
        """Explain the number under the cursor, or one of the header: `EXPLAIN loss left`."""
        words = self.shell.command.arguments if self.shell.command else ()
        cell = self._account_cell(" ".join(words).lower()) if words else self.shell.cell()
        if cell is None and words:
            return
        if cell is None:
            self.shell.notify_line(NO_CELL)
            return
        self.shell.in_background(self._explain(cell))

    def _account_cell(self, name: str) -> Cell | None:
        from stockpulse_tui.explain_book import ACCOUNT_FORMULAS, account_cells

        store = self.shell.store
        view = store.account
        found = None
        if view is not None:
            marks = [p.mark_ts for p in store.positions.values() if p.mark_ts]
            found = account_cells(view, min(marks, default=self.shell.status.market_ns())).get(name)
        if found is None:
            self.shell.notify_line(f"EXPLAIN takes {', '.join(ACCOUNT_FORMULAS)}", "warn")
        return found

    async def _explain(self, cell: Cell) -> None:
        from stockpulse_tui.widgets.explain import explain_lines
        from stockpulse_tui.widgets.overlay import Sheet

        told: Explanation | None = None
        note: tuple[Line, ...] = ()
        if cell.market_name:
            try:
                told = await self.shell.link.commands.explain(cell.market_name, cell.instrument_id)
            except StockPulseError as error:
                note = ((), (Span(f"the engine could not explain it: {error}"[:200], "warn"),))
        lines = [*explain_lines(cell, told, self.shell.status.market_ns()), *note]
        name = f"{symbol_of(cell.instrument_id)}  {cell.name}" if cell.instrument_id else cell.name
        self.shell.windows.tell(Sheet(name, lines))

    def do_instrument_describe(self) -> None:
        """What the instrument is and how it stands."""
        from stockpulse_tui.widgets.explain import describe_lines
        from stockpulse_tui.widgets.overlay import Sheet

        shell = self.shell
        instrument = shell.store.instruments.get(shell.instrument_id)
        if instrument is None:
            shell.notify_line("no instrument is chosen", "warn")
            return
        lines = describe_lines(shell.store, instrument, shell.status.market_ns())
        shell.windows.open(Sheet(instrument.symbol, lines, "GP chart   Esc closes"))

    def do_cell_copy(self) -> None:
        """The cell, to the clipboard."""
        cell = self.shell.cell()
        if cell is None:
            self.shell.notify_line(NO_CELL)
            return
        self.shell.copy_to_clipboard(cell.value)
        self.shell.notify_line(f"copied {cell.value}")

    def do_row_copy(self) -> None:
        """The row, as JSON."""
        cell = self.shell.cell()
        if cell is None:
            self.shell.notify_line(NO_CELL)
            return
        row = cell.row or {cell.name: cell.value}
        self.shell.copy_to_clipboard(msgspec.json.encode(row).decode())
        self.shell.notify_line("copied the row as JSON")

    def do_watch_add(self) -> None:
        """`ADD AAPL {MSFT,NVDA}` from the command line."""
        from stockpulse_tui.watchlists import expand

        command = self.shell.command
        if command is None:
            return
        line = command.line.partition(" ")[2]
        known = [symbol for symbol in expand(line) if symbol in self.shell.store.by_symbol]
        new = self.shell.current_watchlists().add(known)
        self.shell.save_watchlists()
        self.shell.refresh_all()
        self.shell.notify_line(f"added {', '.join(new)}" if new else "nothing new", "info")

    def do_app_theme(self) -> None:
        """`THEME light`."""
        words = self.shell.command.arguments if self.shell.command else ()
        if not words:
            self.shell.notify_line(f"theme is {self.shell.settings.ui.theme}; there are {NAMES['theme']}")
            return
        self._set("theme", words[0].lower())

    def do_app_set(self) -> None:
        """`SET motion = off`."""
        words = [w for w in (self.shell.command.arguments if self.shell.command else ()) if w != "="]
        if len(words) == 1 and "=" in words[0]:
            words = words[0].split("=", 1)
        if len(words) != 2:
            self.shell.notify_line("; ".join(f"{name}: {values}" for name, values in NAMES.items()))
            return
        self._set(words[0].lower(), words[1].lower())

    def _set(self, name: str, value: str) -> None:
        problem = self.shell.settings.change(name, value)
        if problem:
            self.shell.notify_line(problem, "warn")
            return
        self.shell.settings.save()
        self.shell.apply_look()
        self.shell.notify_line(f"{name} is {value}")

    def do_app_redraw(self) -> None:
        """Paint everything again."""
        self.shell.apply_look()
        self.shell.screen.refresh(layout=True)

    def do_engine_control(self) -> None:
        """Start the engine again; while it runs there is nothing to do from here."""
        shell = self.shell
        if shell.status.state != LOST:
            shell.notify_line("the engine runs; `sp engine` in a shell stops or restarts it")
            return
        shell.in_background(shell.link.start_engine(shell.status.link_changed))

    def do_app_quit(self) -> None:
        """Leave this head."""
        self.shell.leave()


def run_line(shell: StockPulseApp, text: str) -> None:
    """Do a command line, or say the nearest three."""
    parsed = parse_command(text, shell.store.by_symbol.keys())
    if parsed is None:
        return
    if isinstance(parsed, Unknown):
        shell.notify_line(f"{parsed.word} is not known; nearest: {', '.join(parsed.nearest)}", "warn")
        return
    shell.settings.remember(text.strip())
    if parsed.symbol:
        shell.pick_instrument(shell.store.by_symbol[parsed.symbol].instrument_id)
    shell.run_action_id(parsed.action.id, parsed)
