"""The command line and palette (`:`): type a code, an instrument, an order or a setting, in any order."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.registry import Context
from stockpulse_engine.base.text import clean_text
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.render.span import Line, Span, fit, line_width, spread
from stockpulse_tui.line_edit import TOO_LONG, LineEdit
from stockpulse_tui.painter import cells
from stockpulse_tui.palette_model import Entry, PaletteFacts, chosen_line, ghost, offers
from stockpulse_tui.screens.slots import Box
from stockpulse_tui.settings import NAMES
from stockpulse_tui.widgets.board_row import BoardRow
from stockpulse_tui.widgets.overlay import Overlay, edit_spans

WIDE, TALL, TOP = 88, 25, 3
NAME_WIDTH, INSET, KEY_FROM_RIGHT = 13, 3, 30


class Palette(Overlay):
    """88 wide at row 3: input, groups of entries, the form of the marked one."""

    context = Context.PALETTE
    is_entry = True
    background = "panel"

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.edit = LineEdit(text)
        self.entries: list[Entry] = []
        self.at = 0
        self.is_marked = False
        self._recent_at = -1

    def on_mount(self) -> None:
        """First offers."""
        self._offer()

    def region_for(self, width: int, height: int) -> Box:
        """Centred, always the same height, so that nothing jumps while typing."""
        own = min(WIDE, width - 4)
        return Box((width - own) // 2, TOP, own, min(TALL, height - TOP - 3))

    def _facts(self) -> PaletteFacts:
        shell = self.shell
        ui = shell.settings.ui
        values = {
            name: ("on" if value is True else "off" if value is False else str(value))
            for name in NAMES
            if (value := getattr(ui, name)) is not None
        }
        return PaletteFacts(
            instruments=shell.store.by_symbol,
            focused=symbol_of(shell.instrument_id) if shell.instrument_id else "",
            recent=shell.settings.state.recent,
            settings=values,
            keymap=shell.keymap,
            context=Context.GLOBAL,
            can=lambda action_id: shell.dispatch.can(action_id, is_typed=True),
        )

    def _offer(self) -> None:
        self.entries = offers(self.edit.text, self._facts())
        self.at = 0
        self.is_marked = False
        self.redraw()

    @property
    def marked(self) -> Entry | None:
        """The entry Enter would take."""
        return self.entries[self.at] if self.at < len(self.entries) else None

    # -- drawing

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """Input on `overlay`, groups on `panel`, the form of the marked entry on `overlay`."""
        pad = 1 if height >= 20 else 0
        blank = fit((), width, bg="overlay")
        rows: list[Line] = [*([blank] * pad), self._input(width), *([blank] * pad), *([()] * pad)]
        rows += self._groups(width, height - len(rows) - 1)
        rows = [fit(row, width) for row in rows[: height - 1]]
        rows += [fit((), width)] * (height - 1 - len(rows))
        return [*rows, self._form(width)]

    def _input(self, width: int) -> Line:
        bg = "overlay"
        left = (
            Span(" " * INSET, "text", bg),
            Span(": ", "accent", bg, bold=True),
            *edit_spans(self.edit, bg, ghost(self.edit.text, self.entries)),
        )
        right = (Span("Tab completes   Enter goes", "muted", bg), Span(" " * INSET, "text", bg))
        return spread(left, right, width, bg=bg)

    def _groups(self, width: int, room: int) -> list[Line]:
        rows: list[Line] = []
        group = ""
        marked_row = 0
        for place, entry in enumerate(self.entries):
            if entry.group != group:
                rows += [()] if group else []
                rows.append((Span(" " * INSET), Span(entry.group, "muted")))
                group = entry.group
            if place == self.at:
                marked_row = len(rows)
            rows.append(self._entry(entry, place == self.at, width))
        top = max(0, min(marked_row - room + 2, len(rows) - room)) if marked_row >= room - 1 else 0
        return rows[top:]

    def _entry(self, entry: Entry, is_here: bool, width: int) -> Line:
        bg = "select" if is_here else "panel"
        mark = Span("▌", "accent", bg) if is_here else Span(" ", "text", bg)
        name = cells(entry.name)
        letters = [Span(c, "accent" if i in entry.places else "strong", bg, bold=True) for i, c in enumerate(name)]
        gap = max(1, NAME_WIDTH - len(name))
        left = [mark, Span(" " * (INSET - 1), "text", bg), *letters, Span(" " * gap, "text", bg)]
        used = sum(len(span.text) for span in left)
        key_at = width - KEY_FROM_RIGHT
        room = (key_at - 2 if entry.key else width - INSET) - used
        words = cells(clean_text(entry.words, 80))
        left.append(Span(words if len(words) <= room else words[: max(0, room - 1)] + "…", "text", bg))
        used += min(len(words), room)
        if entry.key:
            key = f"{entry.key:<4}"
            left += [Span(" " * (key_at - used), "text", bg), Span(key, "accent", bg, bold=True)]
            used = key_at + len(key)
        tail = self._tail(entry, bg)
        if used + 2 + line_width(tail) + INSET > width:
            tail = ()  # what does not fit is dropped whole; HELP tells it
        return spread(left, (*tail, Span(" " * INSET, "text", bg)), width, bg=bg)

    def _tail(self, entry: Entry, bg: str) -> Line:
        if not entry.instrument_id:
            return (Span(entry.cli, "muted", bg, italic=entry.group == "codes"),)
        row = BoardRow(entry.name, self.store.instruments.get(entry.instrument_id))
        row.update(self.store)
        token = "up" if row.is_up else "down"
        change = "" if row.change is None else row.change_text
        return (Span(row.last_text, token, bg), Span(f"{change:>9}", token, bg))

    def _form(self, width: int) -> Line:
        bg, entry = "overlay", self.marked
        code, _, rest = (entry.syntax if entry else "").partition(" ")
        left = (Span(" " * INSET, "text", bg), Span(code, "strong", bg, bold=True), Span(f" {rest}", "text", bg))
        help_words = f"HELP {entry.name}" if entry is not None and entry.group == "codes" else ""
        return spread(left, (Span(help_words, "faint", bg), Span(" " * INSET, "text", bg)), width, bg=bg)

    # -- keys

    def take_key(self, key: str) -> bool:
        """Typing; the palette's own keys go through the registry."""
        if key == "Right" and self.edit.cursor == len(self.edit.text):
            return False
        if key in ("Up", "Down") or not self.edit.take(key):
            return False
        self._recent_at = -1
        self._offer()
        return True

    def take_paste(self, text: str) -> None:
        """Pasted text, cleaned to one line."""
        if not self.edit.insert(text):
            self.shell.notify_line(TOO_LONG, "warn")
        self._offer()

    def do_palette_go(self) -> None:
        """Do it. What was only guessed from a line that means nothing is put there first, to be seen and gone for."""
        shell, entry = self.shell, self.marked
        line = chosen_line(self.edit.text, entry, is_marked=self.is_marked, symbols=shell.store.by_symbol)
        is_guess = entry is not None and entry.group == "nearest" and not self.is_marked
        if line.endswith("= ") or is_guess:
            self.edit.set(line)
            self._offer()
            return
        shell.windows.close(self)
        shell.dispatch.run_line(line)

    def do_palette_complete(self) -> None:
        """Take over the ghost, or the marked entry."""
        rest = ghost(self.edit.text, self.entries)
        entry = self.marked
        if rest:
            self.edit.set(self.edit.text + rest)
        elif entry is not None:
            self.edit.set(entry.line)
        self._offer()

    def do_palette_down(self) -> None:
        """The next entry."""
        self._mark(1)

    def do_palette_up(self) -> None:
        """The entry before; on an untouched line, the last line typed."""
        recent = self.shell.settings.state.recent
        if not self.is_marked and self._recent_at + 1 < len(recent) and (not self.edit.text or self._recent_at >= 0):
            self._recent_at += 1
            self.edit.set(recent[self._recent_at])
            self.entries = offers(self.edit.text, self._facts())
            self.redraw()
            return
        self._mark(-1)

    def _mark(self, step: int) -> None:
        if self.entries:
            self.at = (
                (self.at + step) % len(self.entries) if self.is_marked or step < 0 else min(1, len(self.entries) - 1)
            )
            self.is_marked = True
            self.redraw()

    def do_palette_close(self) -> None:
        """Away with it."""
        self.shell.windows.close(self)

    def on_store(self) -> None:
        """Prices on offer move too."""
        self.redraw()
