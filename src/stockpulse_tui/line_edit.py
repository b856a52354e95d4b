"""A line of text being typed: pure editing, shared by the command line, prompts and the order ticket."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_line

MAX_LENGTH = 256
NEVER_TYPED = frozenset("!")
"""`!` belongs to `!!`: halting works while a line is open too."""


class LineEdit:
    """Text and cursor."""

    def __init__(self, text: str = "") -> None:
        self.text = text[:MAX_LENGTH]
        self.cursor = len(self.text)

    def set(self, text: str) -> None:
        """Replace everything; the cursor goes to the end."""
        self.text = text[:MAX_LENGTH]
        self.cursor = len(self.text)

    def insert(self, text: str) -> None:
        """Put text at the cursor; anything that is not printable is dropped."""
        clean = clean_line(text, MAX_LENGTH) if len(text) > 1 else text
        room = MAX_LENGTH - len(self.text)
        self.text = self.text[: self.cursor] + clean[:room] + self.text[self.cursor :]
        self.cursor += len(clean[:room])

    def take(self, key: str) -> bool:
        """Edit by a key in people's notation; False when the key is none of its business."""
        if len(key) == 1:
            if key in NEVER_TYPED or not key.isprintable():
                return False
            self.insert(key)
            return True
        if key == "Space":
            self.insert(" ")
            return True
        edit = _EDITS.get(key)
        if edit is None:
            return False
        edit(self)
        return True

    def _backspace(self) -> None:
        if self.cursor:
            self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
            self.cursor -= 1

    def _delete(self) -> None:
        self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def _left(self) -> None:
        self.cursor = max(0, self.cursor - 1)

    def _right(self) -> None:
        self.cursor = min(len(self.text), self.cursor + 1)

    def _home(self) -> None:
        self.cursor = 0

    def _end(self) -> None:
        self.cursor = len(self.text)

    def _kill_word(self) -> None:
        head = self.text[: self.cursor].rstrip()
        kept = head[: head.rfind(" ") + 1]
        self.text = kept + self.text[self.cursor :]
        self.cursor = len(kept)

    def _kill_line(self) -> None:
        self.text = self.text[self.cursor :]
        self.cursor = 0


_EDITS = {
    "Backspace": LineEdit._backspace,
    "Delete": LineEdit._delete,
    "Left": LineEdit._left,
    "Right": LineEdit._right,
    "Home": LineEdit._home,
    "End": LineEdit._end,
    "Ctrl+A": LineEdit._home,
    "Ctrl+E": LineEdit._end,
    "Ctrl+W": LineEdit._kill_word,
    "Ctrl+U": LineEdit._kill_line,
}
