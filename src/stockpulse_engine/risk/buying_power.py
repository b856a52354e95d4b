"""What may still be bought: the reservations of open orders, under one name for the rooms above.

The worst case of each order is worked out in `portfolio.reservations`, because the account view shows it too;
this module answers the questions an order asks.
"""

from __future__ import annotations

from decimal import Decimal

from stockpulse_engine.domain.money import ZERO, round_down_to_lot
from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.portfolio.reservations import Claim, ClaimCache, claim_of, in_flight, worst_price
from stockpulse_engine.risk.limits import Limits
from stockpulse_engine.risk.proposal import Proposal
from stockpulse_engine.risk.view import GateView

__all__ = ["Claim", "ClaimCache", "claim_of", "funds_needed", "in_flight", "quantity_for_risk", "worst_price"]


def funds_needed(terms: OrderTerms, view: GateView, limits: Limits) -> Decimal:
    """Own money the order would bind at worst, fee included; raises when an input is not known."""
    return Proposal(terms, view, limits).needed


def quantity_for_risk(amount: Decimal, entry: Decimal, stop: Decimal, lot: Decimal) -> Decimal:
    """The quantity that loses at most `amount` between entry and stop, on the lot; zero when they coincide."""
    distance = abs(entry - stop)
    return round_down_to_lot(amount / distance, lot) if distance else ZERO
