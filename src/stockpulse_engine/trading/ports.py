"""Ports the trading room needs: a broker, a journal, the halt latch, the pre-trade gate, the market's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.brokers import BrokerCapabilities
from stockpulse_engine.domain.commands import SubmitOrder
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.market import Quote
from stockpulse_engine.domain.orders import Order, OrderTerms
from stockpulse_engine.domain.reports import ExecutionReport, VenueAccount, VenueOrder
from stockpulse_engine.domain.views import Preview, VerifyResult
from stockpulse_engine.risk.verdict import Verdict


class AmbiguousOutcomeError(Exception):
    """The request may or may not have reached the broker: the order is UNKNOWN, never re-sent."""


class RejectedByBrokerError(Exception):
    """The broker answered a definite no; args[0] is the reason, args[1] the code."""


class Broker(Protocol):
    """Orders out, reports in. Every method raises AmbiguousOutcomeError when no definite answer came."""

    @property
    def capabilities(self) -> BrokerCapabilities:
        """What this broker can do."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the link is up now."""
        ...

    async def connect(self) -> None:
        """Open the link; raises UnavailableError."""
        ...

    async def close(self) -> None:
        """Close the link."""
        ...

    async def open_account(self, account: Account) -> None:
        """Make the account known to the venue (idempotent)."""
        ...

    async def submit(self, orders: Sequence[Order]) -> None:
        """Send one order, or an entry followed by its bracket children, as one request."""
        ...

    async def replace(self, order: Order, terms: OrderTerms, request_id: str) -> None:
        """Ask for new terms of a working order."""
        ...

    async def cancel(self, order: Order, request_id: str) -> None:
        """Ask to cancel; the proof arrives as a report."""
        ...

    async def cancel_all(self, account_id: str) -> None:
        """Ask to cancel every working order of the account in one request."""
        ...

    def reports(self, after_seq: int) -> AsyncIterator[Sequence[ExecutionReport]]:
        """Batches of reports with `report_seq > after_seq`: first what was missed, then live, until the link drops."""
        ...

    async def fetch_order(self, account_id: str, client_order_id: str) -> VenueOrder | None:
        """Targeted query: None is the venue's authenticated 'no such order'."""
        ...

    async def fetch_open_orders(self, account_id: str) -> Sequence[VenueOrder]:
        """All working orders, complete or an exception."""
        ...

    async def fetch_fills(self, account_id: str, after_seq: int) -> Sequence[Fill]:
        """All executions after the cursor, complete or an exception."""
        ...

    async def fetch_account(self, account_id: str) -> VenueAccount:
        """Cash and positions as the venue holds them."""
        ...


class JournalEntry(msgspec.Struct, frozen=True):
    """One stored record with its place in the hash chain."""

    seq: int
    recorded_at: int
    event: Event
    digest: str
    """SHA-256 hex of (previous digest, seq, canonical payload)."""


class Journal(Protocol):
    """Append-only, hash-chained, durable. Order is by `seq`, never by time."""

    @property
    def head(self) -> tuple[int, str]:
        """Sequence number and digest of the last durable entry."""
        ...

    async def append(self, events: Sequence[Event]) -> int:
        """Append and return the last seq once the group commit holding them is on disk.

        Raises:
            UnavailableError: the journal is read-only or the disk failed; nothing may leave then.
        """
        ...

    def enqueue(self, events: Sequence[Event]) -> asyncio.Future[int]:
        """Queue for the next commit; futures resolve in the order of the calls. Raises UnavailableError."""
        ...

    @property
    def failure(self) -> str:
        """Why the journal is read-only; "" while it is not."""
        ...

    def read(self, after_seq: int = 0, limit: int | None = None) -> Sequence[JournalEntry]:
        """Entries in order, verified against the chain."""
        ...

    def scan(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """The same one by one, for replays."""
        ...

    def fetch(self, seqs: Iterable[int]) -> Sequence[JournalEntry]:
        """The named entries, each verified against its predecessor. Raises IntegrityError."""
        ...

    async def verify(self) -> VerifyResult:
        """Walk the whole chain against the external head, off the loop."""
        ...


class BindingSink(Protocol):
    """Told which orders bind money or holdings, at every change and in the same turn."""

    def put(self, order: Order) -> None:
        """The order binds, as it is now."""
        ...

    def drop(self, order: Order) -> None:
        """The order binds nothing any more."""
        ...

    def reset(self, orders: Collection[Order]) -> None:
        """Forget everything: these are the orders that bind."""
        ...


class HaltLatch(Protocol):
    """The kill latch: a file that anyone may set and the last function before the venue reads."""

    def is_set(self) -> bool:
        """Whether HALTED is latched (a missing or unreadable directory counts as set)."""
        ...

    def set(self, reason: str, actor: str) -> None:
        """Create the latch file and fsync it."""
        ...

    def clear(self) -> None:
        """Remove the latch (only after a typed word)."""
        ...

    def note(self) -> str:
        """Who set it and why, as far as it tells; "" when it was only touched."""
        ...


class Gate(Protocol):
    """The pre-trade gate, bound by bootstrap to quotes, balances, limits and the trading state."""

    def judge(self, command: SubmitOrder, *, exclude: str = "") -> Verdict:
        """Judge an order now. Pure and total: denies on any missing input.

        The view it is judged on counts the service's binding orders, those on their way to the disk included.

        Args:
            command: the order with its bracket prices and `allow_duplicate`.
            exclude: id of the order being modified, whose own reservation does not count.
        """
        ...

    def preview(self, command: SubmitOrder) -> Preview:
        """What would happen if it were sent now, judged on the same view; never raises for a denial."""
        ...

    def note(self, order: Order, recorded_at: int) -> None:
        """An order was submitted (or its submission replayed): for the duplicate and rate checks."""
        ...


QuoteSource = Callable[[str], Quote | None]
"""Latest quote of an instrument: the arrival price."""

PositionSource = Callable[[str], Mapping[str, Decimal]]
"""Signed holdings of an account by instrument id, flat ones left out."""

MarketNow = Callable[[], int]
"""Market time of this world in UTC nanoseconds."""
