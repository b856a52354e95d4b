"""Textual messages of the shell; one per kind of thing that happened, never one per quote."""

from __future__ import annotations

from textual.message import Message


class LineEntered(Message):
    """A line was entered in an entry field that was opened for `purpose`."""

    def __init__(self, purpose: str, text: str) -> None:
        self.purpose = purpose
        self.text = text
        super().__init__()
