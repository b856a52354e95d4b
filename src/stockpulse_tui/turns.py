"""Clicks keep their turn among the keys: a key right behind a click is about what was clicked.

The application hears keys itself; a click goes to its widget by way of queues, which may be late.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.errors import NoWidget

if TYPE_CHECKING:
    from textual import events

    from stockpulse_tui.app import StockPulseApp

WAIT_S = 0.5
"""A widget that takes longer no longer holds the keys back."""


async def click_heard(shell: StockPulseApp, event: events.MouseEvent) -> None:
    """Wait until the widget under the mouse has heard; the pane that took the focus hears the next key."""
    shell.view.heed_focus(shell.focused)
    try:
        widget, _ = shell.get_widget_at(event.x, event.y)
    except NoWidget:
        return
    done = asyncio.Event()
    if not widget.call_later(done.set):
        return
    try:
        async with asyncio.timeout(WAIT_S):
            await done.wait()
    except TimeoutError:
        return
