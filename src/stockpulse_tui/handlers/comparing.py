"""Our figures against the broker's: compare now, and say which side of a difference is right."""

from __future__ import annotations

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client import calls
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import SuspenseView
from stockpulse_engine.wire.rest import ExplainSuspense
from stockpulse_tui.comparing_words import difference_words, open_differences
from stockpulse_tui.handlers import Handler

WORDS = ("ACCEPT", "IGNORE")


class ComparingHandler(Handler):
    """Compare with the broker; accept or ignore what differs."""

    _asked: SuspenseView

    def do_account_reconcile(self) -> None:
        """Compare the account that is shown now."""
        view = self.shell.live.account
        if view is None:
            self.shell.notify_line("no account is known yet", "warn")
            return
        self.shell.notify_line("comparing with the broker …")
        self.shell.in_background(self._compare(view.account.account_id), is_intent=True)

    async def _compare(self, account_id: str) -> None:
        shell = self.shell
        try:
            (found,) = await shell.link.commands.send(calls.reconcile(account_id))
        except StockPulseError as error:
            shell.notify_line(str(error), "danger")
            return
        count = sum(1 for row in found.rows if row.suspense is not None and not row.suspense.is_known)
        if found.failure:
            shell.notify_line(f"could not be compared: {found.failure}", "danger")
        elif found.is_open:
            shell.notify_line(
                f"{account_id} differs from {found.broker}: {count + len(found.order_differences)}", "warn"
            )
        else:
            shell.notify_line(f"{account_id} matches {found.broker}")

    def do_suspense_explain(self) -> None:
        """Ask which side of the difference is right: the one under the cursor, else the first."""
        view = self.shell.live.account
        waiting = open_differences(view.suspense) if view is not None else []
        if not waiting:
            self.shell.notify_line("nothing differs from the broker")
            return
        one = next((each for each in waiting if each.instrument_id == self._instrument()), waiting[0])
        self._asked = one
        self.shell.windows.ask("suspense.explain", f"{difference_words(one)}: type ACCEPT or IGNORE, and why")

    def _instrument(self) -> str:
        from stockpulse_tui.widgets.positions import Positions

        pane = self.shell.view.panes.get("positions")
        current = pane.current if isinstance(pane, Positions) else None
        return current.instrument_id if current is not None else ""

    def entered_suspense_explain(self, text: str) -> None:
        """The word, and the reason after it."""
        word, _, reason = text.strip().partition(" ")
        word, reason = word.upper(), reason.strip()
        if word not in WORDS or not reason:
            self.shell.notify_line("nothing was changed: ACCEPT or IGNORE, then why", "warn")
            return
        body = ExplainSuspense(
            request_id=new_id("R"), suspense_id=self._asked.suspense_id, how=word.lower(), reason=reason, word=word
        )
        self.shell.in_background(self._explain(body), is_intent=True)

    async def _explain(self, body: ExplainSuspense) -> None:
        done = {"accept": "accepted: the broker's figure is posted", "ignore": "ignored: our figure stands, known"}
        try:
            await self.shell.link.commands.send(calls.explain_suspense(body))
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
        else:
            self.shell.notify_line(f"{body.suspense_id} {done[body.how]}", "warn")
