"""The order language: one line that says a whole order, read afresh at every key press.

    buy AAPL risk 0.1% lmt mid +2% -1%      sell AAPL all @ 231.40 gtc      AAPL buy $10k mkt

Words may stand in any order after the side and the symbol, which may themselves change places. `GRAMMAR`
holds the whole language as data: the reference page and `--help` are made from it. Rounding is always in
the direction that can not cost more than was written: a buyer's price goes down to the tick, a seller's up,
sizes down to the lot, exits towards the entry; and each rounding is named in `ParsedOrder.notes`.
"""

from __future__ import annotations

from stockpulse_engine.actions.orderline_ghost import suggest
from stockpulse_engine.actions.orderline_lexer import split_words
from stockpulse_engine.actions.orderline_reader import read_draft
from stockpulse_engine.actions.orderline_terms import resolve_draft
from stockpulse_engine.actions.orderline_types import (
    MAX_LINE,
    TOKEN_COLORS,
    Completion,
    LineError,
    LineReading,
    LineToken,
    OrderContext,
    ParsedOrder,
)
from stockpulse_engine.actions.orderline_words import format_order_line, terms_line

__all__ = [
    "GRAMMAR",
    "TOKEN_COLORS",
    "Completion",
    "LineError",
    "LineReading",
    "LineToken",
    "OrderContext",
    "ParsedOrder",
    "format_order_line",
    "parse_order_line",
    "read_order_line",
    "terms_line",
]

GRAMMAR: tuple[tuple[str, str, str], ...] = (
    ("side", "buy b | sell s short", "the direction; short is a sale of what is not held"),
    ("symbol", "AAPL | AAPL.XNAS", "before or after the side; left out, the focused instrument"),
    ("quantity", "100 | 1,000 | 2k", "units"),
    ("quantity", "$10k | $10_000", "as many units as the money buys at the order's price"),
    ("quantity", "10%", "of the account's equity"),
    ("quantity", "risk 0.1% | risk $100", "so many units that the stop loses this much of equity, or this amount"),
    ("quantity", "all | -1 | half", "closes the position, or half of it; such an order only reduces"),
    ("price", "mkt", "at market; also when no price is given"),
    ("price", "lmt 231.40 | @ 231.40 | mid | bid | ask | last", "limit at a number or at a price of the quote"),
    ("price", "mid+0.02 | bid-1t | last-0.1%", "with an offset in price, ticks or percent"),
    ("price", "stp 229.79", "stop: a market order once the price trades"),
    ("price", "stplmt 229.79 229.50", "stop, then a limit order at the second price"),
    ("price", "trail 2% | trail 0.50 | trail 20t", "stop that follows the best price at this distance"),
    ("price", "traillmt 2% 0.10", "the same, then a limit so far beyond its trigger"),
    ("price", "oco 236.75 229.79", "take and stop of a position, without an entry: one cancels the other"),
    ("bracket", "+2% -1% | +20t -10t | ±10", "take and stop as distances; the sign is the direction of the price"),
    ("bracket", "take 236.75 stop 229.79 | take 2% stop 50t", "take and stop by name, as prices or distances"),
    ("bracket", "take 236.75 | -1%", "one exit alone: it follows when the entry fills (OTO)"),
    ("time", "day gtc ioc fok moo moc", "how long it lives; moo and moc are the opening and closing auction"),
    ("time", "gtd fri | gtd 2026-11-25", "until the end of that session"),
    ("time", "gtd 15:30 | gtd 2026-11-25T15:30", "until that time of the exchange"),
    ("condition", "if SPY < 480 | if SPY bid >= 480", "held by the engine until last, bid, ask, mid or mark is there"),
    ("condition", "at 15:55", "held by the engine until that time of the exchange"),
    ("condition", "if SPY < 480 and QQQ < 400 or …", "up to four, all with and, or any with or"),
    ("option", "ext", "may execute outside regular hours"),
    ("option", "reduce", "may only reduce the position"),
    ("option", "lots L1,L2", "the lots to close, in this order"),
)
"""Part of the order, forms, meaning."""


def read_order_line(text: str, context: OrderContext) -> LineReading:
    """Read a line as it is being typed. Never raises; what is wrong is in `errors`, with its place and a fix."""
    if len(text) > MAX_LINE:
        error = LineError(MAX_LINE, len(text), f"The line is longer than {MAX_LINE} characters.", "Shorten it.")
        return LineReading(order=None, errors=(error,), tokens=())
    words = split_words(text)
    draft = read_draft(words, len(text), context)
    order = resolve_draft(draft, context)
    completions = suggest(text, words, draft, context)
    errors = tuple(_soften(error, len(text), can_go_on=bool(completions)) for error in draft.errors)
    return LineReading(
        order=order,
        errors=tuple(sorted(errors, key=lambda error: (error.is_incomplete, error.start))),
        tokens=_tokens(draft.tokens, errors),
        completions=completions,
    )


def parse_order_line(text: str, context: OrderContext) -> ParsedOrder | list[LineError]:
    """The order a finished line says, or what is wrong with it (at least one error)."""
    reading = read_order_line(text, context)
    return list(reading.errors) if reading.order is None else reading.order


def _soften(error: LineError, length: int, *, can_go_on: bool) -> LineError:
    """A word still being typed is not yet wrong."""
    if error.is_incomplete or not (can_go_on and error.end == length):
        return error
    return LineError(error.start, error.end, error.message, error.fix, is_incomplete=True)


def _tokens(tokens: list[LineToken], errors: tuple[LineError, ...]) -> tuple[LineToken, ...]:
    """The tokens in order, those an error points at in its colour."""
    wrong = [error for error in errors if not error.is_incomplete]
    good = [t for t in tokens if t.kind != "error" and all(t.end <= e.start or t.start >= e.end for e in wrong)]
    return tuple(sorted([*good, *(LineToken(e.start, e.end, "error") for e in wrong)], key=lambda token: token.start))
