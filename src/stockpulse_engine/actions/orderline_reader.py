"""From words to a draft: who is meant, how much, at what price, with which conditions. No prices are looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from stockpulse_engine.actions.orderline_lexer import (
    OffsetWord,
    PriceWord,
    Word,
    read_money,
    read_offset,
    read_price,
    read_share,
    read_units,
)
from stockpulse_engine.actions.orderline_times import Until, is_day_or_time, read_moment, read_until
from stockpulse_engine.actions.orderline_types import ABSENT, LineError, LineToken, OrderContext
from stockpulse_engine.domain.conditions import MAX_PARTS, ConditionPart, PriceCondition, PriceKind, TimeCondition
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderType, SessionHours, Side, TimeInForce

SIDES = {"buy": Side.BUY, "b": Side.BUY, "sell": Side.SELL, "s": Side.SELL, "short": Side.SELL}
TIMES = {
    "day": TimeInForce.DAY,
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "moo": TimeInForce.AT_THE_OPEN,
    "moc": TimeInForce.AT_THE_CLOSE,
    "gtd": TimeInForce.GTD,
}
PRICE_NAMES = ("mid", "bid", "ask", "last")
KEYWORDS = (
    "mkt", "lmt", "stp", "stplmt", "trail", "traillmt", "oco", "take", "stop", "risk", "all", "half", "lots", "ext",
    "reduce", "if", "at", "and", "or", *PRICE_NAMES, *TIMES,
)  # fmt: skip
MAX_LOTS = 100
"""Most lot ids taken in one line."""

_SYMBOL_PLACES = 2
"""A symbol that spells a keyword is looked for among so many first words only."""
_SLIP_LENGTHS = range(3, 9)
_SIGNS = ("<", "<=", ">", ">=")
_SIGN_AND_PRICE = 2
_PRICE_KINDS = {kind.value.lower(): kind for kind in PriceKind}
_CONDITION_FIX = "Write if SPY < 480, or if SPY bid >= 480."
_ALIASES = {"market": "mkt", "limit": "lmt", "stoplimit": "stplmt", "@": "lmt"}


@dataclass
class Amount:
    """How much. `kind`: units, money, equity, risk_money, risk_equity, all, half."""

    kind: str
    value: Decimal
    word: Word


@dataclass
class Draft:
    """What the words say, before prices and positions are looked up."""

    length: int
    side: Side | None = None
    instrument: Instrument | None = None
    has_symbol: bool = False
    amount: Amount | None = None
    order_type: OrderType | None = None
    limit: PriceWord | None = None
    trigger: PriceWord | None = None
    offsets: list[OffsetWord] = field(default_factory=list)
    take: PriceWord | OffsetWord | None = None
    stop: PriceWord | OffsetWord | None = None
    time_in_force: TimeInForce | None = None
    session: SessionHours = SessionHours.REGULAR
    is_reduce_only: bool = False
    lots: tuple[str, ...] = ()
    trail: OffsetWord | None = None
    beyond: OffsetWord | None = None
    """How far beyond its trigger the limit of a trailing stop lies."""
    oco: tuple[PriceWord, PriceWord] | None = None
    """Take and stop of which one executes."""
    until: Until | None = None
    until_word: Word | None = None
    parts: list[ConditionPart] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    condition_words: list[Word] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    tokens: list[LineToken] = field(default_factory=list)

    def refuse(self, word: Word, message: str, fix: str = "") -> None:
        """Record an error on a word."""
        self.errors.append(LineError(word.start, word.end, message, fix))

    def refuse_line(self, message: str, fix: str = "") -> None:
        """Record an error that no single word is to blame for."""
        self.errors.append(LineError(0, self.length, message, fix))

    def want(self, message: str, fix: str = "") -> None:
        """Record that something is still missing at the end of the line."""
        self.errors.append(LineError(self.length, self.length, message, fix, is_incomplete=True))


def read_draft(words: list[Word], length: int, context: OrderContext) -> Draft:
    """Read all words into a draft; what can not be read is in its errors."""
    return _Reader(words, length, context).run()


class _Reader:
    def __init__(self, words: list[Word], length: int, context: OrderContext) -> None:
        self._words = words
        self._at = 0
        self._context = context
        self._draft = Draft(length)
        self._keywords: dict[str, Callable[[Word], None]] = {
            "mkt": self._market,
            "lmt": self._limit,
            "stp": self._stop_order,
            "stplmt": self._stop_limit,
            "take": self._take,
            "stop": self._protect,
            "risk": self._risk,
            "all": self._closing,
            "half": self._closing,
            "lots": self._lots,
            "ext": self._extended,
            "reduce": self._reduce,
            "trail": self._trailing,
            "traillmt": self._trailing,
            "oco": self._pair,
            "if": self._condition,
            "at": self._moment,
            "and": self._join,
            "or": self._join,
            **dict.fromkeys(TIMES, self._time),
            "gtd": self._good_till,
        }

    def run(self) -> Draft:
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            self._read(word)
        return self._draft

    def _read(self, word: Word) -> None:
        handler = self._keywords.get(_ALIASES.get(word.low, word.low))
        if word.low in SIDES and self._draft.side is None:
            self._side(word)
        elif self._is_shouted_symbol(word):
            self._symbol(word)
        elif handler is not None:
            handler(word)
        elif not self._sizes(word) and not self._prices(word):
            self._symbol(word)

    def _is_shouted_symbol(self, word: Word) -> bool:
        """Whether an upper-case word in the symbol's place names an instrument, though it may spell a keyword."""
        draft = self._draft
        if draft.has_symbol or not word.text.isupper() or self._at > _SYMBOL_PLACES:
            return False
        return self._context.resolve(word.text) is not None

    def _side(self, word: Word) -> None:
        self._draft.side = SIDES[word.low]
        self._paint(word, "buy" if self._draft.side is Side.BUY else "sell")

    def _symbol(self, word: Word) -> None:
        draft = self._draft
        if draft.has_symbol or word.low in SIDES:
            self._unknown(word)
            return
        draft.instrument = self._context.resolve(word.text.upper())
        if draft.instrument is None:
            self._unknown(word)
            draft.has_symbol = not nearest_keyword(word.low)
        else:
            self._paint(word, "symbol")
            draft.has_symbol = True

    def _sizes(self, word: Word) -> bool:
        """Take the word as a quantity, when it is one."""
        amount = self._amount_of(word)
        if amount is None:
            return False
        if self._draft.amount is not None:
            if amount.kind == "units":
                self._refuse(
                    word,
                    f"The quantity is given already; {word.text} is a second one.",
                    f"Write lmt {word.text} for a price.",
                )
            else:
                self._refuse(word, "The size is given twice.", "Keep one of them.")
            return True
        self._set_amount(amount)
        return True

    def _amount_of(self, word: Word) -> Amount | None:
        low = word.low
        if low == "-1" and self._draft.amount is None:
            return Amount("all", Decimal(0), word)
        for kind, read in (("units", read_units), ("money", read_money), ("equity", read_share)):
            value = read(low)
            if value is not None:
                return Amount(kind, value, word)
        return None

    def _set_amount(self, amount: Amount) -> None:
        self._paint(amount.word, "quantity")
        if amount.value <= 0 and amount.kind not in ("all", "half"):
            self._draft.refuse(
                amount.word, "The quantity must be more than zero.", "Write 100, $10k, 10% or risk 0.1%."
            )
        self._draft.amount = amount

    def _prices(self, word: Word) -> bool:
        """Take the word as a bare price name or an exit offset, when it is one."""
        if word.low in ("±", "+-"):
            return self._spaced_offset(word)
        offset = read_offset(word)
        if offset is not None:
            self._draft.offsets.append(offset)
            self._paint(word, "exit")
            return True
        price = read_price(word)
        if price is None:
            return False
        self._set_type(word, OrderType.LIMIT)
        self._draft.limit = price
        self._paint(word, "price")
        return True

    def _spaced_offset(self, word: Word) -> bool:
        follower = self._peek()
        glued = Word(
            word.text, word.low + (follower.low if follower else ""), word.start, follower.end if follower else word.end
        )
        offset = read_offset(glued)
        if offset is None:
            self._refuse(word, "± needs a distance.", "Write ±10 or ±2%.")
            return True
        self._at += 1
        self._draft.offsets.append(offset)
        self._paint(glued, "exit")
        return True

    def _market(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.MARKET)

    def _limit(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.LIMIT)
        self._draft.limit = self._next_price(word, "231.40, mid or bid-1t")

    def _stop_order(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.STOP)
        self._draft.trigger = self._next_price(word, "229.79")

    def _stop_limit(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.STOP_LIMIT)
        self._draft.trigger = self._next_price(word, "229.79 229.50")
        if self._draft.trigger is not None:
            self._draft.limit = self._next_price(word, "229.79 229.50")

    def _take(self, word: Word) -> None:
        if self._draft.take is not None:
            self._refuse(word, "take is given twice.", "Keep one of them.")
            return
        self._paint(word, "keyword")
        self._draft.take = self._next_exit(word)

    def _protect(self, word: Word) -> None:
        if self._draft.stop is not None:
            self._refuse(word, "stop is given twice.", "Keep one of them.")
            return
        self._paint(word, "keyword")
        self._draft.stop = self._next_exit(word)

    def _risk(self, word: Word) -> None:
        self._paint(word, "keyword")
        follower = self._peek()
        if follower is None:
            self._draft.want("risk needs an amount.", "Write risk 0.1% or risk $100.")
            return
        share, money = read_share(follower.low), read_money(follower.low)
        if share is None and money is None:
            self._draft.refuse(word, "risk needs an amount.", "Write risk 0.1% or risk $100.")
            return
        self._at += 1
        if self._draft.amount is not None:
            self._refuse(follower, "The size is given twice.", "Keep one of them.")
        elif share is not None:
            self._set_amount(Amount("risk_equity", share, follower))
        elif money is not None:
            self._set_amount(Amount("risk_money", money, follower))

    def _closing(self, word: Word) -> None:
        if self._draft.amount is not None:
            self._refuse(word, "The size is given twice.", "Keep one of them.")
            return
        self._set_amount(Amount(word.low, Decimal(0), word))

    def _lots(self, word: Word) -> None:
        self._paint(word, "keyword")
        follower = self._peek()
        if follower is None:
            self._draft.want("lots needs the ids of lots.", "Write lots L1,L2.")
            return
        self._at += 1
        ids = tuple(part for part in follower.text.split(",") if part)
        if not ids or len(ids) > MAX_LOTS:
            self._refuse(follower, f"lots needs 1 to {MAX_LOTS} ids.", "Write lots L1,L2.")
            return
        self._paint(follower, "option")
        self._draft.lots = ids

    def _extended(self, word: Word) -> None:
        self._paint(word, "option")
        self._draft.session = SessionHours.EXTENDED

    def _reduce(self, word: Word) -> None:
        self._paint(word, "option")
        self._draft.is_reduce_only = True

    def _time(self, word: Word) -> None:
        wanted = TIMES[word.low]
        if self._draft.time_in_force not in (None, wanted):
            self._refuse(word, f"The time in force is given twice: {word.low} is the second.", "Keep one of them.")
            return
        self._paint(word, "option")
        self._draft.time_in_force = wanted

    def _good_till(self, word: Word) -> None:
        self._time(word)
        follower = self._peek()
        if follower is None:
            self._draft.want("gtd needs a day or a time.", "Write gtd fri, gtd 2026-11-25 or gtd 15:30.")
            return
        until = read_until(follower.low, self._context)
        if until is None:
            why = "not known yet here" if is_day_or_time(follower.low) else f"not {follower.text[:20]!r}"
            self._draft.refuse(
                word, f"gtd needs a day or a time, {why}.", "Write gtd fri, gtd 2026-11-25 or gtd 15:30."
            )
            return
        self._at += 1
        self._paint(follower, "option")
        self._draft.until, self._draft.until_word = until, follower

    def _trailing(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.TRAILING_STOP)
        example = "2% 0.10" if word.low == "traillmt" else "2%, 0.50 or 20t"
        self._draft.trail = self._next_distance(word, example)
        if word.low == "traillmt" and self._draft.trail is not None:
            self._draft.beyond = self._next_distance(word, example)

    def _next_distance(self, word: Word, example: str) -> OffsetWord | None:
        follower = self._peek()
        if follower is None:
            self._draft.want(f"{word.low} needs a distance.", f"Write {word.low} {example}.")
            return None
        found = self._exit_offset(follower)
        if found is None:
            message = f"{word.low} needs a distance, not {follower.text[:20]!r}."
            self._draft.refuse(word, message, f"Write {word.low} {example}.")
            return None
        self._at += 1
        self._paint(follower, "price")
        return found

    def _pair(self, word: Word) -> None:
        self._paint(word, "keyword")
        self._set_type(word, OrderType.LIMIT)
        take = self._next_price(word, "236.75 229.79")
        stop = self._next_price(word, "236.75 229.79") if take is not None else None
        if take is not None and stop is not None:
            self._draft.oco = (take, stop)

    # --- conditions ---------------------------------------------------------------------------------------

    def _join(self, word: Word) -> None:
        """`and`, `or` between two conditions."""
        self._paint(word, "keyword")
        if not self._draft.parts:
            self._refuse(word, f"{word.low} stands between two conditions.", "Write if SPY < 480 and QQQ < 400.")
            return
        self._draft.joins.append(word.low)
        follower = self._peek()
        if follower is None:
            self._draft.want(f"{word.low} what?", "Write another condition, like QQQ < 400 or at 15:55.")
        elif follower.low == "at":
            self._at += 1
            self._moment(follower)
        elif follower.low != "if":
            self._condition(word)

    def _moment(self, word: Word) -> None:
        """`at 15:55`."""
        self._paint(word, "keyword")
        self._draft.condition_words.append(word)
        follower = self._peek()
        if follower is None:
            self._draft.want("at needs a time.", "Write at 15:55.")
            return
        day, _, time = follower.low.rpartition("t")
        at_ns = read_moment(time, self._context, day)
        if at_ns is None:
            self._draft.refuse(word, f"at needs a time, not {follower.text[:20]!r}.", "Write at 15:55.")
            return
        self._at += 1
        self._paint(follower, "price")
        self._add_part(word, TimeCondition(at_ns=at_ns))

    def _condition(self, word: Word) -> None:
        """`if SPY < 480`, `if SPY bid >= 480`."""
        self._paint(word, "keyword")
        if word.low == "if":
            self._draft.condition_words.append(word)
        found = self._words[self._at : self._at + 4]
        instrument = self._context.resolve(found[0].text.upper()) if found else None
        what = _PRICE_KINDS.get(found[1].low) if len(found) > 1 else None
        rest = found[2:4] if what is not None else found[1:3]
        if len(rest) < _SIGN_AND_PRICE and all(each.low in _SIGNS for each in rest[:1]) and (instrument or not found):
            self._draft.want("A condition needs a symbol, a sign and a price.", _CONDITION_FIX)
            self._at = len(self._words)
            return
        price = read_price(rest[1]) if len(rest) == _SIGN_AND_PRICE and rest[0].low in _SIGNS else None
        if instrument is None or price is None or not isinstance(price.base, Decimal) or price.unit or price.base <= 0:
            blamed = found[0] if found and instrument is None else word
            self._draft.refuse(blamed, "A condition is a symbol, a sign and a price.", _CONDITION_FIX)
            return
        taken = 4 if what is not None else 3
        for each in found[:taken]:
            self._paint(each, "price")
        self._at += taken
        sign = rest[0].low
        part = PriceCondition(
            instrument_id=instrument.instrument_id,
            price=price.base,
            is_above=sign[0] == ">",
            what=what or PriceKind.LAST,
            is_inclusive=sign.endswith("="),
        )
        self._add_part(word, part)

    def _add_part(self, word: Word, part: ConditionPart) -> None:
        draft = self._draft
        draft.parts.append(part)
        if len(draft.parts) > MAX_PARTS:
            draft.refuse(word, f"An order waits for at most {MAX_PARTS} conditions.", "Leave one out.")
        if len(set(draft.joins)) > 1:
            draft.refuse(word, "and and or can not be mixed.", "Use one of them.")

    def _set_type(self, word: Word, wanted: OrderType) -> None:
        if self._draft.order_type is not None:
            given = self._draft.order_type.value.lower().replace("_", "-")
            self._refuse(word, f"The order is a {given} order already.", "Keep one price.")
            return
        self._draft.order_type = wanted

    def _next_price(self, word: Word, example: str) -> PriceWord | None:
        follower = self._peek()
        if follower is None:
            self._draft.want(f"{word.low} needs a price.", f"Write {word.low} {example}.")
            return None
        price = read_price(follower)
        if price is None:
            self._draft.refuse(
                word, f"{word.low} needs a price, not {follower.text[:20]!r}.", f"Write {word.low} {example}."
            )
            return None
        self._at += 1
        self._paint(follower, "price")
        return price

    def _next_exit(self, word: Word) -> PriceWord | OffsetWord | None:
        follower = self._peek()
        if follower is None:
            self._draft.want(f"{word.low} needs a price.", f"Write {word.low} 236.75 or {word.low} 2%.")
            return None
        found = read_price(follower) or self._exit_offset(follower)
        if found is None:
            self._draft.refuse(
                word,
                f"{word.low} needs a price, not {follower.text[:20]!r}.",
                f"Write {word.low} 236.75 or {word.low} 2%.",
            )
            return None
        self._at += 1
        self._paint(follower, "exit")
        return found

    @staticmethod
    def _exit_offset(word: Word) -> OffsetWord | None:
        """A distance after `take` or `stop`: its sign may be left out, the word before says the direction."""
        bare = Word(word.text, word.low.lstrip("+-"), word.start, word.end)
        return read_offset(Word(word.text, "±" + bare.low, word.start, word.end))

    def _unknown(self, word: Word) -> None:
        if word.low in ABSENT:
            self._refuse(word, *ABSENT[word.low])
            return
        keyword = nearest_keyword(word.low)
        symbols = () if self._draft.has_symbol else tuple(self._context.nearest(word.text.upper()))[:3]
        if keyword:
            self._refuse(word, f"{word.text[:20]!r} is not a word of the order language.", f"Did you mean {keyword}?")
        elif self._draft.has_symbol:
            self._refuse(
                word, f"{word.text[:20]!r} is not a word of the order language.", f"Known words: {', '.join(KEYWORDS)}."
            )
        else:
            fix = f"Did you mean {' or '.join(symbols)}?" if symbols else "Write a symbol of this world, like AAPL."
            self._refuse(word, f"There is no instrument {word.text[:24]!r} here.", fix)

    def _refuse(self, word: Word, message: str, fix: str) -> None:
        self._paint(word, "error")
        self._draft.refuse(word, message, fix)

    def _peek(self) -> Word | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _paint(self, word: Word, kind: str) -> None:
        self._draft.tokens.append(LineToken(word.start, word.end, kind))


def nearest_keyword(low: str) -> str:
    """The keyword one slip away from `low`; "" when there is none."""
    if len(low) not in _SLIP_LENGTHS:
        return ""
    return next((word for word in (*KEYWORDS, *SIDES) if len(word) in _SLIP_LENGTHS and _is_one_slip(low, word)), "")


def _is_one_slip(typed: str, word: str) -> bool:
    """Whether one letter was added, left out, changed, or two neighbours swapped."""
    if typed == word:
        return False
    same = next((i for i, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), min(len(typed), len(word)))
    a, b = typed[same:], word[same:]
    is_swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or is_swapped
