"""What a person asks about our figures and the broker's: compare now, how it stands, which side is right."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.events import SuspenseEnd
from stockpulse_engine.domain.views import ReconcileView, SuspenseView
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.link import Link
from stockpulse_engine.trading.reconciliation import ReconcileReader
from stockpulse_engine.trading.suspense import Suspender
from stockpulse_engine.trading.words import suspense_words


class Comparing:
    """Implements `api.ports.ComparingPort`; `links` are the connections that run now."""

    def __init__(self, desk: Desk, links: Mapping[str, Link], suspender: Suspender, reader: ReconcileReader) -> None:
        self._desk = desk
        self._links = links
        self._suspender = suspender
        self._reader = reader

    async def run(self, account_id: str = "") -> tuple[ReconcileView, ...]:
        """Compare now, one account or all; what cannot be compared says why. Raises NotFoundError."""
        return tuple([self._reader.view(one, await self._compare(one)) for one in self._chosen(account_id)])

    def views(self, account_id: str = "") -> tuple[ReconcileView, ...]:
        """How the last comparison of one account or of all stands. Raises NotFoundError."""
        return tuple(self._reader.view(account) for account in self._chosen(account_id))

    def suspense(self, account_id: str) -> tuple[SuspenseView, ...]:
        """Differences of an account to its broker that are open, or known and left standing."""
        return self._reader.suspense(account_id)

    def suspended(self, account_id: str, instrument_id: str) -> str:
        """The difference that holds back new orders of an instrument, in words; "" for none."""
        one = self._desk.recorder.front.blocking(account_id, instrument_id)
        return "" if one is None else suspense_words(one.instrument_id, one.ours, one.theirs)

    async def explain(
        self, suspense_id: str, how: SuspenseEnd, *, reason: str, word: str, price: Decimal | None = None, actor: str
    ) -> tuple[ReconcileView, ...]:
        """A person says which side of a difference is right; see `Suspender.explain` for what is refused."""
        fact = await self._suspender.explain(suspense_id, how, reason=reason, word=word, price=price, actor=actor)
        if link := self._links.get(self._desk.router.account(fact.account_id).broker):
            link.want_compare()  # what stands in the books now is seen to match, or not
        return self.views(fact.account_id)

    def _chosen(self, account_id: str) -> tuple[Account, ...]:
        if account_id:
            return (self._desk.router.account(account_id),)
        return tuple(self._desk.recorder.front.accounts.values())

    async def _compare(self, account: Account) -> str:
        link = self._links.get(account.broker)
        return f"there is no connection {account.broker!r} now" if link is None else await link.compare_now(account)
