"""Arming and halting: what decides whether a key sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from stockpulse_engine.base.ids import new_id
from stockpulse_engine.client.calls import arm_live
from stockpulse_engine.domain.accounts import AccountKind
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.wire.rest import ArmLive
from stockpulse_tui.handlers import Handler

ARM_MINUTES = 30
LIVE_MINUTES = 60
"""How long live money is armed when nobody says."""
LATCHED = "HALTED: the latch is set, no order leaves any more"
RESTING = "what rests at the venue is canceled as soon as the engine sees it."


class SafetyHandler(Handler):
    """Arm, halt, reduce, flatten, resume."""

    def do_trading_arm(self) -> None:
        """Arm for 30 minutes, or back to safe."""
        shell = self.shell
        view = shell.live.account
        if view is None:
            shell.notify_line("no account is known yet", "warn")
            return
        if shell.status.armed_until():
            self._arm(view.account.account_id, 0, "safe: keys stage, nothing is sent")
            return
        if view.account.kind is AccountKind.LIVE:
            shell.windows.ask("arm.live", "LIVE: account letters, amount, minutes:")
            return
        self._arm(view.account.account_id, ARM_MINUTES, f"armed for {ARM_MINUTES} minutes on paper: Enter sends")

    def entered_arm_live(self, text: str) -> None:
        """Letters, amount and minutes were typed, as `0817 5000 60`."""
        view = self.shell.live.account
        letters, amount, minutes = (*text.split(), "", "", "")[:3]
        try:
            cap, time = Decimal(amount.replace(",", "")), int(minutes or LIVE_MINUTES)
        except (InvalidOperation, ValueError):
            self.shell.notify_line("type letters, amount and minutes, as 0817 5000 60: still safe", "warn")
            return
        if view is None or not cap.is_finite():
            self.shell.notify_line("that is no amount: still safe", "warn")
            return
        body = ArmLive(
            request_id=new_id("R"), account_id=view.account.account_id, suffix=letters, cap=cap, minutes=time
        )
        words = f"armed for LIVE: up to {cap:,} in {time} minutes; Enter sends"
        self._ask(lambda: self.shell.link.commands.send(arm_live(body)), words)

    def _arm(self, account_id: str, minutes: int, words: str) -> None:
        self._ask(lambda: self.shell.link.commands.arm(account_id, minutes), words)

    def do_trading_halt(self) -> None:
        """Halt now; no question asked, and no engine needed: it is told, and the latch is set beside it."""
        reason = " ".join(self.shell.command.arguments) if self.shell.command else ""
        self.shell.in_background(self._halt(reason), is_intent=True)

    async def _halt(self, reason: str) -> None:
        """Both at once: a disk that hangs does not keep the engine from hearing, nor an engine that hangs the latch."""
        shell = self.shell
        async with asyncio.TaskGroup() as group:
            told = group.create_task(self._tell_halt(reason), name="halt")
            problem = await shell.link.latch(reason or "!! on a head")
            shell.status.is_latched = not problem
            shell.redraw_chrome()
            if not problem and not told.done():
                shell.notify_line(LATCHED, "warn")
        refused = told.result()
        if not refused:
            shell.notify_line("HALTED: every order is being canceled, nothing leaves but cancels", "warn")
        elif problem:
            shell.notify_line(f"NOT HALTED: {refused} And {problem}.", "danger")
        else:
            shell.notify_line(f"{LATCHED}; {RESTING} {refused}", "danger")

    async def _tell_halt(self, reason: str) -> str:
        try:
            await self.shell.link.commands.set_halt("halt", reason=reason)
        except StockPulseError as error:
            return str(error)
        return ""

    def do_trading_reduce(self) -> None:
        """Reduce only."""
        self._change("reduce", "REDUCE ONLY: what makes a position larger is refused")

    def do_trading_flatten(self) -> None:
        """Ask for the word."""
        count = len(self.shell.live.positions)
        self.shell.windows.ask("trading.flatten", f"type FLATTEN to close {count} position{'s' if count != 1 else ''}")

    def entered_trading_flatten(self, text: str) -> None:
        """The word was typed."""
        self._change("flatten", "flattening: reduce-only orders are on their way", word=text.strip())

    def do_trading_resume(self) -> None:
        """Ask for the word."""
        self.shell.windows.ask("trading.resume", "type RESUME to let orders leave again")

    def entered_trading_resume(self, text: str) -> None:
        """The word was typed."""
        self._change("resume", "orders may leave again", word=text.strip())

    def _change(self, action: str, words: str, *, reason: str = "", word: str = "") -> None:
        self._ask(lambda: self.shell.link.commands.set_halt(action, reason=reason, word=word), words)

    def _ask(self, request: Callable[[], Awaitable[Any]], words: str) -> None:
        self.shell.in_background(self._answer(request, words), is_intent=True)

    async def _answer(self, request: Callable[[], Awaitable[Any]], words: str) -> None:
        try:
            await request()
        except StockPulseError as error:
            self.shell.notify_line(str(error), "danger")
        else:
            self.shell.notify_line(words, "warn")
