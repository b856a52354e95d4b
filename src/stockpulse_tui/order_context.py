"""What the words of an order line refer to, looked up in what this head knows."""

from __future__ import annotations

from collections.abc import Sequence

from stockpulse_engine.actions.fuzzy import match
from stockpulse_engine.actions.orderline import OrderContext
from stockpulse_engine.domain.instruments import Instrument, symbol_of
from stockpulse_tui.store import Store

MAX_NEAREST = 6


def order_context(store: Store, instrument_id: str) -> OrderContext:
    """Look-ups for the default account; `instrument_id` is meant where the line names none."""
    view = store.account

    def resolve(text: str) -> Instrument | None:
        return store.by_symbol.get(text) or store.instruments.get(text)

    def nearest(prefix: str) -> Sequence[str]:
        found = [(-m.score, symbol) for symbol in store.by_symbol if (m := match(prefix, symbol)) is not None]
        return [symbol for _, symbol in sorted(found)[:MAX_NEAREST]]

    return OrderContext(
        account_id=view.account.account_id if view else "",
        resolve=resolve,
        quote=store.quotes.get,
        position=store.held,
        equity=view.equity if view else None,
        nearest=nearest,
        default_symbol=symbol_of(instrument_id) if instrument_id else "",
        now_ns=store.clock.market_ns if store.clock else 0,
        time_zone=store.clock.time_zone if store.clock else "America/New_York",
        orders=lambda: reversed(store.orders.values()),
    )
