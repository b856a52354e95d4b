"""The last function before the venue (O7): whatever was decided before, it is looked at once more here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from stockpulse_engine.domain.accounts import Account, TradingState
from stockpulse_engine.domain.errors import NotFoundError, UnavailableError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, OrderStatus, OrderTerms
from stockpulse_engine.trading.arming import LiveArming, NotArmedError
from stockpulse_engine.trading.ports import Broker, HaltLatch, PositionSource, RejectedByBrokerError


class NotSentError(Exception):
    """Nothing left; args[0] says why, in words."""


class Router:
    """Chooses the broker by the connection that the account names and lets nothing out that must not leave.

    Args:
        brokers: by the name of the connection; they come and go.
        accounts: the open accounts.
        latch: the halt latch.
        state: ACTIVE, REDUCING or HALTED as recorded.
        is_clean: whether the account's orders are known to match the venue's.
        is_suspended: whether an account's orders in an instrument are held back by a difference to the broker.
        journal_failure: why the journal is read-only, "" while it is not.
        positions: signed holdings, for what REDUCING lets through.
        arming: lets live orders out, and those of nobody else through a live connection.
    """

    def __init__(
        self,
        *,
        brokers: Mapping[str, Broker],
        accounts: Callable[[str], Account | None],
        latch: HaltLatch,
        state: Callable[[], TradingState],
        is_clean: Callable[[Account], bool],
        is_suspended: Callable[[str, str], bool],
        journal_failure: Callable[[], str],
        positions: PositionSource,
        arming: LiveArming,
    ) -> None:
        self._brokers = brokers
        self._accounts = accounts
        self._latch = latch
        self._state = state
        self._is_clean = is_clean
        self._is_suspended = is_suspended
        self._journal_failure = journal_failure
        self._positions = positions
        self._arming = arming

    def account(self, account_id: str) -> Account:
        """An open account. Raises NotFoundError."""
        account = self._accounts(account_id)
        if account is None:
            raise NotFoundError(f"There is no account {account_id!r}.", fix="List them with `sp account`.")
        return account

    def broker_of(self, account_id: str) -> Broker:
        """The broker that holds the account. Raises NotFoundError, UnavailableError."""
        account = self.account(account_id)
        broker = self._brokers.get(account.broker)
        if broker is None:
            raise UnavailableError(
                f"{account_id} is held at {account.broker!r}, and there is no such connection now.",
                fix="List them with `sp broker list`; bring it back with `sp broker add`.",
            )
        return broker

    def is_open(self, account_id: str) -> bool:
        """Whether the way to the venue is free: the link is up and the account is known to match."""
        return self._is_clean(self.account(account_id)) and self.broker_of(account_id).is_connected

    async def send(self, orders: Sequence[Order]) -> None:
        """Send an order, or an entry with its children. Raises NotSentError before the first byte leaves."""
        entry = orders[0]
        self._require_free(entry.terms)
        if entry.status is not OrderStatus.SUBMITTED:
            raise NotSentError(f"it was {entry.status.value} before it left")
        account, broker = self.account(entry.terms.account_id), self.broker_of(entry.terms.account_id)
        try:
            worth = self._arming.take(account, orders, is_exit=self._reduces(entry.terms))
        except NotArmedError as refused:
            raise NotSentError(refused.args[0]) from None
        try:
            await broker.submit(orders)
        except RejectedByBrokerError:
            self._arming.give_back(account, entry.terms.strategy, worth)
            raise

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Send new terms. Raises NotSentError before the first byte leaves."""
        self._require_free(terms)
        account, broker = self.account(terms.account_id), self.broker_of(terms.account_id)
        try:
            self._arming.change(account, order.terms, terms, is_exit=self._reduces(terms))
        except NotArmedError as refused:
            raise NotSentError(refused.args[0]) from None
        await broker.replace(order, terms, request_id)

    async def cancel(self, order: Order, request_id: str) -> None:
        """Send a cancel: never held back by state, limits or latch (O8)."""
        await self.broker_of(order.terms.account_id).cancel(order, request_id)

    async def cancel_all(self, account_id: str) -> None:
        """Send one cancel for everything that works in the account."""
        await self.broker_of(account_id).cancel_all(account_id)

    def _require_free(self, terms: OrderTerms) -> None:
        account = self.account(terms.account_id)
        state = self._state()
        if self._latch.is_set() or state is TradingState.HALTED:
            raise NotSentError("trading is HALTED")
        if failure := self._journal_failure():
            raise NotSentError(f"the journal is read-only: {failure}")
        if not self._is_clean(account):
            raise NotSentError("orders are being compared with the venue")
        if self._is_suspended(terms.account_id, terms.instrument_id):
            raise NotSentError("what the broker holds of it differs from ours and is not explained")
        if state is TradingState.REDUCING and not self._reduces(terms):
            raise NotSentError("trading is REDUCING and it does not reduce")
        if not self.broker_of(terms.account_id).is_connected:
            raise NotSentError("the link to the venue is down")

    def _reduces(self, terms: OrderTerms) -> bool:
        held = self._positions(terms.account_id).get(terms.instrument_id, ZERO)
        signed: Decimal = terms.quantity if terms.side.sign > 0 else -terms.quantity
        return held * signed < 0 and abs(signed) <= abs(held)
