"""What is done for the accounts of an engine that hangs or is dead: over connections of our own, and only cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from stockpulse_engine.base.text import clean_line
from stockpulse_engine.bootstrap.charge import Ward
from stockpulse_engine.domain.errors import UnavailableError
from stockpulse_engine.domain.money import ZERO
from stockpulse_engine.domain.orders import Order, Side
from stockpulse_engine.domain.reports import VenueAccount, VenueOrder
from stockpulse_engine.trading.settings import LossPolicy

STEP_S: Final = 5.0
"""How long a broker may take for one answer."""
_LOOKS: Final = 20
_PAUSE_S: Final = 0.25
_ENDED: Final = frozenset({"FILLED", "CANCELED", "EXPIRED", "REJECTED"})


class CancelSession(Protocol):
    """The part of a broker that cannot make a position larger. A `trading.ports.Broker` has it."""

    async def connect(self) -> None:
        """Open the line; raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel one order."""
        ...

    async def cancel_all(self, account_id: str) -> None:
        """Ask to cancel everything that works."""
        ...

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders, complete or an exception."""
        ...

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions."""
        ...


Opener = Callable[[str], CancelSession]
"""Makes a session of our own with the broker of that name. Raises StockPulseError."""
Sleep = Callable[[float], Awaitable[None]]


class Outcome(msgspec.Struct, frozen=True):
    """What came of it, by account: orders that went and that stayed, or why not all of it could be done."""

    done: dict[str, Gone]
    failed: dict[str, str]


class Gone(msgspec.Struct, frozen=True):
    """One account that is as its policy wants it: orders canceled, and orders left as protection."""

    canceled: int
    kept: int


async def protect(wards: Sequence[Ward], open_session: Opener, sleep: Sleep = asyncio.sleep) -> Outcome:
    """Cancel what each account's policy names. Doing it again is harmless: what is gone is not canceled twice."""
    done: dict[str, Gone] = {}
    failed: dict[str, str] = {}
    for ward in wards:
        if ward.policy is LossPolicy.ALARM:
            continue
        try:
            done[ward.account_id] = await _protect_one(ward, open_session(ward.broker), sleep)
        except Exception as error:  # noqa: BLE001 - one account that fails must not keep the others from being served
            failed[ward.account_id] = clean_line(str(error) or type(error).__name__, 200)
    return Outcome(done, failed)


async def _protect_one(ward: Ward, session: CancelSession, sleep: Sleep) -> Gone:
    """Cancel and look until it is so. Raises UnavailableError when orders that should be gone still work."""
    try:
        await asyncio.wait_for(session.connect(), STEP_S)
        doomed, kept = await _sort(ward, session)
        canceled = len(doomed)
        if doomed and ward.policy is LossPolicy.CANCEL_ALL:
            await asyncio.wait_for(session.cancel_all(ward.account_id), STEP_S)
        elif doomed:
            await _cancel_each(doomed, session)
        for _ in range(_LOOKS):
            if not doomed:
                break
            await sleep(_PAUSE_S)
            doomed, kept = await _sort(ward, session)
        if doomed:
            raise UnavailableError(f"{len(doomed)} orders are still working")
        return Gone(canceled, len(kept))
    finally:
        await session.close()


async def _cancel_each(doomed: Sequence[VenueOrder], session: CancelSession) -> None:
    """Ask for each; a refusal is settled by the look that follows: filled and gone are both gone."""
    for order in doomed:
        try:
            await asyncio.wait_for(session.cancel(_ours(order), f"watchdog-{order.venue_order_id}"), STEP_S)
        except Exception:  # noqa: BLE001, S112 - the next look tells whether it still works
            continue


async def _sort(ward: Ward, session: CancelSession) -> tuple[Sequence[VenueOrder], Sequence[VenueOrder]]:
    """What works now and should not, and what may stay."""
    orders = await asyncio.wait_for(session.fetch_open_orders(ward.account_id), STEP_S)
    working = [one for one in orders if one.status not in _ENDED]
    if ward.policy is LossPolicy.CANCEL_ALL:
        return working, ()
    account = await asyncio.wait_for(session.fetch_account(ward.account_id), STEP_S)
    doomed = entries(working, account.positions)
    return doomed, [one for one in working if one not in doomed]


def entries(orders: Sequence[VenueOrder], held: Mapping[str, Decimal]) -> Sequence[VenueOrder]:
    """The orders that may open or enlarge a position; what only protects one is left out.

    An order protects when it stands against a holding and all orders against it together, this one and the ones before
    it counted, are no larger than the holding; of a pair of exits of one entry only one can happen.
    """
    spare = dict(held)
    by_pair: dict[tuple[str, str, Side], Decimal] = {}
    found = []
    for order in sorted(orders, key=lambda one: (one.parent_id, one.client_order_id, one.venue_order_id)):
        terms, left = order.terms, order.terms.quantity - order.filled_quantity
        if order.status == "HELD":  # waits for its entry, and goes with it
            continue
        holding = spare.get(terms.instrument_id, ZERO)
        pair = (terms.instrument_id, order.parent_id, terms.side)
        counted = by_pair.get(pair, ZERO) if order.parent_id else ZERO
        needed = max(ZERO, left - counted)
        if needed and (holding * terms.side.sign >= 0 or needed > abs(holding)):
            found.append(order)
            continue
        spare[terms.instrument_id] = holding + needed * terms.side.sign
        if order.parent_id:
            by_pair[pair] = counted + needed
    return found


def _ours(order: VenueOrder) -> Order:
    """The venue's order as the port's `cancel` takes it."""
    return Order(client_order_id=order.client_order_id, terms=order.terms, venue_order_id=order.venue_order_id)
