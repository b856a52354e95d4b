"""`?` on numbers of the account, of positions and of orders: formula and inputs that give the number again. Pure.

A formula is arithmetic over the names of its inputs (`×`, `−`, `/`, `|…|`, `max`), so that it can be recomputed as it
stands; what follows a semicolon is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.domain.views import AccountView, PositionView
from stockpulse_engine.render.format import for_copy, format_money, format_number, format_percent
from stockpulse_tui.cell import Cell
from stockpulse_tui.order_words import price_of
from stockpulse_tui.painter import cells

Numbers = Mapping[str, Decimal | None]

POSITION_FORMULAS = {
    "qty": "bought − sold; what is still open",
    "avg cost": "cost of the open lots / quantity",
    "mark": "",
    "day": "realized + open P&L − P&L before the session; fees apart",
    "open P&L": "quantity × mark − cost of the open lots; fees apart",
    "open %": "open P&L / |average cost × quantity|",
    "value": "quantity × mark",
    "weight": "|quantity × mark| / equity",
    "at stop": "covered × (stop price − mark); what is lost from now if the nearest stop fills at its price",
    "term": "whole days of market time since it was opened; LT after a year",
    "fees": "sum of the fees of its fills",
}
ORDER_FORMULAS = {
    "away": "|last − own price| / tick; whole ticks to the last trade",
    "queue": "ahead of it; displayed when first seen, less what printed there since, never more than displayed now",
    "slip bp": "(average price − (bid at arrival + ask at arrival) / 2) × side"
    " / ((bid at arrival + ask at arrival) / 2) × 10000; positive is a cost",
    "filled": "filled; of the quantity ordered, the sum of its fills",
    "age": "market time now − market time of the order",
}
ACCOUNT_FORMULAS = {
    "equity": "cash + market value",
    "day": "equity − equity at the session's open − paid in since; fees are in it",
    "day %": "day P&L / equity at the session's open",
    "gross": "sum of |value| / equity",
    "net": "market value / equity",
    "loss left": "max(0, limit of the day's loss + day P&L); at 0 only what reduces is let through",
}


def position_inputs(
    name: str, position: PositionView, account: AccountView | None, orders: Iterable[Order]
) -> dict[str, str]:
    """The numbers in the formula of a column of the positions."""
    p = position
    cost = None if p.value is None or p.unrealized is None else p.value - p.unrealized
    mark = {"quantity": p.quantity, "mark": p.mark}
    known: dict[str, Numbers] = {
        "avg cost": {"cost of the open lots": cost, "quantity": p.quantity},
        "day": {"realized": p.realized, "open P&L": p.unrealized, "P&L before the session": p.day_base},
        "open P&L": {**mark, "cost of the open lots": cost},
        "open %": {"open P&L": p.unrealized, "average cost": p.average_cost, "quantity": p.quantity},
        "value": mark,
        "weight": {**mark, "equity": account.equity if account else None},
        "at stop": {"covered": _covered(p, orders), "stop price": p.stop_price, "mark": p.mark},
    }
    return _texts(known.get(name, {}))


def _covered(position: PositionView, orders: Iterable[Order]) -> Decimal | None:
    """How much of the position its nearest stop closes, signed as the position."""
    sign = 1 if position.quantity > 0 else -1
    for order in orders:
        terms = order.terms
        is_its_stop = terms.instrument_id == position.instrument_id and terms.stop_price == position.stop_price
        if is_its_stop and order.is_open and terms.side.sign == -sign and terms.account_id == position.account_id:
            return min(order.leaves_quantity, abs(position.quantity)) * sign
    return None


def order_inputs(name: str, order: Order, last: Decimal | None, tick: Decimal, ahead: Decimal | None) -> dict[str, str]:
    """The numbers in the formula of a column of the orders."""
    known: dict[str, Numbers] = {
        "away": {"last": last, "own price": price_of(order), "tick": tick},
        "queue": {"ahead of it": ahead},
        "slip bp": {
            "average price": order.average_price,
            "bid at arrival": order.arrival_bid,
            "ask at arrival": order.arrival_ask,
            "side": Decimal(order.terms.side.sign),
        },
        "filled": {"filled": order.filled_quantity, "quantity": order.terms.quantity},
    }
    said = {"status": order.status.value, "client id": order.client_order_id}
    return {**_texts(known.get(name, {"price": price_of(order), "quantity": order.terms.quantity})), **said}


def account_cells(view: AccountView, marked_at: int) -> dict[str, Cell]:
    """The numbers of the header by name; `marked_at` is the market time of the oldest mark among them."""
    day = view.day_pnl
    ratio = day / view.equity_open if view.equity_open else None
    gross = view.gross_exposure / view.equity if view.equity > 0 else None
    net = view.net_exposure / view.equity if view.equity > 0 else None
    shown = {
        "equity": format_money(view.equity),
        "day": format_money(day, signed=True),
        "day %": format_percent(ratio),
        "gross": format_percent(gross, places=0, signed=False),
        "net": format_percent(net, places=0),
        "loss left": "·" if view.loss_left is None else format_number(view.loss_left, 0),
    }
    inputs: dict[str, Numbers] = {
        "equity": {"cash": view.cash, "market value": view.market_value},
        "day": {"equity": view.equity, "equity at the session's open": view.equity_open, "paid in since": view.paid_in},
        "day %": {"day P&L": day, "equity at the session's open": view.equity_open},
        "gross": {"sum of |value|": view.gross_exposure, "equity": view.equity},
        "net": {"market value": view.net_exposure, "equity": view.equity},
        "loss left": {"limit of the day's loss": view.loss_limit, "day P&L": day},
    }
    name = cells(clean_line(view.account.account_id, 24))
    row = {key: for_copy(text) for key, text in shown.items()}
    return {
        key: Cell(
            name=f"{key} of {name}",
            value=row[key],
            source="ledger and the marks of what is held",
            formula=formula,
            inputs=_texts(inputs[key]),
            ts_event=marked_at,
            row=row,
        )
        for key, formula in ACCOUNT_FORMULAS.items()
    }


def _texts(known: Numbers) -> dict[str, str]:
    return {name: f"{value:,f}" for name, value in known.items() if value is not None}
