"""A line of text being typed: pure editing, shared by the command line, prompts and the order ticket."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_line

MAX_LENGTH = 256
MAX_PASTE = 4096
"""A longer text is no line, whatever it says."""
TOO_LONG = "that is too long for one line: nothing of it was taken"
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

    def insert(self, text: str) -> bool:
        """Put text at the cursor, cleaned to one line. All of it or nothing: half a price is another price."""
        clean = clean_line(text, MAX_PASTE) if len(text) > 1 else text
        if len(text) > MAX_PASTE or len(self.text) + len(clean) > MAX_LENGTH:
            return False
        self.put(self.cursor, clean)
        return True

    def put(self, place: int, text: str) -> None:
        """Put text before a character; a cursor that stands there or behind moves along."""
        self.text = self.text[:place] + text + self.text[place:]
        self.cursor += len(text) if self.cursor >= place else 0

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
        name = _EDITS.get(key)
        if name is None:
            return False
        getattr(self, name)()
        return True

    def backspace(self) -> None:
        """Take the character before the cursor."""
        if self.cursor:
            self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
            self.cursor -= 1

    def delete(self) -> None:
        """Take the character under the cursor."""
        self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def left(self) -> None:
        """One character to the left."""
        self.cursor = max(0, self.cursor - 1)

    def right(self) -> None:
        """One character to the right."""
        self.cursor = min(len(self.text), self.cursor + 1)

    def home(self) -> None:
        """To the beginning."""
        self.cursor = 0

    def end(self) -> None:
        """To the end."""
        self.cursor = len(self.text)

    def kill_word(self) -> None:
        """Take the word before the cursor."""
        head = self.text[: self.cursor].rstrip()
        kept = head[: head.rfind(" ") + 1]
        self.text = kept + self.text[self.cursor :]
        self.cursor = len(kept)

    def kill_line(self) -> None:
        """Take everything before the cursor."""
        self.text = self.text[self.cursor :]
        self.cursor = 0


_EDITS = {
    "Backspace": "backspace",
    "Delete": "delete",
    "Left": "left",
    "Right": "right",
    "Home": "home",
    "End": "end",
    "Ctrl+A": "home",
    "Ctrl+E": "end",
    "Ctrl+W": "kill_word",
    "Ctrl+U": "kill_line",
}
