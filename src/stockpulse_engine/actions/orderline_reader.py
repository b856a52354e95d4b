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
from stockpulse_engine.actions.orderline_types import ABSENT, LineError, LineToken, OrderContext
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
}
PRICE_NAMES = ("mid", "bid", "ask", "last")
KEYWORDS = (
    "mkt", "lmt", "stp", "stplmt", "take", "stop", "risk", "all", "half", "lots", "ext", "reduce",
    *PRICE_NAMES, *TIMES,
)  # fmt: skip
MAX_LOTS = 100
"""Most lot ids taken in one line."""

_SYMBOL_PLACES = 2
"""A symbol that spells a keyword is looked for among so many first words only."""
_SLIP_LENGTHS = range(3, 9)
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
            **dict.fromkeys(TIMES, self._time),
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
