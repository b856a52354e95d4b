"""The whole ticket as lines, in three looks: the window, the window of a small terminal, the pane of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.orders import Side
from stockpulse_engine.render.format import format_countdown, format_money, format_quantity
from stockpulse_engine.render.span import Line, Span, fit, spread, wrap_line
from stockpulse_tui.intent import Phase
from stockpulse_tui.ticket import Ticket, Zone
from stockpulse_tui.widgets.order_state import intent_lines, outside, with_keys
from stockpulse_tui.widgets.ticket_parts import (
    TicketFacts,
    cut,
    field_at,
    form_lines,
    input_line,
    place_in_line,
    preview_line,
    quote_line,
    ruler_lines,
    sentence_line,
)

CENT = Decimal("0.01")
MOST_DENIED = 3
"""Rows a refusal takes at most, besides the quantity that would pass."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the three."""

    inset: int
    well_inset: int
    name_width: int
    has_form: bool
    has_quote: bool
    has_heading: bool
    bar_rows: int
    bar_bg: str
    hint: str = ""


WINDOW = Look(
    inset=3, well_inset=2, name_width=10, has_form=True, has_quote=True, has_heading=True, bar_rows=3, bar_bg="overlay",
    hint="edit here or below",
)  # fmt: skip
SMALL = Look(
    inset=2, well_inset=1, name_width=9, has_form=False, has_quote=True, has_heading=False, bar_rows=2, bar_bg="overlay"
)
PANE = Look(
    inset=2, well_inset=1, name_width=8, has_form=False, has_quote=False, has_heading=False, bar_rows=1, bar_bg="raised"
)


def ticket_title(facts: TicketFacts, width: int, bg: str) -> Line:
    """Whose money, which account, whether a key sends."""
    fg, ground = facts.frame or ("strong", bg)
    quiet = fg if facts.frame else "muted"
    instrument = facts.instrument
    left = [Span("   ", fg, ground), Span("Order", fg, ground, bold=True)]
    if instrument is not None:
        left += [Span(f"  {outside(instrument.instrument_id, 24)}", fg if facts.frame else "text", ground)]
        left += [Span(f"   {outside(instrument.name, 40)}", quiet, ground)] if width >= 84 else []
    state = f"ARMED {format_countdown(facts.armed_left_ns)}" if facts.frame else "SAFE"
    account = outside(facts.account_id, 24) or "no account"
    words = f"{facts.kind} · {account} · {state}   "
    right = Span(words, fg if facts.frame else "text", ground, bold=bool(facts.frame))
    return spread(left, (right,), width, bg=ground)


def ticket_body(ticket: Ticket, facts: TicketFacts, width: int, height: int, look: Look) -> list[Line]:
    """Everything under the title row, exactly `height` lines."""
    bar = bar_lines(ticket, facts, width, look)
    room = height - len(bar)
    placed = _placed(ticket, facts, (width, room), look)
    lines = [fit(line, width) for _, section in placed for line in section][:room]
    return [*lines, *([fit((), width)] * (room - len(lines))), *bar]


def spot_at(
    ticket: Ticket, facts: TicketFacts, size: tuple[int, int], look: Look, at: tuple[int, int]
) -> tuple[Zone, int] | None:
    """What a cell of the body points at: a character of the line, a field or a row of the preview; else None."""
    (width, height), (x, y) = size, at
    room = height - len(bar_lines(ticket, facts, width, look))
    for zone, section in _placed(ticket, facts, (width, room), look) if y < room else ():
        if y >= len(section):
            y -= len(section)
            continue
        if zone is Zone.LINE:
            return zone, place_in_line(ticket, x, width, look.well_inset)
        place = field_at(x - look.inset) if zone is Zone.FORM else y - (len(section) - len(ticket.rows))
        return (zone, place) if zone is not None and place is not None and place >= 0 else None
    return None


def _placed(
    ticket: Ticket, facts: TicketFacts, size: tuple[int, int], look: Look
) -> list[tuple[Zone | None, list[Line]]]:
    """The sections from the top, blank rows between them while there is room; each with the zone it is."""
    width, room = size
    sections = [made for made in _sections(ticket, facts, (width, width - 2 * look.inset), look) if made[1]]
    gaps = 1 if look.has_heading else 0
    placed: list[tuple[Zone | None, list[Line]]] = [(None, [()] * gaps)]
    spare = room - gaps - sum(len(section) for _, section in sections)
    for place, made in enumerate(sections):
        is_tight = place == 0 or (place == 1 and not look.has_quote)
        if not is_tight and spare > 0:
            placed.append((None, [()]))
            spare -= 1
        placed.append(made)
    return placed


def _sections(
    ticket: Ticket, facts: TicketFacts, size: tuple[int, int], look: Look
) -> list[tuple[Zone | None, list[Line]]]:
    width, inner = size
    well = input_line(ticket, facts, width, look.well_inset, look.hint)
    words = [sentence_line(ticket, facts, inner)]
    if look.has_quote:
        words.append(quote_line(facts, inner, 7))
    order = ticket.order
    if order is not None and order.notes:
        words.append((Span(cut(outside("; ".join(order.notes)), inner), "faint"),))
    sections: list[tuple[Zone | None, list[Line]]] = [(Zone.LINE, [well]), (None, _inset(words, look))]
    if look.has_form:
        sections.append((Zone.FORM, _inset(form_lines(ticket, facts), look)))
    if order is not None:
        sections.append((None, _inset(ruler_lines(order, inner, facts.glyphs), look)))
    sections.append((Zone.ROWS if ticket.rows else None, _preview(ticket, facts, inner, look)))
    return sections


def _inset(lines: Sequence[Line], look: Look) -> list[Line]:
    pad = Span(" " * look.inset)
    return [(pad, *line) for line in lines]


def _preview(ticket: Ticket, facts: TicketFacts, inner: int, look: Look) -> list[Line]:
    """The engine's rows; a heading in the window; while nothing is known, what is being waited for."""
    lines: list[Line] = []
    if look.has_heading:
        hint = f"{facts.keys.get('ticket.explain', '')} explains the marked row"
        head = (Span("Before you press Enter", "strong", bold=True),)
        lines = [
            spread(head, (Span(hint if ticket.rows else "", "faint"),), inner),
            (Span(facts.glyphs.thin * inner, "line"),),
        ]
    if ticket.order is None:
        return _inset(lines, look) if look.has_heading else []
    if not ticket.rows:
        return _inset([*lines, _waiting(ticket)], look)
    is_buy = ticket.order.terms.side is Side.BUY
    for place, row in enumerate(ticket.rows):
        is_marked = ticket.zone is Zone.ROWS and place == ticket.row and facts.is_active
        line = preview_line(
            row, facts, (inner, look.name_width), is_marked=is_marked, is_buy=is_buy, is_stale=not ticket.is_fresh
        )
        lines.append(line)
    return _marked(_inset(lines, look), ticket, look, facts)


def _marked(lines: list[Line], ticket: Ticket, look: Look, facts: TicketFacts) -> list[Line]:
    """The mark before the marked row."""
    if ticket.zone is not Zone.ROWS or not facts.is_active:
        return lines
    at = len(lines) - len(ticket.rows) + ticket.row
    pad = (Span(" " * (look.inset - 1)), Span(facts.glyphs.focus, "accent", "select"))
    return [*lines[:at], (*pad, *lines[at][1:]), *lines[at + 1 :]]


def _waiting(ticket: Ticket) -> Line:
    if ticket.preview_problem:
        return (Span("! ", "danger", bold=True), Span(outside(ticket.preview_problem), "text"))
    return (Span("… ", "accent", bold=True), Span("asking the engine what would happen", "muted"))


# -- the bar


def bar_lines(ticket: Ticket, facts: TicketFacts, width: int, look: Look) -> list[Line]:
    """What Enter does now; the rule that forbids it; or what became of the order."""
    content, bg = _bar_content(ticket, facts, width - 2 * look.inset, look)
    rows = max(look.bar_rows, len(content))
    above = 1 if rows > len(content) and look.bar_rows == 3 else 0
    padded: list[Line] = [()] * above + content + [()] * (rows - above - len(content))
    pad = Span(" " * look.inset, "text", bg)
    return [fit((pad, *line), width, bg=bg) for line in padded]


def _bar_content(ticket: Ticket, facts: TicketFacts, inner: int, look: Look) -> tuple[list[Line], str]:
    bg = look.bar_bg
    tick = facts.instrument.tick_size if facts.instrument else CENT
    told = intent_lines(ticket.intent, bg, tick=tick, now_ns=facts.wall_ns, armed=facts.armed_left_ns > 0)
    if told and not ticket.refusal:
        keys = [("d", "again"), ("Esc", "close")] if ticket.intent.phase is not Phase.ASKING else []
        if ticket.intent.is_open:
            keys = keys[1:]
        return with_keys(told, _keys(keys, bg), inner, bg), bg
    if ticket.is_denied:
        return _denied(ticket, facts, inner, bg), bg
    if ticket.refusal:
        return with_keys([_refusal(ticket, bg)], _keys([("Esc", "drop")], bg), inner, bg), bg
    if ticket.order is None:
        words = (Span("Enter needs a whole order", "muted", bg),)
        return [spread(words, _keys([("Esc", "drop")], bg), inner, bg=bg)], bg
    return _send(ticket, facts, inner, look)


def _send(ticket: Ticket, facts: TicketFacts, inner: int, look: Look) -> tuple[list[Line], str]:
    order = ticket.order
    assert order is not None
    if facts.frame:
        fg, bg = facts.frame
        whose = "SEND real money" if facts.kind == "LIVE" else "SEND on paper"
        what = " ".join(order.sentence.split(" ")[:3])
        amount = f"{format_money(order.notional)} {facts.currency}" if order.notional is not None else ""
        ready: Line = (
            Span(" Enter ", bg, fg, bold=True),
            Span(f"  {whose}   ", fg, bg, bold=True),
            Span(f"{what[0].lower()}{what[1:]}   {amount}", fg, bg),
        )
        return [spread(ready, (Span("Esc discard", fg, bg),), inner, bg=bg)], bg
    bg = look.bar_bg
    is_wide = look.bar_rows > 1
    kind = facts.kind.lower()
    left: Line = (
        Span(" Enter ", "ink", "accent", bold=True),
        Span(f"  stage on {kind}" if is_wide else " stage", "strong", bg, bold=True),
        Span("   nothing is sent while SAFE" if is_wide else "", "muted", bg),
    )
    arm = facts.keys.get("trading.arm", "")
    keys = [*([(arm, "arm")] if arm else []), ("Esc", "discard" if is_wide else "drop")]
    return [spread(left, _keys(keys, bg), inner, bg=bg)], bg


def _denied(ticket: Ticket, facts: TicketFacts, inner: int, bg: str) -> list[Line]:
    """No send bar: the rule, the numbers, and the nearest quantity that would pass."""
    preview = ticket.preview
    assert preview is not None
    rule = Span(f"  {outside(preview.denial, 40)}  ", "danger", bg, bold=True)
    head = (Span(" NOT SENT " if ticket.refusal else " DENIED ", "ink", "danger", bold=True), rule)
    words = Span(outside(preview.denial_text, 400), "strong", bg)
    lines = wrap_line((*head, words), inner, most=MOST_DENIED)
    nearest = preview.nearest_quantity
    if nearest is not None and nearest > 0:
        key = facts.keys.get("ticket.nearest", "")
        takes = f" takes {format_quantity(nearest)}, the most that would pass"
        lines.append((Span(key, "accent", bg, bold=True), Span(takes, "text", bg)))
    elif nearest is not None:
        lines.append((Span("No quantity would pass now.", "text", bg),))
    return lines


def _refusal(ticket: Ticket, bg: str) -> Line:
    """What an Enter that could send nothing is told, until something is typed."""
    words = (Span(" NOT SENT ", "ink", "warn", bold=True), Span(f"  {outside(ticket.refusal, 400)}", "strong", bg))
    return (*words, Span("  Enter sends it as it stands now.", "accent", bg)) if ticket.order is not None else words


def _keys(keys: Sequence[tuple[str, str]], bg: str) -> Line:
    spans: list[Span] = []
    for key, word in keys:
        spans += [Span(key, "accent", bg, bold=True), Span(f" {word}   ", "muted", bg)]
    if spans:
        last = spans[-1]
        spans[-1] = Span(last.text.rstrip(), last.fg, last.bg)
    return tuple(spans)
