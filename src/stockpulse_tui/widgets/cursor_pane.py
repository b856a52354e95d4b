"""Panes with a cursor on one of their rows: keys, mouse and finding; whose rows they are is the subclass's matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from stockpulse_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

WHEEL_ROWS = 3


class CursorPane(Panel):
    """Subclasses say how many rows there are, and draw them from `self.top`, the first one at `self.list_y`."""

    first_column: ClassVar[int] = 0
    """Where the cell cursor appears when it is first moved."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.at = 0
        self.top = 0
        self.room = 1
        self.list_y = 2
        """Row of the widget where the first row of the list is drawn."""
        self.column = 0
        """Which of the columns in sight the cell cursor is on."""
        self.has_cell_cursor = False

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise AssertionError(f"{type(self).__name__} has no rows")

    @property
    def column_count(self) -> int:
        """How many columns the cell cursor can be on."""
        return 1

    @property
    def is_off(self) -> bool:
        """Whether the cursor is between rows: the one it was on is gone."""
        return False

    def go_to(self, place: int) -> None:
        """Move the cursor to a row."""
        raise AssertionError(f"{type(self).__name__} has no rows")

    def text_at(self, place: int) -> str:
        """What `/` searches in a row."""
        raise AssertionError(f"{type(self).__name__} has no rows")

    def keep_in_sight(self, room: int) -> None:
        """Scroll so that the cursor is within `room` rows."""
        self.room = max(1, room)
        self.at = max(0, min(self.at, self.count - 1))
        self.top = max(0, min(self.top, self.count - self.room))
        if self.at < self.top:
            self.top = self.at
        elif self.at >= self.top + self.room:
            self.top = self.at - self.room + 1

    def do_move_down(self) -> None:
        """One row down."""
        self.go_to(self.at + (not self.is_off))  # the rows below have moved up to where the cursor was

    def do_move_up(self) -> None:
        """One row up."""
        self.go_to(self.at - 1)

    def do_move_page_down(self) -> None:
        """One page down."""
        self.go_to(self.at + max(1, self.room - 1))

    def do_move_page_up(self) -> None:
        """One page up."""
        self.go_to(self.at - max(1, self.room - 1))

    def do_move_first(self) -> None:
        """The first row."""
        self.go_to(0)

    def do_move_last(self) -> None:
        """The last row."""
        self.go_to(self.count - 1)

    def do_move_left(self) -> None:
        """One cell to the left."""
        self._move_cell(-1)

    def do_move_right(self) -> None:
        """One cell to the right."""
        self._move_cell(1)

    def _move_cell(self, step: int) -> None:
        count = max(1, self.column_count)
        self.column = (self.column + step) % count if self.has_cell_cursor else min(self.first_column, count - 1)
        self.has_cell_cursor = True
        self.redraw()

    def do_row_open(self) -> None:
        """Enter on the row."""

    def do_list_find(self) -> None:
        """Ask for the first letters; the cursor moves as they are typed."""
        self.shell.windows.ask("find", "/", on_change=self._find)

    def _find(self, text: str) -> None:
        wanted = text.strip().upper()
        place = next((i for i in range(self.count) if self.text_at(i).upper().startswith(wanted)), -1)
        if wanted and place >= 0:
            self.go_to(place)

    def on_click(self, event: events.Click) -> None:
        """The mouse moves the cursor; a second click opens."""
        place = self.top + event.y - self.list_y
        if event.y >= self.list_y and place < min(self.count, self.top + self.room):
            is_again = place == self.at and event.chain > 1 and not self.is_off
            self.go_to(place)
            if is_again:
                self.do_row_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at + WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self.go_to(self.at - WHEEL_ROWS)
