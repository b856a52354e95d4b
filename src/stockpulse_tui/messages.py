"""Textual messages of the shell; one per kind of thing that happened, never one per quote."""

from __future__ import annotations

from textual.message import Message

from stockpulse_tui.store import Changes


class LinkChanged(Message):
    """The connection to the engine changed: `state` is starting, live, lost or read-only; `text` says it in words."""

    def __init__(self, state: str, text: str) -> None:
        self.state = state
        self.text = text
        super().__init__()


class InstrumentPicked(Message):
    """A pane's cursor moved to another instrument; linked panes follow."""

    def __init__(self, instrument_id: str) -> None:
        self.instrument_id = instrument_id
        super().__init__()


class PaneOpened(Message):
    """A pane asks for another screen, with an instrument: `Enter` on a row."""

    def __init__(self, action_id: str, instrument_id: str = "") -> None:
        self.action_id = action_id
        self.instrument_id = instrument_id
        super().__init__()


class LineEntered(Message):
    """A line was entered in an entry field that was opened for `purpose`."""

    def __init__(self, purpose: str, text: str) -> None:
        self.purpose = purpose
        self.text = text
        super().__init__()


class StoreChanged(Message):
    """Frames were applied; at most one of these is under way at any time."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        super().__init__()
