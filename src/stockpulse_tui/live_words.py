"""Whose money an order moves, in words: PAPER or LIVE wherever an order is made, changed or sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from stockpulse_engine.domain.orders import OrderTerms
from stockpulse_engine.render.sentence import describe_order

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp


def money_word(shell: StockPulseApp) -> str:
    """PAPER or LIVE, of the account on the screen."""
    view = shell.live.account
    return view.account.kind.value if view is not None else "PAPER"


def live_sentences(shell: StockPulseApp, terms: OrderTerms) -> list[str]:
    """A LIVE order once more: side, symbol, quantity, what it may move, and how much of the equity that is."""
    view, quote = shell.live.account, shell.store.quotes.get(terms.instrument_id)
    prices = [terms.limit_price, terms.stop_price, quote.ask if quote else None, quote.bid if quote else None]
    price = next((one for one in prices if one is not None), None)
    what = f"{terms.side.value} {terms.quantity:,f} {terms.instrument_id}: {describe_order(terms)}."
    if price is None:
        amount = "Nobody can say what it would move."
    else:
        notional: Decimal = terms.quantity * price
        part = f", {notional / view.equity:.1%} of the equity" if view is not None and view.equity > 0 else ""
        currency = f" {view.account.currency}" if view is not None else ""
        amount = f"About {notional:,.2f}{currency}{part}."
    whose = view.account.account_id if view is not None else ""
    return [f"This sends REAL MONEY from {whose}.", what, amount]
