"""What became of an order, in two lines: its state with the numbers, then where the milliseconds went.

Shared by the ticket and the chart's trade line, so that an order reads the same wherever it was sent from.
"""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.instruments import symbol_of
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms, Side
from stockpulse_engine.render.format import format_age, format_latency, format_price, format_quantity
from stockpulse_engine.render.span import Line, Span, line_width, spread, wrap_line
from stockpulse_tui.intent import Intent, Phase
from stockpulse_tui.painter import cells

STATES: dict[OrderStatus, tuple[str, str]] = {
    OrderStatus.INITIALIZED: ("STAGED", "accent"),
    OrderStatus.DENIED: ("DENIED", "danger"),
    OrderStatus.SUBMITTED: ("SENDING", "accent"),
    OrderStatus.ACCEPTED: ("WORKING", "accent"),
    OrderStatus.REJECTED: ("REJECTED", "danger"),
    OrderStatus.TRIGGERED: ("TRIGGERED", "accent"),
    OrderStatus.PENDING_UPDATE: ("CHANGING", "warn"),
    OrderStatus.PENDING_CANCEL: ("CANCELING", "warn"),
    OrderStatus.PARTIALLY_FILLED: ("PARTIAL", "accent"),
    OrderStatus.FILLED: ("FILLED", "strong"),
    OrderStatus.CANCELED: ("CANCELED", "muted"),
    OrderStatus.EXPIRED: ("EXPIRED", "muted"),
    OrderStatus.DONE_FOR_DAY: ("DONE FOR DAY", "muted"),
    OrderStatus.SUSPENDED: ("SUSPENDED", "warn"),
}
"""Status → the word people see and its colour."""


def outside(text: str, limit: int = 200) -> str:
    """Text that came from the engine or beyond, safe to draw."""
    return cells(clean_line(text, limit))


def short_order(order: Order) -> str:
    """`buy 45 AAPL`."""
    return asked_words(order.terms)


def asked_words(terms: OrderTerms) -> str:
    """`buy 45 AAPL`."""
    return f"{terms.side.value.lower()} {format_quantity(terms.quantity)} {symbol_of(terms.instrument_id)}"


def fate_words(intent: Intent) -> str:
    """What became of an intent that is out of sight, in one sentence."""
    if intent.command is None:
        return ""
    short = asked_words(intent.command.terms)
    if intent.phase is Phase.ASKING:
        return f"{short}: the engine is asked; its answer is told here, and Orders shows it"
    if intent.phase is Phase.DOUBT:
        return f"{short}: no answer came; look under Orders before you write it again"
    if intent.phase is Phase.REFUSED:
        return f"{short} was not sent: {intent.problem}"
    word = STATES[intent.order.status][0].lower() if intent.order is not None else intent.phase.value
    return f"{short}: {word}"


def state_chip(order: Order) -> Span:
    """The status as a filled word."""
    if order.is_unknown:
        return Span(" ! UNKNOWN ", "warn", "warn_bg", bold=True)
    word, token = STATES[order.status]
    return Span(f" {word} ", "ink", token, bold=True)


def fill_words(order: Order, tick: Decimal) -> str:
    """`45 of 45 at 232.11`, "" before the first fill."""
    if not order.filled_quantity or order.average_price is None:
        return ""
    done, wanted = format_quantity(order.filled_quantity), format_quantity(order.terms.quantity)
    return f"{done} of {wanted} at {format_price(order.average_price, tick)}"


def hop_spans(hops: dict[str, int], bg: str) -> Line:
    """`gate 84 µs  fsync 2.1 ms  ack 1.2 ms`."""
    spans: list[Span] = []
    for name, took in list(hops.items())[:8]:
        spans += [Span(f"{outside(name, 12)} ", "muted", bg), Span(f"{format_latency(took)}   ", "text", bg)]
    return tuple(spans)


def intent_lines(intent: Intent, bg: str, *, tick: Decimal, now_ns: int, armed: bool) -> list[Line]:
    """One or two lines that say where an intent stands; empty while it is a draft."""
    if intent.phase is Phase.ASKING:
        waited = format_age(max(0, now_ns - intent.asked_at))
        return [(Span("…  ", "accent", bg, bold=True), Span(f"asking the engine, {waited}", "text", bg))]
    if intent.phase is Phase.DOUBT:
        return [
            (
                Span(" ! NO ANSWER ", "warn", "warn_bg", bold=True),
                Span("  Enter asks again under the same id; nothing is made twice", "text", bg),
            ),
            (Span(outside(str(intent.problem or "")), "muted", bg),),
        ]
    if intent.phase is Phase.REFUSED and intent.problem is not None:
        return _refused(intent, bg)
    if intent.order is None or intent.phase is Phase.DRAFT:
        return []
    return _told(intent, intent.order, bg, tick=tick, armed=armed)


def with_keys(lines: list[Line], keys: Line, width: int, bg: str) -> list[Line]:
    """The lines broken between words, the keys at the right of the first row."""
    head = wrap_line(lines[0], width, first=width - line_width(keys) - 2)
    more = [row for line in lines[1:] for row in wrap_line(line, width)]
    return [spread(head[0], keys, width, bg=bg), *head[1:], *more]


def _refused(intent: Intent, bg: str) -> list[Line]:
    problem = intent.problem
    assert problem is not None
    code = getattr(problem, "denial", "") or (intent.order.code if intent.order else "")
    head = (Span(" DENIED ", "ink", "danger", bold=True), Span(f"  {outside(code, 40)}  ", "danger", bg, bold=True))
    return [(*head, Span(outside(problem.message), "strong", bg)), (Span(outside(problem.fix), "text", bg),)]


def _told(intent: Intent, order: Order, bg: str, *, tick: Decimal, armed: bool) -> list[Line]:
    side = "buy" if order.terms.side is Side.BUY else "sell"
    head = [state_chip(order), Span("  ", "text", bg), Span(short_order(order), side, bg, bold=True)]
    if order.status is OrderStatus.INITIALIZED:
        words = "Enter sends it" if armed else "under Working, sent by nobody"
        problem = (Span(outside(str(intent.problem)), "danger", bg),) if intent.problem else ()
        return [(*head, Span(f"   {words}", "text", bg)), *([problem] if problem else [])]
    filled = fill_words(order, tick)
    said = outside(" ".join(part for part in (order.reason, order.fix) if part)) if order.status.is_terminal else ""
    head += [Span(f"   {filled}", "strong", bg)] if filled else []
    head += [Span(f"   {said}", "danger" if order.status is OrderStatus.REJECTED else "muted", bg)] if said else []
    hops = hop_spans(intent.hops, bg)
    return [tuple(head), hops] if hops else [tuple(head)]
