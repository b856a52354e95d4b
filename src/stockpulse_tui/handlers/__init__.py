"""What actions do when no pane takes them. A handler is a class of `do_…` methods, named here once.

A key or a line means an action of the registry. A method named after it (`order.buy` → `do_order_buy`) is looked for
in the focused widget, its ancestors, the open view, then in these handlers, then in the view's other panes, first
come first served. An action nobody does has no key in the footer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockpulse_tui.app import StockPulseApp

HANDLERS: tuple[str, ...] = (
    "stockpulse_tui.handlers.safety:SafetyHandler",
    "stockpulse_tui.handlers.brokers:BrokerHandler",
    "stockpulse_tui.handlers.trade:TradeHandler",
    "stockpulse_tui.handlers.comparing:ComparingHandler",
    "stockpulse_tui.handlers.book:BookHandler",
    "stockpulse_tui.handlers.query:QueryHandler",
    "stockpulse_tui.handlers.jobs:JobsHandler",
    "stockpulse_tui.handlers.risk:RiskHandler",
    "stockpulse_tui.handlers.worlds:WorldHandler",
    "stockpulse_tui.handlers.past:PastHandler",
    "stockpulse_tui.handlers.around:AroundHandler",
)
"""`module:class`, asked in this order. One more line plugs one more in."""


class Handler:
    """Base: knows the shell."""

    def __init__(self, shell: StockPulseApp) -> None:
        self.shell = shell


def make_handlers(shell: StockPulseApp) -> list[Handler]:
    """One of each."""
    made: list[Handler] = []
    for target in HANDLERS:
        module, _, attribute = target.partition(":")
        handler = getattr(import_module(module), attribute)(shell)
        assert isinstance(handler, Handler)
        made.append(handler)
    return made


def method_name(action_id: str) -> str:
    """`order.buy` → `do_order_buy`."""
    return f"do_{action_id.replace('.', '_')}"
