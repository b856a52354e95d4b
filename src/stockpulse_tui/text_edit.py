"""A short text of several lines being typed: pure editing, for statements."""

from __future__ import annotations

from stockpulse_engine.base.text import clean_text

MAX_TEXT = 8_000
"""Characters; what is longer comes from a file: `sp sql -`."""
TAB = "    "
_PAUSED = "!"
"""`!!` halts, so a single one waits for what comes next: `!=` is an operator."""


class TextEdit:
    """Text and cursor."""

    def __init__(self, text: str = "") -> None:
        self.text = text[:MAX_TEXT]
        self.cursor = len(self.text)
        self._has_paused = False

    def set(self, text: str) -> None:
        """Replace everything; the cursor goes to the end."""
        self.text = text[:MAX_TEXT]
        self.cursor = len(self.text)

    def insert(self, text: str) -> bool:
        """Put text at the cursor, its lines kept and each of them cleaned; all of it or nothing."""
        if len(text) > MAX_TEXT:
            return False
        lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", TAB).split("\n")
        clean = "\n".join(clean_text(line, MAX_TEXT) for line in lines)
        if len(self.text) + len(clean) > MAX_TEXT:
            return False
        self.text = self.text[: self.cursor] + clean + self.text[self.cursor :]
        self.cursor += len(clean)
        return True

    def take(self, key: str) -> bool:
        """Edit by a key in people's notation; False when the key is none of its business, or there is no room."""
        paused, self._has_paused = self._has_paused, key == _PAUSED
        if key == _PAUSED:
            return False
        if len(key) == 1:
            return key.isprintable() and self.insert(_PAUSED + key if paused and key == "=" else key)
        if key == "Space":
            return self.insert(" ")
        edit = _EDITS.get(key)
        if edit is not None:
            getattr(self, edit)()
        return edit is not None

    @property
    def place(self) -> tuple[int, int]:
        """Line and column of the cursor."""
        head = self.text[: self.cursor]
        return head.count("\n"), self.cursor - (head.rfind("\n") + 1)

    def move_line(self, step: int) -> bool:
        """One line up or down; False on the first or last one."""
        row, column = self.place
        lines = self.text.split("\n")
        if not 0 <= row + step < len(lines):
            return False
        start = sum(len(line) + 1 for line in lines[: row + step])
        self.cursor = start + min(column, len(lines[row + step]))
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
        """To the beginning of the line."""
        self.cursor -= self.place[1]

    def end(self) -> None:
        """To the end of the line."""
        found = self.text.find("\n", self.cursor)
        self.cursor = len(self.text) if found < 0 else found

    def kill_word(self) -> None:
        """Take the word before the cursor."""
        kept = self.text[: self.cursor].rstrip()
        cut = max(kept.rfind(" "), kept.rfind("\n")) + 1
        self.text = kept[:cut] + self.text[self.cursor :]
        self.cursor = cut

    def kill_line(self) -> None:
        """Take what is before the cursor on its line."""
        start = self.cursor - self.place[1]
        self.text = self.text[:start] + self.text[self.cursor :]
        self.cursor = start


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
