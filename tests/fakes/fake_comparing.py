"""Our figures against a broker's as the API sees them: one account, whose broker shows 7 shares more."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stockpulse_engine.domain.errors import ForbiddenError
from stockpulse_engine.domain.events import SuspenseEnd
from stockpulse_engine.domain.views import ReconcileRow, ReconcileView, SuspenseView

DIFFERENCE = SuspenseView(
    suspense_id="S4F2A91C0E",
    account_id="main",
    instrument_id="AAPL.XNAS",
    ours=Decimal(10),
    theirs=Decimal(17),
    is_blocking=True,
    is_known=False,
    since=1_700_000_000_000_000_000,
    report_seq=12,
    last_fills=("X3", "X1"),
    price=Decimal(100),
)


class FakeComparing:
    """Remembers what was said; a change is one of the engine's effects."""

    def __init__(self, effects: list[str]) -> None:
        self._effects = effects
        self.waiting: SuspenseView | None = DIFFERENCE

    async def run(self, account_id: str = "") -> Sequence[ReconcileView]:
        """Compare."""
        self._effects.append(f"reconcile {account_id or 'all'}")
        return self.views(account_id)

    def views(self, account_id: str = "") -> Sequence[ReconcileView]:
        """As it stands."""
        row = ReconcileRow(instrument_id="AAPL.XNAS", ours=Decimal(10), theirs=Decimal(17), suspense=self.waiting)
        cash = ReconcileRow(instrument_id="", ours=Decimal(99_000), theirs=Decimal(99_000))
        rows = (row, cash) if self.waiting is not None else (cash,)
        return [
            ReconcileView(
                account_id="main", broker="paper", is_clean=True, compared_at=1, compared_wall=1_700_000_000, rows=rows
            )
        ]

    async def explain(
        self, suspense_id: str, how: SuspenseEnd, *, reason: str, word: str, price: Decimal | None = None, actor: str
    ) -> Sequence[ReconcileView]:
        """Only with its word."""
        if word != how.value:
            raise ForbiddenError(f"Type {how.value}.")
        self._effects.append(f"explain {suspense_id}")
        self.waiting = None
        return self.views()
