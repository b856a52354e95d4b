"""One order put before the gate, with the numbers several checks need worked out once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from stockpulse_engine.base.once import once
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.instruments import AssetClass, Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote
from stockpulse_engine.domain.money import ZERO, round_down_to_lot
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.portfolio.margin import opening_rate
from stockpulse_engine.portfolio.reservations import OpeningSide, in_flight, worst_price
from stockpulse_engine.risk.brakes import Brake
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.rejections import Refusals
from stockpulse_engine.risk.verdict import OK, READ, CheckRow
from stockpulse_engine.risk.view import GateView

T = TypeVar("T")
Words = Callable[[], str]
"""What a check says, made only where it is read."""
Numbers = Callable[[], dict[str, str]]
SILENT = CheckRow(name="", verdict=OK, text="")
"""The row of any check that holds where nobody reads it."""
LARGEST = Decimal("1e20")
"""No number of an order or an account reaches this: the ledger takes 20 digits before the point."""
_MOST_NEGATIVE = -LARGEST
MANUAL = "manual"
"""The strategy of orders a person sends."""
SIGNED = frozenset({AssetClass.FUTURE})
"""What may trade below zero: a future's price can, a share's never."""
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
REGULAR_PHASES = (MarketPhase.OPEN, MarketPhase.OPENING_AUCTION, MarketPhase.CLOSING_AUCTION)


class MissingInputError(Exception):
    """A check needs something the view does not have; `code` says what."""

    def __init__(self, code: DenialCode, **words: str) -> None:
        super().__init__(code.value)
        self.code = code
        self.words = words


class Proposal:
    """Terms, view and limits. Every property raises MissingInputError when its inputs are not known."""

    def __init__(
        self,
        terms: OrderTerms,
        view: GateView,
        limits: Limits,
        *,
        allow_duplicate: bool = False,
        bracket: tuple[Decimal | None, Decimal | None] = (None, None),
        is_silent: bool = False,
    ) -> None:
        self.terms = terms
        self.view = view
        self.limits = limits
        self.allow_duplicate = allow_duplicate
        self.bracket = bracket
        self.is_silent = is_silent
        """Nobody will read why a check holds: its words are not made."""

    @once
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return self.terms.side.sign

    @once
    def take(self) -> Decimal | None:
        """Take price of the bracket."""
        return self.bracket[0]

    @once
    def stop(self) -> Decimal | None:
        """Stop price of the bracket."""
        return self.bracket[1]

    @once
    def account(self) -> Account:
        """The account that would own the fill."""
        return self._have(self.view.account, DenialCode.ACCOUNT_UNKNOWN, account=self.terms.account_id)

    @once
    def instrument(self) -> Instrument:
        """What would be traded."""
        return self._have(self.view.instrument, DenialCode.INSTRUMENT_UNKNOWN, instrument=self.terms.instrument_id)

    @once
    def status(self) -> InstrumentStatus:
        """Its phase and halt."""
        return self._have(self.view.status, DenialCode.SESSION_UNKNOWN, instrument=self.terms.instrument_id)

    @once
    def quote(self) -> Quote:
        """Its latest quote."""
        return self._have(self.view.quote, DenialCode.QUOTE_MISSING, instrument=self.terms.instrument_id)

    @once
    def awaited_price(self) -> Decimal | None:
        """For the exit of a bracket that has not begun to fill, the price its entry is expected at; else None."""
        entry = self.view.entry
        if entry is None or entry.filled_quantity:
            return None
        return entry.terms.limit_price or entry.terms.stop_price or self.reference

    @once
    def collar(self) -> Decimal:
        """How far beyond the market this instrument's orders may reach; what is not known trades enough."""
        limits = self.limits
        is_illiquid = 0 < self.instrument.average_daily_volume < limits.illiquid_volume
        return limits.collar_fraction_illiquid if is_illiquid else limits.collar_fraction

    @once
    def spread_fraction(self) -> Decimal:
        """(ask - bid) / mid; negative when crossed, 1 when a side is missing."""
        quote = self.quote
        if quote.bid_size <= 0 or quote.ask_size <= 0:
            return Decimal(1)
        return (quote.ask - quote.bid) / abs((quote.ask + quote.bid) / 2)

    @once
    def is_spread_sane(self) -> bool:
        """Two sides, not crossed, and not wider than the limit."""
        return 0 <= self.spread_fraction <= self.limits.max_spread_fraction

    @once
    def reference(self) -> Decimal:
        """The market's price: the mid of a sane quote, else the last print, else the mid all the same."""
        quote = self.quote
        if not self.is_spread_sane and quote.last is not None:
            return quote.last
        return (quote.bid + quote.ask) / 2

    @once
    def touch(self) -> Decimal:
        """The price a market order would meet: the ask for a buy, the bid for a sell."""
        return self.quote.ask if self.terms.side is Side.BUY else self.quote.bid

    @once
    def entry_price(self) -> Decimal:
        """The price this order is expected to execute at."""
        terms = self.terms
        return terms.limit_price or terms.stop_price or self.touch

    @once
    def worst(self) -> Decimal:
        """The price that makes it dearest; its size where it lies below zero, since that much is at stake."""
        price = worst_price(self.terms, self.quote.bid, self.quote.ask, self.collar)
        return abs(price if price is not None else self.touch)

    @once
    def notional(self) -> Decimal:
        """Quantity at the worst price."""
        return self.terms.quantity * self.worst

    @once
    def is_auto(self) -> bool:
        """Whether a strategy sends it, and no person."""
        return self.terms.strategy != MANUAL

    @once
    def held(self) -> Decimal:
        """Signed quantity held now."""
        return self.money("held", self.view.held)

    @once
    def closable(self) -> Decimal:
        """How much of the position this side may still close, beyond what is working already (L10).

        The exit of a bracket closes what its entry may still fill, too.
        """
        entry = self.view.entry
        against = max(ZERO, -self.held * self.sign) + (entry.leaves_quantity if entry else ZERO)
        return max(ZERO, against - in_flight(self.view.claims, self.sign))

    @once
    def opening(self) -> Decimal:
        """How much of the order would open or add to a position at worst."""
        return max(ZERO, self.terms.quantity - self.closable)

    @once
    def is_reducing(self) -> bool:
        """Whether it can only shrink the position: such exits pass the limits on money."""
        return self.opening == 0

    @once
    def fee(self) -> Decimal:
        """Estimated fee of the whole order at its worst price."""
        return max(ZERO, self.view.fee(self.sign, self.terms.quantity, self.notional))

    @once
    def added_pending(self) -> Decimal:
        """Opening notional this order adds to the open orders of its instrument, at worst."""
        if self.is_reducing:
            return ZERO
        side = OpeningSide(self.view.claims, self.sign)
        before = side.notional_beside(self.held)
        side.add(self.terms.quantity, self.worst)
        return side.notional_beside(self.held) - before

    @once
    def needed(self) -> Decimal:
        """Own money it binds at worst, fee included."""
        return self.added_pending * opening_rate(self.account.account_type) + self.fee

    @once
    def equity(self) -> Decimal:
        """What the account is worth."""
        return self.money("equity", self.view.equity)

    @once
    def pending(self) -> Decimal:
        """What its open orders may open at worst."""
        return self.money("pending", self.view.pending)

    @once
    def brake(self) -> Brake:
        """What the loss limits of the account have done."""
        return self._have(self.view.brake, DenialCode.CANNOT_CHECK, problem="what the loss limits did is not known")

    @once
    def refusals(self) -> Refusals:
        """What the broker refused of this instrument last."""
        return self._have(
            self.view.refusals, DenialCode.CANNOT_CHECK, problem="what the broker refused last is not known"
        )

    def money(self, name: str, value: Decimal | None) -> Decimal:
        """A number of the view that must be known, finite, and no larger than the ledger could hold."""
        if value is None:
            raise MissingInputError(DenialCode.CANNOT_CHECK, problem=f"{name} is not known")
        if not value.is_finite():
            raise MissingInputError(DenialCode.CANNOT_CHECK, problem=f"{name} is not a finite number")
        if not _MOST_NEGATIVE < value < LARGEST:
            raise MissingInputError(DenialCode.CANNOT_CHECK, problem=f"{name} is beyond any account")
        return value

    def holds(self, name: str, text: Words, numbers: Numbers | None = None) -> CheckRow:
        """The check holds."""
        if self.is_silent:
            return SILENT
        return CheckRow(name=name, verdict=OK, text=text(), numbers=numbers() if numbers else {})

    def to_read(self, name: str, text: Words, numbers: Numbers | None = None) -> CheckRow:
        """The check holds, but a person should look."""
        if self.is_silent:
            return SILENT
        return CheckRow(name=name, verdict=READ, text=text(), numbers=numbers() if numbers else {})

    def to_lot(self, quantity: Decimal) -> Decimal:
        """`quantity` rounded down to what may be traded; never negative."""
        return max(ZERO, round_down_to_lot(quantity, self.instrument.lot_size))

    @staticmethod
    def _have(value: T | None, code: DenialCode, **words: str) -> T:
        if value is None:
            raise MissingInputError(code, **words)
        return value
