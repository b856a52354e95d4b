"""Views that are computed, not published: accounts, positions, references, sparks. Only what changed is sent."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from stockpulse_engine.api.pending import Pending
from stockpulse_engine.api.ports import EngineServices
from stockpulse_engine.domain.errors import StockPulseError
from stockpulse_engine.domain.views import AccountView, PositionView

_NOTHING = Decimal(0)


class Follower:
    """Remembers what the heads know, and fills a `Pending` with the difference."""

    def __init__(self, services: EngineServices) -> None:
        self._services = services
        self._accounts: dict[str, AccountView] = {}
        self._positions: dict[tuple[str, str], PositionView] = {}
        self._references: dict[str, tuple[str, str, str]] = {}
        self._sparks: dict[str, tuple[float, ...]] = {}
        self.held: frozenset[str] = frozenset()
        """Instruments whose marks move some account."""

    def holdings(self) -> Pending:
        """Accounts and positions that changed; a position that is gone comes once more with quantity 0."""
        pending = Pending()
        accounts, positions = self._read()
        pending.accounts = {key: view for key, view in accounts.items() if self._accounts.get(key) != view}
        pending.positions = {key: view for key, view in positions.items() if self._positions.get(key) != view}
        for key in self._positions.keys() - positions.keys():
            pending.positions[key] = _closed(self._positions[key])
        self._accounts, self._positions = accounts, positions
        self.held = frozenset(instrument_id for _, instrument_id in positions)
        return pending

    def market(self) -> Pending:
        """References and sparks that changed."""
        pending = Pending()
        references, sparks = self._services.market.references(), self._services.market.sparks()
        pending.references = {key: row for key, row in references.items() if self._references.get(key) != row}
        pending.sparks = {key: row for key, row in sparks.items() if self._sparks.get(key) != row}
        self._references, self._sparks = dict(references), dict(sparks)
        return pending

    def everything(self) -> Pending:
        """Accounts and positions as the heads know them, for a head that knows none yet."""
        pending = Pending()
        pending.accounts, pending.positions = dict(self._accounts), dict(self._positions)
        return pending

    def _read(self) -> tuple[dict[str, AccountView], dict[tuple[str, str], PositionView]]:
        portfolio = self._services.portfolio
        accounts: dict[str, AccountView] = {}
        positions: dict[tuple[str, str], PositionView] = {}
        try:
            for account_id in portfolio.account_ids():
                accounts[account_id] = portfolio.account(account_id)
                for view in portfolio.positions(account_id):
                    positions[view.account_id, view.instrument_id] = view
        except StockPulseError:  # the ledger is not there yet, or no more: the heads keep what they know
            return self._accounts, self._positions
        return accounts, positions


def _closed(view: PositionView) -> PositionView:
    return replace(view, quantity=_NOTHING, value=_NOTHING, unrealized=_NOTHING, average_cost=None, weight=_NOTHING)
