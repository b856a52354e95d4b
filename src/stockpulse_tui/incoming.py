"""Frames on their way to the screen: folded at once, joined while a hand-out waits, painted in the same turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.wire.stream import Frame
from stockpulse_tui.pace import Pace
from stockpulse_tui.store import Changes

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

QUIET_KINDS = frozenset({"quotes", "sparks", "references"})
"""What never changes the chrome."""


class Incoming:
    """What came since the last hand-out, and from when it was."""

    def __init__(self, shell: StockPulseApp) -> None:
        self._shell = shell
        self._pending = Changes()
        self._pace = Pace(shell.call_after, self._hand_out, lambda: not shell.screen_stack)
        self._painted_from_ns = 0

    def take(self, frame: Frame) -> None:
        """Fold a frame in; panes hear of it as soon as the pace allows."""
        changes = self._shell.live.apply(frame)
        self._shell.status.frame_seen(is_reset=changes.is_reset)
        self._shell.rewind.announce(frame)
        self._pending.join(changes)
        if self._pending:
            self._pace.ask()

    def _hand_out(self) -> None:
        shell = self._shell
        changes, self._pending = self._pending, Changes()
        self._painted_from_ns = 0 if changes.is_reset else changes.sent_at
        if changes.is_reset:
            shell.world_seen.look()
        if not shell.rewind.is_past:  # a moment of the past stands still
            shell.view.on_store(changes)
        shell.windows.on_store()
        if changes.kinds - QUIET_KINDS or changes.is_reset:
            shell.redraw_chrome()
        shell.shell_screen.paint_now()
        shell.direct.flush()

    def painted(self) -> None:
        """A frame was written: from the engine's frame to the cell."""
        if self._painted_from_ns:
            shell = self._shell
            shell.latency.add(shell.clock.now_ns() - self._painted_from_ns)
            shell.link.report_latency(shell.latency.percentile(0.5))
            self._painted_from_ns = 0
