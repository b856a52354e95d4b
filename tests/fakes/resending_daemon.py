"""A broken engine for the drill: its adapter sends an order again when no answer came. Run as a module."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from stockpulse_engine import daemon
from stockpulse_engine.adapters.paper.broker import PaperBroker
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.trading.ports import AmbiguousOutcomeError

_submit = PaperBroker.submit


async def _submit_again(self: PaperBroker, orders: Sequence[Order]) -> None:
    try:
        await _submit(self, orders)
    except AmbiguousOutcomeError:
        await self.connect()
        await _submit(self, orders)


if __name__ == "__main__":
    PaperBroker.submit = _submit_again  # type: ignore[method-assign] # the mutant
    sys.exit(daemon.main())
