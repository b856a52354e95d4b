"""One order put before the gate, with the numbers several checks need worked out once."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.market import InstrumentStatus, MarketPhase, Quote
from stockpulse_engine.domain.money import ZERO, round_down_to_lot
from stockpulse_engine.domain.orders import OrderTerms, OrderType, Side
from stockpulse_engine.portfolio.margin import opening_rate
from stockpulse_engine.portfolio.reservations import Claim, in_flight, opening_notional, worst_price
from stockpulse_engine.risk.codes import DenialCode
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.view import GateView

T = TypeVar("T")
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
    ) -> None:
        self.terms = terms
        self.view = view
        self.limits = limits
        self.allow_duplicate = allow_duplicate
        self.bracket = bracket

    @property
    def take(self) -> Decimal | None:
        """Take price of the bracket."""
        return self.bracket[0]

    @property
    def stop(self) -> Decimal | None:
        """Stop price of the bracket."""
        return self.bracket[1]

    @cached_property
    def account(self) -> Account:
        """The account that would own the fill."""
        return self._have(self.view.account, DenialCode.ACCOUNT_UNKNOWN, account=self.terms.account_id)

    @cached_property
    def instrument(self) -> Instrument:
        """What would be traded."""
        return self._have(self.view.instrument, DenialCode.INSTRUMENT_UNKNOWN, instrument=self.terms.instrument_id)

    @cached_property
    def status(self) -> InstrumentStatus:
        """Its phase and halt."""
        return self._have(self.view.status, DenialCode.SESSION_UNKNOWN, instrument=self.terms.instrument_id)

    @cached_property
    def quote(self) -> Quote:
        """Its latest quote."""
        return self._have(self.view.quote, DenialCode.QUOTE_MISSING, instrument=self.terms.instrument_id)

    @cached_property
    def awaited_price(self) -> Decimal | None:
        """For the exit of a bracket that has not begun to fill, the price its entry is expected at; else None."""
        entry = self.view.entry
        if entry is None or entry.filled_quantity:
            return None
        return entry.terms.limit_price or entry.terms.stop_price or self.reference

    @cached_property
    def spread_fraction(self) -> Decimal:
        """(ask - bid) / mid; negative when crossed, 1 when a side is missing."""
        quote = self.quote
        if quote.bid_size <= 0 or quote.ask_size <= 0:
            return Decimal(1)
        return (quote.ask - quote.bid) / ((quote.ask + quote.bid) / 2)

    @cached_property
    def is_spread_sane(self) -> bool:
        """Two sides, not crossed, and not wider than the limit."""
        return 0 <= self.spread_fraction <= self.limits.max_spread_fraction

    @cached_property
    def reference(self) -> Decimal:
        """The market's price: the mid of a sane quote, else the last print, else the mid all the same."""
        quote = self.quote
        if not self.is_spread_sane and quote.last is not None:
            return quote.last
        return (quote.bid + quote.ask) / 2

    @cached_property
    def touch(self) -> Decimal:
        """The price a market order would meet: the ask for a buy, the bid for a sell."""
        return self.quote.ask if self.terms.side is Side.BUY else self.quote.bid

    @cached_property
    def entry_price(self) -> Decimal:
        """The price this order is expected to execute at."""
        terms = self.terms
        return terms.limit_price or terms.stop_price or self.touch

    @cached_property
    def worst(self) -> Decimal:
        """The price that makes it dearest."""
        price = worst_price(self.terms, self.quote.bid, self.quote.ask, self.limits.collar_fraction)
        return price if price is not None else self.touch

    @cached_property
    def notional(self) -> Decimal:
        """Quantity at the worst price."""
        return self.terms.quantity * self.worst

    @cached_property
    def held(self) -> Decimal:
        """Signed quantity held now."""
        return self.money("held", self.view.held)

    @cached_property
    def closable(self) -> Decimal:
        """How much of the position this side may still close, beyond what is working already (L10).

        The exit of a bracket closes what its entry may still fill, too.
        """
        entry = self.view.entry
        against = max(ZERO, -self.held * self.terms.side.sign) + (entry.leaves_quantity if entry else ZERO)
        return max(ZERO, against - in_flight(self.view.claims, self.terms.side.sign))

    @cached_property
    def opening(self) -> Decimal:
        """How much of the order would open or add to a position at worst."""
        return max(ZERO, self.terms.quantity - self.closable)

    @cached_property
    def is_reducing(self) -> bool:
        """Whether it can only shrink the position: such exits pass the limits on money."""
        return self.opening == 0

    @cached_property
    def fee(self) -> Decimal:
        """Estimated fee of the whole order at its worst price."""
        return max(ZERO, self.view.fee(self.terms.side.sign, self.terms.quantity, self.notional))

    @cached_property
    def added_pending(self) -> Decimal:
        """Opening notional this order adds to the open orders of its instrument, at worst."""
        if self.is_reducing:
            return ZERO
        claims = list(self.view.claims)
        before = opening_notional(claims, self.held)
        claim = Claim(self.terms.instrument_id, self.terms.side.sign, self.terms.quantity, self.worst, ZERO, False)
        return opening_notional([*claims, claim], self.held) - before

    @cached_property
    def needed(self) -> Decimal:
        """Own money it binds at worst, fee included."""
        return self.added_pending * opening_rate(self.account.account_type) + self.fee

    def money(self, name: str, value: Decimal | None) -> Decimal:
        """A number of the view that must be known and finite."""
        if value is None:
            raise MissingInputError(DenialCode.CANNOT_CHECK, problem=f"{name} is not known")
        if not value.is_finite():
            raise MissingInputError(DenialCode.CANNOT_CHECK, problem=f"{name} is not a finite number")
        return value

    def to_lot(self, quantity: Decimal) -> Decimal:
        """`quantity` rounded down to what may be traded; never negative."""
        return max(ZERO, round_down_to_lot(quantity, self.instrument.lot_size))

    @staticmethod
    def _have(value: T | None, code: DenialCode, **words: str) -> T:
        if value is None:
            raise MissingInputError(code, **words)
        return value
