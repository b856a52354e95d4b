"""Setting limits, taking raises back and freeing accounts, by key or by name: `LIMIT max_gross 1.2`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.risk import release_loss, risk, set_limit, withdraw_limit
from stockpulse_engine.domain.errors import ForbiddenError, StockPulseError
from stockpulse_engine.domain.risk import LimitAnswer, LimitRow
from stockpulse_engine.wire.risk import SetLimit
from stockpulse_tui.handlers import Handler
from stockpulse_tui.widgets.confirm import Confirm

if TYPE_CHECKING:
    from stockpulse_tui.screens.risk import RiskScreen

_WORDS = 2


class RiskHandler(Handler):
    """What happens to limits. Without a name the one under the cursor of the risk screen is meant."""

    _row: LimitRow | None = None

    def do_screen_risk(self) -> None:
        """Limits and exposure."""
        self.shell.show_view("screen.risk")

    def do_limit_edit(self) -> None:
        """Ask for the value of the limit under the cursor; by name it is set at once."""
        words = self.shell.command.arguments if self.shell.command else ()
        if len(words) >= _WORDS:
            self._set(SetLimit(request_id=new_id("R"), key=words[0].lower(), value=" ".join(words[1:])))
            return
        row = self._under_cursor()
        if row is None:
            self.shell.notify_line("which limit? RK lists them; LIMIT max_gross 1.2 sets one", "warn")
            return
        self._row = row
        of = f" of {row.scope} {row.name}" if row.scope else ""
        self.shell.windows.ask("limit.edit", f"{row.key}{of}", initial=row.value)

    def entered_limit_edit(self, text: str) -> None:
        """The value was typed."""
        row, value = self._row, text.strip()
        if row is None or not value or value == row.value:
            self.shell.notify_line("left as it is")
            return
        self._set(SetLimit(request_id=new_id("R"), key=row.key, value=value, scope=row.scope, name=row.name))

    def do_limit_withdraw(self) -> None:
        """Take back the next raise, or the named one."""
        words = self.shell.command.arguments if self.shell.command else ()
        self.shell.in_background(self._withdraw(words[0] if words else ""), is_intent=True)

    def do_loss_release(self) -> None:
        """Ask for the word."""
        self.shell.windows.ask("loss.release", "type RELEASE to let the account open positions again")

    def entered_loss_release(self, text: str) -> None:
        """The word was typed."""
        self.shell.in_background(self._release(text.strip()), is_intent=True)

    # --- doing it -----------------------------------------------------------------------------------------

    def _screen(self) -> RiskScreen | None:
        from stockpulse_tui.screens.risk import RiskScreen

        view = self.shell.view
        return view if isinstance(view, RiskScreen) else None

    def _under_cursor(self) -> LimitRow | None:
        from stockpulse_tui.widgets.risk_limits import Limits

        screen = self._screen()
        pane = screen.panes.get("limits") if screen is not None else None
        return pane.current if isinstance(pane, Limits) else None

    def _set(self, wish: SetLimit) -> None:
        self.shell.in_background(self._setting(wish), is_intent=True)

    async def _setting(self, wish: SetLimit) -> None:
        try:
            answer = await self.shell.link.commands.send(set_limit(wish))
        except ForbiddenError as error:
            if "raises" in error.message:
                self._ask_to_raise(wish, error.message)
            else:
                self.shell.notify_line(str(error), "danger")
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
        else:
            self._said(answer)

    def _ask_to_raise(self, wish: SetLimit, message: str) -> None:
        sentences = (
            message.partition(": that is")[0] + ".",
            "It is not in force before 60 s have passed; w takes it back until then. It is recorded who did it.",
        )
        work = self._raising(wish)
        self.shell.windows.open(Confirm("Raise a limit", sentences, "raises it in 60 s", lambda: self._start(work)))

    def _start(self, work: Work) -> None:
        self.shell.in_background(work(), is_intent=True)

    def _raising(self, wish: SetLimit) -> Work:
        async def work() -> None:
            try:
                answer = await self.shell.link.commands.send(set_limit(wish, "admin"))
            except StockPulseError as error:
                self.shell.notify_line(str(error), "danger")
            else:
                self._said(answer)

        return work

    def _said(self, answer: LimitAnswer) -> None:
        new = answer.new or "what the files say"
        if answer.waits:
            self.shell.notify_line(f"{answer.key} will be {new} in 60 s; w takes it back", "warn")
        else:
            self.shell.notify_line(f"{answer.key} is {new} now")
        self._read_again()

    async def _withdraw(self, change_id: str) -> None:
        send = self.shell.link.commands.send
        try:
            if not change_id:
                waiting = (await send(risk())).waiting
                if not waiting:
                    self.shell.notify_line("no raise waits")
                    return
                change_id = waiting[0].change_id
            answer = await send(withdraw_limit(change_id))
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
            return
        self.shell.notify_line(f"taken back: {answer.key} stays {answer.old or 'as the files say'}")
        self._read_again()

    async def _release(self, word: str) -> None:
        try:
            view = await self.shell.link.commands.send(release_loss(word))
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
            return
        self.shell.notify_line(f"{view.account_id} is {view.state.value}: it may open positions again", "warn")
        self._read_again()

    def _read_again(self) -> None:
        screen = self._screen()
        if screen is not None:
            screen.feed.ask()


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    Work = Callable[[], Coroutine[Any, Any, None]]
