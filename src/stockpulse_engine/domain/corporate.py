"""What a corporate action does to a holding: the arithmetic the venue and the ledger share, and the fact itself."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

import msgspec
from msgspec import structs

from stockpulse_engine.domain.money import MINOR_UNIT, ZERO, round_to_tick, to_minor
from stockpulse_engine.domain.orders import OrderTerms, Side

_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


class ActionStatement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One corporate action as it met one account: stated by the venue, once for each `action_id` and account.

    Attributes:
        action_id: `AAPL.XNAS:SPLIT:2014-06-09`; the same for every account.
        kind: SPLIT, STOCK_DIVIDEND, DIVIDEND, RENAME or DELISTING.
        numerator: new shares …
        denominator: … for so many old ones.
        amount: money per share, of a DIVIDEND.
        lot_size: what the instrument trades in whole multiples of: less than that is paid out.
        price: what a share is worth after a split; a fraction is paid at it.
        before: signed quantity held, in old shares.
        after: signed quantity held afterwards.
        cash: what was paid in (negative: paid by a short position).
        canceled: working orders that were canceled, because their prices and sizes meant old shares.
        adjusted: working orders that were told in new shares.
        tax_rate: part of a dividend that was withheld at the source; withheld: how much that was.
        other_id: what it trades as from now on, of a RENAME.
    """

    action_id: str
    account_id: str
    instrument_id: str
    kind: str
    numerator: int = 1
    denominator: int = 1
    amount: Decimal = ZERO
    lot_size: Decimal = Decimal(1)
    price: Decimal = ZERO
    before: Decimal = ZERO
    after: Decimal = ZERO
    cash: Decimal = ZERO
    canceled: int = 0
    adjusted: int = 0
    tax_rate: Decimal = ZERO
    withheld: Decimal = ZERO
    other_id: str = ""

    @property
    def is_split(self) -> bool:
        """Whether it changes what a share is."""
        return self.numerator != self.denominator


class Parts(NamedTuple):
    """A holding after a split: whole lots, and the fraction that is paid out. Both have the holding's sign."""

    whole: Decimal
    fraction: Decimal


def scaled(quantity: Decimal, numerator: int, denominator: int) -> Decimal:
    """Old shares in new ones, to the ledger's minor unit."""
    return _tidy(_WIDE.quantize(_WIDE.divide(quantity * numerator, Decimal(denominator)), MINOR_UNIT))


def split_parts(quantity: Decimal, numerator: int, denominator: int, lot_size: Decimal) -> Parts:
    """What becomes of a whole position."""
    total = scaled(quantity, numerator, denominator)
    lots = _WIDE.divide(total, lot_size).to_integral_value(ROUND_DOWN)
    whole = _tidy(lots * lot_size)
    return Parts(whole, total - whole)


def share_of(whole: Decimal, part: Decimal, of: Decimal, unit: Decimal) -> Decimal:
    """`whole` × `part` / `of`, rounded to `unit`."""
    return _WIDE.quantize(_WIDE.divide(whole * part, of), unit)


def scaled_price(price: Decimal, numerator: int, denominator: int) -> Decimal:
    """A price of old shares as one of new shares, to the minor unit."""
    return scaled(price, denominator, numerator)


def withheld_of(gross: Decimal, tax_rate: Decimal) -> Decimal:
    """What is kept of a dividend; a short position pays the whole of it."""
    return to_minor(gross * tax_rate) if gross > 0 else ZERO


def exact_price(price: Decimal, numerator: int, denominator: int) -> Decimal:
    """A price of old shares as one of new shares, as exact as it can be written."""
    return _WIDE.divide(price * denominator, Decimal(numerator))


def adjusted_terms(
    terms: OrderTerms, filled: Decimal, ratio: tuple[int, int], *, tick: Decimal, lot: Decimal
) -> OrderTerms | None:
    """An order of old shares in new ones; None where it can not be told in them.

    What is left to execute is scaled (what was executed stays as it was), so that the new quantity less what is filled
    is what is left. Limits are rounded to what is no worse, stops and distances away from the market.
    """
    left = split_parts(terms.quantity - filled, *ratio, lot).whole
    is_buy = terms.side is Side.BUY
    limit, stop = (_on_tick(price, ratio, tick, up=up) for price, up in (
        (terms.limit_price, not is_buy), (terms.stop_price, is_buy)
    ))  # fmt: skip
    trail, offset = (_on_tick(price, ratio, tick, up=True) for price in (terms.trail_amount, terms.limit_offset))
    if left <= 0 or any(price is not None and price <= 0 for price in (limit, stop, trail)):
        return None
    return structs.replace(
        terms, quantity=filled + left, limit_price=limit, stop_price=stop, trail_amount=trail, limit_offset=offset
    )


def _on_tick(price: Decimal | None, ratio: tuple[int, int], tick: Decimal, *, up: bool) -> Decimal | None:
    return None if price is None else round_to_tick(exact_price(price, *ratio), tick, up=up)


def _tidy(number: Decimal) -> Decimal:
    """The same number without zeros that say nothing: 700, not 700.00000000."""
    whole = number.to_integral_value()
    return whole.quantize(Decimal(1)) if whole == number else number.normalize(_WIDE)
