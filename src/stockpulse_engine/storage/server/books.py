"""Orders, fills, lots, positions and cash on the server: a copy to read, folded from the journal's events.

The fold is the engine's own, so the copy can not disagree. A transaction brings some hundred entries, what they have
changed, and the cursor with the digest of the last one. A journal that is not the one the cursor speaks of (a backup
was restored, another branch grew) is copied from its start again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from stockpulse_engine.domain.events import AccountOpened, ActionApplied, CashMoved, HoldingsAdopted, SuspenseExplained
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.orders import Order
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.storage.server.cursors import Cursor, move, take
from stockpulse_engine.storage.server.intake import as_time
from stockpulse_engine.storage.server.link import Connection
from stockpulse_engine.storage.server.mirror import Progress
from stockpulse_engine.storage.server.schema import metadata
from stockpulse_engine.storage.server.tail import JournalTail
from stockpulse_engine.trading.book import Change, TradingBook
from stockpulse_engine.trading.ports import JournalEntry

BATCH: Final = 1_000
"""Entries in one transaction."""
TABLES: Final = ("orders", "fills", "lots", "positions", "cash")


class Touched(NamedTuple):
    """What a batch has changed."""

    orders: dict[str, int]
    """Client order id → seq of its last entry."""
    fills: dict[tuple[str, str], int]
    holdings: dict[tuple[str, str], int]
    """Account and instrument → the same."""
    accounts: dict[str, int]


class BooksMirror:
    """Copies one world's journal. One connection, not in autocommit."""

    def __init__(self, journal: Path, world: str, connection: Connection, owner: str) -> None:
        self._tail = JournalTail(journal)
        self._world = world
        self._stream = f"journal:{world}"
        self._connection = connection
        self._owner = owner
        self._reset()

    def _reset(self) -> None:
        self._book, self._ledger, self._folded = TradingBook(), Ledger(), Cursor(0, "")
        self._fills: dict[tuple[str, str], Fill] = {}

    def close(self) -> None:
        """Let go of the journal."""
        self._tail.close()

    def step(self) -> Progress:
        """Copy the next entries, if there are any.

        Raises:
            psycopg.Error: the server is away or refuses; nothing of the step is there.
            IntegrityError: an entry does not hold.
        """
        with self._connection.transaction():
            cursor = take(self._connection, self._stream, self._owner)
            if cursor.digest != self._tail.digest_at(cursor.seq):
                self._forget_everything()
                cursor = Cursor(0, "")
            self._catch_up(cursor)
            entries = list(islice(self._tail.scan(cursor.seq), BATCH))
            if not entries:
                return Progress(0, cursor.seq, is_done=True)
            try:
                self._write(self._fold(entries))
                move(self._connection, self._stream, self._folded)
            except BaseException:
                self._reset()  # the transaction is gone, so is what was folded for it
                raise
        return Progress(len(entries), self._folded.seq, is_done=False)

    def _catch_up(self, cursor: Cursor) -> None:
        """Bring the fold to where the server is, without writing."""
        if self._folded == cursor:
            return
        self._reset()
        for entry in self._tail.scan(0):
            if entry.seq > cursor.seq:
                return
            self._apply(entry)

    def _forget_everything(self) -> None:
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table} WHERE world = %s", (self._world,))

    def _apply(self, entry: JournalEntry) -> Change:
        change = self._book.apply(entry.event, entry.seq)
        self._ledger.apply(entry.event)
        self._folded = Cursor(entry.seq, entry.digest)
        return change

    def _fold(self, entries: list[JournalEntry]) -> Touched:
        touched = Touched({}, {}, {}, {})
        for entry in entries:
            change = self._apply(entry)
            if change.order is not None:
                touched.orders[change.order.client_order_id] = entry.seq
            if change.replaced is not None:
                touched.fills[change.replaced] = entry.seq
            if change.fill is not None:
                key = (change.fill.account_id, change.fill.fill_id)
                self._fills[key] = change.fill
                touched.fills[key] = entry.seq
            if change.order is not None and (change.fill is not None or change.replaced is not None):
                terms = change.order.terms
                touched.holdings[terms.account_id, terms.instrument_id] = entry.seq
                touched.accounts[terms.account_id] = entry.seq
            _touch(touched, entry)
        return touched

    def _write(self, touched: Touched) -> None:
        orders = [self._order_row(self._book.orders[key], seq) for key, seq in touched.orders.items()]
        self._upsert("orders", orders)
        self._upsert("fills", list(self._fill_rows(touched)))
        self._mark_taken_back(touched)
        self._write_holdings(touched)
        self._upsert("cash", [self._cash_row(name, seq) for name, seq in touched.accounts.items()])
        self._fills.clear()

    def _upsert(self, name: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_upserting(metadata.tables[name]), rows)

    def _order_row(self, order: Order, seq: int) -> tuple[Any, ...]:
        terms = order.terms
        return (
            *(self._world, order.client_order_id, terms.account_id, terms.instrument_id, terms.side.value),
            *(terms.order_type.value, terms.time_in_force.value, terms.session.value, terms.quantity),
            *(terms.limit_price, terms.stop_price, order.status.value, order.is_unknown, order.filled_quantity),
            *(order.average_price, order.fees, order.role.value, order.parent_id, order.venue_order_id),
            *(order.reason, order.code, order.source, order.created_at, order.updated_at, seq),
        )

    def _fill_rows(self, touched: Touched) -> Iterator[tuple[Any, ...]]:
        for key, fill in self._fills.items():
            yield (
                *(self._world, *key, fill.client_order_id, fill.instrument_id, fill.sign, fill.quantity, fill.price),
                *(fill.fee, fill.currency, fill.liquidity, as_time(fill.ts_event), fill.ts_event % 1000),
                *(fill.venue_order_id, fill.corrects, key in self._book.fills, touched.fills[key]),
            )

    def _mark_taken_back(self, touched: Touched) -> None:
        gone = [(seq, self._world, *key) for key, seq in touched.fills.items() if key not in self._book.fills]
        if gone:
            statement = (
                "UPDATE fills SET is_standing = false, journal_seq = %s "
                "WHERE world = %s AND account_id = %s AND fill_id = %s"
            )
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, gone)

    def _write_holdings(self, touched: Touched) -> None:
        positions, lots = [], []
        for (account_id, instrument_id), seq in touched.holdings.items():
            place = (self._world, account_id, instrument_id)
            self._connection.execute(
                "DELETE FROM lots WHERE world = %s AND account_id = %s AND instrument_id = %s", place
            )
            held = self._ledger.position(account_id, instrument_id)
            if held is not None:
                amounts = (held.quantity, held.cost, held.realized, held.fees)
                positions.append((*place, *amounts, held.opened_at, seq))
            lots += [
                (*place, lot.lot_id, lot.quantity, lot.cost, lot.price, lot.opened_at, lot.fill_id, seq)
                for lot in self._ledger.lots(account_id, instrument_id)
            ]
        self._upsert("positions", positions)
        self._upsert("lots", lots)

    def _cash_row(self, account_id: str, seq: int) -> tuple[Any, ...]:
        book = self._ledger.book(account_id)
        amounts = (book.cash, book.deposits, book.realized, book.fees)
        return (self._world, account_id, book.account.currency, *amounts, seq)


def _upserting(table: Table) -> str:
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    )


def _touch(touched: Touched, entry: JournalEntry) -> None:
    """What a fact has changed that is not about an order."""
    event, seq = entry.event, entry.seq
    if isinstance(event, AccountOpened):
        touched.accounts[event.account.account_id] = seq
    elif isinstance(event, CashMoved):
        touched.accounts[event.account_id] = seq
    elif isinstance(event, ActionApplied):
        said = event.statement
        touched.holdings[said.account_id, said.instrument_id] = seq
        touched.accounts[said.account_id] = seq
    elif isinstance(event, HoldingsAdopted | SuspenseExplained):
        touched.holdings.update(((event.account_id, one), seq) for one in _instruments_of(event))
        touched.accounts[event.account_id] = seq


def _instruments_of(event: HoldingsAdopted | SuspenseExplained) -> tuple[str, ...]:
    """What moved without an execution; nothing for cash."""
    if isinstance(event, HoldingsAdopted):
        return tuple(one.instrument_id for one in event.holdings)
    return (event.instrument_id,) if event.instrument_id else ()
