"""Requests about a moment of the past, for either client's `send`. Apart from the others: most commands need none.

A moment is text as people say it (`2013-10-07 11:32`, `-5m`) or UTC nanoseconds in digits.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from stockpulse_engine.client.call import Call, get
from stockpulse_engine.domain import views
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Bar
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.past import KnownQuote, Moment, PastView

LONG_S = 15.0
"""How much longer than usual a long journal may take."""


def view(at: str) -> Call[PastView]:
    """Everything that was known, or how far it is: ask again until it is ready."""
    return get("/v1/past", PastView, at=at)


def moment(at: str) -> Call[Moment]:
    """What a moment means."""
    return get("/v1/past/moment", Moment, at=at)


def quotes(ids: tuple[str, ...], at: str) -> Call[list[KnownQuote]]:
    """What was known of these prices."""
    return _long(get("/v1/past/quotes", list[KnownQuote], ids=",".join(ids), at=at))


def bars(
    instrument_id: str, spec: str = "1m", limit: int = 300, end_ns: int | None = None, *, at: str
) -> Call[list[Bar]]:
    """Bars as they were known, the open one as it stood."""
    return _long(get("/v1/bars", list[Bar], id=instrument_id, spec=spec, limit=limit, end_ns=end_ns, at=at))


def study(instrument_id: str, spec: str, text: str, limit: int = 300, *, at: str) -> Call[views.StudyView]:
    """A study over those bars."""
    return _long(get("/v1/study", views.StudyView, id=instrument_id, spec=spec, study=text, limit=limit, at=at))


def explain(name: str, instrument_id: str, *, at: str) -> Call[views.Explanation]:
    """How a market cell of that moment is made."""
    return _long(get("/v1/explain", views.Explanation, name=name, id=instrument_id, at=at))


def positions(account_id: str = "", *, at: str) -> Call[list[views.PositionView]]:
    """Positions as they stood."""
    return _long(get("/v1/positions", list[views.PositionView], account=account_id, at=at))


def lots(account_id: str = "", instrument_id: str = "", *, at: str) -> Call[list[views.LotView]]:
    """Lots as they stood."""
    return _long(get("/v1/lots", list[views.LotView], account=account_id, instrument=instrument_id, at=at))


def portfolio(account_id: str = "", *, at: str) -> Call[views.PortfolioView]:
    """Account, positions and equity curve as they stood."""
    return _long(get("/v1/portfolio", views.PortfolioView, account=account_id, at=at))


def account(account_id: str = "", *, at: str) -> Call[views.AccountView]:
    """Balances as they stood."""
    return _long(get("/v1/account", views.AccountView, account=account_id, at=at))


def orders(scope: str = "today", account_id: str = "", limit: int = 500, *, at: str) -> Call[list[Order]]:
    """Orders as they stood."""
    return _long(get("/v1/orders", list[Order], scope=scope, account=account_id, limit=limit, at=at))


def order_life(client_order_id: str, *, at: str) -> Call[views.OrderLife]:
    """What the journal knew about the order by then."""
    from urllib.parse import quote as escape

    return _long(get(f"/v1/orders/{escape(client_order_id, safe='')}/life", views.OrderLife, at=at))


def fills(account_id: str = "", client_order_id: str = "", limit: int = 500, *, at: str) -> Call[list[Fill]]:
    """Fills known by then."""
    return _long(get("/v1/fills", list[Fill], account=account_id, order=client_order_id, limit=limit, at=at))


def _long(call: Call[Any]) -> Call[Any]:

    return replace(call, extra_s=LONG_S)
