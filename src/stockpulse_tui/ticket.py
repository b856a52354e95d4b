"""The order ticket as a value that keys change: line, form, marked row, preview, intent. Pure: no engine, no screen."""

from __future__ import annotations

from enum import Enum

from stockpulse_engine.actions.orderline import (
    LineReading,
    OrderContext,
    ParsedOrder,
    format_order_line,
    read_order_line,
    terms_line,
)
from stockpulse_engine.base.ids import IdFactory, new_id
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.domain.views import Preview, PreviewRow
from stockpulse_engine.render.format import format_quantity
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.line_edit import TOO_LONG, LineEdit
from stockpulse_tui.ticket_form import CHOICES, FIELDS, Form, read_form, shown, write_line

SOURCE = "tui"
ROW_KEYS = frozenset("wAdcn?")
"""Letters that act while no field is being typed in."""


class Zone(Enum):
    """Where the keyboard is: in the order line, in a field of the form, or on a row of the preview."""

    LINE = "line"
    FORM = "form"
    ROWS = "rows"


class Ticket:
    """One ticket, from an empty line to a dismissed order."""

    def __init__(self, text: str = "", *, ids: IdFactory = new_id, has_form: bool = True) -> None:
        self.edit = LineEdit(text)
        self.has_form = has_form
        """Without room for the form the line edits everything."""
        self.zone = Zone.LINE
        self.field = 0
        self.row = 0
        self.reading = LineReading(order=None, errors=(), tokens=())
        self.form = Form()
        self.preview: Preview | None = None
        self.preview_problem = ""
        self.preview_of = ""
        """The line the preview speaks about; prices it refers to may have moved since."""
        self._ids = ids
        self._preview_id = ids()
        self.intent = Intent(ids)
        self.refusal = ""
        """Why the last Enter sent nothing, in words; it stands until something is typed."""
        self._typed: str | None = None
        """What was typed into the field so far; None while its value stands untouched."""

    @property
    def order(self) -> ParsedOrder | None:
        """The order the line says, None while it is not whole."""
        return self.reading.order

    @property
    def rows(self) -> tuple[PreviewRow, ...]:
        """Rows of the preview that speaks of the order as it is now."""
        return self.preview.rows if self.preview else ()

    @property
    def is_fresh(self) -> bool:
        """Whether the preview speaks of the line on screen."""
        return self.preview is not None and self.preview_of == self.edit.text

    @property
    def is_denied(self) -> bool:
        """Whether the gate would refuse it."""
        return self.preview is not None and not self.preview.is_allowed and self.is_fresh

    @property
    def is_typing(self) -> bool:
        """Whether letters are text now."""
        return self.intent.is_open and self.zone is not Zone.ROWS

    @property
    def instrument_id(self) -> str:
        """What the order is about, "" while the line is not whole."""
        return self.order.instrument.instrument_id if self.order else ""

    def read(self, context: OrderContext) -> None:
        """Read the line again: it, or the prices it refers to, changed."""
        before = self.instrument_id
        self.reading = read_order_line(self.edit.text, context)
        self.form = read_form(self.edit.text, context)
        if before and self.instrument_id != before:
            self.preview, self.preview_of = None, ""

    def why_not(self) -> str:
        """Why Enter can send nothing now, in words; "" when it can."""
        if not self.edit.text.strip():
            return "The line is empty."
        if self.order is None:
            return str(self.reading.errors[0]) if self.reading.errors else "The line is no whole order yet."
        if not self.order.terms.account_id:
            return "No account is known yet. The engine tells it when it is ready."
        if self.preview is not None and self.is_denied:
            return f"{self.preview.denial}: {self.preview.denial_text}"
        return ""

    def fill_symbol(self, symbol: str, context: OrderContext) -> None:
        """Put the symbol behind the side, where a ticket that opened before any was known left its place free."""
        side, blank, rest = self.edit.text.partition(" ")
        if blank and self.intent.is_open and not rest[:1].isalpha():
            self.edit.put(len(side) + 1, f"{symbol} ")
        self.read(context)

    def set_line(self, text: str, context: OrderContext) -> None:
        """Start over with another line."""
        self.edit.set(text)
        self.zone, self._typed, self.refusal = Zone.LINE, None, ""
        self.intent = Intent(self._ids)
        self.preview, self.preview_of, self.preview_problem = None, "", ""
        self.read(context)

    def body(self, *, is_staged: bool) -> SubmitOrder | None:
        """The request to make, without an id; None while the line is not whole."""
        return self.order.command("", is_staged=is_staged, source=SOURCE) if self.order else None

    def body_to_preview(self) -> SubmitOrder | None:
        """The request to ask about."""
        return self.order.command(self._preview_id, source=SOURCE) if self.order else None

    def take_preview(self, line: str, preview: Preview | None, problem: str = "") -> None:
        """What the engine answered about the order of `line`; answers about another line are dropped."""
        if line != self.edit.text:
            return
        self.preview_problem = problem
        if preview is not None:
            self.preview, self.preview_of = preview, line
            self.row = min(self.row, max(0, len(preview.rows) - 1))

    def shown_fields(self) -> tuple[str, ...]:
        """The form's eight values; the field being typed in shows what is typed."""
        values = shown(self.form, self.order)
        if self.zone is Zone.FORM and self._typed is not None:
            return (*values[: self.field], self._typed, *values[self.field + 1 :])
        return values

    # -- keys

    def press(self, key: str, context: OrderContext) -> bool:
        """One key; True when it was used. What is not used is looked up in the table of keys."""
        if not self.intent.is_open:
            return len(key) == 1 and key.isprintable() and key not in ROW_KEYS and key != "!"
        if self.zone is Zone.LINE:
            return self._press_line(key, context)
        if self.zone is Zone.FORM:
            return self._press_field(key, context)
        return self._press_row(key)

    def _press_line(self, key: str, context: OrderContext) -> bool:
        ghost = self.reading.ghost
        at_end = self.edit.cursor == len(self.edit.text)
        if ghost and at_end and (key == "Right" or (key == "Tab" and self.edit.text)):
            self.edit.insert(ghost)
        elif key in ("Down", "Tab") and self.edit.text:
            return self._go_down(key)
        elif not self.edit.take(key):
            return False
        self._reread(context)
        return True

    def _go_down(self, key: str) -> bool:
        if self.has_form:
            self.zone, self.field = Zone.FORM, 0
        elif self.rows and key == "Down":
            self.zone = Zone.ROWS
        else:
            return False
        return True

    def _press_field(self, key: str, context: OrderContext) -> bool:
        if key in ("Up", "Down"):
            self.zone = Zone.LINE if key == "Up" else Zone.ROWS if self.rows else Zone.FORM
            self._typed = None
            return True
        if key in ("Tab", "Shift+Tab"):
            self.field = (self.field + (1 if key == "Tab" else -1)) % len(FIELDS)
            self._typed = None
            return True
        return self._edit_field(key, context)

    def _edit_field(self, key: str, context: OrderContext) -> bool:
        name = FIELDS[self.field]
        if name in CHOICES:
            text = _choice(name, self.form.get(name), key)
            if text is None:
                return key in ("Left", "Right", "Space") or (len(key) == 1 and key != "!")
        else:
            edit = LineEdit("" if self._typed is None and _is_text(key) else _plain(self.shown_fields()[self.field]))
            if not edit.take(key):
                return False
            self._typed = text = edit.text
        self.form = self.form.put(name, _from_screen(text))
        self.edit.set(write_line(self.form))
        self._reread(context, keeps_form=self._typed is not None)
        return True

    def _press_row(self, key: str) -> bool:
        step = {"j": 1, "Down": 1, "k": -1, "Up": -1}.get(key)
        if step is None:
            return len(key) == 1 and key not in ROW_KEYS and key != "!"
        if self.row + step < 0 or not self.rows:
            self.zone = Zone.FORM if self.has_form else Zone.LINE
        self.row = min(max(0, self.row + step), max(0, len(self.rows) - 1))
        return True

    def _reread(self, context: OrderContext, *, keeps_form: bool = False) -> None:
        form = self.form
        self.refusal = ""
        self.read(context)
        if keeps_form:
            self.form = form
        if self.intent.phase is Phase.REFUSED:
            self.intent = Intent(self._ids)

    def paste(self, text: str, context: OrderContext) -> str:
        """Pasted text goes into the line; why it did not, in words, else ""."""
        if not self.intent.is_open:
            return "this order is on its way: what was pasted went nowhere"
        if not self.edit.insert(text):
            return TOO_LONG
        self.zone = Zone.LINE
        self._reread(context)
        return ""

    def point_at(self, zone: Zone, place: int) -> None:
        """The mouse: a character of the line, a field, or a row of the preview."""
        if not self.intent.is_open:
            return
        self.zone, self._typed = zone, None
        if zone is Zone.LINE:
            self.edit.cursor = min(place, len(self.edit.text))
        elif zone is Zone.FORM:
            self.field = place
        else:
            self.row = place

    def take_nearest(self, context: OrderContext) -> bool:
        """Take the largest quantity that would pass; False when there is none."""
        nearest = self.preview.nearest_quantity if self.preview else None
        if not self.is_denied or not nearest or nearest <= 0 or not self.intent.is_open:
            return False
        self.form = read_form(self.edit.text, context).put("quantity", _plain(format_quantity(nearest)))
        self.edit.set(write_line(self.form))
        self._reread(context)
        return True

    def duplicate(self, context: OrderContext) -> bool:
        """A new intent with the same terms; False while there is nothing to repeat."""
        line = format_order_line(self.order) if self.order else ""
        if not line:
            return False
        self.set_line(line, context)
        return True

    @property
    def cli_twin(self) -> str:
        """The shell line that makes the same order."""
        return f"sp {self.edit.text.strip()}" if self.edit.text.strip() else ""


def line_of(terms: OrderTerms, instrument: Instrument) -> str:
    """The line of an order that exists, to open a ticket with the same terms."""
    return terms_line(terms, instrument)


def _choice(name: str, current: str, key: str) -> str | None:
    """The next choice by arrow or space, or the one a letter begins; None when the key chooses nothing."""
    choices = CHOICES[name]
    at = choices.index(current) if current in choices else 0
    if key in ("Right", "Space"):
        return choices[(at + 1) % len(choices)]
    if key == "Left":
        return choices[(at - 1) % len(choices)]
    if len(key) != 1:
        return None
    later = [*choices[at + 1 :], *choices[: at + 1]]
    return next((choice for choice in later if choice.startswith(key.lower())), None)


def _is_text(key: str) -> bool:
    return len(key) == 1 and key.isprintable()


def _from_screen(text: str) -> str:
    """What a field shows as it would be typed."""
    return text.replace("−", "-").replace(",", "")


def _plain(text: str) -> str:
    return text.replace(",", "")
