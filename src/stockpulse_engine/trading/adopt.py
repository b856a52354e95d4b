"""Taking over an account that exists at its broker already: cash, holdings and where the reports stand, as one moment.

Executions that are part of what it holds must never be booked again: those that a later question could bring back are
named in the fact, by id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from msgspec import structs

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import VenueHolding
from stockpulse_engine.domain.errors import ConflictError, InvalidValueError
from stockpulse_engine.domain.events import AccountOpened, CashMoved, Event, HoldingsAdopted
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.reports import VenueAccount
from stockpulse_engine.portfolio.marks import mark_of_quote
from stockpulse_engine.trading.desk import Desk
from stockpulse_engine.trading.intake import Intake
from stockpulse_engine.trading.ports import Broker

_TRIES: Final = 3
"""Looks for a moment in which the account stands still."""


@runtime_checkable
class TellsHoldings(Protocol):
    """A broker that can say what its positions were acquired at."""

    async def fetch_holdings(self, account_id: str) -> Sequence[VenueHolding]:
        """Positions with their average prices, complete or an exception."""
        ...


class Adopter:
    """Reads an account at its broker and says the facts that open it here."""

    def __init__(self, desk: Desk, intake: Intake) -> None:
        self._desk = desk
        self._intake = intake

    async def facts(self, account: Account, holdings: Sequence[VenueHolding] | None, actor: str) -> list[Event]:
        """What to record, all in one write; `holdings` bring the prices that `fetch_account` does not tell.

        Without them the broker is asked, if it can say what its positions cost; else the market's price counts.

        Raises:
            ConflictError: the account does not stand still, or holds something else than `holdings` say.
            InvalidValueError: a holding without any price.
        """
        desk, broker = self._desk, self._desk.brokers[account.broker]
        async with asyncio.timeout(desk.timing.connect):
            if not broker.is_connected:
                await broker.connect()
            await broker.open_account(account)
            if holdings is None and isinstance(broker, TellsHoldings):
                holdings = await broker.fetch_holdings(account.account_id)
            venue, known_fills = await self._still(account, broker)
        if holdings is None:
            holdings = [VenueHolding(instrument_id=key, quantity=held) for key, held in venue.positions.items()]
        said = {one.instrument_id: one.quantity for one in holdings if one.quantity}
        if said != {key: quantity for key, quantity in venue.positions.items() if quantity}:
            raise ConflictError("The broker holds something else by now.", fix="Read the account again.")
        now, wall = desk.market_now(), desk.clock.now_ns()
        opened = structs.replace(
            account, initial_cash=max(ZERO, venue.cash), opened_at=account.opened_at or desk.market_now()
        )
        facts: list[Event] = [AccountOpened(account=opened, ts_event=now, recorded_at=wall, actor=actor)]
        if venue.cash < 0:  # borrowed: a deposit cannot be less than nothing
            facts.append(
                CashMoved(
                    movement_id=f"adopted:{account.account_id}",
                    account_id=account.account_id,
                    amount=venue.cash,
                    currency=account.currency,
                    reason="cash owed to the broker when the account was taken over",
                    ts_event=now,
                    recorded_at=wall,
                    actor=actor,
                )
            )
        facts.append(
            HoldingsAdopted(
                account_id=account.account_id,
                holdings=tuple(self._priced(one) for one in holdings if one.quantity),
                known_fills=known_fills,
                report_seq=self._stands_at(broker, venue),
                ts_event=now,
                recorded_at=wall,
                actor=actor,
            )
        )
        return facts

    async def _still(self, account: Account, broker: Broker) -> tuple[VenueAccount, tuple[str, ...]]:
        """Balances of a moment, and the executions before it that a later question may bring back."""
        venue = await broker.fetch_account(account.account_id)
        for _ in range(_TRIES):
            since = self._since(account, broker, venue)
            fills = await broker.fetch_fills(account.account_id, since)
            before, venue = venue, await broker.fetch_account(account.account_id)
            if (before.last_report_seq, before.cash, before.positions) == (
                venue.last_report_seq,
                venue.cash,
                venue.positions,
            ):
                return venue, tuple(fill.fill_id for fill in fills)
        raise ConflictError("The account changes while it is read.", fix="Try again in a moment.")

    def _since(self, account: Account, broker: Broker, venue: VenueAccount) -> int:
        """From where on a later comparison will ask: the broker's cursor, or where it will be put."""
        start = self._intake.cursor(account.broker) or self._stands_at(broker, venue)
        return max(0, start - broker.capabilities.overlap)

    def _stands_at(self, broker: Broker, venue: VenueAccount) -> int:
        if broker.capabilities.numbers_reports:
            return venue.last_report_seq
        return venue.ts_event or self._desk.clock.now_ns()

    def _priced(self, holding: VenueHolding) -> VenueHolding:
        """With the price it was acquired at, else the market's: a lot without cost would be all profit."""
        price: Decimal | None = holding.average_price
        if price is None:
            quote = self._desk.quotes(holding.instrument_id)
            mark = mark_of_quote(quote) if quote is not None else None
            price = mark.price if mark is not None else None
        if price is None:
            raise InvalidValueError(
                f"Neither the broker nor the market names a price of {holding.instrument_id}.",
                fix="Adopt the account while the market is open.",
            )
        return structs.replace(holding, average_price=price)
