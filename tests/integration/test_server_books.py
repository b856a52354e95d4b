"""Orders, fills, lots, positions and cash on a real PostgreSQL: the fold of the journal, each entry once."""

from __future__ import annotations

from pathlib import Path

import apsw
import psycopg
import pytest

from stockpulse_engine.base.clock import ManualClock
from stockpulse_engine.base.paths import Paths, resolve_paths
from stockpulse_engine.domain.errors import IntegrityError
from stockpulse_engine.domain.events import Event
from stockpulse_engine.domain.orders import Order, OrderEvent, OrderEventKind, OrderTerms, OrderType, Side
from stockpulse_engine.portfolio.ledger import Ledger
from stockpulse_engine.storage.journal import SqliteJournal
from stockpulse_engine.storage.server.books import BooksMirror
from stockpulse_engine.storage.server.link import connect
from stockpulse_engine.storage.server.migrate import migrate
from stockpulse_engine.storage.server.settings import StorageSettings
from tests.fakes.portfolio_build import AAPL, MSFT, D, busted, corrected, fill, filled, moved, opened
from tests.fakes.postgres_server import PostgresServer


@pytest.fixture
def paths(home: Path) -> Paths:
    return resolve_paths(home)


@pytest.fixture
def settings(postgres: PostgresServer) -> StorageSettings:
    found = postgres.settings()
    migrate(found)
    return found


def mirror(paths: Paths, settings: StorageSettings) -> int:
    """Copy until everything is there; returns the entries."""
    with connect(settings) as connection:
        copier = BooksMirror(paths.journal("sim"), "sim", connection, "us")
        copied = 0
        while not (progress := copier.step()).is_done:
            copied += progress.rows
        copier.close()
    return copied


def submitted(order_id: str, side: Side, quantity: str, instrument_id: str = AAPL) -> OrderEvent:
    terms = OrderTerms(
        account_id="main", instrument_id=instrument_id, side=side, quantity=D(quantity), order_type=OrderType.MARKET
    )
    order = Order(client_order_id=order_id, terms=terms, source="cli", created_at=5)
    return OrderEvent(client_order_id=order_id, kind=OrderEventKind.SUBMIT, ts_event=5, recorded_at=5, order=order)


STORY: list[Event] = [
    opened(),
    moved("500.25"),
    submitted("o-1", Side.BUY, "10"),
    filled(fill("f1", "4", "100.125", fee="1", order_id="o-1")),
    filled(fill("f2", "6", "100.25", fee="1", order_id="o-1")),
    submitted("o-2", Side.SELL, "3"),
    filled(fill("f3", "-3", "110", order_id="o-2", at=1_700_000_000_123_456_789)),
    submitted("o-3", Side.SELL, "5", MSFT),
    filled(fill("f4", "-5", "50", order_id="o-3", instrument_id=MSFT)),
    busted(fill("f2", "6", "100.25", fee="1", order_id="o-1")),
    corrected(fill("f5", "-5", "51", order_id="o-3", instrument_id=MSFT, corrects="f4")),
]


async def write_journal(paths: Paths, events: list[Event]) -> None:
    journal = SqliteJournal(paths.journal("sim"), paths.journal_head("sim"), ManualClock(), is_inline=True)
    for event in events:
        await journal.append([event])
    journal.close()


def ask(settings: StorageSettings, question: str) -> list[tuple[object, ...]]:
    with connect(settings) as connection:
        return connection.execute(question).fetchall()


def check_books(settings: StorageSettings, events: list[Event]) -> None:
    """What a fold of the events says is what the server says."""
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    book = ledger.book("main")
    assert ask(settings, "SELECT account_id, currency, cash, realized, fees FROM cash") == [
        ("main", "USD", book.cash, book.realized, book.fees)
    ]
    positions = [(one.instrument_id, one.quantity, one.cost) for one in ledger.positions("main", with_flat=True)]
    assert sorted(ask(settings, "SELECT instrument_id, quantity, cost FROM positions")) == sorted(positions)
    lots = [(one.lot_id, one.quantity, one.cost, one.price) for one in ledger.lots("main")]
    assert sorted(ask(settings, "SELECT lot_id, quantity, cost, price FROM lots")) == sorted(lots)


async def test_orders_fills_lots_positions_and_cash_are_the_fold_of_the_journal(
    paths: Paths, settings: StorageSettings
) -> None:
    written = 0
    for count in (4, 7, len(STORY)):  # each time by a mirror that has to fold what is there first
        await write_journal(paths, STORY[written:count])
        assert mirror(paths, settings) == count - written
        check_books(settings, STORY[:count])
        written = count
    assert mirror(paths, settings) == 0
    standing = ask(settings, "SELECT fill_id FROM fills WHERE is_standing ORDER BY fill_id")
    assert standing == [("f1",), ("f3",), ("f5",)]
    assert ask(settings, "SELECT ts_ns FROM fills WHERE fill_id = 'f3'") == [(789,)]
    orders = ask(settings, "SELECT client_order_id, status, filled_quantity, origin FROM orders ORDER BY 1")
    assert orders[1] == ("o-2", "FILLED", D(3), "cli")
    assert len(orders) == 3


async def test_another_journal_in_its_place_is_copied_from_its_start(paths: Paths, settings: StorageSettings) -> None:
    await write_journal(paths, STORY)
    mirror(paths, settings)
    paths.journal("sim").unlink()
    paths.journal_head("sim").unlink()
    other: list[Event] = [opened(cash="7"), moved("3", "m9")]
    await write_journal(paths, other)
    assert mirror(paths, settings) == len(other)
    assert ask(settings, "SELECT cash FROM cash") == [(D(10),)]
    assert ask(settings, "SELECT * FROM orders UNION ALL SELECT * FROM orders") == []


async def test_a_step_that_fails_is_done_again(paths: Paths, settings: StorageSettings) -> None:
    await write_journal(paths, STORY)
    with connect(settings) as connection:
        connection.execute("ALTER TABLE cash ADD CHECK (cash < 0)")
    with connect(settings) as connection:
        copier = BooksMirror(paths.journal("sim"), "sim", connection, "us")
        with pytest.raises(psycopg.errors.CheckViolation):
            copier.step()
        assert ask(settings, "SELECT * FROM orders") == []
        with connect(settings) as other:
            other.execute("ALTER TABLE cash DROP CONSTRAINT cash_cash_check")
        assert copier.step().rows == len(STORY)
        copier.close()
    check_books(settings, STORY)


async def test_a_journal_that_does_not_hold_is_not_copied(paths: Paths, settings: StorageSettings) -> None:
    await write_journal(paths, STORY)
    database = apsw.Connection(str(paths.journal("sim")))
    database.execute("UPDATE entries SET recorded_at = recorded_at + 1 WHERE seq = 9")
    database.close()
    with pytest.raises(IntegrityError, match="Entry 9"):
        mirror(paths, settings)
    assert ask(settings, "SELECT * FROM orders") == []
