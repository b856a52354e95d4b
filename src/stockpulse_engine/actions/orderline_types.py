"""What the order language takes and gives: context in; tokens, errors or a parsed order out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.conditions import Condition
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderTerms

MAX_LINE = 240
"""Longest order line read, in characters."""

_OTHER_TRAIL = ("A trailing stop has another word here.", "Write trail 2% or trail 0.50.")
ABSENT = {
    **dict.fromkeys(("trailing", "trl", "tstp"), _OTHER_TRAIL),
    "when": ("A condition begins with another word here.", "Write if SPY < 480, or at 15:55."),
}
"""Words other order languages know: what of them is missing here, and what to write instead."""


def _no_symbols(_prefix: str) -> Sequence[str]:
    return ()


def _flat(_instrument_id: str) -> Decimal:
    return ZERO


class OrderContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the words of a line refer to. All look-ups are in memory and answer at once.

    Attributes:
        resolve: symbol or instrument id, upper case, to its instrument; None when there is none.
        quote: best bid and ask of an instrument id; None when none is known.
        position: signed quantity held of an instrument id.
        equity: the account's equity, for sizes in percent; None when unknown.
        nearest: symbols close to a (possibly misspelt) prefix, best first; for completion and errors.
        default_symbol: what the focused pane shows, used when the line names no symbol.
        orders: the account's orders, newest first, for the size an order usually has.
        now_ns: market time, 0 while it is not known; time_zone: where its days and hours are counted.
    """

    account_id: str
    resolve: Callable[[str], Instrument | None]
    quote: Callable[[str], Quote | None]
    position: Callable[[str], Decimal] = _flat
    equity: Decimal | None = None
    nearest: Callable[[str], Sequence[str]] = _no_symbols
    default_symbol: str = ""
    orders: Callable[[], Iterable[Order]] = tuple
    now_ns: int = 0
    time_zone: str = "America/New_York"


class LineError(msgspec.Struct, frozen=True):
    """What is wrong with the characters `start` to `end`, and what to write instead."""

    start: int
    end: int
    message: str
    fix: str = ""
    is_incomplete: bool = False
    """Nothing is wrong yet: more has to be typed."""

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class LineToken(msgspec.Struct, frozen=True):
    """The class of the characters `start` to `end`, for colouring; see `TOKEN_COLORS`."""

    start: int
    end: int
    kind: str


TOKEN_COLORS = {
    "buy": "buy",
    "sell": "sell",
    "symbol": "strong",
    "quantity": "text",
    "price": "text",
    "exit": "series1",
    "keyword": "muted",
    "option": "accent",
    "error": "danger",
}
"""Token class → colour token of the themes."""


class ParsedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A complete order as the line says it, ready to be submitted.

    Attributes:
        sentence: the order in words, as it will be confirmed.
        notes: what was rounded, and from what.
        reference_price: the price the amounts are reckoned at; None without limit, stop or quote.
        risk_amount: loss if the stop fills at its price; reward_amount: gain if the take does. Without fees.
        oco_stop_price: price of the stop beside a take, of which one executes; None for other orders.
        condition: what has to happen before the engine sends it; None for an order sent at once.
        size_text: how the size was asked for when it was not a number of units, like `risk 0.1%`.
    """

    terms: OrderTerms
    instrument: Instrument
    sentence: str
    take_price: Decimal | None = None
    stop_price: Decimal | None = None
    oco_stop_price: Decimal | None = None
    condition: Condition | None = None
    notes: tuple[str, ...] = ()
    reference_price: Decimal | None = None
    notional: Decimal | None = None
    risk_amount: Decimal | None = None
    reward_amount: Decimal | None = None
    size_text: str = ""

    @property
    def reward_ratio(self) -> Decimal | None:
        """Reward per unit of risk (the `2.0 R` of the ticket); None without a take and a stop."""
        if not self.risk_amount or self.reward_amount is None:
            return None
        return self.reward_amount / self.risk_amount

    def command(self, client_order_id: str, *, is_staged: bool = False, source: str = "") -> SubmitOrder:
        """The request to submit this order under an id minted by the caller, once per intent."""
        return SubmitOrder(
            client_order_id=client_order_id,
            terms=self.terms,
            take_price=self.take_price,
            stop_price=self.stop_price,
            oco_stop_price=self.oco_stop_price,
            condition=self.condition,
            is_staged=is_staged,
            source=source,
        )


class Completion(msgspec.Struct, frozen=True):
    """One way to go on: the text to append at the cursor, and what it means."""

    text: str
    words: str = ""


class LineReading(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a ticket shows while a line is being typed."""

    order: ParsedOrder | None
    errors: tuple[LineError, ...]
    tokens: tuple[LineToken, ...]
    completions: tuple[Completion, ...] = ()

    @property
    def ghost(self) -> str:
        """The text shown faint behind the cursor; Tab takes it."""
        return self.completions[0].text if self.completions else ""

    @property
    def is_incomplete(self) -> bool:
        """Whether all that is wrong is that the line is not finished."""
        return bool(self.errors) and all(error.is_incomplete for error in self.errors)
