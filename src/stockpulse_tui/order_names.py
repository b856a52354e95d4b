"""Which order a command line names: `CANCEL C01M7`, by its id or the beginning or end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockpulse_engine.domain.orders import Order

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

SHORTEST = 3


def named_order(shell: StockPulseApp) -> Order | None:
    """The order the running command names; None when it names none or more than one, which is then said."""
    words = shell.command.arguments if shell.command else ()
    if not words:
        shell.notify_line("name an order: the beginning or the end of its id", "warn")
        return None
    text = words[0].upper().lstrip("…")
    orders = shell.store.orders
    if shell.rewind.is_past:  # what may be canceled is of now
        orders = {**shell.live.orders, **orders}
    exact = orders.get(text)
    if exact is not None:
        return exact
    found = [o for key, o in orders.items() if len(text) >= SHORTEST and (key.startswith(text) or key.endswith(text))]
    roots = [order for order in found if not order.parent_id] or found
    if len(roots) == 1:
        return roots[0]
    shell.notify_line(f"{len(roots) or 'no'} orders here have an id like {text[:24]}", "warn")
    return None
