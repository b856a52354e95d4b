"""Parts of the ticket as lines: order line, sentence, quote, form, ruler, preview. Pure drawing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from stockpulse_engine.actions.orderline import TOKEN_COLORS, ParsedOrder
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Side
from stockpulse_engine.domain.views import PreviewRow
from stockpulse_engine.render.bar import before_after_bar
from stockpulse_engine.render.bracket import bracket_ruler
from stockpulse_engine.render.format import format_clock, format_money, format_price, format_quantity, format_size
from stockpulse_engine.render.glyphs import Glyphs
from stockpulse_engine.render.span import Line, Span, fit, line_width, spread
from stockpulse_tui.painter import cells
from stockpulse_tui.ticket import Ticket, Zone
from stockpulse_tui.ticket_form import FIELDS
from stockpulse_tui.widgets.order_state import outside

FIELD_WIDTHS = (8, 11, 9, 10, 8, 11, 9, 9)
FIELD_GAPS = (1, 2, 1, 1, 1, 1, 1, 0)
VERDICTS = {"ok": ("ok", "up"), "read": ("! read", "warn"), "denied": ("denied", "danger")}
WEIGHT_BAR = 32
PROMPT_WIDTH = 3
MARGIN = 4
"""Cells of the well that hold no letter: the prompt, and one at the end."""


class TicketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a ticket is drawn from, besides the ticket itself."""

    kind: str = "PAPER"
    account_id: str = ""
    currency: str = ""
    armed_left_ns: int = 0
    """Time until this head is safe again; 0 while safe."""
    frame: tuple[str, str] | None = None
    """Foreground and background of the badge while a key sends."""
    zone: str = "UTC"
    wall_ns: int = 0
    quote: Quote | None = None
    instrument: Instrument | None = None
    glyphs: Glyphs
    is_active: bool = True
    is_asking: bool = False
    keys: dict[str, str] = {}
    """Action id → key, as it is bound now."""


def input_line(ticket: Ticket, facts: TicketFacts, width: int, inset: int, hint: str) -> Line:
    """The order line in its well, each word in the colour of its kind, what would complete it in `faint`."""
    room = width - 2 * inset
    prompt = (Span(f" {facts.glyphs.prompt} ", "accent", "ground", bold=True),)
    is_typing = facts.is_active and ticket.zone is Zone.LINE and ticket.intent.is_open
    body = _joined(_typed_cells(ticket, room - MARGIN, is_typing=is_typing))
    tail = (Span(f"{hint} ", "faint", "ground"),) if hint else ()
    inner = fit(spread((*prompt, *body), tail, room, bg="ground"), room, bg="ground")
    return (Span(" " * inset), *inner, Span(" " * inset))


class _Cell(NamedTuple):
    """One cell of the order line."""

    text: str
    fg: str
    bg: str
    place: int
    """The character it belongs to; a wide one has two cells."""


def _typed_cells(ticket: Ticket, room: int, *, is_typing: bool) -> list[_Cell]:
    """The cells of the line that fit, those around the cursor."""
    edit = ticket.edit
    tokens = ["text"] * len(edit.text)
    for word in ticket.reading.tokens:
        for place in range(word.start, min(word.end, len(tokens))):
            tokens[place] = TOKEN_COLORS.get(word.kind, "text")
    shows_ghost = edit.cursor == len(edit.text) if is_typing else not edit.text
    ghost = ticket.reading.ghost if shows_ghost else ""
    letters = [*zip(edit.text, tokens, strict=True), *((letter, "faint") for letter in ghost)]
    letters += [(" ", "text")] if is_typing else []
    made: list[_Cell] = []
    at = 0
    for place, (letter, token) in enumerate(letters):
        is_here = is_typing and place == edit.cursor
        at = len(made) if place == edit.cursor else at
        fg, bg = ("ink", "accent") if is_here else (token, "ground")
        made += [_Cell(cell, fg, bg, place) for cell in cells(letter) or (" " if is_here else "")]
    start = max(0, min(at + 8, len(made)) - room)
    return made[start : start + room]


def place_in_line(ticket: Ticket, x: int, width: int, inset: int) -> int:
    """The character of the order line at a column of the well."""
    shown = _typed_cells(ticket, width - 2 * inset - MARGIN, is_typing=ticket.zone is Zone.LINE)
    at = x - inset - PROMPT_WIDTH
    place = shown[at].place if 0 <= at < len(shown) else len(ticket.edit.text)
    return min(place, len(ticket.edit.text)) if at >= 0 else 0


def field_at(x: int) -> int | None:
    """The field of the form at a column, None between two."""
    left = 0
    for place, (width, gap) in enumerate(zip(FIELD_WIDTHS, FIELD_GAPS, strict=True)):
        if left <= x < left + width:
            return place
        left += width + gap
    return None


def _joined(letters: Sequence[_Cell]) -> Line:
    spans: list[Span] = []
    for letter, fg, bg, _ in letters:
        if spans and (spans[-1].fg, spans[-1].bg) == (fg, bg):
            spans[-1] = Span(spans[-1].text + letter, fg, bg, spans[-1].bold)
        else:
            spans.append(Span(letter, fg, bg, bold=fg not in ("faint", "muted")))
    return tuple(spans)


def sentence_line(ticket: Ticket, facts: TicketFacts, width: int) -> Line:
    """The order in words with its amount; or what is still missing, or wrong, and what to write."""
    order = ticket.order
    if order is None:
        return _missing(ticket, width)
    is_buy = order.terms.side is Side.BUY
    chip = Span(" BUY " if is_buy else " SELL ", "ink", "buy" if is_buy else "sell", bold=True)
    amount = f"{format_money(order.notional)} {facts.currency}".strip() if order.notional is not None else ""
    words = order.sentence.split(" ", 1)[1].split(";", 1)[0]
    if len(words) + len(amount) + 12 > width:
        words, amount = words.replace(" order", ""), amount.split(" ", 1)[0]
    left = (chip, Span("  "), *_bold_numbers(words, order))
    return spread(left, (Span(amount, "strong", bold=True),), width)


def _bold_numbers(words: str, order: ParsedOrder) -> Line:
    quantity = format_quantity(order.terms.quantity)
    price = order.terms.limit_price or order.terms.stop_price
    head, rest = Span(quantity, "strong", bold=True), words.removeprefix(quantity)
    text = format_price(price, order.instrument.tick_size) if price is not None else ""
    before, found, after = rest.partition(text) if text else (rest, "", "")
    if not found:
        return (head, Span(rest))
    return (head, Span(before), Span(found, "strong", bold=True), Span(after))


def _missing(ticket: Ticket, width: int) -> Line:
    errors = ticket.reading.errors
    if not ticket.edit.text.strip() or not errors:
        words = "Write an order, or take the example: " if width > 60 else "An order, or the example: "
        return fit((Span(words, "muted"), Span("Right", "accent", bold=True)), width)
    error = errors[0]
    is_wrong = not error.is_incomplete
    mark = Span("! " if is_wrong else "… ", "danger" if is_wrong else "accent", bold=True)
    message = outside(error.message)
    room = width - len(mark.text) - len(message) - 2
    return fit((mark, Span(message, "strong"), Span(f"  {cut(outside(error.fix), room)}", "muted")), width)


def cut(text: str, room: int) -> str:
    """The text, or its beginning and that there is more."""
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"[:room]


def quote_line(facts: TicketFacts, width: int, indent: int) -> Line:
    """The market as this head last heard of it, with its time."""
    quote, instrument = facts.quote, facts.instrument
    if quote is None or instrument is None:
        return (Span(" " * indent), Span("no quote yet" if instrument is not None else "", "muted"))
    tick = instrument.tick_size
    left = [
        Span(" " * indent),
        Span("bid ", "muted"), Span(format_price(quote.bid, tick), "buy"),
        Span(f" {facts.glyphs.times} {format_size(quote.bid_size)}   ", "muted"),
        Span("ask ", "muted"), Span(format_price(quote.ask, tick), "sell"),
        Span(f" {facts.glyphs.times} {format_size(quote.ask_size)}   ", "muted"),
    ]  # fmt: skip
    spread_part = [Span("spread ", "muted"), Span(format_price(quote.ask - quote.bid, tick), "text")]
    right = [Span(f"as of {format_clock(quote.ts_event, facts.zone, digits=3)}", "muted")]
    if line_width((*left, *spread_part, *right)) + 3 <= width:
        left += spread_part
    return spread(left, right, width)


def form_lines(ticket: Ticket, facts: TicketFacts) -> list[Line]:
    """Labels, then values on `raised`; the field under the keyboard on `select`."""
    labels: list[Span] = []
    values: list[Span] = []
    order = ticket.order
    for place, (name, text) in enumerate(zip(FIELDS, ticket.shown_fields(), strict=True)):
        is_here = facts.is_active and ticket.zone is Zone.FORM and ticket.field == place and ticket.intent.is_open
        width, gap = FIELD_WIDTHS[place], " " * FIELD_GAPS[place]
        labels.append(Span(f"{name:<{width}}{gap}", "accent" if is_here else "muted"))
        bg = "select" if is_here else "raised"
        token = "strong" if text else "faint"
        if place == 0:
            token = "sell" if (order is not None and order.terms.side is Side.SELL) or text == "SELL" else "buy"
        mark = Span(facts.glyphs.focus if is_here else " ", "accent", bg)
        shown = (text or facts.glyphs.nothing)[-(width - 1) :]
        values += [mark, Span(f"{shown:<{width - 1}}", token, bg, bold=bool(text)), Span(gap)]
    return [tuple(labels), tuple(values)]


def ruler_lines(order: ParsedOrder, width: int, glyphs: Glyphs) -> list[Line]:
    """Risk and reward in true proportion; nothing without a take or a stop."""
    entry = order.reference_price
    if entry is None or (order.take_price is None and order.stop_price is None):
        return []
    prices = (order.stop_price, entry, order.take_price)
    amounts = (order.risk_amount, order.reward_amount)
    return list(bracket_ruler(prices, amounts, order.instrument.tick_size, width, glyphs=glyphs))


def preview_line(
    row: PreviewRow, facts: TicketFacts, size: tuple[int, int], *, is_marked: bool, is_buy: bool, is_stale: bool
) -> Line:
    """One row of the preview; `size` is its width and that of its name. What an older line was told is `faint`."""
    width, name_width = size
    bg = "select" if is_marked else "panel"
    word, token = VERDICTS.get(row.verdict, ("", "muted"))
    first, *rest = [outside(part) for part in row.text[:400].split("   ")]
    value = {"read": "warn", "denied": "danger"}.get(row.verdict, "strong")
    left = [Span(f"{outside(row.name, 12):<{name_width}}", "muted", bg), Span(first, value, bg, bold=True)]
    bar = _weight_bar(row, facts, width - name_width, bg, is_buy=is_buy)
    left += [Span("   ", "text", bg), *bar] if bar else []
    room = width - len(word) - 2
    for part in rest:
        if line_width(tuple(left)) + len(part) + 3 <= room:
            left.append(Span(f"   {part}", "text" if not bar else "muted", bg))
    if line_width(tuple(left)) > room:
        left = [*fit(tuple(left), room - 1, bg=bg), Span("…", "muted", bg)]
    line = spread(left, (Span(word, token, bg, bold=token != "up"),), width, bg=bg)
    return tuple(Span(span.text, "faint", span.bg) for span in line) if is_stale else line


def _weight_bar(row: PreviewRow, facts: TicketFacts, room: int, bg: str, *, is_buy: bool) -> Line:
    """Before and after against the limit, scaled so that the limit stands at five sixths."""
    numbers = row.numbers
    if row.name != "weight" or not {"before", "after", "limit"} <= numbers.keys():
        return ()
    before, after, limit = (float(Decimal(numbers[name])) for name in ("before", "after", "limit"))
    length = min(WEIGHT_BAR, room - 42)
    if length < 8 or limit <= 0:
        return ()
    scale = limit * 1.2
    shares = (before / scale, after / scale, limit / scale)
    return before_after_bar(shares, length, is_buy=is_buy, bg=bg, glyphs=facts.glyphs)
