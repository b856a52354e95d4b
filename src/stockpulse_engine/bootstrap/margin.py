"""Margin calls are said when they begin and when they are met: an account view shows one, an alert is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from stockpulse_engine.bus.bus import Bus
from stockpulse_engine.bus.topics import AlertRaised
from stockpulse_engine.domain.views import AccountView

LOOK_S = 1.0
CALM_LOOKS = 5
"""So many looks in a row without the call before it counts as met: prices tremble around the edge."""


class MarginWatch:
    """Looks at every account once a second.

    Args:
        accounts: ids of the open accounts.
        view: balances of one of them at the marks of this moment.
        bus: where alerts are told.
        market_now: their time.
    """

    def __init__(
        self,
        accounts: Callable[[], Sequence[str]],
        view: Callable[[str], AccountView],
        bus: Bus,
        market_now: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._view = view
        self._bus = bus
        self._market_now = market_now
        self._calm: dict[str, int] = {}
        """Accounts whose call was told → looks in a row at which there was none."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Compare every account with what was told of it."""
        for account_id in self._accounts():
            view = self._view(account_id)
            if view.margin_call > 0:
                if account_id not in self._calm:
                    self._alert("danger", _call_words(view), account_id)
                self._calm[account_id] = 0
            elif account_id in self._calm:
                self._calm[account_id] += 1
                if self._calm[account_id] >= CALM_LOOKS:
                    del self._calm[account_id]
                    self._alert("info", f"The margin call of {account_id} is met.", account_id)

    def _alert(self, level: str, text: str, subject: str) -> None:
        self._bus.publish(AlertRaised(ts_event=self._market_now(), level=level, text=text, subject=subject))


def _call_words(view: AccountView) -> str:
    account = view.account
    return (
        f"Margin call of {_money(view.margin_call)} {account.currency} on {account.account_id}: equity of "
        f"{_money(view.equity)} is below the {_money(view.maintenance_margin)} that its positions need. Nothing that "
        "opens a position is taken; close or reduce some, or `sp flatten`."
    )


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"
