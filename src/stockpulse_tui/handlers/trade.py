"""`b` and `v` wherever no pane draws a line of its own: the order ticket."""

from __future__ import annotations

from stockpulse_tui.handlers import Handler


class TradeHandler(Handler):
    """Opening tickets."""

    def do_order_buy(self) -> None:
        """A ticket to buy; `BUY AAPL 100 lmt mid` on the command line fills it in."""
        self._open("buy")

    def do_order_sell(self) -> None:
        """A ticket to sell."""
        self._open("sell")

    def _open(self, side: str) -> None:
        from stockpulse_tui.screens.ticket import open_order_ticket

        open_order_ticket(self.shell, side)
