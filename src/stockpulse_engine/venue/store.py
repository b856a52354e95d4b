"""The venue's own store: SQLite with a synced write-ahead log, one transaction per turn.

Nothing in it comes from the engine's journal and nothing of the engine reads it: it is the independent witness. Rows
hold their values as exact decimal text, so that a person can read them with any SQLite shell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import apsw
import msgspec

from stockpulse_engine.base.files import fsync_dir
from stockpulse_engine.domain.accounts import Account
from stockpulse_engine.domain.errors import ConflictError, UnavailableError
from stockpulse_engine.domain.fills import Fill
from stockpulse_engine.domain.instruments import Instrument
from stockpulse_engine.domain.orders import OrderRole
from stockpulse_engine.domain.reports import ExecutionReport
from stockpulse_engine.venue.desk import AccountReport, AccountState, Counters, Turn
from stockpulse_engine.venue.orders import TERMINAL, WorkingOrder

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (account_id TEXT PRIMARY KEY, cash TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (
  account_id TEXT NOT NULL, instrument_id TEXT NOT NULL, quantity TEXT NOT NULL,
  PRIMARY KEY (account_id, instrument_id)
) WITHOUT ROWID;
CREATE TABLE orders (
  number INTEGER PRIMARY KEY, venue_order_id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL,
  client_order_id TEXT NOT NULL, parent_id TEXT NOT NULL, status TEXT NOT NULL, is_open INTEGER NOT NULL,
  filled TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX orders_by_client ON orders (client_order_id, account_id);
CREATE INDEX orders_open ON orders (account_id) WHERE is_open;
CREATE INDEX orders_by_parent ON orders (account_id, parent_id) WHERE parent_id <> '';
CREATE TABLE reports (seq INTEGER PRIMARY KEY, account_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX reports_by_account ON reports (account_id, seq);
CREATE TABLE fills (
  fill_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, account_id TEXT NOT NULL, client_order_id TEXT NOT NULL,
  body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX fills_by_account ON fills (account_id, seq);
CREATE TABLE instruments (instrument_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (client_order_id TEXT PRIMARY KEY, received INTEGER NOT NULL) WITHOUT ROWID;
"""
# `orders_by_client` is not unique on purpose: the index counts what was made, it does not prevent it. A duplicate
# that slipped through the venue's own check would be seen by the witness instead of being hidden by a constraint.

_json = msgspec.json.Encoder()
_order = msgspec.json.Decoder(WorkingOrder)
_report = msgspec.json.Decoder(ExecutionReport)
_fill = msgspec.json.Decoder(Fill)
_account = msgspec.json.Decoder(Account)
_instrument = msgspec.json.Decoder(Instrument)

_MAX_ROWS = 1_000_000
"""More open orders than this were never written by us."""


class Identity(msgspec.Struct, frozen=True):
    """What a store belongs to."""

    world: str
    seed: int


class VenueStore:
    """The one connection to a venue's store.

    Args:
        path: the database file; made when absent.
        identity: world and seed; a store of another one is refused.
        epoch: part of all ids of a new store; an existing store keeps its own.

    Raises:
        ConflictError: the store belongs to another world or seed.
        UnavailableError: it cannot be opened.
    """

    def __init__(self, path: Path, identity: Identity, epoch: str) -> None:
        is_new = not path.exists()
        try:
            self._db = apsw.Connection(str(path))
            path.chmod(0o600)
            self._prepare()
        except apsw.Error as error:
            raise UnavailableError(f"The venue's store {path} cannot be opened: {error}.") from error
        if is_new:
            fsync_dir(path.parent)
        self._path = path
        if self._meta("schema") is None:
            self._create(identity, epoch)
        self._check(identity)
        self.epoch = self._meta("epoch") or epoch
        self.counters = Counters(
            order=self._highest("SELECT max(number) FROM orders"),
            fill=int(self._meta("fills") or 0),
            report=self._highest("SELECT max(seq) FROM reports"),
        )

    @property
    def market_ns(self) -> int:
        """Market time of the last commit; 0 in a new store."""
        return int(self._meta("market_ns") or 0)

    def commit(self, turn: Turn, counters: Counters, market_ns: int, session_date: str) -> None:
        """Write one turn; when this returns it is on disk.

        Raises:
            UnavailableError: the disk refused. Nothing of the turn may be told then.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._write(turn)
                marks = {"market_ns": str(market_ns), "session_date": session_date, "fills": str(counters.fill)}
                self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", marks.items())
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except apsw.Error as error:
            raise UnavailableError(f"The venue's store {self._path} refused a write: {error}.") from error

    def close(self) -> None:
        """Fold the log into the file and close."""
        self._db.close()

    def load_accounts(self) -> list[AccountState]:
        """Every account with its cash and positions."""
        states = []
        for account_id, cash, body in self._db.execute("SELECT account_id, cash, body FROM accounts"):
            rows = self._db.execute("SELECT instrument_id, quantity FROM positions WHERE account_id = ?", (account_id,))
            positions = {name: Decimal(str(text)) for name, text in rows}
            states.append(AccountState(account=_account.decode(body), cash=Decimal(str(cash)), positions=positions))
        return states

    def keep_instruments(self, instruments: Iterable[Instrument]) -> None:
        """Remember what a live world was told to trade: its orders must find their books after a restart."""
        rows = [(each.instrument_id, _json.encode(each).decode()) for each in instruments]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO instruments VALUES (?, ?)", rows)

    def load_instruments(self) -> list[Instrument]:
        """What `keep_instruments` kept."""
        return [_instrument.decode(body) for (body,) in self._db.execute("SELECT body FROM instruments")]

    def load_orders(self) -> list[WorkingOrder]:
        """Open orders, and closed ones that belong to the bracket of an open one, oldest first."""
        rows = self._db.execute("SELECT body FROM orders WHERE is_open LIMIT ?", (_MAX_ROWS,))
        found = {order.number: order for order in map(_decode_order, rows)}
        for order in [each for each in found.values() if each.role is not OrderRole.SINGLE]:
            entry_id = order.parent_id or order.client_order_id
            for row in self._db.execute(
                "SELECT body FROM orders WHERE account_id = ?1 AND parent_id = ?2"
                " UNION ALL SELECT body FROM orders WHERE account_id = ?1 AND client_order_id = ?2",
                (order.account_id, entry_id),
            ):
                relative = _decode_order(row)
                found.setdefault(relative.number, relative)
        return [found[number] for number in sorted(found)]

    def find_order(self, account_id: str, client_order_id: str) -> WorkingOrder | None:
        """An order of any age (the first, should the impossible have happened)."""
        rows = self._db.execute(
            "SELECT body FROM orders WHERE client_order_id = ? AND account_id = ? ORDER BY number LIMIT 1",
            (client_order_id, account_id),
        )
        for row in rows:
            return _decode_order(row)
        return None

    def count_orders(self, client_order_id: str) -> tuple[int, int]:
        """How many orders were ever made from this id, and how many requests carried it."""
        made = self._highest("SELECT count(*) FROM orders WHERE client_order_id = ?", client_order_id)
        return made, self._highest("SELECT received FROM requests WHERE client_order_id = ?", client_order_id)

    def load_reports(self, account_id: str, after_seq: int, limit: int) -> list[AccountReport]:
        """Reports after a seq, in order; "" is every account."""
        rows = self._db.execute(
            "SELECT account_id, body FROM reports WHERE seq > ?1 AND (?2 = '' OR account_id = ?2)"
            " ORDER BY seq LIMIT ?3",
            (after_seq, account_id, limit),
        )
        return [AccountReport(str(owner), _report.decode(body)) for owner, body in rows]

    def load_fills(self, account_id: str, after_seq: int, limit: int) -> list[tuple[int, Fill]]:
        """Fills after a report seq, each with its own."""
        rows = self._db.execute(
            "SELECT seq, body FROM fills WHERE account_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            (account_id, after_seq, limit),
        )
        return [(int(seq), _fill.decode(body)) for seq, body in rows]

    def last_seq(self, account_id: str) -> int:
        """Seq of the account's last report, 0 when it has none."""
        return self._highest("SELECT max(seq) FROM reports WHERE account_id = ?", account_id)

    def _prepare(self) -> None:
        self._db.set_busy_timeout(2000)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "wal_autocheckpoint = 2000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")

    def _create(self, identity: Identity, epoch: str) -> None:
        with self._db:
            self._db.execute("DROP TABLE meta")
            self._db.execute(_SCHEMA)
            pairs = {"schema": SCHEMA_VERSION, "world": identity.world, "seed": identity.seed, "epoch": epoch}
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", [(key, str(value)) for key, value in pairs.items()])

    def _check(self, identity: Identity) -> None:
        layout = self._meta("schema")
        if layout != str(SCHEMA_VERSION):
            raise ConflictError(
                f"The venue's store {self._path} has layout {layout}, this program needs {SCHEMA_VERSION}.",
                fix="Use the program that made it, or move the store away.",
            )
        world, seed = self._meta("world"), self._meta("seed")
        if (world, seed) != (identity.world, str(identity.seed)):
            raise ConflictError(
                f"The venue's store {self._path} belongs to world {world} with seed {seed}, "
                f"not to {identity.world} with seed {identity.seed}.",
                fix="Start that world, or give this one a directory of its own.",
            )

    def _write(self, turn: Turn) -> None:
        execute_many = self._db.executemany
        execute_many("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _order_rows(turn))
        execute_many("INSERT INTO reports VALUES (?, ?, ?)", _report_rows(turn.reports))
        execute_many("INSERT INTO fills VALUES (?, ?, ?, ?, ?)", _fill_rows(turn.reports))
        execute_many(
            "INSERT INTO requests VALUES (?, 1) ON CONFLICT DO UPDATE SET received = received + 1",
            [(client_order_id,) for _, client_order_id in turn.requests],
        )
        for state in turn.accounts.values():
            self._write_account(state)

    def _write_account(self, state: AccountState) -> None:
        account_id = state.account.account_id
        body = _json.encode(state.account).decode()
        self._db.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", (account_id, str(state.cash), body))
        self._db.execute("DELETE FROM positions WHERE account_id = ?", (account_id,))
        self._db.executemany(
            "INSERT INTO positions VALUES (?, ?, ?)",
            [(account_id, name, str(quantity)) for name, quantity in state.positions.items()],
        )

    def _meta(self, key: str) -> str | None:
        for (value,) in self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)):
            return str(value)
        return None

    def _highest(self, sql: str, *parameters: str) -> int:
        for (value,) in self._db.execute(sql, parameters):
            return int(value) if isinstance(value, int) else 0
        return 0


def _decode_order(row: Sequence[object]) -> WorkingOrder:
    return _order.decode(str(row[0]))


def _order_rows(turn: Turn) -> Iterable[tuple[object, ...]]:
    for order in turn.orders.values():
        yield (
            order.number,
            order.venue_order_id,
            order.account_id,
            order.client_order_id,
            order.parent_id,
            order.status,
            order.status not in TERMINAL,
            str(order.filled),
            _json.encode(order).decode(),
        )


def _report_rows(reports: Iterable[AccountReport]) -> Iterable[tuple[object, ...]]:
    for each in reports:
        yield each.report.report_seq, each.account_id, _json.encode(each.report).decode()


def _fill_rows(reports: Iterable[AccountReport]) -> Iterable[tuple[object, ...]]:
    for each in reports:
        fill = each.report.fill
        if fill is not None:
            body = _json.encode(fill).decode()
            yield fill.fill_id, each.report.report_seq, each.account_id, fill.client_order_id, body
