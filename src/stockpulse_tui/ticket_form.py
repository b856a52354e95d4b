"""The form that mirrors an order line: the same order as eight fields, read from the line and written back to it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from stockpulse_engine.actions.orderline import OrderContext, ParsedOrder
from stockpulse_engine.actions.orderline_lexer import OffsetWord, PriceWord, split_words
from stockpulse_engine.actions.orderline_reader import TIMES, Draft, read_draft
from stockpulse_engine.actions.orderline_words import symbol_word
from stockpulse_engine.domain.orders import OrderType, SessionHours, Side
from stockpulse_engine.render.format import format_price, format_quantity

SIDE, QUANTITY, TYPE, PRICE, TIF, SESSION, TAKE, STOP = range(8)
FIELDS = ("side", "quantity", "type", "price", "tif", "session", "take", "stop")
TYPES = ("mkt", "lmt", "stp", "stplmt", "trail", "traillmt", "oco")
TYPE_WORDS = {
    "mkt": "MARKET",
    "lmt": "LIMIT",
    "stp": "STOP",
    "stplmt": "STOP LMT",
    "trail": "TRAIL",
    "traillmt": "TRL LMT",
    "oco": "OCO",
}
TWO_PRICES = ("stplmt", "traillmt", "oco")
"""Types with two numbers; what they mean is another for each, so none is taken over from one to the other."""
CHOICES: dict[str, tuple[str, ...]] = {
    "side": ("buy", "sell"),
    "type": TYPES,
    "tif": tuple(TIMES),
    "session": ("regular", "extended"),
}
_TYPE_OF = {
    OrderType.MARKET: "mkt",
    OrderType.LIMIT: "lmt",
    OrderType.STOP: "stp",
    OrderType.STOP_LIMIT: "stplmt",
    OrderType.TRAILING_STOP: "trail",
}
_TIME_WORDS = {value: word for word, value in TIMES.items()}


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The words of each field as they would be typed; "" for a field left empty.

    `extra` keeps what has no field: until when a GTD order lives, reduce, lots, and what the engine waits for.
    """

    side: str = "buy"
    symbol: str = ""
    quantity: str = ""
    type: str = "mkt"
    price: str = ""
    tif: str = "day"
    session: str = "regular"
    take: str = ""
    stop: str = ""
    extra: str = ""

    def get(self, name: str) -> str:
        """The words of one field."""
        value: str = getattr(self, name)
        return value

    def put(self, name: str, text: str) -> Form:
        """The form with other words in one field; a price typed into a market order makes it a limit order."""
        form = replace(self, **{name: text})
        if name == "price" and text and form.type == "mkt":
            form = replace(form, type="lmt")
        if name == "type":
            form = _with_type(form, self.type)
        return form


def _with_type(form: Form, before: str) -> Form:
    if form.type == "mkt" or form.type in TWO_PRICES or before in ("trail", "traillmt", "oco"):
        return replace(form, price="" if form.type != "lmt" else "mid")
    if form.type == "trail":
        return replace(form, price="2%")
    if form.type == "lmt" and (not form.price or before == "stplmt"):
        return replace(form, price=form.price.split(" ")[-1] or "mid")
    if form.type == "stp":
        return replace(form, price=form.price.split(" ", maxsplit=1)[0] if before == "stplmt" else "")
    return form


def read_form(text: str, context: OrderContext) -> Form:
    """The fields of a line, as far as its words can be read."""
    draft = read_draft(split_words(text), len(text), context)
    take, stop = _exits(draft)
    extra = [*(["reduce"] if draft.is_reduce_only else []), *([f"lots {','.join(draft.lots)}"] if draft.lots else [])]
    if draft.condition_words:
        extra.append(text[draft.condition_words[0].start :].strip())
    return Form(
        side="sell" if draft.side is Side.SELL else "buy",
        symbol=symbol_word(draft.instrument) if draft.instrument else context.default_symbol,
        quantity=_size(draft),
        type=_type(draft),
        price=" ".join(_prices(draft)),
        tif=_time(draft),
        session="extended" if draft.session is SessionHours.EXTENDED else "regular",
        take=take,
        stop=stop,
        extra=" ".join(extra),
    )


def _type(draft: Draft) -> str:
    if draft.oco is not None:
        return "oco"
    if draft.beyond is not None:
        return "traillmt"
    return _TYPE_OF.get(draft.order_type or OrderType.MARKET, "mkt")


def _prices(draft: Draft) -> list[str]:
    """The numbers of the order's type, as typed."""
    parts = (*(draft.oco or ()), draft.trigger, draft.limit, draft.trail, draft.beyond)
    return [part.word.text for part in parts if part is not None]


def _time(draft: Draft) -> str:
    """The time in force, with the day or time a GTD order lives until."""
    word = _TIME_WORDS.get(draft.time_in_force, "day") if draft.time_in_force else "day"
    return f"{word} {draft.until_word.text}" if draft.until_word is not None else word


def _size(draft: Draft) -> str:
    amount = draft.amount
    if amount is None:
        return ""
    return f"risk {amount.word.text}" if amount.kind.startswith("risk") else amount.word.text


def _exits(draft: Draft) -> tuple[str, str]:
    """Take and stop as typed: by name, or by the direction of their sign."""
    take, stop = _exit_text(draft.take), _exit_text(draft.stop)
    gains = -1 if draft.side is Side.SELL else 1
    for offset in draft.offsets:
        bare = offset.word.text.lstrip("+-±−")
        if offset.sign in (0, gains):
            take = take or f"{'-' if gains < 0 else '+'}{bare}"
        if offset.sign in (0, -gains):
            stop = stop or f"{'+' if gains < 0 else '-'}{bare}"
    return take, stop


def _exit_text(given: PriceWord | OffsetWord | None) -> str:
    if given is None:
        return ""
    return given.word.text.lstrip("±")


def write_line(form: Form) -> str:
    """The line that says what the fields say."""
    parts = [form.side, form.symbol, form.quantity]
    parts.append(f"{form.type} {form.price}" if form.type != "mkt" else "")
    parts += [_exit_word("take", form.take), _exit_word("stop", form.stop)]
    parts += [form.tif if form.tif != "day" else "", "ext" if form.session == "extended" else "", form.extra]
    return " ".join(part.strip() for part in parts if part.strip())


def _exit_word(name: str, text: str) -> str:
    if not text:
        return ""
    return text if text[0] in "+-−±" else f"{name} {text}"


def shown(form: Form, order: ParsedOrder | None) -> tuple[str, ...]:
    """The eight fields as they stand on screen: sizes and prices as they came out, exits as they were written."""
    quantity, price = form.quantity, form.price
    if order is not None:
        terms, tick = order.terms, order.instrument.tick_size
        quantity = format_quantity(terms.quantity)
        numbers = [format_price(p, tick) for p in (terms.stop_price, terms.limit_price) if p is not None]
        price = " ".join(numbers) if not terms.is_trailing else form.price
    stop = form.stop
    if order is not None and order.oco_stop_price is not None:
        stop = format_price(order.oco_stop_price, order.instrument.tick_size)
    kind = TYPE_WORDS[form.type]
    return (form.side.upper(), quantity, kind, price, form.tif.upper(), form.session, form.take, stop)
