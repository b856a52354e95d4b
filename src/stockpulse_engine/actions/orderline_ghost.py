"""Ways to go on with an order line: the rest of a word begun, else what usually comes next."""

from __future__ import annotations

from stockpulse_engine.actions.orderline_lexer import Word
from stockpulse_engine.actions.orderline_reader import KEYWORDS, Draft
from stockpulse_engine.actions.orderline_types import Completion, OrderContext
from stockpulse_engine.actions.usual_size import usual_size
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderType, Side
from stockpulse_engine.render.format import for_copy, format_price

_MEANING = {
    "buy": "buy", "sell": "sell", "short": "sell what is not held", "mkt": "market order", "lmt": "limit price",
    "stp": "stop order: becomes a market order at its price", "stplmt": "stop, then limit",
    "take": "take-profit of the bracket", "stop": "protective stop of the bracket",
    "risk": "size from the distance to the stop", "all": "close the position", "half": "close half of it",
    "lots": "which lots to close", "ext": "extended hours too", "reduce": "only reduce the position",
    "mid": "between bid and ask", "bid": "best bid", "ask": "best ask", "last": "last trade", "day": "until the close",
    "gtc": "good till canceled", "ioc": "immediate or cancel", "fok": "fill or kill", "moo": "at the open",
    "moc": "at the close", "gtd": "good till a day or time", "trail": "stop that follows the price",
    "traillmt": "trailing stop, then limit", "oco": "take and stop, one cancels the other",
    "if": "held by the engine until a price", "at": "held by the engine until a time", "and": "and also",
    "or": "or else",
}  # fmt: skip


def suggest(text: str, words: list[Word], draft: Draft, context: OrderContext) -> tuple[Completion, ...]:
    """At most six completions, the likeliest first; each is text to append to the line."""
    if not words:
        symbol = context.default_symbol or next(iter(context.nearest("")), "AAPL")
        size = _size(context.resolve(symbol), context)
        return (Completion(f"buy {symbol} {size} lmt mid", "an example"),) if not text else ()
    if text[-1].isspace():
        return _next_words(words[-1], draft, context)[:6]
    return _endings(words[-1], draft, context)[:6]


def _endings(word: Word, draft: Draft, context: OrderContext) -> tuple[Completion, ...]:
    """What completes the word under the cursor."""
    known = KEYWORDS if draft.side is not None else ("buy", "sell", "short", *KEYWORDS)
    found = [k for k in known if k.startswith(word.low) and k != word.low] if len(word.low) > 1 else []
    ends = [Completion(k[len(word.low) :], _MEANING[k]) for k in found]
    if draft.instrument is None and word.text.isalpha():
        typed = word.text.upper()
        symbols = [s for s in context.nearest(typed) if s.startswith(typed) and s != typed]
        ends = [Completion(s[len(typed) :], "instrument") for s in symbols] + ends
    return tuple(ends)


def _next_words(last: Word, draft: Draft, context: OrderContext) -> tuple[Completion, ...]:
    if draft.side is None:
        return (Completion("buy"), Completion("sell"))
    if draft.instrument is None and not draft.has_symbol and draft.amount is None:
        return (Completion(context.default_symbol, "the focused instrument"),) if context.default_symbol else ()
    if last.low in ("lmt", "@", "stp", "stplmt", "take", "stop"):
        return _prices(last, draft, context)
    if last.low == "risk":
        return (Completion("0.1%", "of equity"), Completion("$100", "in money"))
    if draft.amount is None:
        return _sizes(draft, context)
    if draft.order_type is None:
        return (Completion("lmt mid", _MEANING["lmt"]), Completion("mkt", _MEANING["mkt"]))
    return _conditions(draft)


def _sizes(draft: Draft, context: OrderContext) -> tuple[Completion, ...]:
    """All of what a sale would close; else the usual size, an amount, a risk."""
    instrument = draft.instrument or context.resolve(context.default_symbol)
    found = [Completion(_size(instrument, context), "the usual size")]
    if instrument is not None and draft.side is Side.SELL and context.position(instrument.instrument_id) > 0:
        found.insert(0, Completion("all", _MEANING["all"]))
    return (*found, Completion("$10k", "for money"), Completion("risk 0.1% lmt mid +2% -1%", "by risk"))


def _size(instrument: Instrument | None, context: OrderContext) -> str:
    if instrument is None:
        return "1"
    quote = context.quote(instrument.instrument_id)
    price = quote.ask if quote is not None else None
    return f"{usual_size(instrument, price, context.equity, context.orders()):f}"


def _prices(last: Word, draft: Draft, context: OrderContext) -> tuple[Completion, ...]:
    """The near side for a limit; nothing is guessed for a stop."""
    instrument = draft.instrument
    quote = None if instrument is None else context.quote(instrument.instrument_id)
    if last.low not in ("lmt", "@") or quote is None or instrument is None:
        return (Completion("mid", _MEANING["mid"]),) if last.low in ("lmt", "@") else ()
    near = quote.bid if draft.side is Side.BUY else quote.ask
    price = for_copy(format_price(near, instrument.tick_size)).replace(",", "")
    return (Completion(price, "the near side"), Completion("mid", _MEANING["mid"]))


def _conditions(draft: Draft) -> tuple[Completion, ...]:
    found = []
    has_exits = bool(draft.offsets) or draft.take is not None or draft.stop is not None
    if not has_exits and draft.order_type is OrderType.LIMIT and not draft.is_reduce_only:
        found.append(Completion("+2% -1%" if draft.side is Side.BUY else "-2% +1%", "take and stop"))
    if draft.time_in_force is None:
        found.append(Completion("gtc", _MEANING["gtc"]))
    return tuple(found)
